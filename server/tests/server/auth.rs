//! Who is let in. Tokens here are forged by hand, so that the test does not trust the code it tests.

use crate::world::{SECRET, START, World, identity, post};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use landfall_server::secret;
use serde_json::{Value, json};

const PULL: &str = "/shop/api/v1/sync/pull";

fn forge(header: &Value, claims: &Value, key: &[u8]) -> String {
    let signed = format!("{}.{}", secret::text(header.to_string().as_bytes()), secret::text(claims.to_string().as_bytes()));
    format!("{signed}.{}", secret::text(&hmac(key, signed.as_bytes())))
}

/// HMAC-SHA-256 written out (RFC 2104), for keys of at most 64 bytes.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let pad = |with: u8| -> Vec<u8> {
        let mut block = vec![with; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = secret::hashed(&[pad(0x36), message.to_vec()].concat());
    secret::hashed(&[pad(0x5c), inner].concat())
}

fn claims() -> Value {
    let now = START / 1000;
    let (iat, exp) = (now, now + 600);
    json!({"sub": "ann", "tenant": "t", "app": "shop", "roles": [], "aud": "landfall", "typ": "access", "iat": iat, "exp": exp})
}

fn pull() -> Value {
    json!({"protocol": 1, "device_id": "d1", "schema_version": 1})
}

// A9
#[tokio::test]
async fn tokens_that_are_not_exactly_ours_are_refused() {
    let world = World::new().await;
    let key = secret::derive(SECRET, "access token");
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        forge(&header, &claims, &key)
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        forge(&header, &claims, &key)
    };
    let good = forge(&header, &claims(), &key);
    let reply = world.post(PULL, &good, &pull()).await;
    assert_eq!(reply.status, StatusCode::OK, "the forgery is right but for what each case breaks: {:?}", reply.json());

    let now = START / 1000;
    let jwk = json!({"alg": "HS256", "jwk": {"kty": "oct", "k": secret::text(b"mine"), "alg": "HS256"}, "kid": "../../dev/null"});
    let cases = [
        ("alg none", forge(&json!({"alg": "none"}), &claims(), &key)),
        ("alg none, no signature", format!("{}.", forge(&json!({"alg": "none"}), &claims(), &key).rsplit_once('.').unwrap().0)),
        ("alg HS512", forge(&json!({"alg": "HS512"}), &claims(), &key)),
        ("alg RS256", forge(&json!({"alg": "RS256"}), &claims(), &key)),
        ("embedded key", forge(&jwk, &claims(), b"mine")),
        ("another key", forge(&header, &claims(), b"mine")),
        ("the secret itself as key", forge(&header, &claims(), SECRET)),
        ("wrong audience", with("aud", json!("elsewhere"))),
        ("no audience", without("aud")),
        ("refresh used as access", with("typ", json!("refresh"))),
        ("no type", without("typ")),
        ("another application", with("app", json!("other"))),
        ("over by a second", with("exp", json!(now - 1))),
        ("over by nothing", with("exp", json!(now))),
        ("no end", without("exp")),
        ("end as text", with("exp", json!("never"))),
        ("nobody", with("sub", json!(""))),
        ("control characters", with("tenant", json!("t\n"))),
        ("no tenant", without("tenant")),
        ("changed claims", {
            let (signed, signature) = good.rsplit_once('.').unwrap();
            let head = signed.split_once('.').unwrap().0;
            let mut claims = claims();
            claims["sub"] = json!("bob");
            format!("{head}.{}.{signature}", secret::text(claims.to_string().as_bytes()))
        }),
        ("not a token", "x".to_owned()),
    ];
    for (name, token) in cases {
        let reply = world.post(PULL, &token, &pull()).await;
        assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::UNAUTHORIZED, "AUTH_ERROR"), "{name}");
        assert_eq!(reply.header("www-authenticate"), "Bearer", "{name}");
    }
}

