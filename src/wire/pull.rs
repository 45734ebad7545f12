//! Rows down. This module decides the fields of `pull`: a page is a list of slices, each of which a device takes in one
//! transaction together with its token (law 2). Building a page is `authority`'s, taking it in is `store`'s.

use crate::id::{DeviceId, OpId, Run, Token};
use crate::plain::{plain, words};
use crate::wire::change::RemoteChange;

plain! {
    /// `POST {base}/api/v1/sync/pull`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PullRequest {
        /// `wire::PROTOCOL`.
        pub protocol: u32,
        /// The device.
        pub device_id: DeviceId,
        /// Where to go on; none: from the beginning, as a snapshot.
        pub sync_token: Option<Token>,
        /// Only these entities; empty: all.
        pub entity_types?: Vec<String>,
        /// Only these tiers; empty: all.
        pub tiers?: Vec<u8>,
        /// Most rows of the page.
        pub limit: u32 = 0,
        /// The schema version of the device.
        pub schema_version: u32,
        /// Rows to send whatever the token says: their digest was not the predicted one.
        pub want?: Vec<Want>,
        /// The last mark the device was given.
        pub mark?: Option<Mark>,
        ..
    }
}

plain! {
    /// How far the server had come when it last answered ops. A server that does not know the run, or has not come so far in
    /// it, was restored from a copy and has lost what it acknowledged; a token cannot say so, since it moves with what is pulled.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Mark {
        /// The server's run.
        pub run: Run,
        /// The tenant's number.
        pub number: u64,
        ..
    }
}

plain! {
    /// One row that is asked for by name.
    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub struct Want {
        /// The entity's name in the schema.
        pub entity_type: String,
        /// The record's id.
        pub entity_id: String,
        ..
    }
}

plain! {
    /// The answer to a pull.
    #[derive(Clone, Debug, PartialEq)]
    pub struct PullReply {
        /// The page.
        pub slices: Vec<Slice>,
        /// The slices' changes once more for clients that know only goalflow's specification; ours leaves them unread.
        pub changes?: Vec<RemoteChange>,
        /// Whether the pull goes on.
        pub has_more: bool,
        /// Where; equal to the last slice's token, or to the request's when there is no slice.
        pub next_sync_token: Option<Token>,
        /// The server's clock, ISO 8601.
        pub server_time: String,
        /// The token is of no use any more: load everything.
        pub reset?: Option<Reset>,
        /// The user's roles, where the schema has any: what the device checks writes by while it is offline.
        pub roles?: Option<Vec<String>>,
        ..
    }
}

words! {
    /// Why a token is of no use any more.
    pub enum Reset {
        /// The server was restored: it may have lost what it had acknowledged.
        Rollback = "rollback",
        /// Tombstones older than the token are gone.
        Horizon = "horizon",
        /// The token is not (or no longer) for this user, filter or schema, or does not verify.
        Token = "token",
    }
}

plain! {
    /// What a device takes in as one transaction.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Slice {
        /// This device's ops decided up to here, so that its own echoes are known; settled before the changes are taken.
        pub acks?: Vec<Ack>,
        /// Rows.
        pub changes: Vec<RemoteChange> = Vec::new(),
        /// Records that are not (or no longer) in this user's scope. They are not deleted: clean ones leave the device.
        pub removed?: Vec<Want>,
        /// In a snapshot: the stretch of ids the slice covers; clean local records in it that are not listed are gone.
        pub range?: Option<IdRange>,
        /// Where to go on once this slice is taken.
        pub token: Token,
        ..
    }
}

plain! {
    /// One of this device's ops that the server has applied.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Ack {
        /// The op.
        pub queue_id: OpId,
        /// The record's id on the server.
        pub entity_id: String,
        /// The record's version after it.
        pub server_version: u64,
        /// The number of the change.
        pub number: u64,
        /// `record::digest` of the record after it.
        pub digest: String,
        ..
    }
}

plain! {
    /// A stretch of ids of one entity, in the order of UTF-16 units.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct IdRange {
        /// The entity's name in the schema.
        pub entity_type: String,
        /// Ids behind this one; none: from the first.
        pub after: Option<String>,
        /// Ids up to and with this one; none: to the last.
        pub through: Option<String>,
        /// Ids in it that came with an earlier step of the snapshot; they are not gone.
        pub kept?: Vec<String>,
        ..
    }
}
