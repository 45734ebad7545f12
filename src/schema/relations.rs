//! What ties records together: references that are rewritten or taken away, values that only one record may hold. This
//! module walks a record by its declaration and says where such values stand; what is to become of them its callers decide.
//! The server's constraints, the change of ids and the search for orphans use it.

use super::{Entity, Field, FieldType, OnDelete, Reference};
use crate::record::{Fields, value};
use serde_json::Value;

/// What is to become of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// It stays.
    Keep,
    /// It names this record instead.
    Id(String),
    /// It becomes null; where null is no value, it is taken away.
    Null,
}

/// A value that no other record of its kind may hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Unique<'a> {
    /// The field, through objects and lists by dots: the name of the constraint.
    pub field: String,
    /// Where it stands in this record.
    pub place: String,
    /// The value.
    pub value: &'a Value,
}

impl Entity {
    /// Decides about every reference a record holds; tells whether one changed.
    pub fn rewrite(&self, fields: &mut Fields, visit: &mut dyn FnMut(&Reference, &str) -> To) -> bool {
        let mut changed = false;
        for (name, field) in self.fields.iter().filter(|(_, field)| leads(field)) {
            if let Some(value) = fields.get_mut(name)
                && !visited(field, value, &mut changed, visit)
            {
                fields.remove(name);
            }
        }
        changed
    }

    /// Every value of a record that only it may hold; null is none.
    #[must_use]
    pub fn uniques<'a>(&'a self, fields: &'a Fields) -> Vec<Unique<'a>> {
        let mut found = Vec::new();
        for (name, field) in &self.fields {
            if let Some(value) = fields.get(name) {
                unique(field, value, (name.clone(), name.clone()), &mut found);
            }
        }
        found
    }

    /// Whether records of `target` are what some reference of this entity points to, with this rule for their deletion.
    #[must_use]
    pub fn follows(&self, target: &str, rule: OnDelete) -> bool {
        self.references().any(|(_, reference)| reference.entity == target && reference.on_delete == rule)
    }
}

/// Whether a reference is declared anywhere in the field.
fn leads(field: &Field) -> bool {
    field.reference.is_some() || field.items.as_deref().is_some_and(leads) || field.fields.values().any(leads)
}

/// Visits a value; false: it is to be taken away.
fn visited(field: &Field, value: &mut Value, changed: &mut bool, visit: &mut dyn FnMut(&Reference, &str) -> To) -> bool {
    match value {
        Value::Array(items) => {
            if let Some(inner) = field.items.as_deref() {
                items.retain_mut(|item| visited(inner, item, changed, visit));
                if field.kind == FieldType::Set && *changed {
                    distinct(items);
                }
            }
        }
        Value::Object(fields) => {
            for (name, inner) in &field.fields {
                if let Some(value) = fields.get_mut(name)
                    && !visited(inner, value, changed, visit)
                {
                    fields.remove(name);
                }
            }
        }
        Value::String(id) => {
            let Some(reference) = &field.reference else { return true };
            match visit(reference, id) {
                To::Keep => {}
                To::Id(new) => {
                    *changed |= *id != new;
                    *id = new;
                }
                To::Null => {
                    *changed = true;
                    *value = Value::Null;
                    return field.nullable;
                }
            }
        }
        _ => {}
    }
    true
}

/// Two references that have become one stand once in a set.
fn distinct(items: &mut Vec<Value>) {
    let mut at = 0;
    while at < items.len() {
        let again = items[..at].iter().any(|before| value::same(before, &items[at]));
        if again {
            items.remove(at);
        } else {
            at += 1;
        }
    }
}

fn unique<'a>(field: &'a Field, value: &'a Value, at: (String, String), found: &mut Vec<Unique<'a>>) {
    let (name, place) = at;
    match value {
        Value::Null => {}
        Value::Array(items) => {
            if let Some(inner) = field.items.as_deref() {
                for (at, item) in items.iter().enumerate() {
                    unique(inner, item, (name.clone(), format!("{place}[{at}]")), found);
                }
            }
        }
        Value::Object(fields) => {
            for (inner, field) in &field.fields {
                if let Some(value) = fields.get(inner) {
                    unique(field, value, (format!("{name}.{inner}"), format!("{place}.{inner}")), found);
                }
            }
        }
        value if field.unique => found.push(Unique { field: name, place, value }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{To, Unique};
    use crate::schema::Schema;
    use serde_json::json;

    fn schema() -> Schema {
        let text = r#"{ "app": "x", "version": 1, "entities": { "a": { "store": "as", "fields": {
            "id": { "type": "string" },
            "mail": { "type": "string", "unique": true, "nullable": true },
            "one": { "type": "string", "nullable": true, "reference": { "entity": "a", "on_delete": "set_null" } },
            "bare": { "type": "string", "reference": { "entity": "a", "on_delete": "set_null" } },
            "set": { "type": "set", "items": { "type": "string", "reference": { "entity": "a", "on_delete": "set_null" } } },
            "parts": { "type": "list", "items": { "type": "object", "fields": {
                "part": { "type": "string", "nullable": true, "reference": { "entity": "a", "on_delete": "set_null" } },
                "serial": { "type": "string", "unique": true } } } } } } } }"#;
        Schema::parse(text).expect("a schema")
    }

    // IDS-2, IDS-3
    #[test]
    fn references_are_rewritten_wherever_they_stand() {
        let schema = schema();
        let record =
            json!({ "id": "1", "one": "t", "bare": "t", "set": ["r", "t"], "parts": [{ "part": "t" }, { "part": "x" }] });
        let mut fields = record.as_object().cloned().expect("fields");
        let mut to = |_: &_, id: &str| if id == "t" { To::Id("r".into()) } else { To::Keep };
        assert!(schema.entities["a"].rewrite(&mut fields, &mut to));
        let same = json!({ "id": "1", "one": "r", "bare": "r", "set": ["r"], "parts": [{ "part": "r" }, { "part": "x" }] });
        assert_eq!(serde_json::Value::Object(fields.clone()), same);
        assert!(!schema.entities["a"].rewrite(&mut fields, &mut to), "nothing is left to do");
        let mut gone = |_: &_, id: &str| if id == "r" { To::Null } else { To::Keep };
        assert!(schema.entities["a"].rewrite(&mut fields, &mut gone));
        let nulled = json!({ "id": "1", "one": null, "set": [], "parts": [{ "part": null }, { "part": "x" }] });
        assert_eq!(serde_json::Value::Object(fields), nulled);
    }

    // CON-2
    #[test]
    fn unique_values_are_found_and_null_is_none() {
        let schema = schema();
        let record = json!({ "mail": "m", "parts": [{ "serial": "s" }] });
        let found = schema.entities["a"].uniques(record.as_object().expect("fields"));
        let names: Vec<_> = found.iter().map(|Unique { field, place, value }| (field.as_str(), place.as_str(), *value)).collect();
        assert_eq!(names, [("mail", "mail", &json!("m")), ("parts.serial", "parts[0].serial", &json!("s"))]);
        assert!(schema.entities["a"].uniques(json!({ "mail": null }).as_object().expect("fields")).is_empty());
    }
}
