//! One change on the desk: its record, its op (new, or coalesced into the waiting one), its base and the accounting. It
//! decides nothing about what is read, and never touches a frozen op nor one of another group. `write` calls it for each
//! change of a transaction.

use crate::error::{Code, Error, Result};
use crate::id::{Entropy, OpId};
use crate::merge::combines;
use crate::queue::coalesce::{self, Coalesced};
use crate::queue::op::{freed, refers};
use crate::queue::{Op, OpStatus};
use crate::record::{Fields, Patch, order};
use crate::schema::{Entity, Operation, Schema, Written};
use crate::store::desk::{Desk, Name};
use crate::store::rebase;
use crate::store::rows::{BaseRow, Record, RecordStatus, SyncInfo};
use crate::store::write::WriteRequest;
use crate::time::Millis;

/// One change, and what it is made with.
pub(super) struct Edit<'a> {
    pub schema: &'a Schema,
    pub entity: &'a Entity,
    pub request: &'a WriteRequest,
    pub name: &'a Name,
    pub by: &'a str,
    pub now: Millis,
    pub entropy: &'a mut Entropy,
    pub group: Option<&'a String>,
    /// Set when a rule wants it sent at once.
    pub critical: bool,
}

/// What the change's op waits for, and what it refers to that is not here.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    pub needs: Vec<String>,
    pub lacks: Vec<String>,
}

