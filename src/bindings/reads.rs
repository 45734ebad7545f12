//! Reads for applications: records, queries, the queue, conflicts, what is known of the database. This module decides which
//! rows answer a call; they are handed on as they are stored, without a round trip through JSON.

use crate::bindings::{face, ids};
use crate::browser::host::Host;
use crate::browser::js;
use crate::error::Result;
use crate::plain::{self, Plain, plain};
use crate::queue::OpStatus;
use crate::record::order;
use crate::store::deleted::Deleted;
use crate::store::layout::{BY_STATUS, CONFLICTS, QUARANTINE, QUEUE};
use crate::store::query::{Query, RowView};
use crate::store::rows::{Head, SYNC, SyncRow};
use crate::store::{Output, Range, Read};
use crate::sync::Cycle;
use crate::time::Millis;
use js_sys::{Array, Object};
use serde_json::Value;
use std::rc::Rc;
use wasm_bindgen::JsValue;

/// Most rows one call reads of one status.
const LIST: u32 = 1000;

/// A stored row whose fields are looked at where they are.
struct Stored(JsValue);

impl RowView for Stored {
    fn at(&self, path: &str) -> Option<Value> {
        let found = path.split('.').fold(self.0.clone(), |value, step| js::get(&value, step));
        if found.is_undefined() { None } else { js::read(&found).ok() }
    }
}

plain! {
    /// Which ops to list.
    #[derive(Debug, Default)]
    pub(super) struct Filter {
        status: Vec<OpStatus> = Vec::new(),
        entity: Option<String>,
        limit: Option<u32>,
        ..
    }
}

impl Filter {
    /// Everything that is not completed.
    pub(super) fn all() -> Self {
        Self { limit: Some(u32::MAX), ..Self::default() }
    }
}

pub(super) async fn get(host: &Host, entity: &str, id: &str) -> Result<JsValue> {
    let store = host.schema().entity(entity)?.store.clone();
    let read = |id: &str| Read::Get { store: store.clone().into(), key: id.into() };
    let mut row = one(host, read(id)).await?;
    if row.is_undefined()
        && let Some(real) = ids::real(host, id).await?
    {
        row = one(host, read(&real)).await?;
    }
    if row.is_undefined() {
        return Ok(JsValue::NULL);
    }
    mark(host, entity, &row)?;
    Ok(row)
}

async fn one(host: &Host, read: Read) -> Result<JsValue> {
    Ok(host.rows(&[read]).await?.first().map_or(JsValue::UNDEFINED, |rows| rows.get(0)))
}

pub(super) async fn query(host: &Host, query: &Query) -> Result<JsValue> {
    let plan = ids::resolved(host, query).await?.plan(host.schema())?;
    // The generation is read in the same transaction: nothing can change between the two.
    let mut rows = host.rows(&[Read::Range(plan.range.clone()), Head::read()]).await?.into_iter();
    let (found, head) = (rows.next().unwrap_or_default(), rows.next().unwrap_or_default());
    let page = plan.page(found.iter().map(Stored).collect());
    let answer = Object::new();
    for row in &page.rows {
        mark(host, &query.entity, &row.0)?;
    }
    js::set(&answer, "rows", &page.rows.into_iter().map(|row| row.0).collect::<Array>());
    js::set(&answer, "cursor", &page.cursor.map_or(JsValue::NULL, |cursor| JsValue::from_str(&cursor)));
    js::set(&answer, "gen", &generation(&head));
    Ok(answer.into())
}

/// A record whose op is on its way says so while it is (STO-4); it is not stored, so that sending costs no further write.
fn mark(host: &Host, entity: &str, row: &JsValue) -> Result<()> {
    let id = js::get(row, &host.schema().entity(entity)?.key).as_string().unwrap_or_default();
    let sync = js::get(row, SYNC);
    if host.travels(entity, &id) && js::get(&sync, "status").as_string().as_deref() == Some("pending") {
        js::set(&sync, "status", &JsValue::from_str("syncing"));
    }
    Ok(())
}

fn generation(head: &Array) -> JsValue {
    let found = js::get(&head.get(0), "gen_no");
    if found.is_undefined() { JsValue::from_f64(0.0) } else { found }
}

