//! The part of the conformance suite that changes the schema under a database with work in it: what every executor must do
//! when it opens a database that an older version has left. `tests/store/main.rs` and `tests/browser` hold theirs to it.

use crate::suite::{self, Database};
use landfall::error::Code;
use landfall::id::Entropy;
use landfall::queue::Op;
use landfall::record::digest;
use landfall::schema::{Operation, Schema};
use landfall::store::absorb::{Absorb, Expect};
use landfall::store::migrate::{Migrate, Migrated};
use landfall::store::recover::Recover;
use landfall::store::stage::{Size, Stage, Staged};
use landfall::store::{Change, Output, Range, Read, Rows, Tx, Write, WriteRequest, layout};
use landfall::time::Millis;
use landfall::wire::{RemoteChange, Slice};
use serde_json::{Value, json};

/// An executor whose database can be opened by newer code.
#[allow(async_fn_in_trait, reason = "the suite is generic; nothing is sent between threads")]
pub trait Upgradable: Database {
    /// Closes the database and opens it with this schema, as another day's code would.
    async fn upgrade(&mut self, schema: &Schema);
    /// Writes rows, as code of any kind may have left them.
    async fn put(&mut self, changes: Vec<Change>);
}

/// The suite's schema two versions later: nothing of a book is called what it was.
pub fn newer(version: u32) -> Schema {
    let mut text = serde_json::to_value(suite::schema()).expect("a schema");
    let store = if version == 3 { "tomes" } else { "volumes" };
    let mut book = text["entities"].as_object_mut().and_then(|all| all.remove("book")).expect("books");
    let mut title = book["fields"]["title"].take();
    title["required"] = json!(true);
    book["store"] = json!(store);
    for gone in ["title", "note"] {
        book["fields"].as_object_mut().expect("fields").remove(gone);
    }
    book["fields"]["name"] = title;
    book["fields"]["area"] = json!({ "type": "string" });
    book["fields"]["status"]["enum"] = json!(["todo", "done", "late"]);
    book["indexes"] = json!([{ "name": "name", "fields": ["name"] }, { "name": "status", "fields": ["status"] }]);
    let mut migrations = vec![json!({ "to": 2, "steps": [
        { "rename_entity": { "from": "book", "to": "volume", "store": "books" } },
        { "rename_field": { "entity": "volume", "from": "title", "to": "name" } },
        { "map_values": { "entity": "volume", "field": "status", "values": { "open": "todo", "todo": "late" } } },
        { "add_field": { "entity": "volume", "field": "area", "value": "all" } },
        { "drop_field": { "entity": "volume", "field": "note" } } ] })];
    if version == 3 {
        migrations.push(json!({ "to": 3, "steps": [
            { "rename_entity": { "from": "volume", "to": "tome", "store": "volumes" } },
            { "map_values": { "entity": "tome", "field": "area", "values": { "all": "every" } } } ] }));
    }
    text["entities"][if version == 3 { "tome" } else { "volume" }] = book;
    text["migrations"] = json!(migrations);
    text["version"] = json!(version);
    Schema::parse(&text.to_string()).expect("the newer schema")
}

async fn all(db: &mut impl Database, store: &str) -> Rows {
    db.read(Read::Range(Range::all(store.to_owned(), u32::MAX))).await.expect("a readable store")
}

pub async fn migrate(db: &mut impl Database) -> Migrated {
    match db.run(Tx::Migrate(Migrate::new(Millis(99)))).await {
        Ok(Output::Migrated(migrated)) => migrated,
        other => panic!("not migrated: {other:?}"),
    }
}

fn write(schema: &Schema, what: (Operation, &str, &str), data: Value, now: u64) -> Tx {
    let (operation, entity, id) = what;
    let data = data.as_object().cloned().unwrap_or_default();
    let request = WriteRequest { operation, entity: entity.into(), id: Some(id.into()), data, removed: Vec::new() };
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&now.to_le_bytes());
    Tx::Write(Write::new(schema, request, "ann", (Millis(now), Entropy::new(seed))).expect("a valid write"))
}

async fn stage(db: &mut impl Database) -> Staged {
    match db.run(Tx::Stage(Stage::new(1, Size { ops: 4, bytes: 1 << 20 }, Millis(21)))).await {
        Ok(Output::Staged(staged)) => staged,
        other => panic!("not staged: {other:?}"),
    }
}

