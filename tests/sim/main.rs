//! The simulation: several devices of several people, each with one to three contexts, against one server a tenant, in
//! virtual time, under faults that a seed draws. README.md says what it knows and how to read what it prints.
//! `SEEDS=100000 cargo test --profile sim --test sim -- --nocapture` runs more of it, `SEED=17` one, with its trace.

mod app;
mod config;
mod device;
mod disk;
mod effects;
mod fault;
mod invariants;
mod lock;
mod model;
mod net;
mod people;
mod plant;
mod planted;
mod rng;
mod run;
mod seeds;
mod server;
mod shrink;
mod trace;
mod world;

/// Half of a step is memory taken and given back; the system's allocator takes twice as long over it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
