//! Long absences, long queues, dead connections and pages in any order: what has to end well all the same.

use crate::fleet::{DAY, Fleet, schema};
use landfall::error::{Code, Error};
use landfall::id::Token;
use landfall::schema::Operation;
use landfall::store::absorb::{Absorb, Expect};
use landfall::store::{Memory, Output};
use landfall::sync::{Input, Reply, Request};
use landfall::wire::{PROTOCOL, PullRequest, Slice};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many ops wait; `OPS=100000 cargo test --release --test laws scenario_40 -- --nocapture` measures.
fn ops() -> usize {
    std::env::var("OPS").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000)
}

/// A device away for seven days, with this many records written.
fn away(ops: usize) -> Fleet {
    let mut fleet = Fleet::new(&["ann"]);
    fleet.sync(0);
    fleet.feed(0, Input::Pause(true));
    for n in 0..ops {
        fleet.now += 7 * DAY / ops as u64;
        let (entity, id) = if n % 4 == 3 { ("task", format!("t{n:06}")) } else { ("note", format!("n{n:06}")) };
        let data =
            if entity == "task" { json!({ "title": "x", "note": format!("n{:06}", n - 1) }) } else { json!({ "title": "x" }) };
        fleet.write(0, Operation::Create, (entity, &id), data);
    }
    fleet
}

// SYN-16, scenario 40 without attachments: seven days of work go up in bounded batches, in a number of requests that grows
// with the work and with nothing else.
#[test]
#[allow(clippy::disallowed_methods, reason = "a figure for whoever measures; nothing is asserted of it")]
fn scenario_40_seven_days_of_work_go_up_in_bounded_batches() {
    let ops = ops();
    let mut fleet = away(ops);
    let most = fleet.schema.sync.batch.ops as usize;
    fleet.devices[0].ran.clear();
    let began = std::time::Instant::now();
    fleet.feed(0, Input::Pause(false));
    let (mut requests, mut largest) = (0, 0);
    while let Some((ticket, request)) = fleet.devices[0].requests.pop_front() {
        if let Request::Push(push) = &request {
            largest = largest.max(push.changes.len());
        }
        requests += 1;
        let reply = fleet.answer(0, request);
        fleet.feed(0, Input::Response(ticket, reply));
    }
    println!("{ops} ops: {requests} requests, {} transactions, {:?}", fleet.devices[0].ran.len(), began.elapsed());
    assert!(largest <= most && requests <= 3 * ops.div_ceil(most) + 10, "{requests} requests, {largest} ops at most");
    assert!(fleet.devices[0].ran.len() <= 8 * ops.div_ceil(most) + ops / 8 + 40, "{} transactions", fleet.devices[0].ran.len());
    assert_eq!(fleet.ledger.rows().count(), ops);
    fleet.assert_alike();
}

/// The same with the process ended after every few answers, heard or not.
#[test]
fn scenario_40_it_resumes_at_any_kill_point() {
    let mut fleet = away(600);
    for cut in 0..60 {
        fleet.feed(0, Input::Pause(false));
        for _ in 0..cut % 4 {
            fleet.serve(0);
        }
        if let (true, Some((_, request))) = (cut % 3 == 0, fleet.devices[0].requests.pop_front()) {
            let _unheard = fleet.answer(0, request);
        }
        fleet.kill(0);
    }
    fleet.sync(0);
    assert_eq!(fleet.ledger.rows().count(), 600);
    assert!(fleet.ledger.rows().all(|row| row.version == 1), "each was applied once");
    fleet.assert_alike();
}

// Scenario 16: the database fails for a while, in every way in which it can; nothing is lost, and nobody has to do anything.
#[test]
fn scenario_16_a_dead_connection_is_survived_and_told() {
    for code in [Code::StorageError, Code::DatabaseClosed, Code::NetworkError] {
        for served in 0..4 {
            let mut fleet = Fleet::new(&["ann"]);
            fleet.sync(0);
            fleet.create(0, "n", "x");
            fleet.feed(0, Input::Wake(landfall::sync::Reason::User));
            for _ in 0..served {
                fleet.serve(0);
            }
            fleet.create(0, "m", "x");
            fleet.devices[0].broken = Some(Error::new(code, "the connection is closing"));
            let began = fleet.now;
            while fleet.now - began < 10_000 {
                fleet.serve_all(0);
                fleet.wait(0);
                assert!(!fleet.devices[0].status.is_synced(), "{code}: nobody may say so now");
            }
            fleet.devices[0].broken = None;
            let healed = fleet.now;
            while !fleet.devices[0].status.is_synced() {
                fleet.wait(0);
                fleet.serve_all(0);
                assert!(fleet.now - healed < 400_000, "{code} {served}: {:?}", fleet.devices[0].status);
            }
            assert_eq!(fleet.ledger.rows().count(), 2);
            fleet.assert_alike();
        }
    }
}

