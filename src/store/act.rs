//! `Act`: what a person decides about a record whose op was refused, met a conflict or still waits. It decides how the
//! record's lane becomes one new op (retry: mine, made anew on the server's version) or none (discard: as on the server); it
//! never touches an op that is on its way. The queue view and the conflict dialog call it.

use crate::error::{Code, Error, Result};
use crate::id::{Entropy, OpId};
use crate::queue::{Op, OpStatus};
use crate::record::Patch;
use crate::schema::{Operation, Schema};
use crate::store::desk::{Desk, Name, Summary, answers, record_reads};
use crate::store::layout::{BASE, CONFLICTS, METADATA, QUEUE};
use crate::store::port::{Durability, Rows, Scope, Step};
use crate::store::rows::{Head, Record, RecordStatus, SyncInfo};
use crate::store::settle::releases;
use crate::store::{rebase, scope};
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What shall become of the lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Send what is shown here as a new op, made on the server's present version.
    Retry,
    /// Give up the changes: the record is as on the server again.
    Discard,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Acted {
    /// The new op, if there is one.
    pub op: Option<OpId>,
    /// How the store stands.
    pub summary: Summary,
}

/// A decision as a transaction.
#[derive(Clone, Debug)]
pub struct Act {
    name: Name,
    decision: Decision,
    now: Millis,
    entropy: Entropy,
    asked: bool,
}

impl Act {
    /// About the record `name`.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for an unknown entity.
    pub fn new(schema: &Schema, name: Name, decision: Decision, at: (Millis, Entropy)) -> Result<Self> {
        schema.entity(&name.0)?;
        Ok(Self { name, decision, now: at.0, entropy: at.1, asked: false })
    }

    /// What it may touch.
    #[must_use]
    pub fn scope(&self, schema: &Schema) -> Scope {
        let store = schema.entities.get(&self.name.0).map(|entity| Cow::Owned(entity.store.clone()));
        scope(store.into_iter().chain([QUEUE, BASE, METADATA, CONFLICTS]), Durability::Strict)
    }

    /// One round.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Acted> {
        if !self.asked {
            self.asked = true;
            return match schema.entity(&self.name.0) {
                Ok(entity) => {
                    let children = crate::store::settle::children_read(&self.name);
                    let reads = std::iter::once(Head::read()).chain(record_reads(entity, &self.name));
                    Step::Read(reads.chain([children]).collect())
                }
                Err(error) => Step::Abort(error),
            };
        }
        self.decide(schema, rows).unwrap_or_else(Step::Abort)
    }

    fn decide(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Acted>> {
        let mut answers = answers(rows);
        let mut desk = Desk::default();
        desk.take_head(answers.next().unwrap_or_default())?;
        desk.take_record(&self.name, &mut answers)?;
        answers.try_for_each(|rows| desk.take_ops(rows))?;
        let lane: Vec<Op> = desk.lane(&self.name).into_iter().cloned().collect();
        let path = format!("{}.{}", self.name.0, self.name.1);
        let Some(first) = lane.first() else {
            return Err(Error::new(Code::NotFound, "no op of this record waits").at(path));
        };
        if lane.iter().any(|op| op.frozen && matches!(op.status, OpStatus::Syncing | OpStatus::Pending)) {
            return Err(Error::new(Code::LockLost, "an op of this record is on its way")
                .at(path)
                .hint("wait for its answer, then decide"));
        }
        for op in &lane {
            desk.drop_op(op.seq);
            if let Some(conflict) = op.resolves.as_ref().filter(|_| op.status == OpStatus::Conflict) {
                desk.drop_conflict(conflict.as_str());
            }
        }
        let op = match self.decision {
            Decision::Discard => None,
            Decision::Retry => self.again(schema, &mut desk, &lane, first)?,
        };
        // Who waited for the record's creation or deletion waits no longer, unless one is still to be sent.
        if !desk.lane(&self.name).iter().any(|op| releases(op.operation)) {
            crate::store::answer::release(&mut desk, &self.name);
        }
        self.show(&mut desk, op.is_some());
        let changes = desk.finish(schema)?;
        Ok(Step::Done(changes, Acted { op, summary: desk.summary() }))
    }

    /// One op that leads from the server's version to what is shown here.
    fn again(&mut self, schema: &Schema, desk: &mut Desk, lane: &[Op], first: &Op) -> Result<Option<OpId>> {
        let entity = schema.entity(&self.name.0)?;
        let base = desk.base(&self.name).cloned();
        let ops: Vec<&Op> = lane.iter().collect();
        let shown = desk.record(&self.name).map(|record| record.fields.clone());
        let mine = shown.clone().or_else(|| rebase::view(entity, base.as_ref(), &ops, None));
        let theirs = base.as_ref().and_then(|base| base.data.as_ref());
        let (operation, patch) = match (theirs, &mine) {
            (None, None) => return Ok(None),
            (Some(_), None) => (Operation::Delete, Patch::default()),
            (None, Some(mine)) => (Operation::Create, Patch { data: mine.clone(), ..Patch::default() }),
            (Some(theirs), Some(mine)) => (Operation::Update, Patch::between(theirs, mine)),
        };
        if operation == Operation::Update && patch.is_empty() {
            return Ok(None);
        }
        desk.head.seq += 1;
        desk.head.clock = desk.head.clock.tick(self.now, &desk.head.clock.node.clone());
        let op = Op {
            seq: desk.head.seq,
            id: self.entropy.uuid(self.now).into(),
            operation,
            patch,
            base_version: base.map(|base| base.version),
            status: OpStatus::Pending,
            retry_count: 0,
            last_retry_at: None,
            created_at: self.now,
            updated_at: self.now,
            hlc: desk.head.clock.clone(),
            schema_version: schema.version,
            frozen: false,
            behind: false,
            sent: None,
            error: None,
            resolves: None,
            travels_as: None,
            server_version: None,
            ..first.clone()
        };
        let id = op.id.clone();
        desk.put_op(op);
        Ok(Some(id))
    }

    fn show(&self, desk: &mut Desk, kept: bool) {
        if kept {
            if let Some(record) = desk.record(&self.name).cloned() {
                desk.put_record(
                    &self.name,
                    Some(Record { sync: SyncInfo { status: RecordStatus::Pending, ..record.sync }, ..record }),
                );
            }
            return;
        }
        let base = desk.base(&self.name).cloned();
        desk.put_base(&self.name, None);
        let record = base.and_then(|base| {
            let old = desk.record(&self.name).map(|record| record.sync.clone());
            let sync = SyncInfo {
                status: RecordStatus::Synced,
                version: Some(base.version),
                local: old.map_or(0, |old| old.local),
                modified: base.at.unwrap_or(self.now),
                synced: Some(self.now),
                server_at: base.at,
                by: base.by,
                offline: false,
                bytes: 0,
            };
            base.data.map(|fields| Record { fields, sync })
        });
        desk.put_record(&self.name, record);
    }
}
