//! Executors of the engine's effects in a browser: the database, requests, the lock, the bell, timers, the network. This
//! room decides how an effect is carried out with what the browser has; it never decides what is to be done. `bindings`
//! owns a `Host`, the host owns everything here; wasm32 only, and nothing in it assumes a `window`.

pub mod bell;
pub mod entropy;
pub mod fetch;
pub mod host;
pub mod idb;
pub mod js;
pub mod locks;
pub mod network;
pub mod registry;
pub mod timers;
