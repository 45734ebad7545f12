//! The report of references that lead nowhere, and what an application has done about them. This module decides nothing: it
//! asks page after page, and every mending is an ordinary write.

use crate::bindings::face;
use crate::browser::host::Host;
use crate::error::{Code, Error, Result};
use crate::plain::{self, Plain};
use crate::store::inspect::{Inspect, Orphan, Strategy, mend};
use crate::store::rows::Record;
use crate::store::{Output, Read};
use serde_json::Value;
use std::rc::Rc;
use wasm_bindgen::JsValue;

/// Most orphans one report names.
const LIST: usize = 1000;

/// Every orphan, as far as one report goes.
async fn orphans(host: &Host) -> Result<Vec<Orphan>> {
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        let Output::Inspected(page) = host.run(&Inspect::new(host.schema(), from).into()).await? else { return Ok(found) };
        found.extend(page.orphans);
        from = page.next;
        if from.is_none() || found.len() >= LIST {
            return Ok(found);
        }
    }
}

pub(super) async fn report(host: &Host) -> Result<JsValue> {
    let one = |orphan: &Orphan| {
        plain::object([
            ("entity", orphan.entity.plain()),
            ("id", orphan.id.plain()),
            ("path", orphan.path.plain()),
            ("target", plain::object([("entity", orphan.target.0.plain()), ("id", orphan.target.1.plain())])),
            ("certain", Value::Bool(orphan.certain)),
        ])
    };
    let list: Vec<Value> = orphans(host).await?.iter().map(one).collect();
    Ok(face::value(&Value::Array(list)))
}

/// Mends every certain orphan; how many records were changed.
pub(super) async fn resolve(host: &Rc<Host>, strategy: &str) -> Result<JsValue> {
    let strategy = match strategy {
        "delete" => Strategy::Delete,
        "set_null" => Strategy::SetNull,
        // They stay as they are: their ops wait for what they lack, or for a person.
        "keep" | "queue" => return Ok(JsValue::from_f64(0.0)),
        _ => return Err(Error::new(Code::ValidationError, "no such strategy").hint("delete, keep, queue or set_null")),
    };
    let mut mended = 0.0;
    for orphan in orphans(host).await?.iter().filter(|orphan| orphan.certain) {
        let store = host.schema().entity(&orphan.entity)?.store.clone();
        let rows = host.rows(&[Read::Get { store: store.into(), key: orphan.id.as_str().into() }]).await?;
        let Some(row) = rows.first().map(|rows| rows.get(0)).filter(|row| !row.is_undefined()) else { continue };
        let record = Record::from_row(crate::browser::js::read(&row)?)?;
        if let Some(request) = mend(host.schema(), orphan, &record.fields, strategy)? {
            host.write(request).await?;
            mended += 1.0;
        }
    }
    Ok(JsValue::from_f64(mended))
}
