//! One change in each direction: an op on its way up, a row on its way down. This module decides their fields; it never
//! applies them.

use crate::hlc::Hlc;
use crate::id::{ConflictId, OpId};
use crate::plain::plain;
use crate::schema::Operation;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

plain! {
    /// One op as it is sent (goalflow 4.2 and 4.3).
    #[derive(Clone, Debug, PartialEq)]
    pub struct Change {
        /// The op's id; the ledger's key.
        pub queue_id: OpId,
        /// What it does.
        pub operation: Operation,
        /// The entity's name in the schema.
        pub entity_type: String,
        /// The record's id; absent where `temp_id` names it.
        pub entity_id?: String,
        /// The record's temporary id, as long as the device knows no other.
        pub temp_id?: Option<String>,
        /// The whole record for a create, the changed fields for an update, empty for a delete.
        pub data?: Map<String, Value>,
        /// Fields an update takes away. An explicit null is a value and stands in `data`.
        pub removed?: Vec<String>,
        /// The old values of the fields in `data` and `removed`; a field that was absent is absent here.
        pub before?: Map<String, Value>,
        /// The server version the change was made on; `null` for a create.
        pub base_version: Option<u64>,
        /// How often the record has been changed on the device.
        pub local_version: u64 = 0,
        /// When, by the device's clock, ISO 8601.
        pub timestamp: String,
        /// When, by the hybrid clock.
        pub hlc: Hlc,
        /// When it first left the device, by the device's clock, ISO 8601: whether its answer may have been forgotten since.
        pub sent_at?: Option<String>,
        /// The schema the op was made under.
        pub schema_version: u32,
        /// Ops with the same group are accepted or rejected together.
        pub group?: Option<String>,
        /// The conflict that this op resolves.
        pub resolves?: Option<ConflictId>,
        ..
    }
}

plain! {
    /// Who wrote a field last, and when; kept for fields whose policy asks for it.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Stamp {
        /// When, corrected by the server.
        pub hlc: Hlc,
        /// Who.
        pub by?: String,
        /// In which role.
        pub role?: String,
        ..
    }
}

plain! {
    /// One row as it is pulled.
    #[derive(Clone, Debug, PartialEq)]
    pub struct RemoteChange {
        /// `create` when its version is 1, `delete` for a tombstone, otherwise `update`. The data is whole all the same.
        pub operation: Operation,
        /// The entity's name in the schema.
        pub entity_type: String,
        /// The record's id.
        pub entity_id: String,
        /// The whole record; empty for a tombstone.
        pub data: Map<String, Value> = Map::new(),
        /// Its version; counts up by one with each change.
        pub server_version: u64,
        /// The tenant's number of this change.
        pub number: u64,
        /// When the server took it, ISO 8601.
        pub timestamp: String,
        /// Who changed it last.
        pub changed_by: String = String::new(),
        /// Stamps of fields.
        pub stamps?: BTreeMap<String, Stamp>,
        /// `record::digest` of `data`; of an empty object for a tombstone.
        pub digest: String,
        ..
    }
}
