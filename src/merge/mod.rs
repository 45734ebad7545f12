//! Three-way merge: what a record had before, what one device made of it, what stands on the server now. This room decides
//! the outcome field by field, by the schema's policies, and names what no rule can decide; it invents no value, reads no
//! clock and stores nothing. The authority merges with it, the device rebases with it: the same code, the same result.

mod field;

use crate::record::{Fields, value};
use crate::schema::{Entity, FieldType};
use crate::wire::change::Stamp;
use std::collections::BTreeMap;

/// One local change and the row it meets.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// The old values of the fields the change touches.
    pub before: &'a Fields,
    /// The fields it sets.
    pub data: &'a Fields,
    /// The fields it takes away.
    pub removed: &'a [String],
    /// Who made it and when.
    pub stamp: &'a Stamp,
    /// The row as it is now.
    pub remote: &'a Fields,
    /// Who wrote its fields, and when.
    pub stamps: &'a BTreeMap<String, Stamp>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merged {
    /// The whole record. Fields in `conflicts` hold the server's value.
    pub fields: Fields,
    /// Fields the local change wrote (alone or in part).
    pub written: Vec<String>,
    /// Fields in which it gave way to the server's value.
    pub lost: Vec<String>,
    /// Fields that a person has to decide.
    pub conflicts: Vec<String>,
}

/// Which side a field takes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Take {
    /// The device's value.
    Local,
    /// The server's value; nothing of the device's was lost.
    Remote,
    /// The server's value, and the device's is not in it.
    Lost,
    /// Something made of both.
    Both(serde_json::Value),
    /// Nobody knows.
    Conflict,
}

/// Merges one change into the row as it is now.
///
/// ```
/// use landfall::{merge::{merge, Sides}, schema::{Entity, Field}, wire::change::Stamp};
/// use serde_json::json;
/// let fields = json!({"a": {"type": "string"}, "b": {"type": "string"}});
/// let entity: Entity = serde_json::from_value(json!({"store": "goals", "fields": fields})).unwrap();
/// let (before, data, remote) = (json!({"a": "old"}), json!({"a": "mine"}), json!({"a": "old", "b": "theirs"}));
/// let stamp: Stamp = serde_json::from_value(json!({"hlc": "000000000001-0000-x"})).unwrap();
/// let merged = merge(&entity, Sides {
///     before: before.as_object().unwrap(), data: data.as_object().unwrap(), removed: &[], stamp: &stamp,
///     remote: remote.as_object().unwrap(), stamps: &Default::default(),
/// });
/// assert_eq!(serde_json::Value::from(merged.fields), json!({"a": "mine", "b": "theirs"}));
/// ```
#[must_use]
pub fn merge(entity: &Entity, sides: Sides<'_>) -> Merged {
    let mut merged = Merged { fields: sides.remote.clone(), ..Merged::default() };
    let touched = sides.data.iter().map(|(name, value)| (name, Some(value)));
    for (name, local) in touched.chain(sides.removed.iter().map(|name| (name, None))) {
        match decide(entity, name, local, &sides) {
            Take::Remote => {}
            Take::Lost => merged.lost.push(name.clone()),
            Take::Conflict => merged.conflicts.push(name.clone()),
            Take::Local => set(&mut merged, name, local.cloned()),
            Take::Both(value) => set(&mut merged, name, Some(value)),
        }
    }
    merged
}

/// Whether two changes of this field become one value made of both (sums, unions, elements by key, objects), so that a
/// change says what it adds to its `before` and not only what comes out.
#[must_use]
pub fn combines(entity: &Entity, name: &str) -> bool {
    let Some(field) = entity.fields.get(name) else { return false };
    let merges = *field.merge.as_ref().unwrap_or(&entity.merge) == crate::schema::MergePolicy::Merge;
    match field.kind {
        FieldType::Counter => true,
        FieldType::Set | FieldType::Object => merges,
        FieldType::List => merges && field.item_key.is_some(),
        _ => false,
    }
}

fn set(merged: &mut Merged, name: &str, value: Option<serde_json::Value>) {
    match value {
        Some(value) => merged.fields.insert(name.to_owned(), value),
        None => merged.fields.remove(name),
    };
    merged.written.push(name.to_owned());
}

fn decide(entity: &Entity, name: &str, local: Option<&serde_json::Value>, sides: &Sides<'_>) -> Take {
    let (before, remote) = (sides.before.get(name), sides.remote.get(name));
    // Two people who each added 2 have added 4, though both see the same figure: a counter's changes are never "alike".
    let counts = entity.fields.get(name).is_some_and(|field| field.kind == FieldType::Counter);
    if value::same_option(before, remote) {
        if value::same_option(local, remote) { Take::Remote } else { Take::Local }
    } else if value::same_option(local, remote) && !counts {
        Take::Remote
    } else {
        let both = field::Both { before, local, remote, stamp: sides.stamp, theirs: sides.stamps.get(name) };
        field::decide(entity, name, &both)
    }
}

#[cfg(test)]
mod tests;
