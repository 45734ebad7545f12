//! What an answer of the server does to the rows of one record: an op settled (by a push or by an ack in a pull), a row
//! taken in. This module decides the new base, the new view and the new status of each op; `settle` and `absorb` bring the
//! rows to the desk and write them. It invents nothing: what the server said, or what both sides compute alike.

use crate::error::{Code, Error, Result, Single};
use crate::queue::{Op, OpStatus};
use crate::record::{Fields, digest};
use crate::schema::{Operation, Schema};
use crate::store::desk::{Desk, Name, no_fields};
use crate::store::rows::{BaseRow, ConflictRow, Record, RecordStatus, SyncInfo};
use crate::store::settle::releases;
use crate::store::{leave, rebase, remap};
use crate::time::Millis;
use crate::wire::change::Stamp;
use crate::wire::push::ConflictData;
use crate::wire::{Ack, Processed, RemoteChange, Status, Want};
use std::collections::BTreeMap;

/// What became of one op on this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Applied,
    Refused,
    Parked,
    Again,
    /// Not decided: an op it depends on was refused.
    Held,
    /// It had its answer already.
    Known,
}

/// The record after an applied op, as the server has it.
struct After {
    version: u64,
    data: Option<Fields>,
    stamps: BTreeMap<String, Stamp>,
}

/// An op's answer.
pub(crate) fn settle(desk: &mut Desk, schema: &Schema, seq: u64, answer: &Processed, when: (Millis, u32)) -> Result<Fate> {
    let Some(op) = desk.op(seq).filter(|op| op.id == answer.queue_id && op.lane.is_some()).cloned() else {
        return Ok(Fate::Known);
    };
    let op = if answer.status == Status::Success { real(desk, schema, op, answer, when.0)? } else { op };
    let name = (op.entity_type.clone(), op.entity_id.clone());
    let theirs = answer.conflict_data.as_ref().and_then(|theirs| theirs.server.as_ref());
    for fields in answer.data.iter().chain(theirs) {
        if !is_own(schema, &name, fields)? {
            return Err(foreign(&name));
        }
    }
    match answer.status {
        Status::Success => {
            applied(desk, schema, &op, answer, when.0)?;
            Ok(Fate::Applied)
        }
        Status::Conflict => {
            parked(desk, schema, op, answer, when.0)?;
            Ok(Fate::Parked)
        }
        // Without what it waits for it would be offered again at once, and held again: then it is a refusal.
        Status::Held if op.needs.is_empty() && !op.behind => refused(desk, op, answer, when),
        Status::Held => {
            let name = (op.entity_type.clone(), op.entity_id.clone());
            desk.put_op(Op { status: OpStatus::Pending, updated_at: when.0, ..op });
            remark(desk, &name);
            Ok(Fate::Held)
        }
        Status::Error if was_there(&op, answer) => missing(desk, schema, op, answer, when.0),
        Status::Error => refused(desk, op, answer, when),
    }
}

/// The op once its record has the id that the server gave it.
fn real(desk: &mut Desk, schema: &Schema, op: Op, answer: &Processed, now: Millis) -> Result<Op> {
    if !remap::renames(schema, &op, &answer.entity_id) {
        return Ok(op);
    }
    let name = (op.entity_type.clone(), op.entity_id.clone());
    let found = desk.followers(&name, &answer.entity_id);
    remap::rename(desk, schema, &found, (op.created_at, now))?;
    Ok(desk.op(op.seq).cloned().unwrap_or(op))
}

/// Whether the server does not know a record that it once had.
fn was_there(op: &Op, answer: &Processed) -> bool {
    op.operation != Operation::Create
        && op.base_version.is_some()
        && answer.error.as_ref().is_some_and(|error| error.code == Code::NotFound)
}

/// An op's ack in a pull: applied, without the merged data (which follows as a row).
/// One that has not left this database, or was refused, is not meant: a copy of it has sent an op of this name, otherwise edited.
pub(crate) fn acked(desk: &mut Desk, schema: &Schema, seq: u64, ack: &Ack, now: Millis) -> Result<Fate> {
    if !desk.op(seq).is_some_and(|op| op.frozen && matches!(op.status, OpStatus::Pending | OpStatus::Syncing)) {
        return Ok(Fate::Known);
    }
    let answer = Processed {
        queue_id: ack.queue_id.clone(),
        status: Status::Success,
        entity_id: ack.entity_id.clone(),
        server_version: ack.server_version,
        number: ack.number,
        digest: ack.digest.clone(),
        data: None,
        stamps: BTreeMap::new(),
        conflict_id: None,
        conflict_data: None,
        error: None,
    };
    settle(desk, schema, seq, &answer, (now, u32::MAX))
}

