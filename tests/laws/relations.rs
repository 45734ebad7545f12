//! Two records that claim one id, and references that lead nowhere.

use crate::bench::Bench;
use crate::identity::{clinic, create, rows, update};
use landfall::error::Code;
use landfall::id::is_temp;
use landfall::store::Output;
use landfall::store::inspect::{Inspect, Orphan, Strategy, mend};
use landfall::wire::Status;
use serde_json::json;

// IDS-4, scenario 38: both are kept and synced, and each child stays with its own parent.
#[test]
fn scenario_38_a_record_whose_id_is_taken_gets_a_new_one() {
    for pulled in [false, true] {
        let mut bench = clinic();
        let theirs = json!({ "operation": "create", "entity_type": "client", "entity_id": "42",
            "data": { "id": "42", "name": "theirs" } });
        bench.ask(json!({ "operation": "create", "entity": "client", "data": { "id": "42", "name": "mine" } })).expect("created");
        let pet = create(&mut bench, "pet", json!({ "client": "42" }));
        bench.other(theirs);
        let staged = bench.stage(9);
        assert_eq!(staged.batch.len(), 2, "the child travels along");
        update(&mut bench, "client", "42", json!({ "name": "mine too" }));
        let answers = bench.send(&staged);
        assert_eq!(answers[0].error.as_ref().map(|error| error.code), Some(Code::IdCollision));
        assert_eq!(answers[1].status, Status::Held, "it would have become a stranger's child");
        if pulled {
            bench.pull();
        }
        bench.settle(&staged, &answers);
        while !bench.push(9).is_empty() {}
        bench.pull();
        bench.assert_nothing_waits();
        let names: Vec<String> =
            rows(&bench, "clients").iter().map(|row| format!("{} {}", row["id"] == "42", row["name"])).collect();
        assert!(names.contains(&"true \"theirs\"".to_owned()) && names.contains(&"false \"mine too\"".to_owned()), "{names:?}");
        assert_eq!((names.len(), bench.ledger.rows().filter(|row| row.entity == "client").count()), (2, 2));
        let mine = rows(&bench, "clients").into_iter().find(|row| row["id"] != "42").expect("mine")["id"].clone();
        assert_eq!(rows(&bench, "pets")[0]["client"], mine);
        assert_eq!(bench.ledger.rows().find(|row| row.entity == "pet").expect("the pet").data["client"], mine);
        assert!(is_temp(&pet) && rows(&bench, "base").is_empty());
    }
}

// IDS-4, A15: a server that has every id is not asked for ever.
#[test]
fn scenario_38_collisions_without_end_end() {
    let mut bench = clinic();
    create(&mut bench, "client", json!({}));
    let mut rounds = 0;
    loop {
        let staged = bench.stage(9);
        let Some(op) = staged.batch.first() else { break };
        let taken = landfall::error::Error::new(Code::IdCollision, "by hand");
        let answer = landfall::wire::Processed::refused(op.id.clone(), &op.entity_id, taken);
        bench.settle(&staged, &[answer]);
        rounds += 1;
        assert!(rounds < 20);
    }
    let ops = rows(&bench, "sync_queue");
    assert_eq!((ops.len(), &ops[0]["status"]), (1, &json!("failed")), "a person sees it");
}

fn orphans(bench: &mut Bench) -> Vec<Orphan> {
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        let inspect = Inspect::new(&bench.schema, from);
        let Ok(Output::Inspected(page)) = bench.tx(inspect) else { panic!("inspected") };
        found.extend(page.orphans);
        from = page.next;
        if from.is_none() {
            return found;
        }
    }
}

// IDS-3
#[test]
fn references_that_lead_nowhere_are_found_page_by_page_and_mended() {
    let mut bench = clinic();
    let client = create(&mut bench, "client", json!({}));
    for _ in 0..150 {
        create(&mut bench, "pet", json!({ "client": client }));
    }
    let pet = create(&mut bench, "pet", json!({ "seen": [{ "by": client }], "friends": ["elsewhere"] }));
    assert_eq!(orphans(&mut bench).len(), 1, "only what is not here");
    bench.ask(json!({ "operation": "delete", "entity": "client", "id": client })).expect("deleted");
    let found = orphans(&mut bench);
    assert_eq!(found.len(), 152);
    let last = found.iter().find(|one| one.id == pet && one.target.1 == client).expect("the pet's");
    assert_eq!((last.path.as_str(), last.certain), ("seen[0].by", true));
    assert!(found.iter().any(|one| one.path == "friends[0]" && !one.certain), "it may be on the server");
    for one in found.iter().filter(|one| one.certain) {
        let record = rows(&bench, "pets").into_iter().find(|row| row["id"] == one.id.as_str()).expect("the pet");
        let mut record = record.as_object().cloned().expect("fields");
        record.remove("_sync");
        let strategy = if one.id == pet { Strategy::SetNull } else { Strategy::Delete };
        let request = mend(&bench.schema, one, &record, strategy).expect("a known entity").expect("it holds it");
        bench.ask(landfall::plain::Plain::plain(&request)).expect("an ordinary op");
    }
    assert_eq!((orphans(&mut bench).len(), rows(&bench, "pets").len()), (1, 1));
    assert_eq!(rows(&bench, "pets")[0]["seen"], json!([{}]));
}
