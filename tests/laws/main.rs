//! The laws of the house, each in a situation that once broke it: orders of events too rare to wait for.

mod answers;
mod arbitrary;
mod bench;
mod clocks;
mod copies;
mod decisions;
mod device;
mod endurance;
mod fleet;
mod horizon;
mod identity;
mod machine;
mod migration;
mod quarantine;
mod queue;
mod relations;
mod rollback;
mod scope;
