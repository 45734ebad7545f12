//! A schema that moves on while devices have work: what was typed under the old one arrives under the new one, in whatever
//! order server and devices are updated, and whoever has to move is named.

use crate::bench::{Bench, schema, who};
use landfall::authority::{first_page, rows_for};
use landfall::error::Code;
use landfall::schema::Schema;
use landfall::store::act::Decision;
use landfall::store::migrate::Migrate;
use landfall::store::{Output, layout};
use landfall::time::Millis;
use landfall::wire::{Device, PROTOCOL, Processed, PushRequest, Status};
use serde_json::{Value, json};

/// The laws' schema, one version later: `a` is `alpha`, its `n` is `name`, and nobody keeps its `list`.
fn newer() -> Schema {
    let mut text = serde_json::to_value(schema()).expect("a schema");
    let entities = text["entities"].as_object_mut().expect("entities");
    let mut alpha = entities.remove("a").expect("the entity");
    alpha["store"] = json!("alphas");
    let fields = alpha["fields"].as_object_mut().expect("fields");
    let name = fields.remove("n").expect("a field");
    fields.insert("name".into(), name);
    fields.remove("list");
    entities.insert("alpha".into(), alpha);
    entities["b"]["fields"]["a"]["reference"]["entity"] = json!("alpha");
    text["version"] = json!(2);
    text["migrations"] = json!([{ "to": 2, "steps": [
        { "rename_entity": { "from": "a", "to": "alpha", "store": "as" } },
        { "rename_field": { "entity": "alpha", "from": "n", "to": "name" } },
        { "map_values": { "entity": "alpha", "field": "name", "values": { "1": "one", "one": "uno" } } },
        { "drop_field": { "entity": "alpha", "field": "list" } } ] }]);
    Schema::parse(&text.to_string()).expect("the newer schema")
}

impl Bench {
    /// The device's code is newer from now on.
    fn move_device(&mut self) {
        let schema = newer();
        self.store.upgrade(&schema, 1).expect("upgraded");
        self.schema = schema;
        while matches!(self.tx(Migrate::new(Millis(self.now))), Ok(Output::Migrated(migrated)) if migrated.more) {}
    }

    fn move_server(&mut self) {
        self.ledger.migrate(&newer(), 1);
    }

    fn on_server(&self, id: &str) -> Value {
        self.ledger.rows().find(|row| row.id == id).map_or(Value::Null, |row| json!([row.entity, Value::from(row.data.clone())]))
    }
}

/// A push of a device that knows only the first version, decided by a server of the second.
fn from_older(bench: &mut Bench, changes: Value) -> Vec<Processed> {
    let device = Device { device_id: "old".into(), name: String::new() };
    bench.now += 10;
    bench.ledger.attach(&who("old"), &device, Millis(bench.now)).expect("attached");
    let mut changes = changes;
    for (at, change) in changes.as_array_mut().expect("changes").iter_mut().enumerate() {
        change["queue_id"] = json!(format!("old-{}-{at}", bench.now));
        change["timestamp"] = json!(Millis(bench.now).iso());
        change["hlc"] = json!(format!("{:012x}-0000-old", bench.now));
        change["schema_version"] = json!(1);
    }
    let request = json!({ "protocol": PROTOCOL, "device_id": "old", "incarnation": "life", "request_no": bench.now,
        "client_time": Millis(bench.now).iso(), "pull": true, "schema_version": 1, "changes": changes });
    let request: PushRequest = serde_json::from_value(request).expect("a request");
    let reply = bench.ledger.push(&newer(), &who("old"), request, Millis(bench.now)).expect("decided");
    let why = reply.pull_error.expect("no rows for code that cannot read them");
    assert_eq!((why.code, why.hint.as_str(), reply.slices.len()), (Code::SchemaMismatch, "update the application", 0));
    reply.processed
}

