//! The digest of a record: equal records, equal digests, on every device and on the server. This module decides the
//! canonical form (keys sorted by bytes, numbers in one form, no white space; the idea of RFC 8785) and hashes it; it is a
//! check against drift and rot, not against forgery.

use crate::plain::text;
use crate::record::{Fields, value};
use serde_json::{Number, Value};

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
    text::write_object(fields, &mut text, number);
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}

/// The canonical JSON text of a value.
#[must_use]
pub fn canonical_text(value: &Value) -> String {
    let mut out = String::new();
    text::write(value, &mut out, number);
    out
}

/// A number in its one form.
fn number(number: &Number, out: &mut String) {
    match number.as_f64().and_then(value::canonical) {
        Some(number) => text::as_it_is(&number, out),
        None => out.push_str("null"),
    }
}
