//! A device's database put back to an older copy, and two copies of it that run at once (scenario 23).

use crate::fleet::{DAY, Fleet};
use landfall::schema::Operation;
use landfall::store::absorb::{Absorb, Expect};
use landfall::store::act::Decision;
use landfall::store::note::{Fact, Note};
use landfall::sync::{Input, Reply, Request};
use serde_json::json;

/// A fleet of one, and a second device that is a copy of it.
fn copied(prepare: impl FnOnce(&mut Fleet)) -> Fleet {
    let mut fleet = Fleet::new(&["ann", "ann"]);
    fleet.create(0, "n", "old");
    fleet.write(0, Operation::Update, ("note", "n"), json!({ "count": 0 }));
    fleet.sync(0);
    prepare(&mut fleet);
    let store = fleet.devices[0].store.clone();
    fleet.reopen_offline(1, store);
    fleet
}

fn count(fleet: &Fleet) -> f64 {
    fleet.ledger.rows().find(|row| row.id == "n").expect("it is there").data["count"].as_f64().expect("a number")
}

/// The copy had the same op waiting, unsent, and goes on editing it: what the other one sent under that name is not this.
#[test]
fn scenario_23_an_edit_in_a_copy_is_not_taken_for_what_the_other_copy_sent() {
    for pull_first in [true, false] {
        let mut fleet = copied(|fleet| fleet.update(0, "n", "waits in both"));
        fleet.update(1, "n", "typed later, in the copy");
        fleet.sync(0);
        if pull_first {
            // The other copy's ack reaches this one before its own op has left.
            fleet.feed(1, Input::Pause(false));
            let (ticket, _) = fleet.devices[1].requests.pop_front().expect("a push");
            let lost = landfall::error::Error::new(landfall::error::Code::NetworkError, "by hand");
            fleet.feed(1, Input::Response(ticket, Err(lost)));
        }
        fleet.sync_all();
        let row = fleet.ledger.rows().find(|row| row.id == "n").expect("it is there");
        assert_eq!(row.data["title"], "typed later, in the copy", "{pull_first}");
        fleet.assert_alike();
    }
}

/// An ack alone (in a page that came before anything was sent) does not settle an op that is still being edited here.
#[test]
fn scenario_23_an_ack_of_an_op_that_never_left_settles_nothing() {
    use landfall::wire::{Ack, Slice};
    let mut fleet = copied(|fleet| fleet.update(0, "n", "waits in both"));
    let op = fleet.devices[1].store.rows("sync_queue").find(|op| op["status"] == "pending").expect("it waits").clone();
    let sync = fleet.devices[1].sync_row().clone();
    let ack = Ack {
        queue_id: op["id"].as_str().expect("an id").into(),
        entity_id: "n".into(),
        server_version: 3,
        number: 9,
        digest: String::new(),
    };
    let token = sync["token"].as_str().map(Into::into);
    let head = fleet.devices[1].store.rows("metadata").find(|row| row["key"] == "head").expect("a head").clone();
    let expect = Expect { fence: head["fence"].as_u64().expect("a fence"), token, has_more: false };
    let slice = Slice { acks: vec![ack], changes: vec![], removed: vec![], range: None, token: "t".into() };
    fleet.run(1, Absorb::new(expect, slice, fleet.wall(1))).expect("absorbed");
    assert_eq!((fleet.devices[1].ops("pending"), fleet.devices[1].ops("completed")), (1, 1));
}

/// Two copies at once, each with work of its own: every write counts once, whoever comes first.
#[test]
fn scenario_23_two_copies_at_once_lose_nothing_and_count_nothing_twice() {
    let mut fleet = copied(|fleet| {
        // Waits in both copies, and is sent by both.
        fleet.create(0, "waits in both", "x");
    });
    let mut sum = 0.0;
    for round in 0..12u32 {
        for device in [0, 1] {
            let shown = fleet.devices[device].row("notes", "n").expect("shown")["count"].as_f64().expect("a number");
            let add = f64::from(10 + round);
            sum += add;
            fleet.write(device, Operation::Update, ("note", "n"), json!({ "count": shown + add }));
            fleet.create(device, &format!("{device}-{round}"), "its own");
        }
        // Sometimes one, sometimes the other, sometimes both.
        if round % 3 != 1 {
            fleet.sync(0);
        }
        if round % 3 != 2 {
            fleet.sync(1);
        }
    }
    fleet.sync_all();
    assert_eq!(count(&fleet), sum);
    assert_eq!(fleet.ledger.rows().count(), 2 + 24);
    fleet.assert_alike();
    let life = |device: usize| fleet.devices[device].sync_row()["incarnation"].clone();
    assert_eq!(fleet.devices[0].sync_row()["device_id"], fleet.devices[1].sync_row()["device_id"]);
    assert_ne!(life(0), life(1), "each has a life of its own by now");
}

