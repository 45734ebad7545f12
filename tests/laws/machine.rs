//! What the machine must do with answers and clocks that are not as they should be.

use crate::bench::{Bench, at, who};
use landfall::error::{Code, Error};
use landfall::schema::Operation;
use landfall::store::Output;
use landfall::sync::{At, Bell, Effect, Input, Machine, Reply, Request};
use landfall::time::Millis;
use landfall::wire::{DeviceReply, PullReply, PushRequest, RemoteChange, Reset, Slice};
use serde_json::json;
use std::collections::VecDeque;

/// A machine on a bench, whose transactions end at once and whose requests wait to be answered by hand.
pub struct Rig {
    pub bench: Bench,
    pub machine: Machine,
    pub now: u64,
    pub requests: Vec<(u64, Request)>,
    pub alarm: Option<Millis>,
    pub settled: u32,
    pub random: [u8; 32],
    pub bells: Vec<Bell>,
}

impl Rig {
    pub fn start(bench: Bench) -> Self {
        let machine = Machine::new(&bench.schema, "rig");
        let mut rig = Self {
            bench,
            machine,
            now: 400_000_000,
            requests: Vec::new(),
            alarm: None,
            settled: 0,
            random: [3; 32],
            bells: Vec::new(),
        };
        rig.feed(Input::Start);
        rig
    }

    pub fn feed(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.now += 1;
            for effect in self.machine.feed(At { now: Millis(self.now), random: self.random }, input) {
                match effect {
                    Effect::Run(ticket, tx) => {
                        self.settled += u32::from(tx.name() == "Settle");
                        inputs.push_back(Input::Stored(ticket, self.bench.tx(*tx)));
                    }
                    Effect::Send(ticket, request) => match *request {
                        Request::Attach(device) => {
                            let reply = DeviceReply { device_id: device.device_id, server_time: String::new() };
                            inputs.push_back(Input::Response(ticket, Ok(Reply::Attach(reply))));
                        }
                        request => self.requests.push((ticket, request)),
                    },
                    Effect::AskLock { .. } => inputs.push_back(Input::LockGranted),
                    Effect::SetAlarm(alarm) => self.alarm = alarm,
                    Effect::Ring(bell) => self.bells.push(bell),
                    _ => {}
                }
            }
        }
    }

    pub fn answer(&mut self, result: Result<Reply, Error>) {
        let (ticket, _) = self.requests.pop().expect("a request is out");
        self.feed(Input::Response(ticket, result));
    }

    /// Answers pulls as the ledger does until nothing is asked.
    pub fn serve_pulls(&mut self) {
        while let Some((_, Request::Pull(pull))) = self.requests.last().cloned() {
            let reply = self.bench.ledger.pull(&self.bench.schema, &who(pull.device_id.as_str()), pull, Millis(self.now));
            self.answer(Ok(Reply::Pull(reply)));
        }
    }

    /// Answers everything as the ledger does, except pushes that `fails` has an error for; the sizes of all pushes.
    pub fn serve(&mut self, mut fails: impl FnMut(&PushRequest) -> Option<Error>) -> Vec<usize> {
        let mut sizes = Vec::new();
        while let Some((_, request)) = self.requests.last().cloned() {
            let Request::Push(push) = request else {
                self.serve_pulls();
                continue;
            };
            sizes.push(push.changes.len());
            let answer = match fails(&push) {
                Some(error) => Err(error),
                None => {
                    let person = who(push.device_id.as_str());
                    self.bench.ledger.push(&self.bench.schema, &person, push, Millis(self.now)).map(Reply::Push)
                }
            };
            self.answer(answer);
        }
        sizes
    }

    /// Alarm after alarm until a request is out; how long that took, in milliseconds.
    pub fn wait(&mut self, most_ms: u64) -> u64 {
        let mut waited = 0;
        while self.requests.is_empty() && waited < most_ms {
            let due = self.alarm.map_or(self.now, |alarm| alarm.0);
            waited += due.saturating_sub(self.now);
            self.now = self.now.max(due);
            self.feed(Input::Alarm);
        }
        waited
    }
}

fn queued(bench: &mut Bench) -> landfall::store::Summary {
    bench.write(Operation::Create, ("a", "x"), json!({}))
}

