//! What becomes of an op that has not been frozen when its record is changed again. This module holds the one table of
//! pairs; it touches no frozen op (its caller offers only open ones) and reads no store.
//!
//! | waiting | next | becomes |
//! |---|---|---|
//! | create | update | the create, with the new values |
//! | create | delete | nothing: the server never hears of the record (the delete, if it has: from a copy of this database) |
//! | update | update | one update, with the oldest `before`; nothing if it leads back to where it began |
//! | update | delete | the delete |
//!
//! A delete is followed by nothing: the record is gone, and its id is not used again.
//!
//! All of this holds between two lone ops, or between two ops of one group. An op of a group never takes in a change from
//! outside of it, nor does a lone op take in one of a group: then one of the two could be accepted without the other, or
//! would be refused for what is not its own. The later change is an op of its own behind the waiting one.

use crate::record::{Fields, Patch};
use crate::schema::Operation;

/// What a waiting op becomes.
#[derive(Clone, Debug, PartialEq)]
pub enum Coalesced {
    /// The op with this operation and patch.
    Op(Operation, Patch),
    /// No op at all.
    Nothing,
}

/// The waiting op (`operation`, `patch`) followed by an update with `next`.
#[must_use]
pub fn update(operation: Operation, patch: &Patch, next: &Patch) -> Coalesced {
    if operation == Operation::Create {
        let data: Fields = next.applied(&patch.data);
        return Coalesced::Op(Operation::Create, Patch { data, ..Patch::default() });
    }
    let both = patch.clone().then(next.clone());
    if both.is_empty() { Coalesced::Nothing } else { Coalesced::Op(Operation::Update, both) }
}

/// The waiting op followed by a delete.
#[must_use]
pub fn delete(operation: Operation) -> Coalesced {
    match operation {
        Operation::Create => Coalesced::Nothing,
        Operation::Update | Operation::Delete => Coalesced::Op(Operation::Delete, Patch::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Coalesced, delete, update};
    use crate::record::{Fields, Patch};
    use crate::schema::Operation;
    use proptest::prelude::*;

    fn fields() -> impl Strategy<Value = Fields> {
        prop::collection::btree_map("[a-d]", (0i64..3).prop_map(serde_json::Value::from), 0..4)
            .prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        // QUE-5
        #[test]
        fn the_coalesced_op_does_what_the_ops_do(a in fields(), b in fields(), c in fields()) {
            let (first, second) = (Patch::between(&a, &b), Patch::between(&b, &c));
            match update(Operation::Update, &first, &second) {
                Coalesced::Op(_, patch) => prop_assert_eq!(&patch.applied(&a), &c),
                Coalesced::Nothing => prop_assert_eq!(&a, &c),
            }
            let created = Patch { data: b.clone(), ..Patch::default() };
            let again = update(Operation::Create, &created, &Patch::between(&b, &a));
            let Coalesced::Op(Operation::Create, whole) = again else { panic!("a create stays one") };
            prop_assert_eq!(whole.data, a);
        }
    }

    #[test]
    fn deletes() {
        assert_eq!(delete(Operation::Create), Coalesced::Nothing);
        assert_eq!(delete(Operation::Update), Coalesced::Op(Operation::Delete, Patch::default()));
    }
}
