//! What follows a record to its real id, in every order of answers, echoes and crashes.

use crate::bench::{Bench, who};
use crate::machine::Rig;
use landfall::error::Code;
use landfall::id::is_temp;
use landfall::queue::Op;
use landfall::schema::Schema;
use landfall::store::remap::Remap;
use landfall::store::{Output, Step, Tx};
use landfall::sync::{Reply, Request};
use landfall::time::Millis;
use landfall::wire::Status;
use serde_json::{Value, json};

pub fn clinic() -> Bench {
    let schema = Schema::parse(
        r#"{ "app": "laws", "version": 1, "id_mode": "temp", "entities": {
          "client": { "store": "clients", "delete_edit": "delete_wins", "fields": {
            "id": { "type": "string", "required": true }, "name": { "type": "string" } } },
          "pet": { "store": "pets", "fields": {
            "id": { "type": "string", "required": true }, "name": { "type": "string" },
            "client": { "type": "string", "reference": { "entity": "client" } },
            "friends": { "type": "list", "items": { "type": "string", "reference": { "entity": "pet" } } },
            "seen": { "type": "list", "items": { "type": "object", "fields": {
              "by": { "type": "string", "reference": { "entity": "client" } } } } } } } } }"#,
    );
    Bench::of(schema.expect("the clinic's schema"))
}

pub fn create(bench: &mut Bench, entity: &str, data: Value) -> String {
    bench.ask(json!({ "operation": "create", "entity": entity, "data": data })).expect("created")
}

pub fn update(bench: &mut Bench, entity: &str, id: &str, data: Value) {
    bench.ask(json!({ "operation": "update", "entity": entity, "id": id, "data": data })).expect("updated");
}

pub fn rows(bench: &Bench, store: &str) -> Vec<Value> {
    bench.store.rows(store).cloned().collect()
}

/// I14: no temporary id in anything that is shown, kept as a base or still to be sent.
fn assert_none_left(bench: &Bench) {
    let unfinished = |op: &Value| op["status"] != "completed";
    let mut all: Vec<Value> = ["clients", "pets", "base", "conflicts"].iter().flat_map(|store| rows(bench, store)).collect();
    all.extend(rows(bench, "sync_queue").into_iter().filter(unfinished));
    let text = serde_json::to_string(&all).expect("rows");
    assert!(!text.contains("temp_"), "{text}");
    let rows: Vec<_> = bench.ledger.rows().collect();
    assert!(!format!("{rows:?}").contains("temp_"));
}

fn status_of(bench: &Bench, id: &str) -> Vec<(String, String)> {
    let ops = rows(bench, "sync_queue").into_iter().filter(|op| op["entity_id"] == id);
    ops.map(|op| (op["status"].as_str().unwrap_or_default().to_owned(), op["operation"].as_str().unwrap_or_default().to_owned()))
        .collect()
}

// IDS-1
#[test]
fn temporary_ids_are_unique_and_sort_by_time() {
    let mut bench = clinic();
    let ids: Vec<String> = (0..20).map(|_| create(&mut bench, "client", json!({}))).collect();
    assert!(ids.iter().all(|id| is_temp(id) && id.ends_with("_client")), "{ids:?}");
    assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]));
    let own = bench.ask(json!({ "operation": "create", "entity": "client", "data": { "id": "42" } }));
    assert_eq!(own.expect("created"), "42", "an application may bring an id of its own");
}

