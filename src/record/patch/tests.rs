use super::Patch;
use crate::record::Fields;
use proptest::prelude::*;
use serde_json::{Value, json};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-5i64..5).prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from)
    ];
    leaf.prop_recursive(2, 8, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(Value::from))
}

fn fields() -> impl Strategy<Value = Fields> {
    prop::collection::btree_map("[a-f]", value(), 0..6).prop_map(|map| map.into_iter().collect())
}

proptest! {
    #[test]
    fn diff_then_apply_is_identity(old in fields(), new in fields()) {
        let patch = Patch::between(&old, &new);
        prop_assert_eq!(patch.applied(&old), new.clone());
        prop_assert_eq!(patch.is_empty(), old == new);
    }

    #[test]
    fn composed_equals_one_after_the_other(a in fields(), b in fields(), c in fields()) {
        let (first, second) = (Patch::between(&a, &b), Patch::between(&b, &c));
        let both = first.then(second);
        prop_assert_eq!(both.applied(&a), c.clone());
        prop_assert_eq!(both, Patch::between(&a, &c), "and is the shortest way there");
    }
}

#[test]
fn null_and_removal_are_kept_apart() {
    let old = json!({"a": 1, "b": 1});
    let patch = Patch::of(old.as_object().unwrap(), json!({"a": null}).as_object().unwrap(), &["b".into()]);
    assert_eq!(Value::from(patch.applied(old.as_object().unwrap())), json!({"a": null}));
    assert_eq!(patch.before, *old.as_object().unwrap());
}
