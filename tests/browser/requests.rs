//! Requests, their answers and the token. // SEC-2 SYN-13

use landfall::browser::fetch::{Fetch, Source};
use landfall::browser::js;
use landfall::dialect::native;
use landfall::error::{Code, Error};
use landfall::sync::{Reply, Request};
use serde_json::json;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use wasm_bindgen_test::wasm_bindgen_test;

/// Puts a function in the place of `fetch`; it sees `url` and `init`.
fn answer(body: &str) {
    let script = format!(
        "globalThis.seen = []; globalThis.fetch = async (url, init) => {{
           seen.push({{ url, auth: init.headers.get('authorization'), credentials: init.credentials }});
           const type = {{ 'content-type': 'application/json' }};
           const json = (status, value, more) =>
             new Response(JSON.stringify(value), {{ status, headers: {{ ...type, ...more }} }});
           {PAGE} {body} }};"
    );
    js_sys::Function::new_no_args(&script).call0(&JsValue::NULL).unwrap();
}

fn seen() -> serde_json::Value {
    let seen = js_sys::Reflect::get(&js_sys::global(), &"seen".into()).unwrap();
    serde_json::from_str(&js_sys::JSON::stringify(&seen).unwrap().as_string().unwrap()).unwrap()
}

fn pull() -> Request {
    let json = json!({ "protocol": 1, "device_id": "d", "sync_token": null, "limit": 10, "schema_version": 1 });
    Request::Pull(serde_json::from_value(json).unwrap())
}

fn fetch(source: Source) -> Fetch {
    Fetch::new("/goalflow/", source).unwrap()
}

/// A request through `fetch` and the dialect, as the host sends it.
async fn send(fetch: &Fetch) -> Result<Reply, Error> {
    let response = fetch.send(&native::encode(&pull())).await?;
    native::decode(&pull(), &response, js::now())
}

const PAGE: &str = "const page = { slices: [], has_more: false, server_time: '2026-01-01T00:00:00Z' };";

fn fetch_refreshing() -> Fetch {
    fetch(Source::Address("/auth/refresh".into()))
}

async fn refused(body: &str) -> Error {
    answer(body);
    send(&fetch(Source::None)).await.unwrap_err()
}

#[wasm_bindgen_test]
async fn a_success_gives_its_json() {
    answer("return json(200, page);");
    assert!(matches!(send(&fetch(Source::None)).await.unwrap(), Reply::Pull(_)));
    assert_eq!(seen()[0]["url"], "/goalflow/api/v1/sync/pull");
    assert_eq!(seen()[0]["auth"], json!(null));
}

#[wasm_bindgen_test]
async fn what_is_not_the_servers_word_is_no_decision() {
    let html =
        "return new Response('<html>Sign in to Wi-Fi</html>', { headers: { 'content-type': 'text/html; charset=utf-8' } });";
    assert_eq!(refused(html).await.code, Code::NetworkError);
    for answer in [
        "throw new TypeError('Failed to fetch');",
        "return new Response('', { status: 200, headers: { 'content-type': 'application/json' } });",
        "return new Response('{\"a\": [1', { status: 200, headers: { 'content-type': 'application/json' } });",
        "return new Response('{}', { status: 200, headers: { 'content-type': '' } });",
        "return new Response(null, { status: 204 });",
        "return new Response('<html>', { status: 403, headers: { 'content-type': 'text/html' } });",
    ] {
        assert_eq!(refused(answer).await.code, Code::NetworkError, "{answer}");
    }
}

#[wasm_bindgen_test]
async fn refusals_keep_what_the_server_said() {
    let problem =
        "const body = { type: 'x', title: 't', status: 409, detail: 'too old', code: 'SCHEMA_MISMATCH', hint: 'update' };
        return new Response(JSON.stringify(body), { status: 409, headers: { 'content-type': 'application/problem+json' } });";
    let error = refused(problem).await;
    assert_eq!((error.code, error.message.as_str(), error.hint.as_str()), (Code::SchemaMismatch, "too old", "update"));
    assert_eq!(refused("return json(500, {});").await.code, Code::ServerError);
    assert_eq!(refused("return new Response('bad gateway', { status: 502 });").await.code, Code::ServerError);
    assert_eq!(refused("return json(401, {});").await.code, Code::AuthError);
}

#[wasm_bindgen_test]
async fn retry_after_is_read_in_both_forms_and_capped() {
    let error = refused("return json(429, {}, { 'retry-after': '7' });").await;
    assert_eq!((error.code, error.retry_after_ms), (Code::RateLimited, Some(7_000)));
    let error = refused("return new Response('', { status: 413, headers: { 'retry-after': '99999999999999999999' } });").await;
    assert_eq!((error.code, error.retry_after_ms), (Code::PayloadTooLarge, Some(3_600_000)));
    let error = refused("return json(503, {}, { 'retry-after': new Date(Date.now() + 120_000).toUTCString() });").await;
    assert!((110_000..=120_000).contains(&error.retry_after_ms.unwrap()), "{error:?}");
    let error = refused("return json(503, {}, { 'retry-after': 'soon' });").await;
    assert_eq!(error.retry_after_ms, None);
}