fn applied(desk: &mut Desk, schema: &Schema, op: &Op, answer: &Processed, now: Millis) -> Result<()> {
    let name = (op.entity_type.clone(), op.entity_id.clone());
    let entity = schema.entity(&name.0)?;
    desk.put_op(Op {
        status: OpStatus::Completed,
        server_version: Some(answer.server_version),
        updated_at: now,
        lane: None,
        error: None,
        ..op.clone()
    });
    let base = desk.base(&name).cloned();
    let data = match (&answer.data, op.operation) {
        (Some(data), _) => Some(data.clone()),
        (None, Operation::Delete) => None,
        (None, _) => rebase::predict(entity, base.as_ref(), &by_their_clock(desk, op)),
    };
    let alike = answer.digest.is_empty() || digest(data.as_ref().unwrap_or(&no_fields())) == answer.digest;
    // A create that had left before is answered with what was so then. Where a snapshot has come in between, no delta says what
    // became of the record since, and a snapshot lists no tombstones.
    let old = op.operation == Operation::Create && base.is_none() && op.sent_at.is_some_and(|first| first < op.updated_at);
    if !alike || old {
        want(desk, &name);
    }
    let mut stamps = base.as_ref().map(|base| base.stamps.clone()).unwrap_or_default();
    stamps.extend(answer.stamps.clone());
    // A row that was pulled meanwhile may be newer than this answer; versions only go up.
    // Made anew over a tombstone that the server no longer has, the record begins again at 1.
    let anew = |base: &BaseRow| op.operation == Operation::Create && op.base_version == Some(base.version);
    let newer = base.as_ref().filter(|base| base.version > answer.server_version && !anew(base)).cloned();
    let after = newer.map_or(After { version: answer.server_version, data, stamps }, |base| After {
        version: base.version,
        data: base.data,
        stamps: base.stamps,
    });
    if releases(op.operation) {
        release(desk, &name);
    }
    follower(desk, &name, answer, alike && answer.data.is_none());
    stand(desk, schema, &name, after, (now, None))
}

/// Who waited for this op of its record waits no longer.
pub(crate) fn release(desk: &mut Desk, name: &Name) {
    let need = crate::queue::op::need(&name.0, &name.1);
    for seq in desk.waiting_for(&need) {
        if let Some(mut child) = desk.op(seq).cloned() {
            child.needs.retain(|one| *one != need);
            child.aside = false;
            desk.put_op(child);
        }
    }
}

/// The op behind the answered one may go now. It was made on that op's result and is based on its version, unless somebody
/// else's change is in there too: then a delete keeps its older base, and the server asks before it deletes what the user
/// has not seen.
fn follower(desk: &mut Desk, name: &Name, answer: &Processed, as_predicted: bool) {
    let Some(mut next) = desk.lane(name).first().map(|next| (*next).clone()) else { return };
    next.behind = false;
    next.aside = false;
    if next.is_open() && (as_predicted || next.operation == Operation::Update) {
        next.base_version = Some(answer.server_version);
    }
    desk.put_op(next);
}

/// Brings base and record to a server version: with ops left it becomes the base under them, without it is the record.
fn stand(
    desk: &mut Desk,
    schema: &Schema,
    name: &Name,
    after: After,
    when: (Millis, Option<(&str, Option<Millis>)>),
) -> Result<()> {
    let (now, said) = when;
    let entity = schema.entity(&name.0)?;
    let old = desk.record(name).cloned();
    let (by, at) = said.map_or_else(
        || old.as_ref().map_or((String::new(), None), |old| (old.sync.by.clone(), old.sync.server_at)),
        |(by, at)| (by.to_owned(), at),
    );
    let base = BaseRow {
        entity_type: name.0.clone(),
        entity_id: name.1.clone(),
        version: after.version,
        data: after.data.clone(),
        stamps: after.stamps,
        by: by.clone(),
        at,
        left: false,
    };
    let lane: Vec<Op> = desk.lane(name).into_iter().map(|op| by_their_clock(desk, op)).collect();
    let fields = if lane.is_empty() {
        desk.put_base(name, None);
        after.data
    } else {
        let lane: Vec<&Op> = lane.iter().collect();
        let fields = rebase::view(entity, Some(&base), &lane, old.as_ref().map(|old| &old.fields));
        desk.put_base(name, Some(base));
        fields
    };
    let status = desk.mark(name);
    let record = fields.map(|fields| {
        let clean = status == RecordStatus::Synced;
        let sync = SyncInfo {
            status,
            version: Some(after.version),
            local: old.as_ref().map_or(0, |old| old.sync.local),
            modified: if clean { at.unwrap_or(now) } else { old.as_ref().map_or(now, |old| old.sync.modified) },
            synced: if clean { Some(now) } else { old.as_ref().and_then(|old| old.sync.synced) },
            server_at: at,
            by,
            offline: false,
            bytes: 0,
            refs: Vec::new(),
        };
        Record { fields, sync }
    });
    if record.is_some() || desk.record(name).is_some() {
        desk.put_record(name, record);
    }
    Ok(())
}

