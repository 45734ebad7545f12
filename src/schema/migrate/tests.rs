use super::super::{Migration, Operation, Schema};
use crate::record::{Fields, Patch};
use proptest::prelude::*;
use serde_json::{Value, json};

fn schema() -> Schema {
    Schema::parse(
        &json!({
            "app": "moves", "version": 4,
            "entities": { "person": { "store": "people", "fields": {
                "id": { "type": "string", "required": true }, "first": { "type": "string" }, "last": { "type": "string" },
                "hours": { "type": "number" }, "hours_as_written": { "type": "json" }, "tags": { "type": "list" },
                "grade": { "type": "text" }, "state": { "type": "string" }, "area": { "type": "string" },
                "on": { "type": "boolean" }, "on_as_written": { "type": "json" } } } },
            "migrations": [
                { "to": 2, "steps": [
                    { "rename_field": { "entity": "worker", "from": "title", "to": "name" } },
                    { "retype": { "entity": "worker", "field": "hours", "to": "number", "aside": "hours_as_written" } },
                    { "map_values": { "entity": "worker", "field": "state", "values": { "a": "b", "b": "c" } } },
                    { "add_field": { "entity": "worker", "field": "area", "value": "all" } } ] },
                { "to": 3, "steps": [
                    { "rename_entity": { "from": "worker", "to": "person", "store": "workers" } },
                    { "split_field": { "entity": "person", "from": "name", "at": " ", "first": "first", "rest": "last" } },
                    { "retype": { "entity": "person", "field": "grade", "to": "text" } } ] },
                { "to": 4, "steps": [
                    { "drop_field": { "entity": "person", "field": "note" } },
                    { "retype": { "entity": "person", "field": "on", "to": "boolean", "aside": "on_as_written" } },
                    { "retype": { "entity": "person", "field": "tags", "to": "list" } } ] } ]
        })
        .to_string(),
    )
    .expect("a schema with migrations")
}

