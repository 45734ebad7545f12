//! How errors, events and results look in JavaScript. This module decides their form and nothing about their content;
//! `js/errors.ts` and `js/types.ts` are its other half.

use crate::browser::host::Event;
use crate::browser::idb::Notice;
use crate::browser::js;
use crate::error::Error;
use serde::Serialize;
use serde_json::json;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::JsValue;

/// A plain object of it; maps become objects, absent is null.
pub(super) fn value(value: &impl Serialize) -> JsValue {
    // By way of `Value`, so that the serializer is compiled for one type. Fails for maps with keys that are no text and
    // numbers beyond 2^53; no status or event has any.
    let value = serde_json::to_value(value).unwrap_or_default();
    value.serialize(&Serializer::json_compatible()).unwrap_or(JsValue::NULL)
}

/// The error as JavaScript throws it.
pub(super) fn thrown(error: &Error) -> JsValue {
    let thrown: JsValue = js_sys::Error::new(&error.message).into();
    js::set(&thrown, "name", &JsValue::from_str("LandfallError"));
    js::set(&thrown, "code", &JsValue::from_str(error.code.as_str()));
    js::set(&thrown, "path", &JsValue::from_str(&error.path));
    js::set(&thrown, "hint", &JsValue::from_str(&error.hint));
    js::set(&thrown, "retry", &value(&error.code.retry()));
    if let Some(ms) = error.retry_after_ms {
        js::set(&thrown, "retryAfterMs", &value(&ms));
    }
    if let Some(detail) = &error.detail {
        js::set(&thrown, "detail", &value(detail));
    }
    thrown
}

/// The event as listeners get it.
pub(super) fn event(event: &Event) -> JsValue {
    let plain = |name: &str| value(&json!({ "type": name }));
    match event {
        Event::Status(status) => value(&json!({ "type": "status", "status": status })),
        Event::Changed(gen_no, changed) => value(&json!({ "type": "changed", "gen": gen_no, "changed": changed })),
        Event::Cycle(cycle) => value(&json!({ "type": "cycle", "cycle": cycle })),
        Event::Warning(error) => value(&json!({ "type": "warning", "error": error })),
        Event::Notice(notice) => plain(match notice {
            Notice::Migrating(done) => return value(&json!({ "type": "migrating", "done": done })),
            Notice::Blocked => "blocked",
            Notice::Created => "created",
            Notice::ReadOnly => "readonly",
            Notice::Yielded => "yielded",
            Notice::Lost => "lost",
        }),
    }
}
