//! Files of the application and the headers that guard them. This module decides what a page may load and that every file is
//! asked for again before it is used; it reads no file itself. The router puts the files behind every other route and the
//! headers around all of them.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use std::path::Path;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeader;

const CSP: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; \
     connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'";

/// The files under a folder. Their names carry no hash, so a cache has to ask each time whether its copy is still the one:
/// a page and a wasm file of two releases do not work together.
pub fn files(folder: &Path) -> SetResponseHeader<ServeDir, HeaderValue> {
    SetResponseHeader::if_not_present(ServeDir::new(folder), header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))
}

/// Adds the headers that every answer, and every document, has.
pub async fn headers(mut response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let document = kind.starts_with("text/html");
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    if document {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    }
    response
}
