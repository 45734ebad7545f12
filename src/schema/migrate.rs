//! Carries out an application's migrations on records and on changes: pure functions from one version to another. This module
//! decides what becomes of each value; it reads and writes no database. The device's store runs it over its rows, the server
//! over its own and over ops that were made under an older version: both come to the same records.

use super::{Conversion, MigrationStep, Operation, Schema};
use crate::limits::INTEGER_MAX;
use crate::plain;
use crate::record::{Fields, Patch, domain, order, value};
use serde_json::Value;

/// The steps between two versions.
#[derive(Clone, Debug)]
pub struct Upgrade<'a> {
    steps: Vec<&'a MigrationStep>,
}

/// A change as it is after an upgrade.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Upgraded {
    /// The change.
    pub patch: Patch,
    /// What it had set in fields that are dropped: no other place holds it.
    pub lost: Fields,
}

impl Schema {
    /// What leads from data of version `from` to data of version `to`; no steps for a version that is not older.
    #[must_use]
    pub fn upgrade(&self, from: u32, to: u32) -> Upgrade<'_> {
        let within = self.migrations.iter().filter(|one| from < one.to && one.to <= to);
        Upgrade { steps: within.flat_map(|one| &one.steps).collect() }
    }
}

impl Upgrade<'_> {
    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The name of an entity afterwards.
    #[must_use]
    pub fn entity(&self, name: &str) -> String {
        let mut name = name;
        for step in &self.steps {
            name = renamed(step, name);
        }
        name.to_owned()
    }

    /// The name that the entity which is called `name` afterwards has before.
    #[must_use]
    pub fn entity_before(&self, name: &str) -> String {
        let mut name = name;
        for step in self.steps.iter().rev() {
            if let MigrationStep::RenameEntity(step) = step
                && step.to.as_deref() == Some(name)
            {
                name = &step.from;
            }
        }
        name.to_owned()
    }

    /// Whether records of an entity (by its name before) change.
    #[must_use]
    pub fn touches(&self, entity: &str) -> bool {
        self.of(entity).next().is_some()
    }

    /// The fields of a record.
    #[must_use]
    pub fn fields(&self, entity: &str, mut fields: Fields) -> Fields {
        for step in self.of(entity) {
            match (step, step.source()) {
                (MigrationStep::AddField(step), _) => {
                    fields.entry(&step.field).or_insert_with(|| step.value.clone());
                }
                (step, Some(source)) => move_in(step, source, &mut fields),
                _ => {}
            }
        }
        fields
    }

    /// A change. Made to an upgraded record it leads to what the change, made before, would have been upgraded to.
    #[must_use]
    pub fn change(&self, entity: &str, operation: Operation, patch: Patch) -> Upgraded {
        let mut done = Upgraded { patch, lost: Fields::new() };
        for step in self.of(entity) {
            let Some(source) = step.source() else {
                if let (MigrationStep::AddField(step), Operation::Create) = (step, operation) {
                    done.patch.data.entry(&step.field).or_insert_with(|| step.value.clone());
                }
                continue;
            };
            if let (MigrationStep::DropField(_), Some(value)) = (step, done.patch.data.get(source)) {
                done.lost.insert(source.to_owned(), value.clone());
            }
            move_in_change(step, source, operation, &mut done.patch);
        }
        done
    }

    /// The names that fields have afterwards: for stamps, for the fields of a conflict.
    #[must_use]
    pub fn names(&self, entity: &str, names: Vec<String>) -> Vec<String> {
        let mut names = order::set(names);
        for step in self.of(entity) {
            if step.source().is_some_and(|source| names.remove(source)) {
                names.extend(step.targets().into_iter().map(str::to_owned));
            }
        }
        names.into_iter().collect()
    }

    /// The steps on an entity's fields, which may be renamed on the way.
    fn of<'b>(&'b self, entity: &'b str) -> impl Iterator<Item = &'b MigrationStep> {
        let mut name = entity;
        self.steps.iter().copied().filter(move |step| {
            name = renamed(step, name);
            step.entity() == Some(name)
        })
    }
}

fn renamed<'a>(step: &'a MigrationStep, name: &'a str) -> &'a str {
    match step {
        MigrationStep::RenameEntity(step) if step.from == name => step.to.as_deref().unwrap_or(name),
        _ => name,
    }
}

