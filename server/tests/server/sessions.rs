//! Sessions: the cookie, its rotation, and what happens to one that was kept.

use crate::world::{Reply, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

fn cookie(reply: &Reply) -> String {
    reply.header("set-cookie").split(';').next().unwrap().to_owned()
}

async fn login(world: &World) -> String {
    let reply = world.post("/auth/dev", "", &json!({"app": "shop", "tenant": "t", "user": "ann", "roles": ["admin"]})).await;
    assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.json());
    cookie(&reply)
}

async fn refresh(world: &World, cookie: &str) -> Reply {
    world.send(Request::post("/auth/refresh").header("cookie", cookie).body(Body::empty()).unwrap()).await
}

async fn good(world: &World, cookie: &str) -> String {
    let reply = refresh(world, cookie).await;
    assert_eq!(reply.status, StatusCode::OK);
    self::cookie(&reply)
}

async fn refused(world: &World, cookie: &str) {
    let reply = refresh(world, cookie).await;
    assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::UNAUTHORIZED, "AUTH_ERROR"));
    assert!(reply.header("set-cookie").contains("Max-Age=0"), "a dead cookie is taken away");
}

#[tokio::test]
async fn a_session_gives_access_tokens_that_work() {
    let world = World::new().await;
    let reply = refresh(&world, &login(&world).await).await;
    let answer = reply.json();
    assert_eq!((&answer["expires_in"], &answer["user"], &answer["roles"]), (&json!(600), &json!("ann"), &json!(["admin"])));
    let set = reply.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    assert_eq!(reply.header("cache-control"), "no-store");
    let pull = json!({"protocol": 1, "device_id": "d1", "schema_version": 1});
    let reply = world.post("/shop/api/v1/sync/pull", answer["access_token"].as_str().unwrap(), &pull).await;
    assert_eq!(reply.status, StatusCode::OK);
}

// A10, scenario 26
#[tokio::test]
async fn the_old_token_is_good_until_its_successor_is_used_and_then_ends_the_family() {
    let world = World::new().await;
    let first = login(&world).await;
    let lost = good(&world, &first).await;
    let second = good(&world, &first).await;
    assert_ne!(lost, second, "the answer was lost, the old token still works");
    let third = good(&world, &second).await;
    refused(&world, &first).await;
    refused(&world, &third).await;
    refused(&world, &second).await;
}

// A10
#[tokio::test]
async fn two_successors_of_one_token_cannot_both_come_into_use() {
    let world = World::new().await;
    let first = login(&world).await;
    let (mine, theirs) = (good(&world, &first).await, good(&world, &first).await);
    let next = good(&world, &mine).await;
    refused(&world, &theirs).await;
    refused(&world, &next).await;
    // Another session of the same user is another family.
    good(&world, &login(&world).await).await;
}

#[tokio::test]
async fn logout_ends_the_session_and_time_does_too() {
    let world = World::new().await;
    let first = login(&world).await;
    let second = good(&world, &first).await;
    let request = Request::post("/auth/logout").header("cookie", &second).body(Body::empty()).unwrap();
    let reply = world.send(request).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    assert!(reply.header("set-cookie").contains("Max-Age=0"));
    refused(&world, &second).await;
    refused(&world, &first).await;

    let third = login(&world).await;
    world.pass(landfall_server::session::SESSION_MS - 1);
    let fourth = good(&world, &third).await;
    world.pass(landfall_server::session::SESSION_MS);
    refused(&world, &fourth).await;
    for forged in ["landfall-session=", "landfall-session=AAAA", "landfall-session=%00", "other=1"] {
        assert_eq!(refresh(&world, forged).await.problem(), "AUTH_ERROR", "{forged}");
    }
}

// A11
#[tokio::test]
async fn refreshing_without_end_is_slowed_down_and_keeps_the_session() {
    let world = World::with(|config| config.rate_per_s = 5).await;
    let mut session = login(&world).await;
    for _ in 0..2 {
        session = good(&world, &session).await;
    }
    let reply = refresh(&world, &session).await;
    assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"));
    assert_eq!(reply.header("retry-after"), "2");
    world.pass(2_000);
    good(&world, &session).await;
}

// A13
#[tokio::test]
async fn other_sites_cannot_use_the_cookie() {
    let world = World::new().await;
    let session = login(&world).await;
    let foreign = [
        ("sec-fetch-site", "cross-site", StatusCode::FORBIDDEN),
        ("sec-fetch-site", "same-site", StatusCode::FORBIDDEN),
        ("content-type", "application/x-www-form-urlencoded", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("content-type", "text/plain", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ];
    for path in ["/auth/refresh", "/auth/logout"] {
        for (name, value, status) in foreign {
            let request = Request::post(path).header("cookie", &session).header(name, value).body(Body::empty()).unwrap();
            let reply = world.send(request).await;
            assert_eq!(reply.status, status, "{path} {value}");
            reply.problem();
        }
    }
    good(&world, &session).await;
}

#[tokio::test]
async fn without_dev_nobody_logs_in_by_asking_and_the_cookie_needs_tls() {
    let world = World::with(|config| config.dev = false).await;
    let reply = world.post("/auth/dev", "", &json!({"app": "shop", "tenant": "t", "user": "ann"})).await;
    assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::NOT_FOUND, "NOT_FOUND"));
    let reply = world.send(Request::post("/auth/logout").body(Body::empty()).unwrap()).await;
    let set = reply.header("set-cookie");
    assert!(set.starts_with("__Host-landfall-session=") && set.contains("; Secure") && !set.contains("Domain"), "{set}");
}

#[tokio::test]
async fn dev_logins_are_checked_like_any_other_body() {
    let world = World::new().await;
    let cases = [
        (json!({"app": "nowhere", "tenant": "t", "user": "ann"}), "NOT_FOUND"),
        (json!({"app": "shop", "tenant": "", "user": "ann"}), "VALIDATION_ERROR"),
        (json!({"app": "shop", "tenant": "t", "user": "a\u{7}"}), "VALIDATION_ERROR"),
        (json!({"app": "shop", "tenant": "t"}), "PROTOCOL_ERROR"),
        (json!({"app": "shop", "tenant": "t", "user": "x".repeat(20_000)}), "PAYLOAD_TOO_LARGE"),
    ];
    for (body, code) in cases {
        assert_eq!(world.post("/auth/dev", "", &body).await.problem(), code);
    }
}
