//! How errors, events and results look in JavaScript. This module decides their form and nothing about their content;
//! `js/errors.ts` and `js/types.ts` are its other half.

use crate::browser::host::Event;
use crate::browser::idb::Notice;
use crate::browser::js;
use crate::error::Error;
use crate::plain::{self, Plain};
use serde_json::Value;
use wasm_bindgen::JsValue;

/// A plain object of it, as JavaScript parses its JSON; absent is null.
pub(super) fn value(value: &Value) -> JsValue {
    // JavaScript parses every JSON that is nested less than it can recurse; nothing that comes here is deep.
    js::write(value).unwrap_or(JsValue::NULL)
}

/// The error as JavaScript throws it.
pub(super) fn thrown(error: &Error) -> JsValue {
    let thrown: JsValue = js_sys::Error::new(&error.message).into();
    js::set(&thrown, "name", &JsValue::from_str("LandfallError"));
    js::set(&thrown, "code", &JsValue::from_str(error.code.as_str()));
    js::set(&thrown, "path", &JsValue::from_str(&error.path));
    js::set(&thrown, "hint", &JsValue::from_str(&error.hint));
    js::set(&thrown, "retry", &JsValue::from_str(error.code.retry().as_str()));
    if let Some(ms) = error.retry_after_ms {
        js::set(&thrown, "retryAfterMs", &value(&ms.into()));
    }
    if let Some(detail) = &error.detail {
        js::set(&thrown, "detail", &value(detail));
    }
    thrown
}

/// The event as listeners get it.
pub(super) fn event(event: &Event) -> JsValue {
    let one = |name: &str, content: Value| plain::object([("type", name.into()), (name, content)]);
    value(&match event {
        Event::Status(status) => one("status", status.plain()),
        Event::Cycle(cycle) => one("cycle", cycle.plain()),
        Event::Changed(gen_no, changed) => {
            plain::object([("type", "changed".into()), ("gen", (*gen_no).into()), ("changed", changed.plain())])
        }
        Event::Warning(error) => plain::object([("type", "warning".into()), ("error", error.plain())]),
        Event::Notice(Notice::Migrating(done)) => plain::object([("type", "migrating".into()), ("done", (*done).into())]),
        Event::Notice(notice) => plain::object([("type", notice.name().into())]),
    })
}