/// Five requests meet a 401 at once: one refresh, and each is sent once more.
#[wasm_bindgen_test]
async fn one_refresh_serves_all_that_wait() {
    answer(
        "if (url === '/auth/refresh') {
           globalThis.turn = (globalThis.turn ?? 0) + 1;
           await new Promise(r => setTimeout(r, 20));
           return json(200, { access_token: 't' + turn });
         }
         return init.headers.get('authorization') === 'Bearer t2' ? json(200, page) : json(401, {});",
    );
    let fetch = Rc::new(fetch(Source::Address("/auth/refresh".into())));
    let all: js_sys::Array = (0..5)
        .map(|_| {
            let fetch = fetch.clone();
            future_to_promise(async move { send(&fetch).await.map(|_| JsValue::TRUE).map_err(|error| error.to_string().into()) })
        })
        .collect();
    JsFuture::from(js_sys::Promise::all(&all)).await.unwrap();
    let seen = seen();
    let refreshes: Vec<_> = seen.as_array().unwrap().iter().filter(|one| one["url"] == "/auth/refresh").collect();
    assert_eq!(refreshes.len(), 2, "the first token, and one new one");
    assert!(refreshes.iter().all(|one| one["credentials"] == "include" && one["auth"].is_null()));
    assert_eq!(seen.as_array().unwrap().len(), 2 + 5 + 5);
}

#[wasm_bindgen_test]
async fn a_token_refused_twice_is_the_users_affair() {
    answer("return url === '/auth/refresh' ? json(200, { access_token: 'same' }) : json(401, {});");
    let fetch = fetch(Source::Address("/auth/refresh".into()));
    assert_eq!(send(&fetch).await.unwrap_err().code, Code::AuthError);
    answer("return json(401, {});");
    let error = send(&fetch_refreshing()).await.unwrap_err();
    assert_eq!(error.code, Code::AuthError);
    answer("throw new TypeError('offline');");
    let error = send(&fetch_refreshing()).await.unwrap_err();
    assert_eq!(error.code, Code::NetworkError, "no network is not a refused user");
}

#[wasm_bindgen_test]
async fn a_callback_is_told_that_its_token_was_refused() {
    answer("return init.headers.get('authorization') === 'Bearer new' ? json(200, page) : json(401, {});");
    let callback = js_sys::Function::new_with_args("refused", "return Promise.resolve(refused ? 'new' : 'old');");
    let fetch = fetch(Source::Callback(callback));
    send(&fetch).await.unwrap();
    send(&fetch).await.unwrap();
    let auth: Vec<_> = seen().as_array().unwrap().iter().map(|one| one["auth"].clone()).collect();
    assert_eq!(auth, ["Bearer old", "Bearer new", "Bearer new"]);
    let callback = js_sys::Function::new_no_args("return null;");
    assert_eq!(send(&self::fetch(Source::Callback(callback))).await.unwrap_err().code, Code::AuthError);
}

#[wasm_bindgen_test]
async fn an_ended_context_ends_its_requests() {
    answer("return new Promise((_, no) => init.signal.addEventListener('abort', () => no(init.signal.reason)));");
    let fetch = Rc::new(fetch(Source::None));
    let sent = future_to_promise({
        let fetch = fetch.clone();
        async move { Ok(JsValue::from_str(&send(&fetch).await.unwrap_err().to_string())) }
    });
    JsFuture::from(js_sys::Promise::resolve(&JsValue::NULL)).await.unwrap();
    JsFuture::from(js_sys::Promise::resolve(&JsValue::NULL)).await.unwrap();
    fetch.abort();
    assert!(JsFuture::from(sent).await.unwrap().as_string().unwrap().contains("NETWORK_ERROR"));
}

// SEC-9
#[wasm_bindgen_test]
fn records_do_not_travel_in_the_clear() {
    for base in ["/goalflow", "", "https://example.org/x", "http://localhost:8080", "http://127.0.0.1/x", "http://[::1]:3000"] {
        Fetch::new(base, Source::None).unwrap();
    }
    for base in ["http://example.org", "HTTP://10.0.0.1/", "http://localhost.example.org", "http://127.0.0.1.example.org/"] {
        assert_eq!(Fetch::new(base, Source::None).err().unwrap().code, Code::ValidationError, "{base}");
    }
}
