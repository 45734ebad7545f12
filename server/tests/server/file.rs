//! What only a ledger in a file can show: two connections at once, restarts, and an older copy put back.

use crate::world::{World, caught_up, create, held, push, rows};
use landfall_server::db::Db;
use serde_json::{Value, json};
use std::path::Path;

async fn next(world: &World, token: &str, cursor: &Value) -> (Vec<String>, Value) {
    let page = world.page(token, "reader", cursor).await;
    assert_eq!(page.get("reset"), None);
    let ids = rows(&page).iter().map(|row| row["entity_id"].as_str().unwrap().to_owned()).collect();
    (ids, page["next_sync_token"].clone())
}

// scenario 9; SRV-5
#[tokio::test(flavor = "multi_thread")]
async fn scenario_09_a_number_taken_first_and_committed_last_is_not_skipped() {
    let world = std::sync::Arc::new(World::new().await);
    let (ann, bob) = (world.token("ann", "t"), world.token("bob", "t"));
    world.pushed(&ann, &push("d1", 1, &[create("op0", "zero")])).await;
    world.register(&ann, "d1").await;
    let cursor = caught_up(&world, &bob, "reader").await;

    // Another connection, as another process would have, takes number 2 and holds its transaction open.
    let other = Db::open(&world.folder.path().join("data.db")).await.unwrap();
    let mut slow = other.write().await.unwrap();
    let number: i64 = sqlx::query_scalar("UPDATE tenants SET counter = counter + 1 WHERE scope = 'shop/t' RETURNING counter")
        .fetch_one(&mut *slow)
        .await
        .unwrap();
    assert_eq!(number, 2);
    let fast = {
        let (world, ann) = (std::sync::Arc::clone(&world), ann.clone());
        tokio::spawn(async move { world.pushed(&ann, &push("d1", 2, &[create("op2", "fast")])).await })
    };
    // While the slow one is open nobody overtakes it: a reader sees neither, and its cursor does not pass number 2.
    let (seen, cursor) = next(&world, &bob, &cursor).await;
    assert!(seen.is_empty() && !fast.is_finished(), "{seen:?}");
    sqlx::query(
        "INSERT INTO records (scope, entity, id, sort, version, number, deleted, data, stamps, changed_by, changed_at)
         VALUES ('shop/t', 'note', 'slow', x'00', 1, 2, 0, '{\"id\":\"slow\"}', '{}', 'eve', 0)",
    )
    .execute(&mut *slow)
    .await
    .unwrap();
    slow.commit().await.unwrap();
    let answer = fast.await.unwrap();
    assert_eq!(answer["processed"][0]["number"], json!(3), "{answer}");
    let (seen, _) = next(&world, &bob, &cursor).await;
    assert_eq!(seen, ["slow", "fast"]);
}

async fn restarted(world: World, path: &Path) -> World {
    world.server.close().await;
    let path = path.to_owned();
    World::with(move |config| config.data = Some(path)).await
}

// scenarios 22, 24; law 12
#[tokio::test]
async fn a_cursor_outlives_a_restart_and_notices_an_older_copy() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("kept.db"), folder.path().join("copy.db"));
    let kept = path.clone();
    let world = World::with(move |config| config.data = Some(kept)).await;
    let (ann, bob) = (world.token("ann", "t"), world.token("bob", "t"));
    world.pushed(&ann, &push("d1", 1, &[create("op1", "a")])).await;
    let early = caught_up(&world, &bob, "reader").await;
    let world = restarted(world, &path).await;
    assert_eq!(next(&world, &bob, &early).await.0, Vec::<String>::new());
    world.server.close().await;
    std::fs::copy(&path, &copy).unwrap();

    // The hour that will be lost.
    let world = restarted(world, &path).await;
    let lost = world.pushed(&ann, &push("d1", 2, &[create("op2", "b")])).await;
    assert_eq!(lost["success"], true);
    let late = caught_up(&world, &bob, "reader").await;
    world.server.close().await;
    for end in ["-wal", "-shm"] {
        assert!(!folder.path().join(format!("kept.db{end}")).exists(), "a closed database is one file");
    }
    std::fs::copy(&copy, &path).unwrap();

    let world = restarted(world, &path).await;
    assert_eq!(next(&world, &bob, &early).await.0, Vec::<String>::new(), "what the copy still has is still good");
    let page = world.page(&bob, "reader", &late).await;
    assert_eq!((&page["reset"], rows(&page).len()), (&json!("rollback"), 0), "{page}");
    // The device sends the lost op again with the same id, and it is applied again, once. Even though the number of the
    // lost change is now another's, the late cursor stays refused.
    for no in 2..4 {
        let again = world.pushed(&ann, &push("d1", no, &[create("op2", "b")])).await;
        assert_eq!((&again["success"], &again["processed"][0]["number"]), (&json!(true), &json!(2)));
    }
    assert_eq!(world.page(&bob, "reader", &late).await["reset"], "rollback");
    assert_eq!(next(&world, &bob, &early).await.0, ["b"]);
}

