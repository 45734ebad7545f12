//! What a server says to devices that know more than it does, or less than it remembers: restored files, collected tombstones.

use crate::world::{PUSH, World, caught_up, create, delete, push, rows, update};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

async fn over(path: &Path) -> World {
    let path = path.to_owned();
    World::with(move |config| config.data = Some(path)).await
}

/// A file, and a copy of it that was made while nobody wrote.
async fn copied(before: &[Value]) -> (tempfile::TempDir, PathBuf, PathBuf, Value) {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("kept.db"), folder.path().join("copy.db"));
    let world = over(&path).await;
    let token = world.token("ann", "t");
    let answer = world.pushed(&token, &push("d1", 1, before)).await;
    assert_eq!(answer["success"], true, "{answer}");
    world.server.close().await;
    std::fs::copy(&path, &copy).unwrap();
    (folder, path, copy, answer["mark"].clone())
}

fn put_back(path: &Path, copy: &Path) {
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
    std::fs::copy(copy, path).unwrap();
}

// SYN-11
#[tokio::test]
async fn scenario_24_a_file_put_back_to_an_older_copy_says_so_and_takes_lost_ops_again() {
    let (_folder, path, copy, mark) = copied(&[create("op1", "a")]).await;
    let lost = [update("op2", "a", 1, "two"), create("op3", "b")];
    let world = over(&path).await;
    let token = world.token("ann", "t");
    let answer = world.pushed(&token, &push("d1", 2, &lost)).await;
    let (told, cursor) = (answer["mark"].clone(), caught_up(&world, &token, "d1").await);
    assert!(told["number"].as_u64() > mark["number"].as_u64());
    world.server.close().await;
    put_back(&path, &copy);

    let world = over(&path).await;
    let token = world.token("ann", "t");
    let page = world.page(&token, "d1", &cursor).await;
    assert_eq!((&page["reset"], rows(&page).len()), (&json!("rollback"), 0), "a token of what is lost");
    // A device whose token had not moved knows by its mark; nothing of its push is decided then.
    let mut next = push("d1", 3, &[create("op4", "c")]);
    next["mark"] = told.clone();
    let answer = world.post(PUSH, &token, &next).await.json();
    assert_eq!((&answer["reset"], &answer["processed"], &answer["success"]), (&json!("rollback"), &json!([]), &json!(false)));
    let mut pull = crate::world::pull("d1");
    pull["mark"] = told;
    assert_eq!(world.post(crate::world::PULL, &token, &pull).await.json()["reset"], "rollback");
    // What is sent again is applied where it was lost and answered where it was not.
    let again = push("d1", 4, &[create("op1", "a"), lost[0].clone(), lost[1].clone()]);
    let answer = world.pushed(&token, &again).await;
    assert_eq!(answer["success"], true, "{answer}");
    let found = rows(&world.page(&token, "d1", &Value::Null).await);
    let versions: Vec<_> = found.iter().map(|row| (&row["entity_id"], &row["server_version"])).collect();
    assert_eq!(versions, [(&json!("a"), &json!(2)), (&json!("b"), &json!(1))]);
    // The mark of before the copy is still good: that much was never lost.
    next["mark"] = mark;
    assert_eq!(world.post(PUSH, &token, &next).await.json().get("reset"), None);
}

/// A server that is only started again has lost nothing.
#[tokio::test]
async fn scenario_24_a_mere_restart_is_no_rollback() {
    let (_folder, path, _, mark) = copied(&[create("op1", "a")]).await;
    for no in 2..5 {
        let world = over(&path).await;
        let token = world.token("ann", "t");
        let mut next = push("d1", no, &[create(&format!("op{no}"), &format!("r{no}"))]);
        (next["mark"], next["pull"]) = (mark.clone(), json!(true));
        let answer = world.pushed(&token, &next).await;
        assert_eq!((&answer["success"], answer.get("reset")), (&json!(true), None));
        world.server.close().await;
    }
}

const DAY: u64 = 24 * 3_600_000;

/// An op as it is frozen: with the time at which it first left.
fn sent(mut op: Value, world: &World) -> Value {
    op["sent_at"] = json!(world.now().iso());
    op
}

async fn send(world: &World, no: u64, op: Value) -> Value {
    let mut body = push("d1", no, &[op]);
    body["client_time"] = json!(world.now().iso());
    world.pushed(&world.token("ann", "t"), &body).await["processed"][0].clone()
}

// SYN-16
async fn scenario_25_what_is_old_is_collected_and_neither_comes_back_nor_counts_twice(world: World) {
    let create_a = sent(create("op1", "a"), &world);
    assert_eq!(send(&world, 1, create_a.clone()).await["status"], "success");
    let edit = sent(update("op2", "kept", 1, "two"), &world);
    send(&world, 2, sent(create("op0", "kept"), &world)).await;
    assert_eq!(send(&world, 3, edit.clone()).await["status"], "success");
    let early = caught_up(&world, &world.token("ann", "t"), "d1").await;
    send(&world, 4, sent(delete("op3", "a", 1), &world)).await;
    let late = caught_up(&world, &world.token("ann", "t"), "d1").await;
    world.pass(29 * DAY);
    assert_eq!(landfall_server::keeper::collect(&world.server).await.unwrap(), 0, "not before its time");
    let recent = sent(create("op9", "recent"), &world);
    assert_eq!(send(&world, 5, recent.clone()).await["status"], "success");
    assert_eq!(send(&world, 6, create_a.clone()).await["status"], "success", "answered as before");
    world.pass(2 * DAY);
    assert_eq!(landfall_server::keeper::collect(&world.server).await.unwrap(), 5, "four answers and a tombstone");
    assert_eq!(landfall_server::keeper::collect(&world.server).await.unwrap(), 0);
    let token = world.token("ann", "t");
    let reset = |page: &Value| page.get("reset").cloned().unwrap_or_default();
    assert_eq!(reset(&world.page(&token, "d1", &early).await), "horizon", "it never saw the delete");
    assert_eq!(reset(&world.page(&token, "d1", &late).await), Value::Null, "it did");
    // Sent again after their answers were forgotten: neither is applied a second time.
    for (no, old) in [(7, create_a), (8, edit)] {
        let answer = send(&world, no, old).await;
        assert_eq!(answer["error"]["code"], "ANSWER_FORGOTTEN", "{answer}");
    }
    assert_eq!(send(&world, 9, recent).await["status"], "success", "kept, and answered as before");
    // Never sent before, however old the edit is: taken.
    assert_eq!(send(&world, 10, sent(create("op10", "made long ago"), &world)).await["status"], "success");
    let found = rows(&world.page(&world.token("ann", "t"), "d1", &Value::Null).await);
    let versions: Vec<_> = found.iter().map(|row| (&row["entity_id"], &row["server_version"])).collect();
    let (kept, made, recent) = (json!("kept"), json!("made long ago"), json!("recent"));
    assert_eq!(versions, [(&kept, &json!(2)), (&made, &json!(1)), (&recent, &json!(1))]);
}

#[tokio::test]
async fn scenario_25_memory() {
    scenario_25_what_is_old_is_collected_and_neither_comes_back_nor_counts_twice(World::with(|config| config.data = None).await)
        .await;
}

#[tokio::test]
async fn scenario_25_sqlite() {
    scenario_25_what_is_old_is_collected_and_neither_comes_back_nor_counts_twice(World::new().await).await;
}
