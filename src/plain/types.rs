//! How JSON says what every type is made of: texts, numbers, lists, maps, and what may be absent. It decides what is taken
//! for each of them, which is never more than one form.

use super::{Blank, Plain, Reader};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

impl Plain for Value {
    fn take(value: &mut Value, _: &mut Reader) -> Self {
        value.take()
    }

    fn plain(&self) -> Value {
        self.clone()
    }
}

impl Plain for Map<String, Value> {
    fn take(value: &mut Value, at: &mut Reader) -> Self {
        at.object(value, &[]);
        match value.take() {
            Value::Object(fields) => fields,
            _ => Self::new(),
        }
    }

    fn plain(&self) -> Value {
        Value::Object(self.clone())
    }
}

impl Plain for String {
    fn take(value: &mut Value, at: &mut Reader) -> Self {
        at.text(value)
    }

    fn plain(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Plain for bool {
    fn take(value: &mut Value, at: &mut Reader) -> Self {
        value.as_bool().unwrap_or_else(|| {
            at.unlike(value, "true or false");
            false
        })
    }

    fn plain(&self) -> Value {
        Value::Bool(*self)
    }
}

impl Plain for f64 {
    fn take(value: &mut Value, at: &mut Reader) -> Self {
        value.as_f64().unwrap_or_else(|| {
            at.unlike(value, "a number");
            0.0
        })
    }

    fn plain(&self) -> Value {
        Value::from(*self)
    }
}

macro_rules! whole_numbers {
    ($($number:ident)*) => { $(
        impl Plain for $number {
            #[allow(clippy::cast_possible_truncation, reason = "`whole` has compared it with the largest")]
            fn take(value: &mut Value, at: &mut Reader) -> Self {
                at.whole(value, u64::from($number::MAX)) as $number
            }

            fn plain(&self) -> Value {
                Value::from(*self)
            }
        }
    )* };
}

whole_numbers! { u8 u16 u32 u64 }

impl Plain for i64 {
    fn take(value: &mut Value, at: &mut Reader) -> Self {
        value.as_i64().unwrap_or_else(|| {
            at.unlike(value, "a whole number");
            0
        })
    }

    fn plain(&self) -> Value {
        Value::from(*self)
    }
}

impl<T: Plain> Plain for Option<T> {
    fn take(value: &mut Value, at: &mut Reader) -> Self {
        if value.is_null() { None } else { Some(T::take(value, at)) }
    }

    fn plain(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::plain)
    }

    fn absent(_: &'static str, _: &mut Reader) -> Self {
        None
    }
}

impl<T: Plain> Plain for Box<T> {
    fn take(value: &mut Value, at: &mut Reader) -> Self {
        Self::new(T::take(value, at))
    }

    fn plain(&self) -> Value {
        T::plain(self)
    }
}

impl<T: Plain> Plain for Vec<T> {
    fn take(value: &mut Value, at: &mut Reader) -> Self {
        let mut out = Self::new();
        let Value::Array(items) = value else {
            at.unlike(value, "a list");
            return out;
        };
        for (place, item) in items.iter_mut().enumerate() {
            out.push(at.element(place, item));
        }
        out
    }

    fn plain(&self) -> Value {
        let mut out = Vec::new();
        for item in self {
            out.push(item.plain());
        }
        Value::Array(out)
    }
}

/// A list of so many.
impl<T: Plain + Default, const N: usize> Plain for [T; N] {
    fn take(value: &mut Value, at: &mut Reader) -> Self {
        Vec::take(value, at).try_into().unwrap_or_else(|_| {
            at.wrong("a list of another length");
            std::array::from_fn(|_| T::default())
        })
    }

    fn plain(&self) -> Value {
        Value::Array(self.iter().map(T::plain).collect())
    }
}

/// A pair of names is a list of two.
impl Plain for (String, String) {
    fn take(value: &mut Value, at: &mut Reader) -> Self {
        let [first, second] = Plain::take(value, at);
        (first, second)
    }

    fn plain(&self) -> Value {
        Value::Array(vec![self.0.plain(), self.1.plain()])
    }
}

impl<T: Plain> Plain for BTreeMap<String, T> {
    fn take(value: &mut Value, at: &mut Reader) -> Self {
        let mut out = Self::new();
        at.object(value, &[]);
        if let Value::Object(fields) = value {
            for (key, value) in fields {
                out.insert(key.clone(), at.inside(key, value));
            }
        }
        out
    }

    fn plain(&self) -> Value {
        let mut out = Map::new();
        for (key, value) in self {
            out.insert(key.clone(), value.plain());
        }
        Value::Object(out)
    }
}

impl<T: Plain> Blank for Option<T> {
    fn is_blank(&self) -> bool {
        self.is_none()
    }
}

impl Blank for bool {
    fn is_blank(&self) -> bool {
        !*self
    }
}

macro_rules! blank_when_empty {
    ($([$($generics:tt)*] $type:ty;)*) => { $(
        impl<$($generics)*> Blank for $type {
            fn is_blank(&self) -> bool {
                self.is_empty()
            }
        }
    )* };
}

blank_when_empty! {
    [] String;
    [] Map<String, Value>;
    [T: Plain] Vec<T>;
    [T: Plain] BTreeMap<String, T>;
}
