//! Whether what came back is the server's word. This module decides which answers may be read at all: a page of a captive
//! portal, an empty or truncated body, a proxy's error are none of them a decision, and the same bytes go again. It is
//! pure; `fetch` calls it with every answer.

use crate::browser::fetch::Raw;
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::time::Millis;
use crate::wire::Problem;
use serde::de::IgnoredAny;

impl Raw {
    /// Whether it claims to be JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.content_type == "application/json" || self.content_type.ends_with("+json")
    }
}

/// The body of a success, or what went wrong.
///
/// # Errors
/// See `Fetch::send`.
pub(super) fn judge(raw: Raw) -> Result<Vec<u8>> {
    let whole = raw.is_json() && serde_json::from_slice::<IgnoredAny>(&raw.body).is_ok();
    match raw.status {
        200..=299 if whole => Ok(raw.body),
        200..=299 => Err(foreign(&raw)),
        _ => Err(refusal(&raw, whole)),
    }
}

fn foreign(raw: &Raw) -> Error {
    let what = match raw.content_type.as_str() {
        "" => "an answer without a content type".to_owned(),
        _ if raw.is_json() && raw.body.is_empty() => "an empty answer".to_owned(),
        _ if raw.is_json() => "an answer that was cut short".to_owned(),
        other => format!("the answer was {other}, not JSON"),
    };
    Error::new(Code::NetworkError, what)
        .hint("a captive portal or proxy answers instead of the server")
        .detail(serde_json::json!({ "status": raw.status }))
}

/// A refusal counts only as a problem document of ours; otherwise the status alone speaks, where it is unmistakable.
fn refusal(raw: &Raw, whole: bool) -> Error {
    if whole {
        if let Ok(problem) = serde_json::from_slice::<Problem>(&raw.body) {
            let mut error = Error::from(problem);
            let wait = error.retry_after_ms.or(raw.retry_after_ms);
            error.retry_after_ms = wait.map(|ms| ms.min(limits::RETRY_AFTER_MAX_MS));
            return error;
        }
    }
    let code = match raw.status {
        401 => Code::AuthError,
        413 => Code::PayloadTooLarge,
        429 => Code::RateLimited,
        // 511 is a captive portal by its own account.
        500..=510 | 512.. => Code::ServerError,
        // JSON, but no problem document: a server of another make refuses. It does not decide about ops.
        _ if whole => Code::ServerError,
        _ => return foreign(raw),
    };
    let error =
        Error::new(code, format!("the server answered {}", raw.status)).detail(serde_json::json!({ "status": raw.status }));
    raw.retry_after_ms.map_or(error.clone(), |ms| error.retry_after(ms))
}

/// `Retry-After` in either form (RFC 9110, section 10.2.3): seconds, or a date.
pub(super) fn retry_after(header: &str, now: Millis) -> Option<u64> {
    let text = header.trim();
    if text.is_empty() {
        return None;
    }
    let ms = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse::<u64>().map_or(u64::MAX, |seconds| seconds.saturating_mul(1000))
    } else {
        let date = js_sys::Date::parse(text);
        if !date.is_finite() || date < 0.0 {
            return None;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "finite and not negative")]
        Millis(date as u64).since(now)
    };
    Some(ms.min(limits::RETRY_AFTER_MAX_MS))
}