fn refused(desk: &mut Desk, op: Op, answer: &Processed, when: (Millis, u32)) -> Result<Fate> {
    let (now, most) = when;
    let error = answer.error.clone().unwrap_or_else(|| Error::new(crate::error::Code::ServerError, "refused without a reason"));
    let name = (op.entity_type.clone(), op.entity_id.clone());
    // Only what has left counts as an attempt.
    let retry_count = op.retry_count + u32::from(op.frozen);
    let again = error.code.handling().single == Single::Again && retry_count < most;
    // Sent again it is the same frozen op, among others; without a further attempt it waits for a person.
    let status = if again { OpStatus::Pending } else { OpStatus::Failed };
    desk.put_op(Op { status, retry_count, last_retry_at: Some(now), updated_at: now, error: Some(error), ..op });
    remark(desk, &name);
    Ok(if again { Fate::Again } else { Fate::Refused })
}

/// The op with its stamp as the server will read it: where the later write wins, both ends then name the same one.
fn by_their_clock(desk: &Desk, op: &Op) -> Op {
    let skew_ms = desk.sync_row().map_or(0, |sync| sync.skew_ms);
    Op { hlc: op.hlc.shifted(skew_ms), ..op.clone() }
}

/// What others have stamped is before whatever is written here from now on (the hybrid clock's receive), by this device's
/// clock and as far as it can be true: a stamp from further ahead than the server lets through is not believed.
fn hear(desk: &mut Desk, row: &RemoteChange, now: Millis) {
    let skew_ms = desk.sync_row().map_or(0, |sync| sync.skew_ms);
    for stamp in row.stamps.values() {
        let theirs = stamp.hlc.shifted(skew_ms.saturating_neg());
        if theirs.time <= now.plus(crate::limits::CLOCK_AHEAD_MS) {
            desk.head.clock = desk.head.clock.seen(&theirs);
        }
    }
}

fn remark(desk: &mut Desk, name: &Name) {
    let status = desk.mark(name);
    if let Some(record) = desk.record(name).filter(|record| record.sync.status != status).cloned() {
        desk.put_record(name, Some(Record { sync: SyncInfo { status, ..record.sync }, ..record }));
    }
}

fn parked(desk: &mut Desk, schema: &Schema, op: Op, answer: &Processed, now: Millis) -> Result<()> {
    let name = (op.entity_type.clone(), op.entity_id.clone());
    let id = answer.conflict_id.clone().unwrap_or_else(|| op.id.as_str().into());
    let local = desk.record(&name).map(|record| record.fields.clone());
    let op_id = op.id.clone();
    desk.put_op(Op { status: OpStatus::Conflict, updated_at: now, resolves: Some(id.clone()), ..op });
    let Some(theirs) = &answer.conflict_data else {
        return {
            remark(desk, &name);
            Ok(())
        };
    };
    desk.put_conflict(&ConflictRow {
        id,
        entity_type: name.0.clone(),
        entity_id: name.1.clone(),
        op: op_id,
        kind: theirs.kind.clone(),
        fields: theirs.fields.clone(),
        server: theirs.server.clone(),
        version: theirs.version,
        changed_by: theirs.changed_by.clone(),
        changed_at: theirs.changed_at.clone(),
        detected_at: now,
        temps: remap::temps_of(schema, &name.0, local.as_ref()),
        local,
    })?;
    let known = desk.base(&name).is_some_and(|base| base.version >= theirs.version);
    if known {
        remark(desk, &name);
        return Ok(());
    }
    let after = After { version: theirs.version, data: theirs.server.clone(), stamps: BTreeMap::new() };
    stand(desk, schema, &name, after, (now, Some((&theirs.changed_by, Millis::parse(&theirs.changed_at)))))
}

