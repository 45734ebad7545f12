//! Two records claimed one id (IDS-4), and the server has the other one. This module decides how ours goes on under a new id:
//! a new op in the place of the refused one, and what was made here as its child refers to it, not to the stranger. What the
//! server has comes by the next pull. `settle` calls it where the schema says `new_id`.

use crate::error::Result;
use crate::id::Entropy;
use crate::queue::op::need;
use crate::queue::{Op, OpStatus};
use crate::record::Patch;
use crate::schema::{Operation, Reference, Schema, To};
use crate::store::answer::release;
use crate::store::desk::{Desk, Name};
use crate::store::remap::{Found, renamed};
use crate::store::rows::{Record, RecordStatus, SyncInfo};
use crate::store::write::fresh_id;
use crate::time::Millis;

/// The record of a refused create, under a new id.
pub(crate) fn anew(desk: &mut Desk, schema: &Schema, op: &Op, with: (&mut Entropy, Millis)) -> Result<()> {
    let (entropy, now) = with;
    let name = (op.entity_type.clone(), op.entity_id.clone());
    let found = Found::of(&name, fresh_id(schema, &name.0, (now, entropy)));
    let shown = desk.record(&name).cloned();
    let lane: Vec<u64> = desk.lane(&name).into_iter().map(|op| op.seq).collect();
    lane.into_iter().for_each(|seq| desk.drop_op(seq));
    as_on_server(desk, &name, now);
    let Some(record) = shown else {
        // It was deleted here meanwhile: nothing of it is to be sent.
        release(desk, &name);
        return Ok(());
    };
    let entity = schema.entity(&name.0)?;
    let mut fields = record.fields;
    entity.rewrite(&mut fields, &mut visit(&found));
    fields.insert(entity.key.clone(), found.real.as_str().into());
    let lane = [name.0.clone(), found.real.clone()];
    let patch = Patch { data: fields.clone(), ..Patch::default() };
    let create = Op { operation: Operation::Create, entity_id: found.real.clone(), lane: Some(lane), patch, ..op.clone() };
    desk.put_op(fresh(create, entropy, now));
    let sync = SyncInfo { status: RecordStatus::Pending, version: None, offline: true, ..record.sync };
    desk.put_record(&(name.0.clone(), found.real.clone()), Some(Record { fields, sync }));
    children(desk, schema, &found, (entropy, now))
}

/// What waited for our record meant ours.
fn children(desk: &mut Desk, schema: &Schema, found: &Found, with: (&mut Entropy, Millis)) -> Result<()> {
    let (entropy, now) = with;
    for seq in desk.waiting_for(&need(&found.name.0, &found.name.1)) {
        let Some(op) = desk.op(seq).cloned() else { continue };
        let entity = schema.entity(&op.entity_type)?;
        let Some(next) = renamed(entity, &op, found, &mut visit(found)) else { continue };
        // One that has left was held: the server has no answer on record for it, and under its id it named the stranger.
        desk.put_op(if op.frozen { fresh(next, entropy, now) } else { next });
        let name = (op.entity_type.clone(), op.entity_id.clone());
        if let Some(mut record) = desk.record(&name).cloned()
            && entity.rewrite(&mut record.fields, &mut visit(found))
        {
            desk.put_record(&name, Some(record));
        }
    }
    Ok(())
}

fn visit(found: &Found) -> impl FnMut(&Reference, &str) -> To + '_ {
    |reference, id| {
        let it = reference.entity == found.name.0 && id == found.name.1;
        if it { To::Id(found.real.clone()) } else { To::Keep }
    }
}

/// The same change as a new op.
fn fresh(op: Op, entropy: &mut Entropy, now: Millis) -> Op {
    Op {
        id: entropy.uuid(now).into(),
        status: OpStatus::Pending,
        retry_count: op.retry_count + 1,
        last_retry_at: None,
        updated_at: now,
        frozen: false,
        sent: None,
        sent_at: None,
        error: None,
        travels_as: None,
        ..op
    }
}

/// Under the old id there is what the server has, as far as that is known.
fn as_on_server(desk: &mut Desk, name: &Name, now: Millis) {
    let base = desk.base(name).cloned();
    desk.put_base(name, None);
    let record = base.and_then(|base| {
        let sync = SyncInfo {
            status: RecordStatus::Synced,
            version: Some(base.version),
            local: 0,
            modified: base.at.unwrap_or(now),
            synced: Some(now),
            server_at: base.at,
            by: base.by,
            offline: false,
            bytes: 0,
            refs: Vec::new(),
        };
        base.data.map(|fields| Record { fields, sync })
    });
    desk.put_record(name, record);
}
