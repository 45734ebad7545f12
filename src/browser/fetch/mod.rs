//! Requests over `fetch`. This module decides how a request leaves: no cache, no redirect, a time limit, the token, and once
//! more with a fresh token if that one was refused. What an answer means is the dialect's affair; the host sends through it.

mod token;

pub use token::Source;

use crate::browser::js;
use crate::dialect::{HttpRequest, HttpResponse};
use crate::error::{Code, Error, Result};
use crate::limits;
use gloo_timers::callback::Timeout;
use js_sys::{ArrayBuffer, Promise, Uint8Array};
use std::cell::RefCell;
use token::Tokens;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, RequestInit, Response};

/// A request on its way.
struct Call<'a> {
    method: &'a str,
    url: &'a str,
    body: &'a str,
    /// Whether cookies of another origin go along too.
    cookies: bool,
}

/// Sends requests for one database.
pub struct Fetch {
    base: String,
    tokens: Tokens,
    running: RefCell<Vec<AbortController>>,
}

impl Fetch {
    /// To the server at `base`, with tokens from `source`.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for an address over which tokens and records would travel in the clear (SEC-9).
    pub fn new(base: &str, source: Source) -> Result<Self> {
        check_base(base)?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), tokens: Tokens::new(source), running: RefCell::default() })
    }

    /// Sends a request and gives back its answer, whatever it says.
    ///
    /// # Errors
    /// `NETWORK_ERROR` when there is none, `AUTH_ERROR` when there is no token that was not refused.
    pub async fn send(&self, request: &HttpRequest) -> Result<HttpResponse> {
        let url = format!("{}{}", self.base, request.path);
        let call = Call { method: request.method, url: &url, body: &request.body, cookies: false };
        let token = self.tokens.current(self).await?;
        let response = self.once(&call, token.as_deref()).await?;
        if response.status != 401 || self.tokens.source() == &Source::None {
            return Ok(response);
        }
        let fresh = self.tokens.renew(self, token.as_deref()).await?;
        self.once(&call, Some(&fresh)).await
    }

    /// Ends every request that is on its way.
    pub fn abort(&self) {
        for controller in self.running.take() {
            controller.abort();
        }
    }

    async fn once(&self, call: &Call<'_>, token: Option<&str>) -> Result<HttpResponse> {
        let controller = AbortController::new().map_err(|thrown| network(&thrown))?;
        self.running.borrow_mut().push(controller.clone());
        let limit = u32::try_from(limits::REQUEST_TIMEOUT_MS).unwrap_or(u32::MAX);
        let watch = Timeout::new(limit, {
            let controller = controller.clone();
            move || controller.abort()
        });
        let response = exchange(call, token, &controller).await;
        drop(watch);
        self.running.borrow_mut().retain(|other| *other != controller);
        response.map_err(|thrown| network(&thrown))
    }
}

/// One request, from its first byte to the last of its answer.
async fn exchange(
    call: &Call<'_>,
    token: Option<&str>,
    controller: &AbortController,
) -> std::result::Result<HttpResponse, JsValue> {
    let headers = Headers::new()?;
    headers.set("accept", "application/json, application/problem+json")?;
    if let Some(token) = token {
        headers.set("authorization", &format!("Bearer {token}"))?;
    }
    let init = RequestInit::new();
    init.set_method(call.method);
    if !call.body.is_empty() {
        headers.set("content-type", "application/json")?;
        init.set_body(&JsValue::from_str(call.body));
    }
    init.set_headers(&headers);
    init.set_signal(Some(&controller.signal()));
    js::set(&init, "cache", &JsValue::from_str("no-store"));
    // A redirect is a captive portal's way to answer; ours never redirects.
    js::set(&init, "redirect", &JsValue::from_str("error"));
    js::set(&init, "credentials", &JsValue::from_str(if call.cookies { "include" } else { "same-origin" }));
    let global = js_sys::global();
    let fetch = js::function(&global, "fetch").ok_or(JsValue::UNDEFINED)?;
    let answer: Promise = fetch.call2(&global, &JsValue::from_str(call.url), &init)?.unchecked_into();
    read(&JsFuture::from(answer).await?.unchecked_into()).await
}

async fn read(response: &Response) -> std::result::Result<HttpResponse, JsValue> {
    let header = |name: &str| response.headers().get(name).ok().flatten().unwrap_or_default();
    let (content_type, retry_after) = (header("content-type"), header("retry-after"));
    // A portal's page may be of any length; it is not read.
    let body = if content_type.contains("json") {
        let buffer: ArrayBuffer = JsFuture::from(response.array_buffer()?).await?.unchecked_into();
        Uint8Array::new(&buffer).to_vec()
    } else {
        Vec::new()
    };
    Ok(HttpResponse { status: response.status(), content_type, retry_after, body })
}

fn network(thrown: &JsValue) -> Error {
    let hint = if js::name(thrown) == "AbortError" { "no answer in time" } else { "" };
    Error::new(Code::NetworkError, js::message(thrown)).hint(hint)
}

fn check_base(base: &str) -> Result<()> {
    let Some(rest) = base.to_ascii_lowercase().strip_prefix("http://").map(str::to_owned) else { return Ok(()) };
    let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
    if matches!(host, "localhost" | "127.0.0.1") || rest.starts_with("[::1]") {
        return Ok(());
    }
    Err(Error::new(Code::ValidationError, "http: is refused except for localhost").at("base").hint("use https:"))
}
