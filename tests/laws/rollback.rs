//! The server restored from a copy (SYN-11, scenario 24): it has lost what it acknowledged, and gets it back.

use crate::fleet::Fleet;
use landfall::authority::MemoryLedger;
use landfall::error::{Code, Error};
use landfall::schema::Operation;
use landfall::sync::{Input, Reason, Reply, Request};
use serde_json::json;

/// Two people with everything alike, and the copy that was made of the server then.
fn before() -> (Fleet, MemoryLedger) {
    let mut fleet = Fleet::new(&["ann", "ben"]);
    for id in ["edited", "deleted", "counted"] {
        fleet.create(0, id, "old");
    }
    fleet.write(0, Operation::Update, ("note", "counted"), json!({ "count": 1 }));
    fleet.sync_all();
    let copy = fleet.ledger.clone();
    (fleet, copy)
}

/// What is acknowledged and then lost.
fn lost_hour(fleet: &mut Fleet) {
    fleet.update(0, "edited", "by ann");
    fleet.delete(0, "deleted");
    fleet.create(0, "new", "by ann");
    fleet.write(0, Operation::Create, ("task", "child"), json!({ "title": "of the new one", "note": "new" }));
    fleet.write(1, Operation::Update, ("note", "counted"), json!({ "count": 10 }));
    fleet.sync_all();
    fleet.write(0, Operation::Update, ("note", "counted"), json!({ "count": 110 }));
    fleet.sync_all();
    fleet.assert_alike();
}

fn restore(fleet: &mut Fleet, copy: &MemoryLedger) {
    fleet.ledger = copy.clone();
    fleet.ledger.restart("run1".into());
}

fn assert_all_is_back(fleet: &Fleet) {
    let row = |id: &str| fleet.ledger.rows().find(|row| row.id == id).expect("a row");
    assert_eq!(row("edited").data["title"], "by ann");
    assert!(row("deleted").deleted);
    assert_eq!(row("child").data["note"], "new");
    assert_eq!(row("counted").data["count"], json!(110), "once, not twice: each device adds what it had added");
    fleet.assert_alike();
    let aside: Vec<usize> = fleet.devices.iter().map(|device| device.store.rows("quarantine").count()).collect();
    assert_eq!(aside, [0, 0], "what was missing for a while has come back");
}

#[test]
fn scenario_24_a_restored_server_gets_back_what_it_acknowledged() {
    let (mut fleet, copy) = before();
    lost_hour(&mut fleet);
    restore(&mut fleet, &copy);
    fleet.update(1, "edited", "by ben, meanwhile");
    assert!(!fleet.devices[1].status.is_synced());
    fleet.sync_all();
    let edited = fleet.ledger.rows().find(|row| row.id == "edited").expect("a row");
    assert_eq!(edited.data["title"], "by ben, meanwhile");
    fleet.update(0, "edited", "by ann");
    fleet.sync_all();
    assert_all_is_back(&fleet);
}

/// The process ends after any number of answers, between the server's commit and the answer too.
#[test]
fn scenario_24_it_goes_on_wherever_it_is_cut_off() {
    for cut in 0..14 {
        for heard in [true, false] {
            let (mut fleet, copy) = before();
            lost_hour(&mut fleet);
            restore(&mut fleet, &copy);
            fleet.feed(0, Input::Wake(Reason::User));
            for _ in 0..cut {
                fleet.serve(0);
            }
            if let (false, Some((_, request))) = (heard, fleet.devices[0].requests.pop_front()) {
                let _unheard = fleet.answer(0, request);
            }
            fleet.kill(0);
            fleet.sync(0);
            fleet.sync_all();
            assert_all_is_back(&fleet);
        }
    }
}

/// The device's own token had not moved: only the mark says that something it was told of is gone.
#[test]
fn scenario_24_an_answer_whose_page_never_came_is_known_to_be_lost() {
    let (mut fleet, copy) = before();
    fleet.create(0, "new", "acknowledged");
    fleet.feed(0, Input::Wake(Reason::User));
    while let Some((ticket, request)) = fleet.devices[0].requests.pop_front() {
        let mut reply = fleet.answer(0, request);
        if let Ok(Reply::Push(reply)) = &mut reply {
            reply.slices.clear();
            reply.next_sync_token = None;
        }
        let reply = if matches!(reply, Ok(Reply::Pull(_))) { Err(Error::new(Code::NetworkError, "by hand")) } else { reply };
        fleet.feed(0, Input::Response(ticket, reply));
    }
    assert_eq!((fleet.devices[0].ops("completed"), fleet.devices[0].status.queued), (4, 0));
    restore(&mut fleet, &copy);
    fleet.sync_all();
    assert!(fleet.ledger.rows().any(|row| row.id == "new"));
    fleet.assert_alike();
}

