//! Orders. The order of texts is by UTF-16 units, the same in IndexedDB, in the reference store, in the merge and on the
//! server (law 11). This module decides it, and puts things in order for every room: the standard library makes a sort for
//! each type that is sorted or collected into a tree, and a page would load more than a dozen of them; here is one.

use crate::record::Fields;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Compares by UTF-16 units, as JavaScript and IndexedDB do. It differs from the order of bytes only where one side has a
/// character beyond U+FFFF and the other one of U+E000 to U+FFFF.
#[must_use]
pub fn compare_text(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

/// Sorts; what compares equal stays in the order it had.
///
/// ```
/// let mut pairs = vec![(2, "a"), (1, "b"), (2, "c"), (1, "d")];
/// landfall::record::order::sort(&mut pairs, |a, b| a.0.cmp(&b.0));
/// assert_eq!(pairs, [(1, "b"), (1, "d"), (2, "a"), (2, "c")]);
/// ```
pub fn sort<T>(items: &mut Vec<T>, compare: impl Fn(&T, &T) -> Ordering) {
    let places = sorted(items.len(), &|a, b| compare(&items[a], &items[b]));
    let mut unsorted: Vec<Option<T>> = std::mem::take(items).into_iter().map(Some).collect();
    for place in places {
        items.extend(unsorted[place].take());
    }
}

/// The places of so many things, in order.
#[inline(never)]
fn sorted(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by(|a, b| compare(*a, *b));
    places
}

/// The set of them.
pub fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut out = BTreeSet::new();
    for item in items {
        out.insert(item);
    }
    out
}

/// The map of them; of two with one key the later stays.
pub fn map<K: Ord, V>(items: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut out = BTreeMap::new();
    for (key, value) in items {
        out.insert(key, value);
    }
    out
}

/// The fields of them.
pub fn fields(items: impl IntoIterator<Item = (String, Value)>) -> Fields {
    let mut out = Fields::new();
    for (key, value) in items {
        out.insert(key, value);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::sort;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_order_of_the_standard_library(mut items in prop::collection::vec((0u8..8, any::<u16>()), 0..80)) {
            let mut expected = items.clone();
            expected.sort_by_key(|one| one.0);
            sort(&mut items, |a, b| a.0.cmp(&b.0));
            prop_assert_eq!(items, expected);
        }
    }
}
