//! The body of a request. This module decides that it is JSON, within the limits on bytes as they arrive and as they
//! expand, and whole in time; it decides nothing about what the message asks. The sync and auth routes take their bodies
//! through it, behind authentication.

use crate::problem::{Answer, Fault};
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError};
use landfall::error::{Code, Error};
use landfall::limits;
use landfall::plain::Plain;
use landfall::wire;
use std::error::Error as StdError;
use std::io;
use std::time::Duration;

/// A message parsed by `wire::check::body`: no duplicate keys, bounded depth.
pub struct Json<T>(pub T);

impl<T: Plain, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, _: &S) -> Answer<Self> {
        content_type(request.headers())?;
        let reading = read(request.into_body());
        let bytes = tokio::time::timeout(Duration::from_millis(limits::REQUEST_TIMEOUT_MS), reading).await.map_err(|_| {
            Fault::new(Code::ServerError, "the body did not arrive in time").status(StatusCode::REQUEST_TIMEOUT)
        })??;
        Ok(Self(wire::check::body(&bytes)?))
    }
}

/// Refuses every type but JSON: a form or plain text is what another origin's page could send without asking first.
pub fn content_type(headers: &HeaderMap) -> Answer<()> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Fault::from(Error::new(Code::ProtocolError, "the body has to be application/json").at("content-type"))
        .status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
}

/// Reads frame by frame and stops at the limit, so that a small body that expands without end costs no more than the limit.
async fn read(mut body: Body) -> Answer<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| broken(&error))?.into_data() else { continue };
        if bytes.len() + data.len() > limits::BODY_EXPANDED_BYTES {
            return Err(Fault::too_large("BODY_EXPANDED_BYTES", limits::BODY_EXPANDED_BYTES));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

fn broken(error: &axum::Error) -> Fault {
    if chain(error).any(|cause| cause.is::<LengthLimitError>()) {
        return Fault::too_large("BODY_BYTES", limits::BODY_BYTES);
    }
    Fault::new(Code::ProtocolError, "the body broke off or is not valid gzip")
}

/// An error and its causes. An `io::Error` does not name the error inside it as its source, so that one is asked for.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    })
}
