//! What goes when, and what goes together: dependencies, circles, groups, and how little is read to find out.

use crate::bench::Bench;
use landfall::error::Code;
use landfall::schema::{Operation, Schema};
use landfall::store::act::Decision;
use landfall::wire::{Processed, Status};
use serde_json::{Value, json};

use Operation::{Create, Update};

fn bench() -> Bench {
    let schema = Schema::parse(
        r#"{ "app": "laws", "version": 1, "entities": {
          "t": { "store": "ts", "fields": {
            "id": { "type": "string", "required": true }, "n": { "type": "string" },
            "secret": { "type": "string", "server_only": true },
            "up": { "type": "string", "nullable": true, "reference": { "entity": "t" } },
            "all": { "type": "list", "items": { "type": "string", "reference": { "entity": "t" } } } } },
          "sale": { "store": "sales", "priority": 3, "fields": {
            "id": { "type": "string", "required": true }, "secret": { "type": "string", "server_only": true } } },
          "stock": { "store": "stocks", "priority": 1, "fields": {
            "id": { "type": "string", "required": true }, "left": { "type": "counter" } } } } }"#,
    );
    Bench::of(schema.expect("a schema"))
}

fn said(answers: &[Processed]) -> Vec<(&str, Status)> {
    answers.iter().map(|answer| (answer.entity_id.as_str(), answer.status)).collect()
}

/// Status, code and group of the unfinished ops of a record.
fn ops(bench: &Bench, id: &str) -> Vec<(String, String)> {
    let mine = bench.store.rows("sync_queue").filter(|op| op["entity_id"] == id && !op["lane"].is_null());
    mine.map(|op| (op["status"].as_str().unwrap_or("").into(), op["error"]["code"].as_str().unwrap_or("").into())).collect()
}

fn whole(bench: &mut Bench) {
    for _ in 0..20 {
        bench.push(9);
    }
    bench.assert_nothing_waits();
}

/// No row of the server refers to what is not there.
fn assert_nothing_dangles(bench: &Bench) {
    let there: Vec<&str> = bench.ledger.rows().filter(|row| !row.deleted).map(|row| row.id.as_str()).collect();
    for row in bench.ledger.rows() {
        let all = row.data.get("all").and_then(Value::as_array).into_iter().flatten();
        for id in all.chain(row.data.get("up")).filter_map(Value::as_str) {
            assert!(there.contains(&id), "{} refers to {id}", row.id);
        }
    }
}

// QUE-3, QUE-9, law 14
#[test]
fn scenario_35_a_refused_parent_holds_its_descendants_and_nothing_else() {
    for size in [9, 1] {
        let mut bench = bench();
        bench.create("t", "parent", json!({ "secret": "not yours" }));
        bench.create("t", "child", json!({ "all": ["parent"] }));
        bench.create("t", "grandchild", json!({ "up": "child" }));
        bench.create("t", "unrelated", json!({}));
        let mut answers = Vec::new();
        for _ in 0..4 {
            answers.extend(bench.push(size));
        }
        let by =
            |id: &str| answers.iter().filter(|answer| answer.entity_id == id).map(|answer| answer.status).collect::<Vec<_>>();
        assert_eq!((by("parent"), by("unrelated")), (vec![Status::Error], vec![Status::Success]));
        // In one batch with its parent a child is held by the server; otherwise it never leaves.
        let held = if size == 1 { vec![] } else { vec![Status::Held] };
        assert_eq!((by("child"), by("grandchild")), (held.clone(), held));
        let waits = [("pending".to_owned(), String::new())];
        assert_eq!((ops(&bench, "child"), ops(&bench, "grandchild")), (waits.to_vec(), waits.to_vec()));
        assert_eq!(ops(&bench, "parent"), [("failed".into(), "PERMISSION_DENIED".into())]);

        bench.write_removing(Update, ("t", "parent"), Value::Null, &["secret"]);
        bench.act("t", "parent", Decision::Retry);
        let order: Vec<String> = std::iter::repeat_with(|| bench.push(size)).take(4).flatten().map(|one| one.entity_id).collect();
        assert_eq!(order, ["parent", "child", "grandchild"]);
        bench.assert_nothing_waits();
        assert_nothing_dangles(&bench);
    }
}

