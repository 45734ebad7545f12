//! The browser room in a service worker. // SW-2
#![cfg(target_arch = "wasm32")]

mod conformance;
mod connection;
mod contexts;
mod cycle;
#[path = "../store/migration.rs"]
mod migration;
mod port;
mod requests;
#[path = "../store/suite.rs"]
mod suite;
mod util;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_service_worker);
