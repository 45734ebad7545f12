//! `Replay`: sends completed ops again to a server that was restored and has lost them. It takes the answers of the last batch
//! and cuts the next one in the same transaction, with its place in the queue, so that it goes on anywhere; an op that the
//! server still has is answered as before, one that it lost is applied again (law 3), one that it now refuses waits for a
//! person. It changes no record: the snapshot that follows brings what the server made of it.

use crate::error::{Code, Result, Single};
use crate::queue::{Op, OpStatus};
use crate::record::order;
use crate::schema::{Operation, Schema};
use crate::store::answer;
use crate::store::desk::{Desk, Name, answers, record_reads};
use crate::store::key::Key;
use crate::store::layout::{BASE, BY_GROUP, BY_STATUS, CONFLICTS, METADATA, QUEUE};
use crate::store::port::{Durability, Range, Read, Rows, Scope, Step};
use crate::store::rows::{Head, SyncRow};
use crate::store::scope;
use crate::store::settle::Answered;
use crate::store::stage::{Size, Staged, fitting};
use crate::time::Millis;
use crate::wire::{Mark, Processed, Status};
use std::borrow::Cow;

/// Cutting a batch of completed ops as a transaction.
#[derive(Clone, Debug)]
pub struct Replay {
    fence: u64,
    size: Size,
    /// Answers to the last batch, the whole of it.
    items: Vec<Answered>,
    mark: Option<Mark>,
    now: Millis,
    desk: Desk,
    from: u64,
    batch: Vec<Op>,
    round: u8,
}

impl Replay {
    /// Takes the answers to the last batch (none at first) with how far the server has come, and cuts the next of at most
    /// `size`.
    #[must_use]
    pub fn new(fence: u64, size: Size, answered: (Vec<Answered>, Option<Mark>), now: Millis) -> Self {
        let (items, mark) = answered;
        Self { fence, size, items, mark, now, desk: Desk::default(), from: 0, batch: Vec::new(), round: 0 }
    }

    /// What it may touch.
    #[must_use]
    pub fn scope(&self, schema: &Schema) -> Scope {
        let entities = self.against().filter_map(|item| schema.entities.get(&item.name.0));
        let stores = entities.map(|entity| Cow::Owned(entity.store.clone()));
        scope(stores.chain([QUEUE, BASE, METADATA, CONFLICTS]), Durability::Strict)
    }