#[tokio::test]
async fn a_token_ends_after_ten_minutes_and_headers_other_than_bearer_are_refused() {
    let world = World::new().await;
    let token = world.token("ann", "t");
    world.pass(599_000);
    assert_eq!(world.post(PULL, &token, &pull()).await.status, StatusCode::OK);
    world.pass(1_000);
    assert_eq!(world.post(PULL, &token, &pull()).await.problem(), "AUTH_ERROR");
    let fresh = world.token("ann", "t");
    for header in [format!("Basic {fresh}"), fresh.clone(), "Bearer".to_owned(), String::new()] {
        let request = Request::post(PULL).header("content-type", "application/json").header("authorization", &header);
        let reply = world.send(request.body(Body::from(pull().to_string())).unwrap()).await;
        assert_eq!(reply.problem(), "AUTH_ERROR", "{header:?}");
    }
    // Not in the address, where logs would keep it.
    let reply = world.send(post(&format!("{PULL}?access_token={fresh}"), "").body(Body::empty()).unwrap()).await;
    assert_eq!(reply.problem(), "AUTH_ERROR");
}

// A2, security.md "authentication after decompression"
#[tokio::test]
async fn the_body_of_an_unknown_caller_is_never_read() {
    let world = World::new().await;
    let untouched = Body::from_stream(futures_util::stream::once(async {
        panic!("the body was read");
        #[allow(unreachable_code)]
        Ok::<_, std::io::Error>(Vec::<u8>::new())
    }));
    let reply = world.send(post(PULL, "").header("content-encoding", "gzip").body(untouched).unwrap()).await;
    assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::UNAUTHORIZED, "AUTH_ERROR"));
    // Nor is it told which encodings and sizes would do.
    for (name, value) in [("content-encoding", "zstd"), ("content-length", "999999999999"), ("content-type", "text/plain")] {
        let reply = world.send(Request::post(PULL).header(name, value).body(Body::empty()).unwrap()).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{name}");
    }
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_problems() {
    let world = World::new().await;
    let token = world.token("ann", "t");
    let reply = world.post("/nowhere/api/v1/sync/pull", &token, &pull()).await;
    assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::NOT_FOUND, "NOT_FOUND"));
    let reply = world.send(Request::get("/nowhere/schema.json").body(Body::empty()).unwrap()).await;
    assert_eq!(reply.problem(), "NOT_FOUND");
    let reply = world.send(Request::get("/no/such/place").body(Body::empty()).unwrap()).await;
    assert_eq!(reply.problem(), "NOT_FOUND");
    let get = Request::get(PULL).header("authorization", format!("Bearer {token}"));
    let reply = world.send(get.body(Body::empty()).unwrap()).await;
    assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "PROTOCOL_ERROR"));
    assert_eq!(reply.header("allow"), "POST");
    let reply = world.send(Request::get("/shop/schema.json").body(Body::empty()).unwrap()).await;
    assert_eq!((reply.status, reply.json()["app"].as_str()), (StatusCode::OK, Some("shop")));
    let reply = world.send(Request::get("/health").body(Body::empty()).unwrap()).await;
    assert_eq!((reply.status, &reply.json()["status"]), (StatusCode::OK, &json!("ok")));
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
}

// scenario 32, A11
#[tokio::test]
async fn a_user_who_calls_too_often_waits_and_others_do_not() {
    let world = World::with(|config| config.rate_per_s = 2).await;
    let (ann, bob) = (world.token("ann", "t"), world.token("bob", "t"));
    for _ in 0..8 {
        assert_eq!(world.post(PULL, &ann, &pull()).await.status, StatusCode::OK);
    }
    let reply = world.post(PULL, &ann, &pull()).await;
    assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"));
    assert_eq!((reply.header("retry-after"), &reply.json()["retry_after_ms"]), ("1", &json!(500)));
    let mut other = pull();
    other["device_id"] = json!("d2");
    assert_eq!(world.post(PULL, &bob, &other).await.status, StatusCode::OK);
    world.pass(500);
    assert_eq!(world.post(PULL, &ann, &pull()).await.status, StatusCode::OK);
}

#[test]
fn scopes_of_different_pairs_differ() {
    let mut other = identity("ann", "t/x");
    other.app = "shop".into();
    assert_ne!(identity("ann", "t").scope(), other.scope());
}
