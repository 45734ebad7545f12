//! What follows each answer of the server: one test for each code, and what a server does that fails, refuses or is
//! overrun for long.

use crate::bench::Bench;
use crate::machine::Rig;
use landfall::dialect::{HttpResponse, failure};
use landfall::error::{Action, Code, Error, Single, Whole};
use landfall::schema::Operation;
use landfall::store::act::Decision;
use landfall::sync::{Input, Reason, Reply, Request, State};
use landfall::time::Millis;
use landfall::wire::{Processed, PushReply, Status};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The answer as it comes over HTTP.
fn problem(code: Code) -> Error {
    let status = if code.status() == 0 { 500 } else { code.status() };
    let body = json!({ "type": "t", "title": "t", "status": status, "detail": "by hand", "code": code.as_str() });
    failure(
        &HttpResponse {
            status,
            content_type: "application/problem+json".into(),
            retry_after: String::new(),
            body: body.to_string().into_bytes(),
        },
        Millis(1),
    )
}

/// A device with two records to send, its push on the way.
fn rig() -> Rig {
    let mut bench = Bench::new();
    bench.create("a", "x", json!({}));
    bench.create("a", "y", json!({}));
    Rig::start(bench)
}

fn op(rig: &Rig, id: &str) -> (String, Value, u64) {
    let row = rig.bench.store.rows("sync_queue").find(|op| op["entity_id"] == id).expect("an op");
    let code = row.get("error").map_or(Value::Null, |error| error["code"].clone());
    (row["status"].as_str().unwrap_or("").into(), code, row["retry_count"].as_u64().unwrap_or(99))
}

fn pushed(rig: &Rig) -> Vec<String> {
    let Some((_, Request::Push(push))) = rig.requests.last() else { return Vec::new() };
    push.changes.iter().map(|change| change.entity_id.clone()).collect()
}

fn answers_a_request(code: Code, whole: Whole) {
    let mut rig = rig();
    let Some((_, Request::Push(first))) = rig.requests.last().cloned() else { panic!("a push is out") };
    rig.answer(Err(problem(code)));
    let again = rig.requests.last().cloned().map(|(_, request)| request);
    match (whole, again) {
        (Whole::Wait | Whole::Blame, None) => {
            assert!(rig.machine.status().next_attempt_at.is_some(), "{code}: law 14");
            assert_eq!(rig.machine.status().state, State::Error, "{code}");
            for id in ["x", "y"] {
                assert_eq!(op(&rig, id), ("syncing".into(), Value::Null, 0), "{code}: no op is to blame");
            }
        }
        (Whole::Halve, Some(Request::Push(push))) => assert_eq!(push.changes.len(), 1, "{code}"),
        (Whole::Reborn, Some(Request::Push(push))) => {
            assert_ne!(push.incarnation, first.incarnation, "{code}");
            assert_eq!(push.changes, first.changes, "{code}: the same ids");
        }
        (Whole::Attach, Some(Request::Push(push))) => assert_eq!(push.changes, first.changes, "{code}"),
        (_, again) => panic!("{code}: {again:?}"),
    }
}

fn answers_an_op(code: Code, single: Single) {
    let mut rig = rig();
    let Some((_, Request::Push(push))) = rig.requests.last().cloned() else { panic!("a push is out") };
    let mut reply = PushReply {
        success: false,
        processed: push
            .changes
            .iter()
            .map(|one| Processed::refused(one.queue_id.clone(), &one.entity_id, problem(code)))
            .collect(),
        repeated: vec![],
        slices: vec![],
        pull_changes: vec![],
        has_more: false,
        next_sync_token: None,
        server_time: String::new(),
        reset: None,
        mark: None,
        pull_error: None,
    };
    (reply.processed[1].status, reply.processed[1].error, reply.processed[1].server_version) = (Status::Success, None, 1);
    rig.answer(Ok(Reply::Push(reply)));
    let status = match single {
        Single::Failed => "failed",
        Single::Again => "pending",
        // On its way again already, as another.
        Single::Renamed => "syncing",
    };
    assert_eq!(op(&rig, "x"), (status.into(), json!(code.as_str()), 1), "{code}: its reason is beside it");
    assert_eq!(op(&rig, "y").0, "completed", "{code}: the other one is not held up");
}

