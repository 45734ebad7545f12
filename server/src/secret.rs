//! Secrets and random bytes. This module decides how the server's one secret becomes a key for each purpose and how
//! secrets become text; it keeps nothing. Start-up, tokens and sessions call it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall::error::{Code, Error, Result};
use sha2::{Digest, Sha256};

/// Shortest secret that is taken, in bytes: what HS256 asks for (RFC 7518, section 3.2).
pub const SECRET_BYTES: usize = 32;

/// Fresh random bytes from the operating system.
///
/// # Errors
/// `SERVER_ERROR` when the system has none.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::new(Code::ServerError, format!("no randomness: {error}")))?;
    Ok(bytes)
}

/// The key for one purpose, so that a token of one kind never verifies as another. The secret is already a uniform key, so
/// one hash over a label and it is enough (the label's fixed length keeps them apart).
#[must_use]
pub fn derive(secret: &[u8], purpose: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(Sha256::digest(purpose.as_bytes()));
    hash.update(secret);
    hash.finalize().into()
}

/// The hash under which a secret is stored.
#[must_use]
pub fn hashed(secret: &[u8]) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}

/// Bytes as text for URLs and cookies.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of such a text; none if it is not one.
#[must_use]
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
