//! One op: a change of one record on its way to the server (goalflow 4.2). This module decides its fields, its form on the
//! wire and what it waits for; which op goes when is decided by `order` and `store/stage`.

use crate::error::Error;
use crate::hlc::Hlc;
use crate::id::{ConflictId, OpId, is_temp};
use crate::plain::{self, Plain, plain, words};
use crate::queue::order::Link;
use crate::record::{Fields, Patch, order};
use crate::schema::{Entity, Operation, Schema};
use crate::time::Millis;
use crate::wire::Change;
use std::cmp::Ordering;

words! {
    /// Where an op stands.
    pub enum OpStatus {
        /// Waits to be sent.
        Pending = "pending",
        /// Part of a batch that has left, or was about to.
        Syncing = "syncing",
        /// Applied by the server; its payload is kept for seven days.
        Completed = "completed",
        /// Refused by the server; waits for a person.
        Failed = "failed",
        /// Met another change that no rule could merge; waits for a person.
        Conflict = "conflict",
    }
}

plain! {
    /// A row of `sync_queue`.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Op {
        /// Its place in the order of arrival; the primary key.
        pub seq: u64,
        /// Its id, on the device and in the server's ledger.
        pub id: OpId,
        /// What it does.
        pub operation: Operation,
        /// To which kind of record.
        pub entity_type: String,
        /// To which record.
        pub entity_id: String,
        /// What it changes: for a create, everything stands in `data`.
        pub patch: Patch as ..,
        /// The server version it was made on.
        pub base_version: Option<u64>,
        /// How often the record had been changed on this device.
        pub local_version: u64,
        /// The version the server gave the record for it.
        pub server_version: Option<u64>,
        /// Where it stands.
        pub status: OpStatus,
        /// 1 is sent first.
        pub priority: u8,
        /// Attempts that the server answered.
        pub retry_count: u32,
        /// When the last one was.
        pub last_retry_at: Option<Millis>,
        /// When the change was made, by the device's clock.
        pub created_at: Millis,
        /// When this row last changed.
        pub updated_at: Millis,
        /// When the change was made, by the hybrid clock.
        pub hlc: Hlc,
        /// The schema it was made under.
        pub schema_version: u32,
        /// Ops with the same group stand or fall together.
        pub group?: Option<String>,
        /// The conflict it resolves.
        pub resolves?: Option<ConflictId>,
        /// Once true, the bytes that travel never change again (law 3).
        pub frozen: bool,
        /// 1: may be sent. 0: waits for what `needs` or `behind` say. Absent unless pending, so that its index holds few.
        pub ready?: Option<u8>,
        /// An earlier op of the same record has no final answer yet.
        pub behind?: bool,
        /// `[entity_type, entity_id]` while it has no final answer: the record's lane.
        pub lane?: Option<[String; 2]>,
        /// Its group waits for another op of the group: this one is not offered until that one has changed.
        pub aside?: bool,
        /// `entity_type/entity_id` of records whose ops must reach the server first.
        pub needs?: Vec<String>,
        /// Records it refers to that were not on the device when it was written; should they be created here, they go first.
        pub lacks?: Vec<String>,
        /// Records it no longer refers to: their deletion goes after it.
        pub frees?: Vec<String>,
        /// The references that led from its record back to it when it was sent: these ops travelled as one.
        pub cycle?: Vec<String>,
        /// Temporary ids it names, its record's own among them, so that what becomes of these finds it. Absent once it is
        /// done.
        pub temps?: Vec<String>,
        /// The request it last left with and its place in it.
        pub sent?: Option<[u64; 2]>,
        /// When it first left.
        pub sent_at?: Option<Millis>,
        /// Why the server refused it.
        pub error?: Option<Error>,
        /// How it travels, if the schema or an id has changed since it was frozen: everything else follows what holds now.
        pub travels_as?: Option<Box<Former>>,
        ..
    }
}

plain! {
    /// What a frozen op says in the words of the schema it was frozen under, with the ids of then.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Former {
        /// The entity's name then.
        pub entity_type: String,
        /// The record's id then.
        pub entity_id: String,
        /// What it changes, in the fields of then.
        pub patch: Patch as ..,
        /// That schema's version.
        pub schema_version: u32,
        ..
    }
}

