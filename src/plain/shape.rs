//! The three macros that declare types which JSON can say. They decide what follows from a declaration: the type itself, its
//! reading and its writing, and serde's traits by way of both (for json!, the server's ledger and the tests).

/// Declares a struct together with its JSON: one object, one property for each field.
///
/// | declared as | read | written |
/// |---|---|---|
/// | `name: T` | has to be there (an `Option` may be absent) | always |
/// | `name?: T` | the type's default if absent | unless it is blank: empty, none, false |
/// | `name: T = value` | `value` if absent | always |
/// | `name: T as "word"` | under another name | under that name |
/// | `name: T as ..` | its fields stand among the others | likewise |
///
/// A property that is not declared is a mistake, unless the declaration ends with `..`. `struct Name: Default` adds a
/// `Default` for a struct whose every field may be absent.
#[macro_export]
macro_rules! plain {
    ($(#[$meta:meta])* $vis:vis struct $name:ident $(: $default:ident)? { $($fields:tt)* }) => {
        $crate::plain::plain! { @next { [$(#[$meta])*] [$vis] $name [$($default)?] } [] $($fields)* }
    };

    // One field after the other is sorted by how it is declared: (documents, visibility, name, type, how, key).
    (@next $head:tt [$($done:tt)*] $(#[$doc:meta])* $v:vis $field:ident?: $type:ty $(as $key:tt)?, $($rest:tt)*) => {
        $crate::plain::plain! { @next $head [$($done)* ([$(#[$doc])*] [$v] $field [$type] [?] [$($key)?])] $($rest)* }
    };
    (@next $head:tt [$($done:tt)*] $(#[$doc:meta])* $v:vis $field:ident: $type:ty $(as $key:tt)?, $($rest:tt)*) => {
        $crate::plain::plain! { @next $head [$($done)* ([$(#[$doc])*] [$v] $field [$type] [] [$($key)?])] $($rest)* }
    };
    (@next $head:tt [$($done:tt)*] $(#[$doc:meta])* $v:vis $field:ident: $type:ty $(as $key:tt)? = $or:expr, $($rest:tt)*) => {
        $crate::plain::plain! { @next $head [$($done)* ([$(#[$doc])*] [$v] $field [$type] [$or] [$($key)?])] $($rest)* }
    };
    (@next $head:tt $done:tt) => { $crate::plain::plain! { @type $head closed $done } };
    (@next $head:tt $done:tt ..) => { $crate::plain::plain! { @type $head open $done } };

    (@type { [$(#[$meta:meta])*] [$vis:vis] $name:ident $default:tt } $kind:ident
        [$(([$(#[$doc:meta])*] [$v:vis] $field:ident [$type:ty] $how:tt $key:tt))*]) => {
        $(#[$meta])*
        $vis struct $name { $( $(#[$doc])* $v $field: $type, )* }

        impl $crate::plain::Plain for $name {
            fn take(value: &mut ::serde_json::Value, at: &mut $crate::plain::Reader) -> Self {
                at.object(value, $crate::plain::plain!(@known $kind $($field $key)*));
                Self { $( $field: $crate::plain::plain!(@take at value $field $how $key), )* }
            }

            fn plain(&self) -> ::serde_json::Value {
                let mut out = ::serde_json::Map::new();
                self.spread(&mut out);
                ::serde_json::Value::Object(out)
            }
        }

        impl $name {
            /// Writes its fields into an object.
            pub(crate) fn spread(&self, out: &mut ::serde_json::Map<String, ::serde_json::Value>) {
                $( $crate::plain::plain!(@put self out $field $how $key); )*
            }
        }

        $crate::plain::plain! { @default $default $name $($field $how)* }
        $crate::plain::serde_by_value! { $name }
    };

    (@known closed $($field:ident $key:tt)*) => { &[$( $crate::plain::plain!(@key $field $key) ),*] };
    (@known open $($rest:tt)*) => { &[] };

    (@key $field:ident []) => { stringify!($field) };
    (@key $field:ident [$key:literal]) => { $key };

    (@take $at:ident $value:ident $field:ident [] [..]) => { $crate::plain::Plain::take($value, $at) };
    (@take $at:ident $value:ident $field:ident [] $key:tt) => { $at.field($value, $crate::plain::plain!(@key $field $key)) };
    (@take $at:ident $value:ident $field:ident [?] $key:tt) => { $at.optional($value, $crate::plain::plain!(@key $field $key)) };
    (@take $at:ident $value:ident $field:ident [$or:expr] $key:tt) => {
        if $value.get($crate::plain::plain!(@key $field $key)).is_some() {
            $at.field($value, $crate::plain::plain!(@key $field $key))
        } else {
            $or
        }
    };

    (@put $self:ident $out:ident $field:ident [] [..]) => { $self.$field.spread($out) };
    (@put $self:ident $out:ident $field:ident [?] $key:tt) => {
        $crate::plain::put_unless_blank($out, $crate::plain::plain!(@key $field $key), &$self.$field)
    };
    (@put $self:ident $out:ident $field:ident $how:tt $key:tt) => {
        $crate::plain::put($out, $crate::plain::plain!(@key $field $key), &$self.$field)
    };

    (@default [] $($rest:tt)*) => {};
    (@default [Default] $name:ident $($field:ident $how:tt)*) => {
        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $crate::plain::plain!(@or $how), )* }
            }
        }
    };
    (@or [?]) => { Default::default() };
    (@or [$or:expr]) => { $or };
}

/// Declares an enum of plain words together with its JSON: each variant is a text.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $( $(#[$doc:meta])* $variant:ident = $word:literal, )* }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $(#[$meta])*
        $vis enum $name { $( $(#[$doc])* $variant, )* }

        impl $name {
            /// Every one of them, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),*];
            const WORDS: &'static [&'static str] = &[$( $word ),*];

            /// The word for it outside Rust.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                Self::WORDS[self as usize]
            }
        }

        impl $crate::plain::Plain for $name {
            fn take(value: &mut ::serde_json::Value, at: &mut $crate::plain::Reader) -> Self {
                Self::ALL[at.word(value, Self::WORDS)]
            }

            fn plain(&self) -> ::serde_json::Value {
                ::serde_json::Value::from(self.as_str())
            }
        }

        $crate::plain::serde_by_value! { $name }
    };
}

/// Declares an enum whose variants have contents, together with its JSON: an object with one property, named after the
/// variant.
#[macro_export]
macro_rules! variants {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $( $(#[$doc:meta])* $variant:ident($type:ty) = $word:literal, )* }) => {
        $(#[$meta])*
        $vis enum $name { $( $(#[$doc])* $variant($type), )* }

        impl $crate::plain::Plain for $name {
            fn take(value: &mut ::serde_json::Value, at: &mut $crate::plain::Reader) -> Self {
                let word = at.variant(value, &[$( $word ),*]);
                $crate::plain::variants!(@take at value word $($variant $word)*)
            }

            fn plain(&self) -> ::serde_json::Value {
                let mut out = ::serde_json::Map::new();
                match self { $( Self::$variant(content) => $crate::plain::put(&mut out, $word, content), )* }
                ::serde_json::Value::Object(out)
            }
        }

        $crate::plain::serde_by_value! { $name }
    };

    // The last one needs no look: `variant` has made sure that it is one of them.
    (@take $at:ident $value:ident $found:ident $variant:ident $word:literal) => { Self::$variant($at.field($value, $word)) };
    (@take $at:ident $value:ident $found:ident $variant:ident $word:literal $($rest:tt)+) => {
        if $found == $word {
            Self::$variant($at.field($value, $word))
        } else {
            $crate::plain::variants!(@take $at $value $found $($rest)+)
        }
    };
}

/// serde's traits for a type that has `Plain`.
#[macro_export]
macro_rules! serde_by_value {
    ($name:ident) => {
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::plain::Plain::plain(self).serialize(serializer)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                let value = <::serde_json::Value as ::serde::Deserialize>::deserialize(deserializer)?;
                $crate::plain::read(value).map_err(::serde::de::Error::custom)
            }
        }
    };
}

pub use {plain, serde_by_value, variants, words};
