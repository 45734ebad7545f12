//! `Stage`: cuts the next batch and freezes it, before a byte leaves (law 3). It decides what has to be looked at: what is
//! frozen already, which goes again first; otherwise the most urgent ready ops, and what hangs together with them; `pick`
//! chooses among these. It never looks at the whole queue, and never touches an op that an earlier one of its record holds
//! back.

use crate::error::Result;
use crate::limits;
use crate::queue::{Op, OpStatus};
use crate::record::order;
use crate::schema::{Operation, Schema};
use crate::store::desk::{Desk, Summary, answers, lane_read};
use crate::store::key::Key;
use crate::store::layout::{BY_FREED, BY_GROUP, BY_NEED, BY_PRIORITY, BY_STATUS, METADATA, QUEUE};
use crate::store::pick::{self, Pick};
use crate::store::port::{Durability, Range, Read, Rows, Scope, Step, StoreName};
use crate::store::rows::{Head, SyncRow};
use crate::store::scope;
use crate::time::Millis;
use std::collections::BTreeSet;

pub use crate::store::pick::Size;

/// Most rounds of reads: what is still unknown then is left for the next batch.
const ROUNDS: usize = limits::TX_ROUNDS - 2;
/// Most groups that are looked at in one round.
const GROUPS: usize = 16;
/// Fewest children that are looked for behind each new parent.
const CHILDREN: usize = 8;

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Staged {
    /// The batch, frozen, in the order of sending; empty: nothing may go.
    pub batch: Vec<Op>,
    /// These are not to be sent, nor are they frozen: they waited longer than their entity allows, a person is asked first.
    pub late: bool,
    /// Nothing of what was looked at may go, but there may be more: ask again.
    pub again: bool,
    /// The sync row, with the number of the request that may now be sent.
    pub sync: SyncRow,
    /// How the store stands after it.
    pub summary: Summary,
}

/// Cutting a batch as a transaction.
#[derive(Clone, Debug)]
pub struct Stage {
    fence: u64,
    size: Size,
    now: Millis,
    desk: Desk,
    /// Groups of which every op is on the desk.
    groups: BTreeSet<String>,
    /// What has been asked for: ops whose followers were looked up, names whose lanes were.
    asked: BTreeSet<String>,
    round: usize,
}

impl Stage {
    /// A batch of at most `size`, for the holder of `fence`.
    #[must_use]
    pub fn new(fence: u64, size: Size, now: Millis) -> Self {
        Self { fence, size, now, desk: Desk::default(), groups: BTreeSet::new(), asked: BTreeSet::new(), round: 0 }
    }

    /// What it may touch.
    #[must_use]
    pub fn scope(&self) -> Scope {
        scope([QUEUE, METADATA].into_iter(), Durability::Strict)
    }

