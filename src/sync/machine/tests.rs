//! The machine alone, fed by hand: what it asks for, in which order.

use super::Machine;
use crate::error::{Code, Error};
use crate::schema::Schema;
use crate::store::{Memory, Output, Write, WriteRequest};
use crate::sync::{At, Effect, Input, Reason, Request, Status};
use crate::time::Millis;
use serde_json::json;

/// A context whose transactions end at once and whose requests are answered by hand.
struct Bench {
    schema: Schema,
    store: Memory,
    machine: Machine,
    now: u64,
    requests: Vec<(u64, Request)>,
    status: Status,
    alarm: Option<Millis>,
}

impl Bench {
    fn new() -> Self {
        let text = r#"{"app": "bench", "version": 1, "entities": {"note": {"store": "notes", "fields": {"id": {"type": "string"}, "text": {"type": "string"}}}}}"#;
        let schema = Schema::parse(text).unwrap();
        let (store, machine) = (Memory::new(&schema), Machine::new(&schema, "bench"));
        let mut bench = Self { schema, store, machine, now: 1_000, requests: Vec::new(), status: Status::default(), alarm: None };
        bench.feed(Input::Start);
        bench
    }

    fn on(store: Memory) -> Self {
        let mut bench = Self::new();
        bench.store = store;
        bench.machine = Machine::new(&bench.schema, "bench");
        bench.requests.clear();
        bench
    }

    fn feed(&mut self, input: Input) {
        let mut inputs = vec![input];
        while !inputs.is_empty() {
            let effects = self.machine.feed(At { now: Millis(self.now), random: [7; 32] }, inputs.remove(0));
            for effect in effects {
                match effect {
                    Effect::Run(ticket, mut tx) => inputs.push(Input::Stored(ticket, self.store.run(&self.schema, &mut tx))),
                    Effect::Send(ticket, request) => self.requests.push((ticket, *request)),
                    Effect::AskLock { .. } => inputs.push(Input::LockGranted),
                    Effect::Publish(status) => self.status = *status,
                    Effect::SetAlarm(at) => self.alarm = at,
                    Effect::ReleaseLock | Effect::Ring(_) | Effect::Finished(_) => {}
                }
            }
        }
    }

    fn fail(&mut self, code: Code) {
        let (ticket, _) = self.requests.pop().expect("a request is out");
        self.feed(Input::Response(ticket, Err(Error::new(code, "by hand"))));
    }

    /// Alarm after alarm, until the next request is out.
    fn wait(&mut self) {
        for _ in 0..100 {
            if self.requests.is_empty() {
                self.now = self.alarm.map_or(self.now, |at| at.0);
                self.feed(Input::Alarm);
            }
        }
    }

    fn write(&mut self) {
        let request: WriteRequest =
            serde_json::from_value(json!({"operation": "create", "entity": "note", "data": {"text": "x"}})).unwrap();
        let at = (Millis(self.now), crate::id::Entropy::new([self.now as u8; 32]));
        let write = Write::new(&self.schema, request, "ann", at).unwrap();
        let Ok(Output::Wrote(wrote)) = self.store.run(&self.schema, &mut write.into()) else { panic!("written") };
        self.feed(Input::Wrote(wrote.summary, wrote.critical));
    }
}

/// SW-2: while the page failed for want of a network its waits grew; the worker that the browser wakes when the network is
/// back goes at once.
#[test]
fn a_lost_network_does_not_hold_the_worker_back() {
    let mut page = Bench::new();
    page.write();
    for _ in 0..5 {
        page.fail(Code::NetworkError);
        page.wait();
    }
    page.fail(Code::NetworkError);
    let mut worker = Bench::on(page.store.clone());
    worker.now = page.now + 1;
    worker.feed(Input::Start);
    worker.feed(Input::Wake(Reason::BackgroundSync));
    assert_eq!(worker.requests.len(), 1, "it asks the server at once");
    // And once more in the same worker, woken again after a failure.
    worker.fail(Code::NetworkError);
    assert!(worker.requests.is_empty());
    worker.feed(Input::Wake(Reason::BackgroundSync));
    assert_eq!(worker.requests.len(), 1);
}

/// QUE-6: a wait that the server asked for binds every context of the device, whatever woke it, until a person insists.
#[test]
fn a_wait_the_server_asked_for_binds_everyone() {
    let mut page = Bench::new();
    page.write();
    let (ticket, _) = page.requests.pop().expect("a request is out");
    page.feed(Input::Response(ticket, Err(Error::new(Code::RateLimited, "by hand").retry_after(600_000))));
    let mut worker = Bench::on(page.store.clone());
    worker.now = page.now + 1;
    worker.feed(Input::Start);
    worker.feed(Input::Wake(Reason::BackgroundSync));
    assert!(worker.requests.is_empty());
    assert!(worker.alarm.is_some(), "law 14: the next attempt is scheduled");
    worker.feed(Input::Wake(Reason::User));
    assert_eq!(worker.requests.len(), 1);
}

/// SYN-15: no answer is no failure of an op, and the queue always has its next attempt.
#[test]
fn failures_keep_the_queue_and_schedule_the_next_attempt() {
    for code in [Code::NetworkError, Code::AuthError, Code::ServerError, Code::RateLimited, Code::CorruptData] {
        let mut page = Bench::new();
        page.write();
        page.fail(code);
        assert_eq!((page.status.queued, page.status.failed), (1, 0), "{code}");
        assert_eq!(page.status.error.as_ref().map(|error| error.code), Some(code));
        assert!(page.status.next_attempt_at.is_some_and(|at| at.0 > page.now && at.0 <= page.now + 3_600_000), "{code}");
    }
}
