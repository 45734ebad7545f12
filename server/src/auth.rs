//! Who is calling. This module decides whether an access token is good (one algorithm, one audience, one type, not over,
//! for this application) and mints new ones; it knows no session and reads no body. The router puts `require` in front of
//! every route of an application, so that an unknown caller is turned away before a byte of the body is read.

use crate::App;
use crate::Server;
use crate::problem::{Answer, Fault};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use landfall::error::{Code, Error, Result};
use landfall::limits;
use landfall::plain::plain;
use landfall::time::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long an access token is good for, in seconds.
pub const ACCESS_S: u64 = 600;
const AUDIENCE: &str = "landfall";
const ACCESS: &str = "access";

plain! {
    /// A person in a tenant of an application, with roles.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Identity {
        /// The person.
        pub user: String,
        /// The tenant.
        pub tenant: String,
        /// The application.
        pub app: String,
        /// The roles, most important first.
        pub roles: Vec<String> = Vec::new(),
        /// Lists of their profile that partition rules ask for: `"$sites"` is `sites`.
        pub lists?: BTreeMap<String, Vec<Value>>,
        ..
    }
}

/// Most values of one list of a profile: each is a bucket that every pull looks into.
const LIST: usize = 256;

impl Identity {
    /// Refuses names that could be taken for something else where they are joined or shown.
    ///
    /// # Errors
    /// `VALIDATION_ERROR`.
    pub fn check(&self) -> Result<()> {
        let names = [("user", &self.user), ("tenant", &self.tenant), ("app", &self.app)];
        for (path, name) in names.into_iter().chain(self.roles.iter().map(|role| ("roles", role))) {
            if name.is_empty() || name.len() > limits::ID_BYTES || name.chars().any(char::is_control) {
                let what = "a name is 1 to 128 bytes without control characters";
                return Err(Error::new(Code::ValidationError, what).at(path));
            }
        }
        if let Some((name, _)) = self.lists.iter().find(|(_, list)| list.len() > LIST) {
            let what = format!("a list of the profile has at most {LIST} values");
            return Err(Error::new(Code::ValidationError, what).at(name.as_str()));
        }
        Ok(())
    }

    /// The tenant's name in the ledger: no application's name holds a slash, so no two pairs share one.
    #[must_use]
    pub fn scope(&self) -> String {
        format!("{}/{}", self.app, self.tenant)
    }

    /// The person's bucket of calls.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.scope(), self.user)
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    tenant: String,
    app: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    lists: BTreeMap<String, Vec<Value>>,
    aud: String,
    typ: String,
    exp: u64,
    iat: u64,
}

/// The keys of access tokens.
pub struct Keys {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl Keys {
    /// From the key derived for them.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        // The library would ask the system's clock; `verify` compares with ours, and without leeway.
        validation.validate_exp = false;
        Self { encoding: EncodingKey::from_secret(key), decoding: DecodingKey::from_secret(key), validation }
    }

    /// A fresh access token.
    ///
    /// # Errors
    /// `SERVER_ERROR`.
    pub fn mint(&self, identity: &Identity, now: Millis) -> Result<String> {
        let iat = now.0 / 1000;
        let claims = Claims {
            sub: identity.user.clone(),
            tenant: identity.tenant.clone(),
            app: identity.app.clone(),
            roles: identity.roles.clone(),
            lists: identity.lists.clone(),
            aud: AUDIENCE.to_owned(),
            typ: ACCESS.to_owned(),
            exp: iat + ACCESS_S,
            iat,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .map_err(|error| Error::new(Code::ServerError, format!("the token could not be signed: {error}")))
    }

    /// Whose token it is, and until when.
    ///
    /// # Errors
    /// `AUTH_ERROR`.
    pub fn verify(&self, token: &str, app: &str, now: Millis) -> Result<(Identity, Millis)> {
        let refused = |why: &str| Error::new(Code::AuthError, why);
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|_| refused("the access token does not verify"))?
            .claims;
        if claims.typ != ACCESS {
            return Err(refused("this is not an access token"));
        }
        if claims.app != app {
            return Err(refused("the access token is for another application"));
        }
        let until = Millis(claims.exp.saturating_mul(1000));
        if until <= now {
            return Err(refused("the access token is over").hint("refresh it"));
        }
        let identity =
            Identity { user: claims.sub, tenant: claims.tenant, app: claims.app, roles: claims.roles, lists: claims.lists };
        identity.check().map_err(|_| refused("the access token names nobody"))?;
        Ok((identity, until))
    }
}

/// Who calls, and which application is called.
#[derive(Clone)]
pub struct Caller {
    /// The application.
    pub app: Arc<App>,
    /// The person.
    pub identity: Identity,
    /// When the access token ends.
    pub until: Millis,
}

/// Lets only callers with a good token through, at the rate they may have.
///
/// # Errors
/// `NOT_FOUND` for an unknown application, `AUTH_ERROR`, `RATE_LIMITED`.
pub async fn require(
    State(server): State<Server>,
    Path(path): Path<BTreeMap<String, String>>,
    mut request: Request,
    next: Next,
) -> Answer<Response> {
    let name = path.get("app").map_or("", String::as_str);
    let app = server.app(name)?;
    let now = server.clock().now();
    let (identity, until) = server.keys().verify(bearer(request.headers())?, name, now)?;
    let caller = Caller { app, identity, until };
    server.governor().take(&caller.identity.key(), 1, now)?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Answer<&str> {
    let header = headers.get(header::AUTHORIZATION).ok_or_else(|| Fault::unauthorized("an access token is needed"))?;
    let text = header.to_str().map_err(|_| Fault::unauthorized("the Authorization header is not text"))?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(Fault::unauthorized("the Authorization header is not `Bearer <token>`")),
    }
}
