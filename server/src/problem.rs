//! Errors as answers. This module decides status, headers and body of every answer that is not a success; it never decides
//! what went wrong. Handlers return a `Fault`, and `uniform` turns what the framework itself refuses into the same form.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use landfall::error::{Code, Error};
use landfall::limits;
use landfall::wire::Problem;
use std::any::Any;

/// The media type of problem details (RFC 9457).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error on its way out, with a status of its own where the code's usual one does not say it best.
#[derive(Debug)]
pub struct Fault {
    error: Error,
    status: Option<StatusCode>,
}

/// What handlers return.
pub type Answer<T> = std::result::Result<T, Fault>;

impl Fault {
    /// A fault of `code`.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Error::new(code, message).into()
    }

    /// With another status than the code's.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// A request without a good access token.
    pub fn unauthorized(why: impl Into<String>) -> Self {
        Self::new(Code::AuthError, why)
    }

    /// More than a limit that is named.
    #[must_use]
    pub fn too_large(name: &str, limit: usize) -> Self {
        Error::new(Code::PayloadTooLarge, format!("the body is larger than {limit} bytes ({name})"))
            .detail(serde_json::json!({ "limit": name, "value": limit }))
            .into()
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { error, status: None }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let code = self.error.code;
        let mut problem = Problem::from(self.error);
        if let Some(status) = self.status {
            problem.status = status.as_u16();
        }
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let wait = problem.retry_after_ms.map(|ms| ms.div_ceil(1000));
        // A problem is made of texts and numbers; if it could not be written, the status alone still tells.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = wait {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if code == Code::AuthError {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Gives every failure the one form: what the router, a layer or the file service refused in words of its own is told
/// again as a problem. Headers that help (`Allow`, `Accept-Encoding`) stay.
pub async fn uniform(response: Response) -> Response {
    let status = response.status();
    let told = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    if told || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let mut problem = described(status).into_response();
    for name in [header::ALLOW, header::ACCEPT_ENCODING, HeaderName::from_static("accept-ranges")] {
        if let Some(value) = response.headers().get(&name) {
            problem.headers_mut().insert(name, value.clone());
        }
    }
    problem
}

fn described(status: StatusCode) -> Fault {
    match status {
        StatusCode::NOT_FOUND => Fault::new(Code::NotFound, "there is nothing at this address"),
        StatusCode::METHOD_NOT_ALLOWED => Fault::new(Code::ProtocolError, "this method is not allowed here").status(status),
        StatusCode::PAYLOAD_TOO_LARGE => Fault::too_large("BODY_BYTES", limits::BODY_BYTES),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Fault::new(Code::ProtocolError, "this content encoding is not spoken here; gzip is").status(status)
        }
        other if other.is_client_error() => Fault::new(Code::ProtocolError, "the request cannot be read").status(other),
        other => Fault::new(Code::ServerError, "the server failed").status(other),
    }
}

/// A panic in a handler, as an answer; the panic itself has been logged by the hook.
pub fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    Fault::new(Code::ServerError, "the server failed").into_response()
}

/// A failure of the database, as an error. What it says goes to the log, not to the client.
#[must_use]
pub fn database(error: &sqlx::Error) -> Error {
    tracing::error!(%error, "the database failed");
    let code = error.as_database_error().and_then(|error| error.code());
    match code.as_deref() {
        // SQLITE_FULL.
        Some("13") => Error::new(Code::QuotaExceeded, "the server has no space left"),
        // SQLITE_BUSY and its extended codes: another process holds the file for longer than we wait.
        Some("5" | "261" | "517") => Error::new(Code::ServerError, "the database is busy").retry_after(1000),
        _ => Error::new(Code::ServerError, "the database failed"),
    }
}
