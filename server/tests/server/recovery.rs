//! What a server says to devices that know more than it does, or less than it remembers: restored files, collected tombstones.

use crate::world::{PUSH, World, caught_up, create, push, rows, update};
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
