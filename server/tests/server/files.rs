//! Files at `/`: their types, what guards documents, and what does not get out.

use crate::world::{Reply, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use tempfile::TempDir;

async fn world() -> (World, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let www = folder.path().join("www");
    std::fs::create_dir(&www).unwrap();
    let files = ["index.html", "sw.js", "landfall.wasm", "app.css", "manifest.webmanifest", "icon.svg"];
    for name in files {
        std::fs::write(www.join(name), format!("the file {name}, long enough to be worth packing: {}", "x".repeat(100))).unwrap();
    }
    std::fs::write(folder.path().join("outside.txt"), "secret").unwrap();
    (World::with(|config| config.files = Some(www)).await, folder)
}

async fn get(world: &World, path: &str) -> Reply {
    world.send(Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn files_have_their_types_and_documents_their_policy() {
    let (world, _folder) = world().await;
    let types = [
        ("/", "text/html"),
        ("/index.html", "text/html"),
        ("/sw.js", "text/javascript"),
        ("/landfall.wasm", "application/wasm"),
        ("/app.css", "text/css"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/icon.svg", "image/svg+xml"),
    ];
    for (path, kind) in types {
        let reply = get(&world, path).await;
        assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, kind), "{path}");
        assert_eq!((reply.header("cache-control"), reply.header("x-content-type-options")), ("no-cache", "nosniff"), "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(reply.headers.contains_key("content-security-policy"), kind == "text/html", "{path}");
    }
    let policy = get(&world, "/").await;
    let policy = policy.header("content-security-policy");
    for part in [
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    ] {
        assert!(policy.split("; ").any(|one| one == part), "{part} in {policy}");
    }
}

#[tokio::test]
async fn nothing_outside_the_folder_is_served_and_what_is_missing_is_a_problem() {
    let (world, _folder) = world().await;
    for path in ["/../outside.txt", "/%2e%2e/outside.txt", "/..%2foutside.txt", "/missing.html", "//etc/passwd"] {
        let reply = get(&world, path).await;
        assert!(reply.status.is_client_error(), "{path}: {}", reply.status);
        reply.problem();
    }
    let reply = world.send(Request::post("/index.html").body(Body::empty()).unwrap()).await;
    assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "PROTOCOL_ERROR"));
    // Routes come first, and a second look costs no bytes.
    assert_eq!(get(&world, "/health").await.header("content-type"), "application/json");
    let first = get(&world, "/sw.js").await;
    let again = Request::get("/sw.js").header("if-modified-since", first.header("last-modified"));
    assert_eq!(world.send(again.body(Body::empty()).unwrap()).await.status, StatusCode::NOT_MODIFIED);
}