macro_rules! codes {
    ($( $name:ident: $code:ident, $whole:ident, $single:ident, $action:ident; )*) => {
        $(
            // SYN-13
            #[test]
            fn $name() {
                let code = Code::$code;
                assert_eq!(code.handling().action, Action::$action);
                // What never travels is the server's word for a fault of its own.
                answers_a_request(code, if code.status() == 0 { Whole::Blame } else { Whole::$whole });
                if code.status() > 0 {
                    answers_an_op(code, Single::$single);
                }
            }
        )*

        #[test]
        fn every_code_has_its_test() {
            assert_eq!([$(Code::$code),*], Code::ALL);
        }
    };
}

codes! {
    network_error: NetworkError, Wait, Again, Wait;
    auth_error: AuthError, Wait, Again, SignIn;
    version_conflict: VersionConflict, Wait, Failed, Choose;
    validation_error: ValidationError, Halve, Failed, Correct;
    not_found: NotFound, Wait, Failed, Restore;
    permission_denied: PermissionDenied, Attach, Failed, Ask;
    server_error: ServerError, Blame, Again, Wait;
    rate_limited: RateLimited, Wait, Again, Wait;
    quota_exceeded: QuotaExceeded, Wait, Again, FreeSpace;
    schema_mismatch: SchemaMismatch, Wait, Failed, Update;
    corrupt_data: CorruptData, Wait, Failed, Report;
    locked: Locked, Wait, Again, Unlock;
    id_collision: IdCollision, Wait, Failed, Correct;
    reference_missing: ReferenceMissing, Wait, Failed, Restore;
    unique_violation: UniqueViolation, Wait, Failed, Correct;
    edit_expired: EditExpired, Wait, Failed, Confirm;
    answer_forgotten: AnswerForgotten, Wait, Failed, Confirm;
    referenced: Referenced, Wait, Failed, Restore;
    op_reused: OpReused, Wait, Renamed, Confirm;
    stale_incarnation: StaleIncarnation, Reborn, Failed, Wait;
    payload_too_large: PayloadTooLarge, Halve, Failed, Correct;
    protocol_error: ProtocolError, Halve, Failed, Update;
    invalid_schema: InvalidSchema, Wait, Failed, Report;
    lock_lost: LockLost, Wait, Failed, Wait;
    database_closed: DatabaseClosed, Wait, Failed, Reload;
    storage_error: StorageError, Wait, Failed, FreeSpace;
    read_only: ReadOnly, Wait, Failed, Reload;
    engine_panic: EnginePanic, Wait, Failed, Reload;
}

fn queue_of(ids: usize) -> Rig {
    let mut bench = Bench::new();
    for at in 0..ids {
        bench.create("a", &format!("n{at}"), json!({}));
    }
    Rig::start(bench)
}

fn counts(rig: &Rig) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for op in rig.bench.store.rows("sync_queue") {
        *counts.entry(op["status"].as_str().unwrap_or("").to_owned()).or_default() += 1;
    }
    counts
}

// QUE-4, law 14
#[test]
fn scenario_30_what_is_too_large_alone_is_found_and_the_others_go_on() {
    let mut rig = queue_of(120);
    let sizes = rig.serve(|push| {
        let culprit = push.changes.iter().any(|change| change.entity_id == "n50");
        culprit.then(|| Error::new(Code::PayloadTooLarge, "by hand").detail(json!({ "limit_bytes": 9 })))
    });
    assert_eq!(counts(&rig), [("completed".into(), 119), ("failed".into(), 1)].into());
    assert!(sizes.len() < 24, "it grows again when the culprit is found: {sizes:?}");
    let row = rig.bench.store.rows("sync_queue").find(|op| op["entity_id"] == "n50").expect("it is there");
    let error = &row["error"];
    assert_eq!((&error["code"], &error["detail"]["server"]["limit_bytes"]), (&json!("PAYLOAD_TOO_LARGE"), &json!(9)));
    assert!(error["detail"]["bytes"].as_u64() > Some(0), "its size is told: {error}");
}

// QUE-4
#[test]
fn scenario_30_a_limit_on_the_way_is_kept_to_and_tried_again_in_the_next_cycle() {
    let mut rig = queue_of(300);
    let most =
        |push: &landfall::wire::PushRequest| (push.changes.len() > 60).then(|| Error::new(Code::PayloadTooLarge, "a proxy"));
    assert_eq!(rig.serve(most), [100, 50, 50, 50, 50, 50, 50]);
    for at in 0..80 {
        rig.bench.create("b", &format!("m{at}"), json!({}));
    }
    rig.feed(Input::Wake(Reason::User));
    assert_eq!(rig.serve(|_| None), [80]);
}