fn pulled(id: &str, data: Value) -> RemoteChange {
    let data = data.as_object().cloned().expect("fields");
    RemoteChange {
        operation: Operation::Create,
        entity_type: "book".into(),
        entity_id: id.into(),
        digest: digest(&data),
        data,
        server_version: 1,
        number: 1,
        timestamp: Millis(1).iso(),
        changed_by: "bob".into(),
        stamps: Default::default(),
    }
}

/// A device of the first version: clean records, a frozen op with one behind it, open edits, a delete.
async fn live(db: &mut impl Database) {
    let schema = suite::schema();
    db.run(Tx::Recover(Recover::new(Millis(5), Entropy::new([3; 32])))).await.expect("recovered");
    let rows =
        ["c1", "c2", "c3", "c4"].map(|id| pulled(id, json!({ "id": id, "title": id, "status": "open", "rank": 1, "note": "n" })));
    let slice = Slice { acks: vec![], changes: rows.to_vec(), removed: vec![], range: None, token: "t".into() };
    let expect = Expect { fence: 1, token: None, has_more: false };
    db.run(Tx::Absorb(Absorb::new(expect, slice, Millis(6)))).await.expect("absorbed");
    let book = json!({ "title": "one", "status": "open", "rank": 1, "note": "mine" });
    db.run(write(&schema, (Operation::Create, "book", "a"), book, 10)).await.expect("created");
    assert_eq!(stage(db).await.batch.len(), 1);
    for (now, id, data) in [
        (30, "a", json!({ "title": "one and more", "status": "done" })),
        (31, "c1", json!({ "title": "c1 edited", "note": "not sent" })),
        (32, "c2", json!({ "note": "only this" })),
    ] {
        db.run(write(&schema, (Operation::Update, "book", id), data, now)).await.expect("updated");
    }
    db.run(write(&schema, (Operation::Delete, "book", "c3"), Value::Null, 33)).await.expect("deleted");
}

fn change(row: &Value) -> Value {
    let op: Op = serde_json::from_value(row.clone()).expect("an op");
    serde_json::to_value(op.change()).expect("a change")
}

/// Scenario 15, STO-8, laws 3 and 16: records, bases and ops follow the new schema, what was frozen keeps its bytes, and what
/// has no place is kept for the person.
pub async fn scenario_15_a_life_goes_on_under_a_newer_schema(db: &mut impl Upgradable) {
    live(db).await;
    let frozen = change(&all(db, "sync_queue").await[0]);
    let schema = newer(2);
    let map = json!({ "tempId": "temp_1", "realId": "r", "entityType": "book", "createdAt": 1, "syncedAt": 2 });
    db.put(vec![Change::Put { store: layout::ID_MAP, row: map }]).await;
    db.upgrade(&schema).await;
    while migrate(db).await.more {}
    assert_eq!(all(db, "id_map").await[0]["entityType"], "volume");
    let (books, ops, bases) = (all(db, "volumes").await, all(db, "sync_queue").await, all(db, "base").await);
    let shown = |row: &Value| json!([row["id"], row["name"], row["status"], row["area"], row["note"], row["_sync"]["status"]]);
    assert_eq!(
        books.iter().map(shown).collect::<Vec<_>>(),
        [
            json!(["a", "one and more", "done", "all", null, "pending"]),
            json!(["c1", "c1 edited", "todo", "all", null, "pending"]),
            json!(["c2", "c2", "todo", "all", null, "synced"]),
            json!(["c4", "c4", "todo", "all", null, "synced"]),
        ]
    );
    assert_eq!((change(&ops[0]), ops.len()), (frozen, 4), "what has left keeps its bytes, its schema too");
    assert_eq!((&ops[0]["data"]["name"], &ops[0]["schema_version"]), (&json!("one"), &json!(2)));
    assert_eq!(ops[1]["data"], json!({ "name": "one and more", "status": "done" }));
    assert_eq!((&ops[2]["data"], &ops[2]["before"]), (&json!({ "name": "c1 edited" }), &json!({ "name": "c1" })));
    assert!(ops.iter().all(|op| op["entity_type"] == "volume" && op["lane"][0] == "volume"));
    let names = |row: &Value| json!([row["entity_type"], row["entity_id"], row["data"]["name"], row["data"]["note"]]);
    assert_eq!(
        bases.iter().map(names).collect::<Vec<_>>(),
        [json!(["volume", "c1", "c1", null]), json!(["volume", "c3", "c3", null])]
    );
    let kept = all(db, "quarantine").await;
    let lost: Vec<&Value> = kept.iter().map(|row| &row["row"]["data"]["note"]).collect();
    assert_eq!(lost, [&json!("not sent"), &json!("only this")], "nothing typed is gone");
    assert!(kept.iter().all(|row| row["error"]["code"] == json!(Code::SchemaMismatch)));
    let head = all(db, "metadata").await.remove(0);
    let bytes: u64 = books.iter().filter_map(|row| row["_sync"]["bytes"].as_u64()).sum();
    assert_eq!((&head["queued"], &head["quarantined"], &head["usage"]), (&json!(4), &json!(2), &json!({ "volume": bytes })));
    let by_name = db.read(Read::Range(Range::all("volumes", 9).by("name").only("c1 edited".into()))).await.expect("an index");
    assert_eq!(by_name.len(), 1);
    db.run(write(&schema, (Operation::Update, "volume", "c1"), json!({ "area": "east" }), 50)).await.expect("work goes on");
    assert_eq!(all(db, "sync_queue").await[2]["data"], json!({ "name": "c1 edited", "area": "east" }));
    assert!(!migrate(db).await.more);
}

