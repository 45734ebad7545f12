//! What people decide about ops that were refused or wait: sent again, corrected, given up; alone and as a group.

use crate::bench::Bench;
use landfall::error::Code;
use landfall::schema::{Operation, Schema};
use landfall::store::Output;
use landfall::store::act::{Act, Decision};
use landfall::wire::{Processed, Status};
use serde_json::{Value, json};

use Operation::{Create, Update};

fn bench() -> Bench {
    let schema = Schema::parse(
        r#"{ "app": "laws", "version": 1, "entities": {
          "sale": { "store": "sales", "fields": {
            "id": { "type": "string", "required": true }, "n": { "type": "string" },
            "secret": { "type": "string", "server_only": true },
            "of": { "type": "string", "reference": { "entity": "sale" } } } },
          "stock": { "store": "stocks", "fields": {
            "id": { "type": "string", "required": true }, "left": { "type": "counter", "merge": "merge" } } } } }"#,
    );
    let mut bench = Bench::of(schema.expect("a schema"));
    bench.create("stock", "s", json!({ "left": 9 }));
    bench.push(9);
    bench
}

/// A sale takes one from the stock: two ops that stand or fall together. The server refuses those with a secret.
fn sell(bench: &mut Bench, id: &str, left: i64, secret: Option<&str>) {
    let mut sale = json!({ "n": "new" });
    if let Some(secret) = secret {
        sale["secret"] = secret.into();
    }
    bench.batch(&[(Create, "sale", id, sale), (Update, "stock", "s", json!({ "left": left }))]).expect("written");
}

fn left(bench: &Bench) -> (Value, Value, String) {
    let here = bench.store.rows("stocks").next().expect("it is here");
    let there = bench.ledger.rows().find(|row| row.id == "s").expect("it is there");
    (here["left"].clone(), there.data["left"].clone(), here["_sync"]["status"].as_str().unwrap_or("").to_owned())
}

fn drain(bench: &mut Bench) -> Vec<Processed> {
    std::iter::repeat_with(|| bench.push(9)).take(6).flatten().collect()
}

fn failed(bench: &Bench) -> Vec<(String, Value)> {
    let rows = bench.store.rows("sync_queue").filter(|op| op["status"] == "failed");
    rows.map(|op| (op["entity_id"].as_str().unwrap_or("").to_owned(), op["error"]["detail"]["op"].clone())).collect()
}

// QUE-12, QUE-9
#[test]
fn a_refused_group_shows_the_op_that_caused_it_on_every_op() {
    let mut bench = bench();
    sell(&mut bench, "bad", 8, Some("not yours"));
    sell(&mut bench, "good", 7, None);
    let answers = bench.push(9);
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [Status::Error, Status::Error]);
    let culprit = json!(answers[0].queue_id.as_str());
    assert_eq!(failed(&bench), [("bad".into(), Value::Null), ("s".into(), culprit)]);
    assert!(bench.push(9).is_empty(), "the next sale's stock is behind the refused one's");
    assert_eq!(left(&bench), (json!(7), json!(9), "failed".into()));
}

// QUE-8, QUE-12, scenario 35
#[test]
fn a_refused_group_is_corrected_and_sent_again_whole_and_what_was_behind_it_follows() {
    let mut bench = bench();
    sell(&mut bench, "bad", 8, Some("not yours"));
    sell(&mut bench, "good", 7, None);
    let old: Vec<Processed> = drain(&mut bench);
    let Ok(Output::Acted(acted)) = bench.edit("sale", "bad", json!({ "n": "corrected" }), &["secret"]) else { panic!("acted") };
    assert!(old.iter().all(|answer| Some(&answer.queue_id) != acted.op.as_ref()), "a new op with a new id");
    let answers = drain(&mut bench);
    let ids: Vec<&str> = answers.iter().map(|answer| answer.entity_id.as_str()).collect();
    assert_eq!(ids, ["bad", "s", "good", "s"]);
    assert!(answers.iter().all(|answer| answer.status == Status::Success), "{answers:?}");
    bench.assert_nothing_waits();
    assert_eq!(left(&bench), (json!(7), json!(7), "synced".into()));
    let bad = bench.ledger.rows().find(|row| row.id == "bad").expect("it is there");
    assert_eq!((&bad.data["n"], bad.data.get("secret")), (&json!("corrected"), None));
}

// QUE-8, QUE-12
#[test]
fn a_refused_group_is_given_up_whole_and_nothing_else_is() {
    let mut bench = bench();
    sell(&mut bench, "bad", 8, Some("not yours"));
    sell(&mut bench, "good", 7, None);
    drain(&mut bench);
    // Named by the record that both sales changed: the refused one is meant.
    bench.act("stock", "s", Decision::Discard);
    assert_eq!(left(&bench), (json!(8), json!(9), "pending".into()), "what the other sale took stays taken");
    assert!(bench.store.rows("sales").all(|row| row["id"] == "good"));
    assert!(drain(&mut bench).iter().all(|answer| answer.status == Status::Success));
    bench.assert_nothing_waits();
    assert_eq!(left(&bench), (json!(8), json!(8), "synced".into()));
}

// QUE-8
#[test]
fn a_refused_op_is_corrected_and_sent_again() {
    let mut bench = bench();
    bench.create("sale", "parent", json!({ "secret": "not yours", "n": "1" }));
    bench.create("sale", "child", json!({ "of": "parent" }));
    bench.push(9);
    let error = bench.edit("sale", "parent", json!({ "n": 5 }), &[]).expect_err("not text");
    assert_eq!((error.code, error.path.as_str()), (Code::ValidationError, "sale.n"));
    bench.edit("sale", "parent", json!({ "n": "2" }), &["secret"]).expect("corrected");
    let shown = bench.store.rows("sales").find(|row| row["id"] == "parent").expect("it is here").clone();
    assert_eq!((&shown["n"], &shown["_sync"]["status"]), (&json!("2"), &json!("pending")));
    let ids: Vec<String> = drain(&mut bench).into_iter().map(|answer| answer.entity_id).collect();
    assert_eq!(ids, ["parent", "child"]);
    bench.assert_nothing_waits();
}

// QUE-8, law 3
#[test]
fn only_what_has_not_left_can_be_cancelled() {
    let mut bench = bench();
    bench.create("sale", "a", json!({}));
    bench.update("stock", "s", json!({ "left": 1 }));
    bench.act("stock", "s", Decision::Cancel);
    assert_eq!(left(&bench), (json!(9), json!(9), "synced".into()));
    bench.stage(9);
    for decision in [Decision::Cancel, Decision::Discard] {
        let act = Act::new(&bench.schema, ("sale".into(), "a".into()), decision, crate::bench::at(9_000)).expect("known");
        assert_eq!(bench.tx(act).expect_err("on its way").code, Code::LockLost);
    }
    drain(&mut bench);
    bench.assert_nothing_waits();
}

// QUE-9, law 14: what was held may be given up too; it did nothing on the server.
#[test]
fn what_is_held_can_be_given_up() {
    let mut bench = bench();
    bench.create("sale", "parent", json!({ "secret": "not yours" }));
    bench.create("sale", "child", json!({ "of": "parent" }));
    bench.push(9);
    bench.act("sale", "child", Decision::Discard);
    bench.act("sale", "parent", Decision::Discard);
    assert_eq!(bench.store.rows("sales").count(), 0);
    assert!(bench.store.rows("sync_queue").all(|op| op["status"] == "completed"));
}
