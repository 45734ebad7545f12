//! The engine's own rows as types: the hot head, the sync row, a base, a record with its `_sync`, a conflict. This module
//! decides their fields and how they are read from and written to the database; it decides nothing about their values.

use crate::error::{Code, Error, Result};
use crate::hlc::Hlc;
use crate::id::{ConflictId, DeviceId, Entropy, Incarnation, OpId, Token};
use crate::plain::{self, Plain, plain, words};
use crate::record::Fields;
use crate::store::key::Key;
use crate::store::layout::{BASE, ID_MAP, METADATA};
use crate::store::port::Read;
use crate::time::Millis;
use crate::wire::change::Stamp;
use crate::wire::{Mark, PROTOCOL, Want};
use serde_json::Value;
use std::collections::BTreeMap;

/// The reserved property of every record.
pub const SYNC: &str = "_sync";

plain! {
    /// The one hot row: read and written once by every transaction that changes something.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Head {
        /// `"head"`.
        pub key: String,
        /// The last op's place.
        pub seq: u64,
        /// Counts transactions that changed something; contexts compare it to know whether they are up to date.
        pub gen_no: u64,
        /// The hybrid clock of this database.
        pub clock: Hlc,
        /// Raised by whoever gains the lock; a sync transaction of an older holder aborts.
        pub fence: u64,
        /// Bytes of JSON by entity.
        pub usage: BTreeMap<String, u64>,
        /// Ops pending or syncing.
        pub queued: u64,
        /// Ops failed.
        pub failed: u64,
        /// Ops in a conflict.
        pub conflicts: u64,
        /// Rows in quarantine.
        pub quarantined: u64 = 0,
        /// Ops completed and still kept.
        pub completed: u64 = 0,
        /// Temporary ids that some references still hold.
        pub remaps: u64 = 0,
        ..
    }
}

plain! {
    /// What a cycle needs to go on where the last one stopped.
    #[derive(Clone, Debug, PartialEq)]
    pub struct SyncRow {
        /// `"sync"`.
        pub key: String,
        /// This database's device.
        pub device_id: DeviceId,
        /// Its present life.
        pub incarnation: Incarnation,
        /// The last request number of that life.
        pub request_no: u64,
        /// Where the pull goes on; none: a snapshot begins.
        pub token: Option<Token>,
        /// Whether the pull has more to fetch, as far as the last answer said.
        pub has_more: bool,
        /// Whether the server knows the device.
        pub attached: bool,
        /// When the last cycle ended well.
        pub last_sync_at: Option<Millis>,
        /// No automatic attempt before this (backoff, Retry-After).
        pub not_before: Option<Millis>,
        /// When that was noted: seen from before it, the clock has been set back and the wait says nothing.
        pub deferred_at: Millis = Millis::default(),
        /// Failed attempts in a row.
        pub attempts: u32,
        /// How far the device's clock is behind the server's, as last measured, in milliseconds.
        pub skew_ms: i64 = i64::default(),
        /// Rows whose digest was not the predicted one.
        pub want?: Vec<Want>,
        /// The last mark the server gave.
        pub mark?: Option<Mark>,
        /// The server was restored and has lost what it acknowledged: completed ops behind the first
        /// place are still to be sent again, up to the second they are on their way.
        pub replay?: Option<[u64; 2]>,
        /// And until everything is loaded anew, what it no longer has is kept aside (`store::lost`).
        pub restored?: bool,
        /// When completed ops were last let go.
        pub swept_at: Millis = Millis::default(),
        /// The user's roles as the server last named them; none: it never has.
        pub roles?: Option<Vec<String>>,
        /// The protocol this row was written under.
        pub protocol: u32,
        ..
    }
}

plain! {
    /// The last server version of a record with pending ops or a conflict.
    #[derive(Clone, Debug, PartialEq)]
    pub struct BaseRow {
        /// The entity.
        pub entity_type: String,
        /// The record.
        pub entity_id: String,
        /// The server version this is.
        pub version: u64,
        /// The record at that version; none: it was deleted.
        pub data: Option<Fields>,
        /// Who wrote its fields last.
        pub stamps?: BTreeMap<String, Stamp>,
        /// Who changed it last.
        pub by: String = String::new(),
        /// When the server took that change.
        pub at: Option<Millis>,
        /// The record has left the user's scope since.
        pub left?: bool,
        ..
    }
}

words! {
    /// Where a record stands.
    pub enum RecordStatus {
        /// As on the server, as far as is known here.
        Synced = "synced",
        /// Changed here, not yet acknowledged.
        Pending = "pending",
        /// An op of it was refused.
        Failed = "failed",
        /// An op of it met another change that no rule could merge.
        Conflict = "conflict",
        /// It has left the user's scope; its ops are kept back for export or a decision.
        Locked = "locked",
    }
}

plain! {
    /// A record's `_sync` property.
    #[derive(Clone, Debug, PartialEq)]
    pub struct SyncInfo {
        /// Where it stands.
        pub status: RecordStatus,
        /// The server version it is (or is based on); none: the server has not seen it.
        pub version: Option<u64>,
        /// How often it was changed here.
        pub local: u64,
        /// When it was last changed, here or there.
        pub modified: Millis,
        /// When it was last equal to the server's.
        pub synced: Option<Millis>,
        /// When the server took its version.
        pub server_at: Option<Millis>,
        /// Who changed it last.
        pub by: String,
        /// Created here and not yet acknowledged.
        pub offline: bool,
        /// The UTF-8 length of its JSON, without this property.
        pub bytes: u64,
        /// Ids of records it refers to, as far as these may change or take it along: temporary ones, and those of parents.
        pub refs?: Vec<String>,
        ..
    }
}

