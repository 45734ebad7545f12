//! One cycle from its beginning to its end: what follows each transaction, and what follows a failure. The exchange itself
//! is in `push` and `pull`. A step does its fallible work in the store first and changes memory only after the commit, so a
//! cycle may be cut off between any two inputs and the next one goes on.

use crate::error::{Code, Error, Result, Whole};
use crate::id::Entropy;
use crate::limits::{RETRY_AFTER_MAX_MS, SCRUB_MS, SWEEP_MS};
use crate::queue::Op;
use crate::store::Output;
use crate::store::isolate::Isolate;
use crate::store::note::{Fact, Note};
use crate::store::quarantine::Place;
use crate::store::recover::{Recover, Recovered};
use crate::store::scrub::{Scrub, Scrubbed};
use crate::store::sweep::{Sweep, Swept};
use crate::sync::backoff;
use crate::sync::machine::{Machine, Want};
use crate::sync::port::{Bell, Cycle, Effect, Reply, Request};
use crate::sync::pull::Page;
use crate::sync::timers::Timer;
use crate::time::Millis;
use crate::wire::Device;

/// Most damaged rows one cycle takes out of the way; more are the next one's.
const ISOLATED: u32 = 256;

/// What a cycle remembers between two inputs.
#[derive(Debug)]
pub(super) struct Running {
    pub fence: u64,
    pub began: Millis,
    pub cycle: Cycle,
    /// Ops queued when it began.
    pub total: u64,
    /// The batch on its way.
    pub batch: Vec<Op>,
    /// The page being taken in.
    pub page: Option<Page>,
    /// Everything there was has been fetched.
    pub fetched: bool,
    /// An op was answered with "later": the cycle ends after this exchange.
    pub later: Option<Error>,
    /// The batch on its way is of completed ops.
    pub replaying: bool,
    /// The server has answered a request of this cycle.
    pub answered: bool,
    /// Mends tried in this cycle; each kind once.
    pub reborn: bool,
    pub reattached: bool,
    /// Damaged rows taken out of the way in this cycle.
    isolated: u32,
    /// Damaged rows that a look over the database has found.
    damaged: Vec<Place>,
    /// What is done once a note is written.
    after_note: AfterNote,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AfterNote {
    GoOn,
    End,
}

impl Running {
    pub const fn done(&self) -> u64 {
        self.cycle.synced + self.cycle.failed + self.cycle.conflicts + self.cycle.pulled
    }
}

impl Machine {
    pub(super) fn begin(&mut self) {
        // Whoever sent before may be gone.
        self.arrive();
        self.running = Some(Running {
            fence: 0,
            began: self.at.now,
            cycle: Cycle::default(),
            total: self.known.queued,
            batch: Vec::new(),
            page: None,
            fetched: false,
            later: None,
            replaying: false,
            answered: false,
            reborn: false,
            reattached: false,
            isolated: 0,
            damaged: Vec::new(),
            after_note: AfterNote::GoOn,
        });
        self.timers.clear(Timer::Retry);
        self.timers.clear(Timer::Soon);
        self.run(Recover::new(self.at.now, Entropy::new(self.at.random)));
    }

    /// The next step after a transaction.
    pub(super) fn step(&mut self, result: Result<Output>) {
        let output = match result {
            Ok(output) => output,
            Err(error) => return self.isolate(error),
        };
        let summary = output.summary().clone();
        if !summary.changed.is_empty() || summary.gen_no > self.known.gen_no {
            self.ring(&summary);
        }
        self.learn(summary);
        match output {
            Output::Recovered(recovered) => self.recovered(recovered),
            Output::Staged(staged) => self.staged(staged),
            Output::Settled(settled) => self.settled(settled),
            Output::Absorbed(absorbed) => self.absorbed(absorbed),
            Output::Replayed(staged) => self.replayed(staged),
            Output::Swept(swept) => self.swept(&swept),
            Output::Noted(noted) => {
                self.sync = Some(noted.sync);
                self.noted();
            }
            Output::Isolated(_) => self.again(),
            Output::Scrubbed(scrubbed) => self.scrubbed(scrubbed),
            Output::Remapped(_) => self.stage(),
            Output::Wrote(_)
            | Output::Acted(_)
            | Output::Peeked(_)
            | Output::Migrated(_)
            | Output::Inspected(_)
            | Output::Released(_)
            | Output::Listed(_) => {}
        }
    }

    /// A row that cannot be read is taken out of the way; any other failure ends the cycle.
    fn isolate(&mut self, error: Error) {
        let place = Place::of(&error).zip(self.running.as_mut());
        let Some((place, running)) = place.filter(|(_, running)| running.isolated < ISOLATED) else { return self.fail(error) };
        running.isolated += 1;
        self.run(Isolate::new(place, self.at.now));
    }

