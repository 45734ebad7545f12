//! Partition rules read as buckets: which buckets a record is in by its own fields, until when that can be said, and which
//! buckets of a rule a user gets. This module decides both from the declaration alone; it follows no reference and keeps no
//! membership (`authority/follow` does). The server asks it at every write and every pull.

use super::lookup::{at, time};
use super::rules::{PartitionRule, Test};
use super::{Entity, Schema};
use crate::record::Fields;
use crate::record::digest::canonical_text;
use crate::time::Millis;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Who a rule's variables stand for.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// `"$user"`.
    pub user: &'a str,
    /// The device: what is picked or opened is so on one device.
    pub device: &'a str,
    /// Roles; a rule may hold for some only.
    pub roles: &'a [String],
    /// Lists of the profile: `"$sites"` is `sites`.
    pub lists: &'a BTreeMap<String, Vec<Value>>,
}

/// Where a rule puts a record by the record's own fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// The buckets, sorted; empty if the tests on fixed values fail.
    pub buckets: Vec<String>,
    /// Whether the tests on time hold now.
    pub holds: bool,
    /// When they will be answered otherwise, if ever, with nobody changing the record.
    pub until: Option<Millis>,
}

impl Schema {
    /// Whether any entity is partitioned: then the server keeps membership.
    #[must_use]
    pub fn partitioned(&self) -> bool {
        self.entities.values().any(|entity| !entity.partition.is_empty())
    }

    /// A text that changes when membership would have to be worked out anew.
    #[must_use]
    pub fn partition_text(&self) -> String {
        let rules = |entity: &Entity| serde_json::to_value(&entity.partition).unwrap_or_default();
        let all = self.entities.iter().map(|(name, entity)| (name.clone(), rules(entity)));
        format!("{} {}", self.version, canonical_text(&Value::Object(all.collect())))
    }
}

impl Test {
    fn is_variable(&self) -> bool {
        self.one_of.iter().any(|one| one.as_str().is_some_and(|text| text.starts_with('$')))
    }

    fn is_timed(&self) -> bool {
        self.within_ms.is_some() || self.older_ms.is_some()
    }
}

impl PartitionRule {
    /// Whether the rule goes by a record's own fields.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !self.when.is_empty()
    }

    /// Whether the rule goes by what a person did on a device.
    #[must_use]
    pub fn is_picked(&self) -> bool {
        self.selected || self.opened_ms.is_some()
    }

    /// The bucket of what was picked or opened on a device.
    #[must_use]
    pub fn picked(&self, entity: &str, device: &str) -> String {
        bucket(entity, &self.name, vec![device.into()])
    }

    /// The buckets a record of `entity` is in by its own fields. A test with a variable gives the key: one bucket for each
    /// value the record has there; fixed values only let a record in or not. Nobody's bucket is looked for, so that this
    /// costs the same however many users there are.
    #[must_use]
    pub fn place(&self, entity: &str, fields: &Fields, now: Millis) -> Placed {
        let mut keys = vec![Vec::new()];
        let mut placed = Placed { holds: true, ..Placed::default() };
        for test in &self.when {
            let fixed = Test { within_ms: None, older_ms: None, ..test.clone() };
            if test.is_variable() {
                keys = crossed(&keys, &values(at(fields, &test.field)));
            } else if !fixed.one_of.is_empty() && !fixed.holds(fields, now, "") {
                return Placed::default();
            }
            if test.is_timed() {
                let timed = Test { one_of: Vec::new(), ..test.clone() };
                placed.holds &= timed.holds(fields, now, "");
                let Some(since) = at(fields, &test.field).and_then(time) else { return Placed::default() };
                let ends = test.within_ms.map(|ms| since.plus(ms).plus(1));
                let begins = test.older_ms.map(|ms| since.plus(ms));
                let next = ends.into_iter().chain(begins).filter(|moment| *moment > now);
                placed.until = next.chain(placed.until).min();
            }
        }
        if self.is_plain() {
            let buckets: BTreeSet<String> = keys.into_iter().map(|key| bucket(entity, &self.name, key)).collect();
            placed.buckets = buckets.into_iter().collect();
        }
        placed
    }

    /// The buckets of this rule that are a user's.
    #[must_use]
    pub fn granted(&self, entity: &str, to: Subject<'_>) -> Vec<String> {
        if !self.roles.is_empty() && !self.roles.iter().any(|role| to.roles.contains(role)) {
            return Vec::new();
        }
        if self.is_picked() {
            return vec![self.picked(entity, to.device)];
        }
        let mut keys = vec![Vec::new()];
        for test in self.when.iter().filter(|test| test.is_variable()) {
            let known = |name: &str| if name == "user" { Some(vec![to.user.into()]) } else { to.lists.get(name).cloned() };
            let mut stands: Vec<Value> = test.resolved(known).one_of;
            // A variable that nothing is known of matches nothing, whatever a record may hold there.
            stands.retain(|value| !value.as_str().is_some_and(|text| text.starts_with('$') && test.one_of.contains(value)));
            keys = crossed(&keys, &stands);
        }
        let buckets = keys.into_iter().map(|key| bucket(entity, &self.name, key));
        if self.is_plain() { buckets.collect() } else { Vec::new() }
    }
}

/// A value's elements if it is a list; an absent one counts as null.
fn values(found: Option<&Value>) -> Vec<Value> {
    match found {
        Some(Value::Array(items)) => items.clone(),
        Some(value) => vec![value.clone()],
        None => vec![Value::Null],
    }
}

fn crossed(keys: &[Vec<Value>], values: &[Value]) -> Vec<Vec<Value>> {
    let mut out = Vec::with_capacity(keys.len() * values.len());
    for key in keys {
        for value in values {
            out.push(key.iter().chain([value]).cloned().collect());
        }
    }
    out
}

/// A bucket's name; the key is written in one form only, so that 1 and 1.0 are one bucket.
fn bucket(entity: &str, rule: &str, key: Vec<Value>) -> String {
    format!("{entity}/{rule}/{}", canonical_text(&Value::Array(key)))
}

#[cfg(test)]
mod tests;