/// A device with everything there can be: clean, edited, frozen, deleted, conflicting, refused.
fn lived() -> Bench {
    let mut bench = Bench::new();
    for id in ["clean", "edited", "deleted", "fought", "list"] {
        bench.create("a", id, json!({ "n": "1", "list": [1] }));
    }
    bench.push(9);
    bench.pull();
    bench.update("a", "fought", json!({ "n": "mine" }));
    bench.other(json!({ "operation": "delete", "entity_type": "a", "entity_id": "fought", "base_version": 1 }));
    assert_eq!(bench.push(9)[0].status, Status::Conflict);
    bench.create("b", "wrong", json!({ "a": "nobody" }));
    assert_eq!(bench.push(9)[0].status, Status::Error);
    bench.create("a", "frozen", json!({ "n": "1", "list": ["sent"] }));
    bench.stage(9);
    bench.update("a", "frozen", json!({ "n": "later" }));
    bench.update("a", "edited", json!({ "n": "edited", "list": ["typed"] }));
    bench.update("a", "list", json!({ "list": ["only"] }));
    bench.create("b", "child", json!({ "a": "frozen" }));
    bench.delete("a", "deleted");
    bench
}

// Scenario 15, STO-8, laws 3 and 16
#[test]
fn scenario_15_work_queued_under_the_old_schema_arrives_under_the_new_one() {
    let mut bench = lived();
    bench.move_device();
    bench.move_server();
    for _ in 0..4 {
        assert!(bench.push(9).iter().all(|answer| answer.status == Status::Success));
    }
    bench.assert_nothing_waits();
    assert_eq!(bench.on_server("frozen"), json!(["alpha", { "id": "frozen", "name": "later" }]));
    assert_eq!(bench.on_server("edited"), json!(["alpha", { "id": "edited", "name": "edited" }]));
    assert_eq!(bench.on_server("child"), json!(["b", { "id": "child", "a": "frozen" }]));
    assert!(bench.ledger.rows().any(|row| row.id == "deleted" && row.deleted));
    // What nobody keeps any more was sent (and is in the op that left), or is in quarantine.
    let kept: Vec<&Value> = bench.store.rows("quarantine").map(|row| &row["row"]["data"]["list"]).collect();
    assert_eq!(kept, [&json!(["typed"]), &json!(["only"])]);
    // A conflict and a refusal still wait for a person, who decides in the words of the new schema.
    bench.act("alpha", "fought", Decision::Retry);
    assert_eq!(bench.push(9)[0].status, Status::Success);
    assert_eq!(bench.on_server("fought"), json!(["alpha", { "id": "fought", "name": "mine" }]));
    bench.act("b", "wrong", Decision::Discard);
    // The old token is no use: everything is compared, and nothing differs.
    bench.pull();
    let shown: Vec<Value> = bench.store.rows("alphas").map(|row| json!([row["id"], row["name"], row["list"]])).collect();
    assert_eq!(
        shown,
        [
            json!(["clean", "one", null]),
            json!(["edited", "edited", null]),
            json!(["fought", "mine", null]),
            json!(["frozen", "later", null]),
            json!(["list", "one", null]),
        ]
    );
}

// Scenario 15, law 3: the server decided the op and the answer was lost; both moved on before it came again.
#[test]
fn scenario_15_a_lost_answer_is_given_again_in_the_words_of_now() {
    let mut bench = Bench::new();
    bench.create("a", "x", json!({ "n": "start" }));
    bench.push(9);
    bench.pull();
    bench.other(json!({ "operation": "update", "entity_type": "a", "entity_id": "x", "base_version": 1,
        "data": { "list": [7] }, "before": {} }));
    bench.update("a", "x", json!({ "n": "1" }));
    bench.stage(9);
    let lost = bench.deliver();
    assert_eq!(lost[0].data.as_ref().map(|data| &data["n"]), Some(&json!("1")), "it was merged with another's change");
    bench.move_device();
    bench.move_server();
    let again = bench.push(9);
    let data = again[0].data.as_ref().expect("the merged record");
    assert_eq!((&data["name"], data.get("n"), data.get("list")), (&json!("one"), None, None));
    assert_eq!((again[0].server_version, again[0].number), (lost[0].server_version, lost[0].number), "one effect");
    assert_eq!(bench.store.rows("alphas").next().expect("it is there")["name"], "one");
    bench.assert_nothing_waits();
}