// A15, law 14
#[test]
fn a_page_that_leads_nowhere_is_not_asked_for_again_at_once() {
    for (has_more, reset) in [(true, None), (false, Some(Reset::Token)), (true, Some(Reset::Rollback))] {
        let mut rig = Rig::start(Bench::new());
        let empty = PullReply {
            slices: vec![],
            changes: vec![],
            has_more,
            next_sync_token: None,
            server_time: String::new(),
            reset,
            roles: None,
        };
        rig.answer(Ok(Reply::Pull(empty)));
        assert!(rig.requests.is_empty(), "{has_more} {reset:?}");
        assert!(rig.alarm.is_some());
    }
}

// A15, law 14
#[test]
fn answers_are_settled_whatever_the_page_behind_them_is() {
    let mut bench = Bench::new();
    queued(&mut bench);
    let mut rig = Rig::start(bench);
    let Some((_, Request::Push(push))) = rig.requests.last().cloned() else { panic!("a push is out") };
    let person = who(push.device_id.as_str());
    let mut reply = rig.bench.ledger.push(&rig.bench.schema, &person, push, Millis(rig.now)).expect("answered");
    let rotten: RemoteChange = serde_json::from_value(json!({
        "operation": "update", "entity_type": "a", "entity_id": "q", "data": {}, "server_version": 9, "number": 9,
        "timestamp": "", "digest": "not that"
    }))
    .expect("a row");
    reply.slices.push(Slice { acks: vec![], removed: vec![], range: None, token: "t".into(), changes: vec![rotten] });
    rig.answer(Ok(Reply::Push(reply)));
    assert_eq!(rig.settled, 1);
}

// Scenario 10
#[test]
fn a_clock_that_goes_back_a_day_delays_nothing_for_a_day() {
    let mut bench = Bench::new();
    queued(&mut bench);
    let mut rig = Rig::start(bench);
    rig.answer(Err(Error::new(Code::NetworkError, "by hand")));
    rig.now -= 86_400_000;
    rig.feed(Input::Network(true));
    assert!(rig.wait(86_400_000) < 400_000);
}

// Law 14: whoever wrote and rang may be gone before it sent.
#[test]
fn ops_that_were_rung_for_are_sent_by_whoever_is_left() {
    let mut rig = Rig::start(Bench::new());
    rig.serve_pulls();
    let summary = queued(&mut rig.bench);
    rig.feed(Input::Rung(Bell { gen_no: summary.gen_no, counts: [1, 0, 0], ..Bell::default() }));
    assert!(rig.wait(800_000) < 120_000);
}

// A15: the server's words are not facts about this device.
#[test]
fn a_code_that_never_travels_is_not_believed() {
    use landfall::dialect::{HttpResponse, failure};
    let body = br#"{"type":"t","title":"t","status":500,"detail":"x","code":"LOCK_LOST"}"#.to_vec();
    let answer = HttpResponse { status: 500, content_type: "application/problem+json".into(), retry_after: String::new(), body };
    assert_eq!(failure(&answer, at(1).0).code, Code::ServerError);
}

// Scenarios 30 and 31
#[test]
fn an_op_that_the_whole_request_was_refused_for_is_found_and_given_back() {
    let mut bench = Bench::new();
    queued(&mut bench);
    bench.create("a", "y", json!({}));
    let mut rig = Rig::start(bench);
    let mut sizes = Vec::new();
    while let Some((_, Request::Push(push))) = rig.requests.last().cloned() {
        sizes.push(push.changes.len());
        if push.changes.iter().any(|change| change.entity_id == "x") {
            rig.answer(Err(Error::new(Code::ValidationError, "by hand").at("changes[0].data")));
        } else {
            let person = who(push.device_id.as_str());
            let reply = rig.bench.ledger.push(&rig.bench.schema, &person, push, Millis(rig.now));
            rig.answer(reply.map(Reply::Push));
        }
    }
    assert_eq!(sizes, [2, 1, 1]);
    let status = rig.machine.status();
    assert_eq!((status.queued, status.failed), (0, 1), "the other one arrived");
    let Ok(Output::Peeked(_)) = rig.bench.tx(landfall::store::peek::Peek::default()) else { panic!("it reads") };
}
