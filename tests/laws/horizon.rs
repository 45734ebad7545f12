//! A device that was away for longer than the server remembers (SYN-16, scenario 25): everything is loaded anew, nothing comes
//! back by itself, and what waited on the device is asked about.

use crate::fleet::{DAY, Fleet};
use landfall::error::Code;
use landfall::store::act::Decision;
use landfall::sync::{Input, Reason};
use landfall::time::Millis;

/// Ann is away while Ben deletes two notes; then the server forgets that it ever had them.
fn away(mut while_away: impl FnMut(&mut Fleet)) -> Fleet {
    let mut fleet = Fleet::new(&["ann", "ben"]);
    for id in ["stays", "clean", "edited", "both"] {
        fleet.create(0, id, "old");
    }
    fleet.sync_all();
    for id in ["clean", "edited", "both"] {
        fleet.delete(1, id);
    }
    fleet.sync(1);
    while_away(&mut fleet);
    fleet.now += 40 * DAY;
    fleet.sync(1);
    let before = Millis(fleet.now - 30 * DAY);
    while fleet.ledger.collect(before, 2) > 0 {}
    assert!(fleet.ledger.rows().all(|row| !row.deleted), "the tombstones are gone");
    fleet
}

#[test]
fn scenario_25_clean_records_go_edits_are_asked_about_nothing_comes_back() {
    for decision in [Decision::Retry, Decision::Discard] {
        let mut fleet = away(|fleet| {
            fleet.update(0, "edited", "mine");
            fleet.delete(0, "both");
            fleet.create(0, "new", "made offline");
        });
        fleet.sync(0);
        let device = &fleet.devices[0];
        assert!(device.row("notes", "clean").is_none(), "clean and absent: deleted");
        assert_eq!(device.row("notes", "edited").expect("still shown")["title"], "mine");
        assert_eq!((device.status.conflicts, device.status.queued, device.status.failed), (1, 0, 0), "{:?}", device.status);
        assert!(!device.status.is_synced());
        let conflict = device.store.rows("conflicts").next().expect("both sides are kept");
        assert_eq!((&conflict["kind"], &conflict["local"]["title"]), (&"edit_delete".into(), &"mine".into()));
        assert!(fleet.ledger.rows().all(|row| row.id != "edited"), "nobody has brought it back");
        fleet.act(0, "edited", decision);
        fleet.sync_all();
        assert_eq!(fleet.ledger.rows().any(|row| row.id == "edited"), decision == Decision::Retry);
        assert!(fleet.ledger.rows().any(|row| row.id == "new"), "what was made offline arrives, however old it is");
        fleet.assert_alike();
    }
}

/// The answer to an op was lost, and is forgotten by the time the device comes back: it is not applied a second time.
#[test]
fn scenario_25_an_op_whose_answer_is_forgotten_has_no_second_effect() {
    let mut fleet = away(|fleet| {
        fleet.write(0, landfall::schema::Operation::Update, ("note", "stays"), serde_json::json!({ "count": 5 }));
        fleet.create(0, "gone again", "x");
        fleet.feed(0, Input::Wake(Reason::User));
        let (_, request) = fleet.devices[0].requests.pop_front().expect("a push");
        fleet.answer(0, request).expect("decided, and never heard of");
        fleet.sync(1);
        fleet.delete(1, "gone again");
        fleet.sync(1);
    });
    fleet.kill(0);
    fleet.sync(0);
    fleet.sync_all();
    assert!(fleet.ledger.rows().all(|row| row.id != "gone again"), "it does not come back by itself");
    let stays = fleet.ledger.rows().find(|row| row.id == "stays").expect("it is there");
    assert_eq!(stays.data["count"], 5, "counted once");
    let failed: Vec<_> = fleet.devices[0].store.rows("sync_queue").filter(|op| op["status"] == "failed").cloned().collect();
    assert_eq!(failed.len(), 2);
    assert!(failed.iter().all(|op| op["error"]["code"] == Code::AnswerForgotten.as_str()), "{failed:?}");
    for id in ["stays", "gone again"] {
        fleet.act(0, id, Decision::Discard);
    }
    fleet.sync_all();
    fleet.assert_alike();
}
