//! The access token. This module decides when a new one is fetched: once for all requests that wait, and by one context of
//! the origin at a time, since a refresh that rotates its cookie must not run twice. The token lives in memory only
//! (SEC-2); `fetch` asks for it before each request.

use crate::browser::fetch::{Call, Fetch};
use crate::browser::{js, locks};
use crate::dialect::{self, HttpResponse};
use crate::error::{Code, Error, Result};
use crate::record::Fields;
use crate::wire::check;
use js_sys::{Function, Promise};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// One refresh at a time in the whole origin.
const LOCK: &str = "landfall-refresh";
/// A context that was frozen while it refreshed is not waited for longer than this, in milliseconds.
const PATIENCE_MS: u32 = 10_000;

/// Where tokens come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Source {
    /// Nowhere: the backend wants none, or knows the user by its own cookie.
    #[default]
    None,
    /// A function of the application; it is called with `true` when the last token was refused.
    Callback(Function),
    /// An address that answers an HttpOnly cookie with a token.
    Address(String),
}

/// Those who wait for the refresh under way.
type Waiting = Vec<Rc<dyn Fn()>>;

/// The token of one database.
pub(super) struct Tokens {
    source: Source,
    token: RefCell<Option<String>>,
    refused: RefCell<Option<Error>>,
    waiting: RefCell<Option<Waiting>>,
}

impl Tokens {
    pub fn new(source: Source) -> Self {
        Self { source, token: RefCell::default(), refused: RefCell::default(), waiting: RefCell::default() }
    }

    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The token to try first; none where the backend wants none.
    pub async fn current(&self, fetch: &Fetch) -> Result<Option<String>> {
        if self.source == Source::None || self.token.borrow().is_some() {
            return Ok(self.token.borrow().clone());
        }
        self.renew(fetch, None).await.map(Some)
    }

    /// A token other than the refused one.
    pub async fn renew(&self, fetch: &Fetch, refused: Option<&str>) -> Result<String> {
        if let Some(token) = self.other_than(refused) {
            return Ok(token);
        }
        // A borrow is never held over an await: whoever comes second only leaves a bell behind.
        let joined = self.waiting.borrow_mut().as_mut().map(|waiting| {
            let (ready, wait) = js::signal();
            waiting.push(ready);
            wait
        });
        match joined {
            Some(wait) => wait.await,
            None => self.fetch(fetch, refused.is_some()).await,
        }
        let error = || Error::new(Code::AuthError, "the token was refused").at("authorization").hint("sign in again");
        self.other_than(refused).ok_or_else(|| self.refused.borrow().clone().unwrap_or_else(error))
    }

    fn other_than(&self, refused: Option<&str>) -> Option<String> {
        self.token.borrow().clone().filter(|token| Some(token.as_str()) != refused)
    }

    async fn fetch(&self, fetch: &Fetch, refused: bool) {
        self.waiting.replace(Some(Vec::new()));
        let fresh = locks::alone(LOCK, PATIENCE_MS, self.ask(fetch, refused)).await;
        match fresh {
            Ok(token) => {
                self.refused.take();
                self.token.replace(Some(token));
            }
            Err(error) => {
                self.refused.replace(Some(error));
                self.token.take();
            }
        }
        let waiting = self.waiting.take();
        waiting.into_iter().flatten().for_each(|ready| ready());
    }

    async fn ask(&self, fetch: &Fetch, refused: bool) -> Result<String> {
        let none = || Error::new(Code::AuthError, "there is no token").at("authorization").hint("sign in again");
        match &self.source {
            Source::None => Err(none()),
            Source::Callback(callback) => {
                let token = called(callback, refused).await.map_err(|thrown| rejected(&thrown))?;
                token.as_string().filter(|token| !token.is_empty()).ok_or_else(none)
            }
            Source::Address(url) => {
                let call = Call { method: "POST", url, body: "{}", cookies: true };
                let response = fetch.once(&call, None).await?;
                match response.status {
                    200..=299 => fresh(&response),
                    400 | 401 | 403 => Err(none()),
                    _ => Err(dialect::failure(&response, js::now())),
                }
            }
        }
    }
}

/// A portal's page in the refresh address's place says nothing about the user.
fn fresh(response: &HttpResponse) -> Result<String> {
    let foreign = || Error::new(Code::NetworkError, "the refresh address gave no access_token").at("authorization");
    let body: Fields = check::body(&response.body).map_err(|_| foreign())?;
    let token = ["access_token", "accessToken", "token"].into_iter().find_map(|name| body.get(name)?.as_str());
    token.map(str::to_owned).ok_or_else(foreign)
}

async fn called(callback: &Function, refused: bool) -> std::result::Result<JsValue, JsValue> {
    let answer = callback.call1(&JsValue::NULL, &JsValue::from_bool(refused))?;
    JsFuture::from(Promise::resolve(&answer)).await
}

/// `fetch` inside the callback rejects with a `TypeError` when there is no network; everything else is about the user.
fn rejected(thrown: &JsValue) -> Error {
    let offline = thrown.is_instance_of::<js_sys::TypeError>();
    let code = if offline { Code::NetworkError } else { Code::AuthError };
    Error::new(code, js::message(thrown)).at("authorization").hint("the token callback rejected")
}
