//! What a device's store must do when records, parents and other people's changes meet in awkward orders.

use crate::bench::Bench;
use landfall::error::Code;
use landfall::record::digest;
use landfall::schema::Operation;
use landfall::store::act::Decision;
use landfall::time::Millis;
use landfall::wire::{RemoteChange, Slice, Status};
use serde_json::{Value, json};

// Law 14, QUE-9
#[test]
fn a_child_of_a_record_that_was_never_sent_does_not_wait_for_it() {
    let mut bench = Bench::new();
    bench.create("b", "p", json!({}));
    bench.create("a", "c", json!({ "b": "p" }));
    bench.delete("b", "p");
    bench.push(9);
    bench.assert_nothing_waits();
    let op = bench.store.rows("sync_queue").next().expect("the child's op");
    assert_eq!((&op["status"], &op["error"]["code"]), (&json!("failed"), &json!("REFERENCE_MISSING")), "people can see why");
}

// Law 14, QUE-3
#[test]
fn a_child_that_names_another_parent_waits_for_that_one_only() {
    let mut bench = Bench::new();
    bench.create("b", "ok", json!({}));
    bench.push(9);
    bench.create("b", "p", json!({}));
    bench.create("a", "c", json!({ "b": "p" }));
    bench.update("a", "c", json!({ "b": "ok" }));
    bench.delete("b", "p");
    assert!(bench.push(9).iter().all(|answer| answer.status == Status::Success));
    bench.assert_nothing_waits();
}

// Scenario 36, law 14
#[test]
fn new_records_that_refer_to_each_other_arrive() {
    let mut bench = Bench::new();
    bench.create("a", "x", json!({}));
    bench.create("b", "y", json!({ "a": "x" }));
    bench.update("a", "x", json!({ "b": "y" }));
    for _ in 0..3 {
        assert!(bench.push(9).iter().all(|answer| answer.status == Status::Success));
    }
    bench.assert_nothing_waits();
    let x = bench.ledger.rows().find(|row| row.id == "x").expect("it is there");
    assert_eq!(x.data["b"], "y");
}

// Law 14
#[test]
fn a_link_that_was_turned_round_arrives() {
    let mut bench = Bench::new();
    bench.create("a", "x", json!({}));
    bench.create("b", "y", json!({ "a": "x" }));
    bench.write_removing(Operation::Update, ("b", "y"), Value::Null, &["a"]);
    bench.update("a", "x", json!({ "b": "y" }));
    for _ in 0..3 {
        bench.push(9);
    }
    bench.assert_nothing_waits();
}

// Scenario 37, law 6
#[test]
fn mine_can_be_kept_against_a_delete() {
    let mut bench = Bench::new();
    bench.create("a", "x", json!({ "n": "1" }));
    bench.push(9);
    bench.pull();
    bench.update("a", "x", json!({ "n": "mine" }));
    bench.other(json!({ "operation": "delete", "entity_type": "a", "entity_id": "x", "base_version": 1 }));
    assert_eq!(bench.push(9)[0].status, Status::Conflict);
    bench.pull();
    bench.act("a", "x", Decision::Retry);
    assert_eq!(bench.push(9)[0].status, Status::Success);
    let x = bench.ledger.rows().find(|row| row.id == "x").expect("it is there");
    assert_eq!((x.deleted, x.version, &x.data["n"]), (false, 3, &json!("mine")));
}

// Laws 11 and 15
#[test]
fn an_edit_taken_back_on_a_deleted_record_leaves_no_ghost() {
    let mut bench = Bench::new();
    bench.create("a", "x", json!({ "n": "1" }));
    bench.push(9);
    bench.pull();
    bench.update("a", "x", json!({ "n": "2" }));
    bench.other(json!({ "operation": "delete", "entity_type": "a", "entity_id": "x", "base_version": 1 }));
    bench.pull();
    bench.update("a", "x", json!({ "n": "1" }));
    assert_eq!(bench.store.rows("as").count(), 0);
    bench.assert_nothing_waits();
}

