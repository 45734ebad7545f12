//! landfall: an offline-first sync engine. One crate, pure rooms, a machine without I/O, storage transactions as values,
//! thin executors at the edge; the same code in the page, in the service worker and (for deciding) in the server.
//!
//! The rooms by rank; each imports only lower ranks, which `tests/tidy.rs` checks:
//!
//! | rank | rooms | what they hold |
//! |---|---|---|
//! | 0 | [`error`] [`limits`] [`time`] [`id`] [`plain`] | closed codes, every bound, time, names and JSON as types |
//! | 1 | [`hlc`] [`schema`] [`record`] | the hybrid clock, what an application declares, one row as data |
//! | 2 | [`merge`] [`queue`] [`wire`] | three-way merge, ops and their order, the messages |
//! | 3 | [`store`] [`authority`] [`dialect`] | the device's transactions, the server's decisions, messages as HTTP |
//! | 4 | [`sync`] | the machine: events in, effects out |
//! | 5, 6 | `browser`, `bindings` | executors of effects and the border to JavaScript; wasm32 only |
//!
//! Where to start: `store::port` (a transaction is a value), `sync::port` (the machine's two enums), `wire` (what travels).

#![deny(clippy::unwrap_used, clippy::expect_used)]

pub mod authority;
#[cfg(target_arch = "wasm32")]
pub mod bindings;
#[cfg(target_arch = "wasm32")]
pub mod browser;
pub mod dialect;
pub mod error;
pub mod hlc;
pub mod id;
pub mod limits;
pub mod merge;
pub mod plain;
pub mod queue;
pub mod record;
pub mod schema;
pub mod store;
pub mod sync;
pub mod time;
pub mod wire;