pub(super) async fn queue(host: &Host, filter: &Filter) -> Result<JsValue> {
    let unfinished = [OpStatus::Pending, OpStatus::Syncing, OpStatus::Failed, OpStatus::Conflict];
    let wanted = if filter.status.is_empty() { &unfinished[..] } else { &filter.status[..] };
    let reads: Vec<Read> = wanted.iter().map(|status| Read::Range(by_status(*status))).collect();
    let mut rows: Vec<(f64, JsValue)> = host
        .rows(&reads)
        .await?
        .iter()
        .flat_map(|rows| rows.iter().collect::<Vec<_>>())
        .filter(|row| {
            filter.entity.as_ref().is_none_or(|entity| js::get(row, "entity_type").as_string().as_ref() == Some(entity))
        })
        .map(|row| (js::get(&row, "seq").as_f64().unwrap_or_default(), row))
        .collect();
    order::sort(&mut rows, |a, b| a.0.total_cmp(&b.0));
    rows.truncate(filter.limit.unwrap_or(200) as usize);
    Ok(rows.into_iter().map(|(_, row)| row).collect::<Array>().into())
}

fn by_status(status: OpStatus) -> Range {
    Range::all(QUEUE, LIST).by(BY_STATUS).only(status.as_str().into())
}

pub(super) async fn conflicts(host: &Host) -> Result<JsValue> {
    let rows = host.rows(&[Read::Range(Range::all(CONFLICTS, LIST))]).await?;
    Ok(rows.into_iter().next().unwrap_or_default().into())
}

pub(super) async fn deleted(host: &Rc<Host>, entity: String) -> Result<JsValue> {
    host.schema().entity(&entity)?;
    let output = host.run_mending(&Deleted::new(entity).into()).await?;
    let Output::Listed(listed) = output else { return Ok(Array::new().into()) };
    js::write(&Value::from(listed.records.into_iter().map(Value::Object).collect::<Vec<_>>()))
}

pub(super) async fn quarantine(host: &Host) -> Result<JsValue> {
    let rows = host.rows(&[Read::Range(Range::all(QUARANTINE, LIST))]).await?;
    Ok(rows.into_iter().next().unwrap_or_default().into())
}

pub(super) async fn meta(host: &Host) -> Result<JsValue> {
    let rows = host.rows(&[Head::read(), SyncRow::read()]).await?;
    let head = rows.first().cloned().unwrap_or_default();
    let sync = rows.get(1).map_or(JsValue::UNDEFINED, |rows| rows.get(0));
    let meta = Object::new();
    js::set(&meta, "database", &JsValue::from_str(host.database()));
    js::set(&meta, "device", &or(js::get(&sync, "device_id"), JsValue::NULL));
    js::set(&meta, "gen", &generation(&head));
    js::set(&meta, "usage", &or(js::get(&head.get(0), "usage"), Object::new().into()));
    js::set(&meta, "readonly", &JsValue::from_bool(host.is_read_only()));
    Ok(meta.into())
}

fn or(value: JsValue, otherwise: JsValue) -> JsValue {
    if value.is_undefined() { otherwise } else { value }
}

/// What a sync came to, with the ops it dealt with.
pub(super) async fn result(host: &Host, cycle: Cycle, began: Millis) -> Result<JsValue> {
    let dealt = |status| Read::Range(Range { reverse: true, ..by_status(status) });
    let reads = [OpStatus::Completed, OpStatus::Failed, OpStatus::Conflict].map(dealt);
    // After `close` the database is gone, and the cycle's own error says so.
    let rows = host.rows(&reads).await.unwrap_or_default();
    #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 stay below 2^53")]
    let began = began.0 as f64;
    let recent = |op: &JsValue| js::get(op, "updated_at").as_f64().is_some_and(|at| at >= began);
    let ops: Array = rows.iter().flat_map(Array::iter).filter(recent).collect();
    let errors: Array = ops.iter().map(|op| js::get(&op, "error")).filter(|error| !error.is_undefined()).collect();
    if let Some(error) = &cycle.error {
        errors.unshift(&face::value(&error.plain()));
    }
    let result = face::value(&plain::object([
        ("success", (cycle.error.is_none() && cycle.failed == 0).into()),
        ("synced", cycle.synced.into()),
        ("failed", cycle.failed.into()),
        ("conflicts", cycle.conflicts.into()),
        ("pulled", cycle.pulled.into()),
        ("duration", cycle.duration.into()),
    ]));
    js::set(&result, "operations", &ops);
    js::set(&result, "errors", &errors);
    Ok(result)
}