    /// What is frozen or ready first, then, round after round, what hangs together with it.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Staged> {
        self.round += 1;
        self.step(schema, rows).unwrap_or_else(Step::Abort)
    }

    fn step(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Staged>> {
        if self.round == 1 {
            return Ok(Step::Read(self.candidates()));
        }
        if self.round == 2 {
            if let Some(step) = self.first(schema, rows)? {
                return Ok(step);
            }
        } else {
            rows.into_iter().try_for_each(|rows| self.desk.take_ops(rows))?;
        }
        let late: Vec<Op> = self.late(schema);
        let unknown = order::set(late.iter().filter_map(|op| op.group.clone()).filter(|one| !self.groups.contains(one)));
        if !unknown.is_empty() && self.round <= ROUNDS {
            let reads = unknown.iter().map(|group| ops(BY_GROUP, group, limits::BATCH_OPS)).collect();
            self.groups.extend(unknown);
            return Ok(Step::Read(reads));
        }
        if !late.is_empty() {
            return self.ask_first(late);
        }
        let reads = self.required();
        if !reads.is_empty() && self.round <= ROUNDS {
            return Ok(Step::Read(reads));
        }
        let pick = pick::pick(schema, &self.desk, &self.groups, self.size);
        if !pick.full && self.round <= ROUNDS {
            let reads = self.followers(pick.batch.len());
            if !reads.is_empty() {
                return Ok(Step::Read(reads));
            }
        }
        self.freeze(schema, pick)
    }

    fn candidates(&self) -> Vec<Read> {
        let frozen = ops(BY_STATUS, "syncing", limits::BATCH_OPS);
        let limit = u32::try_from(self.size.ops).unwrap_or(u32::MAX);
        let ready = Range::all(QUEUE, limit).by(BY_PRIORITY).between(Key::pair(1.0, 0.0), Key::pair(1.0, 255.0));
        vec![Head::read(), SyncRow::read(), frozen, Read::Range(ready)]
    }

    /// What is frozen goes again, and only that: the same ops, in the same order. One whose parent has been refused
    /// meanwhile waits for it, as if it had never left.
    fn first(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Option<Step<Staged>>> {
        let mut answers = answers(rows);
        let mut next = || answers.next().unwrap_or_default();
        self.desk.take_head(next())?;
        self.desk.check_fence(self.fence)?;
        self.desk.take_sync(next())?;
        self.desk.take_ops(next())?;
        let mut frozen: Vec<Op> = self.desk.all_ops().cloned().collect();
        order::sort(&mut frozen, Op::compare_sent);
        let mut brought = BTreeSet::new();
        let mut going = Vec::with_capacity(frozen.len());
        for op in frozen {
            if !op.behind && op.needs.iter().all(|need| brought.contains(need)) {
                if op.operation != Operation::Update {
                    brought.insert(op.need());
                }
                going.push(op);
            } else {
                self.desk.put_op(Op { status: OpStatus::Pending, ..op });
            }
        }
        self.desk.take_ops(next())?;
        if going.is_empty() {
            return Ok(None);
        }
        let batch = fitting(&going, self.size);
        self.freeze(schema, Pick { batch, ..Pick::default() }).map(Some)
    }

    /// What has to be known of every candidate: where the records are that it lacked, who still refers to what it deletes.
    fn required(&mut self) -> Vec<Read> {
        let mut reads = Vec::new();
        for op in self.desk.all_ops().filter(|op| op.is_pending()) {
            for name in &op.lacks {
                if let Some((entity, id)) = pick::record_of(name)
                    && self.asked.insert(format!("lane {name}"))
                {
                    reads.push(lane_read(&(entity.to_owned(), id.to_owned())));
                }
            }
            if op.operation == Operation::Delete && self.asked.insert(format!("freed {}", op.need())) {
                reads.push(ops(BY_FREED, &op.need(), limits::OP_NEEDS));
            }
        }
        reads
    }

    /// What may fill the batch up: the rest of the groups it touches, and the children of new parents.
    fn followers(&mut self, filled: usize) -> Vec<Read> {
        let mut reads = Vec::new();
        let pending = || self.desk.all_ops().filter(|op| op.is_pending());
        let mut urgent: Vec<&Op> = pending().collect();
        order::sort(&mut urgent, |a, b| (a.priority, a.seq).cmp(&(b.priority, b.seq)));
        for group in urgent.iter().filter_map(|op| op.group.as_ref()) {
            if reads.len() < GROUPS && self.groups.insert(group.clone()) {
                reads.push(ops(BY_GROUP, group, limits::BATCH_OPS));
            }
        }
        let mut parents: Vec<String> =
            pending().filter(|op| op.operation != Operation::Update && !op.behind).map(Op::need).collect();
        parents.retain(|name| self.asked.insert(format!("need {name}")));
        let room = self.size.ops.saturating_sub(filled);
        let each = (2 * room / parents.len().max(1)).max(CHILDREN).min(room);
        reads.extend(parents.iter().map(|name| ops(BY_NEED, name, each)));
        reads
    }

    /// Ops that a person is to be asked about; a group is late with any of its ops.
    fn late(&self, schema: &Schema) -> Vec<Op> {
        let late = |op: &&Op| op.ready == Some(1) && pick::is_late(schema, op, self.now);
        let groups: Vec<&String> = self.desk.all_ops().filter(late).filter_map(|op| op.group.as_ref()).collect();
        let with = |op: &&Op| op.is_open() && op.group.as_ref().is_some_and(|group| groups.contains(&group));
        self.desk.all_ops().filter(|op| late(op) || with(op)).cloned().collect()
    }

    /// Nothing leaves before a person was asked about what is late.
    fn ask_first(&self, late: Vec<Op>) -> Result<Step<Staged>> {
        let staged =
            Staged { batch: late, late: true, again: false, sync: self.desk.sync()?.clone(), summary: self.desk.summary() };
        Ok(Step::Done(Vec::new(), staged))
    }

    fn freeze(&mut self, schema: &Schema, pick: Pick) -> Result<Step<Staged>> {
        let mut sync = self.desk.sync()?.clone();
        let mut batch = Vec::with_capacity(pick.batch.len());
        if !pick.batch.is_empty() {
            sync.request_no += 1;
            self.desk.set_sync(sync.clone());
        }
        let again = pick.batch.is_empty() && !pick.waiting.is_empty();
        pick.waiting.into_iter().for_each(|op| self.desk.put_op(op));
        for (seqs, cycle) in pick.ties {
            self.tie(&seqs, &cycle);
        }
        for (place, seq) in pick.batch.iter().enumerate() {
            let Some(op) = self.desk.op(*seq).cloned() else { continue };
            let sent = op.sent.filter(|_| op.status == OpStatus::Syncing).or(Some([sync.request_no, place as u64]));
            let sent_at = op.sent_at.or(Some(self.now));
            let op = Op { status: OpStatus::Syncing, frozen: true, aside: false, sent, sent_at, updated_at: self.now, ..op };
            batch.push(op.clone());
            self.desk.put_op(op);
        }
        let changes = self.desk.finish(schema)?;
        Ok(Step::Done(changes, Staged { batch, late: false, again, sync, summary: self.desk.summary() }))
    }

    /// Ops that refer to each other in a circle travel as a group: the server looks at references when all of it is there.
    fn tie(&mut self, seqs: &[u64], cycle: &[String]) {
        let first = seqs.first().and_then(|seq| self.desk.op(*seq));
        let Some(group) = first.map(|op| op.group.clone().unwrap_or_else(|| op.id.to_string())) else { return };
        for seq in seqs {
            if let Some(op) = self.desk.op(*seq).cloned() {
                self.desk.put_op(Op { group: Some(group.clone()), cycle: cycle.to_vec(), ..op });
            }
        }
    }
}

fn ops(index: StoreName, key: &str, limit: usize) -> Read {
    Read::Range(Range::all(QUEUE, u32::try_from(limit).unwrap_or(u32::MAX)).by(index).only(key.into()))
}

/// As many as fit, at least one op or group.
pub(crate) fn fitting(ops: &[Op], size: Size) -> Vec<u64> {
    let mut used = 0;
    let mut out = Vec::new();
    for unit in ops.chunk_by(|one, next| one.group.is_some() && one.group == next.group) {
        used += unit.iter().map(Op::bytes).sum::<usize>();
        if !out.is_empty() && (out.len() + unit.len() > size.ops || used > size.bytes) {
            break;
        }
        out.extend(unit.iter().map(|op| op.seq));
    }
    out
}