// Scenario 30, scenario 35
#[test]
fn a_batch_that_was_halved_leaves_behind_what_its_first_half_has_lost() {
    let mut bench = bench();
    bench.create("t", "parent", json!({ "secret": "not yours" }));
    bench.create("t", "child", json!({ "up": "parent" }));
    bench.create("t", "grandchild", json!({ "up": "child" }));
    bench.create("t", "other", json!({}));
    assert_eq!(bench.stage(9).batch.len(), 4, "all of them are frozen");
    let order: Vec<String> = std::iter::repeat_with(|| bench.push(1)).take(6).flatten().map(|one| one.entity_id).collect();
    assert_eq!(order, ["parent", "other"]);
    bench.act("t", "parent", Decision::Discard);
    assert_eq!(said(&bench.push(1)), [("child", Status::Error)], "what it refers to will never come: people can see why");
}

// QUE-3, law 14
#[test]
fn scenario_36_new_records_in_a_circle_arrive_together() {
    let mut bench = bench();
    // A circle of two, one of three, one that names itself, and a child of a circle.
    for (id, data) in [
        ("a", json!({ "up": "b" })),
        ("b", json!({ "up": "a" })),
        ("x", json!({ "up": "y" })),
        ("y", json!({ "all": ["z"] })),
        ("z", json!({ "up": "x" })),
        ("self", json!({ "up": "self" })),
        ("child", json!({ "up": "z" })),
    ] {
        bench.create("t", id, data);
    }
    let answers = bench.push(9);
    assert_eq!(answers.len(), 7);
    assert!(answers.iter().all(|answer| answer.status == Status::Success), "{answers:?}");
    bench.assert_nothing_waits();
    assert_nothing_dangles(&bench);
    let told = |id: &str| bench.store.rows("sync_queue").find(|op| op["entity_id"] == id).map(|op| op["cycle"].clone());
    assert_eq!(told("y"), Some(json!(["t/x", "t/y", "t/z", "t/x"])));
    assert_eq!((told("self"), told("child")), (Some(Value::Null), Some(Value::Null)));
}

// QUE-3
#[test]
fn scenario_36_a_circle_is_refused_whole_and_comes_again_whole() {
    let mut bench = bench();
    bench.create("t", "a", json!({ "up": "b" }));
    bench.create("t", "b", json!({ "up": "a", "secret": "not yours" }));
    bench.create("t", "child", json!({ "up": "a" }));
    let answers = bench.push(9);
    assert_eq!(said(&answers), [("a", Status::Error), ("b", Status::Error), ("child", Status::Held)]);
    let culprit = answers[1].queue_id.as_str();
    assert_eq!(answers[0].error.as_ref().and_then(|error| error.detail.clone()), Some(Box::new(json!({ "op": culprit }))));
    assert_eq!(bench.ledger.rows().count(), 0, "nothing of it is there");
}

// QUE-3
#[test]
fn scenario_36_many_records_that_refer_to_each_other_both_ways() {
    let mut bench = bench();
    let ids: Vec<String> = (0..40).map(|at| format!("t{at}")).collect();
    bench.create("t", "hub", json!({ "all": ids }));
    for id in &ids {
        bench.create("t", id, json!({ "up": "hub" }));
    }
    let answers = bench.push(9);
    assert_eq!(answers.len(), 41, "a circle is never split, however many ops a batch should hold");
    assert!(answers.iter().all(|answer| answer.status == Status::Success));
    assert_nothing_dangles(&bench);
}

// QUE-3: the link that is made later is an op of its own.
#[test]
fn scenario_36_create_then_link() {
    let mut bench = bench();
    bench.create("t", "a", json!({}));
    bench.create("t", "b", json!({ "up": "a" }));
    bench.update("t", "a", json!({ "up": "b" }));
    whole(&mut bench);
    assert_nothing_dangles(&bench);
    assert!(bench.store.rows("sync_queue").all(|op| op["cycle"].is_null() && op["group"].is_null()));
}