/// STO-8: cut off after any transaction, and by another upgrade, the migration ends in the rows that one in a single piece
/// ends in. Nothing is moved twice.
pub async fn a_migration_cut_off_anywhere_ends_in_the_same_rows(db: &mut impl Upgradable) {
    live(db).await;
    let rows: Vec<Value> = (0..600)
        .map(|at| {
            json!({ "id": format!("r{at:04}"), "title": format!("open {at}"), "status": "open", "rank": at,
            "_sync": { "status": "synced", "version": 1, "local": 0, "modified": 1, "synced": 1, "server_at": 1, "by": "bob",
                "offline": false, "bytes": 10 } })
        })
        .collect();
    db.put(rows.iter().map(|row| Change::Put { store: "books".into(), row: row.clone() }).collect()).await;
    let bases = (0..300).map(|at| {
        json!({ "entity_type": "book", "entity_id": format!("r{at:04}"), "version": 1,
        "data": { "id": format!("r{at:04}"), "title": "base", "status": "open" } })
    });
    db.put(bases.map(|row| Change::Put { store: layout::BASE, row }).collect()).await;
    db.upgrade(&newer(2)).await;
    assert!(migrate(db).await.more && migrate(db).await.more, "600 rows are more than two slices");
    let schema = newer(3);
    let mut slices = 0;
    loop {
        db.upgrade(&schema).await;
        slices += 1;
        if !migrate(db).await.more {
            break;
        }
    }
    assert!(slices > 5, "bounded: {slices}");
    let (from_one, books) = (schema.upgrade(1, 3), all(db, "tomes").await);
    assert_eq!(books.len(), 604);
    for (row, old) in books.iter().filter(|row| row["id"].as_str().is_some_and(|id| id.starts_with('r'))).zip(&rows) {
        let mut fields = row.as_object().cloned().expect("fields");
        fields.remove("_sync");
        let mut old = old.as_object().cloned().expect("fields");
        old.remove("_sync");
        assert_eq!(fields, from_one.fields("book", old));
        assert_eq!(fields["area"], "every");
    }
    let bases = all(db, "base").await;
    assert_eq!(bases.len(), 302);
    assert!(
        bases.iter().all(|row| row["entity_type"] == "tome" && row["data"]["area"] == "every" && row["data"]["status"] == "todo")
    );
    let ops = all(db, "sync_queue").await;
    assert!(ops.iter().all(|op| op["entity_type"] == "tome" && op["schema_version"] == 3));
    assert_eq!((change(&ops[0])["schema_version"].clone(), change(&ops[0])["entity_type"].clone()), (json!(1), json!("book")));
    assert!(!migrate(db).await.more && all(db, "metadata").await.len() == 2, "no debt is left");
}