#[tokio::test]
async fn the_secret_is_made_once_and_a_short_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.db");
    let with = |secret: Option<&[u8]>| {
        let (path, secret) = (path.clone(), secret.map(<[u8]>::to_vec));
        World::with(move |config| (config.data, config.secret) = (Some(path), secret))
    };
    let world = with(None).await;
    let token = world.token("ann", "t");
    world.server.close().await;
    let world = with(None).await;
    world.pushed(&token, &push("d1", 1, &[create("op1", "a")])).await;
    world.server.close().await;
    let world = with(Some(b"another secret of more than 32 bytes")).await;
    let reply = world.post(crate::world::PULL, &token, &crate::world::pull("d1")).await;
    assert_eq!(reply.problem(), "AUTH_ERROR");
    let config = landfall_server::config::Config {
        schemas: crate::world::schemas(),
        secret: Some(b"short".to_vec()),
        ..landfall_server::config::Config::default()
    };
    let error = landfall_server::Server::start(&config).await.err().unwrap();
    assert_eq!(error.code.as_str(), "VALIDATION_ERROR");
}

#[tokio::test]
async fn a_seed_fills_an_empty_tenant_once_and_names_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let (path, seed) = (folder.path().join("kept.db"), folder.path().join("seed.ndjson"));
    let line = |entity: &str, data: Value| json!({"app": "shop", "tenant": "t", "entity": entity, "data": data}).to_string();
    let lines: Vec<String> = (0..1_200).map(|n| line("note", json!({"id": format!("n{n}"), "title": "seeded"}))).collect();
    std::fs::write(&seed, lines.join("\n") + "\n\n").unwrap();
    let start = || {
        let (path, seed) = (path.clone(), seed.clone());
        World::with(move |config| (config.data, config.seed) = (Some(path), Some(seed)))
    };
    let world = start().await;
    let token = world.token("ann", "t");
    let page = world.page_of(&token, "d1", (&Value::Null, 1)).await;
    let row = &rows(&page)[0];
    assert_eq!((&row["changed_by"], &row["operation"], &row["server_version"]), (&json!("seed"), &json!("create"), &json!(1)));
    world.server.close().await;
    std::fs::write(&seed, line("note", json!({"id": "late"}))).unwrap();
    let world = start().await;
    let mut body = crate::world::pull("d1");
    body["want"] = json!([{"entity_type": "note", "entity_id": "late"}, {"entity_type": "note", "entity_id": "n1199"}]);
    body["limit"] = json!(1);
    let wanted = rows(&world.post(crate::world::PULL, &token, &body).await.json());
    assert_eq!(wanted.iter().filter(|row| row["entity_id"] == "n1199").count(), 1);
    assert!(wanted.iter().all(|row| row["entity_id"] != "late"), "a tenant with rows is left alone");

    for (text, place) in [("{\"app\":1}", ":1"), (&line("note", json!({"id": "x", "title": 7})) as &str, "title")] {
        let seed = folder.path().join("wrong.ndjson");
        std::fs::write(&seed, text).unwrap();
        let config = landfall_server::config::Config {
            schemas: crate::world::schemas(),
            seed: Some(seed),
            ..landfall_server::config::Config::default()
        };
        let error = landfall_server::Server::start(&config).await.err().unwrap();
        assert_eq!(error.code.as_str(), "VALIDATION_ERROR", "{error}");
        assert!(error.path.contains(place), "{error}");
    }
}

#[tokio::test]
async fn a_file_of_a_newer_server_is_left_alone() {
    let world = World::new().await;
    let path = world.folder.path().join("data.db");
    world.pushed(&world.token("ann", "t"), &push("d1", 1, &[create("op1", "a")])).await;
    let before = held(&world.folder).await;
    let other = Db::open(&path).await.unwrap();
    let mut tx = other.write().await.unwrap();
    sqlx::query("PRAGMA user_version = 99").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let error = Db::open(&path).await.err().unwrap();
    assert!(error.message.contains("newer"), "{error}");
    let mut tx = other.write().await.unwrap();
    sqlx::query("PRAGMA user_version = 5").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(held(&world.folder).await, before);
}
