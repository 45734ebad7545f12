//! Damaged rows: whatever is broken on the disk, the rest goes on, nothing typed is dropped, and no cycle runs in circles.

use crate::bench::{Bench, who};
use landfall::error::{Code, Result};
use landfall::record::digest;
use landfall::schema::Operation;
use landfall::store::quarantine::Release;
use landfall::store::{Change, Output};
use landfall::sync::{At, Effect, Input, Machine, Reason, Reply, Request, Status};
use landfall::time::Millis;
use landfall::wire::{RemoteChange, Slice};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// A machine over the bench's store, and a server that answers at once.
struct Whole {
    bench: Bench,
    machine: Machine,
    steps: u32,
}

impl Whole {
    fn new(bench: Bench) -> Self {
        let machine = Machine::new(&bench.schema, "whole");
        let mut whole = Self { bench, machine, steps: 0 };
        whole.feed(Input::Start);
        whole
    }

    fn feed(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.steps += 1;
            assert!(self.steps < 2_000, "it runs in circles");
            self.bench.now += 1;
            for effect in self.machine.feed(At { now: Millis(self.bench.now), random: [9; 32] }, input) {
                match effect {
                    Effect::Run(ticket, tx) => inputs.push_back(Input::Stored(ticket, self.bench.tx(*tx))),
                    Effect::Send(ticket, request) => inputs.push_back(Input::Response(ticket, self.serve(*request))),
                    Effect::AskLock { .. } => inputs.push_back(Input::LockGranted),
                    _ => {}
                }
            }
        }
    }

    fn serve(&mut self, request: Request) -> Result<Reply> {
        let (schema, now) = (self.bench.schema.clone(), Millis(self.bench.now));
        let ledger = &mut self.bench.ledger;
        Ok(match request {
            Request::Attach(device) => Reply::Attach(ledger.attach(&who(device.device_id.as_str()), &device, now)?),
            Request::Push(push) => {
                let me = who(push.device_id.as_str());
                Reply::Push(ledger.push(&schema, &me, push, now)?)
            }
            Request::Pull(pull) => Reply::Pull(ledger.pull(&schema, &who(pull.device_id.as_str()), pull, now)),
        })
    }

    fn sync(&mut self) -> Status {
        self.steps = 0;
        self.feed(Input::Wake(Reason::User));
        self.machine.status()
    }

    fn rows(&self, store: &str) -> Vec<Value> {
        self.bench.store.rows(store).cloned().collect()
    }

    /// Changes a stored row behind everybody's back.
    fn damage(&mut self, store: &'static str, find: impl Fn(&Value) -> bool, hurt: impl Fn(&mut Value)) {
        let mut row = self.bench.store.rows(store).find(|row| find(row)).cloned().expect("a row to damage");
        hurt(&mut row);
        self.bench.store.apply(vec![Change::Put { store: store.into(), row }]).expect("damaged");
    }
}

/// Two synced records, two edits and a new record that wait.
fn lived() -> Whole {
    let mut bench = Bench::new();
    for id in ["x", "y"] {
        bench.create("a", id, json!({ "n": "1" }));
    }
    let mut whole = Whole::new(bench);
    assert_eq!(whole.sync().quarantined, 0);
    whole.bench.update("a", "x", json!({ "n": "mine" }));
    whole.bench.update("a", "y", json!({ "n": "other" }));
    whole.bench.create("b", "new", json!({ "n": "new" }));
    whole
}

fn server(whole: &Whole, id: &str) -> Value {
    whole.bench.ledger.rows().find(|row| row.id == id).map_or(Value::Null, |row| row.data["n"].clone())
}

fn of<'a>(field: &'a str, id: &'a str) -> impl Fn(&Value) -> bool + 'a {
    move |row| row[field] == id
}

