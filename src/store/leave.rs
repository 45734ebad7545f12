//! A record that has left the user's scope. This module decides what becomes of it on the device: a clean one goes; one with
//! ops that were not sent stays, locked, until a person has exported or discarded them or it comes back (law 16). `absorb`
//! asks it for each record that the server takes away.

use crate::error::{Code, Error};
use crate::queue::{Op, OpStatus};
use crate::record::digest;
use crate::schema::Operation;
use crate::store::desk::{Desk, Name};
use crate::store::rows::{BaseRow, Record, RecordStatus, SyncInfo};
use crate::time::Millis;
use crate::wire::{RemoteChange, Want};

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// It was not here.
    Nothing,
    /// It was clean and is gone.
    Gone,
    /// It has ops: they are kept back.
    Locked,
}

/// Takes a record away that is not the user's any more.
pub(crate) fn leave(desk: &mut Desk, name: &Name, now: Millis) -> Left {
    unwant(desk, name);
    let lane: Vec<Op> = desk.lane(name).into_iter().cloned().collect();
    if lane.is_empty() {
        desk.put_base(name, None);
        if desk.record(name).is_none() {
            return Left::Nothing;
        }
        desk.put_record(name, None);
        return Left::Gone;
    }
    let Some(base) = desk.base(name).cloned() else {
        // The server has not seen this record yet: it cannot have taken it away.
        return Left::Nothing;
    };
    desk.put_base(name, Some(BaseRow { left: true, ..base }));
    // An op that may be with the server already gets its answer there; what has not left stays.
    for op in lane.into_iter().filter(|op| !op.frozen && op.status == OpStatus::Pending) {
        let error =
            Error::new(Code::PermissionDenied, "the record is not in your scope any more").at(format!("{}.{}", name.0, name.1));
        let error = error.hint("export the change or discard it; it goes by itself if the record comes back");
        desk.put_op(Op { status: OpStatus::Failed, error: Some(error), updated_at: now, ..op });
    }
    mark(desk, name);
    Left::Locked
}

/// Whether a record that comes from the server had left: then what was kept back may go.
pub(crate) fn back(desk: &mut Desk, name: &Name, now: Millis) -> bool {
    let Some(base) = desk.base(name).filter(|base| base.left).cloned() else { return false };
    desk.put_base(name, Some(BaseRow { left: false, ..base }));
    let lane: Vec<Op> = desk.lane(name).into_iter().filter(|op| op.kept_back()).cloned().collect();
    for op in lane {
        desk.put_op(Op { status: OpStatus::Pending, error: None, updated_at: now, ..op });
    }
    mark(desk, name);
    true
}

/// Whether the record is here as the row has it.
pub(crate) fn is_here(desk: &Desk, name: &Name, row: &RemoteChange) -> bool {
    let clean = desk.lane(name).is_empty();
    let ours = desk.base(name).map(|base| base.data.as_ref()).unwrap_or_else(|| desk.record(name).map(|record| &record.fields));
    match ours {
        Some(fields) => row.operation != Operation::Delete && digest(fields) == row.digest,
        None => !clean || row.operation == Operation::Delete,
    }
}

/// Takes a record off the list of those that are asked for by name; whether it was on it.
pub(crate) fn unwant(desk: &mut Desk, name: &Name) -> bool {
    let wanted = |want: &Want| want.entity_type == name.0 && want.entity_id == name.1;
    let asked_for = desk.sync_row().is_some_and(|sync| sync.want.iter().any(wanted));
    if asked_for {
        desk.edit_sync(|sync| sync.want.retain(|want| !wanted(want)));
    }
    asked_for
}

fn mark(desk: &mut Desk, name: &Name) {
    let status: RecordStatus = desk.mark(name);
    if let Some(record) = desk.record(name).cloned() {
        desk.put_record(name, Some(Record { sync: SyncInfo { status, ..record.sync }, ..record }));
    }
}
