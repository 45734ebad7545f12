//! The machine that syncs: events in, effects out. This room decides when a cycle begins, what it does next, and what
//! follows a failure; it performs no I/O, reads no clock and draws no random number. Whoever owns a `Machine` feeds it one
//! input, executes all effects, and feeds it the next.
//!
//! A cycle: ask for the lock → `Recover` → (register the device) → `Stage` → push → `Settle` → `Absorb` slice by slice →
//! `Stage` again, until nothing may go and everything is fetched → give the lock back.
//!
//! ```
//! use landfall::{schema::Schema, sync::{At, Effect, Input, Machine}, time::Millis};
//! # let schema: Schema = serde_json::from_str(r#"{"app":"x","version":1,"entities":{}}"#).unwrap();
//! let mut machine = Machine::new(&schema, "a phone");
//! let mut effects = machine.feed(At { now: Millis(1), random: [0; 32] }, Input::Start);
//! while let Some(effect) = effects.pop() {
//!     if let Effect::Run(ticket, tx) = effect {
//!         // run `tx` on the database, then: effects.extend(machine.feed(at, Input::Stored(ticket, result)));
//!         # let _ = (ticket, tx);
//!     }
//! }
//! ```

mod backoff;
mod clock;
mod cycle;
mod lead;
mod machine;
pub mod port;
mod pull;
mod push;
mod replay;
pub mod status;
mod timers;
mod travel;
mod window;

pub use machine::Machine;
pub use port::{At, Bell, Cycle, Effect, Input, Reason, Reply, Request, Ticket};
pub use status::{State, Status};