// IDS-2
#[test]
fn everything_follows_a_record_to_its_real_id() {
    let mut bench = clinic();
    let client = create(&mut bench, "client", json!({ "name": "one" }));
    let staged = bench.stage(1);
    let pet = create(&mut bench, "pet", json!({ "client": client, "seen": [{ "by": client }, { "by": client }] }));
    let other = create(&mut bench, "pet", json!({ "friends": [pet, pet], "client": client }));
    update(&mut bench, "client", &client, json!({ "name": "two" }));
    update(&mut bench, "pet", &other, json!({ "client": client, "name": "Rex" }));
    let answers = bench.send(&staged);
    bench.settle(&staged, &answers);
    let real = answers[0].entity_id.clone();
    assert!(!is_temp(&real));
    let clients = rows(&bench, "clients");
    assert_eq!((clients.len(), &clients[0]["id"], &clients[0]["name"]), (1, &json!(real), &json!("two")), "the edit is kept");
    for pet in rows(&bench, "pets") {
        assert_eq!(pet["client"], json!(real));
    }
    let open: Vec<Value> = rows(&bench, "sync_queue").into_iter().filter(|op| op["status"] == "pending").collect();
    assert!(open.len() == 3 && !serde_json::to_string(&open).expect("rows").contains(&client), "{open:?}");
    let map = rows(&bench, "id_map");
    let row = json!({ "tempId": client, "realId": real, "entityType": "client", "createdAt": 1010, "syncedAt": bench.now });
    assert_eq!(map, [row]);
    for _ in 0..3 {
        assert!(bench.push(9).iter().all(|answer| answer.status == Status::Success));
    }
    assert_none_left(&bench);
    bench.pull();
    assert_none_left(&bench);
    bench.assert_nothing_waits();
    assert_eq!((rows(&bench, "clients").len(), rows(&bench, "pets").len()), (1, 2), "own echoes are known");
}

// IDS-2: "a later lookup by the old id still finds it"
#[test]
fn the_old_id_goes_on_finding_the_record() {
    let mut bench = clinic();
    let client = create(&mut bench, "client", json!({ "name": "one" }));
    let real = bench.push(9)[0].entity_id.clone();
    update(&mut bench, "client", &client, json!({ "name": "two" }));
    let pet = create(&mut bench, "pet", json!({ "client": client, "seen": [{ "by": client }] }));
    assert_eq!(rows(&bench, "pets")[0]["client"], json!(real), "a reference written by the old id names the new one");
    assert!(bench.push(9).iter().all(|answer| answer.status == Status::Success));
    bench.ask(json!({ "operation": "delete", "entity": "pet", "id": pet })).expect("deleted by its old id");
    bench.ask(json!({ "operation": "delete", "entity": "client", "id": client })).expect("deleted by its old id");
    for _ in 0..3 {
        bench.push(9);
    }
    bench.assert_nothing_waits();
    assert!(bench.ledger.rows().all(|row| row.deleted));
    let never = landfall::id::temp(landfall::time::Millis(5), [5; 8], "client");
    let error = bench.ask(json!({ "operation": "create", "entity": "pet", "data": { "client": never } })).expect_err("refused");
    assert_eq!(error.code, Code::ReferenceMissing, "a temporary id that never was leads nowhere");
}

// IDS-2, law 3: one batch, answers one by one, each in a transaction of its own, in every order that keeps parents first.
#[test]
fn frozen_ops_keep_their_bytes_and_their_records_follow() {
    let mut bench = clinic();
    let client = create(&mut bench, "client", json!({}));
    let pet = create(&mut bench, "pet", json!({ "client": client }));
    create(&mut bench, "pet", json!({ "friends": [pet], "client": client }));
    let staged = bench.stage(9);
    assert_eq!(staged.batch.len(), 3, "children follow in the same batch");
    let bytes: Vec<String> = staged.batch.iter().map(|op| serde_json::to_string(&op.change()).expect("bytes")).collect();
    let answers = bench.send(&staged);
    bench.settle(&staged, &answers[..1]);
    assert!(rows(&bench, "pets").iter().all(|pet| pet["client"] == json!(answers[0].entity_id)));
    let again = bench.stage(9);
    let sent: Vec<String> = again.batch.iter().map(|op| serde_json::to_string(&op.change()).expect("bytes")).collect();
    assert_eq!(sent, bytes[1..], "what has left is sent again as it was");
    let repeated = bench.send(&again);
    assert_eq!(repeated, answers[1..], "and is answered as it was");
    bench.settle(&again, &repeated[..1]);
    let last = bench.stage(9);
    let answers = bench.send(&last);
    bench.settle(&last, &answers);
    assert_none_left(&bench);
    assert_eq!(rows(&bench, "id_map").len(), 3);
    bench.assert_nothing_waits();
}