// QUE-3
#[test]
fn children_are_deleted_before_their_parents_whatever_was_deleted_first() {
    for size in [9, 1] {
        for order in [["parent", "child", "grandchild"], ["grandchild", "child", "parent"], ["child", "parent", "grandchild"]] {
            let mut bench = bench();
            bench.create("t", "parent", json!({}));
            bench.create("t", "child", json!({ "up": "parent" }));
            bench.create("t", "grandchild", json!({ "all": ["child"] }));
            whole(&mut bench);
            order.iter().for_each(|id| bench.delete("t", id));
            let gone: Vec<String> =
                std::iter::repeat_with(|| bench.push(size)).take(4).flatten().map(|one| one.entity_id).collect();
            assert_eq!(gone, ["grandchild", "child", "parent"], "{order:?} in batches of {size}");
        }
    }
}

// QUE-12, QUE-2
#[test]
fn a_group_is_whole_here_and_there_and_never_split() {
    let mut bench = bench();
    bench.create("stock", "s", json!({ "left": 5 }));
    whole(&mut bench);
    bench.create("t", "before", json!({}));
    bench.batch(&[(Create, "sale", "v", json!({})), (Update, "stock", "s", json!({ "left": 3 }))]).expect("written");
    let answers = bench.push(1);
    assert_eq!(said(&answers), [("v", Status::Success), ("s", Status::Success)], "as urgent as its most urgent op, and whole");
    whole(&mut bench);
}

// QUE-12, scenario 7
#[test]
fn scenario_36_a_group_may_refer_to_itself_in_a_circle() {
    let mut bench = bench();
    let wrote = bench.batch(&[
        (Create, "t", "a", json!({ "up": "b" })),
        (Create, "t", "b", json!({ "all": ["a", "c"] })),
        (Create, "t", "c", json!({ "up": "c" })),
    ]);
    assert_eq!(wrote.expect("written").more.len(), 2);
    assert!(bench.push(9).iter().all(|answer| answer.status == Status::Success));
    bench.assert_nothing_waits();
    assert_nothing_dangles(&bench);
}

// QUE-12, law 1
#[test]
fn a_group_that_cannot_be_written_whole_is_not_written_at_all() {
    let mut bench = bench();
    let error =
        bench.batch(&[(Create, "t", "a", json!({})), (Update, "t", "nowhere", json!({ "n": "1" }))]).expect_err("refused");
    assert_eq!((error.code, error.path.as_str()), (Code::NotFound, "changes[1].t.nowhere"));
    let many: Vec<_> = (0..101).map(|_| (Create, "t", "a", json!({}))).collect();
    let error = bench.batch(&many).expect_err("more than a request takes");
    assert_eq!((error.code, error.detail), (Code::PayloadTooLarge, Some(Box::new(json!({ "limit": 100, "value": 101 })))));
    let text = "x".repeat(60_000);
    let ids: Vec<String> = (0..9).map(|at| format!("t{at}")).collect();
    let large: Vec<_> = ids.iter().map(|id| (Create, "t", id.as_str(), json!({ "n": text }))).collect();
    assert_eq!(bench.batch(&large).expect_err("larger than a request").code, Code::PayloadTooLarge);
    assert_eq!((bench.store.rows("ts").count(), bench.store.rows("sync_queue").count()), (0, 0));
}

// QUE-5, QUE-12
#[test]
fn an_edit_is_never_merged_into_an_op_of_a_group() {
    let mut bench = bench();
    bench.create("stock", "s", json!({ "left": 5 }));
    bench.batch(&[(Create, "sale", "v", json!({})), (Update, "stock", "s", json!({ "left": 3 }))]).expect("written");
    bench.update("stock", "s", json!({ "left": 2 }));
    bench.batch(&[(Create, "sale", "w", json!({})), (Update, "stock", "s", json!({ "left": 1 }))]).expect("written");
    let groups: Vec<bool> = bench.store.rows("sync_queue").map(|op| op["group"].is_string()).collect();
    assert_eq!(groups, [false, true, true, false, true, true]);
    whole(&mut bench);
    let stock = bench.ledger.rows().find(|row| row.id == "s").expect("it is there");
    assert_eq!(stock.data["left"], 1);
    // Within a group it is: two changes of one record are one op.
    bench.batch(&[(Create, "t", "a", json!({})), (Update, "t", "a", json!({ "n": "2" }))]).expect("written");
    let last = bench.store.rows("sync_queue").last().expect("an op");
    assert_eq!((&last["operation"], &last["data"]["n"], &last["group"]), (&json!("create"), &json!("2"), &Value::Null));
}