fn move_in(step: &MigrationStep, source: &str, fields: &mut Fields) {
    if let Some(value) = fields.remove(source) {
        for (target, value) in image(step, value) {
            if let Some(value) = value {
                fields.insert(target.to_owned(), value);
            }
        }
    }
}

fn move_in_change(step: &MigrationStep, source: &str, operation: Operation, patch: &mut Patch) {
    move_in(step, source, &mut patch.before);
    if operation == Operation::Create {
        return move_in(step, source, &mut patch.data);
    }
    if let Some(value) = patch.data.remove(source) {
        for (target, value) in image(step, value) {
            match value {
                Some(value) => drop(patch.data.insert(target.to_owned(), value)),
                // Whatever stood there was made of the value that this one replaces.
                None => patch.removed.push(target.to_owned()),
            }
        }
    } else if patch.removed.iter().any(|field| field == source) {
        patch.removed.retain(|field| field != source);
        patch.removed.extend(step.targets().into_iter().map(str::to_owned));
    }
    order::sort(&mut patch.removed, Ord::cmp);
    patch.removed.dedup();
}

/// Where a value goes: to each of the step's targets, or from it.
fn image(step: &MigrationStep, value: Value) -> Vec<(&str, Option<Value>)> {
    match step {
        MigrationStep::RenameField(step) => vec![(&step.to, Some(value))],
        MigrationStep::MapValues(step) => {
            let mapped = value.as_str().and_then(|text| step.values.get(text)).cloned();
            vec![(&step.field, Some(mapped.unwrap_or(value)))]
        }
        MigrationStep::SplitField(step) => {
            let cut = value.as_str().and_then(|text| text.split_once(step.at.as_str()));
            let (first, rest) = match cut {
                Some((first, rest)) => (Value::from(first), Some(Value::from(rest))),
                None => (value, None),
            };
            vec![(&step.first, Some(first)), (&step.rest, rest)]
        }
        MigrationStep::Retype(step) => {
            let mut image = Vec::with_capacity(2);
            let converted = convert(step.to, &value);
            if let Some(aside) = &step.aside {
                image.push((aside.as_str(), converted.is_none().then_some(value)));
            }
            image.push((&step.field, converted));
            image
        }
        MigrationStep::DropField(_) | MigrationStep::AddField(_) | MigrationStep::RenameEntity(_) => Vec::new(),
    }
}

/// What a value becomes, if it can.
fn convert(to: Conversion, value: &Value) -> Option<Value> {
    match (to, value) {
        (_, Value::Null) => Some(Value::Null),
        (Conversion::Number, Value::Number(_))
        | (Conversion::Boolean, Value::Bool(_))
        | (Conversion::Text, Value::String(_))
        | (Conversion::List, Value::Array(_)) => Some(value.clone()),
        (Conversion::Number, Value::String(text)) => number(text),
        (Conversion::Integer, Value::Number(found)) => whole(found.as_f64()),
        (Conversion::Integer, Value::String(text)) => whole(number(text).as_ref().and_then(Value::as_f64)),
        (Conversion::Boolean, Value::String(text)) => boolean(text),
        (Conversion::Boolean, Value::Number(found)) => boolean(&found.to_string()),
        (Conversion::Text, other) => Some(Value::String(plain::text(other))),
        (Conversion::List, other) => Some(Value::Array(vec![other.clone()])),
        (Conversion::Number | Conversion::Integer | Conversion::Boolean, _) => None,
    }
}

/// A number as people and JSON write it; `inf`, `NaN` and `1_000` are none.
fn number(text: &str) -> Option<Value> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    // In the form of JSON, whose parser is here anyhow: no plus, no leading zeros, a digit before the point.
    let sign = if text.starts_with('-') { "-" } else { "" };
    let digits = digits.trim_start_matches('0');
    let zero = if digits.starts_with(|first: char| first.is_ascii_digit()) { "" } else { "0" };
    let found = domain::parse([sign, zero, digits].concat().as_bytes()).ok()?.as_f64()?;
    // A whole number beyond 2^53 would be rounded here: then the text is the truth.
    let rounded = found.fract() == 0.0 && found.abs() > INTEGER_MAX;
    (!rounded).then(|| value::number(found))
}

fn whole(found: Option<f64>) -> Option<Value> {
    found.filter(|found| found.fract() == 0.0 && found.abs() <= INTEGER_MAX).map(value::number)
}

fn boolean(text: &str) -> Option<Value> {
    match text {
        "true" | "1" => Some(Value::Bool(true)),
        "false" | "0" => Some(Value::Bool(false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