/// Last week's store is put back: what it still had waiting is not done twice, what it did not know comes back.
#[test]
fn scenario_23_last_weeks_store_is_put_back() {
    let mut fleet = Fleet::new(&["ann", "ben"]);
    fleet.create(0, "n", "old");
    fleet.write(0, Operation::Update, ("note", "n"), json!({ "count": 0 }));
    fleet.sync_all();
    fleet.write(0, Operation::Update, ("note", "n"), json!({ "count": 5 }));
    let backup = fleet.devices[0].store.clone();
    fleet.sync(0);
    fleet.create(0, "after the backup", "x");
    fleet.sync_all();
    fleet.now += 7 * DAY;
    fleet.sync_all();
    fleet.reopen_offline(0, backup);
    fleet.create(0, "after the return", "x");
    fleet.sync_all();
    assert_eq!(count(&fleet), 5.0);
    fleet.assert_alike();
    assert!(fleet.devices[0].row("notes", "after the backup").is_some());
    assert!(fleet.ledger.rows().any(|row| row.id == "after the return"));
}

/// A sum that waited in both copies and was changed in one: how much of it the other has sent, nobody can tell. It is neither
/// counted twice nor lost: a person is asked.
#[test]
fn scenario_23_a_sum_that_both_copies_had_waiting_is_asked_about() {
    let mut fleet = copied(|fleet| fleet.write(0, Operation::Update, ("note", "n"), json!({ "count": 5 })));
    fleet.write(1, Operation::Update, ("note", "n"), json!({ "count": 105 }));
    fleet.sync(0);
    fleet.sync(1);
    assert_eq!((count(&fleet), fleet.devices[1].status.failed), (5.0, 1));
    let op = fleet.devices[1].store.rows("sync_queue").find(|op| op["status"] == "failed").expect("shown").clone();
    assert_eq!(op["error"]["code"], "OP_REUSED");
    fleet.act(1, "n", Decision::Discard);
    fleet.sync_all();
    assert_eq!(count(&fleet), 5.0);
    fleet.assert_alike();
}

/// Takes a whole first load into the second device, before any of its own ops has left.
fn load(fleet: &mut Fleet) {
    let store = fleet.devices[1].store.clone();
    fleet.feed(1, Input::Pause(false));
    let (_, request) = fleet.devices[1].requests.pop_front().expect("a push");
    let Request::Push(push) = request else { panic!("not a push: {request:?}") };
    fleet.devices[1].store = store;
    let head = fleet.devices[1].store.rows("metadata").find(|row| row["key"] == "head").expect("a head").clone();
    let fence = head["fence"].as_u64().expect("a fence");
    fleet.run(1, Note::new(fence, Fact::Reset, fleet.wall(1))).expect("noted");
    let mut token = None;
    loop {
        let page = push.first_page().expect("a page is asked for");
        let reply = fleet.answer(1, Request::Pull(landfall::wire::PullRequest { sync_token: token.clone(), ..page }));
        let Ok(Reply::Pull(reply)) = reply else { panic!("{reply:?}") };
        for slice in reply.slices {
            let expect = Expect { fence, token: token.clone(), has_more: reply.has_more };
            token = Some(slice.token.clone());
            fleet.run(1, Absorb::new(expect, slice, fleet.wall(1))).expect("absorbed");
        }
        if !reply.has_more {
            break;
        }
    }
}

/// The other copy's create has come back to this one as a row: deleting the record deletes it on the server too.
#[test]
fn scenario_23_a_record_that_the_other_copy_has_created_can_be_deleted_here() {
    let mut fleet = copied(|fleet| fleet.create(0, "x", "typed in both"));
    fleet.sync(0);
    load(&mut fleet);
    fleet.write(1, Operation::Delete, ("note", "x"), json!(null));
    let store = fleet.devices[1].store.clone();
    fleet.reopen_offline(1, store);
    fleet.sync_all();
    assert!(fleet.ledger.rows().find(|row| row.id == "x").expect("it was there").deleted);
    fleet.assert_alike();
}
