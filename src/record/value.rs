//! JSON values by meaning: numbers by value, texts by content, objects without order. This module decides when two values
//! are the same; it changes none. Merge, patches and the digest rest on it.

use serde_json::{Number, Value};

/// Whether two values mean the same; `1` and `1.0` do.
///
/// ```
/// use serde_json::json;
/// assert!(landfall::record::value::same(&json!({"a": [1, 2]}), &json!({"a": [1.0, 2]})));
/// ```
#[must_use]
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

/// Whether two optional values mean the same; absent is not null.
#[must_use]
pub fn same_option(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// The JSON number of a double; whole ones without a fraction, so that one value has one form.
#[must_use]
pub fn number(value: f64) -> Value {
    canonical(value).map_or(Value::Null, Value::Number)
}

/// The one form of a number that every part of the system writes: whole numbers up to 2^53 as integers (also `-0.0`).
#[must_use]
pub fn canonical(value: f64) -> Option<Number> {
    if value.fract() == 0.0 && value.abs() <= crate::limits::INTEGER_MAX {
        #[allow(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}
