//! `Settle`: takes the answers of one push, all in one transaction (law 2). It decides nothing itself: `answer` says what
//! each answer does to its record. The machine runs it for every push that was answered.

use crate::error::{Code, Result, Single};
use crate::id::{Entropy, OpId};
use crate::queue::op::need;
use crate::queue::{Op, OpStatus};
use crate::schema::{FieldType, IdCollision, Operation, Schema};
use crate::store::answer::{self, Fate};
use crate::store::desk::{Desk, Name, Summary, answers, record_read, record_reads};
use crate::store::layout::{BASE, BY_NEED, CONFLICTS, METADATA, QUEUE};
use crate::store::port::{Durability, Range, Read, Rows, Scope, Step};
use crate::store::rows::{Head, SyncRow};
use crate::store::{collide, remap, scope};
use crate::time::Millis;
use crate::wire::{Mark, Processed, Status};
use std::borrow::Cow;

/// Most new ids an op is given.
const RENAMES: u32 = 3;

/// One op of the batch and what the server said of it.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The op's place in the queue.
    pub seq: u64,
    /// Its record.
    pub name: Name,
    /// What it does.
    pub operation: Operation,
    /// The answer.
    pub answer: Processed,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settled {
    /// Ops applied.
    pub applied: u64,
    /// Ops refused for good.
    pub refused: u64,
    /// Ops in a conflict.
    pub parked: u64,
    /// Ops that wait for another one, which was refused.
    pub held: u64,
    /// Ops to be sent again, later.
    pub again: u64,
    /// Ops applied, by id.
    pub ids: Vec<OpId>,
    /// How the store stands after it.
    pub summary: Summary,
}

/// Taking the answers of a push as a transaction.
#[derive(Clone, Debug)]
pub struct Settle {
    fence: u64,
    items: Vec<Answered>,
    now: Millis,
    most: u32,
    mark: Option<Mark>,
    repeated: Vec<OpId>,
    /// For new ids, where two records claimed the same.
    entropy: Option<Entropy>,
    desk: Desk,
    /// Children of records that get new ids.
    children: Vec<Name>,
    round: u8,
}

impl Settle {
    /// For the holder of `fence`; an op is given up after `most` answered attempts.
    #[must_use]
    pub fn new(fence: u64, items: Vec<Answered>, now: Millis, most: u32) -> Self {
        Self {
            fence,
            items,
            now,
            most,
            mark: None,
            repeated: Vec::new(),
            entropy: None,
            desk: Desk::default(),
            children: Vec::new(),
            round: 0,
        }
    }

    /// With what the server says of how far it has come.
    #[must_use]
    pub fn told(self, mark: Option<Mark>) -> Self {
        Self { mark, ..self }
    }

    /// With the ops that the server had decided before.
    #[must_use]
    pub fn again(self, repeated: Vec<OpId>) -> Self {
        Self { repeated, ..self }
    }

    /// With randomness for new ids: of ops, should a copy of this database have used the old ones, and of records whose ids
    /// others have.
    #[must_use]
    pub fn with(self, entropy: Entropy) -> Self {
        Self { entropy: Some(entropy), ..self }
    }

    /// What it may touch.
    #[must_use]
    pub fn scope(&self, schema: &Schema) -> Scope {
        let entities = self.items.iter().filter_map(|item| schema.entities.get(&item.name.0));
        let stores = entities.map(|entity| Cow::Owned(entity.store.clone()));
        let renamed = self.renamed(schema).into_iter().flat_map(|(name, _)| remap::stores(schema, &name.0));
        let collided = self.items.iter().filter(|item| self.is_collision(schema, item));
        let renamed = renamed.chain(collided.flat_map(|item| remap::stores(schema, &item.name.0)));
        scope(stores.chain(renamed).chain([QUEUE, BASE, METADATA, CONFLICTS]), Durability::Relaxed)
    }

