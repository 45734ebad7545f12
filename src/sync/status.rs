//! How things stand, as data. This module decides when "synced" may be said (law 15: never while anything is queued,
//! parked, failed, locked or behind); words and colours for people are elsewhere.

use crate::error::{Code, Error};
use crate::limits::BREAKER_FAILURES;
use crate::plain::{plain, words};
use crate::time::Millis;

plain! {
    /// What an application shows of sync.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Status {
        /// The one word for it.
        pub state: State,
        /// Ops that wait to be sent or for their answer.
        pub queued: u64,
        /// Ops the server refused; they wait for a person.
        pub failed: u64,
        /// Ops in a conflict; they wait for a decision.
        pub conflicts: u64,
        /// Rows in quarantine; they wait for a person.
        pub quarantined: u64,
        /// Rows pulled and ops answered in the running cycle.
        pub done: u64,
        /// Ops queued when the running cycle began.
        pub total: u64,
        /// Whether there may be changes on the server that are not here yet.
        pub behind: bool,
        /// Whether the browser says there is a network.
        pub online: bool,
        /// How far the device's clock is behind the server's, in whole seconds' milliseconds (negative: ahead).
        pub clock_behind_ms: i64 as "clockBehindMs",
        /// When the last cycle ended well.
        pub last_sync_at: Option<Millis> as "lastSyncAt",
        /// When the next attempt is due.
        pub next_attempt_at: Option<Millis> as "nextAttemptAt",
        /// How many attempts in a row have failed.
        pub attempts: u32,
        /// What stopped the last cycle.
        pub error: Option<Error>,
        ..
    }
}

words! {
    /// The one word for it.
    #[derive(Default)]
    pub enum State {
        /// Nothing is known yet.
        #[default]
        Starting = "starting",
        /// Everything here is on the server and everything there is here, as of the last answer.
        Synced = "synced",
        /// Ops wait, and an attempt is due.
        Pending = "pending",
        /// A cycle is running.
        Syncing = "syncing",
        /// No network; work goes on locally.
        Offline = "offline",
        /// Something waits for a person: a refused op, a conflict, a row in quarantine, a server that keeps failing.
        Attention = "attention",
        /// The last cycle failed; the next attempt is due.
        Error = "error",
        /// The user stopped syncing.
        Paused = "paused",
    }
}

impl Status {
    /// Whether "synced" may be shown.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.queued == 0
            && self.failed == 0
            && self.conflicts == 0
            && self.quarantined == 0
            && !self.behind
            && self.error.is_none()
            && self.last_sync_at.is_some()
    }

    /// The server answers that it failed, again and again: somebody should know.
    #[must_use]
    pub fn is_server_down(&self) -> bool {
        self.attempts >= BREAKER_FAILURES && self.error.as_ref().is_some_and(|error| error.code == Code::ServerError)
    }

    /// The one word that is true of these figures, given what the machine is doing.
    #[must_use]
    pub fn word(&self, syncing: bool, paused: bool) -> State {
        match () {
            () if syncing => State::Syncing,
            () if paused => State::Paused,
            () if !self.online => State::Offline,
            () if self.is_server_down() => State::Attention,
            () if self.error.is_some() => State::Error,
            () if self.failed + self.conflicts + self.quarantined > 0 => State::Attention,
            () if self.is_synced() => State::Synced,
            () if self.last_sync_at.is_none() && self.queued == 0 => State::Starting,
            () => State::Pending,
        }
    }
}
