//! From JSON to the crate's own types and back, by way of `serde_json::Value`. This room decides how a type is declared so
//! that both ways follow from its fields (`plain!`, `words!`, `variants!`), and how a mistake in a value is told: where it
//! lies, what is wrong, what to write instead. It knows no type by name; every room declares its messages, rows and settings
//! with it.
//!
//! A reader made by a general derive is some hundred instructions for each field, and a wasm pays for all of them. Here a
//! field costs one call: the functions it calls are shared, and a mistake is noted once and looked at in the end, so that no
//! field has a way out of its own.

mod near;
mod reader;
mod shape;
pub mod text;
mod types;

pub use near::nearest;
pub use reader::{Mistake, Reader};
pub use shape::{plain, serde_by_value, variants, words};
pub use text::text;

use serde_json::{Map, Value};

/// A type that JSON can say.
pub trait Plain: Sized {
    /// Takes it out of `value`, which is left without it. What is wrong is noted in `at`, and an empty one returned: so must
    /// `null` be taken by every type, without going any deeper.
    fn take(value: &mut Value, at: &mut Reader) -> Self;

    /// Its JSON.
    fn plain(&self) -> Value;

    /// What stands for a field `key` that is not there: nothing, unless the type says so.
    fn absent(key: &'static str, at: &mut Reader) -> Self {
        at.missing(key);
        Self::take(&mut Value::Null, at)
    }
}

/// A type that a field may have which is declared with `?`.
pub trait Blank: Plain + Default {
    /// Whether the field is left out.
    fn is_blank(&self) -> bool;
}

/// Reads a type from a value.
///
/// ```
/// use std::collections::BTreeMap;
/// let value = serde_json::json!({"a": [1, 2], "b": [3, "x"]});
/// let mistake = landfall::plain::read::<BTreeMap<String, Vec<u64>>>(value).unwrap_err();
/// assert_eq!(mistake.to_string(), "b[1]: expected a whole number, found a text");
/// ```
///
/// # Errors
/// The first mistake.
pub fn read<T: Plain>(mut value: Value) -> Result<T, Mistake> {
    let mut reader = Reader::default();
    let taken = T::take(&mut value, &mut reader);
    reader.finish().map(|()| taken)
}

/// Writes one field.
#[inline(never)]
pub fn put<T: Plain>(out: &mut Map<String, Value>, key: &str, value: &T) {
    out.insert(key.to_owned(), value.plain());
}

/// An object of a few fields.
pub fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let mut out = Map::new();
    for (key, value) in fields {
        out.insert(key.to_owned(), value);
    }
    Value::Object(out)
}

/// Writes one field unless it is blank.
#[inline(never)]
pub fn put_unless_blank<T: Blank>(out: &mut Map<String, Value>, key: &str, value: &T) {
    if !value.is_blank() {
        put(out, key, value);
    }
}

#[cfg(test)]
mod tests;
