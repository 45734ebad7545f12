//! The value domain: which JSON may be stored and sent at all (design.md, "Value domain"). This module refuses what one
//! of the parts on a value's way (V8, serde_json, PostgreSQL, SQLite) would change or choke on; it knows no schema. It is
//! called at the local write and again at the server.

use crate::error::{Code, Error, Result};
use crate::limits;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};
use std::fmt;

/// Parses JSON text strictly: no duplicate keys, no depth beyond a message's, numbers finite and whole ones safe.
///
/// # Errors
/// `VALIDATION_ERROR` with what is wrong and where in the text.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: limits::BODY_DEPTH }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| Error::new(Code::ValidationError, error.to_string()))
}

/// Checks one value of at most `depth` levels and returns the bytes of its JSON (escapes not counted).
///
/// # Errors
/// `VALIDATION_ERROR`; its path is relative to the value.
pub fn value(value: &Value, depth: usize) -> Result<usize> {
    match value {
        Value::Null | Value::Bool(_) => Ok(4),
        Value::Number(number) => self::number(number).map(|()| 8),
        Value::String(text) => self::text(text).map(|()| text.len() + 2),
        Value::Array(items) => {
            let depth = deeper(depth)?;
            items.iter().enumerate().try_fold(2, |sum, (at, item)| {
                Ok(sum + 1 + self::value(item, depth).map_err(|error| inside(error, &format!("[{at}]")))?)
            })
        }
        Value::Object(fields) => {
            let depth = deeper(depth)?;
            if fields.len() > limits::RECORD_FIELDS {
                return Err(wrong(format!("more than {} fields", limits::RECORD_FIELDS)));
            }
            fields.iter().try_fold(2, |sum, (name, item)| {
                key(name)?;
                Ok(sum + name.len() + 4 + self::value(item, depth).map_err(|error| inside(error, &format!(".{name}")))?)
            })
        }
    }
}

/// Checks the name of a field.
///
/// # Errors
/// `VALIDATION_ERROR`.
pub fn key(name: &str) -> Result<()> {
    if matches!(name, "__proto__" | "constructor" | "prototype") {
        return Err(wrong(format!("the field name {name} is not allowed")).hint("it would address an object's prototype"));
    }
    if name.len() > limits::ID_BYTES || name.contains('\0') {
        return Err(wrong("a field name is at most 128 bytes and has no NUL"));
    }
    Ok(())
}

fn text(text: &str) -> Result<()> {
    if text.len() > limits::STRING_BYTES {
        return Err(wrong(format!("a text of {} bytes; {} are allowed", text.len(), limits::STRING_BYTES)));
    }
    if text.contains('\0') {
        return Err(wrong("a text with a NUL character").hint("some databases cannot store it"));
    }
    Ok(())
}

fn number(number: &Number) -> Result<()> {
    if !number.as_f64().is_some_and(f64::is_finite) {
        return Err(wrong("a number that is not a finite double"));
    }
    // Compared as whole numbers: as a double 2^53+1 would already be rounded to what is allowed.
    let whole = number.as_i64().map(i64::unsigned_abs).or(number.as_u64());
    if whole.is_some_and(|whole| whole > 1 << 53) {
        return Err(wrong("a whole number beyond ±2^53").hint("JavaScript would round it; send it as text"));
    }
    Ok(())
}

fn deeper(depth: usize) -> Result<usize> {
    depth.checked_sub(1).ok_or_else(|| wrong(format!("nested deeper than {}", limits::VALUE_DEPTH)))
}

fn inside(error: Error, step: &str) -> Error {
    let path = format!("{step}{}", error.path);
    error.at(path)
}

fn wrong(what: impl Into<String>) -> Error {
    Error::new(Code::ValidationError, what)
}

/// Builds a `Value` and refuses what `serde_json::Value` would quietly accept.
struct Strict {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON of the value domain")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> std::result::Result<Value, E> {
        crate::record::value::canonical(value).map(Value::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Value, A::Error> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| de::Error::custom("nested too deep"))?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Strict { depth })? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Value, A::Error> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| de::Error::custom("nested too deep"))?;
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(Strict { depth })?;
            match fields.entry(key) {
                Entry::Vacant(place) => place.insert(value),
                Entry::Occupied(taken) => return Err(de::Error::custom(format!("the key {} stands twice", taken.key()))),
            };
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, value};
    use crate::limits::VALUE_DEPTH;
    use serde_json::json;

    // SEC-8
    #[test]
    fn what_some_part_on_the_way_would_change_is_refused() {
        for text in ["9007199254740993", "-9007199254740993", "18446744073709551615", "\"a\\u0000b\"", "{\"__proto__\": 1}"] {
            let parsed = parse(text.as_bytes()).unwrap();
            assert!(value(&parsed, VALUE_DEPTH).is_err(), "{text}");
        }
        for text in ["1e400", "{\"a\": 1, \"a\": 2}", "\"\\ud800\"", "[1", "", &"[".repeat(200)] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        for fine in [json!(9_007_199_254_740_992_u64), json!(-1.5), json!(1e300), json!({"a": [null, true, "ü"]})] {
            assert!(value(&fine, VALUE_DEPTH).is_ok(), "{fine}");
        }
    }

    #[test]
    fn depth_is_counted_in_levels() {
        let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
        assert!(value(&nested(VALUE_DEPTH), VALUE_DEPTH).is_ok());
        assert!(value(&nested(VALUE_DEPTH + 1), VALUE_DEPTH).is_err());
    }
}