// IDS-2, scenarios 2, 3 and 6: the answer is lost, and the echo comes first, as a delta with acks or as a snapshot without.
#[test]
fn scenario_06_echo_and_answer_in_every_order() {
    for (snapshot, edit) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut bench = clinic();
        bench.pull();
        let client = create(&mut bench, "client", json!({ "name": "one" }));
        let pet = create(&mut bench, "pet", json!({ "client": client }));
        let staged = bench.stage(9);
        if edit {
            update(&mut bench, "client", &client, json!({ "name": "mine" }));
            update(&mut bench, "pet", &pet, json!({ "name": "mine", "seen": [{ "by": client }] }));
        }
        let answers = bench.send(&staged);
        if snapshot {
            bench.forget_token();
        }
        bench.pull();
        let here = if snapshot { 2 } else { 1 };
        assert_eq!(rows(&bench, "clients").len(), here, "without an ack nobody knows that it is the same");
        let again = bench.stage(9);
        assert_eq!(again.batch.is_empty(), !snapshot && !edit, "acks have settled it");
        if !again.batch.is_empty() {
            let repeated = bench.send(&again);
            if snapshot {
                assert_eq!(repeated, answers);
            }
            bench.settle(&again, &repeated);
        }
        while !bench.push(9).is_empty() {}
        bench.pull();
        assert_none_left(&bench);
        bench.assert_nothing_waits();
        assert_eq!((rows(&bench, "clients").len(), rows(&bench, "pets").len()), (1, 1), "{snapshot} {edit}");
        let name = if edit { "mine" } else { "one" };
        let (shown, kept) = (&rows(&bench, "clients")[0], bench.ledger.rows().find(|row| row.entity == "client"));
        assert_eq!((&shown["name"], &kept.expect("it is there").data["name"]), (&json!(name), &json!(name)));
        assert_eq!((&shown["_sync"]["status"], rows(&bench, "base").len()), (&json!("synced"), 0));
    }
}

// IDS-2, scenario 6: killed after every transaction.
#[test]
fn scenario_06_a_mapping_too_large_for_one_transaction_is_resumed_anywhere() {
    let mut bench = clinic();
    let client = create(&mut bench, "client", json!({}));
    let staged = bench.stage(1);
    for _ in 0..300 {
        create(&mut bench, "pet", json!({ "client": client }));
    }
    let answers = bench.send(&staged);
    bench.settle(&staged, &answers);
    let real = answers[0].entity_id.clone();
    let mut rounds = 0;
    loop {
        let left = rows(&bench, "pets").iter().filter(|pet| pet["client"] == json!(client)).count();
        let head = rows(&bench, "metadata").into_iter().find(|row| row["key"] == "head").expect("the head");
        assert_eq!(head["remaps"], json!(u64::from(left > 0)), "what is left is known, also to whoever opens it next");
        // The application goes on in between, by the old id and by the new one.
        let pet = rows(&bench, "pets")[rounds]["id"].as_str().expect("an id").to_owned();
        update(&mut bench, "pet", &pet, json!({ "client": client, "name": "edited" }));
        create(&mut bench, "pet", json!({ "client": client }));
        update(&mut bench, "client", &client, json!({ "name": format!("{rounds}") }));
        if left == 0 {
            break;
        }
        // Another context takes over; one of an older fence changes nothing any more.
        let before = rows(&bench, "pets");
        let error = bench.tx(Remap::new(bench.fence() - 1)).expect_err("an older holder");
        assert_eq!((error.code, rows(&bench, "pets")), (Code::LockLost, before));
        bench.take_over();
        let Ok(Output::Remapped(_)) = bench.tx(Remap::new(bench.fence())) else { panic!("remapped") };
        rounds += 1;
        assert!(rounds < 9, "{left} are left");
    }
    assert!(rounds >= 2, "it took several: {rounds}");
    assert!(rows(&bench, "pets").iter().all(|pet| pet["client"] == json!(real)));
    while !bench.push(1000).is_empty() {}
    assert_none_left(&bench);
    bench.assert_nothing_waits();
}

