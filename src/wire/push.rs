//! Ops up, answers down. This module decides the fields of `push` and of device registration; deciding an op is
//! `authority`'s.

use crate::error::Error;
use crate::id::{ConflictId, DeviceId, Incarnation, OpId, Token};
use crate::plain::{plain, words};
use crate::time::Millis;
use crate::wire::change::{Change, RemoteChange, Stamp};
use crate::wire::pull::{Mark, PullRequest, Reset, Slice, Want};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

plain! {
    /// `POST {base}/api/v1/sync/push`.
    #[derive(Clone, Debug, PartialEq)]
    pub struct PushRequest {
        /// `wire::PROTOCOL`.
        pub protocol: u32,
        /// The device.
        pub device_id: DeviceId,
        /// Its present life.
        pub incarnation: Incarnation,
        /// Counts requests of that life; never used twice.
        pub request_no: u64,
        /// The device's clock when it sent this, ISO 8601.
        pub client_time: String,
        /// When the device last heard an answer, ISO 8601.
        pub last_sync_at: Option<String>,
        /// Where its pull goes on.
        pub sync_token: Option<Token>,
        /// Whether the answer shall carry the first page of a pull.
        pub pull: bool = false,
        /// The schema version of the device.
        pub schema_version: u32,
        /// Rows to send whatever the token says (as in a pull).
        pub want?: Vec<Want>,
        /// The last mark the device was given.
        pub mark?: Option<Mark>,
        /// The ops, in the order in which they are to be decided.
        pub changes: Vec<Change>,
        ..
    }
}

impl PushRequest {
    /// The pull that the push asks for along with its answers.
    #[must_use]
    pub fn first_page(&self) -> Option<PullRequest> {
        self.pull.then(|| PullRequest {
            protocol: self.protocol,
            device_id: self.device_id.clone(),
            sync_token: self.sync_token.clone(),
            entity_types: Vec::new(),
            tiers: Vec::new(),
            limit: 0,
            schema_version: self.schema_version,
            want: self.want.clone(),
            mark: self.mark.clone(),
        })
    }
}

plain! {
    /// The answer to a push.
    #[derive(Clone, Debug, PartialEq)]
    pub struct PushReply {
        /// Whether every op was accepted.
        pub success: bool,
        /// One answer for each op, in their order.
        pub processed: Vec<Processed>,
        /// Those of the ops that had been decided before: their answers say what was so then, and their records may have changed
        /// since.
        pub repeated?: Vec<OpId>,
        /// The first page, if it was asked for.
        pub slices: Vec<Slice> = Vec::new(),
        /// The slices' changes once more for clients that know only goalflow's specification; ours leaves them unread.
        pub pull_changes?: Vec<RemoteChange>,
        /// Whether the pull goes on.
        pub has_more: bool = false,
        /// Where.
        pub next_sync_token: Option<Token>,
        /// The server's clock, ISO 8601.
        pub server_time: String,
        /// The token is of no use any more: load everything. With `rollback` and no answers, nothing was decided: the ops come
        /// again behind those that the server has lost.
        pub reset?: Option<Reset>,
        /// How far the server has come with it.
        pub mark?: Option<Mark>,
        /// Why no page came along though one was asked for; the answers are good all the same.
        pub pull_error?: Option<Error>,
        ..
    }
}

impl PushReply {
    /// No answer to any op.
    #[must_use]
    pub fn without_answers(now: Millis) -> Self {
        Self {
            success: false,
            processed: Vec::new(),
            repeated: Vec::new(),
            slices: Vec::new(),
            pull_changes: Vec::new(),
            has_more: false,
            next_sync_token: None,
            server_time: now.iso(),
            reset: None,
            mark: None,
            pull_error: None,
        }
    }
}

words! {
    /// What became of an op.
    pub enum Status {
        /// Applied, or merged (then `data` holds the merged record).
        Success = "success",
        /// Both sides are kept until somebody decides.
        Conflict = "conflict",
        /// Refused; `error` says whether it may be sent again.
        Error = "error",
        /// Not decided, and nothing was recorded: it depends on an op of the same push that was not accepted. It may come again,
        /// with the same bytes, when that is settled.
        Held = "held",
    }
}

plain! {
    /// The server's answer to one op, recorded with its effect and given again for ever.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Processed {
        /// The op.
        pub queue_id: OpId,
        /// What became of it.
        pub status: Status,
        /// The record's id on the server.
        pub entity_id: String,
        /// The record's version after it; 0 when nothing changed.
        pub server_version: u64 = 0,
        /// The number of the change; 0 when nothing changed.
        pub number: u64 = 0,
        /// `record::digest` of the record after it.
        pub digest?: String,
        /// The record after it, when it is not simply what the device asked for.
        pub data?: Option<Map<String, Value>>,
        /// Stamps of the fields this op wrote.
        pub stamps?: BTreeMap<String, Stamp>,
        /// The conflict that was opened.
        pub conflict_id?: Option<ConflictId>,
        /// The server's side of it.
        pub conflict_data?: Option<ConflictData>,
        /// Why it was refused.
        pub error?: Option<Error>,
        ..
    }
}

impl Processed {
    /// A refusal, which changed nothing.
    #[must_use]
    pub fn refused(queue_id: OpId, entity_id: &str, error: Error) -> Self {
        Self {
            queue_id,
            status: Status::Error,
            entity_id: entity_id.to_owned(),
            server_version: 0,
            number: 0,
            digest: String::new(),
            data: None,
            stamps: BTreeMap::new(),
            conflict_id: None,
            conflict_data: None,
            error: Some(error),
        }
    }
}

plain! {
    /// The server's side of a conflict.
    #[derive(Clone, Debug, PartialEq)]
    pub struct ConflictData {
        /// `edit_edit`, `edit_delete` (we edited, they deleted) or `delete_edit`.
        pub kind: String,
        /// The fields that no rule could decide.
        pub fields: Vec<String>,
        /// The record as it is on the server; `null` if it was deleted.
        pub server: Option<Map<String, Value>>,
        /// Its version.
        pub version: u64,
        /// Who changed it last.
        pub changed_by: String,
        /// When, ISO 8601.
        pub changed_at: String,
        ..
    }
}

plain! {
    /// `POST {base}/api/v1/sync/devices`: binds a device to the token's user.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Device {
        /// The device.
        pub device_id: DeviceId,
        /// What people call it.
        pub name: String = String::new(),
        ..
    }
}

plain! {
    /// The answer to it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct DeviceReply {
        /// The device.
        pub device_id: DeviceId,
        /// The server's clock, ISO 8601.
        pub server_time: String,
        ..
    }
}