    /// One round: the batch is known. One more where records get new ids: for the children made with them.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Settled> {
        self.round += 1;
        let step = match self.round {
            1 => self.reads(schema).map(Step::Read),
            2 => self.look(schema, rows),
            _ => self.decide(schema, rows),
        };
        step.unwrap_or_else(Step::Abort)
    }

    /// Whether the record of a refused create goes on under a new id. A group stands or falls as it was written.
    fn is_collision(&self, schema: &Schema, item: &Answered) -> bool {
        let code = item.answer.error.as_ref().map(|error| error.code);
        let policy = schema.entities.get(&item.name.0).map(|entity| entity.id_collision);
        self.entropy.is_some()
            && item.answer.status == Status::Error
            && (code, policy, item.operation) == (Some(Code::IdCollision), Some(IdCollision::NewId), Operation::Create)
    }

    fn reads(&self, schema: &Schema) -> Result<Vec<Read>> {
        let mut reads = vec![Head::read(), SyncRow::read()];
        for item in &self.items {
            reads.extend(record_reads(schema.entity(&item.name.0)?, &item.name));
            if releases(item.operation) {
                reads.push(children_read(&item.name));
            }
        }
        let renamed = self.renamed(schema);
        for (name, real) in &renamed {
            reads.extend(remap::reads(schema, name, real, renamed.len())?);
        }
        Ok(reads)
    }

    /// Records that the answers give another id.
    fn renamed<'a>(&'a self, schema: &Schema) -> Vec<(&'a Name, &'a str)> {
        let one = |item: &'a Answered| {
            let real = item.answer.entity_id.as_str();
            let success = item.answer.status == Status::Success && item.operation == Operation::Create;
            (success && remap::is_mapping(schema, &item.name, real)).then_some((&item.name, real))
        };
        self.items.iter().filter_map(one).collect()
    }

    fn look(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Settled>> {
        let mut answers = answers(rows);
        let mut desk = Desk::default();
        desk.take_head(answers.next().unwrap_or_default())?;
        desk.check_fence(self.fence)?;
        desk.take_sync(answers.next().unwrap_or_default())?;
        for item in &self.items {
            desk.take_record(&item.name, &mut answers)?;
            if releases(item.operation) {
                desk.take_ops(answers.next().unwrap_or_default())?;
            }
        }
        let renamed = self.renamed(schema);
        for (name, real) in &renamed {
            remap::take(&mut desk, schema, ((*name).clone(), real, renamed.len()), &mut answers)?;
        }
        let mut reads = Vec::new();
        let collided: Vec<Name> =
            self.items.iter().filter(|item| self.is_collision(schema, item)).map(|item| item.name.clone()).collect();
        for name in collided {
            for seq in desk.waiting_for(&need(&name.0, &name.1)) {
                let child = desk.op(seq).map(|op| (op.entity_type.clone(), op.entity_id.clone()));
                if let Some(child) = child.filter(|child| !desk.knows(child) && !self.children.contains(child)) {
                    reads.push(record_read(schema.entity(&child.0)?, &child.1));
                    self.children.push(child);
                }
            }
        }
        self.desk = desk;
        if reads.is_empty() { self.decide(schema, Vec::new()) } else { Ok(Step::Read(reads)) }
    }

    fn decide(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Settled>> {
        let mut desk = std::mem::take(&mut self.desk);
        for (name, rows) in self.children.iter().zip(rows) {
            for row in rows {
                desk.take_referring(schema.entity(&name.0)?, &name.0, row)?;
            }
        }
        let mut settled = Settled::default();
        let mut entropy = self.entropy.clone();
        for item in &self.items {
            let op = desk.op(item.seq).filter(|op| op.id == item.answer.queue_id && op.group.is_none());
            // A few times at most: whoever has every id is no colleague. Nor is it another's record if a copy of this database
            // has sent the same op, otherwise edited: then a person decides what becomes of the two.
            let copied = |op: &&Op| op.error.as_ref().is_some_and(|error| error.code == Code::OpReused);
            let op = op.filter(|op| op.retry_count < RENAMES && !copied(op)).cloned();
            if let (true, Some(op), Some(entropy)) = (self.is_collision(schema, item), op, &mut entropy) {
                collide::anew(&mut desk, schema, &op, (entropy, self.now))?;
                settled.again += 1;
                continue;
            }
            if entropy.as_mut().is_some_and(|entropy| reissued(&mut desk, schema, item, (entropy, self.now))) {
                settled.again += 1;
                continue;
            }
            match answer::settle(&mut desk, schema, item.seq, &item.answer, (self.now, self.most))? {
                Fate::Applied => {
                    // What was so when it was decided: the record may have been changed, or deleted, before this device looked.
                    if self.repeated.contains(&item.answer.queue_id) {
                        answer::want(&mut desk, &item.name);
                    }
                    settled.applied += 1;
                    settled.ids.push(item.answer.queue_id.clone());
                }
                Fate::Refused => settled.refused += 1,
                Fate::Parked => settled.parked += 1,
                Fate::Again => settled.again += 1,
                Fate::Held => settled.held += 1,
                Fate::Known => {}
            }
        }
        if let Some(mark) = self.mark.take() {
            desk.edit_sync(|sync| sync.mark = Some(mark));
        }
        let changes = desk.finish(schema)?;
        settled.summary = desk.summary();
        Ok(Step::Done(changes, settled))
    }
}

/// Gives an op a new id if the old one was used with other content: by a copy of this database, which had it waiting too and
/// sent it otherwise edited. What this copy holds has not been decided by anybody. A few times at most: whoever says so for
/// ever is no copy.
fn reissued(desk: &mut Desk, schema: &Schema, item: &Answered, at: (&mut Entropy, Millis)) -> bool {
    let (entropy, now) = at;
    let reused = item.answer.error.as_ref().filter(|error| error.code.handling().single == Single::Renamed);
    let op = desk.op(item.seq).filter(|op| op.id == item.answer.queue_id && op.lane.is_some());
    // How much of a sum the copy has sent already, nobody can tell: a person is asked.
    let counts = |field: &String| {
        let entity = schema.entities.get(&item.name.0);
        entity.and_then(|entity| entity.fields.get(field)).is_some_and(|field| field.kind == FieldType::Counter)
    };
    let op = op.filter(|op| op.retry_count < RENAMES && !(op.operation == Operation::Update && op.patch.fields().any(counts)));
    let (Some(op), Some(reused)) = (op.cloned(), reused) else { return false };
    desk.put_op(Op {
        id: entropy.uuid(now).into(),
        status: OpStatus::Pending,
        frozen: false,
        retry_count: op.retry_count + 1,
        last_retry_at: Some(now),
        updated_at: now,
        sent: None,
        sent_at: None,
        travels_as: None,
        error: Some(reused.clone()),
        ..op
    });
    true
}

/// Whether others may wait for an op: for a creation those that refer to the record, for a deletion that of what it
/// referred to.
pub(crate) fn releases(operation: Operation) -> bool {
    operation != Operation::Update
}

/// The ops that wait for one of this record.
pub(crate) fn children_read(name: &Name) -> Read {
    let need = crate::queue::op::need(&name.0, &name.1);
    Read::Range(Range::all(QUEUE, u32::MAX).by(BY_NEED).only(need.as_str().into()))
}
