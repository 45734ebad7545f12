//! `Write`: one local change, made safe. It decides the patch, the op (new or coalesced into the waiting one), the base and
//! the accounting, and hands them over as one transaction (law 1); it never waits for the network and never touches a
//! frozen op. The browser's bindings call it for every create, update and delete.

use crate::error::{Code, Error, Result};
use crate::id::{Entropy, OpId};
use crate::limits;
use crate::merge::combines;
use crate::queue::coalesce::{self, Coalesced};
use crate::queue::{Op, OpStatus, op::need};
use crate::record::{Fields, Patch};
use crate::schema::{Entity, Operation, Schema, Written};
use crate::store::desk::{Desk, Name, Summary, answers, first, record_read, record_reads};
use crate::store::port::{Durability, Read, Rows, Scope, Step};
use crate::store::quarantine::Place;
use crate::store::rows::{BaseRow, Head, Record, RecordStatus, SyncInfo};
use crate::store::{layout, rebase, scope};
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What an application asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WriteRequest {
    /// What to do.
    pub operation: Operation,
    /// To which kind of record.
    pub entity: String,
    /// To which record; for a create it may be absent (then one is made, or taken from the data).
    #[serde(default)]
    pub id: Option<String>,
    /// The whole record for a create; the fields to set for an update.
    #[serde(default)]
    pub data: Fields,
    /// Fields an update takes away.
    #[serde(default)]
    pub removed: Vec<String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrote {
    /// The record's id.
    pub id: String,
    /// The op that carries the change; none when nothing changed or the change undid itself.
    pub op: Option<OpId>,
    /// A rule of the schema wants it sent at once.
    pub critical: bool,
    /// How the store stands after it.
    pub summary: Summary,
}

/// One local change as a transaction.
#[derive(Clone, Debug)]
pub struct Write {
    request: WriteRequest,
    name: Name,
    by: String,
    now: Millis,
    entropy: Entropy,
    parents: Vec<Name>,
    asked: bool,
    critical: bool,
}

impl Write {
    /// Checks the request against the schema and gives it an id; nothing is read yet.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` with the path of what is wrong, `PERMISSION_DENIED` for an entity the device may only read.
    pub fn new(schema: &Schema, mut request: WriteRequest, by: &str, at: (Millis, Entropy)) -> Result<Self> {
        let (now, mut entropy) = at;
        let entity = schema.entity(&request.entity)?;
        if entity.read_only {
            return Err(Error::new(Code::PermissionDenied, "is read-only on this device")
                .at(&request.entity)
                .hint("only the server changes it"));
        }
        let id = Self::id(entity, &request, now, &mut entropy)?;
        entity.check_id(&request.entity, &id)?;
        match request.operation {
            Operation::Create => {
                request.data.insert(entity.key.clone(), id.as_str().into());
                request.data = entity.with_defaults(&request.data);
                entity.check_record(&request.entity, &request.data)?;
            }
            Operation::Update => entity.check_patch(&request.entity, &request.data, &request.removed)?,
            Operation::Delete => {}
        }
        let mut parents: Vec<Name> =
            entity.referred(&request.data).into_iter().map(|(entity, id, _)| (entity.to_owned(), id.to_owned())).collect();
        parents.sort();
        parents.dedup();
        parents.retain(|parent| *parent != (request.entity.clone(), id.clone()));
        parents.truncate(limits::OP_NEEDS);
        let name = (request.entity.clone(), id);
        Ok(Self { request, name, by: by.to_owned(), now, entropy, parents, asked: false, critical: false })
    }

    fn id(entity: &Entity, request: &WriteRequest, now: Millis, entropy: &mut Entropy) -> Result<String> {
        let given = request.id.as_deref().or_else(|| request.data.get(&entity.key).and_then(serde_json::Value::as_str));
        match (given, request.operation) {
            (Some(id), _) => Ok(id.to_owned()),
            (None, Operation::Create) => Ok(entropy.uuid(now)),
            (None, _) => Err(Error::new(Code::ValidationError, "names no record").at(&request.entity).hint("pass its id")),
        }
    }

    /// What it may touch.
    #[must_use]
    pub fn scope(&self, schema: &Schema) -> Scope {
        let entities = std::iter::once(&self.name.0).chain(self.parents.iter().map(|parent| &parent.0));
        let stores = entities.filter_map(|name| schema.entities.get(name)).map(|entity| Cow::Owned(entity.store.clone()));
        scope(stores.chain([layout::QUEUE, layout::BASE, layout::METADATA]), Durability::Strict)
    }

    /// One round: everything it needs is known from the request.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Wrote> {
        if !self.asked {
            self.asked = true;
            return match self.reads(schema) {
                Ok(reads) => Step::Read(reads),
                Err(error) => Step::Abort(error),
            };
        }
        match self.decide(schema, rows) {
            Ok((changes, wrote)) => Step::Done(changes, wrote),
            Err(error) => Step::Abort(error),
        }
    }

    fn reads(&self, schema: &Schema) -> Result<Vec<Read>> {
        let mut reads = vec![Head::read()];
        reads.extend(record_reads(schema.entity(&self.name.0)?, &self.name));
        for (entity, id) in &self.parents {
            reads.push(record_read(schema.entity(entity)?, id));
        }
        if self.request.operation == Operation::Delete {
            reads.extend(crate::store::settle::children_read(Operation::Create, &self.name));
        }
        Ok(reads)
    }

    fn decide(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<(Vec<crate::store::Change>, Wrote)> {
        let mut answers = answers(rows);
        let mut desk = Desk::default();
        desk.take_head(answers.next().unwrap_or_default())?;
        desk.take_record(&self.name, &mut answers)?;
        let mut needs = Vec::new();
        for (entity, id) in &self.parents {
            let parent = first(answers.next()).map(Record::from_row).transpose();
            let parent = parent.map_err(|error| Place::Record((entity.clone(), id.clone())).damaged(error))?;
            if parent.is_some_and(|parent| parent.sync.version.is_none()) {
                needs.push(need(entity, id));
            }
        }
        answers.try_for_each(|rows| desk.take_ops(rows))?;
        desk.head.clock = desk.head.clock.tick(self.now, &self.node(&desk));
        let op = match self.request.operation {
            Operation::Create => self.create(schema, &mut desk, needs)?,
            Operation::Update => self.update(schema, &mut desk, needs)?,
            Operation::Delete => self.delete(schema, &mut desk)?,
        };
        let changes = desk.finish(schema)?;
        Ok((changes, Wrote { id: self.name.1.clone(), op, critical: self.critical, summary: desk.summary() }))
    }

    /// The clock's node: kept once drawn, so that stamps of one database are told from all others'.
    fn node(&mut self, desk: &Desk) -> String {
        if desk.head.clock.node.is_empty() { self.entropy.uuid(self.now)[24..].to_owned() } else { desk.head.clock.node.clone() }
    }

    fn create(&mut self, schema: &Schema, desk: &mut Desk, needs: Vec<String>) -> Result<Option<OpId>> {
        if desk.record(&self.name).is_some() || !desk.lane(&self.name).is_empty() {
            let path = format!("{}.{}", self.name.0, self.name.1);
            return Err(Error::new(Code::IdCollision, "a record with this id exists")
                .at(path)
                .hint("update it, or leave the id out"));
        }
        let fields = self.request.data.clone();
        let op = self.op(schema, desk, (Operation::Create, Patch { data: fields.clone(), ..Patch::default() }), needs)?;
        let sync = SyncInfo { local: 1, offline: true, ..self.sync(None) };
        desk.put_record(&self.name, Some(Record { fields, sync }));
        Ok(Some(op))
    }

    fn update(&mut self, schema: &Schema, desk: &mut Desk, needs: Vec<String>) -> Result<Option<OpId>> {
        let record = self.shown(desk)?.clone();
        let next = Patch::of(&record.fields, &self.request.data, &self.request.removed);
        if next.is_empty() {
            return Ok(None);
        }
        let fields = next.applied(&record.fields);
        schema.entity(&self.name.0)?.check_record(&self.name.0, &fields)?;
        self.keep_base(desk, &record);
        // A create waits only for records older than itself, so that no two wait for each other: the later link is an op behind.
        let links = |open: &Op| open.operation == Operation::Create && needs.iter().any(|one| !open.needs.contains(one));
        let gone = desk.base(&self.name).is_some_and(|base| base.data.is_none());
        let op = match self.open_op(desk).filter(|open| !links(open)) {
            Some(open) => match self.coalesced(schema, desk, &open, next)? {
                Coalesced::Op(operation, patch) => Some(self.replace(schema, desk, open, (operation, patch, needs))),
                Coalesced::Nothing => self.undone(desk, &open),
            },
            None => Some(self.op(schema, desk, (Operation::Update, next), needs)?),
        };
        if gone && desk.lane(&self.name).is_empty() {
            desk.put_record(&self.name, None);
            return Ok(op);
        }
        let status = desk.mark(&self.name);
        let sync = SyncInfo { status, local: record.sync.local + 1, modified: self.now, by: self.by.clone(), ..record.sync };
        desk.put_record(&self.name, Some(Record { fields, sync }));
        Ok(op)
    }

    fn delete(&mut self, schema: &Schema, desk: &mut Desk) -> Result<Option<OpId>> {
        let record = self.shown(desk)?.clone();
        self.keep_base(desk, &record);
        let op = match self.open_op(desk) {
            Some(open) => match coalesce::delete(open.operation) {
                Coalesced::Op(operation, patch) => Some(self.replace(schema, desk, open, (operation, patch, Vec::new()))),
                Coalesced::Nothing => self.undone(desk, &open),
            },
            None => Some(self.op(schema, desk, (Operation::Delete, Patch::default()), Vec::new())?),
        };
        desk.put_record(&self.name, None);
        Ok(op)
    }

    /// The waiting op and this change as one. Where a field combines with what others did, the record on screen may hold
    /// their part too; such a field is said anew, against what the record is without the waiting op, or their part would be
    /// counted as ours.
    fn coalesced(&self, schema: &Schema, desk: &Desk, open: &Op, mut next: Patch) -> Result<Coalesced> {
        let entity = schema.entity(&self.name.0)?;
        let mut waiting = open.patch.clone();
        if open.operation == Operation::Update {
            let lane: Vec<&Op> = desk.lane(&self.name).into_iter().filter(|op| op.seq != open.seq).collect();
            let under = rebase::view(entity, desk.base(&self.name), &lane, None).unwrap_or_default();
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
        Ok(coalesce::update(open.operation, &waiting, &next))
    }

    fn shown<'a>(&self, desk: &'a Desk) -> Result<&'a Record> {
        let missing =
            || Error::new(Code::NotFound, "no such record on this device").at(format!("{}.{}", self.name.0, self.name.1));
        desk.record(&self.name).ok_or_else(missing)
    }

    /// The first edit of a clean record keeps what the server has, to merge against.
    fn keep_base(&self, desk: &mut Desk, record: &Record) {
        // With ops in its lane the record is not what the server has, even if the base was lost: the next pull brings it.
        if let (None, Some(version), true) = (desk.base(&self.name), record.sync.version, desk.lane(&self.name).is_empty()) {
            let base = BaseRow {
                entity_type: self.name.0.clone(),
                entity_id: self.name.1.clone(),
                version,
                data: Some(record.fields.clone()),
                stamps: std::collections::BTreeMap::new(),
                by: record.sync.by.clone(),
                at: record.sync.server_at,
            };
            desk.put_base(&self.name, Some(base));
        }
    }

    fn open_op(&self, desk: &Desk) -> Option<Op> {
        desk.lane(&self.name).last().filter(|op| op.is_open()).map(|op| (*op).clone())
    }

    /// The op is not needed any more; without another one the record is as on the server again.
    fn undone(&self, desk: &mut Desk, open: &Op) -> Option<OpId> {
        desk.drop_op(open.seq);
        if open.operation == Operation::Create {
            crate::store::answer::release(desk, &open.need());
        }
        if desk.lane(&self.name).is_empty() {
            desk.put_base(&self.name, None);
        }
        None
    }

    fn replace(&mut self, schema: &Schema, desk: &mut Desk, open: Op, with: (Operation, Patch, Vec<String>)) -> OpId {
        let (operation, patch, needs) = with;
        let mut op =
            Op { operation, patch, hlc: desk.head.clock.clone(), updated_at: self.now, schema_version: schema.version, ..open };
        op.needs.extend(needs);
        op.needs.sort();
        op.needs.dedup();
        // Only what the op still names: a reference that was taken back is not waited for.
        if let Some(entity) = schema.entities.get(&op.entity_type) {
            let named = entity.referred(&op.patch.data);
            op.needs.retain(|one| named.iter().any(|(entity, id, _)| need(entity, id) == *one));
        }
        op.local_version += 1;
        if operation == Operation::Delete {
            op.needs.clear();
            op.base_version = desk.base(&self.name).map(|base| base.version);
        }
        op.priority = self.priority(schema, desk, &op);
        let id = op.id.clone();
        desk.put_op(op);
        id
    }

    fn op(&mut self, schema: &Schema, desk: &mut Desk, what: (Operation, Patch), needs: Vec<String>) -> Result<OpId> {
        let (operation, patch) = what;
        desk.head.seq += 1;
        let behind = !desk.lane(&self.name).is_empty();
        let record = desk.record(&self.name);
        let mut op = Op {
            seq: desk.head.seq,
            id: self.entropy.uuid(self.now).into(),
            operation,
            entity_type: self.name.0.clone(),
            entity_id: self.name.1.clone(),
            patch,
            base_version: desk.base(&self.name).map(|base| base.version),
            local_version: record.map_or(1, |record| record.sync.local + 1),
            server_version: None,
            status: OpStatus::Pending,
            priority: 0,
            retry_count: 0,
            last_retry_at: None,
            created_at: self.now,
            updated_at: self.now,
            hlc: desk.head.clock.clone(),
            schema_version: schema.version,
            group: None,
            resolves: None,
            frozen: false,
            ready: None,
            behind,
            lane: Some([self.name.0.clone(), self.name.1.clone()]),
            needs,
            sent: None,
            error: None,
            travels_as: None,
        };
        op.priority = self.priority(schema, desk, &op);
        let id = op.id.clone();
        desk.put_op(op);
        Ok(id)
    }

    /// By the rules of the schema, which look at the record as it is after the change.
    fn priority(&mut self, schema: &Schema, desk: &Desk, op: &Op) -> u8 {
        let changed: Vec<&str> = op.patch.fields().map(String::as_str).collect();
        let after = desk.record(&self.name).map_or_else(|| op.patch.data.clone(), |record| op.patch.applied(&record.fields));
        let written = Written { operation: op.operation, changed: &changed, record: &after, now: self.now, user: &self.by };
        self.critical = schema.critical(&self.name.0, &written);
        schema.priority(&self.name.0, &written)
    }

    fn sync(&self, version: Option<u64>) -> SyncInfo {
        SyncInfo {
            status: RecordStatus::Pending,
            version,
            local: 0,
            modified: self.now,
            synced: None,
            server_at: None,
            by: self.by.clone(),
            offline: false,
            bytes: 0,
        }
    }
}