/// A record and its `_sync`.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The application's fields.
    pub fields: Fields,
    /// The engine's.
    pub sync: SyncInfo,
}

plain! {
    /// A row of `conflicts`: both sides, until somebody decides (law 6).
    #[derive(Clone, Debug, PartialEq)]
    pub struct ConflictRow {
        /// Its id, the server's.
        pub id: ConflictId,
        /// The entity.
        pub entity_type: String,
        /// The record.
        pub entity_id: String,
        /// The op that met it.
        pub op: OpId,
        /// `edit_edit`, `edit_delete`, `delete_edit`.
        pub kind: String,
        /// The fields that no rule could decide.
        pub fields: Vec<String>,
        /// Our side; none: deleted here.
        pub local: Option<Fields>,
        /// The server's side; none: deleted there.
        pub server: Option<Fields>,
        /// The server's version.
        pub version: u64,
        /// Who wrote the server's side.
        pub changed_by: String,
        /// When, ISO 8601.
        pub changed_at: String,
        /// When it was found here.
        pub detected_at: Millis,
        /// Temporary ids that either side refers to.
        pub temps?: Vec<String>,
        ..
    }
}

plain! {
    /// A row of `id_map`: what a temporary id stands for (IDS-2).
    #[derive(Clone, Debug, PartialEq)]
    pub struct IdMapRow {
        /// The temporary id.
        pub temp_id: String as "tempId",
        /// The record's id.
        pub real_id: String as "realId",
        /// The record's entity.
        pub entity_type: String as "entityType",
        /// When the record was created here.
        pub created_at: Millis as "createdAt",
        /// When the server's answer was taken in.
        pub synced_at: Millis as "syncedAt",
        /// 1: some references still hold the temporary id.
        pub open?: Option<u8>,
        ..
    }
}

impl Default for Head {
    fn default() -> Self {
        Self {
            key: "head".into(),
            seq: 0,
            gen_no: 0,
            clock: Hlc::default(),
            fence: 0,
            usage: BTreeMap::new(),
            queued: 0,
            failed: 0,
            conflicts: 0,
            quarantined: 0,
            completed: 0,
            remaps: 0,
        }
    }
}

impl Head {
    /// How to ask for it.
    #[must_use]
    pub fn read() -> Read {
        Read::Get { store: METADATA, key: "head".into() }
    }
}

impl SyncRow {
    /// A new device.
    #[must_use]
    pub fn new(now: Millis, entropy: &mut Entropy) -> Self {
        Self {
            key: "sync".into(),
            device_id: entropy.uuid(now).into(),
            incarnation: entropy.uuid(now).into(),
            request_no: 0,
            token: None,
            has_more: true,
            attached: false,
            last_sync_at: None,
            not_before: None,
            deferred_at: Millis(0),
            attempts: 0,
            skew_ms: 0,
            want: Vec::new(),
            mark: None,
            replay: None,
            restored: false,
            roles: None,
            swept_at: now,
            protocol: PROTOCOL,
        }
    }

    /// How to ask for it.
    #[must_use]
    pub fn read() -> Read {
        Read::Get { store: METADATA, key: "sync".into() }
    }
}

impl IdMapRow {
    /// How to ask for it.
    #[must_use]
    pub fn read(temp: &str) -> Read {
        Read::Get { store: ID_MAP, key: temp.into() }
    }
}

impl BaseRow {
    /// How to ask for it.
    #[must_use]
    pub fn read(entity: &str, id: &str) -> Read {
        Read::Get { store: BASE, key: Key::pair(entity, id) }
    }
}

impl Record {
    /// Takes a stored row apart.
    ///
    /// # Errors
    /// `CORRUPT_DATA` when its `_sync` is missing or not ours.
    pub fn from_row(row: Value) -> Result<Self> {
        let Value::Object(mut fields) = row else { return Err(corrupt("a record is not an object")) };
        let sync = fields.remove(SYNC).ok_or_else(|| corrupt("a record without _sync"))?;
        Ok(Self { fields, sync: from_row(sync)? })
    }

    /// The stored row.
    #[must_use]
    pub fn into_row(self) -> Value {
        let mut fields = self.fields;
        plain::put(&mut fields, SYNC, &self.sync);
        Value::Object(fields)
    }
}

/// Reads one of the engine's rows.
///
/// # Errors
/// `CORRUPT_DATA`.
pub fn from_row<T: Plain>(row: Value) -> Result<T> {
    plain::read(row).map_err(|mistake| corrupt(&mistake.to_string()))
}

/// The UTF-8 length of a record's JSON.
#[must_use]
pub fn size(fields: &Fields) -> u64 {
    plain::text::size(fields) as u64
}

fn corrupt(what: &str) -> Error {
    Error::new(Code::CorruptData, what).hint("the row was changed from outside or written by another version")
}
