//! The one index of a ledger over what rows hold: whom they refer to and which values only they may have. This module
//! decides the terms under which a row is found, and when an index made under an older declaration has to be made anew; a
//! ledger stores the terms of every live row beside it and finds rows by them, never by looking through all of them.

use crate::authority::rows::Row;
use crate::record::digest::canonical_text;
use crate::schema::{Field, Schema};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Longest value that stands in a term as it is, in bytes; a longer one is hashed.
const PLAIN_BYTES: usize = 128;

/// The terms of a row, sorted, each once; a tombstone has none.
#[must_use]
pub fn of(schema: &Schema, row: &Row) -> Vec<String> {
    let Some(entity) = schema.entities.get(&row.entity).filter(|_| !row.deleted) else { return Vec::new() };
    let mut terms: Vec<String> = entity.referred(&row.data).into_iter().map(|(entity, id, _)| refers(entity, id)).collect();
    terms.extend(entity.uniques(&row.data).into_iter().map(|one| holds(&row.entity, &one.field, one.value)));
    terms.sort();
    terms.dedup();
    terms
}

/// The term of rows that refer to this record.
#[must_use]
pub fn refers(entity: &str, id: &str) -> String {
    format!(">{entity}/{id}")
}

/// The term of rows that hold this value in a field that is unique.
#[must_use]
pub fn holds(entity: &str, field: &str, value: &Value) -> String {
    let text = canonical_text(value);
    if text.len() <= PLAIN_BYTES {
        return format!("={entity}.{field}={text}");
    }
    format!("={entity}.{field}#{}", hex(text.as_bytes()))
}

/// Which fields of a declaration have terms. When it changes, the index of a tenant is made anew from its rows.
#[must_use]
pub fn signature(schema: &Schema) -> String {
    let mut text = String::new();
    for (name, entity) in &schema.entities {
        for (path, reference) in entity.references() {
            text.push_str(&format!("{name}.{}>{}\n", path.join("."), reference.entity));
        }
        unique_paths(&entity.fields, name, &mut text);
    }
    hex(text.as_bytes())
}

fn unique_paths(fields: &BTreeMap<String, Field>, path: &str, text: &mut String) {
    for (name, mut field) in fields {
        let path = format!("{path}.{name}");
        while let Some(items) = field.items.as_deref() {
            field = items;
        }
        if field.unique {
            text.push_str(&format!("{path}=\n"));
        }
        unique_paths(&field.fields, &path, text);
    }
}

/// SHA-256 in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