// Law 12, scenario 37: a snapshot lists no tombstones, and no delta behind it brings an older one.
#[test]
fn a_record_at_work_that_a_snapshot_does_not_list_leaves_no_ghost() {
    let mut bench = Bench::new();
    bench.create("a", "x", json!({ "n": "1" }));
    bench.push(9);
    bench.update("a", "x", json!({ "n": "2" }));
    bench.other(json!({ "operation": "delete", "entity_type": "a", "entity_id": "x", "base_version": 1 }));
    bench.pull();
    assert_eq!(bench.store.rows("as").count(), 1, "what is being edited stays");
    bench.update("a", "x", json!({ "n": "1" }));
    bench.pull();
    assert_eq!(bench.store.rows("as").count(), 0, "what the server has deleted is not clean here");
    bench.assert_nothing_waits();
}

// STO-4
#[test]
fn deleted_records_are_listed_until_they_are_acknowledged() {
    let mut bench = Bench::new();
    for id in ["x", "y", "z"] {
        bench.create("a", id, json!({ "n": id }));
    }
    bench.push(9);
    bench.pull();
    bench.create("a", "never sent", json!({}));
    bench.update("a", "y", json!({ "n": "edited" }));
    for id in ["x", "y", "never sent"] {
        bench.delete("a", id);
    }
    bench.update("a", "z", json!({ "n": "stays" }));
    assert_eq!(bench.deleted("a"), [json!({ "id": "x", "n": "x" }), json!({ "id": "y", "n": "y" })]);
    assert!(bench.deleted("b").is_empty());
    bench.push(9);
    assert!(bench.deleted("a").is_empty());
}

// A15, law 5
#[test]
fn a_row_under_another_rows_id_is_refused() {
    let mut bench = Bench::new();
    bench.create("a", "x", json!({ "n": "mine" }));
    let data = json!({ "id": "x", "n": "evil" }).as_object().cloned().expect("fields");
    let row = RemoteChange {
        operation: Operation::Update,
        entity_type: "a".into(),
        entity_id: "other".into(),
        digest: digest(&data),
        data,
        server_version: 9,
        number: 9,
        timestamp: Millis(1).iso(),
        changed_by: "mallory".into(),
        stamps: Default::default(),
    };
    let slice = Slice { acks: vec![], removed: vec![], range: None, token: "t".into(), changes: vec![row] };
    assert_eq!(bench.absorb(slice).expect_err("refused").code, Code::ProtocolError);
    assert_eq!(bench.store.rows("as").next().expect("it is there")["n"], "mine");
}

// Law 14: both ends measure a record alike.
#[test]
fn what_passes_the_local_write_passes_the_server() {
    let mut bench = Bench::new();
    bench.create("a", "x", json!({ "list": vec![1; 40_000] }));
    assert_eq!(bench.push(9)[0].status, Status::Success);
}

// Scenario 30, QUE-3
#[test]
fn a_halved_batch_keeps_its_order() {
    let mut bench = Bench::new();
    bench.create("a", "c", json!({}));
    bench.create("b", "p", json!({}));
    bench.update("a", "c", json!({ "b": "p" }));
    bench.stage(9);
    while let Some(answer) = bench.push(1).first() {
        assert_eq!(answer.status, Status::Success);
    }
    bench.assert_nothing_waits();
}

// Law 14
#[test]
fn children_of_a_record_that_became_an_update_go() {
    let mut bench = Bench::new();
    bench.other(json!({ "operation": "create", "entity_type": "b", "entity_id": "p", "data": { "id": "p", "n": "theirs" } }));
    bench.create("b", "p", json!({ "n": "mine" }));
    bench.create("a", "c", json!({ "b": "p" }));
    assert_eq!(bench.push(1)[0].error.as_ref().map(|error| error.code), Some(Code::IdCollision));
    bench.pull();
    bench.act("b", "p", Decision::Retry);
    for _ in 0..3 {
        bench.push(9);
    }
    bench.assert_nothing_waits();
}

// A7, security.md: mass assignment
#[test]
fn fields_of_the_server_neither_leave_it_nor_are_written_from_outside() {
    let mut bench = Bench::new();
    bench.create("a", "x", json!({ "n": "1" }));
    bench.push(9);
    let forged =
        json!({ "operation": "update", "entity_type": "a", "entity_id": "x", "base_version": 1, "data": { "secret": "S" } });
    assert_eq!(bench.other(forged).error.map(|error| error.code), Some(Code::PermissionDenied));
}
