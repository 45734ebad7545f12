use super::{HttpResponse, native};
use crate::error::Code;
use crate::time::Millis;
use crate::wire::{Device, PullRequest, Request};

const NOW: Millis = Millis(784_111_717_000);

fn attach() -> Request {
    Request::Attach(Device { device_id: "d".into(), name: String::new() })
}

fn response(status: u16, content_type: &str, body: &str) -> HttpResponse {
    HttpResponse { status, content_type: content_type.into(), retry_after: String::new(), body: body.as_bytes().to_vec() }
}

// Scenario 34 of faults.md, SYN-13: whatever is not ours is a lost network, never an answer.
#[test]
fn hostile_and_foreign_bodies() {
    let good = r#"{"device_id":"d","server_time":"2026-01-01T00:00:00.000Z"}"#;
    let cases = [
        (200, "application/json", good, None),
        (200, "application/json; charset=utf-8", good, None),
        (200, "text/html", "<html>Sign in to the hotel's network</html>", Some(Code::NetworkError)),
        (200, "application/json", "<html>", Some(Code::NetworkError)),
        (200, "application/json", "", Some(Code::NetworkError)),
        (200, "application/json", r#"{"device_id":"d","server_ti"#, Some(Code::NetworkError)),
        (200, "application/json", r#"{"ok":true}"#, Some(Code::NetworkError)),
        (200, "application/json", r#"{"device_id":"d","device_id":"e","server_time":""}"#, Some(Code::NetworkError)),
        (302, "text/html", "", Some(Code::NetworkError)),
        (403, "text/html", "<h1>Blocked</h1>", Some(Code::NetworkError)),
        (401, "", "", Some(Code::AuthError)),
        (404, "text/html", "", Some(Code::ServerError)),
        (413, "text/html", "", Some(Code::PayloadTooLarge)),
        (429, "", "", Some(Code::RateLimited)),
        (511, "text/html", "<h1>Sign in</h1>", Some(Code::NetworkError)),
        (502, "text/html", "<h1>Bad gateway</h1>", Some(Code::ServerError)),
        (
            403,
            "application/problem+json",
            r#"{"type":"t","title":"t","status":403,"detail":"no","code":"PERMISSION_DENIED"}"#,
            Some(Code::PermissionDenied),
        ),
    ];
    for (status, content_type, body, expected) in cases {
        let decoded = native::decode(&attach(), &response(status, content_type, body), NOW);
        assert_eq!(decoded.as_ref().err().map(|error| error.code), expected, "{status} {content_type} {body}");
    }
}

// QUE-6
#[test]
fn retry_after_in_both_forms_and_capped() {
    let cases = [
        ("7", Some(7_000)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(60_000)),
        ("99999999999999999999", Some(3_600_000)),
        ("soon", None),
        ("Sat, 06 Nov 1993 08:49:37 GMT", Some(0)),
    ];
    for (header, expected) in cases {
        let answer = HttpResponse { retry_after: header.into(), ..response(429, "", "") };
        let now = Millis(784_111_777_000 - 60_000);
        assert_eq!(native::decode(&attach(), &answer, now).unwrap_err().retry_after_ms, expected, "{header}");
    }
}

#[test]
fn paths() {
    let pull = Request::Pull(PullRequest {
        protocol: 1,
        device_id: "d".into(),
        sync_token: None,
        entity_types: vec![],
        tiers: vec![],
        limit: 1,
        schema_version: 1,
        want: vec![],
        mark: None,
    });
    assert_eq!(native::encode(&pull).path, "/api/v1/sync/pull");
    assert_eq!(native::encode(&attach()).method, "POST");
}