/// Nobody is left who could bring it back: it goes here too, but not without a word, and not for good.
#[test]
fn scenario_24_what_nobody_can_bring_back_is_kept_aside_and_told() {
    let (mut fleet, copy) = before();
    fleet.create(1, "bens", "of a device that is gone");
    fleet.update(1, "edited", "by ben");
    fleet.sync_all();
    restore(&mut fleet, &copy);
    fleet.devices.truncate(1);
    fleet.sync_all();
    assert!(!fleet.devices[0].status.is_synced(), "it is said, until somebody has seen it");
    let aside: Vec<_> = fleet.devices[0].store.rows("quarantine").cloned().collect();
    assert_eq!(aside.len(), 2);
    assert_eq!((&aside[0]["row"]["title"], &aside[1]["row"]["title"]), (&json!("of a device that is gone"), &json!("by ben")));
    for row in aside {
        let id = row["id"].as_str().expect("an id").to_owned();
        let Ok(landfall::store::Output::Released(released)) = fleet.run(0, landfall::store::quarantine::Release::new(id)) else {
            panic!("released")
        };
        fleet.feed(0, Input::Wrote(released.summary, false));
    }
    fleet.assert_alike();
}

/// What the restored server now refuses waits for a person, with its op; nothing disappears.
#[test]
fn scenario_24_an_op_that_meets_another_on_the_restored_server_is_asked_about() {
    let (mut fleet, copy) = before();
    fleet.write(0, Operation::Update, ("note", "edited"), json!({ "ask": "ann" }));
    fleet.sync(0);
    restore(&mut fleet, &copy);
    fleet.write(1, Operation::Update, ("note", "edited"), json!({ "ask": "ben" }));
    fleet.sync(1);
    fleet.sync(0);
    let device = &fleet.devices[0];
    assert_eq!((device.status.conflicts, device.ops("conflict")), (1, 1), "{:?}", device.status);
    assert_eq!(device.row("notes", "edited").expect("shown")["ask"], "ann");
    fleet.act(0, "edited", landfall::store::act::Decision::Retry);
    fleet.sync_all();
    fleet.assert_alike();
    assert_eq!(fleet.ledger.rows().find(|row| row.id == "edited").expect("a row").data["ask"], "ann");
}

/// A server that says so for ever is not asked for ever.
#[test]
fn scenario_24_a_server_that_always_says_rollback_is_not_asked_without_end() {
    let (mut fleet, _) = before();
    fleet.update(0, "edited", "x");
    fleet.feed(0, Input::Wake(Reason::User));
    let mut asked = 0;
    while let Some((ticket, request)) = fleet.devices[0].requests.pop_front() {
        asked += 1;
        assert!(asked < 50, "without end");
        let reply = match request {
            Request::Push(_) => {
                let reply = landfall::wire::PushReply::without_answers(fleet.server_now());
                Ok(Reply::Push(landfall::wire::PushReply { reset: Some(landfall::wire::Reset::Rollback), ..reply }))
            }
            request => fleet.answer(0, request),
        };
        fleet.feed(0, Input::Response(ticket, reply));
    }
    assert!(fleet.devices[0].alarm.is_some() && fleet.devices[0].status.queued == 1);
}

// Ops keep their payload seven days after their answer, for the queue view and for a server that lost them.
#[test]
fn completed_ops_stay_seven_days_and_then_go_while_nobody_waits() {
    let mut fleet = Fleet::new(&["ann"]);
    for n in 0..600 {
        fleet.create(0, &format!("n{n:03}"), "x");
    }
    fleet.sync(0);
    assert_eq!(fleet.devices[0].ops("completed"), 600);
    fleet.now += 6 * crate::fleet::DAY;
    fleet.sync(0);
    assert_eq!(fleet.devices[0].ops("completed"), 600);
    fleet.now += 2 * crate::fleet::DAY;
    fleet.create(0, "late", "x");
    fleet.sync(0);
    assert_eq!(fleet.devices[0].ops("completed"), 1, "the late one's");
    let before = fleet.devices[0].ran.iter().filter(|name| **name == "Sweep").count();
    fleet.sync(0);
    assert_eq!(fleet.devices[0].ran.iter().filter(|name| **name == "Sweep").count(), before, "not again within the hour");
    fleet.assert_alike();
}