impl Op {
    /// The op as it travels. A frozen op gives the same bytes for ever: only fields that are fixed by then are read.
    #[must_use]
    pub fn change(&self) -> Change {
        let (entity_type, entity_id, patch, schema_version) = match &self.travels_as {
            Some(former) => (&former.entity_type, &former.entity_id, &former.patch, former.schema_version),
            None => (&self.entity_type, &self.entity_id, &self.patch, self.schema_version),
        };
        let temp = is_temp(entity_id);
        Change {
            queue_id: self.id.clone(),
            operation: self.operation,
            entity_type: entity_type.clone(),
            entity_id: if temp { String::new() } else { entity_id.clone() },
            temp_id: temp.then(|| entity_id.clone()),
            data: patch.data.clone(),
            removed: patch.removed.clone(),
            before: patch.before.clone(),
            base_version: self.base_version,
            local_version: self.local_version,
            timestamp: self.created_at.iso(),
            hlc: self.hlc.clone(),
            sent_at: self.sent_at.map(Millis::iso),
            schema_version,
            group: self.group.clone(),
            resolves: self.resolves.clone(),
        }
    }

    /// How it travels from now on, whatever is changed in it.
    #[must_use]
    pub fn former(&self) -> Former {
        let (entity_type, entity_id) = (self.entity_type.clone(), self.entity_id.clone());
        Former { entity_type, entity_id, patch: self.patch.clone(), schema_version: self.schema_version }
    }

    /// The order in which ops left, those of one request in their places there.
    #[must_use]
    pub fn compare_sent(&self, other: &Self) -> Ordering {
        (self.sent, self.seq).cmp(&(other.sent, other.seq))
    }

    /// Whether a further edit of the record may still change this op.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !self.frozen && matches!(self.status, OpStatus::Pending)
    }

    /// Whether it waits for its record to come back into scope: refused here, never by the server.
    #[must_use]
    pub fn kept_back(&self) -> bool {
        let denied = self.error.as_ref().is_some_and(|error| error.code == crate::error::Code::PermissionDenied);
        self.status == OpStatus::Failed && !self.frozen && denied
    }

    /// The name under which other ops say that they need this op's record.
    #[must_use]
    pub fn need(&self) -> String {
        need(&self.entity_type, &self.entity_id)
    }

    /// Whether it waits to be sent, for the first time or again.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        matches!(self.status, OpStatus::Pending)
    }

    /// Sets `ready` from what it still waits for; an op that was applied waits for nothing.
    pub fn refresh(&mut self) {
        if self.status == OpStatus::Completed {
            (self.lane, self.behind, self.aside) = (None, false, false);
            (self.needs, self.lacks, self.frees) = (Vec::new(), Vec::new(), Vec::new());
            self.temps = Vec::new();
        }
        self.ready = self.readiness();
    }

    /// What `ready` has to be, by what else it says.
    #[must_use]
    pub fn readiness(&self) -> Option<u8> {
        let free = self.needs.is_empty() && !self.behind && !self.aside;
        self.is_pending().then_some(u8::from(free))
    }

    /// About how many bytes of a request it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        plain::text(&self.patch.plain()).len() + 400
    }

    /// What the order of a batch asks of it.
    #[must_use]
    pub fn link<'a>(&'a self, schema: &Schema) -> Link<'a> {
        Link {
            seq: self.seq,
            priority: self.priority,
            operation: self.operation,
            record: self.need(),
            refers: schema.entities.get(&self.entity_type).map_or_else(Vec::new, |entity| refers(entity, &self.patch.data)),
            frees: &self.frees,
            group: self.group.as_deref(),
        }
    }
}

/// The records that an op's record will not refer to any more; `whole` are the record's fields before a deletion.
#[must_use]
pub fn freed(entity: &Entity, operation: Operation, patch: &Patch, whole: &[&Fields]) -> Vec<String> {
    let mut freed: Vec<String> = match operation {
        Operation::Create => return Vec::new(),
        Operation::Update => refers(entity, &patch.before),
        Operation::Delete => whole.iter().flat_map(|fields| refers(entity, fields)).collect(),
    };
    let named = refers(entity, &patch.data);
    freed.retain(|one| named.binary_search(one).is_err());
    order::sort(&mut freed, Ord::cmp);
    freed.dedup();
    freed.truncate(crate::limits::OP_NEEDS);
    freed
}

/// The records that these values refer to, each once.
#[must_use]
pub fn refers(entity: &Entity, fields: &Fields) -> Vec<String> {
    let mut names: Vec<String> = entity.referred(fields).into_iter().map(|(entity, id, _)| need(entity, id)).collect();
    order::sort(&mut names, Ord::cmp);
    names.dedup();
    names
}

/// The name under which ops say that they need a record.
#[must_use]
pub fn need(entity: &str, id: &str) -> String {
    format!("{entity}/{id}")
}
