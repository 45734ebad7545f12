//! Requests over `fetch`. This module decides how a request leaves (no cache, no redirect, a time limit, the token) and when
//! its answer is an answer at all; what it says is read by the dialect. The host sends through it, and everything that is
//! not a decision of the server comes back as an error the machine may try again after.

mod judge;
mod token;

pub use token::Source;

use crate::browser::js;
use crate::error::{Code, Error, Result};
use crate::limits;
use gloo_timers::callback::Timeout;
use js_sys::{ArrayBuffer, Promise, Uint8Array};
use std::cell::RefCell;
use token::Tokens;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, RequestInit, Response};

/// A request as a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `GET`, `POST`.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// JSON; empty for none.
    pub body: String,
    /// Whether cookies of the site go along.
    pub cookies: bool,
}

/// What came back, before it is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`, in lower case without parameters.
    pub content_type: String,
    /// `Retry-After`, in milliseconds, within the limit.
    pub retry_after_ms: Option<u64>,
    /// The body, if it claims to be JSON.
    pub body: Vec<u8>,
}

/// Sends requests for one database.
pub struct Fetch {
    tokens: Tokens,
    running: RefCell<Vec<AbortController>>,
}

impl Fetch {
    /// With tokens from `source`.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self { tokens: Tokens::new(source), running: RefCell::default() }
    }

    /// Sends a request and gives back the JSON of a success.
    ///
    /// # Errors
    /// What the server says in a problem document, `NETWORK_ERROR` for everything that is not the server's word,
    /// `AUTH_ERROR` when a fresh token was refused too.
    pub async fn send(&self, call: &Call) -> Result<Vec<u8>> {
        let token = self.tokens.current(self).await?;
        let raw = self.once(call, token.as_deref()).await?;
        if raw.status != 401 || self.tokens.source() == &Source::None {
            return judge::judge(raw);
        }
        let fresh = self.tokens.renew(self, token.as_deref()).await?;
        judge::judge(self.once(call, Some(&fresh)).await?)
    }

    /// Ends every request that is on its way.
    pub fn abort(&self) {
        for controller in self.running.take() {
            controller.abort();
        }
    }

    async fn once(&self, call: &Call, token: Option<&str>) -> Result<Raw> {
        let controller = AbortController::new().map_err(|thrown| network(&thrown))?;
        self.running.borrow_mut().push(controller.clone());
        let limit = u32::try_from(limits::REQUEST_TIMEOUT_MS).unwrap_or(u32::MAX);
        let watch = Timeout::new(limit, {
            let controller = controller.clone();
            move || controller.abort()
        });
        let raw = exchange(call, token, &controller).await;
        drop(watch);
        self.running.borrow_mut().retain(|other| *other != controller);
        raw.map_err(|thrown| network(&thrown))
    }
}

/// One request, from its first byte to the last of its answer.
async fn exchange(call: &Call, token: Option<&str>, controller: &AbortController) -> std::result::Result<Raw, JsValue> {
    let headers = Headers::new()?;
    headers.set("accept", "application/json, application/problem+json")?;
    if let Some(token) = token {
        headers.set("authorization", &format!("Bearer {token}"))?;
    }
    let init = RequestInit::new();
    init.set_method(&call.method);
    if !call.body.is_empty() {
        headers.set("content-type", "application/json")?;
        init.set_body(&JsValue::from_str(&call.body));
    }
    init.set_headers(&headers);
    init.set_signal(Some(&controller.signal()));
    js::set(&init, "cache", &JsValue::from_str("no-store"));
    // A redirect is a captive portal's way to answer; ours never redirects.
    js::set(&init, "redirect", &JsValue::from_str("error"));
    js::set(&init, "credentials", &JsValue::from_str(if call.cookies { "include" } else { "same-origin" }));
    let global = js_sys::global();
    let fetch = js::function(&global, "fetch").ok_or(JsValue::UNDEFINED)?;
    let answer: Promise = fetch.call2(&global, &JsValue::from_str(&call.url), &init)?.unchecked_into();
    read(&JsFuture::from(answer).await?.unchecked_into()).await
}

async fn read(response: &Response) -> std::result::Result<Raw, JsValue> {
    let header = |name: &str| response.headers().get(name).ok().flatten().unwrap_or_default();
    let content_type = header("content-type").split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let mut raw = Raw {
        status: response.status(),
        retry_after_ms: judge::retry_after(&header("retry-after"), js::now()),
        content_type,
        ..Raw::default()
    };
    if raw.is_json() {
        let buffer: ArrayBuffer = JsFuture::from(response.array_buffer()?).await?.unchecked_into();
        raw.body = Uint8Array::new(&buffer).to_vec();
    }
    Ok(raw)
}

fn network(thrown: &JsValue) -> Error {
    let hint = if js::name(thrown) == "AbortError" { "no answer in time" } else { "" };
    Error::new(Code::NetworkError, js::message(thrown)).hint(hint)
}

/// Refuses a base address over which tokens and records would travel in the clear.
///
/// # Errors
/// `VALIDATION_ERROR`.
pub fn check_base(base: &str) -> Result<()> {
    let Some(rest) = base.to_ascii_lowercase().strip_prefix("http://").map(str::to_owned) else { return Ok(()) };
    let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
    if matches!(host, "localhost" | "127.0.0.1") || rest.starts_with("[::1]") {
        return Ok(());
    }
    Err(Error::new(Code::ValidationError, "http: is refused except for localhost").at("base").hint("use https:"))
}