// QUE-9, QUE-12, law 14
#[test]
fn groups_that_wait_hide_nothing_behind_them() {
    let mut bench = bench();
    bench.create("t", "bad", json!({ "secret": "not yours" }));
    bench.push(9);
    // Urgent ones, each with an op that may go and one that may not.
    for at in 0..7 {
        let (sale, child) = (format!("s{at}"), format!("c{at}"));
        bench.create("stock", &sale, json!({ "left": 1 }));
        bench.push(9);
        bench
            .batch(&[(Update, "stock", &sale, json!({ "left": 0 })), (Create, "t", &child, json!({ "up": "bad" }))])
            .expect("written");
    }
    bench.create("t", "free", json!({}));
    assert_eq!(said(&bench.push(3)), [("free", Status::Success)]);
    bench.write_removing(Update, ("t", "bad"), Value::Null, &["secret"]);
    bench.act("t", "bad", Decision::Retry);
    whole(&mut bench);
}

// QUE-3, QUE-4: a bounded look, however long the queue is.
#[test]
fn choosing_a_batch_never_reads_the_whole_queue() {
    let mut bench = bench();
    bench.create("t", "root", json!({}));
    for at in 0..10_000 {
        let up = if at % 3 == 0 { "root".to_owned() } else { format!("t{}", at - 1) };
        bench.create("t", &format!("t{at}"), json!({ "up": up }));
    }
    let (read, staged) = bench.stage_counting(100);
    assert_eq!(staged.batch.len(), 100);
    assert!(read < 1_000, "{read} rows for 100 of 10,001 ops");
    for (at, op) in staged.batch.iter().enumerate() {
        let up = op.patch.data.get("up").and_then(Value::as_str);
        let earlier = |one: &str| staged.batch[..at].iter().any(|before| before.entity_id == one);
        assert!(up.is_none_or(earlier), "{} goes behind what it refers to", op.entity_id);
    }
}

// QUE-11
#[test]
fn what_waited_too_long_is_not_sent_silently() {
    let mut schema = bench().schema;
    schema.entities.get_mut("t").expect("an entity").edit_limit_ms = Some(3_600_000);
    let mut bench = Bench::of(schema);
    bench.create("t", "old", json!({}));
    bench.batch(&[(Create, "t", "with", json!({})), (Create, "sale", "v", json!({}))]).expect("written");
    bench.now += 3_600_000;
    bench.create("t", "new", json!({}));
    let staged = bench.stage(9);
    let late: Vec<&str> = staged.batch.iter().map(|op| op.entity_id.as_str()).collect();
    assert!(staged.late && staged.batch.iter().all(|op| !op.frozen));
    assert_eq!(late, ["old", "with", "v"], "a group is late with any of its ops");
}

// QUE-9, law 14
#[test]
fn a_deletion_waits_for_that_of_a_child_until_somebody_has_decided() {
    let mut bench = bench();
    bench.create("t", "parent", json!({}));
    bench.create("t", "child", json!({ "up": "parent" }));
    bench.push(9);
    bench.pull();
    bench.delete("t", "child");
    bench.delete("t", "parent");
    bench.create("t", "unrelated", json!({}));
    let theirs = json!({ "operation": "update", "entity_type": "t", "entity_id": "child", "base_version": 1,
        "data": { "n": "theirs" } });
    bench.other(theirs);
    assert_eq!(said(&bench.push(1)), [("child", Status::Conflict)]);
    assert_eq!(said(&bench.push(1)), [("unrelated", Status::Success)]);
    assert!(bench.push(9).is_empty(), "the parent stays while the child may stay");
    bench.act("t", "child", Decision::Retry);
    let order: Vec<String> = std::iter::repeat_with(|| bench.push(1)).take(3).flatten().map(|one| one.entity_id).collect();
    assert_eq!(order, ["child", "parent"]);
    bench.assert_nothing_waits();
}
