//! The native dialect: goalflow's endpoints (4.3) with everything of `wire`. It decides paths and reads answers; it weakens
//! no law.

use crate::dialect::{HttpRequest, HttpResponse, failure, media_type};
use crate::error::{Code, Error, Result};
use crate::plain::{self, Plain};
use crate::time::Millis;
use crate::wire::{Reply, Request, check};

/// A request as HTTP.
#[must_use]
pub fn encode(request: &Request) -> HttpRequest {
    let (path, body) = match request {
        Request::Attach(device) => ("/api/v1/sync/devices", device.plain()),
        Request::Push(push) => ("/api/v1/sync/push", push.plain()),
        Request::Pull(pull) => ("/api/v1/sync/pull", pull.plain()),
    };
    HttpRequest { method: "POST", path, body: plain::text(&body) }
}

/// An answer from HTTP.
///
/// # Errors
/// The server's own problem, or what status and body amount to; a success that is not ours is `NETWORK_ERROR`.
pub fn decode(request: &Request, response: &HttpResponse, now: Millis) -> Result<Reply> {
    if !(200..300).contains(&response.status) {
        return Err(failure(response, now));
    }
    let foreign = |what: &str| {
        Error::new(Code::NetworkError, format!("not an answer of the sync server: {what}"))
            .hint("is this network asking for a login?")
    };
    if !media_type(&response.content_type, "application/json") {
        return Err(foreign("its type is not JSON"));
    }
    let parsed = match request {
        Request::Attach(_) => check::body(&response.body).map(Reply::Attach),
        Request::Push(_) => check::body(&response.body).map(Reply::Push),
        Request::Pull(_) => check::body(&response.body).map(Reply::Pull),
    };
    parsed.map_err(|error| foreign(&error.message))
}
