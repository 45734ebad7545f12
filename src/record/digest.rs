//! The digest of a record: equal records, equal digests, on every device and on the server. This module decides the
//! canonical form (keys sorted by bytes, numbers in one form, no white space; the idea of RFC 8785) and hashes it; it is a
//! check against drift and rot, not against forgery.

use crate::record::{Fields, value};
use serde_json::Value;

/// The digest of a record's fields: 16 hex digits of XXH3-64 over the canonical form.
///
/// ```
/// use serde_json::json;
/// let one = json!({"b": 1.0, "a": "x"});
/// let two = json!({"a": "x", "b": 1});
/// assert_eq!(landfall::record::digest(one.as_object().unwrap()), landfall::record::digest(two.as_object().unwrap()));
/// ```
#[must_use]
pub fn digest(fields: &Fields) -> String {
    let mut text = String::with_capacity(256);
    write_object(fields, &mut text);
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}

/// The canonical JSON text of a value.
#[must_use]
pub fn canonical_text(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => write_object(fields, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Number(number) => match number.as_f64().and_then(value::canonical) {
            Some(number) => out.push_str(&number.to_string()),
            None => out.push_str("null"),
        },
        // serde_json's own writer escapes texts; there is nothing in a text that it could refuse.
        other => out.push_str(&other.to_string()),
    }
}

fn write_object(fields: &Fields, out: &mut String) {
    out.push('{');
    for (at, (key, value)) in fields.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&Value::String(key.clone()).to_string());
        out.push(':');
        write(value, out);
    }
    out.push('}');
}