// QUE-8, QUE-9, SYN-13
#[test]
fn scenario_31_one_invalid_op_among_a_hundred_waits_for_a_person() {
    let mut bench = Bench::new();
    for at in 0..98 {
        bench.create("a", &format!("n{at}"), json!({}));
    }
    bench.create("a", "bad", json!({ "secret": "not yours" }));
    bench.create("b", "child", json!({ "a": "bad" }));
    let mut rig = Rig::start(bench);
    assert_eq!(rig.serve(|_| None), [100]);
    assert_eq!(counts(&rig), [("completed".into(), 98), ("failed".into(), 1), ("pending".into(), 1)].into());
    assert_eq!(op(&rig, "bad"), ("failed".into(), json!("PERMISSION_DENIED"), 1));
    rig.feed(Input::Wake(Reason::User));
    assert!(rig.serve(|_| None).is_empty(), "never sent again unchanged, nor is what depends on it");
    rig.bench.edit("a", "bad", json!({ "n": "1" }), &["secret"]).expect("corrected");
    rig.feed(Input::Wake(Reason::User));
    assert_eq!(rig.serve(|_| None), [2]);
    assert_eq!(counts(&rig), [("completed".into(), 100)].into());
}

// QUE-6, SYN-13, SYN-15
#[test]
fn scenario_32_a_server_that_keeps_failing_gets_one_probe_and_then_little_by_little() {
    let mut rig = queue_of(300);
    let down = || Error::new(Code::ServerError, "by hand");
    let mut seen = Vec::new();
    for _ in 0..8 {
        rig.wait(4_000_000);
        let (_, request) = rig.requests.last().cloned().expect("an attempt");
        seen.push(match &request {
            Request::Push(push) => push.changes.len(),
            Request::Pull(pull) => pull.limit as usize * 1_000,
            Request::Attach(_) => 0,
        });
        rig.answer(Err(down()));
        assert!(rig.requests.is_empty(), "one request an attempt");
    }
    assert_eq!(seen, [100, 100, 100, 1_000, 1_000, 1_000, 1_000, 1_000], "then an all but empty page is all that is asked for");
    let status = rig.machine.status();
    assert_eq!((status.state, status.attempts, status.failed), (State::Attention, 8, 0), "people are told, no op is to blame");
    assert!(status.next_attempt_at.is_some());
    rig.wait(4_000_000);
    assert_eq!(rig.serve(|_| None)[..5], [1, 2, 4, 8, 16], "a server that comes back is not overrun");
    assert_eq!(counts(&rig), [("completed".into(), 300)].into());
    assert_eq!(rig.machine.status().state, State::Synced);
}

// QUE-6, QUE-9, law 14
#[test]
fn scenario_32_an_op_that_the_server_always_fails_on_is_set_aside_in_the_end() {
    let mut rig = queue_of(5);
    let fails = |push: &landfall::wire::PushRequest| {
        let culprit = push.changes.iter().any(|change| change.entity_id == "n2");
        culprit.then(|| Error::new(Code::ServerError, "by hand"))
    };
    for _ in 0..40 {
        rig.serve(fails);
        rig.wait(4_000_000);
    }
    assert_eq!(counts(&rig), [("completed".into(), 4), ("failed".into(), 1)].into());
    assert_eq!(op(&rig, "n2"), ("failed".into(), json!("SERVER_ERROR"), 10));
}

// QUE-6: no network, a captive portal or a refused token fails no op, however often.
#[test]
fn only_attempts_that_the_server_answered_count() {
    for code in [Code::NetworkError, Code::AuthError] {
        let mut rig = queue_of(2);
        for _ in 0..30 {
            rig.wait(4_000_000);
            rig.answer(Err(Error::new(code, "by hand")));
        }
        assert_eq!(counts(&rig), [("syncing".into(), 2)].into());
        rig.wait(4_000_000);
        rig.serve(|_| None);
        assert_eq!(counts(&rig), [("completed".into(), 2)].into());
    }
}

