//! The server as its clients meet it: over HTTP, over its ledgers, and as a process that is killed.

// Helpers of tests may fail a test; clippy knows only functions marked as tests.
#![allow(clippy::unwrap_used)]

#[macro_use]
mod conformance;
mod auth;
mod bodies;
mod clinic;
mod connections;
mod events;
mod file;
mod files;
mod identity;
mod ledger;
mod migration;
mod process;
mod recovery;
mod relations;
mod scope;
mod sessions;
mod world;