impl Edit<'_> {
    pub fn apply(&mut self, desk: &mut Desk, links: Links) -> Result<Option<OpId>> {
        match self.request.operation {
            Operation::Create => self.create(desk, links),
            Operation::Update => self.update(desk, links),
            Operation::Delete => self.delete(desk),
        }
    }

    fn create(&mut self, desk: &mut Desk, links: Links) -> Result<Option<OpId>> {
        if desk.record(self.name).is_some() || !desk.lane(self.name).is_empty() {
            let path = format!("{}.{}", self.name.0, self.name.1);
            return Err(Error::new(Code::IdCollision, "a record with this id exists")
                .at(path)
                .hint("update it, or leave the id out"));
        }
        let fields = self.request.data.clone();
        let op = self.op(desk, (Operation::Create, Patch { data: fields.clone(), ..Patch::default() }), links);
        let sync = SyncInfo { local: 1, offline: true, ..self.sync(None) };
        desk.put_record(self.name, Some(Record { fields, sync }));
        Ok(Some(op))
    }

    fn update(&mut self, desk: &mut Desk, links: Links) -> Result<Option<OpId>> {
        let record = self.shown(desk)?.clone();
        let next = Patch::of(&record.fields, &self.request.data, &self.request.removed);
        if next.is_empty() {
            return Ok(None);
        }
        let fields = next.applied(&record.fields);
        if !self.schema.is_narrowed(&self.name.0) {
            self.entity.check_record(&self.name.0, &fields)?;
        }
        self.keep_base(desk, &record);
        // A create waits only for records older than itself, so that no two wait for each other: the later link is an op behind.
        let later = |open: &Op| open.operation == Operation::Create && links.needs.iter().any(|one| !open.needs.contains(one));
        let gone = desk.base(self.name).is_some_and(|base| base.data.is_none());
        let op = match self.open_op(desk).filter(|open| !later(open)) {
            Some(open) => match self.coalesced(desk, &open, next) {
                Coalesced::Op(operation, patch) => Some(self.replace(desk, open, (operation, patch), links)),
                Coalesced::Nothing => self.undone(desk, &open),
            },
            None => Some(self.op(desk, (Operation::Update, next), links)),
        };
        if gone && desk.lane(self.name).is_empty() {
            desk.put_record(self.name, None);
            return Ok(op);
        }
        let status = desk.mark(self.name);
        let sync = SyncInfo { status, local: record.sync.local + 1, modified: self.now, by: self.by.to_owned(), ..record.sync };
        desk.put_record(self.name, Some(Record { fields, sync }));
        Ok(op)
    }

    fn delete(&mut self, desk: &mut Desk) -> Result<Option<OpId>> {
        let record = self.shown(desk)?.clone();
        self.keep_base(desk, &record);
        // A create that the server has heard of all the same (from a copy of this database) leaves a record there to delete.
        let there = desk.base(self.name).is_some_and(|base| base.data.is_some());
        let op = match self.open_op(desk) {
            Some(open) => match coalesce::delete(if there { Operation::Update } else { open.operation }) {
                Coalesced::Op(operation, patch) => Some(self.replace(desk, open, (operation, patch), Links::default())),
                Coalesced::Nothing => self.undone(desk, &open),
            },
            None => Some(self.op(desk, (Operation::Delete, Patch::default()), Links::default())),
        };
        desk.put_record(self.name, None);
        Ok(op)
    }

    /// The waiting op and this change as one. Where a field combines with what others did, the record on screen may hold
    /// their part too; such a field is said anew, against what the record is without the waiting op, or their part would be
    /// counted as ours.
    fn coalesced(&self, desk: &Desk, open: &Op, mut next: Patch) -> Coalesced {
        let entity = self.entity;
        let mut waiting = open.patch.clone();
        if open.operation == Operation::Update {
            let lane: Vec<&Op> = desk.lane(self.name).into_iter().filter(|op| op.seq != open.seq).collect();
            let under = rebase::view(entity, desk.base(self.name), &lane, None).unwrap_or_default();
            let fields: Vec<String> = next.fields().filter(|field| combines(entity, field)).cloned().collect();
            for field in fields {
                waiting.data.remove(&field);
                waiting.removed.retain(|one| *one != field);
                waiting.before.remove(&field);
                match under.get(&field) {
                    Some(value) => next.before.insert(field, value.clone()),
                    None => next.before.remove(&field),
                };
            }
        }
        coalesce::update(open.operation, &waiting, &next)
    }

    fn shown<'a>(&self, desk: &'a Desk) -> Result<&'a Record> {
        let missing =
            || Error::new(Code::NotFound, "no such record on this device").at(format!("{}.{}", self.name.0, self.name.1));
        desk.record(self.name).ok_or_else(missing)
    }

    /// The first edit of a clean record keeps what the server has, to merge against.
    fn keep_base(&self, desk: &mut Desk, record: &Record) {
        // With ops in its lane the record is not what the server has, even if the base was lost: the next pull brings it.
        if let (None, Some(version), true) = (desk.base(self.name), record.sync.version, desk.lane(self.name).is_empty()) {
            let base = BaseRow {
                entity_type: self.name.0.clone(),
                entity_id: self.name.1.clone(),
                version,
                data: Some(record.fields.clone()),
                stamps: std::collections::BTreeMap::new(),
                by: record.sync.by.clone(),
                at: record.sync.server_at,
                left: false,
            };
            desk.put_base(self.name, Some(base));
        }
    }

    /// The waiting op that this change may become part of: only one of its own group.
    fn open_op(&self, desk: &Desk) -> Option<Op> {
        let ours = |op: &&&Op| op.is_open() && op.group.as_ref() == self.group;
        desk.lane(self.name).last().filter(ours).map(|op| (*op).clone())
    }

    /// The op is not needed any more; without another one the record is as on the server again.
    fn undone(&self, desk: &mut Desk, open: &Op) -> Option<OpId> {
        desk.drop_op(open.seq);
        if open.operation == Operation::Create {
            crate::store::answer::release(desk, self.name);
        }
        if desk.lane(self.name).is_empty() {
            desk.put_base(self.name, None);
        }
        None
    }

    fn replace(&mut self, desk: &mut Desk, open: Op, with: (Operation, Patch), links: Links) -> OpId {
        let (operation, patch) = with;
        let (hlc, schema_version) = (desk.head.clock.clone(), self.schema.version);
        let mut op = Op { operation, patch, hlc, updated_at: self.now, schema_version, ..open };
        op.needs.extend(links.needs);
        op.lacks.extend(links.lacks);
        // Only what the op still names: a reference that was taken back is not waited for.
        let named = refers(self.entity, &op.patch.data);
        for names in [&mut op.needs, &mut op.lacks] {
            order::sort(names, Ord::cmp);
            names.dedup();
            names.retain(|one| named.binary_search(one).is_ok());
        }
        op.local_version += 1;
        if operation == Operation::Delete {
            op.base_version = desk.base(self.name).map(|base| base.version);
        }
        op.frees = self.frees(desk, &op);
        op.priority = self.priority(desk, &op);
        let id = op.id.clone();
        desk.put_op(op);
        id
    }

    fn frees(&self, desk: &Desk, op: &Op) -> Vec<String> {
        let base = desk.base(self.name).and_then(|base| base.data.as_ref());
        let shown = desk.record(self.name).map(|record| &record.fields);
        let whole: Vec<&Fields> = base.into_iter().chain(shown).collect();
        freed(self.entity, op.operation, &op.patch, &whole)
    }

    fn op(&mut self, desk: &mut Desk, what: (Operation, Patch), links: Links) -> OpId {
        let (operation, patch) = what;
        desk.head.seq += 1;
        let behind = !desk.lane(self.name).is_empty();
        let record = desk.record(self.name);
        let mut op = Op {
            seq: desk.head.seq,
            id: self.entropy.uuid(self.now).into(),
            operation,
            entity_type: self.name.0.clone(),
            entity_id: self.name.1.clone(),
            patch,
            base_version: desk.base(self.name).map(|base| base.version),
            local_version: record.map_or(1, |record| record.sync.local + 1),
            server_version: None,
            status: OpStatus::Pending,
            priority: 0,
            retry_count: 0,
            last_retry_at: None,
            created_at: self.now,
            updated_at: self.now,
            hlc: desk.head.clock.clone(),
            schema_version: self.schema.version,
            group: self.group.cloned(),
            resolves: None,
            frozen: false,
            ready: None,
            behind,
            lane: Some([self.name.0.clone(), self.name.1.clone()]),
            aside: false,
            needs: links.needs,
            lacks: links.lacks,
            frees: Vec::new(),
            cycle: Vec::new(),
            temps: Vec::new(),
            sent: None,
            sent_at: None,
            error: None,
            travels_as: None,
        };
        op.frees = self.frees(desk, &op);
        op.priority = self.priority(desk, &op);
        let id = op.id.clone();
        desk.put_op(op);
        id
    }

    /// By the rules of the schema, which look at the record as it is after the change.
    fn priority(&mut self, desk: &Desk, op: &Op) -> u8 {
        let changed: Vec<&str> = op.patch.fields().map(String::as_str).collect();
        let after = desk.record(self.name).map_or_else(|| op.patch.data.clone(), |record| op.patch.applied(&record.fields));
        let written = Written { operation: op.operation, changed: &changed, record: &after, now: self.now, user: self.by };
        self.critical = self.schema.critical(&self.name.0, &written);
        self.schema.priority(&self.name.0, &written)
    }

    fn sync(&self, version: Option<u64>) -> SyncInfo {
        SyncInfo {
            status: RecordStatus::Pending,
            version,
            local: 0,
            modified: self.now,
            synced: None,
            server_at: None,
            by: self.by.to_owned(),
            offline: false,
            bytes: 0,
            refs: Vec::new(),
        }
    }
}