/// Records of version 1: every field may be missing, and holds what it may and what it may not.
fn record() -> impl Strategy<Value = Fields> {
    let name = prop::sample::select(vec!["title", "hours", "state", "note", "grade", "on", "tags", "other"]);
    let texts = ["", "a", "b", "Ann Lee", "Bo", "12", "1e3", "-0", "x y z", "9007199254740993", "true", "0", "inf"];
    let value = prop_oneof![
        prop::sample::select(texts.to_vec()).prop_map(Value::from),
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..3).prop_map(Value::from),
        Just(json!(1.5)),
        Just(json!(["t"])),
        Just(json!({ "k": 1 })),
    ];
    prop::collection::btree_map(name, value, 0..8).prop_map(|map| map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

proptest! {
    // STO-8
    #[test]
    fn an_op_made_before_or_after_the_upgrade_leads_to_the_same_record(a in record(), b in record(), other in record()) {
        let schema = schema();
        let upgrade = schema.upgrade(1, 4);
        let patch = Patch::between(&a, &b);
        let moved = upgrade.change("worker", Operation::Update, patch.clone()).patch;
        for record in [&a, &other] {
            let after = upgrade.fields("worker", patch.applied(record));
            prop_assert_eq!(&moved.applied(&upgrade.fields("worker", record.clone())), &after);
        }
        let before = upgrade.fields("worker", a.clone());
        for field in moved.fields() {
            prop_assert_eq!(moved.before.get(field), before.get(field), "the old value of {}", field);
        }
        prop_assert!(moved.removed.is_sorted() && moved.removed.iter().all(|field| !moved.data.contains_key(field)));
        let create = Patch { data: b.clone(), ..Patch::default() };
        prop_assert_eq!(upgrade.change("worker", Operation::Create, create).patch.data, upgrade.fields("worker", b));
    }

    #[test]
    fn two_upgrades_one_after_the_other_are_the_one_over_both(record in record(), b in record(), cut in 1u32..5) {
        let schema = schema();
        let (first, second, whole) = (schema.upgrade(1, cut), schema.upgrade(cut, 4), schema.upgrade(1, 4));
        let between = first.entity("worker");
        let twice = second.fields(&between, first.fields("worker", record.clone()));
        prop_assert_eq!(twice, whole.fields("worker", record.clone()));
        let patch = Patch::between(&record, &b);
        let one = first.change("worker", Operation::Update, patch.clone());
        let two = second.change(&between, Operation::Update, one.patch);
        prop_assert_eq!(two.patch, whole.change("worker", Operation::Update, patch).patch);
    }

    #[test]
    fn no_value_is_lost_but_in_a_field_that_is_dropped(record in record()) {
        let schema = schema();
        let after = schema.upgrade(1, 2).fields("worker", record.clone());
        if let Some(hours) = record.get("hours") {
            let number = after.get("hours").and_then(Value::as_f64);
            let kept = after.get("hours_as_written") == Some(hours) || after.get("hours") == Some(hours);
            prop_assert!(kept || number == hours.as_str().and_then(|text| text.parse().ok()), "{:?}", after);
        }
        let lost = schema.upgrade(1, 4).change("worker", Operation::Create, Patch { data: record.clone(), ..Patch::default() });
        prop_assert_eq!(lost.lost.get("note"), record.get("note"));
    }
}

#[test]
fn each_step_by_example() {
    let schema = schema();
    let upgrade = schema.upgrade(1, 4);
    let before = json!({ "title": "Ann Lee", "hours": "7,5", "state": "a", "note": "n", "grade": 3, "on": "1", "tags": "x" });
    let after = json!({ "first": "Ann", "last": "Lee", "hours_as_written": "7,5", "state": "b", "area": "all", "grade": "3",
        "on": true, "tags": ["x"] });
    assert_eq!(Value::from(upgrade.fields("worker", before.as_object().expect("fields").clone())), after);
    assert_eq!((upgrade.entity("worker").as_str(), upgrade.entity_before("person").as_str()), ("person", "worker"));
    assert_eq!(upgrade.names("worker", vec!["title".into(), "note".into(), "id".into()]), ["first", "id", "last"]);
    assert!(upgrade.touches("worker") && !upgrade.touches("other") && schema.upgrade(4, 4).is_empty());
}

#[test]
fn mistakes_are_told_with_path_and_mend() {
    let cases: [(Value, &str, &str); 11] = [
        (
            json!([{ "to": 2, "steps": [{ "rename_entity": { "from": "note", "to": "memo" } },
            { "rename_entity": { "from": "memo", "to": "note" } }] }]),
            "migrations[0].steps[1].to",
            "of another entity",
        ),
        (json!([{ "to": 9, "steps": [] }]), "migrations[0].to", "2 to 2"),
        (json!([{ "to": 2, "steps": [] }]), "migrations[0].steps", "no step"),
        (json!([{ "to": 2, "steps": [{ "rename_feld": {} }] }]), "migrations[0].steps[0]", "unknown word"),
        (
            json!([{ "to": 2, "steps": [{ "rename_field": { "entity": "note", "from": "a", "to": "titel" } }] }]),
            "migrations[0].steps[0].to",
            "nothing is declared as `titel`",
        ),
        (
            json!([{ "to": 2, "steps": [{ "rename_field": { "entity": "nope", "from": "a", "to": "title" } }] }]),
            "migrations[0].steps[0].entity",
            "nothing is declared as `nope`",
        ),
        (
            json!([{ "to": 2, "steps": [{ "rename_field": { "entity": "note", "from": "title", "to": "body" } }] }]),
            "migrations[0].steps[0].from",
            "still declared",
        ),
        (
            json!([{ "to": 2, "steps": [{ "retype": { "entity": "note", "field": "rank", "to": "number" } }] }]),
            "migrations[0].steps[0].aside",
            "cannot become",
        ),
        (
            json!([{ "to": 2, "steps": [{ "retype": { "entity": "note", "field": "id", "to": "text" } }] }]),
            "migrations[0].steps[0].field",
            "the key",
        ),
        (
            json!([{ "to": 2, "steps": [{ "rename_entity": { "from": "memo" } }] }]),
            "migrations[0].steps[0].rename_entity",
            "renames nothing",
        ),
        (
            json!([{ "to": 2, "steps": [{ "rename_entity": { "from": "memo", "to": "note", "store": "notes" } }] }]),
            "migrations[0].steps[0].store",
            "is the store of",
        ),
    ];
    for (migrations, path, what) in cases {
        let entities = json!({ "note": { "store": "notes", "fields": {
            "id": { "type": "string", "required": true }, "title": { "type": "string" }, "body": { "type": "text" },
            "rank": { "type": "number" } } } });
        let text = json!({ "app": "a", "version": 2, "migrations": migrations, "entities": entities });
        let error = Schema::parse(&text.to_string()).expect_err(path);
        assert!(error.path.starts_with(path) && error.message.contains(what) && !error.hint.is_empty(), "{error} for {path}");
    }
    assert!(schema().migrations.iter().all(|one: &Migration| !one.steps.is_empty()));
}