    /// Nothing else is to be done: a slice of the database is looked over, once in a while. True: that goes first.
    fn scrub(&mut self) -> bool {
        if let Some(place) = self.running.as_mut().and_then(|running| running.damaged.pop()) {
            self.run(Isolate::new(place, self.at.now));
            return true;
        }
        let due = self.at.now.since(self.scrubbed_at) >= SCRUB_MS;
        if due {
            self.scrubbed_at = self.at.now;
            self.run(Scrub::default());
        }
        due
    }

    fn scrubbed(&mut self, scrubbed: Scrubbed) {
        if let Some(running) = &mut self.running {
            running.damaged = scrubbed.found;
        }
        self.finish();
    }

    /// From the beginning: what was on its way is frozen and goes again, a page is fetched again.
    fn again(&mut self) {
        if let Some(running) = &mut self.running {
            running.batch.clear();
            (running.page, running.fetched) = (None, false);
        }
        self.run(Recover::new(self.at.now, Entropy::new(self.at.random)));
    }

    fn recovered(&mut self, recovered: Recovered) {
        let Some(running) = &mut self.running else { return };
        running.fence = recovered.fence;
        running.total = self.known.queued;
        let attached = recovered.sync.attached;
        let waits = recovered.sync.not_before.filter(|until| {
            // Noted later than now, or further ahead than any wait that is ever set: the clock has jumped back since.
            let jumped = recovered.sync.deferred_at > self.at.now || *until > self.at.now.plus(2 * RETRY_AFTER_MAX_MS);
            *until > self.at.now && !jumped
        });
        self.failures = recovered.sync.attempts;
        if self.is_open() {
            self.window.probe()
        } else {
            self.window.open()
        }
        self.skew_ms = recovered.sync.skew_ms;
        self.sync = Some(recovered.sync);
        match waits.filter(|_| !self.want.now) {
            Some(until) => {
                self.timers.set(Timer::Retry, until);
                self.end(self.error.clone());
            }
            None if attached => self.stage(),
            None => self.attach(),
        }
    }

    fn attach(&mut self) {
        let Some(sync) = &self.sync else { return };
        let device = Device { device_id: sync.device_id.clone(), name: self.device_name.clone() };
        self.send(Request::Attach(device));
    }

    /// The next step after a request.
    pub(super) fn answered(&mut self, result: Result<Reply>) {
        self.arrive();
        if let Ok(reply) = &result {
            self.compare_clocks(reply);
            if let Some(running) = &mut self.running {
                running.answered = true;
            }
        }
        match result {
            Ok(Reply::Attach(_)) => self.note(Fact::Attached, AfterNote::GoOn),
            Ok(Reply::Push(reply)) => self.pushed(reply),
            Ok(Reply::Pull(reply)) => self.pulled(reply),
            Err(error) => self.refused(error),
        }
    }

    /// The whole request was refused, or nothing is known of it.
    fn refused(&mut self, error: Error) {
        let Some(running) = &mut self.running else { return };
        match error.code.handling().whole {
            Whole::Reborn if !running.reborn => {
                running.reborn = true;
                let entropy = Entropy::new(self.at.random);
                self.note(Fact::Reborn(entropy), AfterNote::GoOn);
            }
            Whole::Attach if !running.reattached => {
                running.reattached = true;
                self.attach();
            }
            // One op of the batch is what the server cannot take: halved, it is found; alone, it goes back to its author.
            Whole::Halve if !running.batch.is_empty() => self.too_large(error),
            Whole::Blame => self.blame(error),
            Whole::Wait | Whole::Halve | Whole::Reborn | Whole::Attach => self.fail(error),
        }
    }

    fn note(&mut self, fact: Fact, after: AfterNote) {
        let Some(running) = &mut self.running else { return };
        running.after_note = after;
        let note = Note::new(running.fence, fact, self.at.now);
        self.run(note);
    }

    pub(super) fn note_and_go_on(&mut self, fact: Fact) {
        self.note(fact, AfterNote::GoOn);
    }

    /// The token was of no use: everything is loaded anew, pending work stays.
    pub(super) fn reset(&mut self) {
        self.note(Fact::Reset, AfterNote::GoOn);
    }

    fn noted(&mut self) {
        match self.running.as_ref().map(|running| running.after_note) {
            Some(AfterNote::GoOn) => self.stage(),
            // Somebody asked while the last note was written: once more round, so that they are told of a cycle that saw them.
            Some(AfterNote::End) if self.error.is_none() && (self.want.push || self.want.pull) && !self.paused => {
                if let Some(running) = &mut self.running {
                    running.after_note = AfterNote::GoOn;
                }
                self.finish();
            }
            Some(AfterNote::End) if self.error.is_none() && self.may_sweep() => self.sweep(),
            Some(AfterNote::End) => {
                let error = self.error.clone();
                self.end(error);
            }
            None => {}
        }
    }

