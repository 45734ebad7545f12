//! Questions put to a checked schema: which entity, which priority, which policy, what a record refers to, whether a test
//! holds. This module decides how a rule is read; it changes nothing and keeps nothing. Write, push order, merge, scope and
//! eviction ask it, on the device and on the server alike.

use super::rules::{Operation, Test};
use super::{Entity, Field, FieldType, MergePolicy, PriorityRule, Reference, Schema};
use crate::error::{Code, Error, Result};
use crate::record::{Fields, order, value};
use crate::time::Millis;
use serde_json::Value;

/// One change of a record, as rules look at it.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// What it does.
    pub operation: Operation,
    /// The fields it sets or takes away; all of them for a create, none for a delete.
    pub changed: &'a [&'a str],
    /// The record after the change; before it for a delete.
    pub record: &'a Fields,
    /// The time of the change.
    pub now: Millis,
    /// Who made it: what `"$user"` stands for.
    pub user: &'a str,
}

impl Schema {
    /// The entity of this name.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` at the name, with the names there are.
    pub fn entity(&self, name: &str) -> Result<&Entity> {
        self.entities.get(name).ok_or_else(|| {
            let known = self.entities.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            Error::new(Code::ValidationError, "unknown entity").at(name).hint(format!("one of: {known}"))
        })
    }

    /// The priority of a change, 1 first: the first rule that holds, then the entity's own, then the middle level.
    #[must_use]
    pub fn priority(&self, entity: &str, write: &Written<'_>) -> u8 {
        let middle = self.priority_levels.div_ceil(2).max(1);
        let Some(entity) = self.entities.get(entity) else { return middle };
        let rule = entity.priority_rules.iter().find(|rule| rule.holds(write));
        rule.map(|rule| rule.priority).or(entity.priority).unwrap_or(middle)
    }

    /// Whether a change is sent at once: any rule that holds says so, also one behind the rule that gave the priority.
    #[must_use]
    pub fn critical(&self, entity: &str, write: &Written<'_>) -> bool {
        let rules = self.entities.get(entity).map(|entity| entity.priority_rules.as_slice()).unwrap_or_default();
        rules.iter().any(|rule| rule.critical && rule.holds(write))
    }
}

impl PriorityRule {
    /// Whether the rule takes this change.
    #[must_use]
    pub fn holds(&self, write: &Written<'_>) -> bool {
        (self.operations.is_empty() || self.operations.contains(&write.operation))
            && (self.fields.is_empty() || self.fields.iter().any(|field| write.changed.contains(&field.as_str())))
            && self.when.iter().all(|test| test.holds(write.record, write.now, write.user))
    }
}

impl Test {
    /// Whether a record passes. An absent field counts as null; a list passes `in` with any of its elements; a time passes
    /// `within_ms` also when it lies ahead. `"$user"` stands for `user`; other variables match nothing until `resolved`.
    #[must_use]
    pub fn holds(&self, fields: &Fields, now: Millis, user: &str) -> bool {
        let found = at(fields, &self.field).unwrap_or(&Value::Null);
        let equals = |one: &Value| match one {
            Value::String(text) if text.starts_with('$') => {
                text == "$user" && found_is(found, |found| found.as_str() == Some(user))
            }
            one => found_is(found, |found| value::same(found, one)),
        };
        if !self.one_of.is_empty() && !self.one_of.iter().any(equals) {
            return false;
        }
        if self.within_ms.is_none() && self.older_ms.is_none() {
            return true;
        }
        let Some(age) = time(found).map(|time| now.since(time)) else { return false };
        self.within_ms.is_none_or(|most| age <= most) && self.older_ms.is_none_or(|least| age >= least)
    }

    /// The same test with every variable (`"$sites"`) replaced by the values `lists` knows for it (`sites`). A variable
    /// without values stays, and matches nothing: an `in` that lost its last value would let everything pass.
    #[must_use]
    pub fn resolved(&self, lists: impl Fn(&str) -> Option<Vec<Value>>) -> Self {
        let values = self.one_of.iter().flat_map(|one| {
            let list = one.as_str().and_then(|text| text.strip_prefix('$')).and_then(&lists);
            list.filter(|list| !list.is_empty()).unwrap_or_else(|| vec![one.clone()])
        });
        Self { one_of: values.collect(), ..self.clone() }
    }
}

impl Entity {
    /// Whether some of its fields never leave the server.
    #[must_use]
    pub fn hides(&self) -> bool {
        self.fields.values().any(|field| field.server_only)
    }

