//! What a failure of IndexedDB means. This module decides from the exception's name whether the connection is lost (and
//! the transaction may be run again on a new one), the disk is full, or the request was wrong; it retries nothing itself.

use crate::browser::js;
use crate::error::{Code, Error};
use wasm_bindgen::JsValue;

/// Why a database transaction ended without effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The connection is gone and nothing was written: run it again on a new one.
    Lost(String),
    /// The connection is gone and whether the commit happened is unknown: never run it again blindly.
    Unknown(String),
    /// The refusal itself; running it again would end the same way.
    Refused(Error),
}

impl Failure {
    /// What the exception means.
    #[must_use]
    pub fn of(thrown: &JsValue) -> Self {
        let message = js::message(thrown);
        match js::name(thrown).as_str() {
            "QuotaExceededError" => Self::Refused(full(message)),
            "ConstraintError" => Self::Refused(
                Error::new(Code::UniqueViolation, message)
                    .hint("another row holds this value of a unique index; nothing was written"),
            ),
            "VersionError" => Self::Refused(Error::new(Code::SchemaMismatch, message)),
            "DataError" | "DataCloneError" | "NotFoundError" | "SyntaxError" => {
                Self::Refused(Error::new(Code::StorageError, message).hint("the request does not fit the database's layout"))
            }
            // A connection that the browser has closed, a transaction it has ended under us, a backing process that died:
            // iOS reports these with any of the names below, and so does what is not in this list.
            _ => Self::Lost(message),
        }
    }
}

/// The disk, or the origin's share of it, is full.
#[must_use]
pub fn full(message: String) -> Error {
    Error::new(Code::QuotaExceeded, message).hint("free space on the device, or let the application keep less of it offline")
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => error,
            Failure::Lost(message) => Self::new(Code::StorageError, message)
                .hint("opening the database again did not help; reload, or free space on the device"),
            Failure::Unknown(message) => {
                Self::new(Code::StorageError, message).hint("whether the last write happened is unknown; read it back")
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}
