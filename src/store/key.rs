//! Keys as IndexedDB knows them (W3C Indexed Database API 3.0, section 2.4): numbers before texts before lists, texts by
//! their UTF-16 units. This module decides how two keys compare and which values are keys; nothing else does.

use crate::record::order::compare_text;
use serde_json::Value;
use std::cmp::Ordering;

/// A key of a store or an index.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// A finite number.
    Number(f64),
    /// A text.
    Text(String),
    /// Several keys, compared one after the other.
    List(Vec<Key>),
}

impl Key {
    /// The key that `value` is, if it is one: booleans, null and objects are not.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_f64().map(Self::Number),
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Array(items) => items.iter().map(Self::of).collect::<Option<_>>().map(Self::List),
            _ => None,
        }
    }

    /// The key as a JSON value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Number(number) => crate::record::value::number(*number),
            Self::Text(text) => Value::String(text.clone()),
            Self::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
        }
    }

    /// A list of two, the usual compound key.
    #[must_use]
    pub fn pair(first: impl Into<Self>, second: impl Into<Self>) -> Self {
        Self::List(vec![first.into(), second.into()])
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Key {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Key {
    #[allow(clippy::cast_precision_loss, reason = "sequence numbers stay below 2^53")]
    fn from(number: u64) -> Self {
        Self::Number(number as f64)
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (Self::Text(a), Self::Text(b)) => compare_text(a, b),
            (Self::List(a), Self::List(b)) => a.cmp(b),
            (Self::Number(_), _) | (Self::Text(_), Self::List(_)) => Ordering::Less,
            (_, Self::Number(_)) | (Self::List(_), Self::Text(_)) => Ordering::Greater,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Key;
    use crate::record::order::compare_text;
    use std::cmp::Ordering;

    #[test]
    fn the_order_of_the_specification() {
        let keys = [
            Key::from(-1.0),
            Key::from(2.0),
            Key::from(""),
            Key::from("a"),
            Key::from("b"),
            Key::List(vec![]),
            Key::pair(1.0, "z"),
            Key::pair("a", 1.0),
        ];
        for pair in keys.windows(2) {
            assert!(pair[0] < pair[1], "{pair:?}");
        }
        assert_eq!(compare_text("\u{1F600}", "\u{FFFD}"), Ordering::Less, "by UTF-16 units, not by code points");
    }
}
