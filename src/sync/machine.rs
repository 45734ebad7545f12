//! The machine: takes each input to where it is dealt with, and keeps what a context remembers between two inputs. It
//! routes only; a cycle's steps are in `cycle`, `push` and `pull`, who may sync in `lead`, waits in `timers` and `backoff`.

use crate::error::Error;
use crate::record::order;
use crate::schema::{Schema, SyncRules};
use crate::store::peek::Peek;
use crate::store::rows::SyncRow;
use crate::store::{Output, Summary, Tx};
use crate::sync::clock;
use crate::sync::cycle::Running;
use crate::sync::lead::Lead;
use crate::sync::port::{At, Bell, Effect, Input, Reason, Request, Ticket};
use crate::sync::status::Status;
use crate::sync::timers::{Timer, Timers};
use crate::sync::window::Window;
use std::collections::{BTreeMap, BTreeSet};

/// The sync machine of one context (a page or a worker) of one database.
#[derive(Debug)]
pub struct Machine {
    pub(super) rules: SyncRules,
    pub(super) schema_version: u32,
    pub(super) device_name: String,
    /// How long an op of an entity may wait before a person is asked.
    pub(super) edit_limits: BTreeMap<String, u64>,
    pub(super) at: At,
    pub(super) effects: Vec<Effect>,
    pub(super) timers: Timers,
    pub(super) lead: Lead,
    pub(super) want: Want,
    pub(super) running: Option<Running>,
    /// The effect whose result the cycle waits for.
    pub(super) awaited: Option<Ticket>,
    pub(super) sync: Option<SyncRow>,
    /// How the store stands, as far as this context has seen.
    pub(super) known: Summary,
    pub(super) online: bool,
    pub(super) paused: bool,
    pub(super) failures: u32,
    pub(super) error: Option<Error>,
    /// How far the device's clock is behind the server's, in milliseconds.
    pub(super) skew_ms: i64,
    /// Records that have an op on its way.
    pub(super) travelling: BTreeSet<(String, String)>,
    /// When the last request left.
    pub(super) sent_at: crate::time::Millis,
    /// Ops a batch may hold at present.
    pub(super) window: Window,
    /// When the database was last looked over for damage.
    pub(super) scrubbed_at: crate::time::Millis,
    tickets: Ticket,
    peeks: Vec<Ticket>,
    alarm: Option<crate::time::Millis>,
    published: Option<Status>,
    closed: bool,
}

/// What the next cycle is for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Want {
    pub push: bool,
    pub pull: bool,
    /// Waits that failures have set are passed over.
    pub now: bool,
    /// Somebody waits for the end of the cycle.
    pub told: bool,
}

impl Machine {
    /// A machine for an application; `device_name` is what people call this device. It waits for `Start`.
    #[must_use]
    pub fn new(schema: &Schema, device_name: &str) -> Self {
        Self {
            rules: schema.sync.clone(),
            schema_version: schema.version,
            device_name: device_name.to_owned(),
            edit_limits: order::map(
                schema.entities.iter().filter_map(|(name, entity)| Some((name.clone(), entity.edit_limit_ms?))),
            ),
            at: At::default(),
            effects: Vec::new(),
            timers: Timers::default(),
            lead: Lead::default(),
            want: Want::default(),
            running: None,
            awaited: None,
            sync: None,
            known: Summary::default(),
            online: true,
            paused: false,
            failures: 0,
            error: None,
            skew_ms: 0,
            travelling: BTreeSet::new(),
            sent_at: crate::time::Millis(0),
            window: Window::new(schema.sync.batch.size().0),
            scrubbed_at: crate::time::Millis(0),
            tickets: 0,
            peeks: Vec::new(),
            alarm: None,
            published: None,
            closed: false,
        }
    }

    /// Takes one input and returns all that is to be done about it, in order.
    pub fn feed(&mut self, at: At, input: Input) -> Vec<Effect> {
        self.timers.back(self.at.now.since(at.now));
        self.at = at;
        if !self.closed {
            self.route(input);
            if !self.closed {
                self.consider();
                self.publish();
                self.arm();
            }
        }
        std::mem::take(&mut self.effects)
    }

