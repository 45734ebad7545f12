//! What a push may touch and what its answers may tell: roles, read-only entities and fields, and whether a row is in the
//! user's reach. This module decides it whatever the device has shown (SEC-4); a row out of reach is answered like one that
//! is not there (A8). `decide` asks it for each op.

use crate::authority::rows::{Row, Who};
use crate::authority::scope::{Held, narrows, visible};
use crate::error::{Code, Error, Result};
use crate::record::{Fields, digest};
use crate::schema::Schema;
use crate::wire::{Change, Processed};

/// Whether the user's roles allow the op.
pub(super) fn may(schema: &Schema, who: &Who, change: &Change) -> Result<()> {
    let name = &change.entity_type;
    let entity = schema.entity(name)?;
    let denied = |what: &str, at: String| Err(Error::new(Code::PermissionDenied, what).at(at));
    if entity.read_only {
        return denied("is read-only for devices", name.clone());
    }
    let changed: Vec<&str> = change.data.keys().chain(&change.removed).map(String::as_str).collect();
    if let Some(field) = changed.iter().find(|field| entity.fields.get(**field).is_some_and(|field| field.server_only)) {
        return denied("only the server writes this field", format!("{name}.{field}"));
    }
    schema.may_write(&who.roles, (name, change.operation), &change.data, &change.removed)
}

/// Whether a row is one that the user can know of: in scope (a deleted one when it was deleted), or their own last change.
pub(super) fn reaches(schema: &Schema, who: &Who, row: &Row, held: &Held) -> bool {
    let partitioned = schema.entities.get(&row.entity).is_some_and(|entity| !entity.partition.is_empty());
    !partitioned || row.changed_by == who.user.0 || held.contains_key(&row.key())
}

/// Whether an update keeps to the fields that travel to this user: nobody edits what they cannot see.
pub(super) fn sees(schema: &Schema, who: &Who, change: &Change, held: &Held, row: &Row) -> Result<()> {
    if !narrows(schema, &change.entity_type) {
        return Ok(());
    }
    let fields = change.data.keys().chain(&change.removed);
    let named: Fields = fields.map(|field| (field.clone(), serde_json::Value::Null)).collect();
    let shown = visible(schema, who, &change.entity_type, held.get(&row.key()), &named);
    match named.keys().find(|field| !shown.contains_key(*field)) {
        None => Ok(()),
        Some(field) => {
            let error = Error::new(Code::PermissionDenied, "this field does not travel to you");
            Err(error.at(format!("{}.{field}", change.entity_type)))
        }
    }
}

/// Fields kept on the server stay there, in answers as in pulls; the digest is that of what the device may see.
pub(super) fn hide(at: (&Schema, &Who, &Held), entity: &str, answer: &mut Processed, row: Option<&Row>) {
    let (schema, who, held) = at;
    if !schema.sees(&who.roles, entity) {
        (answer.data, answer.digest) = (None, String::new());
        answer.stamps.clear();
        if let Some(theirs) = &mut answer.conflict_data {
            theirs.server = None;
        }
        return;
    }
    if !narrows(schema, entity) {
        return;
    }
    let rules = row.and_then(|row| held.get(&row.key()));
    let shown = |data: &Fields| visible(schema, who, entity, rules, data);
    if let (false, Some(row)) = (answer.digest.is_empty(), row) {
        answer.digest = digest(&shown(&row.data));
    }
    answer.data = answer.data.take().map(|data| shown(&data));
    let named = answer.stamps.keys().map(|field| (field.clone(), serde_json::Value::Null)).collect();
    let told = shown(&named);
    answer.stamps.retain(|field, _| told.contains_key(field));
    if let Some(theirs) = &mut answer.conflict_data {
        theirs.server = theirs.server.take().map(|data| shown(&data));
        theirs.fields.retain(|field| shown(&Fields::from_iter([(field.clone(), serde_json::Value::Null)])).contains_key(field));
    }
}