// QUE-6: both forms of Retry-After, whatever they say.
#[test]
fn scenario_32_clients_that_heard_the_same_do_not_come_back_at_once() {
    for header in ["60", "Thu, 01 Jan 1970 00:01:00 GMT", ""] {
        let mut by_second: BTreeMap<u64, u32> = BTreeMap::new();
        for client in 0..400u64 {
            let mut rig = rig_of(client);
            let body = HttpResponse { status: 503, retry_after: header.into(), ..HttpResponse::default() };
            let mut waits = 0;
            for _ in 0..4 {
                rig.wait(400_000_000);
                rig.answer(Err(failure(&body, Millis(0))));
                let due = rig.machine.status().next_attempt_at.expect("law 14").0;
                waits = due - rig.now;
            }
            assert!(header.is_empty() || waits > 59_900, "{header}: it is obeyed");
            *by_second.entry(waits / 1_000).or_default() += 1;
        }
        let peak = by_second.values().max().copied().unwrap_or_default();
        assert!(peak < 60, "{header:?}: {peak} of 400 in one second");
    }
}

fn rig_of(client: u64) -> Rig {
    let mut rig = queue_of(1);
    rig.random[..8].copy_from_slice(&client.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    rig
}

// QUE-11, law 16
#[test]
fn what_waited_too_long_waits_for_a_person_and_goes_when_they_say_so() {
    let mut bench = Bench::new();
    bench.schema.entities.get_mut("a").expect("an entity").edit_limit_ms = Some(3_600_000);
    bench.create("a", "old", json!({ "n": "1" }));
    bench.create("b", "child", json!({ "a": "old" }));
    let mut rig = Rig::start(bench);
    assert!(rig.serve(|_| None).is_empty());
    assert_eq!(op(&rig, "old"), ("failed".into(), json!("EDIT_EXPIRED"), 0));
    assert_eq!(op(&rig, "child").0, "pending");
    assert_eq!(rig.machine.status().state, State::Attention);
    rig.bench.now = rig.now;
    rig.bench.act("a", "old", Decision::Retry);
    rig.feed(Input::Wake(Reason::User));
    assert_eq!(rig.serve(|_| None), [2]);
    rig.bench.write(Operation::Update, ("a", "old"), json!({ "n": "2" }));
    rig.now = rig.bench.now + 3_700_000;
    rig.feed(Input::Wake(Reason::User));
    assert!(rig.serve(|_| None).is_empty());
    rig.bench.act("a", "old", Decision::Discard);
    let shown = rig.bench.store.rows("as").next().expect("it is there");
    assert_eq!((&shown["n"], &shown["_sync"]["status"]), (&json!("1"), &json!("synced")));
}

// QUE-8
#[test]
fn paused_nothing_leaves_and_resumed_all_of_it() {
    let mut rig = queue_of(0);
    rig.serve(|_| None);
    rig.feed(Input::Pause(true));
    rig.bench.create("a", "x", json!({}));
    rig.feed(Input::Wake(Reason::User));
    rig.wait(4_000_000);
    assert!(pushed(&rig).is_empty());
    assert_eq!(rig.machine.status().state, State::Paused);
    rig.feed(Input::Pause(false));
    assert_eq!(rig.serve(|_| None), [1]);
}

// STO-4: told while it travels, in every context, and nothing is written for it.
#[test]
fn a_record_is_syncing_while_its_op_is_on_its_way() {
    let mut rig = rig();
    assert!(rig.machine.travels("a", "x") && !rig.machine.travels("b", "x"));
    let bell = rig.bells.last().cloned().expect("the other contexts are told");
    let mut other = landfall::sync::Machine::new(&rig.bench.schema, "another tab");
    let at = landfall::sync::At { now: Millis(rig.now), random: [1; 32] };
    other.feed(at, Input::Rung(bell));
    assert!(other.travels("a", "x"));
    assert_eq!(rig.bench.store.rows("as").next().expect("a record")["_sync"]["status"], "pending");
    rig.answer(Err(Error::new(Code::NetworkError, "by hand")));
    assert!(!rig.machine.travels("a", "x"), "what is not on its way is pending again");
    let arrived = rig.bells.iter().rev().find(|bell| bell.travels.is_some()).cloned().expect("told again");
    assert!(arrived.changed.contains(&("a".into(), "x".into())));
    other.feed(at, Input::Rung(arrived));
    assert!(!other.travels("a", "x"));
}
