//! The order of texts: by UTF-16 units, the same in IndexedDB, in the reference store, in the merge and on the server
//! (law 11). This module decides it; it sorts nothing itself.

use std::cmp::Ordering;

/// Compares by UTF-16 units, as JavaScript and IndexedDB do. It differs from the order of bytes only where one side has a
/// character beyond U+FFFF and the other one of U+E000 to U+FFFF.
#[must_use]
pub fn compare_text(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}
