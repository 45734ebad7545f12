//! What the device's database holds, and every transaction over it as a pure value. This room decides what is read and
//! written together; it never talks to a database (executors do) and never to a network. `sync` composes its transactions
//! into cycles, the browser room runs them.

pub mod key;
pub mod layout;
pub mod port;

pub use key::Key;
pub use port::{Change, Durability, Range, Read, Rows, Scope, Step, StoreName};
