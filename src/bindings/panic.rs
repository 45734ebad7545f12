//! A fault of the engine's own. This module decides that JavaScript hears of it before the instance traps, since promises of
//! a dead instance never settle; js/runtime.ts makes a new one.

use js_sys::Function;
use std::cell::RefCell;
use std::panic::PanicHookInfo;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

thread_local! {
    static WATCHER: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Calls `callback` with the message of a panic; the instance must not be called any more after it.
#[wasm_bindgen]
pub fn watch_panics(callback: Function) {
    WATCHER.set(Some(callback));
    std::panic::set_hook(Box::new(|info| {
        let text = JsValue::from_str(&told(info));
        if let Some(watcher) = WATCHER.take() {
            // What the watcher throws cannot reach anybody: the trap follows.
            let _ = watcher.call1(&JsValue::NULL, &text);
        }
    }));
}

/// What went wrong and in which file; the folders before it belong to whoever built this.
fn told(info: &PanicHookInfo<'_>) -> String {
    let what = info.payload_as_str().unwrap_or("a fault of the engine");
    let place = info.location().map(|at| (at.file().rsplit('/').next().unwrap_or_default(), at.line()));
    place.map_or_else(|| what.to_owned(), |(file, line)| format!("{what} ({file}:{line})"))
}