    /// How things stand.
    #[must_use]
    pub fn status(&self) -> Status {
        let behind = self.want.pull
            || self.sync.as_ref().is_none_or(|sync| sync.has_more || sync.token.is_none() || !sync.want.is_empty());
        let mut status = Status {
            queued: self.known.queued,
            failed: self.known.failed,
            conflicts: self.known.conflicts,
            quarantined: self.known.quarantined,
            done: self.running.as_ref().map_or(0, Running::done),
            total: self.running.as_ref().map_or(0, |running| running.total),
            behind,
            online: self.online,
            clock_behind_ms: clock::shown(self.skew_ms),
            last_sync_at: self.sync.as_ref().and_then(|sync| sync.last_sync_at),
            next_attempt_at: self
                .timers
                .get(Timer::Retry)
                .or_else(|| self.timers.get(Timer::Soon))
                .or_else(|| self.timers.get(Timer::Interval)),
            attempts: self.failures,
            error: self.error.clone(),
            ..Status::default()
        };
        status.state = status.word(self.running.is_some(), self.paused);
        status
    }

    fn route(&mut self, input: Input) {
        match input {
            Input::Start => self.start(),
            Input::Wrote(summary, critical) => self.wrote(summary, critical),
            Input::Rung(bell) => self.rung(&bell),
            Input::Network(online) => self.network(online),
            Input::LockGranted => self.lock_granted(),
            Input::LockLost => self.lock_lost(),
            Input::Alarm => self.alarm(),
            Input::Stored(ticket, result) => self.stored(ticket, result),
            Input::Response(ticket, result) if self.awaited == Some(ticket) => {
                self.awaited = None;
                self.timers.clear(Timer::Answer);
                self.answered(result);
            }
            // The answer of a request that was given up, or that an older cycle sent: what it did, the next one finds out.
            Input::Response(..) => {}
            Input::Wake(reason) => self.wake(reason),
            Input::Pause(paused) => self.pause(paused),
            Input::Shutdown => self.shutdown(),
        }
    }

    fn start(&mut self) {
        self.scrubbed_at = self.at.now;
        self.peek();
        self.want.push = true;
        self.want.pull = self.rules.triggers.start;
        self.interval();
    }

    fn wrote(&mut self, summary: Summary, critical: bool) {
        self.ring(&summary);
        self.learn(summary);
        let wait = if critical && self.rules.triggers.critical { 0 } else { self.rules.triggers.write_ms };
        self.timers.sooner(Timer::Soon, self.at.now.plus(wait));
    }

    fn rung(&mut self, bell: &Bell) {
        self.lead_rung(bell);
        if let Some(travels) = &bell.travels {
            self.travelling = order::set(travels.iter().cloned());
        }
        if bell.gen_no > self.known.gen_no {
            let [queued, failed, conflicts] = bell.counts;
            let (quarantined, remaps) = (self.known.quarantined, self.known.remaps);
            self.known = Summary { gen_no: bell.gen_no, queued, failed, conflicts, quarantined, remaps, changed: Vec::new() };
        }
        if bell.synced_at.is_some_and(|at| self.sync.as_ref().is_none_or(|sync| sync.last_sync_at != Some(at))) {
            self.error = None;
            // Another context has fetched everything; what it wrote down is read again, hints are not the truth.
            self.peek();
        }
    }

    fn network(&mut self, online: bool) {
        let back = online && !self.online;
        self.online = online;
        if back && self.rules.triggers.online {
            self.want.push = true;
            self.want.pull = true;
            // A wait that only the lost network had caused is over; one that the server asked for is not.
            self.want.now |= self.lost_network();
        }
    }

