//! One IndexedDB transaction from its opening to its end. This module decides the order of requests, the commit and the
//! abort; it never decides what is read or written, and awaits nothing but its own requests (law 8). `idb` runs every
//! transaction of the store through it.

use crate::browser::idb::fail::Failure;
use crate::browser::idb::gather::{Heard, Listeners};
use crate::browser::idb::read::{self, Asked};
use crate::browser::js;
use crate::store::{Change, Durability, Read, Scope};
use js_sys::{Array, Object};
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{IdbDatabase, IdbObjectStore, IdbRequest, IdbTransaction};

#[wasm_bindgen]
extern "C" {
    // web-sys hides the third argument behind its switch for unstable APIs; it has been in every browser since 2024.
    #[wasm_bindgen(js_name = IDBDatabase, extends = IdbDatabase)]
    type Durable;
    #[wasm_bindgen(method, catch)]
    fn transaction(this: &Durable, stores: &Array, mode: &str, options: &Object) -> Result<IdbTransaction, JsValue>;
}

/// An open transaction. Dropped without `commit` it is aborted: IndexedDB itself would commit what was put so far.
pub(super) struct Txn {
    transaction: IdbTransaction,
    heard: Rc<Heard>,
    _listeners: Listeners,
}

impl Txn {
    /// Opens a transaction over the scope's stores.
    pub fn open(database: &IdbDatabase, scope: &Scope) -> Result<Self, Failure> {
        let stores: Array = scope.stores.iter().map(|store| JsValue::from_str(store)).collect();
        let options = Object::new();
        let durability = if scope.durability == Durability::Strict { "strict" } else { "relaxed" };
        js::set(&options, "durability", &JsValue::from_str(durability));
        let mode = if scope.writes { "readwrite" } else { "readonly" };
        let transaction =
            database.unchecked_ref::<Durable>().transaction(&stores, mode, &options).map_err(|thrown| Failure::of(&thrown))?;
        let heard = Rc::new(Heard::default());
        let listeners = Listeners::on(&transaction, &heard);
        Ok(Self { transaction, heard, _listeners: listeners })
    }

    /// Issues all reads at once and gives back the rows of each.
    pub async fn read(&self, reads: &[Read]) -> Result<Vec<Array>, Failure> {
        let asked = reads.iter().map(|read| read::ask(&self.transaction, read, &self.heard)).collect::<Result<Vec<_>, _>>()?;
        let last = asked.iter().rev().find_map(|asked| match asked {
            Asked::One(request) | Asked::Many(request) => Some(request),
            Asked::Nothing | Asked::Walk(..) => None,
        });
        self.answers(last).await?;
        asked.iter().map(Asked::rows).collect()
    }

    /// Waits for cursors and for `last`: requests of one transaction are answered in their order, so that the last plain
    /// one speaks for all plain ones.
    async fn answers(&self, last: Option<&IdbRequest>) -> Result<(), Failure> {
        let answered = Closure::<dyn FnMut()>::new({
            let heard = self.heard.clone();
            move || heard.answered()
        });
        if let Some(request) = last {
            self.heard.expect_one();
            request.set_onsuccess(Some(answered.as_ref().unchecked_ref()));
        }
        let outcome = self.heard.answers().await;
        if let Some(request) = last {
            request.set_onsuccess(None);
        }
        outcome
    }

    /// Puts and deletes in order, then commits and waits until the browser says that it is done.
    pub async fn write(self, changes: &[Change]) -> Result<(), Failure> {
        // Every value exists before the first put: what cannot be converted changes nothing.
        let rows = changes.iter().filter_map(|change| match change {
            Change::Put { row, .. } => Some(row),
            Change::Delete { .. } => None,
        });
        let rows = js::write_list(rows)?;
        let (mut next, mut last) = (0, None);
        for change in changes {
            let asked = match change {
                Change::Put { store, .. } => {
                    next += 1;
                    self.store(store)?.put(&rows.get(next - 1))
                }
                Change::Delete { store, key } => self.store(store)?.delete(&js::key(key)),
            };
            // Leaving by `?` drops `self`, and with it goes everything put so far.
            last = Some(asked.map_err(|thrown| Failure::of(&thrown))?);
        }
        // Not before the last answer: a put that fails after `commit` was called is left out in Firefox, and the rest stays.
        self.answers(last.as_ref()).await?;
        self.commit().await
    }

    fn store(&self, name: &str) -> Result<IdbObjectStore, Failure> {
        self.transaction.object_store(name).map_err(|thrown| Failure::of(&thrown))
    }

    /// Commits without waiting for the event loop to notice that no request is left.
    async fn commit(self) -> Result<(), Failure> {
        self.heard.committing();
        self.ask_commit();
        self.heard.end().await
    }

    fn ask_commit(&self) {
        if let Some(commit) = js::function(&self.transaction, "commit") {
            // Throws when a request has failed and aborted the transaction: then the abort says why.
            let _ = commit.call0(&self.transaction);
        }
    }

    /// Ends a transaction that only read; there is nothing to wait for.
    pub fn finish(self) {
        self.ask_commit();
        self.heard.ended(Ok(()));
    }
}

impl Drop for Txn {
    fn drop(&mut self) {
        if !self.heard.is_done() {
            // Throws only if it has ended already, which is what is wanted.
            let _ = self.transaction.abort();
        }
    }
}