    /// A record without the fields that never leave the server.
    #[must_use]
    pub fn visible(&self, fields: &Fields) -> Fields {
        let kept = |name: &String| !self.fields.get(name).is_some_and(|field| field.server_only);
        order::fields(fields.iter().filter(|(name, _)| kept(name)).map(|(name, value)| (name.clone(), value.clone())))
    }

    /// The policy of a field that no `merge_rules` decide: its own or the entity's.
    #[must_use]
    pub fn policy(&self, field: &str) -> &MergePolicy {
        self.fields.get(field).and_then(|field| field.merge.as_ref()).unwrap_or(&self.merge)
    }

    /// The tier of a record: the first tier rule that holds, else the entity's.
    #[must_use]
    pub fn tier_of(&self, fields: &Fields, now: Millis, user: &str) -> u8 {
        let rule = self.tier_rules.iter().find(|rule| rule.when.iter().all(|test| test.holds(fields, now, user)));
        rule.map_or(self.tier, |rule| rule.tier)
    }

    /// The field at a dotted path; elements of a list are stepped into without a step of their own.
    #[must_use]
    pub fn field(&self, path: &str) -> Option<&Field> {
        let mut steps = path.split('.');
        let first = self.fields.get(steps.next()?)?;
        steps.try_fold(first, |field, step| element(field).fields.get(step))
    }

    /// Every reference the entity declares, with its path. A reference inside a list has the path of the list, one inside a
    /// list's objects the path of the list and the field: `partsUsed.partId`.
    pub fn references(&self) -> impl Iterator<Item = (Vec<String>, &Reference)> {
        let mut found = Vec::new();
        for (name, field) in &self.fields {
            declared(field, vec![name.clone()], &mut found);
        }
        found.into_iter()
    }

    /// Every reference a record holds that is not null: the entity, the id, and where it stands (`partsUsed[2].partId`).
    #[must_use]
    pub fn referred<'a>(&'a self, fields: &'a Fields) -> Vec<(&'a str, &'a str, String)> {
        let mut found = Vec::new();
        for (name, field) in &self.fields {
            if let Some(value) = fields.get(name) {
                held(field, value, name.clone(), &mut found);
            }
        }
        found
    }
}

/// The value at a dotted path through objects.
#[must_use]
pub fn at<'a>(fields: &'a Fields, path: &str) -> Option<&'a Value> {
    let mut steps = path.split('.');
    let first = fields.get(steps.next()?)?;
    steps.try_fold(first, |value, step| value.as_object()?.get(step))
}

/// What a list holds, through lists of lists; the field itself if it is none.
fn element(field: &Field) -> &Field {
    field.items.as_deref().map_or(field, element)
}

fn declared<'a>(field: &'a Field, path: Vec<String>, found: &mut Vec<(Vec<String>, &'a Reference)>) {
    let field = element(field);
    if let Some(reference) = &field.reference {
        found.push((path.clone(), reference));
    }
    for (name, inner) in &field.fields {
        declared(inner, path.iter().chain([name]).cloned().collect(), found);
    }
}

fn held<'a>(field: &'a Field, value: &'a Value, path: String, found: &mut Vec<(&'a str, &'a str, String)>) {
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                if let Some(inner) = &field.items {
                    held(inner, item, format!("{path}[{at}]"), found);
                }
            }
        }
        Value::Object(fields) => {
            for (name, inner) in &field.fields {
                if let Some(value) = fields.get(name) {
                    held(inner, value, format!("{path}.{name}"), found);
                }
            }
        }
        Value::String(id) => {
            if let Some(reference) = &field.reference {
                found.push((&reference.entity, id, path));
            }
        }
        _ => {}
    }
}

fn found_is(found: &Value, equal: impl Fn(&Value) -> bool) -> bool {
    equal(found) || found.as_array().is_some_and(|items| items.iter().any(equal))
}

/// A time as fields hold it: a date with time, a date (its first moment), or milliseconds.
pub(super) fn time(value: &Value) -> Option<Millis> {
    match value {
        Value::String(text) => Millis::parse(text).or_else(|| Millis::parse(&format!("{text}T00:00:00Z"))),
        number => number.as_u64().map(Millis),
    }
}

impl FieldType {
    /// What people read in a message about a wrong value.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::String | Self::Text => "text",
            Self::Number | Self::Counter => "a number",
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
            Self::Datetime => "a date and time",
            Self::Date => "a date",
            Self::Object => "an object",
            Self::List | Self::Set => "a list",
            Self::Json => "JSON",
        }
    }
}

#[cfg(test)]
mod tests;
