//! What a ledger keeps, as types: rows, answers, devices, runs. This module decides their fields; how they lie in a
//! database is the ledger's business.

use crate::id::{DeviceId, Incarnation, OpId, Run, User};
use crate::plain::plain;
use crate::record::{Fields, digest};
use crate::schema::Operation;
use crate::time::Millis;
use crate::wire::change::Stamp;
use crate::wire::{Processed, RemoteChange};
use serde_json::Value;
use std::collections::BTreeMap;

/// Who asks: from the token alone, never from the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The application and the tenant: the scope that every key of the ledger begins with.
    pub tenant: String,
    /// The person.
    pub user: User,
    /// Their roles; the first is noted on fields they write.
    pub roles: Vec<String>,
    /// The device they write from.
    pub device: DeviceId,
    /// Lists of their profile that partition rules may ask for: `"$sites"` is `sites`.
    pub lists: BTreeMap<String, Vec<Value>>,
}

/// Names a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// The entity.
    pub entity: String,
    /// The record.
    pub id: String,
}

plain! {
    /// A record on the server; a deleted one stays as a tombstone.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Row {
        /// The entity.
        pub entity: String,
        /// The record.
        pub id: String,
        /// Counts up by one with each change.
        pub version: u64,
        /// The tenant's number of the last change.
        pub number: u64,
        /// A tombstone.
        pub deleted: bool,
        /// The fields; empty for a tombstone.
        pub data: Fields,
        /// What a tombstone's fields were, where an edit may win over a delete; it never leaves the server.
        pub last?: Option<Fields>,
        /// Who wrote fields last.
        pub stamps: BTreeMap<String, Stamp>,
        /// Who changed it last.
        pub changed_by: String,
        /// When.
        pub changed_at: Millis,
        ..
    }
}

plain! {
    /// The record of an op and of its answer, kept at least as long as a device may stay away.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Entry {
        /// The op.
        pub id: OpId,
        /// The entity of its record.
        pub entity: String = String::new(),
        /// Who sent it.
        pub user: User,
        /// From where.
        pub device: DeviceId,
        /// SHA-256 of the op's canonical form, in hex.
        pub fingerprint: String,
        /// The number of the change; 0 if it changed nothing.
        pub number: u64,
        /// When it was decided.
        pub at: Millis,
        /// The version of the schema it was decided under: the words the answer is in.
        pub schema: u32 = 0,
        /// The answer.
        pub answer: Processed,
        ..
    }
}

plain! {
    /// A device and its present life.
    #[derive(Clone, Debug, PartialEq)]
    pub struct DeviceRow {
        /// The device.
        pub id: DeviceId,
        /// Whose it is.
        pub user: User,
        /// What people call it.
        pub name: String,
        /// Its present life; empty before the first push.
        pub incarnation: Incarnation,
        /// The last request of that life.
        pub request_no: u64,
        /// SHA-256 of that request's canonical form, in hex.
        pub request_hash: String,
        /// When it was last heard of.
        pub seen_at: Millis,
        /// Entities its user does not want on it.
        pub deselected: Vec<String> = Vec::new(),
        ..
    }
}

plain! {
    /// One life of the server's data.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct RunRow {
        /// Random.
        pub id: Run,
        /// The tenant's counter when it began.
        pub first: u64,
        ..
    }
}

impl Row {
    /// How to name it.
    #[must_use]
    pub fn key(&self) -> RowKey {
        RowKey { entity: self.entity.clone(), id: self.id.clone() }
    }

    /// The row as a device pulls it.
    #[must_use]
    pub fn change(&self) -> RemoteChange {
        let operation = match (self.deleted, self.version) {
            (true, _) => Operation::Delete,
            (false, 1) => Operation::Create,
            (false, _) => Operation::Update,
        };
        RemoteChange {
            operation,
            entity_type: self.entity.clone(),
            entity_id: self.id.clone(),
            data: self.data.clone(),
            server_version: self.version,
            number: self.number,
            timestamp: self.changed_at.iso(),
            changed_by: self.changed_by.clone(),
            stamps: self.stamps.clone(),
            digest: digest(&self.data),
        }
    }
}
