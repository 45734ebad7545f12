//! The protocol as HTTP, one file per backend: requests and answers as values, encode and decode, never a call. This room
//! decides paths, headers and what a status or a foreign body means; the browser's `fetch` executor sends what it returns.

pub mod native;

use crate::error::{Code, Error};
use crate::limits::RETRY_AFTER_MAX_MS;
use crate::plain;
use crate::time::Millis;
use crate::wire::{Problem, check};

/// A request as HTTP has it; the base address and the access token are the executor's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Behind the base address, with a leading slash.
    pub path: &'static str,
    /// JSON.
    pub body: String,
}

/// An answer as HTTP has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The header `Content-Type`; empty if there is none.
    pub content_type: String,
    /// The header `Retry-After`; empty if there is none.
    pub retry_after: String,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

/// What an answer that is no success means. A problem of ours says it itself; anything else is judged by its status, and
/// what cannot be ours (a portal's page) as a lost network, never as a refusal.
#[must_use]
pub fn failure(response: &HttpResponse, now: Millis) -> Error {
    let wait = retry_after(&response.retry_after, now);
    let problem = media_type(&response.content_type, "application/problem+json").then(|| check::body::<Problem>(&response.body));
    if let Some(Ok(problem)) = problem {
        let mut error = Error::from(problem);
        if error.code.status() == 0 {
            // A code that never travels: the server's word for something of its own, not a fact about this device.
            error.code = Code::ServerError;
        }
        return match wait {
            Some(ms) => error.retry_after(ms),
            None => error,
        };
    }
    let (code, message) = match response.status {
        401 => (Code::AuthError, "the access token was refused"),
        413 => (Code::PayloadTooLarge, "something on the way finds the request too large"),
        429 => (Code::RateLimited, "too many requests"),
        // 511 is a portal's (RFC 6585, section 6).
        500..=510 | 512..=599 => (Code::ServerError, "the server failed; whether it did the work is unknown"),
        404 | 405 | 410 => (Code::ServerError, "there is no sync endpoint at this address"),
        _ => (Code::NetworkError, "something on the way answered in the server's place"),
    };
    let error = Error::new(code, message).detail(plain::object([("status", response.status.into())]));
    match wait {
        Some(ms) => error.retry_after(ms),
        None => error,
    }
}

/// Whether a `Content-Type` header names this media type.
fn media_type(header: &str, name: &str) -> bool {
    header.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(name))
}

/// `Retry-After` in both its forms (RFC 9110, section 10.2.3), in milliseconds; absurd values are capped.
fn retry_after(header: &str, now: Millis) -> Option<u64> {
    let header = header.trim();
    if header.is_empty() {
        return None;
    }
    if header.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = header.parse::<u64>().unwrap_or(u64::MAX);
        return Some(seconds.saturating_mul(1000).min(RETRY_AFTER_MAX_MS));
    }
    Some(http_date(header)?.since(now).min(RETRY_AFTER_MAX_MS))
}

/// A date as servers have to write it today (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`. Its two obsolete forms
/// are not read: the wait is then the one of our own schedule.
fn http_date(text: &str) -> Option<Millis> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_ascii_whitespace().skip(1);
    let (day, month, year, clock) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    if words.next() != Some("GMT") {
        return None;
    }
    Millis::parse(&format!("{year}-{month:02}-{day}T{clock}Z"))
}

#[cfg(test)]
mod tests;