// Scenario 21, law 16, SEC-6
#[test]
fn scenario_21_a_broken_op_is_kept_aside_and_the_others_go() {
    let mut whole = lived();
    whole.damage("sync_queue", |op| op["entity_id"] == "x" && op["status"] == "pending", |op| op["hlc"] = json!(7));
    let status = whole.sync();
    assert_eq!((server(&whole, "y"), server(&whole, "new"), server(&whole, "x")), (json!("other"), json!("new"), json!("1")));
    assert_eq!((status.queued, status.quarantined, status.is_synced()), (0, 1, false));
    let kept = whole.rows("quarantine").remove(0);
    assert_eq!(
        (&kept["row"]["data"]["n"], &kept["shown"]["n"], &kept["entity_id"]),
        (&json!("mine"), &json!("mine"), &json!("x"))
    );
    assert_eq!(kept["error"]["code"], json!("CORRUPT_DATA"));
    let x = whole.rows("as").remove(0);
    assert_eq!(
        (&x["n"], &x["_sync"]["status"]),
        (&json!("1"), &json!("synced")),
        "no mark says that an edit is safe which is not"
    );
    assert_eq!(whole.rows("base").len(), 0);
    whole.bench.tx(Release::new(kept["id"].as_str().expect("an id").to_owned())).expect("released");
    assert_eq!(whole.rows("metadata")[0]["quarantined"], 0);
    assert!(whole.sync().is_synced());
}

#[test]
fn scenario_21_an_op_whose_status_is_lost_is_counted_right() {
    let mut whole = lived();
    whole.damage("sync_queue", |op| op["entity_id"] == "x" && op["status"] == "pending", |op| op["status"] = json!("rotten"));
    // It is in no index by which ops are sent: somebody has to come across it.
    whole.bench.now += 60_000;
    let status = whole.sync();
    let rest = whole.sync();
    assert_eq!((status.queued + rest.queued, rest.quarantined), (0, 1), "{rest:?}");
    assert_eq!(server(&whole, "y"), json!("other"));
}

#[test]
fn scenario_21_a_broken_base_is_fetched_and_the_edit_arrives() {
    let mut whole = lived();
    whole.damage("base", of("entity_id", "x"), |row| row["version"] = json!("two"));
    whole.sync();
    assert_eq!((server(&whole, "x"), whole.machine.status().queued), (json!("mine"), 0));
    assert_eq!((whole.rows("base").len(), whole.rows("quarantine").len()), (0, 1));
}

#[test]
fn scenario_21_a_broken_record_is_rebuilt_or_fetched() {
    let mut whole = lived();
    whole
        .bench
        .other(json!({ "operation": "create", "entity_type": "a", "entity_id": "z", "data": { "id": "z", "n": "theirs" } }));
    whole.sync();
    whole.bench.update("a", "x", json!({ "n": "mine 2" }));
    whole.damage("as", of("id", "x"), |row| row["_sync"] = json!("gone"));
    whole.damage("as", of("id", "z"), |row| row["n"] = json!("rotten and longer"));
    // An edit meets the one, a look over the database the other.
    let damaged = whole.bench.try_update("a", "x", json!({ "n": "mine 3" })).expect_err("it cannot be read");
    assert_eq!((damaged.code, damaged.path.as_str()), (Code::CorruptData, "a.x"));
    whole.bench.now += 60_000;
    whole.sync();
    whole.sync();
    assert_eq!((server(&whole, "x"), server(&whole, "z")), (json!("mine 2"), json!("theirs")));
    let shown: Vec<Value> = whole.rows("as").iter().map(|row| row["n"].clone()).collect();
    assert_eq!(shown, ["mine 2", "other", "theirs"]);
    assert_eq!(whole.rows("quarantine").len(), 2);
    let bytes: u64 = whole.rows("as").iter().filter_map(|row| row["_sync"]["bytes"].as_u64()).sum();
    assert_eq!(whole.rows("metadata")[0]["usage"]["a"], json!(bytes));
}

#[test]
fn scenario_21_the_hot_rows_are_made_again_and_the_queue_stays() {
    for (key, field) in [("head", "clock"), ("head", "seq"), ("sync", "device_id"), ("head", "key2")] {
        let mut whole = lived();
        whole.damage("metadata", of("key", key), |row| {
            row[field] = json!({ "not": "this" });
            row["usage"] = json!(["nor", "this"]);
            row["incarnation"] = json!(3);
        });
        whole.sync();
        let status = whole.sync();
        assert_eq!(
            (status.queued, server(&whole, "x"), server(&whole, "new")),
            (0, json!("mine"), json!("new")),
            "{key}.{field}"
        );
        assert_eq!(status.quarantined, 1, "{key}.{field}");
        whole.bench.update("a", "x", json!({ "n": "later" }));
        assert!(whole.sync().queued == 0 && server(&whole, "x") == "later");
    }
}

