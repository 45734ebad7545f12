//! Real ids for temporary ones (IDS-1, IDS-2). This module decides which id a record gets that a device could only name for
//! the time being, and what a temporary id in an op stands for: in the op's own name, and in references, also inside lists.
//! The mapping is written with the record; it belongs to the user who made it, and to nobody else it means anything.

use crate::authority::gather::Gathered;
use crate::authority::push::Push;
use crate::authority::rows::Who;
use crate::authority::terms::hex;
use crate::id::{User, is_temp, uuid_v7};
use crate::plain::plain;
use crate::record::Fields;
use crate::schema::{Entity, IdMode, Operation, Schema, To};
use crate::time::Millis;
use crate::wire::Change;
use std::collections::{BTreeMap, BTreeSet};

plain! {
    /// What a temporary id stands for, kept as long as answers are.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct TempRow {
        /// Whose device made it.
        pub user: User,
        /// The temporary id.
        pub temp_id: String,
        /// The record's entity.
        pub entity: String,
        /// The record's id.
        pub real_id: String,
        /// When the record came.
        pub at: Millis,
        ..
    }
}

/// Every temporary id that ops name, each once.
pub(super) fn named(schema: &Schema, changes: &[Change]) -> Vec<String> {
    let mut found = BTreeSet::new();
    if schema.id_mode != IdMode::Temp {
        return Vec::new();
    }
    for change in changes {
        found.extend(temp_of(change).map(str::to_owned));
        let Some(entity) = schema.entities.get(&change.entity_type) else { continue };
        for fields in [&change.data, &change.before] {
            found.extend(entity.referred(fields).into_iter().filter(|(_, id, _)| is_temp(id)).map(|(_, id, _)| id.to_owned()));
        }
    }
    found.into_iter().collect()
}

/// The temporary id of the op's own record.
pub(super) fn temp_of(change: &Change) -> Option<&str> {
    change.temp_id.as_deref().or(Some(change.entity_id.as_str())).filter(|id| is_temp(id))
}

/// The ops with real ids. Creates of the batch are known to all of its ops, whatever their order.
pub(super) fn resolved(push: &Push<'_>, found: &Gathered) -> Vec<Change> {
    let changes = push.changes();
    let mut real: BTreeMap<(&str, &str), String> = BTreeMap::new();
    if push.schema().id_mode == IdMode::Temp {
        real.extend(found.temps.values().map(|row| ((row.entity.as_str(), row.temp_id.as_str()), row.real_id.clone())));
        for change in changes.iter().filter(|change| change.operation == Operation::Create) {
            if let Some(temp) = temp_of(change) {
                let fresh = || fresh_id(push, change);
                real.entry((&change.entity_type, temp)).or_insert_with(fresh);
            }
        }
    }
    let one = |change: &Change| {
        let mut change = change.clone();
        let entity = push.schema().entities.get(&change.entity_type);
        if let Some(temp) = temp_of(&change).map(str::to_owned) {
            let known = real.get(&(change.entity_type.as_str(), temp.as_str()));
            change.entity_id = known.cloned().unwrap_or_else(|| temp.clone());
            let key = entity.and_then(|entity| change.data.get_mut(&entity.key));
            if let Some(key) = key.filter(|key| key.as_str() == Some(&temp)) {
                *key = change.entity_id.as_str().into();
            }
        }
        if let Some(entity) = entity {
            link(entity, &mut change.data, &real);
            link(entity, &mut change.before, &real);
        }
        change
    };
    changes.iter().map(one).collect()
}

fn link(entity: &Entity, fields: &mut Fields, real: &BTreeMap<(&str, &str), String>) {
    if real.is_empty() {
        return;
    }
    entity.rewrite(fields, &mut |reference, id| {
        real.get(&(reference.entity.as_str(), id)).map_or(To::Keep, |id| To::Id(id.clone()))
    });
}

/// A new record's id. It follows from the op, whose id is random and used once, so that deciding needs no randomness.
fn fresh_id(push: &Push<'_>, change: &Change) -> String {
    let hash = hex(format!("id\0{}\0{}\0{}", push.who().tenant, push.who().user, change.queue_id).as_bytes());
    let mut random = [0u8; 10];
    for (byte, digits) in random.iter_mut().zip(hash.as_bytes().chunks(2)) {
        *byte = std::str::from_utf8(digits).ok().and_then(|text| u8::from_str_radix(text, 16).ok()).unwrap_or_default();
    }
    uuid_v7(push.now(), random)
}

/// Whether the device has to be told what its op's references stand for; its record's own id it learns anyway.
pub(super) fn is_relinked(schema: &Schema, change: &Change, meant: &Change) -> bool {
    let key = schema.entities.get(&change.entity_type).map(|entity| entity.key.as_str());
    temp_of(change).is_some()
        && change.data.iter().any(|(name, value)| Some(name.as_str()) != key && meant.data.get(name) != Some(value))
        || temp_of(change).is_none() && change.data != meant.data
}

/// The mapping that an accepted create makes.
pub(super) fn mapping(who: &Who, meant: &Change, now: Millis) -> Option<TempRow> {
    let temp = temp_of(meant).filter(|temp| *temp != meant.entity_id)?;
    (meant.operation == Operation::Create).then(|| TempRow {
        user: who.user.clone(),
        temp_id: temp.to_owned(),
        entity: meant.entity_type.clone(),
        real_id: meant.entity_id.clone(),
        at: now,
    })
}
