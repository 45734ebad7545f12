//! JSON text of a value. This module decides the one form in which the crate writes JSON: no white space, and in texts only
//! those characters escaped that have to be. Requests, stored rows, digests and measures of size are all written by it.

use serde_json::{Map, Number, Value};
use std::fmt::Write;

/// How a number is written.
pub type WriteNumber = fn(&Number, &mut String);

/// The JSON text of a value.
///
/// ```
/// let value = serde_json::json!({"b": [1.5, null], "a": "say \"hi\""});
/// assert_eq!(landfall::plain::text(&value), r#"{"a":"say \"hi\"","b":[1.5,null]}"#);
/// ```
#[must_use]
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out, as_it_is);
    out
}

/// The bytes of an object's JSON text.
#[must_use]
pub fn size(fields: &Map<String, Value>) -> usize {
    let mut out = String::new();
    write_object(fields, &mut out, as_it_is);
    out.len()
}

/// A number as it is read: `1` and `1.0` stay apart.
pub fn as_it_is(number: &Number, out: &mut String) {
    // A `String` takes everything.
    let _ = write!(out, "{number}");
}

/// Writes a value.
pub fn write(value: &Value, out: &mut String, number: WriteNumber) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(value) => number(value, out),
        Value::String(text) => quote(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out, number);
            }
            out.push(']');
        }
        Value::Object(fields) => write_object(fields, out, number),
    }
}

/// Writes an object, its keys in the order of their bytes.
pub fn write_object(fields: &Map<String, Value>, out: &mut String, number: WriteNumber) {
    out.push('{');
    for (at, (key, value)) in fields.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        quote(key, out);
        out.push(':');
        write(value, out, number);
    }
    out.push('}');
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            8 => "\\b",
            12 => "\\f",
            0..32 => "",
            _ => continue,
        };
        // What needs an escape is one byte long, so both cuts are between characters.
        out.push_str(&text[from..at]);
        from = at + 1;
        if short.is_empty() {
            let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' + half - 10 });
            out.push_str("\\u00");
            out.push(digit(byte >> 4));
            out.push(digit(byte & 15));
        } else {
            out.push_str(short);
        }
    }
    out.push_str(&text[from..]);
    out.push('"');
}
