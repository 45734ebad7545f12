//! `Stage`: cuts the next batch and freezes it, before a byte leaves (law 3). It decides which ops go together and in which
//! order: what is frozen already goes again first; otherwise by priority and arrival, each op behind the ones it needs. It
//! never looks at the whole queue, and never touches an op that an earlier one of its record holds back.

use crate::error::Result;
use crate::queue::{Op, OpStatus};
use crate::schema::{Operation, Schema};
use crate::store::desk::{Desk, Summary, answers};
use crate::store::key::Key;
use crate::store::layout::{BY_NEED, BY_PRIORITY, BY_STATUS, METADATA, QUEUE};
use crate::store::port::{Durability, Range, Read, Rows, Scope, Step};
use crate::store::rows::{Head, SyncRow};
use crate::store::scope;
use crate::time::Millis;
use std::collections::BTreeSet;

/// How many generations of children may follow a new parent in one batch.
const GENERATIONS: usize = 4;

/// How large the batch may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Most ops.
    pub ops: usize,
    /// Most bytes of their JSON.
    pub bytes: usize,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Staged {
    /// The batch, frozen, in the order of sending; empty: nothing may go.
    pub batch: Vec<Op>,
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
    picked: Vec<u64>,
    /// Records whose creation is in the batch: what waits only for these may follow.
    born: BTreeSet<String>,
    round: usize,
}

impl Stage {
    /// A batch of at most `size`, for the holder of `fence`.
    #[must_use]
    pub fn new(fence: u64, size: Size, now: Millis) -> Self {
        Self { fence, size, now, desk: Desk::default(), picked: Vec::new(), born: BTreeSet::new(), round: 0 }
    }

    /// What it may touch.
    #[must_use]
    pub fn scope(&self) -> Scope {
        scope([QUEUE, METADATA].into_iter(), Durability::Strict)
    }

    /// The candidates, then generation after generation of what may follow new parents.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Staged> {
        self.round += 1;
        match self.step(schema, rows) {
            Ok(step) => step,
            Err(error) => Step::Abort(error),
        }
    }

    fn step(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Staged>> {
        if self.round == 1 {
            return Ok(Step::Read(self.candidates()));
        }
        let newborn = if self.round == 2 { self.first(rows)? } else { self.follow(rows)? };
        if newborn.is_empty() || self.round > GENERATIONS || self.picked.len() >= self.size.ops {
            return self.freeze(schema);
        }
        let limit = u32::try_from(self.size.ops).unwrap_or(u32::MAX);
        let children = |need: &String| Read::Range(Range::all(QUEUE, limit).by(BY_NEED).only(need.as_str().into()));
        Ok(Step::Read(newborn.iter().map(children).collect()))
    }

    fn candidates(&self) -> Vec<Read> {
        let limit = u32::try_from(self.size.ops).unwrap_or(u32::MAX);
        let frozen =
            Range::all(QUEUE, u32::try_from(crate::limits::BATCH_OPS).unwrap_or(u32::MAX)).by(BY_STATUS).only("syncing".into());
        let ready = Range::all(QUEUE, limit).by(BY_PRIORITY).between(Key::pair(1.0, 0.0), Key::pair(1.0, 255.0));
        vec![Head::read(), SyncRow::read(), Read::Range(frozen), Read::Range(ready)]
    }

    /// What is frozen goes again, and only that: the same ops, in the same order. Otherwise the ready ones.
    fn first(&mut self, rows: Vec<Rows>) -> Result<Vec<String>> {
        let mut answers = answers(rows);
        let mut next = || answers.next().unwrap_or_default();
        self.desk.take_head(next())?;
        self.desk.check_fence(self.fence)?;
        self.desk.take_sync(next())?;
        self.desk.take_ops(next())?;
        let mut frozen: Vec<&Op> = self.desk.all_ops().collect();
        if !frozen.is_empty() {
            frozen.sort_by_key(|op| (op.sent, op.seq));
            self.picked = fitting(frozen.into_iter(), self.size);
            return Ok(Vec::new());
        }
        let ready = next();
        self.desk.take_ops(ready)?;
        let mut ready: Vec<&Op> = self.desk.all_ops().collect();
        ready.sort_by_key(|op| (op.priority, op.seq));
        self.picked = fitting(ready.into_iter(), self.size);
        Ok(self.newborn(0))
    }

    /// Children whose every parent is in the batch follow it.
    fn follow(&mut self, rows: Vec<Rows>) -> Result<Vec<String>> {
        let from = self.picked.len();
        for rows in rows {
            self.desk.take_ops(rows)?;
        }
        let mut children: Vec<&Op> = self.desk.all_ops().filter(|op| self.may_follow(op)).collect();
        children.sort_by_key(|op| (op.priority, op.seq));
        let bytes = self.picked.iter().filter_map(|seq| self.desk.op(*seq)).map(bytes).sum::<usize>();
        let room = Size { ops: self.size.ops - from, bytes: self.size.bytes.saturating_sub(bytes) };
        // A batch is never made to hold one op too many for the sake of a child: it goes with the next one.
        let children = fitting(children.into_iter(), room);
        if room.bytes > 0 {
            self.picked.extend(children);
        }
        Ok(self.newborn(from))
    }

    fn may_follow(&self, op: &Op) -> bool {
        op.is_open() && !op.behind && !self.picked.contains(&op.seq) && op.needs.iter().all(|need| self.born.contains(need))
    }

    fn newborn(&mut self, from: usize) -> Vec<String> {
        let ops = self.picked[from..].iter().filter_map(|seq| self.desk.op(*seq));
        let born: Vec<String> = ops.filter(|op| op.operation == Operation::Create).map(Op::need).collect();
        self.born.extend(born.iter().cloned());
        born
    }

    fn freeze(&mut self, schema: &Schema) -> Result<Step<Staged>> {
        let mut sync = self.desk.sync()?.clone();
        let mut batch = Vec::with_capacity(self.picked.len());
        if !self.picked.is_empty() {
            sync.request_no += 1;
            self.desk.set_sync(sync.clone());
        }
        for (place, seq) in self.picked.iter().enumerate() {
            let Some(op) = self.desk.op(*seq).cloned() else { continue };
            let sent = op.sent.filter(|_| op.status == OpStatus::Syncing).or(Some([sync.request_no, place as u64]));
            let op = Op { status: OpStatus::Syncing, frozen: true, needs: Vec::new(), sent, updated_at: self.now, ..op };
            batch.push(op.clone());
            self.desk.put_op(op);
        }
        let changes = self.desk.finish(schema)?;
        Ok(Step::Done(changes, Staged { batch, sync, summary: self.desk.summary() }))
    }
}

/// As many as fit, at least one: an op too large for a batch is found out by the server's answer, not by waiting for ever.
fn fitting<'a>(ops: impl Iterator<Item = &'a Op>, size: Size) -> Vec<u64> {
    let mut used = 0;
    let mut fits = |(at, op): &(usize, &Op)| {
        used += bytes(op);
        *at == 0 || (*at < size.ops && used <= size.bytes)
    };
    ops.enumerate().take_while(|one| fits(one)).map(|(_, op)| op.seq).collect()
}

fn bytes(op: &Op) -> usize {
    serde_json::to_string(&op.patch).map_or(0, |text| text.len() + 400)
}
