//! The machine's two enums: everything that can happen to it, everything it can ask for. **Feed one input, drain all
//! effects, then feed the next.** Whoever owns the machine executes the effects in their order and feeds their results
//! back with the ticket they carried; an effect without a ticket has no result.

use crate::error::{Error, Result};
use crate::plain::{plain, words};
use crate::store::{Output, Summary, Tx};
use crate::sync::status::Status;
use crate::time::Millis;
pub use crate::wire::{Reply, Request};

/// Names one effect that has a result.
pub type Ticket = u64;

/// When an input happens, and a number drawn at random for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct At {
    /// By the device's clock.
    pub now: Millis,
    /// Random; used for jitter and fresh ids.
    pub random: [u8; 32],
}

/// What can happen to the machine.
#[allow(clippy::large_enum_variant, reason = "one at a time, handed on at once and never kept")]
#[derive(Debug)]
pub enum Input {
    /// The database is open; the first input.
    Start,
    /// A local write (or a person's decision) of this context is committed; the store stands so. `true`: it is critical and
    /// goes at once.
    Wrote(Summary, bool),
    /// Another context of this database rang.
    Rung(Bell),
    /// The browser says that there is (or is no) network. A hint only.
    Network(bool),
    /// The lock is ours.
    LockGranted,
    /// The lock was stolen from us.
    LockLost,
    /// The alarm is due.
    Alarm,
    /// A transaction ended.
    Stored(Ticket, Result<Output>),
    /// A request ended.
    Response(Ticket, Result<Reply>),
    /// Somebody wants a sync.
    Wake(Reason),
    /// The user stops (`true`) or resumes syncing.
    Pause(bool),
    /// The context ends; the machine gives back what it holds.
    Shutdown,
}

/// What the machine asks for.
#[derive(Debug)]
pub enum Effect {
    /// Run a transaction; feed `Stored`.
    Run(Ticket, Box<Tx>),
    /// Send a request; feed `Response`.
    Send(Ticket, Box<Request>),
    /// Feed `Alarm` at this time (by the device's clock), instead of the one asked for before.
    SetAlarm(Option<Millis>),
    /// Ask for the database's lock; with `steal`, take it from whoever holds it. Feed `LockGranted`, later perhaps `LockLost`.
    AskLock {
        /// Take it from its holder.
        steal: bool,
    },
    /// Give the lock back, or withdraw the wish for it.
    ReleaseLock,
    /// Tell the other contexts.
    Ring(Bell),
    /// Tell the application how things stand.
    Publish(Box<Status>),
    /// The cycle that `Wake` asked for is over: what came of it.
    Finished(Box<Cycle>),
}

plain! {
    /// A hint to the other contexts of the same database. It may be lost; the store is the truth.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Bell {
        /// The store's generation after what happened.
        pub gen_no: u64,
        /// What changed: (entity, id); an empty id means "many of this entity".
        pub changed?: Vec<(String, String)>,
        /// Somebody waits for the lock and asks whether its holder is alive.
        pub knock?: bool,
        /// The holder's answer: it is.
        pub busy?: bool,
        /// Ops pending or syncing, failed, in a conflict.
        pub counts: [u64; 3] = [0; 3],
        /// When the last cycle ended well, and with everything fetched.
        pub synced_at?: Option<Millis>,
        /// The records that have an op on its way, all of them; absent: as before.
        pub travels?: Option<Vec<(String, String)>>,
        ..
    }
}

words! {
    /// Why a sync is wanted.
    pub enum Reason {
        /// A person asked, or the application for them: waits set by failures are passed over.
        User = "user",
        /// The page is shown again.
        Foreground = "foreground",
        /// The browser's Background Sync event.
        BackgroundSync = "background_sync",
        /// The browser's Periodic Background Sync event.
        PeriodicSync = "periodic_sync",
        /// A push message.
        PushMessage = "push_message",
        /// The server says there is something new.
        Notice = "notice",
    }
}

plain! {
    /// What one cycle did.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Cycle {
        /// Ops the server applied.
        pub synced: u64,
        /// Ops it refused.
        pub failed: u64,
        /// Ops that met a conflict.
        pub conflicts: u64,
        /// Rows pulled.
        pub pulled: u64,
        /// How long it took, in milliseconds.
        pub duration: u64,
        /// Why it ended early, if it did.
        pub error?: Option<Error>,
        ..
    }
}