/// A row of a pull; returns whether it changed anything here. In a snapshot the server's word holds whatever its version.
pub(crate) fn take(desk: &mut Desk, schema: &Schema, row: &RemoteChange, when: (Millis, bool)) -> Result<bool> {
    let (now, snapshot) = when;
    let name = (row.entity_type.clone(), row.entity_id.clone());
    let asked_for = leave::unwant(desk, &name);
    let known = desk.base(&name).map(|base| base.version).or_else(|| desk.record(&name).and_then(|record| record.sync.version));
    let back = leave::back(desk, &name, now);
    // The same version with other fields: the user has come to see more of it, or less.
    let old =
        known.is_some_and(|known| known > row.server_version || known == row.server_version && leave::is_here(desk, &name, row));
    if !snapshot && !asked_for && !back && old {
        return Ok(false);
    }
    hear(desk, row, now);
    let gone = row.operation == Operation::Delete;
    if !gone && !is_own(schema, &name, &row.data)? {
        return Err(foreign(&name));
    }
    if gone && desk.record(&name).is_none() && desk.lane(&name).is_empty() {
        return Ok(false);
    }
    let after = After { version: row.server_version, data: (!gone).then(|| row.data.clone()), stamps: row.stamps.clone() };
    stand(desk, schema, &name, after, (now, Some((&row.changed_by, Millis::parse(&row.timestamp)))))?;
    Ok(true)
}

fn foreign(name: &Name) -> Error {
    Error::new(crate::error::Code::ProtocolError, "a row under another row's id").at(format!("{}.{}", name.0, name.1))
}

/// Whether what the server says a record is carries that record's id: a row is stored by the key inside it.
fn is_own(schema: &Schema, name: &Name, fields: &Fields) -> Result<bool> {
    Ok(fields.get(&schema.entity(&name.0)?.key).and_then(serde_json::Value::as_str) == Some(&name.1))
}

/// A clean record that a snapshot of its range does not list is gone; under pending ops its base is, so that whoever decides
/// to keep it makes it anew.
pub(crate) fn vanish(desk: &mut Desk, name: &Name) {
    if !desk.lane(name).is_empty() {
        gone_below(desk, name);
    } else if desk.record(name).is_some() {
        desk.put_record(name, None);
    }
}

fn gone_below(desk: &mut Desk, name: &Name) {
    if let Some(base) = desk.base(name).filter(|base| base.data.is_some()).cloned() {
        desk.put_base(name, Some(BaseRow { data: None, ..base }));
    }
}

/// What was edited or deleted here is no longer known to the server at all: its tombstone was collected, or the server was
/// restored to before it. A delete has its wish; an edit is asked about, as against any other delete.
fn missing(desk: &mut Desk, schema: &Schema, op: Op, answer: &Processed, now: Millis) -> Result<Fate> {
    let name = (op.entity_type.clone(), op.entity_id.clone());
    if desk.base(&name).is_some_and(|base| base.left) {
        // Out of the user's reach is not deleted: the op is kept for export or a decision.
        return refused(desk, op, answer, (now, 0));
    }
    if op.operation == Operation::Delete {
        applied(desk, schema, &op, &Processed { status: Status::Success, error: None, ..answer.clone() }, now)?;
        return Ok(Fate::Applied);
    }
    gone_below(desk, &name);
    let theirs = ConflictData {
        kind: "edit_delete".into(),
        fields: op.patch.fields().cloned().collect(),
        server: None,
        version: desk.base(&name).map_or_else(|| op.base_version.unwrap_or(0), |base| base.version),
        changed_by: String::new(),
        changed_at: now.iso(),
    };
    parked(desk, schema, op, &Processed { conflict_data: Some(theirs), ..answer.clone() }, now)?;
    Ok(Fate::Parked)
}

/// The next pull fetches this row whole: it is not what both sides should have computed.
pub(crate) fn want(desk: &mut Desk, name: &Name) {
    let want = Want { entity_type: name.0.clone(), entity_id: name.1.clone() };
    desk.edit_sync(|sync| {
        if !sync.want.contains(&want) {
            sync.want.push(want);
        }
    });
}
