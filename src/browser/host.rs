//! Owns the sync machine of one context and carries out what it asks for. This module decides the order (one input, all its
//! effects, then the next) and nothing about sync; it holds no borrow over an await or while JavaScript is called. The
//! bindings own a `Host` and read and write through it.

use crate::browser::bell::BellRope;
use crate::browser::fetch::Fetch;
use crate::browser::idb::{Idb, Notice};
use crate::browser::locks::{Lock, LockNews};
use crate::browser::network::{self, Ears, Heard};
use crate::browser::timers::Alarm;
use crate::browser::{entropy, js};
use crate::dialect::native;
use crate::error::{Code, Error, Result};
use crate::id::Entropy;
use crate::schema::Schema;
use crate::store::act::Act;
use crate::store::isolate::Isolate;
use crate::store::quarantine::{Place, Release};
use crate::store::write::fresh_id;
use crate::store::{Output, Read, Tx, Write, WriteRequest, Wrote};
use crate::sync::{At, Bell, Cycle, Effect, Input, Machine, Reason, Reply, Request, Status};
use crate::time::Millis;
use js_sys::Array;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

/// Most damaged rows that one call takes out of the way.
const MENDED: usize = 16;

/// What an application is told.
#[derive(Clone, Debug)]
pub enum Event {
    /// How things stand.
    Status(Box<Status>),
    /// Records that changed, here or in another context; none named: anything may have.
    Changed(u64, Vec<(String, String)>),
    /// A cycle is over.
    Cycle(Box<Cycle>),
    /// Something happened to the database.
    Notice(Notice),
    /// Something went wrong that no call waits for.
    Warning(Error),
}

/// Tells the application; it may call back into the engine from there.
pub type Tell = Rc<dyn Fn(Event)>;

/// Who opens which database of whom.
pub struct Opening {
    /// The application.
    pub schema: Rc<Schema>,
    /// The user; stamped on what is written here.
    pub user: String,
    /// The database's name: also that of its lock and its bell.
    pub database: String,
}

/// One context of one database.
pub struct Host {
    opening: Opening,
    machine: RefCell<Machine>,
    inbox: RefCell<VecDeque<Input>>,
    draining: Cell<bool>,
    ended: Cell<bool>,
    idb: Idb,
    fetch: Fetch,
    lock: Lock,
    alarm: Alarm,
    bell: Option<BellRope>,
    _ears: Ears,
    tell: Tell,
    waiting: RefCell<Vec<Waiting>>,
    /// A cycle is under way.
    cycling: Cell<bool>,
}

/// Somebody who waits for the end of a cycle.
struct Waiting {
    /// A cycle was under way when they asked; it may have been past the point where it looks for more work.
    late: bool,
    over: Rc<dyn Fn()>,
    cycle: Rc<RefCell<Option<Cycle>>>,
}

impl Host {
    /// Joins the other contexts of an open database and starts the machine.
    #[must_use]
    pub fn start(opening: Opening, idb: Idb, fetch: Fetch, tell: Tell) -> Rc<Self> {
        let host = Rc::new_cyclic(|weak: &Weak<Self>| {
            let feed = |make: fn(LockNews) -> Input| -> Rc<dyn Fn(LockNews)> {
                let weak = weak.clone();
                Rc::new(move |news| with(&weak, |host| host.feed(make(news))))
            };
            let news = feed(|news| if news == LockNews::Granted { Input::LockGranted } else { Input::LockLost });
            let (due, rung, heard) = (weak.clone(), weak.clone(), weak.clone());
            let bell = BellRope::new(&opening.database, Box::new(move |bell| with(&rung, |host| host.rung(bell))));
            Self {
                machine: RefCell::new(Machine::new(&opening.schema, &network::device_name())),
                inbox: RefCell::default(),
                draining: Cell::new(false),
                ended: Cell::new(false),
                lock: Lock::new(opening.database.clone(), news),
                alarm: Alarm::new(Box::new(move || with(&due, |host| host.feed(Input::Alarm)))),
                bell,
                _ears: Ears::new(Box::new(move |what| with(&heard, |host| host.heard(what)))),
                waiting: RefCell::default(),
                cycling: Cell::new(false),
                opening,
                idb,
                fetch,
                tell,
            }
        });
        host.feed(Input::Network(network::is_online()));
        host.feed(Input::Start);
        host
    }