    /// Whether the last failure was that nothing could be reached.
    pub(super) fn lost_network(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.code == crate::error::Code::NetworkError)
    }

    fn wake(&mut self, reason: Reason) {
        match reason {
            Reason::Foreground => {
                self.peek();
                let last = self.sync.as_ref().and_then(|sync| sync.last_sync_at).unwrap_or_default();
                self.want.push = true;
                // A last time that is still to come was noted by a clock that has been set back since: how old it is, is unknown.
                let old = last > self.at.now || self.at.now.since(last) > self.rules.triggers.background_ms;
                self.want.pull |= self.rules.triggers.foreground && old;
                return;
            }
            Reason::User => self.want.now = true,
            // The browser (or the server) has just found a network.
            Reason::BackgroundSync | Reason::PeriodicSync | Reason::PushMessage | Reason::Notice => {
                self.want.now |= self.lost_network();
            }
        }
        self.want.push = true;
        self.want.pull = true;
        self.want.told |= reason != Reason::Notice;
    }

    fn pause(&mut self, paused: bool) {
        self.paused = paused;
        if !paused {
            self.want.push = true;
            self.want.pull = true;
        }
    }

    fn shutdown(&mut self) {
        if self.lead.involved() {
            self.effects.push(Effect::ReleaseLock);
        }
        self.effects.push(Effect::SetAlarm(None));
        self.closed = true;
    }

    fn alarm(&mut self) {
        // It has rung and is not set any more, even if it rang early.
        self.alarm = None;
        while let Some(timer) = self.timers.take_due(self.at.now) {
            match timer {
                Timer::Soon => self.want.push = true,
                Timer::Retry => (self.want.push, self.want.pull) = (true, true),
                Timer::Interval => {
                    (self.want.push, self.want.pull) = (true, true);
                    self.interval();
                }
                Timer::Look => self.peek(),
                Timer::Knock => self.knocked(),
                Timer::Answer => self.gave_up(),
            }
        }
    }

    fn stored(&mut self, ticket: Ticket, result: crate::error::Result<Output>) {
        if let Some(at) = self.peeks.iter().position(|peek| *peek == ticket) {
            self.peeks.remove(at);
            match result {
                Ok(Output::Peeked(peeked)) => {
                    // Ops that nobody rang for: whoever wrote them may be gone.
                    self.want.push |= peeked.summary.queued > 0 && self.running.is_none();
                    self.learn(peeked.summary);
                    self.sync = peeked.sync.or_else(|| self.sync.take());
                }
                Ok(_) => {}
                Err(error) => self.error = Some(error),
            }
        } else if self.awaited == Some(ticket) {
            self.awaited = None;
            self.timers.clear(Timer::Answer);
            self.step(result);
        }
    }

    /// Takes in how the store stands, unless something newer is known.
    pub(super) fn learn(&mut self, summary: Summary) {
        if summary.gen_no >= self.known.gen_no {
            self.known = Summary { changed: Vec::new(), ..summary };
        }
    }

    /// Tells the other contexts.
    pub(super) fn ring(&mut self, summary: &Summary) {
        let mut changed = summary.changed.clone();
        if changed.len() > crate::limits::BELL_IDS {
            changed = changed.into_iter().map(|(entity, _)| (entity, String::new())).collect();
            changed.dedup();
        }
        let counts = [summary.queued, summary.failed, summary.conflicts];
        self.effects.push(Effect::Ring(Bell { gen_no: summary.gen_no, changed, counts, ..Bell::default() }));
    }

    pub(super) fn interval(&mut self) {
        let every = if self.rules.triggers.interval_ms == 0 { 24 * 3_600_000 } else { self.rules.triggers.interval_ms };
        self.timers.set(Timer::Interval, self.at.now.plus(every));
    }

    pub(super) fn peek(&mut self) {
        self.timers.set(Timer::Look, self.at.now.plus(crate::limits::LOOK_MS));
        let ticket = self.ticket();
        self.peeks.push(ticket);
        self.effects.push(Effect::Run(ticket, Box::new(Tx::Peek(Peek::default()))));
    }

    /// Runs a transaction of the cycle.
    pub(super) fn run(&mut self, tx: impl Into<Tx>) {
        let ticket = self.await_next(crate::limits::STORE_TIMEOUT_MS);
        self.effects.push(Effect::Run(ticket, Box::new(tx.into())));
    }

    /// Sends a request of the cycle.
    pub(super) fn send(&mut self, request: Request) {
        self.sent_at = self.at.now;
        if matches!(request, Request::Push(_)) {
            self.depart();
        }
        let ticket = self.await_next(crate::limits::REQUEST_TIMEOUT_MS);
        self.effects.push(Effect::Send(ticket, Box::new(request)));
    }

    fn await_next(&mut self, timeout_ms: u64) -> Ticket {
        let ticket = self.ticket();
        self.awaited = Some(ticket);
        self.timers.set(Timer::Answer, self.at.now.plus(timeout_ms));
        ticket
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        self.tickets
    }

    fn publish(&mut self) {
        let status = self.status();
        if self.published.as_ref() != Some(&status) {
            self.published = Some(status.clone());
            self.effects.push(Effect::Publish(Box::new(status)));
        }
    }

    fn arm(&mut self) {
        let earliest = self.timers.earliest();
        if self.alarm != earliest {
            self.alarm = earliest;
            self.effects.push(Effect::SetAlarm(earliest));
        }
    }
}

#[cfg(test)]
mod tests;