    /// Three rounds: where it stands; whom the answers are about and the ops behind; what stands or falls with these.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Staged> {
        self.round += 1;
        let step = match self.round {
            1 => Ok(Step::Read(vec![Head::read(), SyncRow::read()])),
            2 => self.look(schema, rows),
            3 => self.cut(schema, rows),
            _ => self.gather(rows).and_then(|()| self.done(schema)),
        };
        step.unwrap_or_else(Step::Abort)
    }

    /// Answers that are not the hoped-for one.
    fn against(&self) -> impl Iterator<Item = &Answered> {
        self.items.iter().filter(|item| item.answer.status != Status::Success && !is_gone(item))
    }

    fn look(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Staged>> {
        let mut answers = answers(rows);
        self.desk.take_head(answers.next().unwrap_or_default())?;
        self.desk.check_fence(self.fence)?;
        self.desk.take_sync(answers.next().unwrap_or_default())?;
        // Without answers it goes on behind the last batch that has them all.
        let [answered, sent] = self.desk.sync()?.replay.unwrap_or([u64::MAX; 2]);
        self.from = if self.items.is_empty() { answered } else { sent };
        let limit = u32::try_from(self.size.ops).unwrap_or(u32::MAX);
        let mut range = Range::all(QUEUE, limit).by(BY_STATUS).only("completed".into());
        range.after = Some(("completed".into(), self.from.into()));
        let mut reads = vec![Read::Range(range)];
        reads.extend(self.items.iter().map(|item| Read::Get { store: QUEUE, key: Key::from(item.seq) }));
        for item in self.against() {
            reads.extend(record_reads(schema.entity(&item.name.0)?, &item.name));
        }
        Ok(Step::Read(reads))
    }

    /// Takes the answers and picks what goes next; a group goes whole, whatever lies between its ops.
    fn cut(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Staged>> {
        let mut answers = answers(rows);
        let mut behind = Desk::default();
        behind.take_ops(answers.next().unwrap_or_default())?;
        for _ in &self.items {
            self.desk.take_ops(answers.next().unwrap_or_default())?;
        }
        let names: Vec<Name> = self.against().map(|item| item.name.clone()).collect();
        self.desk.take_named(&names, &mut answers)?;
        for item in std::mem::take(&mut self.items) {
            self.take(schema, &item)?;
        }
        let ops: Vec<Op> = behind.all_ops().cloned().collect();
        let picked = fitting(&ops, self.size);
        self.batch = ops.into_iter().filter(|op| picked.contains(&op.seq)).collect();
        let (replay, mark) = (self.batch.last().map(|last| [self.from, last.seq]), self.mark.take());
        self.desk.edit_sync(|sync| {
            sync.replay = replay;
            sync.mark = mark.or(sync.mark.take());
        });
        let groups = order::set(self.batch.iter().filter_map(|op| op.group.clone()));
        if groups.is_empty() {
            return self.done(schema);
        }
        let limit = u32::try_from(crate::limits::BATCH_OPS).unwrap_or(u32::MAX);
        Ok(Step::Read(
            groups
                .into_iter()
                .map(|group| Read::Range(Range::all(QUEUE, limit).by(BY_GROUP).only(group.as_str().into())))
                .collect(),
        ))
    }

    fn gather(&mut self, rows: Vec<Rows>) -> Result<()> {
        let mut others = Desk::default();
        rows.into_iter().try_for_each(|rows| others.take_ops(rows))?;
        let has = |batch: &[Op], op: &Op| batch.iter().any(|one| one.seq == op.seq);
        for op in others.all_ops().filter(|op| op.status == OpStatus::Completed) {
            if !has(&self.batch, op) {
                self.batch.push(op.clone());
            }
        }
        Ok(())
    }

    fn done(&mut self, schema: &Schema) -> Result<Step<Staged>> {
        let mut batch = std::mem::take(&mut self.batch);
        // As they left the first time: an op may need a record that was made after it, and a group stands together.
        order::sort(&mut batch, Op::compare_sent);
        let asks = u64::from(!batch.is_empty());
        self.desk.edit_sync(|sync| sync.request_no += asks);
        let changes = self.desk.finish(schema)?;
        let (sync, summary) = (self.desk.sync()?.clone(), self.desk.summary());
        Ok(Step::Done(changes, Staged { batch, late: false, again: false, sync, summary }))
    }

    fn take(&mut self, schema: &Schema, item: &Answered) -> Result<()> {
        let desk = &mut self.desk;
        let Some(op) = desk.op(item.seq).filter(|op| op.id == item.answer.queue_id && op.status == OpStatus::Completed).cloned()
        else {
            return Ok(());
        };
        if item.answer.status == Status::Success || is_gone(item) {
            if item.answer.server_version != 0 && op.server_version != Some(item.answer.server_version) {
                desk.put_op(Op { server_version: Some(item.answer.server_version), ..op });
            }
            return Ok(());
        }
        let lane = Some([op.entity_type.clone(), op.entity_id.clone()]);
        desk.put_op(Op { status: OpStatus::Syncing, lane, ..op });
        answer::settle(desk, schema, item.seq, &item.answer, (self.now, 0)).map(drop)
    }
}

/// A delete of what is not there has its wish.
fn is_gone(item: &Answered) -> bool {
    item.operation == Operation::Delete && item.answer.error.as_ref().is_some_and(|error| error.code == Code::NotFound)
}

/// Whether the answer asks to come again later: then the whole batch does.
#[must_use]
pub fn comes_again(answer: &Processed) -> bool {
    answer.status == Status::Error && answer.error.as_ref().is_some_and(|error| error.code.handling().single == Single::Again)
}
