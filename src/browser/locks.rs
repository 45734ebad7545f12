//! The lock of one database among all its contexts, over Web Locks. This module decides how it is asked for, held, stolen
//! and given back; who ought to have it is the machine's affair. Where the browser has no locks, or they fail, the wish is
//! granted at once: the fencing number in the store is what keeps two holders apart (law 4), the lock only spares work.

use crate::browser::js;
use js_sys::{Array, Function, Object, Promise};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortController;

/// What is told of the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockNews {
    /// It is ours.
    Granted,
    /// It was stolen from us.
    Lost,
}

/// One context's part in the lock.
pub struct Lock {
    name: String,
    news: Rc<dyn Fn(LockNews)>,
    wish: Rc<RefCell<Option<Rc<Wish>>>>,
}

/// One request: waiting, held, or over.
#[derive(Default)]
struct Wish {
    held: Cell<bool>,
    withdrawn: Cell<bool>,
    release: RefCell<Option<Function>>,
    waiting: RefCell<Option<AbortController>>,
}

impl Lock {
    /// The lock `name`, not asked for yet.
    #[must_use]
    pub fn new(name: String, news: Rc<dyn Fn(LockNews)>) -> Self {
        Self { name, news, wish: Rc::default() }
    }

    /// Asks for it; with `steal`, takes it from whoever holds it. A wish that waits is replaced.
    pub fn ask(&self, steal: bool) {
        if !steal && self.wish.borrow().is_some() {
            return;
        }
        self.release();
        let wish = Rc::new(Wish::default());
        self.wish.replace(Some(wish.clone()));
        let (name, news, current) = (self.name.clone(), self.news.clone(), self.wish.clone());
        js::spawn(async move {
            // How the wait ended matters less than whether the lock was ours when it did.
            let _ = hold(&name, steal, &wish, &news).await;
            if wish.withdrawn.get() {
                return;
            }
            if wish.held.get() {
                // Ended without our doing: stolen.
                current.take();
                news(LockNews::Lost);
            } else {
                // Refused without having been held: no locks here (a foreign frame, an old browser).
                wish.held.set(true);
                news(LockNews::Granted);
            }
        });
    }

    /// Gives it back, or withdraws the wish.
    pub fn release(&self) {
        let wish = self.wish.take();
        if let Some(wish) = wish {
            wish.end();
        }
    }
}

impl Wish {
    /// Gives back what is held and withdraws what waits.
    fn end(&self) {
        self.withdrawn.set(true);
        let (release, waiting) = (self.release.take(), self.waiting.take());
        if let Some(release) = release {
            // Resolving a promise does not throw.
            let _ = release.call0(&JsValue::NULL);
        }
        if let Some(waiting) = waiting {
            waiting.abort();
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.release();
    }
}

/// Waits until the lock is over: given back, stolen, or not to be had.
async fn hold(name: &str, steal: bool, wish: &Rc<Wish>, news: &Rc<dyn Fn(LockNews)>) -> Result<JsValue, JsValue> {
    let options = Object::new();
    if steal {
        js::set(&options, "steal", &JsValue::TRUE);
    } else {
        // `steal` and `signal` exclude each other; a theft does not wait, so that there is nothing to withdraw.
        let controller = AbortController::new()?;
        js::set(&options, "signal", &controller.signal());
        wish.waiting.replace(Some(controller));
    }
    let granted = Closure::once({
        let (wish, news) = (wish.clone(), news.clone());
        move |_lock: JsValue| {
            wish.waiting.take();
            let held = Promise::new(&mut |resolve, _| {
                wish.release.replace(Some(resolve));
            });
            if wish.withdrawn.get() {
                return Promise::resolve(&JsValue::UNDEFINED);
            }
            wish.held.set(true);
            news(LockNews::Granted);
            held
        }
    });
    request(name, &options, granted.as_ref())?.await
}

/// Does `work` while no other context of this origin does what goes by the same name. One that does not give the lock back
/// (a frozen page) is waited for until `patience_ms` have passed.
pub async fn alone<T>(name: &str, patience_ms: u32, work: impl Future<Output = T>) -> T {
    let wish = Rc::new(Wish::default());
    let (ready, granted) = crate::browser::js::signal();
    let news: Rc<dyn Fn(LockNews)> = Rc::new({
        let ready = ready.clone();
        move |_| ready()
    });
    js::spawn({
        let (name, wish) = (name.to_owned(), wish.clone());
        async move {
            let _ = hold(&name, false, &wish, &news).await;
            news(LockNews::Lost);
        }
    });
    let impatience = gloo_timers::callback::Timeout::new(patience_ms, move || ready());
    granted.await;
    drop(impatience);
    let done = work.await;
    wish.end();
    done
}

/// `navigator.locks.request`.
///
/// # Errors
/// Where there are no locks.
fn request(name: &str, options: &Object, callback: &JsValue) -> Result<JsFuture, JsValue> {
    let locks = js::get(&js::get(&js_sys::global(), "navigator"), "locks");
    let request = js::function(&locks, "request").ok_or(JsValue::UNDEFINED)?;
    let promise = request.apply(&locks, &Array::of3(&JsValue::from_str(name), options, callback))?;
    Ok(JsFuture::from(Promise::resolve(&promise)))
}