/// Every slice of several pulls, each with the token it was asked with.
fn slices() -> Vec<(Option<Token>, Slice)> {
    let mut fleet = Fleet::new(&["ann", "ben"]);
    let mut found = Vec::new();
    let mut token: Option<Token> = None;
    for round in 0..6 {
        for n in 0..20 {
            let id = format!("n{n:02}");
            match (round, n % 5) {
                (0, _) => fleet.create(1, &id, "old"),
                (3, 4) => fleet.delete(1, &id),
                (4.., 4) => {}
                (_, 3) => {}
                _ => fleet.update(1, &id, &format!("in round {round}")),
            }
        }
        fleet.sync(1);
        loop {
            let device_id = fleet.devices[0].sync_row()["device_id"].as_str().expect("an id").into();
            let pull = PullRequest {
                protocol: PROTOCOL,
                device_id,
                sync_token: token.clone(),
                entity_types: vec![],
                tiers: vec![],
                limit: 7,
                schema_version: 1,
                want: vec![],
                mark: None,
            };
            let Ok(Reply::Pull(reply)) = fleet.answer(0, Request::Pull(pull)) else { panic!("a page") };
            for slice in reply.slices {
                let next = slice.token.clone();
                found.push((token.replace(next), slice));
            }
            if !reply.has_more {
                break;
            }
        }
    }
    found
}

fn fresh(schema: &landfall::schema::Schema) -> (Memory, u64) {
    let mut store = Memory::new(schema);
    let recover = landfall::store::recover::Recover::new(landfall::time::Millis(1), landfall::id::Entropy::new([1; 32]));
    let Ok(Output::Recovered(recovered)) = store.run(schema, &mut recover.into()) else { panic!("recovered") };
    (store, recovered.fence)
}

fn versions(store: &Memory) -> BTreeMap<String, u64> {
    let version = |row: &Value| row["_sync"]["version"].as_u64().expect("a version");
    store.rows("notes").map(|row| (row["id"].to_string(), version(row))).collect()
}

// Scenario 8: pages arrive in any order, twice, and old ones after new ones.
#[test]
fn scenario_08_pages_in_any_order_move_nothing_back() {
    let (schema, slices) = (schema(), slices());
    assert!(slices.len() > 12);
    let take = |store: &mut Memory, fence: u64, at: usize| {
        let (token, slice) = slices[at].clone();
        let expect = Expect { fence, token, has_more: false };
        store.run(&schema, &mut Absorb::new(expect, slice, landfall::time::Millis(9)).into())
    };
    let (mut whole, fence) = fresh(&schema);
    for at in 0..slices.len() {
        take(&mut whole, fence, at).expect("in order");
    }
    for seed in 0..200u64 {
        let (mut store, fence) = fresh(&schema);
        let (mut next, mut random) = (0, seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        while next < slices.len() {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let at = if random % 3 == 0 { next } else { random as usize % slices.len() };
            let before = versions(&store);
            match take(&mut store, fence, at) {
                Ok(_) => {
                    assert_eq!(at, next, "seed {seed}: only the one that follows is taken");
                    next += 1;
                }
                Err(error) => assert_eq!((error.code, &versions(&store)), (Code::LockLost, &before), "seed {seed}"),
            }
            let after = versions(&store);
            assert!(before.iter().all(|(id, version)| after.get(id).is_none_or(|now| now >= version)), "seed {seed}");
        }
        let rows = |store: &Memory| store.rows("notes").cloned().collect::<Vec<_>>();
        assert_eq!(rows(&store), rows(&whole), "seed {seed}");
    }
}
