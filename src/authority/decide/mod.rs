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
use crate::authority::reach;
use crate::authority::rows::{Row, Who};
use crate::error::{Code, Error, Result};
use crate::schema::{Operation, Schema};
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
            let row = verdict.rows.last().or_else(|| rows.get(&change.entity_type, &change.entity_id));
            let at = (context.schema, context.who, &rows.held);
            reach::hide(at, &change.entity_type, &mut verdict.answer, row);
            verdict
        }
        Err(error) => Verdict { answer: refusal(change, error), rows: Vec::new(), recorded: true },
    }
}

fn judge(context: &Context<'_>, change: &Change, rows: &Overlay<'_>) -> Result<Verdict> {
    let entity = context.schema.entity(&change.entity_type)?;
    reach::may(context.schema, context.who, change)?;
    entity.check_id(&change.entity_type, &change.entity_id)?;
    let row = rows.get(&change.entity_type, &change.entity_id);
    let near = row.filter(|row| reach::reaches(context.schema, context.who, row, &rows.held));
    match (change.operation, if change.operation == Operation::Create { row } else { near }) {
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
        (Operation::Update, Some(row)) if !row.deleted => {
            reach::sees(context.schema, context.who, change, &rows.held, row)?;
            write::update(context, entity, change, (row, rows))
        }
        (Operation::Update, Some(row)) => delete::edit_deleted(context, entity, change, (row, rows)),
        (Operation::Delete, Some(row)) if row.deleted => Ok(answer::unchanged(change, row)),
        (Operation::Delete, Some(row)) => delete::delete(context, entity, change, (row, rows)),
        // Who had the record before learns no more by this than they know.
        (Operation::Update | Operation::Delete, None) if row.is_some_and(|row| rows.left.contains(&row.key())) => {
            let error = Error::new(Code::PermissionDenied, "the record is not in your scope any more");
            Err(error.at(format!("{}.{}", change.entity_type, change.entity_id)))
        }
        (Operation::Update | Operation::Delete, None) => {
            Err(Error::new(Code::NotFound, "no such record").at(format!("{}.{}", change.entity_type, change.entity_id)))
        }
    }
}