// STO-9, scenario 28: one row that the schema cannot hold keeps back neither the others nor the token.
#[test]
fn a_pulled_row_that_breaks_the_schema_is_kept_aside() {
    let row = |id: &str, data: Value| {
        let data = data.as_object().cloned().expect("fields");
        RemoteChange {
            operation: Operation::Create,
            entity_type: "a".into(),
            entity_id: id.into(),
            digest: digest(&data),
            data,
            server_version: 1,
            number: 1,
            timestamp: Millis(1).iso(),
            changed_by: "bob".into(),
            stamps: Default::default(),
        }
    };
    let hostile = serde_json::from_str(r#"{ "id": "p", "__proto__": { "admin": true } }"#).expect("text");
    let rows = vec![
        row("t", json!({ "id": "t", "n": 7 })),
        row("u", json!({ "id": "u", "unknown": 1 })),
        row("p", hostile),
        row("fine", json!({ "id": "fine", "n": "x" })),
    ];
    let mut bench = Bench::new();
    for token in ["t1", "t2"] {
        let slice = Slice { acks: vec![], changes: rows.clone(), removed: vec![], range: None, token: token.into() };
        let Ok(Output::Absorbed(absorbed)) = bench.absorb(slice) else { panic!("absorbed") };
        assert_eq!((absorbed.refused, absorbed.summary.quarantined), (3, 3), "the same again is not counted again");
    }
    assert_eq!(bench.store.rows("as").map(|row| row["id"].clone()).collect::<Vec<_>>(), ["fine"]);
    assert_eq!(bench.store.rows("quarantine").count(), 3);
}

// Law 13: a look over a sound database finds nothing, wherever it is in its round.
#[test]
fn a_sound_database_is_found_sound() {
    let mut whole = lived();
    whole.sync();
    for _ in 0..12 {
        let Ok(Output::Scrubbed(scrubbed)) = whole.bench.tx(landfall::store::scrub::Scrub::default()) else { panic!("looked") };
        assert_eq!(scrubbed.found, []);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // Scenario 21: any field of any engine's row may be anything; the device ends quiet, and what was typed is on the server or
    // in quarantine.
    #[test]
    fn scenario_21_no_damage_runs_in_circles(store in 0usize..4, pick in 0usize..8, field in 0usize..24, with in 0usize..5) {
        let mut whole = lived();
        let store = ["sync_queue", "base", "as", "metadata"][store];
        let rows = whole.rows(store);
        let mut row = rows[pick % rows.len()].clone();
        let keys: Vec<String> = row.as_object().expect("a row").keys().cloned().collect();
        let key = keys[field % keys.len()].clone();
        prop_assume!(!["key", "id", "seq", "entity_type", "entity_id"].contains(&key.as_str()));
        // A change of what was typed that leaves the row readable is no damage that anybody could see.
        prop_assume!(!["data", "before", "removed", "operation", "n", "error"].contains(&key.as_str()));
        row[&key] = [json!(null), json!(-1), json!("?"), json!([]), json!({ "a": 1 })][with].clone();
        whole.bench.store.apply(vec![Change::Put { store: store.into(), row }]).expect("damaged");
        whole.bench.now += 60_000;
        for _ in 0..6 {
            whole.sync();
            whole.bench.now += 60_000;
        }
        let status = whole.machine.status();
        let kept = whole.rows("quarantine");
        for (id, typed) in [("x", "mine"), ("y", "other"), ("new", "new")] {
            let holds = |row: &Value| [&row["row"]["data"]["n"], &row["row"]["n"]].contains(&&json!(typed));
            let safe = kept.iter().any(|row| row["entity_id"] == id && holds(row));
            prop_assert!(server(&whole, id) == typed || safe, "{} is gone: {:?}", id, kept);
        }
        prop_assert_eq!(status.quarantined, kept.len() as u64);
        prop_assert!(kept.is_empty() || !status.is_synced());
    }
}
