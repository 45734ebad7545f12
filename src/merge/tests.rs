use super::{Merged, Sides, merge};
use crate::schema::Entity;
use crate::wire::change::Stamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn entity() -> Entity {
    serde_json::from_value(json!({"store": "things", "fields": {
        "plain": {"type": "string"}, "mine": {"type": "string", "merge": "client_wins"},
        "theirs": {"type": "string", "merge": "server_wins"},
        "ask": {"type": "string", "merge": "manual"}, "count": {"type": "counter", "min": 0},
        "tags": {"type": "set", "merge": "merge"}, "parts": {"type": "list", "item_key": "id", "merge": "merge"},
        "place": {"type": "object", "merge": "merge"},
        "status": {"type": "string", "merge": "client_wins",
            "merge_rules": [{"policy": "server_wins", "server_roles": ["supervisor"]}]}
    }}))
    .unwrap()
}

fn stamp(time: u64, role: &str) -> Stamp {
    serde_json::from_value(json!({"hlc": format!("{time:012x}-0000-x"), "role": role})).unwrap()
}

fn run(before: Value, local: Value, remote: Value, theirs: Stamp) -> Merged {
    let stamps = remote.as_object().unwrap().keys().map(|name| (name.clone(), theirs.clone())).collect::<BTreeMap<_, _>>();
    merge(
        &entity(),
        Sides {
            before: before.as_object().unwrap(),
            data: local.as_object().unwrap(),
            removed: &[],
            stamp: &stamp(5, "technician"),
            remote: remote.as_object().unwrap(),
            stamps: &stamps,
        },
    )
}

#[test]
fn each_policy_for_a_field_both_changed() {
    let cases = [
        ("plain", 4, "technician", "L"),
        ("plain", 6, "technician", "R"),
        ("mine", 9, "", "L"),
        ("theirs", 1, "", "R"),
        ("status", 9, "technician", "L"),
        ("status", 1, "supervisor", "R"),
    ];
    for (name, time, role, expected) in cases {
        let merged = run(json!({name: "B"}), json!({name: "L"}), json!({name: "R"}), stamp(time, role));
        assert_eq!(merged.fields[name], expected, "{name} at {time} by {role}");
        assert_eq!(merged.lost.is_empty(), expected == "L", "what gave way is named");
    }
    let asked = run(json!({"ask": "B"}), json!({"ask": "L"}), json!({"ask": "R"}), stamp(1, ""));
    assert_eq!(asked.conflicts, ["ask"]);
}

#[test]
fn only_one_side_changed_or_both_alike_is_no_conflict() {
    assert_eq!(run(json!({"ask": "B"}), json!({"ask": "L"}), json!({"ask": "B"}), stamp(9, "")).fields["ask"], "L");
    let alike = run(json!({"ask": "B"}), json!({"ask": "S"}), json!({"ask": "S"}), stamp(9, ""));
    assert!(alike.conflicts.is_empty() && alike.written.is_empty());
    let number = run(json!({"ask": 0}), json!({"ask": 1}), json!({"ask": 1.0}), stamp(9, ""));
    assert!(number.conflicts.is_empty(), "numbers by value");
}

#[test]
fn kinds_that_merge() {
    let merged = |before, local, remote| Value::from(run(before, local, remote, stamp(1, "")).fields);
    assert_eq!(merged(json!({"count": 5}), json!({"count": 7}), json!({"count": 4})), json!({"count": 6}));
    assert_eq!(merged(json!({"count": 5}), json!({"count": 0}), json!({"count": 1})), json!({"count": 0}), "kept at its minimum");
    assert_eq!(merged(json!({"count": 0}), json!({"count": 2}), json!({"count": 2})), json!({"count": 4}), "both added two");
    assert_eq!(
        merged(json!({"tags": ["a", "b"]}), json!({"tags": ["b", "c"]}), json!({"tags": ["a", "b", "d"]})),
        json!({"tags": ["b", "d", "c"]})
    );
    let (one, two) = (json!({"id": 1, "qty": 1}), json!({"id": 2, "qty": 1}));
    let more = json!({"id": 1, "qty": 1, "note": "n"});
    assert_eq!(
        merged(json!({"parts": [one]}), json!({"parts": [{"id": 1, "qty": 3}]}), json!({"parts": [more, two]})),
        json!({"parts": [{"id": 1, "qty": 3, "note": "n"}, two]})
    );
    assert_eq!(
        merged(json!({"place": {"x": 1, "y": 1}}), json!({"place": {"x": 2, "y": 1}}), json!({"place": {"x": 1, "y": 3}})),
        json!({"place": {"x": 2, "y": 3}})
    );
}

#[test]
fn merging_the_merged_changes_nothing() {
    let (before, local) =
        (json!({"tags": ["a"], "plain": "B", "place": {"x": 1}}), json!({"tags": ["a", "l"], "plain": "L", "place": {"x": 2}}));
    let first = run(before.clone(), local.clone(), json!({"tags": ["r"], "plain": "R", "place": {"x": 1, "z": 1}}), stamp(1, ""));
    let again = run(before, local, Value::from(first.fields.clone()), stamp(5, "technician"));
    assert_eq!(again.fields, first.fields);
}
