//! Names of things as types of their own, so that a user is never taken for a tenant. This module decides how ids look
//! and makes new ones from time and random bytes that it is given; it never draws randomness itself.

use crate::plain::{Plain, Reader, serde_by_value};
use crate::time::Millis;
use serde_json::Value;
use std::fmt;

macro_rules! names {
    ($( $(#[$doc:meta])* $name:ident; )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub String);

        impl $name {
            /// The text of it.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl Plain for $name {
            fn take(value: &mut Value, at: &mut Reader) -> Self { Self(at.text(value)) }
            fn plain(&self) -> Value { self.0.plain() }
        }
        serde_by_value! { $name }
        impl From<&str> for $name { fn from(text: &str) -> Self { Self(text.to_owned()) } }
        impl From<String> for $name { fn from(text: String) -> Self { Self(text) } }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    )* };
}

names! {
    /// The id of a record within its entity.
    RecordId;
    /// The id of an op; random, never used again.
    OpId;
    /// A device: one database of one user on one machine.
    DeviceId;
    /// One life of a device; a restored or cloned database takes a new one.
    Incarnation;
    /// A customer of the application; no datum crosses from one to another.
    Tenant;
    /// A person.
    User;
    /// Where a pull goes on: opaque to the client, authenticated by the server.
    Token;
    /// One life of the server's data; a restored database begins a new one.
    Run;
    /// The id of a conflict.
    ConflictId;
}

/// A permanent id made on the device: UUID version 7 (RFC 9562, section 5.7) from `now` and ten random bytes, so that ids
/// sort by time of creation.
///
/// ```
/// use landfall::{id::uuid_v7, time::Millis};
/// assert_eq!(uuid_v7(Millis(1_762_596_000_000), [7; 10]), "019a62e8-9100-7707-8707-070707070707");
/// ```
#[must_use]
pub fn uuid_v7(now: Millis, random: [u8; 10]) -> String {
    uuid::Builder::from_unix_timestamp_millis(now.0, &random).into_uuid().hyphenated().to_string()
}

/// A temporary id: `temp_<milliseconds>_<random>_<entity>`. Those of one entity sort by time of creation.
///
/// ```
/// use landfall::{id, time::Millis};
/// let temp = id::temp(Millis(1_730_534_400_000), [0xa7; 8], "pet");
/// assert_eq!(temp, "temp_1730534400000_a7a7a7a7a7a7a7a7_pet");
/// assert!(id::is_temp(&temp) && !id::is_temp("temp_garage") && !id::is_temp("42"));
/// ```
#[must_use]
pub fn temp(now: Millis, random: [u8; 8], entity: &str) -> String {
    format!("temp_{:013}_{:016x}_{entity}", now.0, u64::from_be_bytes(random))
}

/// Whether an id is a temporary one: of the form that `temp` makes, to the letter.
#[must_use]
pub fn is_temp(id: &str) -> bool {
    let mut parts = id.splitn(4, '_');
    let digits = |part: &str| part.len() >= 13 && part.bytes().all(|byte| byte.is_ascii_digit());
    let random = |part: &str| part.len() == 16 && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    parts.next() == Some("temp")
        && parts.next().is_some_and(digits)
        && parts.next().is_some_and(random)
        && parts.next().is_some_and(|entity| !entity.is_empty())
}

/// Random bytes from outside, dealt out in order. Deterministic: the same bytes give the same ids.
///
/// ```
/// use landfall::{id::Entropy, time::Millis};
/// let mut entropy = Entropy::new([1; 32]);
/// assert_ne!(entropy.uuid(Millis(1)), entropy.uuid(Millis(1)));
/// ```
#[derive(Clone, Debug)]
pub struct Entropy {
    seed: [u8; 32],
    drawn: u64,
}

impl Entropy {
    /// Starts from 32 bytes that must be random and used once.
    #[must_use]
    pub const fn new(seed: [u8; 32]) -> Self {
        Self { seed, drawn: 0 }
    }

    /// The next 16 bytes: the 128-bit hash of the seed and a counter.
    pub fn bytes(&mut self) -> [u8; 16] {
        let mut input = [0u8; 40];
        input[..32].copy_from_slice(&self.seed);
        input[32..].copy_from_slice(&self.drawn.to_le_bytes());
        self.drawn += 1;
        // The low half mixes all 32 seed bytes; hashing is to spread them, secrecy is not asked of an id.
        xxhash_rust::xxh3::xxh3_128(&input).to_le_bytes()
    }

    /// A fresh id.
    pub fn uuid(&mut self, now: Millis) -> String {
        let bytes = self.bytes();
        let mut random = [0u8; 10];
        random.copy_from_slice(&bytes[..10]);
        uuid_v7(now, random)
    }

    /// A fresh temporary id.
    pub fn temp(&mut self, now: Millis, entity: &str) -> String {
        let bytes = self.bytes();
        let mut random = [0u8; 8];
        random.copy_from_slice(&bytes[..8]);
        temp(now, random, entity)
    }

    /// A number in `0..bound` (`bound` at least 1).
    pub fn below(&mut self, bound: u64) -> u64 {
        let mut low = [0u8; 8];
        low.copy_from_slice(&self.bytes()[..8]);
        u64::from_le_bytes(low) % bound.max(1)
    }
}
