//! Whether a value fits the schema. This module decides what a record, a change and an id may hold, and tells where it does
//! not and how to mend it; it never repairs a value, and its messages name types, never contents. The local write calls it,
//! and the server calls it again.

use super::{Entity, Field, FieldType};
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::plain::{self, nearest};
use crate::record::digest::canonical_text;
use crate::record::{Fields, domain, value};
use crate::time::Millis;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

impl Entity {
    /// Checks a whole record; `name` is the entity's. The key may be absent: it is the engine that puts it in.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` at `entity.field[2].sub`, or at the entity for a record over its limits.
    pub fn check_record(&self, name: &str, fields: &Fields) -> Result<()> {
        self.check_values(name, fields)?;
        for (field, declared) in &self.fields {
            if declared.required && *field != self.key && !fields.contains_key(field) {
                return Err(missing(&format!("{name}.{field}"), declared));
            }
        }
        Ok(())
    }

    /// Checks those fields of a record that are there: what a device gets of a partition that names fields.
    ///
    /// # Errors
    /// As `check_record`.
    pub fn check_values(&self, name: &str, fields: &Fields) -> Result<()> {
        size(name, fields)?;
        for (field, value) in fields {
            let declared = self.known(name, field)?;
            check(declared, value, &format!("{name}.{field}"))?;
            if *field == self.key {
                self.check_id(name, value.as_str().unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// Checks a change: the fields it sets and the fields it takes away.
    ///
    /// # Errors
    /// As `check_record`; also for a change of the key, and for a required field taken away.
    pub fn check_patch(&self, name: &str, data: &Fields, removed: &[String]) -> Result<()> {
        size(name, data)?;
        for (field, value) in data {
            let path = format!("{name}.{field}");
            if *field == self.key {
                return Err(wrong("the key of a record cannot be changed").at(path).hint("create a new record instead"));
            }
            check(self.known(name, field)?, value, &path)?;
        }
        for field in removed {
            let path = format!("{name}.{field}");
            if *field == self.key || self.known(name, field)?.required {
                return Err(wrong("a required field cannot be removed").at(path).hint("set it to another value"));
            }
            if data.contains_key(field) {
                return Err(wrong("the field is both set and removed").at(path).hint("do one of the two"));
            }
        }
        Ok(())
    }

    /// Checks an id: 1 to 128 bytes without control characters.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` at the entity's key.
    pub fn check_id(&self, name: &str, id: &str) -> Result<()> {
        let path = || format!("{name}.{}", self.key);
        if id.is_empty() || id.len() > limits::ID_BYTES {
            let what = format!("an id must have 1 to {} bytes, got {}", limits::ID_BYTES, id.len());
            return Err(wrong(what).at(path()).hint("let the engine make it"));
        }
        if id.chars().any(char::is_control) {
            return Err(wrong("an id must not have control characters").at(path()).hint("let the engine make it"));
        }
        Ok(())
    }

    /// A record with the schema's defaults in the fields it does not name, also inside the objects it does.
    #[must_use]
    pub fn with_defaults(&self, fields: &Fields) -> Fields {
        let mut fields = fields.clone();
        fill(&self.fields, &mut fields);
        fields
    }

    fn known(&self, name: &str, field: &str) -> Result<&Field> {
        self.fields.get(field).ok_or_else(|| unknown(&format!("{name}.{field}"), field, self.fields.keys()))
    }
}

fn fill(declared: &BTreeMap<String, Field>, fields: &mut Fields) {
    for (name, field) in declared {
        match fields.get_mut(name) {
            Some(value) => fill_value(field, value),
            None => {
                if let Some(default) = &field.default {
                    fields.insert(name.clone(), default.clone());
                }
            }
        }
    }
}

fn fill_value(field: &Field, value: &mut Value) {
    match (value, &field.items) {
        (Value::Object(fields), _) => fill(&field.fields, fields),
        (Value::Array(items), Some(inner)) => items.iter_mut().for_each(|item| fill_value(inner, item)),
        _ => {}
    }
}

/// The limits of the whole; the value domain first, so that nothing below meets a value deeper than it allows.
fn size(name: &str, fields: &Fields) -> Result<()> {
    if fields.len() > limits::RECORD_FIELDS {
        let what = format!("a record must have at most {} fields, got {}", limits::RECORD_FIELDS, fields.len());
        return Err(wrong(what).at(name).hint("split it into several records"));
    }
    for (field, value) in fields {
        domain::key(field).map_err(|error| error.at(format!("{name}.{field}")))?;
        domain::value(value, limits::VALUE_DEPTH - 1).map_err(|error| {
            let path = format!("{name}.{field}{}", error.path);
            error.at(path)
        })?;
    }
    let bytes = plain::text::size(fields);
    if bytes > limits::RECORD_BYTES {
        let what = format!("a record must have at most {} bytes of JSON, got {}", limits::RECORD_BYTES, bytes);
        return Err(wrong(what).at(name).hint("move long content into an attachment"));
    }
    Ok(())
}

/// Checks one value against its field. Deep values were refused before, so the recursion has an end.
pub(super) fn check(field: &Field, value: &Value, path: &str) -> Result<()> {
    if value.is_null() {
        return if field.nullable { Ok(()) } else { Err(kind(field, value, path)) };
    }
    match (field.kind, value) {
        (FieldType::Json, _) | (FieldType::Boolean, Value::Bool(_)) => {}
        (FieldType::String | FieldType::Text, Value::String(text)) => {
            length(field, text.encode_utf16().count(), path, "characters (UTF-16 units)")?;
        }
        (FieldType::Datetime, Value::String(text)) if Millis::parse(text).is_some() => {}
        (FieldType::Date, Value::String(text)) if is_date(text) => {}
        (FieldType::Number | FieldType::Counter, Value::Number(number)) => range(field, number.as_f64(), path)?,
        (FieldType::Integer, Value::Number(number)) if is_whole(number.as_f64()) => range(field, number.as_f64(), path)?,
        (FieldType::Object, Value::Object(fields)) => object(field, fields, path)?,
        (FieldType::List | FieldType::Set, Value::Array(items)) => list(field, items, path)?,
        _ => return Err(kind(field, value, path)),
    }
    if field.values.is_empty() || field.values.iter().any(|one| value::same(one, value)) {
        return Ok(());
    }
    let known = field.values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Err(wrong(format!("must be one of {known}, got another value")).at(path).hint("use one of the values of the schema's enum"))
}

fn object(field: &Field, fields: &Fields, path: &str) -> Result<()> {
    if field.fields.is_empty() {
        return Ok(());
    }
    for (name, value) in fields {
        let path = format!("{path}.{name}");
        let declared = field.fields.get(name).ok_or_else(|| unknown(&path, name, field.fields.keys()))?;
        check(declared, value, &path)?;
    }
    match field.fields.iter().find(|(name, declared)| declared.required && !fields.contains_key(*name)) {
        Some((name, declared)) => Err(missing(&format!("{path}.{name}"), declared)),
        None => Ok(()),
    }
}

fn list(field: &Field, items: &[Value], path: &str) -> Result<()> {
    length(field, items.len(), path, "elements")?;
    if let Some(inner) = &field.items {
        for (at, item) in items.iter().enumerate() {
            check(inner, item, &format!("{path}[{at}]"))?;
        }
    }
    let mut seen = BTreeSet::new();
    for (at, item) in items.iter().enumerate() {
        let path = format!("{path}[{at}]");
        let name = match &field.item_key {
            Some(key) => {
                item.get(key).filter(|name| name.is_string() || name.is_number()).map(canonical_text).ok_or_else(|| {
                    wrong(format!("must have a text or number in `{key}`")).at(&path).hint("the field names the element")
                })?
            }
            None if field.kind == FieldType::Set => canonical_text(item),
            None => break,
        };
        if !seen.insert(name) {
            return Err(wrong("must differ from the elements before it").at(path).hint("leave the second one out"));
        }
    }
    Ok(())
}

fn length(field: &Field, length: usize, path: &str, unit: &str) -> Result<()> {
    let limit = |most: Option<u32>| most.and_then(|most| usize::try_from(most).ok());
    if let Some(most) = limit(field.max_length).filter(|most| length > *most) {
        return Err(wrong(format!("must have at most {most} {unit}, got {length}")).at(path).hint("shorten it"));
    }
    if let Some(least) = limit(field.min_length).filter(|least| length < *least) {
        return Err(wrong(format!("must have at least {least} {unit}, got {length}")).at(path).hint("fill it in"));
    }
    Ok(())
}

fn range(field: &Field, number: Option<f64>, path: &str) -> Result<()> {
    let Some(number) = number else { return Err(wrong("must be a finite number").at(path)) };
    let said = |bound: f64| plain::text(&value::number(bound));
    if let Some(least) = field.min.filter(|least| number < *least).map(said) {
        return Err(wrong(format!("must be {least} or more, got less")).at(path).hint("pass a number in the range"));
    }
    if let Some(most) = field.max.filter(|most| number > *most).map(said) {
        return Err(wrong(format!("must be {most} or less, got more")).at(path).hint("pass a number in the range"));
    }
    Ok(())
}

fn is_whole(number: Option<f64>) -> bool {
    number.is_some_and(|number| number.fract() == 0.0 && number.abs() <= limits::INTEGER_MAX)
}

/// `YYYY-MM-DD` of the civil calendar, from year 1 on: dates of birth lie before 1970.
pub(super) fn is_date(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u32>().ok()).flatten();
    let (Some(year), Some(month), Some(day)) =
        (text.get(..4).and_then(digits), text.get(5..7).and_then(digits), text.get(8..).and_then(digits))
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => 31,
    };
    text.len() == 10
        && text.as_bytes()[4] == b'-'
        && text.as_bytes()[7] == b'-'
        && year > 0
        && (1..=12).contains(&month)
        && (1..=days).contains(&day)
}

fn kind(field: &Field, value: &Value, path: &str) -> Error {
    let got = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    let hint = match (field.kind, value) {
        (_, Value::Null) => "pass a value, or remove the field",
        (FieldType::Datetime, _) => "write it as 2025-11-08T10:00:00Z, from 1970 on",
        (FieldType::Date, _) => "write it as 2025-11-08",
        (FieldType::Integer, Value::Number(_)) => "round it; whole numbers go up to 2^53",
        (FieldType::Boolean, _) => "pass true or false; 1 and 0 are numbers",
        (FieldType::Number | FieldType::Integer | FieldType::Counter, Value::String(_)) => "pass a number without quotes",
        _ => "pass a value of the field's type",
    };
    let got = match (field.kind, value) {
        (FieldType::Datetime | FieldType::Date, Value::String(_)) => "text of another form",
        (FieldType::Integer, Value::Number(_)) => "another number",
        _ => got,
    };
    wrong(format!("must be {}, got {got}", field.kind.words())).at(path).hint(hint)
}

fn unknown<'a>(path: &str, field: &str, known: impl Iterator<Item = &'a String>) -> Error {
    let hint = match nearest(field, known.map(String::as_str)) {
        Some(name) => format!("write `{name}`"),
        None => "declare it in the schema".to_owned(),
    };
    wrong("the schema has no such field").at(path).hint(hint)
}

fn missing(path: &str, field: &Field) -> Error {
    wrong(format!("must be {}, got nothing", field.kind.words())).at(path).hint("the field is required: pass a value")
}

fn wrong(what: impl Into<String>) -> Error {
    Error::new(Code::ValidationError, what)
}

#[cfg(test)]
mod tests;
