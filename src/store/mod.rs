//! What the device's database holds, and every transaction over it as a pure value. This room decides what is read and
//! written together; it never talks to a database (executors do) and never to a network. `sync` composes its transactions
//! into cycles, the browser room runs them.

pub mod absorb;
pub mod act;
mod allow;
mod answer;
mod collide;
pub mod deleted;
mod desk;
mod edit;
pub mod inspect;
pub mod isolate;
pub mod key;
pub mod layout;
mod leave;
mod lost;
pub mod memory;
pub mod migrate;
pub mod note;
pub mod peek;
mod pick;
pub mod port;
pub mod quarantine;
pub mod query;
mod rebase;
pub mod recover;
mod redo;
pub mod remap;
pub mod replay;
pub mod rows;
pub mod scrub;
pub mod settle;
pub mod stage;
pub mod sweep;
mod tx;
pub mod write;

pub use desk::Summary;
pub use key::Key;
pub use memory::{Before, Journal, Memory};
pub use port::{Change, Durability, Range, Read, Rows, Scope, Step, StoreName};
pub use tx::{Output, Tx};
pub use write::{Write, WriteRequest, Wrote};

/// A writing scope over these stores, each named once.
fn scope(stores: impl Iterator<Item = StoreName>, durability: Durability) -> Scope {
    let mut stores: Vec<StoreName> = stores.collect();
    crate::record::order::sort(&mut stores, Ord::cmp);
    stores.dedup();
    Scope { stores, writes: true, durability }
}
