//! Clocks that are wrong, and clocks that jump (SYN-12, scenario 10).

use crate::fleet::{DAY, Fleet};
use landfall::error::{Code, Error};
use landfall::sync::{Input, Reason};

const DAY_MS: i64 = DAY as i64;

fn title(fleet: &Fleet, id: &str) -> String {
    let row = fleet.ledger.rows().find(|row| row.id == id).expect("it is there");
    row.data["title"].as_str().expect("a title").to_owned()
}

/// Two people change the same field; whoever did it later in true time wins, whatever their clocks say, in whichever order
/// their changes arrive.
#[test]
fn scenario_10_the_later_write_wins_whatever_the_clocks_say() {
    for ahead in [DAY_MS, -DAY_MS, 0] {
        for later in [0, 1] {
            for first_to_sync in [0, 1] {
                let mut fleet = Fleet::new(&["ann", "ben"]);
                fleet.devices[0].ahead_ms = ahead;
                fleet.create(0, "n", "old");
                fleet.sync_all();
                let earlier = 1 - later;
                fleet.update(earlier, "n", "earlier");
                fleet.now += 60_000;
                fleet.update(later, "n", "later");
                fleet.now += 60_000;
                fleet.sync(first_to_sync);
                fleet.sync(1 - first_to_sync);
                fleet.sync_all();
                assert_eq!(title(&fleet, "n"), "later", "{ahead} {later} {first_to_sync}");
                fleet.assert_alike();
                let found = fleet.devices[0].status.clock_behind_ms;
                assert!((found + ahead).abs() <= 1_000, "{found} measured, {ahead} ahead");
            }
        }
    }
}

/// The device shows the winner at once: it compares by the server's clock, not by its own.
#[test]
fn scenario_10_a_wrong_clock_does_not_show_the_wrong_winner() {
    for (ahead, mine_is_later) in [(DAY_MS, false), (-DAY_MS, true)] {
        let mut fleet = Fleet::new(&["ann", "ben"]);
        fleet.devices[0].ahead_ms = ahead;
        fleet.create(0, "n", "old");
        fleet.sync_all();
        let order = if mine_is_later { [1, 0] } else { [0, 1] };
        for (device, text) in order.into_iter().map(|device| (device, if device == 0 { "mine" } else { "theirs" })) {
            fleet.now += 60_000;
            fleet.update(device, "n", text);
        }
        fleet.sync(1);
        // Ann's own op is taken away from the request, so that only the pull is answered: what is shown is her own reckoning.
        fleet.feed(0, Input::Wake(Reason::User));
        let Some((ticket, landfall::sync::Request::Push(mut push))) = fleet.devices[0].requests.pop_front() else {
            panic!("a push")
        };
        push.changes.clear();
        let mut reply = fleet.answer(0, landfall::sync::Request::Push(push)).expect("answered");
        if let landfall::sync::Reply::Push(reply) = &mut reply {
            assert!(!reply.slices.is_empty());
        }
        fleet.feed(0, Input::Response(ticket, Ok(reply)));
        let shown = fleet.devices[0].row("notes", "n").expect("it is there")["title"].clone();
        assert_eq!(shown, if mine_is_later { "mine" } else { "theirs" });
    }
}

/// Every wait that is under way when the clock is set stays as long as it was, to within itself.
#[test]
fn scenario_10_no_wait_stalls_when_the_clock_is_set() {
    for jump in [-DAY_MS, DAY_MS, -10 * DAY_MS, -3_600_000] {
        let mut fleet = Fleet::new(&["ann"]);
        fleet.serve_all(0);
        fleet.create(0, "n", "x");
        let mut waited = 0;
        // The network fails five times; the clock is set in the middle of each wait.
        for _ in 0..5 {
            while fleet.devices[0].requests.is_empty() {
                waited += fleet.wait(0);
                assert!(waited < 1_800_000, "{jump}: {waited} ms and no attempt");
            }
            let (ticket, _) = fleet.devices[0].requests.pop_front().expect("a request");
            fleet.feed(0, Input::Response(ticket, Err(Error::new(Code::NetworkError, "by hand"))));
            fleet.devices[0].ahead_ms += jump;
        }
        while fleet.devices[0].status.queued > 0 {
            waited += fleet.wait(0);
            fleet.serve_all(0);
            assert!(waited < 3_600_000, "{jump}: {waited} ms");
        }
        assert_eq!(title(&fleet, "n"), "x");
    }
}

/// A page shown again after its clock was set back looks for news, though its last sync seems to be still to come.
#[test]
fn scenario_10_a_last_sync_in_the_future_is_an_old_one() {
    let mut fleet = Fleet::new(&["ann"]);
    fleet.devices[0].ahead_ms = DAY_MS;
    fleet.sync(0);
    fleet.devices[0].ahead_ms = 0;
    fleet.feed(0, Input::Wake(Reason::Foreground));
    assert!(!fleet.devices[0].requests.is_empty());
}

/// The server's clock runs an hour fast for a while and is then put right: what is written in the knowledge of what was
/// stamped meanwhile still comes after it, on every device.
#[test]
fn scenario_10_the_servers_clock_jumps_an_hour() {
    let mut fleet = Fleet::new(&["ann", "ben"]);
    fleet.create(0, "n", "old");
    fleet.sync_all();
    fleet.server_ahead_ms = 3_600_000;
    fleet.update(0, "n", "while it was fast");
    fleet.sync_all();
    fleet.server_ahead_ms = 0;
    fleet.sync_all();
    let before = fleet.ledger.rows().next().expect("a row").stamps["title"].hlc.clone();
    fleet.update(1, "n", "after");
    fleet.sync_all();
    assert_eq!(title(&fleet, "n"), "after");
    fleet.update(0, "n", "and again");
    fleet.sync_all();
    let row = fleet.ledger.rows().next().expect("a row");
    assert!(row.stamps["title"].hlc > before, "a stamp never goes back");
    fleet.assert_alike();
}
