//! Temporary ids as applications meet them: reads by an id that has become another one, and the list of mappings. This module
//! decides where an old id may stand in a question; what it stands for, the store's `id_map` says.

use crate::browser::host::Host;
use crate::browser::js;
use crate::error::Result;
use crate::id::is_temp;
use crate::schema::IdMode;
use crate::store::layout::ID_MAP;
use crate::store::query::Query;
use crate::store::rows::IdMapRow;
use crate::store::{Range, Read};
use js_sys::{Array, Object};
use serde_json::Value;
use std::collections::BTreeMap;
use wasm_bindgen::JsValue;

/// Most mappings one call lists.
const LIST: u32 = 1000;

/// The id under which a record is stored now; none if it never had another one.
pub(super) async fn real(host: &Host, id: &str) -> Result<Option<String>> {
    if host.schema().id_mode != IdMode::Temp || !is_temp(id) {
        return Ok(None);
    }
    let rows = host.rows(&[IdMapRow::read(id)]).await?;
    let row = rows.first().map_or(JsValue::UNDEFINED, |rows| rows.get(0));
    Ok(js::get(&row, "realId").as_string())
}

/// The query with every old id replaced, wherever a value is compared.
pub(super) async fn resolved(host: &Host, query: &Query) -> Result<Query> {
    let mut query = query.clone();
    let mut temps = BTreeMap::new();
    if host.schema().id_mode == IdMode::Temp {
        query.conditions.values_mut().for_each(|value| {
            each(value, &mut |text| {
                if is_temp(text) {
                    temps.insert(text.clone(), None);
                }
            })
        });
    }
    for (temp, found) in &mut temps {
        *found = real(host, temp).await?;
    }
    query.conditions.values_mut().for_each(|value| {
        each(value, &mut |text| {
            if let Some(Some(id)) = temps.get(text) {
                text.clone_from(id);
            }
        })
    });
    Ok(query)
}

fn each(value: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, visit)),
        Value::Object(fields) => fields.values_mut().for_each(|value| each(value, visit)),
        _ => {}
    }
}

/// What temporary ids stand for, oldest first.
pub(super) async fn mappings(host: &Host) -> Result<JsValue> {
    let rows = host.rows(&[Read::Range(Range::all(ID_MAP, LIST))]).await?;
    Ok(rows.into_iter().next().unwrap_or_default().into())
}

/// Temporary ids whose records the server has not taken yet, in the same form.
pub(super) fn pending(ops: &Array) -> JsValue {
    let list = Array::new();
    for op in ops.iter() {
        let id = js::get(&op, "entity_id").as_string().unwrap_or_default();
        if js::get(&op, "operation").as_string().as_deref() != Some("create") || !is_temp(&id) {
            continue;
        }
        let row = Object::new();
        js::set(&row, "tempId", &JsValue::from_str(&id));
        js::set(&row, "realId", &JsValue::NULL);
        js::set(&row, "entityType", &js::get(&op, "entity_type"));
        js::set(&row, "createdAt", &js::get(&op, "created_at"));
        js::set(&row, "syncedAt", &JsValue::NULL);
        list.push(&row);
    }
    list.into()
}
