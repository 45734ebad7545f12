//! The forms an answer has. This module decides which facts travel with each of them; what happens to the row has been
//! decided before. The other files of `decide` and `push` call it.

use crate::authority::decide::{Context, Verdict};
use crate::authority::identity::temp_of;
use crate::authority::rows::Row;
use crate::error::Error;
use crate::record::{Fields, digest};
use crate::wire::change::Stamp;
use crate::wire::push::ConflictData;
use crate::wire::{Change, Processed, Status};
use std::collections::BTreeMap;

/// A refusal as an answer. A record that did not come keeps the id the device has for it.
pub(in crate::authority) fn refusal(change: &Change, error: Error) -> Processed {
    Processed::refused(change.queue_id.clone(), temp_of(change).unwrap_or(&change.entity_id), error)
}

pub(super) fn answer(change: &Change, status: Status) -> Processed {
    Processed {
        queue_id: change.queue_id.clone(),
        status,
        entity_id: change.entity_id.clone(),
        server_version: 0,
        number: 0,
        digest: String::new(),
        data: None,
        stamps: BTreeMap::new(),
        conflict_id: None,
        conflict_data: None,
        error: None,
    }
}

/// The op's wish is already so.
pub(super) fn unchanged(change: &Change, row: &Row) -> Verdict {
    let data = (!row.deleted && change.base_version != Some(row.version)).then(|| row.data.clone());
    Verdict { answer: Processed { data, ..as_it_is(change, row) }, rows: Vec::new(), recorded: true }
}

/// The record stays as it is, and the device is told how.
pub(super) fn stays(change: &Change, row: &Row) -> Verdict {
    let answer = Processed { data: Some(row.data.clone()), ..as_it_is(change, row) };
    Verdict { answer, rows: Vec::new(), recorded: true }
}

fn as_it_is(change: &Change, row: &Row) -> Processed {
    Processed { server_version: row.version, digest: digest(&row.data), ..answer(change, Status::Success) }
}

/// What an accepted op makes of its row.
pub(super) struct Made {
    pub version: u64,
    pub data: Fields,
    /// Who wrote its fields last, all of them.
    pub stamps: BTreeMap<String, Stamp>,
    /// Those of the fields this op wrote.
    pub fresh: BTreeMap<String, Stamp>,
}

pub(super) fn changed(context: &Context<'_>, change: &Change, made: Made) -> Verdict {
    let answer = Processed {
        server_version: made.version,
        digest: digest(&made.data),
        stamps: made.fresh,
        ..answer(change, Status::Success)
    };
    let row = Row {
        entity: change.entity_type.clone(),
        id: change.entity_id.clone(),
        version: made.version,
        number: 0,
        deleted: false,
        data: made.data,
        last: None,
        stamps: made.stamps,
        changed_by: context.who.user.0.clone(),
        changed_at: context.now,
    };
    Verdict { answer, rows: vec![row], recorded: true }
}

pub(super) fn conflict(change: &Change, kind: &str, fields: Vec<String>, row: &Row) -> Verdict {
    let theirs = ConflictData {
        kind: kind.to_owned(),
        fields,
        server: (!row.deleted).then(|| row.data.clone()),
        version: row.version,
        changed_by: row.changed_by.clone(),
        changed_at: row.changed_at.iso(),
    };
    let answer = Processed {
        server_version: row.version,
        conflict_id: Some(change.queue_id.as_str().into()),
        conflict_data: Some(theirs),
        ..answer(change, Status::Conflict)
    };
    Verdict { answer, rows: Vec::new(), recorded: true }
}