    /// Whether it is time to let completed ops go; the queue is empty then and nobody waits.
    fn may_sweep(&self) -> bool {
        let now = self.at.now;
        self.sync.as_ref().is_some_and(|sync| now.since(sync.swept_at) > SWEEP_MS || sync.swept_at > now)
    }

    fn sweep(&mut self) {
        let Some(running) = &self.running else { return };
        let sweep = Sweep::new(running.fence, self.at.now);
        self.run(sweep);
    }

    fn swept(&mut self, swept: &Swept) {
        if swept.more && !(self.want.push || self.want.pull) {
            return self.sweep();
        }
        if let (Some(sync), false) = (&mut self.sync, swept.more) {
            sync.swept_at = swept.at;
        }
        self.noted();
    }

    /// Nothing may go and everything is here.
    pub(super) fn finish(&mut self) {
        if let Some(error) = self.running.as_mut().and_then(|running| running.later.take()) {
            return self.fail(error);
        }
        // Somebody asked again while the cycle ran: it goes round once more and tells them then.
        if std::mem::take(&mut self.want.push) || self.want.pull {
            if let Some(running) = &mut self.running {
                running.fetched &= !self.want.pull;
            }
            return self.stage();
        }
        if self.scrub() {
            return;
        }
        self.failures = 0;
        self.error = None;
        self.note(Fact::Finished(self.skew_ms), AfterNote::End);
    }

    /// Ends the cycle after a failure, with the next attempt scheduled (law 14).
    pub(super) fn fail(&mut self, error: Error) {
        if error.code == Code::LockLost {
            self.release();
            return self.abandon();
        }
        self.failures = self.failures.saturating_add(1);
        let mut low = [0u8; 8];
        low.copy_from_slice(&self.at.random[..8]);
        let until = backoff::next_attempt(&self.rules.retry, self.failures, &error, (self.at.now, u64::from_le_bytes(low)));
        self.timers.set(Timer::Retry, until);
        let noted = self.error.replace(error);
        let storage_works = !matches!(
            self.error.as_ref().map(|error| error.code),
            Some(Code::StorageError | Code::DatabaseClosed | Code::CorruptData | Code::QuotaExceeded | Code::ReadOnly)
        );
        let begun = self.running.as_ref().is_some_and(|running| running.fence > 0 && running.after_note == AfterNote::GoOn);
        if storage_works && begun {
            // A lost network holds nobody else back: the worker that the browser wakes when it is there again must not wait.
            let lost = self.lost_network();
            let until = if lost { self.at.now } else { until };
            return self.note(Fact::Deferred { until, attempts: self.failures }, AfterNote::End);
        }
        drop(noted);
        let error = self.error.clone();
        self.end(error);
    }

    /// The request or transaction took too long; a late answer finds its ticket gone.
    pub(super) fn gave_up(&mut self) {
        if self.awaited.take().is_some() {
            let error = Error::new(Code::NetworkError, "no answer in time").hint("the next attempt is scheduled");
            self.fail(error.detail(crate::plain::object([("timeout_ms", crate::limits::REQUEST_TIMEOUT_MS.into())])));
        }
    }

    /// Another context leads: this cycle is over, and looks again in a while in case the other one did not finish it.
    pub(super) fn abandon(&mut self) {
        self.timers.clear(Timer::Answer);
        self.awaited = None;
        self.timers.sooner(Timer::Retry, self.at.now.plus(2 * crate::limits::KNOCK_MS));
        self.close(Some(Error::new(Code::LockLost, "another tab or the worker has taken over; it goes on there")));
    }

    pub(super) fn end(&mut self, error: Option<Error>) {
        self.release();
        self.close(error);
    }

    fn close(&mut self, error: Option<Error>) {
        self.arrive();
        let Some(running) = self.running.take() else { return };
        let now = self.at.now;
        self.want = Want { told: false, now: false, ..self.want };
        if error.is_some() {
            // The retry timer wants both again when it is due.
            (self.want.push, self.want.pull) = (false, false);
        } else if let Some(at) = self.sync.as_ref().and_then(|sync| sync.last_sync_at).filter(|_| running.fetched) {
            let counts = [self.known.queued, self.known.failed, self.known.conflicts];
            self.effects.push(Effect::Ring(Bell { gen_no: self.known.gen_no, counts, synced_at: Some(at), ..Bell::default() }));
        }
        let cycle = Cycle { duration: now.since(running.began), error, ..running.cycle };
        self.effects.push(Effect::Finished(Box::new(cycle)));
    }
}
