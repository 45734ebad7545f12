//! An error as HTTP carries it: problem details (RFC 9457) with our code. This module decides their form; which error it
//! is was decided elsewhere.

use crate::error::{Code, Error};
use crate::plain::plain;
use serde_json::Value;

plain! {
    /// The body of every answer that is not a success, `application/problem+json`.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Problem {
        /// `https://landfall.dev/errors/<CODE>`, RFC 9457 section 3.1.1.
        pub kind: String as "type",
        /// The code in words, the same for every occurrence.
        pub title: String,
        /// The HTTP status.
        pub status: u16,
        /// What was wrong this time.
        pub detail: String,
        /// Our code.
        pub code: Code,
        /// Where in the request.
        pub path?: String,
        /// What to do.
        pub hint?: String,
        /// How long to wait, in milliseconds (the header `Retry-After` says it in seconds).
        pub retry_after_ms?: Option<u64>,
        /// More, for programs: a limit that was passed, a rival record.
        pub data?: Option<Value>,
        ..
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self {
            kind: format!("https://landfall.dev/errors/{}", error.code),
            title: error.code.as_str().replace('_', " ").to_ascii_lowercase(),
            status: if error.code.status() == 0 { 500 } else { error.code.status() },
            detail: error.message,
            code: error.code,
            path: error.path,
            hint: error.hint,
            retry_after_ms: error.retry_after_ms,
            data: error.detail.map(|detail| *detail),
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self {
            code: problem.code,
            message: problem.detail,
            path: problem.path,
            hint: problem.hint,
            retry_after_ms: problem.retry_after_ms,
            detail: problem.data.map(Box::new),
        }
    }
}
