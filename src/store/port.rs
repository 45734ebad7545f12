//! The one contract between the engine and a database. A transaction is a value: it is asked to `advance` with the rows
//! of its last reads and answers with more reads, with all its writes, or with a refusal. **Whoever executes it keeps one
//! database transaction open over the whole of it and awaits nothing else meanwhile; writes are applied all or not at
//! all.** Executors are `store/memory` (the reference) and `browser/idb`; one conformance suite holds both to the same.

use crate::error::Error;
use crate::store::key::Key;
use serde_json::Value;
use std::borrow::Cow;

/// The name of an object store; the engine's own are in `store/layout`.
pub type StoreName = Cow<'static, str>;

/// One question to the database. Every store keeps its key inside the value (IndexedDB's in-line keys).
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// The row with this key: no row or one.
    Get {
        /// In which store.
        store: StoreName,
        /// The primary key.
        key: Key,
    },
    /// Rows in the order of their key, or of an index and then of their key.
    Range(Range),
}

/// An ordered stretch of one store or index.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// In which store.
    pub store: StoreName,
    /// The index to go by; the primary key if `None`. Rows without a valid index key are not in an index.
    pub index: Option<StoreName>,
    /// From here, `true` if this key itself is taken.
    pub lower: Option<(Key, bool)>,
    /// Up to here, `true` if this key itself is taken.
    pub upper: Option<(Key, bool)>,
    /// Go on strictly behind the entry with this index key and this primary key (paging), in the direction of reading.
    /// Without an index both are the primary key.
    pub after: Option<(Key, Key)>,
    /// From the end backwards; rows with equal index keys then come with descending primary keys too.
    pub reverse: bool,
    /// Most rows.
    pub limit: u32,
}

impl Range {
    /// All rows of `store` by key, at most `limit`.
    #[must_use]
    pub fn all(store: impl Into<StoreName>, limit: u32) -> Self {
        Self { store: store.into(), index: None, lower: None, upper: None, after: None, reverse: false, limit }
    }

    /// By this index.
    #[must_use]
    pub fn by(mut self, index: impl Into<StoreName>) -> Self {
        self.index = Some(index.into());
        self
    }

    /// Only entries with exactly this key.
    #[must_use]
    pub fn only(self, key: Key) -> Self {
        self.between(key.clone(), key)
    }

    /// Only entries from `lower` to `upper`, both taken.
    #[must_use]
    pub fn between(mut self, lower: Key, upper: Key) -> Self {
        self.lower = Some((lower, true));
        self.upper = Some((upper, true));
        self
    }
}

/// The answer to one read: its rows in order.
pub type Rows = Vec<Value>;

/// One change of the database.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Puts a row, over one with the same key if there is one.
    Put {
        /// In which store.
        store: StoreName,
        /// The row; its key is inside.
        row: Value,
    },
    /// Deletes the row with this key, if there is one.
    Delete {
        /// In which store.
        store: StoreName,
        /// The primary key.
        key: Key,
    },
}

/// What a transaction wants next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<T> {
    /// These reads, answered in order, then `advance` again.
    Read(Vec<Read>),
    /// All its writes, in order, and what to tell the caller once they are committed.
    Done(Vec<Change>, T),
    /// Nothing is written.
    Abort(Error),
}

/// How hard the commit has to be (IndexedDB's `durability`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Survives the loss of power once reported.
    Strict,
    /// Survives the loss of the process once reported.
    Relaxed,
}

/// What an executor must know before it opens the database transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Every store the transaction may touch.
    pub stores: Vec<StoreName>,
    /// Whether it may write.
    pub writes: bool,
    /// How hard the commit has to be.
    pub durability: Durability,
}