    /// The application's schema.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.opening.schema
    }

    /// The database's name.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.opening.database
    }

    /// Whether newer code has upgraded the database.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.idb.is_read_only()
    }

    /// How things stand.
    #[must_use]
    pub fn status(&self) -> Status {
        self.machine.borrow().status()
    }

    /// Whether an op of this record is on its way.
    #[must_use]
    pub fn travels(&self, entity: &str, id: &str) -> bool {
        self.machine.borrow().travels(entity, id)
    }

    /// Reads for an application: the stored values themselves.
    ///
    /// # Errors
    /// `DATABASE_CLOSED`, `STORAGE_ERROR`.
    pub async fn rows(&self, reads: &[Read]) -> Result<Vec<Array>> {
        self.idb.rows(reads).await
    }

    /// Makes a local write safe; it never waits for a request.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` and what else `Write` refuses with.
    pub async fn write(self: &Rc<Self>, request: WriteRequest) -> Result<Wrote> {
        let write = Write::new(self.schema(), request, &self.opening.user, fresh())?;
        self.written(write).await
    }

    /// Makes several local writes safe that stand or fall together.
    ///
    /// # Errors
    /// As `write`, with the place of the change in the path; `PAYLOAD_TOO_LARGE` for more than one request takes.
    pub async fn batch(self: &Rc<Self>, requests: Vec<WriteRequest>) -> Result<Wrote> {
        let write = Write::batch(self.schema(), requests, &self.opening.user, fresh())?;
        self.written(write).await
    }

    async fn written(self: &Rc<Self>, write: Write) -> Result<Wrote> {
        match self.run_mending(&write.into()).await? {
            Output::Wrote(wrote) => {
                self.feed(Input::Wrote(wrote.summary.clone(), wrote.critical));
                Ok(wrote)
            }
            other => Err(mixed_up(&other)),
        }
    }

    /// The id of a record that a batch will create.
    #[must_use]
    pub fn fresh_id(&self, entity: &str) -> String {
        let (now, mut entropy) = fresh();
        fresh_id(self.schema(), entity, (now, &mut entropy))
    }

    /// Carries out a person's decision about the ops of a record.
    ///
    /// # Errors
    /// `NOT_FOUND` when nothing waits, `LOCK_LOST` while an op of the record is on its way.
    pub async fn act(self: &Rc<Self>, act: Act) -> Result<Option<String>> {
        match self.run_mending(&act.into()).await? {
            Output::Acted(acted) => {
                self.feed(Input::Wrote(acted.summary, false));
                Ok(acted.op.map(|op| op.0))
            }
            other => Err(mixed_up(&other)),
        }
    }

    /// Lets go of a row in quarantine.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn release(self: &Rc<Self>, id: String) -> Result<()> {
        let released = self.run_mending(&Release::new(id).into()).await?;
        self.feed(Input::Wrote(released.summary().clone(), false));
        Ok(())
    }

    /// Runs one of the store's transactions for a caller. Damaged rows that it meets are taken out of the way first.
    ///
    /// # Errors
    /// What the transaction refuses with.
    pub async fn run_mending(self: &Rc<Self>, tx: &Tx) -> Result<Output> {
        for _ in 0..MENDED {
            let result = self.run(tx).await;
            let Some((error, place)) = result.as_ref().err().and_then(|error| Some((error.clone(), Place::of(error)?))) else {
                return result;
            };
            (self.tell)(Event::Warning(error));
            let isolated = self.run(&Isolate::new(place, js::now()).into()).await?;
            self.feed(Input::Wrote(isolated.summary().clone(), false));
        }
        self.run(tx).await
    }

    /// Wants a sync, and waits until a cycle is over. A reason that promises no cycle is not waited for.
    pub async fn wake(self: &Rc<Self>, reason: Reason) -> Cycle {
        if matches!(reason, Reason::Foreground | Reason::Notice) {
            self.feed(Input::Wake(reason));
            return Cycle::default();
        }
        if self.ended.get() {
            return closed();
        }
        let (over, wait) = js::signal();
        let cycle = Rc::default();
        let waiting = Waiting { late: self.cycling.get(), over, cycle: Rc::clone(&cycle) };
        self.waiting.borrow_mut().push(waiting);
        self.feed(Input::Wake(reason));
        wait.await;
        cycle.take().unwrap_or_default()
    }

    /// Stops or resumes syncing.
    pub fn pause(self: &Rc<Self>, paused: bool) {
        self.feed(Input::Pause(paused));
    }

    /// Ends this context: the lock goes back, requests are given up, the database is closed.
    pub fn shutdown(self: &Rc<Self>) {
        self.feed(Input::Shutdown);
        self.ended.set(true);
        self.fetch.abort();
        self.idb.close();
        self.finished(closed(), false);
    }

    /// Feeds one input and carries out all its effects, then those of inputs that came meanwhile.
    fn feed(self: &Rc<Self>, input: Input) {
        self.inbox.borrow_mut().push_back(input);
        if self.draining.replace(true) {
            return;
        }
        while let Some(input) = self.next() {
            let at = At { now: js::now(), random: entropy::draw() };
            self.cycling.set(self.cycling.get() || matches!(input, Input::LockGranted));
            let effects = self.machine.borrow_mut().feed(at, input);
            // A cycle that ends while another one is wanted already is followed by it at once.
            let goes_on = effects.iter().any(|effect| matches!(effect, Effect::AskLock { .. }));
            for effect in effects {
                match effect {
                    Effect::Finished(cycle) => self.finished(*cycle, goes_on),
                    effect => self.execute(effect),
                }
            }
        }
        self.draining.set(false);
    }

    fn next(&self) -> Option<Input> {
        self.inbox.borrow_mut().pop_front()
    }

    fn execute(self: &Rc<Self>, effect: Effect) {
        match effect {
            Effect::Run(ticket, tx) => {
                let host = self.clone();
                js::spawn(async move {
                    let result = host.run(&tx).await;
                    if let Some(error) = result.as_ref().err().filter(|error| Place::of(error).is_some()) {
                        (host.tell)(Event::Warning(error.clone()));
                    }
                    host.feed(Input::Stored(ticket, result));
                });
            }
            Effect::Send(ticket, request) => {
                let host = self.clone();
                js::spawn(async move {
                    let result = host.send(&request).await;
                    host.feed(Input::Response(ticket, result));
                });
            }
            Effect::SetAlarm(at) => self.alarm.set(at),
            Effect::AskLock { steal } => self.lock.ask(steal),
            Effect::ReleaseLock => self.lock.release(),
            Effect::Ring(bell) => {
                if let Some(rope) = &self.bell {
                    rope.ring(&bell);
                }
                self.changed(bell);
            }
            Effect::Publish(status) => (self.tell)(Event::Status(status)),
            Effect::Finished(cycle) => self.finished(*cycle, false),
        }
    }

    /// Runs one of the store's transactions.
    ///
    /// # Errors
    /// What it refuses with.
    pub async fn run(&self, tx: &Tx) -> Result<Output> {
        self.idb.run(self.schema(), tx).await
    }

    async fn send(&self, request: &Request) -> Result<Reply> {
        let response = self.fetch.send(&native::encode(request)).await?;
        native::decode(request, &response, js::now())
    }

    /// Tells those who wait; who asked late waits for the cycle that follows, if one does.
    fn finished(&self, cycle: Cycle, goes_on: bool) {
        self.cycling.set(false);
        let mut rest = Vec::new();
        for waiting in self.waiting.take() {
            if goes_on && waiting.late {
                rest.push(Waiting { late: false, ..waiting });
            } else {
                waiting.cycle.replace(Some(cycle.clone()));
                (waiting.over)();
            }
        }
        self.waiting.borrow_mut().extend(rest);
        (self.tell)(Event::Cycle(Box::new(cycle)));
    }

    fn changed(&self, bell: Bell) {
        if !bell.changed.is_empty() {
            (self.tell)(Event::Changed(bell.gen_no, bell.changed));
        }
    }

    fn rung(self: &Rc<Self>, bell: Bell) {
        self.changed(bell.clone());
        self.feed(Input::Rung(bell));
    }

    fn heard(self: &Rc<Self>, what: Heard) {
        match what {
            Heard::Online => self.feed(Input::Network(true)),
            Heard::Offline => self.feed(Input::Network(false)),
            Heard::Shown => {
                // Timers stood still and bells may have been missed while nobody looked.
                self.alarm.check();
                (self.tell)(Event::Changed(0, Vec::new()));
                self.feed(Input::Wake(Reason::Foreground));
            }
            Heard::Hidden => {}
        }
    }
}

fn with(weak: &Weak<Host>, work: impl FnOnce(&Rc<Host>)) {
    if let Some(host) = weak.upgrade() {
        work(&host);
    }
}

/// Time and randomness for a transaction.
#[must_use]
pub fn fresh() -> (Millis, Entropy) {
    (js::now(), Entropy::new(entropy::draw()))
}

fn closed() -> Cycle {
    let error = Error::new(Code::DatabaseClosed, "the database was closed").hint("open it again");
    Cycle { error: Some(error), ..Cycle::default() }
}

fn mixed_up(output: &Output) -> Error {
    Error::new(Code::StorageError, format!("a transaction ended as another one, at generation {}", output.summary().gen_no))
}
