//! Waiting for a transaction's own requests and for its end, and for nothing else (law 8). This module decides when a
//! batch of reads is complete and how a transaction ended; it knows nothing of rows. `txn` is its one user.

use crate::browser::idb::fail::Failure;
use crate::limits;
use gloo_timers::callback::Timeout;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, IdbTransaction};

/// What has been heard of one transaction.
#[derive(Default)]
pub(super) struct Heard {
    pending: Cell<usize>,
    end: RefCell<Option<Result<(), Failure>>>,
    committing: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    timer: RefCell<Option<Timeout>>,
}

impl Heard {
    /// One more answer is expected.
    pub fn expect_one(&self) {
        self.pending.set(self.pending.get() + 1);
    }

    /// An expected answer has come.
    pub fn answered(&self) {
        self.pending.set(self.pending.get().saturating_sub(1));
        self.wake();
    }

    /// The commit has been asked for: from now on silence leaves the outcome open.
    pub fn committing(&self) {
        self.committing.set(true);
    }

    /// How it ended; the first word counts.
    pub fn ended(&self, end: Result<(), Failure>) {
        let mut slot = self.end.borrow_mut();
        if slot.is_none() {
            *slot = Some(end);
        }
        drop(slot);
        self.wake();
    }

    /// Whether it has ended well.
    pub fn is_done(&self) -> bool {
        matches!(*self.end.borrow(), Some(Ok(())))
    }

    fn wake(&self) {
        let waker = self.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits for every expected answer.
    pub async fn answers(&self) -> Result<(), Failure> {
        poll_fn(|context| match &*self.end.borrow() {
            Some(Err(failure)) => Poll::Ready(Err(failure.clone())),
            Some(Ok(())) => Poll::Ready(Err(Failure::Lost("the transaction was over before its reads".to_owned()))),
            None if self.pending.get() == 0 => Poll::Ready(Ok(())),
            None => {
                *self.waker.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    /// Waits for the end.
    pub async fn end(&self) -> Result<(), Failure> {
        poll_fn(|context| match &*self.end.borrow() {
            Some(end) => Poll::Ready(end.clone()),
            None => {
                *self.waker.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }
}

/// The listeners of one transaction; taken off when it goes, so that none is called after it.
pub(super) struct Listeners {
    transaction: IdbTransaction,
    _complete: Closure<dyn FnMut()>,
    _abort: Closure<dyn FnMut(Event)>,
}

impl Listeners {
    pub fn on(transaction: &IdbTransaction, heard: &Rc<Heard>) -> Self {
        let complete = Closure::<dyn FnMut()>::new({
            let heard = heard.clone();
            move || heard.ended(Ok(()))
        });
        let abort = Closure::<dyn FnMut(Event)>::new({
            let (heard, transaction) = (heard.clone(), transaction.clone());
            move |_| {
                let failure = transaction
                    .error()
                    .map(JsValue::from)
                    .map_or_else(|| Failure::Lost("the browser aborted the transaction".to_owned()), |error| Failure::of(&error));
                heard.ended(Err(failure));
            }
        });
        transaction.set_oncomplete(Some(complete.as_ref().unchecked_ref()));
        transaction.set_onabort(Some(abort.as_ref().unchecked_ref()));
        watch(heard, limits::STORE_TIMEOUT_MS, true);
        Self { transaction: transaction.clone(), _complete: complete, _abort: abort }
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.transaction.set_oncomplete(None);
        self.transaction.set_onabort(None);
    }
}

/// A connection can die without a word (iOS). The second, short wait lets a page that was frozen hear first what its
/// transaction has to say: after a thaw timers may be called before the events that came meanwhile.
fn watch(heard: &Rc<Heard>, after_ms: u64, first: bool) {
    let weak = Rc::downgrade(heard);
    let timer = Timeout::new(u32::try_from(after_ms).unwrap_or(u32::MAX), move || {
        let Some(heard) = weak.upgrade() else { return };
        if first {
            watch(&heard, 1_000, false);
        } else if heard.committing.get() {
            heard.ended(Err(Failure::Unknown("no answer to a commit".to_owned())));
        } else {
            heard.ended(Err(Failure::Lost("no answer from the database".to_owned())));
        }
    });
    // The fired timer sits in the slot while its callback runs; it must not be dropped from inside of it.
    let fired = heard.timer.borrow_mut().replace(timer);
    if let Some(fired) = fired {
        fired.forget();
    }
}
