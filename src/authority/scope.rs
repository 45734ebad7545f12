//! Scope as types: the places a user's records come from, and why a record is in one. A place is a whole entity (its name) or
//! a bucket of a partition rule (`entity/rule/[key]`). This module decides which places are a user's and which fields travel
//! from them; how membership follows from changes is `follow`'s.

use crate::authority::rows::{Row, RowKey, Who};
use crate::record::Fields;
use crate::schema::{Entity, Schema, Subject};
use crate::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// Why a record is in a bucket: by its own fields or by hand (`via` none), or because of another record in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support {
    /// The bucket.
    pub bucket: String,
    /// The record.
    pub key: RowKey,
    /// The rule of the record's entity that says so.
    pub rule: String,
    /// The record it follows.
    pub via: Option<RowKey>,
    /// Whether it counts now: a rule on time may be about to take the record, or have let go of it.
    pub holds: bool,
    /// When that has to be looked at again.
    pub due: Option<Millis>,
}

/// That a record is (or no longer is) in a bucket, and since which number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The bucket.
    pub bucket: String,
    /// The record.
    pub key: RowKey,
    /// Whether it is in it.
    pub live: bool,
    /// The tenant's number of the change that made it so, or of the record's last change while in it.
    pub number: u64,
}

/// What a write does to membership.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// Supports, new or changed.
    pub puts: Vec<Support>,
    /// Supports that are gone.
    pub drops: Vec<Support>,
    /// The records that each of these refers to by a field of a `refers_to` rule: all there are.
    pub links: Vec<(RowKey, Vec<(String, RowKey)>)>,
    /// Members that changed.
    pub touched: Vec<Touch>,
}

/// By which rules a record is a user's; a rule without a name stands for a whole entity.
pub type Held = BTreeMap<RowKey, BTreeSet<String>>;

impl Membership {
    /// How many numbers it takes beyond those of the rows that changed.
    #[must_use]
    pub fn beyond(&self, rows: &[Row]) -> u64 {
        let own: BTreeSet<RowKey> = rows.iter().map(Row::key).collect();
        let keys: BTreeSet<&RowKey> = self.touched.iter().map(|one| &one.key).filter(|key| !own.contains(key)).collect();
        keys.len() as u64
    }

    /// Gives them out: a record has one number in all its buckets.
    pub fn number(&mut self, rows: &[Row], first: u64) {
        let mut known: BTreeMap<RowKey, u64> = rows.iter().map(|row| (row.key(), row.number)).collect();
        let mut next = first;
        for one in &mut self.touched {
            let number = *known.entry(one.key.clone()).or_insert_with(|| {
                next += 1;
                next - 1
            });
            one.number = number;
        }
    }
}

/// Whether a place is a whole entity.
#[must_use]
pub fn is_whole(place: &str) -> bool {
    !place.contains('/')
}

/// The place that says that records of a partitioned entity travel at all; nothing is in it.
#[must_use]
pub fn marker(entity: &str) -> String {
    format!("{entity}/")
}

/// How the place begins that says which fields of an entity do not travel; nothing is in it.
#[must_use]
pub fn without(entity: &str) -> String {
    format!("{entity}/-")
}

/// Every place of a user, sorted. `deselected` entities are left out where the schema lets the user choose.
#[must_use]
pub fn places(schema: &Schema, who: &Who, deselected: &[String]) -> Vec<String> {
    let to = Subject { user: who.user.as_str(), device: who.device.as_str(), roles: &who.roles, lists: &who.lists };
    let mut places = BTreeSet::new();
    for (name, entity) in &schema.entities {
        if entity.partial && deselected.contains(name) || !schema.sees(&who.roles, name) {
            continue;
        }
        if entity.partition.is_empty() {
            places.insert(name.clone());
        }
        // Whoever comes to see more or fewer fields gets the records anew.
        let hidden = |field: &&String| schema.hides_fields(name) && !schema.sees_field(&who.roles, name, field);
        let hidden: Vec<&str> = entity.fields.keys().filter(hidden).map(String::as_str).collect();
        if !hidden.is_empty() {
            places.insert(format!("{}{}", without(name), hidden.join(",")));
        }
        for rule in &entity.partition {
            places.insert(marker(name));
            places.extend(rule.granted(name, to));
        }
    }
    places.into_iter().collect()
}

/// What a user may see of a record that is theirs by `rules`.
#[must_use]
pub fn visible(schema: &Schema, who: &Who, name: &str, rules: Option<&BTreeSet<String>>, data: &Fields) -> Fields {
    let Some(entity) = schema.entities.get(name) else { return data.clone() };
    if !narrows(schema, name) {
        return data.clone();
    }
    let limits = rules.and_then(|rules| limited(entity, rules));
    let shows = |field: &String| {
        *field == entity.key
            || !entity.fields.get(field).is_some_and(|field| field.server_only)
                && limits.as_ref().is_none_or(|limits| limits.contains(field.as_str()))
                && schema.sees_field(&who.roles, name, field)
    };
    data.iter().filter(|(field, _)| shows(field)).map(|(field, value)| (field.clone(), value.clone())).collect()
}

/// Whether some records of the entity travel without some of their fields.
#[must_use]
pub fn narrows(schema: &Schema, name: &str) -> bool {
    schema.is_narrowed(name) || schema.entities.get(name).is_some_and(Entity::hides)
}

/// The only fields that travel, if no rule lets all of them.
fn limited<'a>(entity: &'a Entity, rules: &BTreeSet<String>) -> Option<BTreeSet<&'a str>> {
    if entity.partition.iter().all(|rule| rule.fields.is_empty()) {
        return None;
    }
    let mut fields = BTreeSet::new();
    for name in rules {
        // By a rule that is not there any more, nothing but the key.
        let Some(rule) = entity.partition.iter().find(|rule| rule.name == *name) else { continue };
        if rule.fields.is_empty() {
            return None;
        }
        fields.extend(rule.fields.iter().map(String::as_str));
    }
    Some(fields)
}
