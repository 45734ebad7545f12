//! The border between JavaScript values and ours. This module decides how rows and keys cross it (JSON text, never an
//! object walked property by property) and how a thrown value becomes an `Error`; it knows no API of the browser beyond.
//! Every module of this room uses it.

use crate::error::{Code, Error, Result};
use crate::plain::{self, Plain};
use crate::record::domain;
use crate::store::Key;
use js_sys::{Array, Function, JSON, JsString, Promise, Reflect};
use serde_json::Value;
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Parses what JavaScript holds by way of its JSON text.
///
/// # Errors
/// `CORRUPT_DATA` when it is not what was expected.
pub fn read<T: Plain>(value: &JsValue) -> Result<T> {
    let corrupt = |what: String| Error::new(Code::CorruptData, what);
    let text = JSON::stringify(value).map_err(|thrown| corrupt(message(&thrown)))?;
    // `JSON.stringify(undefined)` is undefined, whatever the binding's type says.
    let text = text.as_string().ok_or_else(|| corrupt("a value without JSON".to_owned()))?;
    let value = domain::parse(text.as_bytes()).map_err(|error| Error { code: Code::CorruptData, ..error })?;
    plain::read(value).map_err(|mistake| mistake.told(Code::CorruptData))
}

/// Hands a value to JavaScript as its own parse of our JSON text.
///
/// # Errors
/// `VALIDATION_ERROR` when JavaScript cannot parse it.
pub fn write(value: &Value) -> Result<JsValue> {
    parse(&plain::text(value))
}

/// The same for values that become one list, without making one of them here.
///
/// # Errors
/// As `write`.
pub fn write_list<'a>(values: impl Iterator<Item = &'a Value>) -> Result<Array> {
    let mut text = String::from("[");
    for value in values {
        if text.len() > 1 {
            text.push(',');
        }
        plain::text::write(value, &mut text, plain::text::as_it_is);
    }
    text.push(']');
    parse(&text).map(JsCast::unchecked_into)
}

fn parse(text: &str) -> Result<JsValue> {
    JSON::parse(text).map_err(|thrown| Error::new(Code::ValidationError, message(&thrown)))
}

/// The key as IndexedDB takes it.
#[must_use]
pub fn key(key: &Key) -> JsValue {
    match key {
        Key::Number(number) => JsValue::from_f64(*number),
        Key::Text(text) => JsValue::from_str(text),
        Key::List(items) => items.iter().map(self::key).collect::<Array>().into(),
    }
}

/// A property, `undefined` if there is none.
#[must_use]
pub fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsString::from(name)).unwrap_or(JsValue::UNDEFINED)
}

/// A property, if it is a function.
#[must_use]
pub fn function(object: &JsValue, name: &str) -> Option<js_sys::Function> {
    get(object, name).dyn_into().ok()
}

/// Sets a property of an object made here.
pub fn set(object: &JsValue, name: &str, value: &JsValue) {
    // Fails only on frozen objects and setters that throw; those made here are neither.
    let _ = Reflect::set(object, &JsString::from(name), value);
}

/// The `name` of a thrown error: `QuotaExceededError`, `TypeError`.
#[must_use]
pub fn name(thrown: &JsValue) -> String {
    get(thrown, "name").as_string().unwrap_or_default()
}

/// What a thrown value says, on one line.
#[must_use]
pub fn message(thrown: &JsValue) -> String {
    let text = get(thrown, "message").as_string().or_else(|| thrown.as_string()).unwrap_or_default();
    let name = name(thrown);
    match (name.is_empty(), text.is_empty()) {
        (true, true) => "an unknown error".to_owned(),
        (true, false) => text,
        (false, true) => name,
        (false, false) => format!("{name}: {text}"),
    }
}

/// Runs work that nobody waits for. Boxed, so that what runs a future is compiled once.
pub fn spawn(work: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(Box::pin(work) as Pin<Box<dyn Future<Output = ()>>>);
}

/// A wait that ends when somebody calls the function; calling it again does nothing.
pub fn signal() -> (Rc<dyn Fn()>, impl Future<Output = ()>) {
    let resolve = Rc::new(RefCell::new(None));
    let slot: Rc<RefCell<Option<Function>>> = resolve.clone();
    let promise = Promise::new(&mut |resolve, _| {
        slot.replace(Some(resolve));
    });
    let call = move || {
        let resolve = resolve.take();
        if let Some(resolve) = resolve {
            // Resolving a promise does not throw.
            let _ = resolve.call0(&JsValue::NULL);
        }
    };
    (Rc::new(call), async move {
        // It is never rejected.
        let _ = JsFuture::from(promise).await;
    })
}

/// The device's clock.
#[must_use]
pub fn now() -> crate::time::Millis {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds since 1970 fit, and are positive")]
    crate::time::Millis(js_sys::Date::now() as u64)
}
