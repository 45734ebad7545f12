//! Ops and their order. This room decides what an op is, what happens to it when the record is changed again before it was
//! sent, and which fields of it reach the wire; it reads no store and sends nothing. `store` keeps ops and cuts batches.

pub mod coalesce;
pub mod op;
pub mod order;

pub use op::{Former, Op, OpStatus};
