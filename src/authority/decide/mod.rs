//! One op against the row it meets. This module decides who may do it and which of the ways it goes: created, updated,
//! deleted, brought back, refused or a conflict; the ways themselves are in `write`, `delete` and `constraint`, the form of an
//! answer in `answer`. It writes nothing. `push` calls it for each op that has no answer yet.
//!
//! Who wins when one side deletes what the other changes; the same on every replica, since only the server decides it:
//!
//! | first on the server | then | `manual` | `edit_wins` | `delete_wins` |
//! |---|---|---|---|---|
//! | edit | delete of an older version | a person (`delete_edit`) | the record stays | the record goes |
//! | delete | edit | a person (`edit_delete`) | comes back whole, with the edit | stays deleted |
//! | delete | delete | stays deleted | stays deleted | stays deleted |
//! | delete | create over the tombstone that the device has seen | comes back whole | the same | the same |
//! | delete, tombstone collected | edit | `NOT_FOUND`, kept on the device | the same | the same |
//!
//! A parent's delete meets a new child by the child's reference. Child first: `restrict` refuses the delete, `cascade` takes
//! the child along, `set_null` takes the reference away. Delete first: the child is refused with `REFERENCE_MISSING` and stays
//! on its device, under `set_null` it is taken without the reference. An edit that wins brings back nobody's parent: if that
//! is gone too, a person decides.

mod answer;
mod constraint;
mod delete;
mod write;

use crate::authority::overlay::Overlay;
use crate::authority::rows::{Row, Who};
use crate::error::{Code, Error, Result};
use crate::record::digest;
use crate::schema::{Entity, Operation, Schema};
use crate::time::Millis;
use crate::wire::{Change, Processed};

pub(super) use answer::refusal;

pub(super) struct Context<'a> {
    pub schema: &'a Schema,
    pub who: &'a Who,
    pub now: Millis,
    pub skew_ms: i64,
    /// References of the op were temporary ids: the device has to be told what they are.
    pub relinked: bool,
}

pub(super) struct Verdict {
    pub answer: Processed,
    /// The changed rows; the op's own comes last, so that nobody is told of a parent's end before its children's.
    pub rows: Vec<Row>,
    /// Whether the answer is kept. One that asks to come again is not: the op has no answer yet.
    pub recorded: bool,
}

/// A refusal that is recorded like any other.
pub(super) fn refused(change: &Change, error: Error) -> Verdict {
    Verdict { answer: refusal(change, error), rows: Vec::new(), recorded: true }
}

pub(super) fn op(context: &Context<'_>, change: &Change, rows: &Overlay<'_>) -> Verdict {
    match judge(context, change, rows) {
        Ok(mut verdict) => {
            if let Some(row) = verdict.rows.last().filter(|row| context.relinked && !row.deleted) {
                verdict.answer.data.get_or_insert_with(|| row.data.clone());
            }
            if let Some(entity) = context.schema.entities.get(&change.entity_type).filter(|entity| entity.hides()) {
                let row = verdict.rows.last().or_else(|| rows.get(&change.entity_type, &change.entity_id));
                hide(entity, &mut verdict.answer, row);
            }
            verdict
        }
        Err(error) => Verdict { answer: refusal(change, error), rows: Vec::new(), recorded: true },
    }
}

/// Fields kept on the server stay there, in answers as in pulls; the digest is that of what the device may see.
fn hide(entity: &Entity, answer: &mut Processed, row: Option<&Row>) {
    if let (false, Some(row)) = (answer.digest.is_empty(), row) {
        answer.digest = digest(&entity.visible(&row.data));
    }
    answer.data = answer.data.take().map(|data| entity.visible(&data));
    answer.stamps.retain(|field, _| !entity.fields.get(field).is_some_and(|field| field.server_only));
    if let Some(theirs) = &mut answer.conflict_data {
        theirs.server = theirs.server.take().map(|data| entity.visible(&data));
    }
}

fn judge(context: &Context<'_>, change: &Change, rows: &Overlay<'_>) -> Result<Verdict> {
    let entity = context.schema.entity(&change.entity_type)?;
    may(context, change)?;
    entity.check_id(&change.entity_type, &change.entity_id)?;
    let row = rows.get(&change.entity_type, &change.entity_id);
    match (change.operation, row) {
        (Operation::Create, None) => write::create(context, entity, change, (rows, 1)),
        // Whoever has seen the tombstone may bring the record back, whole: "mine" in an edit against a delete.
        (Operation::Create, Some(row)) if row.deleted && change.base_version == Some(row.version) => {
            write::create(context, entity, change, (rows, row.version + 1))
        }
        (Operation::Create, Some(_)) => {
            let error =
                Error::new(Code::IdCollision, "another record has this id").at(format!("{}.{}", change.entity_type, entity.key));
            Err(error.hint("give the record a new id"))
        }
        (Operation::Update, Some(row)) if !row.deleted => write::update(context, entity, change, (row, rows)),
        (Operation::Update, Some(row)) => delete::edit_deleted(context, entity, change, (row, rows)),
        (Operation::Delete, Some(row)) if row.deleted => Ok(answer::unchanged(change, row)),
        (Operation::Delete, Some(row)) => delete::delete(context, entity, change, (row, rows)),
        (Operation::Update | Operation::Delete, None) => {
            Err(Error::new(Code::NotFound, "no such record").at(format!("{}.{}", change.entity_type, change.entity_id)))
        }
    }
}

/// Roles are checked here whatever the device has shown (SEC-4).
fn may(context: &Context<'_>, change: &Change) -> Result<()> {
    let denied = |what: String| Err(Error::new(Code::PermissionDenied, what).at(&change.entity_type));
    if context.schema.entities.get(&change.entity_type).is_some_and(|entity| entity.read_only) {
        return denied("is read-only for devices".into());
    }
    let hidden = |field: &&String| {
        let fields = context.schema.entities.get(&change.entity_type).map(|entity| &entity.fields);
        fields.and_then(|fields| fields.get(*field)).is_some_and(|field| field.server_only)
    };
    if let Some(field) = change.data.keys().chain(&change.removed).find(hidden) {
        let error = Error::new(Code::PermissionDenied, "only the server writes this field");
        return Err(error.at(format!("{}.{field}", change.entity_type)));
    }
    if context.schema.roles.is_empty() {
        return Ok(());
    }
    let roles = context.who.roles.iter().filter_map(|name| context.schema.roles.get(name));
    let allowed = |role: &&crate::schema::Role| {
        let lists = ["*", change.entity_type.as_str()].into_iter().filter_map(|name| role.may.get(name));
        lists.flatten().any(|operation| *operation == change.operation)
            && !change_fields(change).any(|field| role.not_fields.contains(&field))
    };
    if roles.into_iter().any(|role| allowed(&role)) {
        Ok(())
    } else {
        denied(format!("your role may not {:?} this", change.operation).to_lowercase())
    }
}

fn change_fields(change: &Change) -> impl Iterator<Item = String> {
    change.data.keys().chain(&change.removed).map(|field| format!("{}.{field}", change.entity_type))
}
