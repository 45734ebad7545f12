//! Where a pull goes on, sealed: opaque to the client, authenticated, and bound to run, tenant, user, filter and schema
//! (law 12). This module decides which token is still good; one that is not never gives an error page or a scan for free,
//! but a reset.

use crate::id::{Run, Token};
use crate::plain::plain;
use crate::time::Millis;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The server's secret for tokens.
#[derive(Clone)]
pub struct TokenKey(pub [u8; 32]);

plain! {
    /// What a token says.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Cursor {
        /// The run it was made in.
        pub run: Run,
        /// Application and tenant.
        pub tenant: String,
        /// The user.
        pub user: String,
        /// The filter: entities and tiers that were asked for.
        pub filter: String,
        /// The schema's version.
        pub schema: u32,
        /// Every change up to this number is with the device, once the snapshot (if any) is done.
        pub number: u64,
        /// In a snapshot: the entity and the last id that was sent.
        pub snapshot?: Option<Place>,
        /// The places that are with the device, or will be once the snapshot is done; none named: everything.
        pub scope?: Vec<String>,
        /// Places gained or lost that the snapshot walks through; none: it goes through all.
        pub walk?: Vec<String>,
        /// When the snapshot began: tiers that go by time are those of that moment.
        pub at: Millis = Millis::default(),
        ..
    }
}

plain! {
    /// A place in a snapshot.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Place {
        /// The entity being sent.
        pub entity: String,
        /// The last id sent of it.
        pub after?: Option<String>,
        /// The tier of the step.
        pub tier: u8 = 0,
        ..
    }
}

impl TokenKey {
    /// Seals what a token says.
    #[must_use]
    pub fn seal(&self, cursor: &Cursor) -> Token {
        let body = serde_json::to_vec(cursor).unwrap_or_default();
        let mut bytes = self.mac(&body);
        bytes.extend(body);
        Token(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Opens a token; none if it is not ours, bit for bit.
    #[must_use]
    pub fn open(&self, token: &Token) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(token.as_str()).ok().filter(|bytes| bytes.len() > 32)?;
        let (tag, body) = bytes.split_at(32);
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0).ok()?;
        mac.update(body);
        mac.verify_slice(tag).ok()?;
        serde_json::from_slice(body).ok()
    }

    fn mac(&self, body: &[u8]) -> Vec<u8> {
        // HMAC takes keys of any length; 32 bytes are always accepted.
        let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0) else { return vec![0; 32] };
        mac.update(body);
        mac.finalize().into_bytes().to_vec()
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, TokenKey};
    use crate::id::Token;
    use crate::time::Millis;
    use proptest::prelude::*;

    fn cursor() -> Cursor {
        Cursor {
            run: "r".into(),
            tenant: "a/t".into(),
            user: "u".into(),
            filter: String::new(),
            schema: 1,
            number: 7,
            snapshot: None,
            scope: Vec::new(),
            walk: Vec::new(),
            at: Millis(0),
        }
    }

    proptest! {
        #[test]
        fn a_flipped_bit_opens_nothing(at in 0usize..100, bit in 0u8..6) {
            let key = TokenKey([3; 32]);
            let Token(text) = key.seal(&cursor());
            let mut bytes = text.clone().into_bytes();
            let at = at % bytes.len();
            let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            bytes[at] = letters[usize::from(bytes[at] ^ (1 << bit)) % 64];
            let flipped = String::from_utf8(bytes).unwrap();
            prop_assume!(flipped != text);
            prop_assert_eq!(key.open(&Token(flipped)), None);
        }

        #[test]
        fn arbitrary_text_opens_nothing(text in ".{0,200}") {
            prop_assert_eq!(TokenKey([3; 32]).open(&Token(text)), None);
        }
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_else_does() {
        let token = TokenKey([3; 32]).seal(&cursor());
        assert_eq!(TokenKey([3; 32]).open(&token), Some(cursor()));
        assert_eq!(TokenKey([4; 32]).open(&token), None);
    }
}
