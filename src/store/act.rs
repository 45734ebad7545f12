//! `Act`: what a person decides about a record whose op was refused, met a conflict or still waits. It decides which ops are
//! meant (the record's, or the whole group of the one that was refused) and brings their records to the desk; `redo` makes
//! them anew or takes them away. It never touches an op that is on its way. The queue view and the conflict dialog call it.

use crate::error::{Code, Error, Result};
use crate::id::{Entropy, OpId};
use crate::limits;
use crate::plain::words;
use crate::queue::{Op, OpStatus};
use crate::record::{Fields, order};
use crate::schema::{Operation, Schema};
use crate::store::desk::{Desk, Name, Summary, answers, first, record_read, record_reads};
use crate::store::layout::{BASE, BY_GROUP, CONFLICTS, METADATA, QUEUE};
use crate::store::port::{Durability, Range, Read, Rows, Scope, Step};
use crate::store::redo::Redo;
use crate::store::rows::{Head, Record};
use crate::store::scope;
use crate::store::settle::children_read;
use crate::time::Millis;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

words! {
    /// What shall become of the ops.
    pub enum Decision {
        /// Send what is shown here as a new op, made on the server's present version.
        Retry = "retry",
        /// Give up the changes: the record is as on the server again.
        Discard = "discard",
        /// Give up changes of which nothing has left this device.
        Cancel = "cancel",
    }
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
    /// Values to set and fields to take away before it is sent again.
    edit: (Fields, Vec<String>),
    now: Millis,
    entropy: Entropy,
    desk: Desk,
    /// The answers that are on their way.
    asked: Vec<Ask>,
    groups: BTreeSet<String>,
    /// Records that the ops refer to: whether the server has them; none: they are not here.
    parents: BTreeMap<Name, Option<bool>>,
    round: usize,
}

/// What a read was for.
#[derive(Clone, Debug)]
enum Ask {
    Head,
    Record(Name),
    Ops,
    Parent(Name),
}

impl Act {
    /// About the record `name`.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for an unknown entity.
    pub fn new(schema: &Schema, name: Name, decision: Decision, at: (Millis, Entropy)) -> Result<Self> {
        schema.entity(&name.0)?;
        Ok(Self {
            name,
            decision,
            edit: Default::default(),
            now: at.0,
            entropy: at.1,
            desk: Desk::default(),
            asked: Vec::new(),
            groups: BTreeSet::new(),
            parents: BTreeMap::new(),
            round: 0,
        })
    }

    /// The record `name` is corrected (`data` set, `removed` taken away) and its refused op sent again, as a new one.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` with the path of what is wrong.
    pub fn edited(schema: &Schema, name: Name, edit: (Fields, Vec<String>), at: (Millis, Entropy)) -> Result<Self> {
        schema.entity(&name.0)?.check_patch(&name.0, &edit.0, &edit.1)?;
        Ok(Self { edit, ..Self::new(schema, name, Decision::Retry, at)? })
    }

    /// What it may touch. A group may hold records of any entity.
    #[must_use]
    pub fn scope(&self, schema: &Schema) -> Scope {
        let stores = schema.entities.values().map(|entity| Cow::Owned(entity.store.clone()));
        scope(stores.chain([QUEUE, BASE, METADATA, CONFLICTS]), Durability::Strict)
    }

