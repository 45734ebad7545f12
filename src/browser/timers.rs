//! The machine's one alarm. This module decides how a time of the device's clock becomes a browser's timer; when to wake is
//! the machine's affair. The host sets it, and asks it again whenever the page comes back from a sleep in which timers stood
//! still.

use crate::browser::js;
use crate::time::Millis;
use gloo_timers::callback::Timeout;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// Longest wait of one timer: a clock that was set meanwhile is noticed within this time.
const LONGEST_MS: u64 = 60_000;

/// Calls back at a time.
pub struct Alarm {
    inner: Rc<Inner>,
}

struct Inner {
    at: Cell<Option<Millis>>,
    timer: RefCell<Option<Timeout>>,
    due: Box<dyn Fn()>,
}

impl Alarm {
    /// An alarm that is not set.
    #[must_use]
    pub fn new(due: Box<dyn Fn()>) -> Self {
        Self { inner: Rc::new(Inner { at: Cell::new(None), timer: RefCell::new(None), due }) }
    }

    /// Sets it instead of the time set before.
    pub fn set(&self, at: Option<Millis>) {
        self.inner.at.set(at);
        self.check();
    }

    /// Rings if it is due, and otherwise waits for the rest.
    pub fn check(&self) {
        self.inner.arm();
    }
}

impl Inner {
    fn arm(self: &Rc<Self>) {
        let timer = self.at.get().map(|at| {
            let wait = at.since(js::now()).min(LONGEST_MS);
            let weak: Weak<Self> = Rc::downgrade(self);
            Timeout::new(u32::try_from(wait).unwrap_or(u32::MAX), move || {
                if let Some(inner) = weak.upgrade() {
                    inner.rung();
                }
            })
        });
        self.timer.replace(timer);
    }

    /// The wait is over, whatever the clock says by now: set back a day, it would seem to have a day to go. The machine looks
    /// at the clock itself and sets the alarm anew.
    fn rung(self: &Rc<Self>) {
        if self.at.take().is_some() {
            (self.due)();
        }
    }
}
