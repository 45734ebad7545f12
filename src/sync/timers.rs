//! Everything the machine waits for with a time, as a small table of which only the earliest is shown. This module decides
//! nothing but what is due (the idea of quinn-proto's connection timers).

use crate::time::Millis;

/// What a time is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// A write shall go soon.
    Soon,
    /// The next attempt after a failure.
    Retry,
    /// The regular sync.
    Interval,
    /// A look at the store without being told.
    Look,
    /// The holder of the lock has had time to answer.
    Knock,
    /// A request or transaction takes too long.
    Answer,
}

const ALL: [Timer; 6] = [Timer::Soon, Timer::Retry, Timer::Interval, Timer::Look, Timer::Knock, Timer::Answer];

/// The table.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    due: [Option<Millis>; ALL.len()],
}

impl Timers {
    pub fn set(&mut self, timer: Timer, at: Millis) {
        self.due[timer as usize] = Some(at);
    }

    /// Sets it unless it is due earlier already.
    pub fn sooner(&mut self, timer: Timer, at: Millis) {
        let due = &mut self.due[timer as usize];
        *due = Some(due.map_or(at, |old| old.min(at)));
    }

    /// The clock went back by this much; waits stay as long as they were.
    pub fn back(&mut self, ms: u64) {
        self.due.iter_mut().flatten().for_each(|at| at.0 = at.0.saturating_sub(ms));
    }

    pub fn clear(&mut self, timer: Timer) {
        self.due[timer as usize] = None;
    }

    pub fn get(&self, timer: Timer) -> Option<Millis> {
        self.due[timer as usize]
    }

    pub fn earliest(&self) -> Option<Millis> {
        self.due.iter().flatten().min().copied()
    }

    /// Takes one timer that is due.
    pub fn take_due(&mut self, now: Millis) -> Option<Timer> {
        let timer = ALL.into_iter().find(|timer| self.get(*timer).is_some_and(|at| at <= now))?;
        self.clear(timer);
        Some(timer)
    }
}