    /// The record; then its group, the group's records, and what these refer to.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Acted> {
        self.round += 1;
        self.step(schema, rows).unwrap_or_else(Step::Abort)
    }

    fn step(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Acted>> {
        let mut reads = Vec::new();
        if self.round == 1 {
            self.asked = vec![Ask::Head];
            reads.push(Head::read());
            self.ask_record(schema, &self.name.clone(), &mut reads)?;
        } else {
            self.take(rows)?;
            self.ask_more(schema, &mut reads)?;
        }
        if !reads.is_empty() && self.round < limits::TX_ROUNDS {
            return Ok(Step::Read(reads));
        }
        self.decide(schema)
    }

    fn ask_record(&mut self, schema: &Schema, name: &Name, reads: &mut Vec<Read>) -> Result<()> {
        reads.extend(record_reads(schema.entity(&name.0)?, name));
        reads.push(children_read(name));
        self.asked.extend([Ask::Record(name.clone()), Ask::Ops]);
        Ok(())
    }

    fn take(&mut self, rows: Vec<Rows>) -> Result<()> {
        let mut answers = answers(rows);
        for ask in std::mem::take(&mut self.asked) {
            match ask {
                Ask::Head => self.desk.take_head(answers.next().unwrap_or_default())?,
                Ask::Record(name) => self.desk.take_record(&name, &mut answers)?,
                Ask::Ops => self.desk.take_ops(answers.next().unwrap_or_default())?,
                Ask::Parent(name) => {
                    let parent = first(answers.next()).map(Record::from_row).transpose()?;
                    self.parents.insert(name, parent.map(|parent| parent.sync.version.is_some()));
                }
            }
        }
        Ok(())
    }

    fn ask_more(&mut self, schema: &Schema, reads: &mut Vec<Read>) -> Result<()> {
        for op in self.meant() {
            if let Some(group) = op.group.clone().filter(|group| self.groups.insert(group.clone())) {
                let limit = u32::try_from(limits::BATCH_OPS).unwrap_or(u32::MAX);
                reads.push(Read::Range(Range::all(QUEUE, limit).by(BY_GROUP).only(group.as_str().into())));
                self.asked.push(Ask::Ops);
            }
            let name = (op.entity_type.clone(), op.entity_id.clone());
            let is_asked = self.asked.iter().any(|ask| matches!(ask, Ask::Record(asked) if *asked == name));
            if !self.desk.knows(&name) && !is_asked {
                self.ask_record(schema, &name, reads)?;
            }
            let entity = schema.entity(&name.0)?;
            let edit = if name == self.name { self.edit.0.clone() } else { Fields::new() };
            let named = entity
                .referred(&op.patch.data)
                .into_iter()
                .chain(entity.referred(&edit))
                .map(|(to, id, _)| (to.to_owned(), id.to_owned()));
            for parent in order::set(named) {
                if parent != name && self.parents.insert(parent.clone(), None).is_none() {
                    reads.push(record_read(schema.entity(&parent.0)?, &parent.1));
                    self.asked.push(Ask::Parent(parent));
                }
            }
        }
        Ok(())
    }

    /// The ops that the decision is about: all of the record's, if none of them belongs to a group; otherwise the one that
    /// was refused (or the first), with its group. What waits behind it in its records stays as it is.
    fn meant(&self) -> Vec<Op> {
        let lane = self.desk.lane(&self.name);
        if lane.iter().all(|op| op.group.is_none()) {
            return lane.into_iter().cloned().collect();
        }
        let refused = lane.iter().find(|op| matches!(op.status, OpStatus::Failed | OpStatus::Conflict)).or(lane.first());
        let Some(refused) = refused else { return Vec::new() };
        let with = |op: &&Op| op.seq == refused.seq || op.group.is_some() && op.group == refused.group && op.lane.is_some();
        self.desk.all_ops().filter(with).cloned().collect()
    }

    fn decide(&mut self, schema: &Schema) -> Result<Step<Acted>> {
        let ops = self.meant();
        let path = format!("{}.{}", self.name.0, self.name.1);
        if ops.is_empty() {
            return Err(Error::new(Code::NotFound, "no op of this record waits").at(path));
        }
        // One that was held, or that the server asked to send later, has been answered: it did nothing there.
        if ops.iter().any(|op| op.status == OpStatus::Syncing || self.decision == Decision::Cancel && op.frozen) {
            return Err(Error::new(Code::LockLost, "an op of this record is on its way, or was")
                .at(path)
                .hint("wait for its answer, then decide"));
        }
        let mut desk = std::mem::take(&mut self.desk);
        let mut redo = Redo {
            schema,
            name: &self.name,
            edit: &self.edit,
            again: self.decision == Decision::Retry,
            now: self.now,
            entropy: &mut self.entropy,
            parents: &self.parents,
        };
        let op = if ops[0].group.is_none() && ops.len() == desk.lane(&self.name).len() {
            redo.lane(&mut desk, &ops)?
        } else {
            redo.group(&mut desk, ops)?
        };
        let changes = desk.finish(schema)?;
        Ok(Step::Done(changes, Acted { op, summary: desk.summary() }))
    }
}

/// Whether others may wait for a deletion or creation of this record that is still to be sent.
pub(super) fn release_if_none(desk: &mut Desk, name: &Name) {
    if !desk.lane(name).iter().any(|op| op.operation != Operation::Update) {
        crate::store::answer::release(desk, name);
    }
}
