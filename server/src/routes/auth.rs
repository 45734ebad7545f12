//! Sessions over HTTP. This module decides how a session travels (in a cookie that no script can read and no other site can
//! send) and answers with access tokens; which token is good is `session`'s decision. Logging in for real is the work of
//! an identity provider in front; `POST /auth/dev` stands in for it during development only.

use crate::Server;
use crate::auth::{ACCESS_S, Identity};
use crate::body::{Json, content_type};
use crate::problem::{Answer, Fault};
use crate::session::{SESSION_MS, over};
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use landfall::error::Code;
use landfall::time::Millis;
use serde::Serialize;
use tower_http::limit::RequestBodyLimitLayer;

/// Bodies here name a user at most.
const BODY_BYTES: usize = 16 << 10;

/// How many calls a refresh costs: it writes to the disk, and is needed once in ten minutes.
const REFRESH_CALLS: u64 = 10;

#[derive(Serialize)]
struct Fresh {
    access_token: String,
    expires_in: u64,
    #[serde(flatten)]
    identity: Identity,
}

/// The routes under `/auth`.
pub fn routes(server: &Server) -> Router<Server> {
    let mut router = Router::new().route("/auth/refresh", post(refresh)).route("/auth/logout", post(logout));
    if server.dev() {
        router = router.route("/auth/dev", post(dev));
    }
    router.route_layer(DefaultBodyLimit::disable()).route_layer(RequestBodyLimitLayer::new(BODY_BYTES))
}

/// `POST /auth/refresh`: a fresh access token for the session in the cookie.
async fn refresh(State(server): State<Server>, headers: HeaderMap) -> Answer<Response> {
    same_site(&headers)?;
    let now = server.clock().now();
    let token = cookie(&headers, server.dev()).ok_or_else(|| Fault::unauthorized("there is no session"))?;
    let rotated = match server.sessions().whose(token, now).await? {
        Some(identity) => {
            server.governor().take(&identity.key(), REFRESH_CALLS, now)?;
            server.sessions().rotate(token, now).await
        }
        None => Err(over()),
    };
    match rotated {
        Ok((identity, successor)) => fresh(&server, identity, &successor, now),
        Err(error) if error.code == Code::AuthError => Ok(with_cookie(Fault::from(error).into_response(), "", 0, server.dev())),
        Err(error) => Err(error.into()),
    }
}

/// `POST /auth/logout`: ends the session in the cookie, if there is one, and clears the cookie.
async fn logout(State(server): State<Server>, headers: HeaderMap) -> Answer<Response> {
    same_site(&headers)?;
    if let Some(token) = cookie(&headers, server.dev()) {
        server.sessions().end(token, server.clock().now()).await?;
    }
    Ok(with_cookie(StatusCode::NO_CONTENT.into_response(), "", 0, server.dev()))
}

/// `POST /auth/dev`: a session for whoever asks. Exists only with `--dev`.
async fn dev(State(server): State<Server>, headers: HeaderMap, Json(identity): Json<Identity>) -> Answer<Response> {
    same_site(&headers)?;
    identity.check()?;
    server.app(&identity.app)?;
    let now = server.clock().now();
    let token = server.sessions().begin(&identity, now).await?;
    fresh(&server, identity, &token, now)
}

fn fresh(server: &Server, identity: Identity, session: &str, now: Millis) -> Answer<Response> {
    let access_token = server.keys().mint(&identity, now)?;
    let answer = axum::Json(Fresh { access_token, expires_in: ACCESS_S, identity }).into_response();
    Ok(with_cookie(answer, session, SESSION_MS / 1000, server.dev()))
}

/// Refuses what a page of another site could have sent. `SameSite=Strict` keeps the cookie from it already; this is the
/// second fence, for browsers that tell where a request comes from and for bodies of a type that needs no asking.
fn same_site(headers: &HeaderMap) -> Answer<()> {
    let foreign = headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
    if foreign {
        return Err(Fault::new(Code::PermissionDenied, "sessions are for pages of this origin"));
    }
    if headers.contains_key(header::CONTENT_TYPE) { content_type(headers) } else { Ok(()) }
}

/// With TLS the name binds the cookie to this host (`__Host-`, RFC 6265bis); in development there is no TLS.
const fn name(dev: bool) -> &'static str {
    if dev { "landfall-session" } else { "__Host-landfall-session" }
}

fn cookie(headers: &HeaderMap, dev: bool) -> Option<&str> {
    let pairs = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name(dev)).map(|(_, value)| value)
}

fn with_cookie(mut response: Response, token: &str, seconds: u64, dev: bool) -> Response {
    let secure = if dev { "" } else { "; Secure" };
    let text = format!("{}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}", name(dev));
    // The token is base64url: it is always a header value.
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