// IDS-2, scenario 35
#[test]
fn scenario_35_a_child_of_a_refused_temporary_parent_waits() {
    let mut bench = clinic();
    let client = create(&mut bench, "client", json!({ "name": "bad" }));
    let pet = create(&mut bench, "pet", json!({ "client": client }));
    let grandchild = create(&mut bench, "pet", json!({ "friends": [pet] }));
    create(&mut bench, "client", json!({ "name": "unrelated" }));
    let staged = bench.stage(1);
    let refused = landfall::wire::Processed::refused(
        staged.batch[0].id.clone(),
        &staged.batch[0].entity_id,
        landfall::error::Error::new(Code::ValidationError, "by hand"),
    );
    bench.settle(&staged, &[refused]);
    let answers = bench.push(9);
    assert_eq!(answers.len(), 1, "only what is unrelated went");
    assert_eq!(status_of(&bench, &client), [("failed".to_owned(), "create".to_owned())], "it keeps its temporary id");
    for id in [&pet, &grandchild] {
        assert_eq!(status_of(&bench, id), [("pending".to_owned(), "create".to_owned())], "held, not sent");
    }
    assert_eq!(rows(&bench, "pets")[0]["client"], json!(client));
    bench.act("client", &client, landfall::store::act::Decision::Retry);
    let mut sent = 0;
    while let answers @ [_, ..] = bench.push(9).as_slice() {
        assert!(answers.iter().all(|answer| answer.status == Status::Success), "{answers:?}");
        sent += answers.len();
    }
    assert_eq!(sent, 3, "the parent, its child, its grandchild");
    assert_none_left(&bench);
    bench.assert_nothing_waits();
}

// IDS-2: the bound, in requests to the database.
#[test]
fn one_mapping_with_a_hundred_references_is_one_transaction() {
    let mut bench = clinic();
    let client = create(&mut bench, "client", json!({}));
    let staged = bench.stage(1);
    for _ in 0..100 {
        create(&mut bench, "pet", json!({ "client": client }));
    }
    let answers = bench.send(&staged);
    let mut tx: Tx = bench.settling(&staged, &answers).into();
    let (mut reads, mut found) = (0, Vec::new());
    let writes = loop {
        match tx.advance(&bench.schema, found) {
            Step::Read(read) => {
                reads += read.len();
                found = read.iter().map(|one| bench.store.read(one).expect("readable")).collect();
            }
            Step::Done(changes, _) => break changes.len(),
            Step::Abort(error) => panic!("{error}"),
        }
    };
    // 100 records and their 100 waiting ops; the op, the record under both ids, the mapping, and the head.
    assert_eq!((reads, writes), (12, 205));
}

/// An op that names no temporary id costs its indexes nothing.
#[test]
fn a_record_without_temporary_references_has_no_entry() {
    let mut bench = clinic();
    bench.ask(json!({ "operation": "create", "entity": "client", "data": { "id": "1" } })).expect("created");
    bench.ask(json!({ "operation": "create", "entity": "pet", "data": { "id": "2", "client": "1" } })).expect("created");
    assert!(rows(&bench, "pets")[0]["_sync"].get("refs").is_none());
    let ops: Vec<Op> = rows(&bench, "sync_queue").into_iter().map(|op| serde_json::from_value(op).expect("an op")).collect();
    assert!(ops.iter().all(|op| op.temps.is_empty()));
}

// IDS-2, law 14: a cycle goes on with what one transaction could not take, and then with what waited for it.
#[test]
fn a_cycle_makes_everything_follow_before_it_sends_on() {
    let mut bench = clinic();
    let client = create(&mut bench, "client", json!({}));
    for _ in 0..300 {
        create(&mut bench, "pet", json!({ "client": client }));
    }
    let mut rig = Rig::start(bench);
    let mut pushes = 0;
    while let Some((_, request)) = rig.requests.last().cloned() {
        match request {
            Request::Push(push) => {
                pushes += 1;
                let person = who(push.device_id.as_str());
                let reply = rig.bench.ledger.push(&rig.bench.schema, &person, push, Millis(rig.now));
                rig.answer(reply.map(Reply::Push));
            }
            _ => rig.serve_pulls(),
        }
        assert!(pushes < 30, "it goes on for ever");
    }
    let status = rig.machine.status();
    assert_eq!((status.queued, status.failed, rows(&rig.bench, "id_map").len()), (0, 0, 301));
    assert_none_left(&rig.bench);
}
