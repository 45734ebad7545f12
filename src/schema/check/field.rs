//! One field: whether its parts go together and its own values fit it. This module decides that for fields of entities,
//! objects and lists alike; what a record may hold is `validate`'s. `entity` calls it.

use super::{bad, identifier, known, slug};
use crate::error::{Code, Error, Result};
use crate::record::domain;
use crate::schema::{Field, FieldType, MergePolicy, MergeRule, OnDelete, Schema, validate};
use serde_json::Value;
use std::collections::BTreeMap;

/// Checks fields that stand side by side.
pub(super) fn all(schema: &Schema, fields: &BTreeMap<String, Field>, here: &str) -> Result<()> {
    for (name, field) in fields {
        let here = format!("{here}.{name}");
        if matches!(name.as_str(), "_sync" | "_local") || domain::key(name).is_err() {
            return Err(bad(here, format!("`{name}` is reserved"), "choose another name"));
        }
        identifier(name, &here)?;
        one(schema, field, &here)?;
    }
    Ok(())
}

fn one(schema: &Schema, field: &Field, here: &str) -> Result<()> {
    parts(field, here)?;
    bounds(field, here)?;
    if let Some(items) = &field.items {
        one(schema, items, &format!("{here}.items"))?;
    }
    all(schema, &field.fields, &format!("{here}.fields"))?;
    if let Some(reference) = &field.reference {
        known(&schema.entities, &reference.entity, &format!("{here}.reference.entity"))?;
        if reference.on_delete == OnDelete::SetNull && field.required && !field.nullable {
            let what = "a required field without null cannot lose its reference";
            return Err(bad(format!("{here}.reference.on_delete"), what, "make the field nullable, or choose another rule"));
        }
    }
    if let Some(key) = &field.item_key {
        item_key(field, key, &format!("{here}.item_key"))?;
    }
    if let Some(MergePolicy::Arbitrate(rule)) = &field.merge {
        slug(rule, &format!("{here}.merge.arbitrate"))?;
    }
    for (at, rule) in field.merge_rules.iter().enumerate() {
        merge_rule(schema, field, rule, &format!("{here}.merge_rules[{at}]"))?;
    }
    let plain = Field { values: Vec::new(), ..field.clone() };
    for (at, value) in field.values.iter().enumerate() {
        fits(&plain, value, &format!("{here}.enum[{at}]"))?;
    }
    field.default.as_ref().map_or(Ok(()), |value| fits(field, value, &format!("{here}.default")))
}

/// What only some kinds of fields may say.
fn parts(field: &Field, here: &str) -> Result<()> {
    use FieldType::{Counter, Date, Datetime, Integer, List, Number, Object, Set, String, Text};
    let list = matches!(field.kind, List | Set);
    let number = matches!(field.kind, Number | Integer | Counter);
    let sized = list || matches!(field.kind, String | Text);
    let one = matches!(field.kind, String | Number | Integer | Date | Datetime);
    let wrong = [
        ("items", field.items.is_some() && !list, "only a list or set has items"),
        ("item_key", field.item_key.is_some() && field.kind != List, "only a list is merged by key"),
        ("fields", !field.fields.is_empty() && field.kind != Object, "only an object has fields"),
        ("reference", field.reference.is_some() && field.kind != String, "a reference is an id, so its field is a string"),
        ("max_length", field.max_length.is_some() && !sized, "only texts and lists have a length"),
        ("min_length", field.min_length.is_some() && !sized, "only texts and lists have a length"),
        ("min", field.min.is_some() && !number, "only numbers have a smallest value"),
        ("max", field.max.is_some() && !number, "only numbers have a largest value"),
        ("enum", !field.values.is_empty() && (list || field.kind == Counter), "give the enum to the items"),
        ("unique", field.unique && !one, "only a string, number or time can be unique"),
        ("required", field.required && field.server_only, "a device never has it, so no record could be whole"),
    ];
    match wrong.iter().find(|(_, wrong, _)| *wrong) {
        Some((part, _, why)) => Err(bad(format!("{here}.{part}"), *why, format!("remove `{part}`, or change the type"))),
        None => Ok(()),
    }
}

fn bounds(field: &Field, here: &str) -> Result<()> {
    if field.min_length > field.max_length && field.max_length.is_some() {
        return Err(bad(format!("{here}.min_length"), "is above max_length", "swap the two"));
    }
    if let (Some(min), Some(max)) = (field.min, field.max)
        && min > max
    {
        return Err(bad(format!("{here}.min"), "is above max", "swap the two"));
    }
    Ok(())
}

fn item_key(field: &Field, key: &str, here: &str) -> Result<()> {
    let Some(inner) = &field.items else { return Ok(()) };
    if inner.kind != FieldType::Object {
        return Err(bad(here, "the items are no objects", "declare `items` as an object with this field"));
    }
    let named = known(&inner.fields, key, here)?;
    if matches!(named.kind, FieldType::String | FieldType::Integer | FieldType::Number) && named.required {
        return Ok(());
    }
    Err(bad(here, "the field that names an element is a required string or number", "declare it so"))
}

fn merge_rule(schema: &Schema, field: &Field, rule: &MergeRule, here: &str) -> Result<()> {
    if let MergePolicy::Arbitrate(name) = &rule.policy {
        slug(name, &format!("{here}.policy.arbitrate"))?;
    }
    for (at, role) in rule.server_roles.iter().enumerate() {
        known(&schema.roles, role, &format!("{here}.server_roles[{at}]"))?;
    }
    for (name, values) in [("server_values", &rule.server_values), ("local_values", &rule.local_values)] {
        for (at, value) in values.iter().enumerate() {
            fits(field, value, &format!("{here}.{name}[{at}]"))?;
        }
    }
    Ok(())
}

/// Whether a declared value is one the field can have: an element for a list, null as "none", `"$user"` as a variable.
pub(super) fn fits(field: &Field, value: &Value, here: &str) -> Result<()> {
    if value.is_null() || value.as_str().is_some_and(|text| text.starts_with('$')) {
        return Ok(());
    }
    let element = field.items.as_deref().filter(|_| !value.is_array());
    validate::check(element.unwrap_or(field), value, here).map_err(|error| Error { code: Code::InvalidSchema, ..error })
}