// Scenarios 15 and 31: the device knows only the old schema.
#[test]
fn scenario_31_ops_that_were_valid_under_the_old_schema_are_brought_up_to_date() {
    let mut bench = lived();
    bench.move_server();
    let answers = from_older(
        &mut bench,
        json!([
            { "operation": "create", "entity_type": "a", "entity_id": "new", "data": { "id": "new", "n": "1", "list": [] } },
            { "operation": "update", "entity_type": "a", "entity_id": "clean", "base_version": 1,
              "data": { "n": "changed" }, "before": { "n": "1" } },
            { "operation": "update", "entity_type": "a", "entity_id": "list", "base_version": 1,
              "data": { "list": [2] }, "before": { "list": [1] } },
            { "operation": "create", "entity_type": "b", "entity_id": "c", "data": { "id": "c", "a": "new" } },
        ]),
    );
    let status: Vec<Status> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(status, [Status::Success, Status::Success, Status::Error, Status::Success]);
    assert_eq!(answers[2].error.as_ref().map(|error| error.code), Some(Code::SchemaMismatch), "it would have no effect");
    assert!(answers.iter().all(|answer| answer.data.is_none() && answer.digest.is_empty()), "no words it does not know");
    assert_eq!(bench.on_server("new"), json!(["alpha", { "id": "new", "name": "one" }]));
    assert_eq!(bench.on_server("clean"), json!(["alpha", { "id": "clean", "name": "changed" }]));
}

// Scenario 15: the device is ahead of the server.
#[test]
fn scenario_15_a_device_ahead_of_the_server_waits_and_keeps_everything() {
    let mut bench = lived();
    bench.move_device();
    let before: Vec<Value> = bench.store.rows("sync_queue").cloned().collect();
    let error = bench.deliver_to(&schema()).expect_err("the server has to move");
    assert_eq!((error.code, error.hint.as_str()), (Code::SchemaMismatch, "update the server"));
    assert_eq!(error.detail.as_deref(), Some(&json!({ "server": 1, "device": 2 })));
    assert_eq!(bench.ledger.rows().filter(|row| row.id == "frozen").count(), 0, "nothing was decided");
    assert_eq!(bench.store.rows("sync_queue").filter(|op| op["status"] != "syncing").count(), before.len() - 1);
    assert!(rows_for(&schema(), 2).is_err_and(|error| error.hint == "update the server"));
}

// Law 12: a page for another schema is none.
#[test]
fn rows_go_only_to_their_own_version() {
    let request = json!({ "protocol": PROTOCOL, "device_id": "d", "incarnation": "i", "request_no": 1, "client_time": "",
        "pull": true, "schema_version": 1, "changes": [] });
    let request: PushRequest = serde_json::from_value(request).expect("a request");
    assert!(matches!(first_page(&schema(), &request), (Some(_), None)));
    assert!(matches!(first_page(&newer(), &request), (None, Some(error)) if error.code == Code::SchemaMismatch));
    assert!(rows_for(&newer(), 2).is_ok());
}

// STO-8: each transaction of a migration may be the last one before a crash.
#[test]
fn a_crash_in_any_transaction_of_a_migration_is_harmless() {
    let mut whole = lived();
    whole.move_device();
    let mut cut = lived();
    let schema = newer();
    cut.store.upgrade(&schema, 1).expect("upgraded");
    cut.schema = schema;
    loop {
        // The transaction runs to its end and is lost; then it runs again.
        let before = cut.store.clone();
        cut.tx(Migrate::new(Millis(cut.now))).expect("moved");
        cut.store = before;
        let Ok(Output::Migrated(migrated)) = cut.tx(Migrate::new(Millis(cut.now))) else { panic!("moved") };
        if !migrated.more {
            break;
        }
    }
    for def in layout::stores(&cut.schema) {
        let rows = |bench: &Bench| bench.store.rows(&def.name).cloned().collect::<Vec<_>>();
        assert_eq!(rows(&cut), rows(&whole), "{}", def.name);
    }
}
