//! Executes the store's transactions on IndexedDB. This module decides how a lost connection is replaced and when a
//! database may only be read; which rows a transaction touches is the transaction's own affair. The host runs every `Tx`
//! through it, and the bindings read rows for applications with it.

mod fail;
mod gather;
mod open;
mod read;
mod txn;

pub use fail::Failure;
pub use open::Plan;

use crate::browser::js;
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::plain::{self, Plain};
use crate::record::order;
use crate::schema::Schema;
use crate::store::{Durability, Output, Read, Rows, Scope, Step, Tx};
use js_sys::Array;
use std::cell::RefCell;
use std::rc::{Rc, Weak};
use txn::Txn;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{IdbDatabase, IdbVersionChangeEvent};

/// What happens to a database besides answers, for the application to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Opening waits: another tab keeps an older version open and has not reacted to being asked to close it.
    Blocked,
    /// Its data is being brought up to date: so many rows so far. Opening waits for it.
    Migrating(u64),
    /// It was not there, or empty of stores: a new device, or the browser has thrown it away.
    Created,
    /// Newer code has upgraded it; from here on it is only read.
    ReadOnly,
    /// Another tab upgrades or deletes it; the connection was closed so as not to stand in its way.
    Yielded,
    /// The browser closed the connection; it is opened again at the next use.
    Lost,
}

impl Notice {
    /// Its name as an event.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Migrating(_) => "migrating",
            Self::Created => "created",
            Self::ReadOnly => "readonly",
            Self::Yielded => "yielded",
            Self::Lost => "lost",
        }
    }
}

/// One IndexedDB database with everything it takes to keep it open.
#[derive(Clone)]
pub struct Idb {
    inner: Rc<Inner>,
}

struct Inner {
    plan: Plan,
    state: RefCell<State>,
    notice: Box<dyn Fn(Notice)>,
}

enum State {
    /// Not opened yet, or lost.
    Closed,
    Open(Rc<Connection>),
    /// Closed for good, and why.
    Ended(Error),
}

/// An open connection with its listeners; the last one to drop it closes it.
struct Connection {
    database: IdbDatabase,
    read_only: bool,
    _version: Closure<dyn FnMut(IdbVersionChangeEvent)>,
    _close: Closure<dyn FnMut()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.database.set_onversionchange(None);
        self.database.set_onclose(None);
        self.database.close();
    }
}

impl Idb {
    /// Opens the database. `notice` is called with what happens to it later; it must not call back into this object.
    ///
    /// # Errors
    /// `STORAGE_ERROR`, `SCHEMA_MISMATCH`, `QUOTA_EXCEEDED`.
    pub async fn open(plan: Plan, notice: Box<dyn Fn(Notice)>) -> Result<Self> {
        let idb = Self { inner: Rc::new(Inner { plan, state: RefCell::new(State::Closed), notice }) };
        idb.connect().await?;
        Ok(idb)
    }

    /// Whether newer code has upgraded the database, so that this one only reads it.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        matches!(&*self.inner.state.borrow(), State::Open(connection) if connection.read_only)
    }

    /// Closes the database for good; transactions that run are finished first.
    pub fn close(&self) {
        let error = Error::new(Code::DatabaseClosed, "the database was closed").hint("open it again");
        self.inner.state.replace(State::Ended(error));
    }

    /// Runs one of the store's transactions.
    ///
    /// # Errors
    /// See `transact`.
    pub async fn run(&self, schema: &Schema, tx: &Tx) -> Result<Output> {
        let fresh = || {
            let mut tx = tx.clone();
            move |rows| tx.advance(schema, rows)
        };
        self.transact(&tx.scope(schema), fresh).await
    }

    /// Runs one transaction. `fresh` makes it; it is called again when the connection was lost before the commit, since a
    /// transaction always starts from its beginning.
    ///
    /// # Errors
    /// Whatever the transaction refuses with; `READ_ONLY`, `DATABASE_CLOSED`, `QUOTA_EXCEEDED`, `UNIQUE_VIOLATION`,
    /// `CORRUPT_DATA`, `STORAGE_ERROR`.
    pub async fn transact<T, M>(&self, scope: &Scope, mut fresh: impl FnMut() -> M) -> Result<T>
    where
        M: FnMut(Vec<Rows>) -> Step<T>,
    {
        self.twice(async |connection: Rc<Connection>| {
            if scope.writes && connection.read_only {
                return Err(self.read_only(&connection).into());
            }
            attempt(&connection.database, scope, fresh()).await
        })
        .await
    }

    /// Reads for an application: the stored JavaScript values themselves, one list for each read.
    ///
    /// # Errors
    /// `DATABASE_CLOSED`, `STORAGE_ERROR`.
    pub async fn rows(&self, reads: &[Read]) -> Result<Vec<Array>> {
        let mut stores: Vec<_> = reads.iter().map(store_of).cloned().collect();
        order::sort(&mut stores, Ord::cmp);
        stores.dedup();
        let scope = Scope { stores, writes: false, durability: Durability::Relaxed };
        self.twice(async |connection: Rc<Connection>| {
            let txn = Txn::open(&connection.database, &scope)?;
            let rows = txn.read(reads).await?;
            txn.finish();
            Ok(rows)
        })
        .await
    }

    /// Runs `work`, and once more on a new connection if the first was lost under it.
    async fn twice<T>(&self, mut work: impl AsyncFnMut(Rc<Connection>) -> std::result::Result<T, Failure>) -> Result<T> {
        let mut last = String::new();
        for _ in 0..2 {
            let connection = self.connect().await?;
            match work(connection.clone()).await {
                Ok(done) => return Ok(done),
                Err(Failure::Refused(error)) => return Err(error),
                Err(failure @ Failure::Unknown(_)) => {
                    self.inner.drop_connection(&connection);
                    return Err(failure.into());
                }
                Err(Failure::Lost(message)) => {
                    self.inner.drop_connection(&connection);
                    last = message;
                }
            }
        }
        Err(Failure::Lost(last).into())
    }

    async fn connect(&self) -> Result<Rc<Connection>> {
        match &*self.inner.state.borrow() {
            State::Open(connection) => return Ok(connection.clone()),
            State::Ended(error) => return Err(error.clone()),
            State::Closed => {}
        }
        let blocked: Rc<dyn Fn()> = Rc::new({
            let inner = Rc::downgrade(&self.inner);
            move || tell(&inner, Notice::Blocked)
        });
        let opened = match open::open(&self.inner.plan, blocked.clone()).await {
            // Right after the browser's storage process died the first attempt to open may still meet the dead one.
            Err(Failure::Lost(_)) => open::open(&self.inner.plan, blocked).await?,
            opened => opened?,
        };
        let connection = Rc::new(self.inner.listen(opened.database, opened.newer));
        let (created, newer) = (opened.created, opened.newer);
        {
            let mut state = self.inner.state.borrow_mut();
            match &*state {
                // Two callers found the connection lost and both opened one: the first one's stays.
                State::Open(first) => return Ok(first.clone()),
                State::Ended(error) => return Err(error.clone()),
                State::Closed => *state = State::Open(connection.clone()),
            }
        }
        if created {
            (self.inner.notice)(Notice::Created);
        }
        if newer {
            (self.inner.notice)(Notice::ReadOnly);
        }
        Ok(connection)
    }

    fn read_only(&self, connection: &Connection) -> Error {
        let disk = connection.database.version();
        let detail = plain::object([
            ("code", Code::SchemaMismatch.plain()),
            ("database", disk.into()),
            ("code_version", self.inner.plan.version.into()),
        ]);
        Error::new(Code::ReadOnly, "the database is newer than this code")
            .hint("reload the page to get the newer application; reading goes on meanwhile")
            .detail(detail)
    }
}

