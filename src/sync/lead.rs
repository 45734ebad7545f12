//! Who syncs: the lock's life in this context. It decides when to ask, when to knock, when to steal from a holder that does
//! not answer (a frozen tab), and when to let go. The lock is for liveness; safety is the fence in the store (law 4).

use crate::limits::KNOCK_MS;
use crate::sync::machine::Machine;
use crate::sync::port::{Bell, Effect};
use crate::sync::timers::Timer;

/// Where this context stands with the lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lead {
    /// It neither has nor wants it.
    #[default]
    Idle,
    /// It has asked.
    Asking {
        /// And knocked, without an answer so far.
        knocked: bool,
    },
    /// It has it.
    Holding,
}

impl Lead {
    pub const fn involved(self) -> bool {
        !matches!(self, Self::Idle)
    }
}

impl Machine {
    /// Begins a cycle if one is wanted and nothing forbids it: by asking for the lock.
    pub(super) fn consider(&mut self) {
        if self.lead.involved() || self.running.is_some() || !(self.want.push || self.want.pull) {
            return;
        }
        if self.paused {
            if std::mem::take(&mut self.want.told) {
                self.effects.push(Effect::Finished(Box::default()));
            }
            return;
        }
        if !self.want.now && self.timers.get(Timer::Retry).is_some_and(|due| due > self.at.now) {
            // The attempt is scheduled; what woke us changes nothing about the wait.
            self.tell_waiting();
            return;
        }
        self.lead = Lead::Asking { knocked: false };
        self.timers.set(Timer::Knock, self.at.now.plus(KNOCK_MS));
        self.effects.push(Effect::AskLock { steal: false });
    }

    /// Whoever waits for the cycle is told why there is none now.
    fn tell_waiting(&mut self) {
        if std::mem::take(&mut self.want.told) {
            let cycle = crate::sync::port::Cycle { error: self.error.clone(), ..crate::sync::port::Cycle::default() };
            self.effects.push(Effect::Finished(Box::new(cycle)));
        }
    }

    pub(super) fn lock_granted(&mut self) {
        match self.lead {
            Lead::Asking { .. } if self.paused => self.release(),
            Lead::Asking { .. } => {
                self.timers.clear(Timer::Knock);
                self.lead = Lead::Holding;
                self.begin();
            }
            Lead::Idle => self.effects.push(Effect::ReleaseLock),
            Lead::Holding => {}
        }
    }

    /// The thief has raised the fence: whatever is under way here will be refused by the store. The work is not lost, the
    /// other one does it; this context looks again a little later.
    pub(super) fn lock_lost(&mut self) {
        if self.lead == Lead::Holding {
            self.lead = Lead::Idle;
            self.abandon();
        }
    }

    /// The holder had its time.
    pub(super) fn knocked(&mut self) {
        let Lead::Asking { knocked } = self.lead else { return };
        if knocked {
            self.effects.push(Effect::AskLock { steal: true });
        } else {
            self.lead = Lead::Asking { knocked: true };
            self.effects.push(Effect::Ring(Bell { knock: true, ..Bell::default() }));
        }
        self.timers.set(Timer::Knock, self.at.now.plus(KNOCK_MS));
    }

    pub(super) fn lead_rung(&mut self, bell: &Bell) {
        if bell.knock && self.lead == Lead::Holding {
            self.effects.push(Effect::Ring(Bell { busy: true, ..Bell::default() }));
        }
        if bell.busy && matches!(self.lead, Lead::Asking { .. }) {
            self.lead = Lead::Asking { knocked: false };
            self.timers.set(Timer::Knock, self.at.now.plus(KNOCK_MS));
        }
    }

    /// Gives the lock back.
    pub(super) fn release(&mut self) {
        if self.lead.involved() {
            self.lead = Lead::Idle;
            self.timers.clear(Timer::Knock);
            self.effects.push(Effect::ReleaseLock);
        }
    }
}
