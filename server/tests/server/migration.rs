//! A server that is started with a newer declaration over data of an older one. // STO-8, scenario 15

use crate::world::{PULL, PUSH, SECRET, World, create, pull, push, rows, schemas, update};
use axum::http::StatusCode;
use landfall_server::Server;
use landfall_server::config::Config;
use landfall_server::db::Db;
use serde_json::{Value, json};
use std::path::Path;

/// The shop's declaration with notes that are memos with a name.
fn declared(folder: &Path, version: u32) {
    let mut shop: Value = serde_json::from_str(&std::fs::read_to_string(schemas().join("shop.json")).unwrap()).unwrap();
    let mut memo = shop["entities"].as_object_mut().unwrap().remove("note").unwrap();
    let fields = memo["fields"].as_object_mut().unwrap();
    let title = fields.remove("title").unwrap();
    fields.insert("name".into(), title);
    shop["entities"]["memo"] = memo;
    shop["version"] = json!(version);
    shop["migrations"] = json!([{ "to": 2, "steps": [
        { "rename_entity": { "from": "note", "to": "memo" } },
        { "rename_field": { "entity": "memo", "from": "title", "to": "name" } },
        { "map_values": { "entity": "memo", "field": "name", "values": { "one": "two", "two": "three" } } } ] }]);
    std::fs::write(folder.join("shop.json"), shop.to_string()).unwrap();
}

async fn names(world: &World, token: &str) -> Vec<(String, Value)> {
    let (mut names, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let mut body = pull("reader");
        body["schema_version"] = json!(2);
        body["sync_token"] = cursor;
        let reply = world.post(PULL, token, &body).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", String::from_utf8_lossy(&reply.bytes));
        let page = reply.json();
        names
            .extend(rows(&page).iter().map(|row| (row["entity_type"].as_str().unwrap().to_owned(), row["data"]["name"].clone())));
        cursor = page["next_sync_token"].clone();
        if page["has_more"] != json!(true) {
            return names;
        }
    }
}

#[tokio::test]
async fn scenario_15_a_server_follows_its_schema_and_goes_on_where_it_was_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.db");
    let kept = path.clone();
    let world = World::with(move |config| config.data = Some(kept)).await;
    let ann = world.token("ann", "t");
    let changes: Vec<Value> = (0..700).map(|at| create(&format!("op{at}"), &format!("n{at:03}"))).collect();
    let first = world.pushed(&ann, &push("d1", 1, &changes)).await;
    let old_token = { world.page(&ann, "reader", &Value::Null).await["next_sync_token"].clone() };
    world.server.close().await;

    // Stopped in the middle: the first 300 rows follow the new schema, and the file says so.
    let db = Db::open(&path).await.unwrap();
    let mut tx = db.write().await.unwrap();
    for statement in [
        "UPDATE records SET entity = 'memo', data = json_object('id', id, 'name', 'two') WHERE rowid <= 300",
        "UPDATE shapes SET goal = 2, after = 300 WHERE app = 'shop'",
    ] {
        sqlx::query(statement).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    db.close().await;

    declared(folder.path(), 2);
    let (kept, newer) = (path.clone(), folder.path().to_owned());
    let world = World::with(move |config| (config.data, config.schemas) = (Some(kept), newer)).await;
    let found = names(&world, &ann).await;
    assert_eq!(found.len(), 700);
    assert!(found.iter().all(|(entity, name)| entity == "memo" && name == "two"), "each row once");

    // An older device: its ops are taken, its old answer is given again, rows it gets none.
    world.register(&ann, "d1").await;
    let mut request = push("d1", 2, &[changes[0].clone(), update("late", "n001", 1, "late")]);
    request["pull"] = json!(true);
    let reply = world.pushed(&ann, &request).await;
    assert_eq!(
        (&reply["processed"][0]["number"], &reply["processed"][1]["status"]),
        (&first["processed"][0]["number"], &json!("success"))
    );
    assert_eq!((&reply["pull_error"]["code"], &reply["slices"]), (&json!("SCHEMA_MISMATCH"), &json!([])));
    assert!(names(&world, &ann).await.contains(&("memo".to_owned(), json!("late"))));
    let refused = world.post(PULL, &ann, &pull("d1")).await;
    assert_eq!((refused.status, refused.problem()), (StatusCode::CONFLICT, "SCHEMA_MISMATCH".to_owned()));
    assert_eq!(refused.json()["data"], json!({ "server": 2, "device": 1 }));

    // A token of the old schema begins a snapshot; a device that is ahead keeps its ops.
    let mut body = pull("reader");
    (body["schema_version"], body["sync_token"]) = (json!(2), old_token);
    assert_eq!(world.post(PULL, &ann, &body).await.json()["reset"], json!("token"));
    let mut ahead = push("d1", 3, &[]);
    ahead["schema_version"] = json!(3);
    let reply = world.post(PUSH, &ann, &ahead).await;
    assert_eq!((reply.problem(), reply.json()["hint"].clone()), ("SCHEMA_MISMATCH".to_owned(), json!("update the server")));
    world.server.close().await;

    // The old declaration over the new data is refused before anybody is served.
    let config = Config { data: Some(path), schemas: schemas(), secret: Some(SECRET.to_vec()), ..Config::default() };
    let error = Server::start(&config).await.err().expect("older than its data");
    assert_eq!((error.code.as_str(), error.path.as_str()), ("SCHEMA_MISMATCH", "shop"));
}
