//! What can go wrong, as one closed list. This module decides which codes exist, whose fault each one is and whether
//! trying again can help; it never decides when to try again (that is `sync/backoff`). Every room above uses it, and
//! ERRORS.md has one row for each code, from its cause to what a person reads.

mod handling;

pub use handling::{Action, Handling, Single, Whole};

use crate::plain::{plain, words};
use serde_json::Value;
use std::fmt;

words! {
    /// Whether trying again can help, and what has to happen first.
    pub enum Retry {
        /// The same thing may work later by itself: wait and send the same bytes again.
        Later = "later",
        /// A fresh access token is needed; nothing is wrong with the request.
        AfterAuth = "after_auth",
        /// A person (or the application) has to change something first.
        AfterEdit = "after_edit",
        /// The engine mends it by itself in the same cycle (new incarnation, snapshot, smaller batch).
        Mended = "mended",
        /// Never: the caller or a peer has a fault that repeating will not cure.
        Never = "never",
    }
}

macro_rules! codes {
    ($( $(#[$doc:meta])* $name:ident = $text:literal, $retry:ident, $status:literal; )*) => {
        words! {
            /// The stable code of an error: the same word in Rust, in TypeScript, on the wire and in ERRORS.md, in whose order
            /// they are.
            #[derive(PartialOrd, Ord)]
            pub enum Code { $( $(#[$doc])* $name = $text, )* }
        }

        impl Code {
            /// Whether trying again can help.
            pub const fn retry(self) -> Retry { match self { $(Code::$name => Retry::$retry),* } }

            /// The HTTP status the server answers with when this code is the whole answer (0: never on the wire).
            pub const fn status(self) -> u16 { match self { $(Code::$name => $status),* } }
        }
    };
}

codes! {
    /// No usable answer: no connection, a time-out, a captive portal, a body that is not ours.
    NetworkError = "NETWORK_ERROR", Later, 0;
    /// The access token is missing, expired or refused.
    AuthError = "AUTH_ERROR", AfterAuth, 401;
    /// The record changed on the server since the base version this op was made on, and no rule could merge it.
    VersionConflict = "VERSION_CONFLICT", AfterEdit, 409;
    /// A value breaks the schema or the value domain.
    ValidationError = "VALIDATION_ERROR", AfterEdit, 422;
    /// The record (or route) does not exist for this user.
    NotFound = "NOT_FOUND", AfterEdit, 404;
    /// The user's role does not allow this.
    PermissionDenied = "PERMISSION_DENIED", AfterEdit, 403;
    /// The server failed; whether it did the work is unknown.
    ServerError = "SERVER_ERROR", Later, 500;
    /// Too many requests; the answer says how long to wait.
    RateLimited = "RATE_LIMITED", Later, 429;
    /// No space left, on the device or in the tenant's share of the server.
    QuotaExceeded = "QUOTA_EXCEEDED", Later, 507;
    /// Two parts disagree on the schema version; the message says which one must move.
    SchemaMismatch = "SCHEMA_MISMATCH", AfterEdit, 409;
    /// Stored or received data fails its check.
    CorruptData = "CORRUPT_DATA", Mended, 0;
    /// The database is locked: its key is not in memory.
    Locked = "LOCKED", AfterAuth, 423;
    /// A create names an id that another record already has.
    IdCollision = "ID_COLLISION", AfterEdit, 409;
    /// A reference names a record the server does not have.
    ReferenceMissing = "REFERENCE_MISSING", AfterEdit, 422;
    /// Another record already holds this unique value.
    UniqueViolation = "UNIQUE_VIOLATION", AfterEdit, 409;
    /// The change is older than its entity allows to be sent without asking.
    EditExpired = "EDIT_EXPIRED", AfterEdit, 0;
    /// The op came again after its answer was no longer kept, and may have been applied.
    AnswerForgotten = "ANSWER_FORGOTTEN", AfterEdit, 409;
    /// The record cannot be deleted while others refer to it.
    Referenced = "REFERENCED", AfterEdit, 409;
    /// An op id came again with other content.
    OpReused = "OP_REUSED", Never, 422;
    /// A request number that this incarnation has already used: the device was restored or cloned.
    StaleIncarnation = "STALE_INCARNATION", Mended, 409;
    /// The body, the batch or one record is larger than the limit it names.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", Mended, 413;
    /// The message does not follow the wire protocol.
    ProtocolError = "PROTOCOL_ERROR", Never, 400;
    /// The schema declaration itself is wrong.
    InvalidSchema = "INVALID_SCHEMA", Never, 0;
    /// Another context took over the sync lock; this one's transaction changed nothing.
    LockLost = "LOCK_LOST", Mended, 0;
    /// The database is closed, or another tab is upgrading it.
    DatabaseClosed = "DATABASE_CLOSED", Later, 0;
    /// The browser's storage failed in a way that reopening did not cure.
    StorageError = "STORAGE_ERROR", Later, 0;
    /// This code is older than the database it opened; reading works, writing does not.
    ReadOnly = "READ_ONLY", Never, 0;
    /// The engine stopped on a fault of its own and has to be opened again.
    EnginePanic = "ENGINE_PANIC", Mended, 0;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

plain! {
    /// An error as every room returns it and every border carries it.
    ///
    /// ```
    /// use landfall::error::{Code, Error};
    /// let error = Error::new(Code::ValidationError, "must be a string").at("goal.title").hint("pass text");
    /// assert_eq!(error.to_string(), "VALIDATION_ERROR at goal.title: must be a string (pass text)");
    /// ```
    #[derive(Clone, Debug, PartialEq)]
    pub struct Error {
        /// What kind of thing went wrong.
        pub code: Code,
        /// What was wrong, in one sentence for a developer.
        pub message: String,
        /// Where: `entity.field`, a JSON path, or a key. Empty when there is no place.
        pub path?: String,
        /// What to do about it. Empty when the code says it all.
        pub hint?: String,
        /// How long the other side asked us to wait, in milliseconds.
        pub retry_after_ms?: Option<u64>,
        /// More, for programs: a limit that was passed, a rival record, a status.
        pub detail?: Option<Box<Value>>,
        ..
    }
}

/// What every fallible function of the crate returns.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of `code` with what was wrong.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), path: String::new(), hint: String::new(), retry_after_ms: None, detail: None }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Adds data for programs.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = Some(Box::new(detail));
        self
    }

    /// Says how long the other side asked us to wait.
    #[must_use]
    pub fn retry_after(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if !self.path.is_empty() {
            write!(f, " at {}", self.path)?;
        }
        write!(f, ": {}", self.message)?;
        if !self.hint.is_empty() {
            write!(f, " ({})", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
