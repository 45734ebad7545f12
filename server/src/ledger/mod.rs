//! Where rows, answers and devices are kept. This module decides what any ledger has to offer; what is accepted and what a
//! page holds is `authority`'s, and each ledger only reads and writes what that asks for. The sync routes call it through
//! `Store`; one suite of tests runs over every implementation.

mod memory;
mod sqlite;

pub use memory::Memory;
pub use sqlite::Sqlite;

use landfall::authority::Who;
use landfall::error::{Code, Error, Result};
use landfall::schema::Schema;
use landfall::time::Millis;
use landfall::wire::{Choice, ChoiceReply, Device, DeviceReply, PullReply, PullRequest, PushReply, PushRequest};
use std::future::Future;

/// Most devices of one user in a tenant.
pub const DEVICES_PER_USER: usize = 256;

/// Who asks what of which application, and when.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The application's declaration.
    pub schema: &'a Schema,
    /// Who asks, in which tenant, from which device.
    pub who: &'a Who,
    /// When.
    pub now: Millis,
}

/// What a push has led to.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// The answer.
    pub reply: PushReply,
    /// The number of the last change it made, if it made one: what listeners are told.
    pub last: Option<u64>,
}

/// A place where a server's data lies.
pub trait Ledger: Send + Sync {
    /// Registers a device.
    ///
    /// # Errors
    /// As `authority::attach`; `QUOTA_EXCEEDED` for more devices than a user may have; `SERVER_ERROR`.
    fn attach(&self, ask: Ask<'_>, device: &Device) -> impl Future<Output = Result<DeviceReply>> + Send;

    /// Decides a push in one transaction: answers, rows and device are written together or not at all.
    ///
    /// # Errors
    /// As `authority::Push::decide`; `SERVER_ERROR`, after which the same push may come again.
    fn push(&self, ask: Ask<'_>, request: PushRequest) -> impl Future<Output = Result<Pushed>> + Send;

    /// Answers a pull from one moment of the data.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` when the device is another user's; `SERVER_ERROR`.
    fn pull(&self, ask: Ask<'_>, request: PullRequest) -> impl Future<Output = Result<PullReply>> + Send;

    /// Takes what a user has chosen for a device, in one transaction.
    ///
    /// # Errors
    /// As `authority::choose::device`; `SERVER_ERROR`.
    fn choose(&self, ask: Ask<'_>, choice: &Choice) -> impl Future<Output = Result<ChoiceReply>> + Send;

    /// Lets answers and tombstones from before a time go, at most `most` of each, of one tenant that has some, in one
    /// transaction; how many went, 0 when nothing is left.
    ///
    /// # Errors
    /// `SERVER_ERROR`.
    fn collect(&self, before: Millis, most: usize) -> impl Future<Output = Result<usize>> + Send;

    /// Brings the rows of an application up to date with its schema, before anybody is served.
    ///
    /// # Errors
    /// `SCHEMA_MISMATCH` when the data follows a newer one; `SERVER_ERROR`.
    fn migrate(&self, schema: &Schema) -> impl Future<Output = Result<()>> + Send;

    /// The number of the tenant's last change; 0 before the first.
    ///
    /// # Errors
    /// `SERVER_ERROR`.
    fn counter(&self, scope: &str) -> impl Future<Output = Result<u64>> + Send;
}

/// The ledger of a running server.
pub enum Store {
    /// In memory: for trying things out, gone at the end.
    Memory(Memory),
    /// In a file.
    Sqlite(Sqlite),
}

impl Ledger for Store {
    async fn attach(&self, ask: Ask<'_>, device: &Device) -> Result<DeviceReply> {
        match self {
            Self::Memory(ledger) => ledger.attach(ask, device).await,
            Self::Sqlite(ledger) => ledger.attach(ask, device).await,
        }
    }

    async fn push(&self, ask: Ask<'_>, request: PushRequest) -> Result<Pushed> {
        match self {
            Self::Memory(ledger) => ledger.push(ask, request).await,
            Self::Sqlite(ledger) => ledger.push(ask, request).await,
        }
    }

    async fn pull(&self, ask: Ask<'_>, request: PullRequest) -> Result<PullReply> {
        match self {
            Self::Memory(ledger) => ledger.pull(ask, request).await,
            Self::Sqlite(ledger) => ledger.pull(ask, request).await,
        }
    }

    async fn choose(&self, ask: Ask<'_>, choice: &Choice) -> Result<ChoiceReply> {
        match self {
            Self::Memory(ledger) => ledger.choose(ask, choice).await,
            Self::Sqlite(ledger) => ledger.choose(ask, choice).await,
        }
    }

    async fn collect(&self, before: Millis, most: usize) -> Result<usize> {
        match self {
            Self::Memory(ledger) => ledger.collect(before, most).await,
            Self::Sqlite(ledger) => ledger.collect(before, most).await,
        }
    }

    async fn migrate(&self, schema: &Schema) -> Result<()> {
        match self {
            Self::Memory(ledger) => ledger.migrate(schema).await,
            Self::Sqlite(ledger) => ledger.migrate(schema).await,
        }
    }

    async fn counter(&self, scope: &str) -> Result<u64> {
        match self {
            Self::Memory(ledger) => ledger.counter(scope).await,
            Self::Sqlite(ledger) => ledger.counter(scope).await,
        }
    }
}

fn too_many_devices() -> Error {
    let what = format!("a user may have {DEVICES_PER_USER} devices");
    Error::new(Code::QuotaExceeded, what).at("device_id").hint("remove a device that is no longer used")
}

fn not_your_device() -> Error {
    Error::new(Code::PermissionDenied, "this device is not registered to this user").at("device_id")
}