impl Inner {
    fn listen(self: &Rc<Self>, database: IdbDatabase, read_only: bool) -> Connection {
        let version = Closure::<dyn FnMut(IdbVersionChangeEvent)>::new({
            let inner = Rc::downgrade(self);
            move |event: IdbVersionChangeEvent| {
                let Some(inner) = inner.upgrade() else { return };
                let next = match event.new_version() {
                    // An upgrade: the next use opens what the other tab has made of it.
                    Some(_) => State::Closed,
                    None => State::Ended(Error::new(Code::DatabaseClosed, "the database is being deleted")),
                };
                inner.end_connection(next);
                (inner.notice)(Notice::Yielded);
            }
        });
        let close = Closure::<dyn FnMut()>::new({
            let inner = Rc::downgrade(self);
            move || {
                let Some(inner) = inner.upgrade() else { return };
                inner.end_connection(State::Closed);
                (inner.notice)(Notice::Lost);
            }
        });
        database.set_onversionchange(Some(version.as_ref().unchecked_ref()));
        database.set_onclose(Some(close.as_ref().unchecked_ref()));
        Connection { database, read_only, _version: version, _close: close }
    }

    /// Closes the connection now, also for those who still hold it: others wait for that.
    fn end_connection(&self, next: State) {
        let before = self.state.replace(next);
        if let State::Open(connection) = before {
            connection.database.close();
        }
    }

    /// Forgets a connection that was found dead, unless another one has taken its place already.
    fn drop_connection(&self, dead: &Rc<Connection>) {
        let mut state = self.state.borrow_mut();
        if matches!(&*state, State::Open(current) if Rc::ptr_eq(current, dead)) {
            *state = State::Closed;
        }
    }
}

fn tell(inner: &Weak<Inner>, notice: Notice) {
    if let Some(inner) = inner.upgrade() {
        (inner.notice)(notice);
    }
}

fn store_of(read: &Read) -> &crate::store::StoreName {
    match read {
        Read::Get { store, .. } => store,
        Read::Range(range) => &range.store,
    }
}

/// One transaction on one connection.
async fn attempt<T>(
    database: &IdbDatabase,
    scope: &Scope,
    mut advance: impl FnMut(Vec<Rows>) -> Step<T>,
) -> std::result::Result<T, Failure> {
    let txn = Txn::open(database, scope)?;
    let mut rows = Vec::new();
    for _ in 0..=limits::TX_ROUNDS {
        match advance(rows) {
            Step::Read(reads) => {
                let found: Array = txn.read(&reads).await?.into_iter().collect();
                rows = js::read(&found)?;
            }
            Step::Done(changes, output) => {
                if scope.writes {
                    txn.write(&changes).await?;
                } else {
                    txn.finish();
                }
                return Ok(output);
            }
            Step::Abort(error) => return Err(error.into()),
        }
    }
    Err(Error::new(Code::StorageError, "a transaction asked for more rounds of reads than any may take").into())
}
