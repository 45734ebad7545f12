use super::{Written, at};
use crate::record::Fields;
use crate::schema::{MergePolicy, Operation, Schema, Test};
use crate::time::Millis;
use serde_json::{Value, json};

const NOW: Millis = Millis(1_762_596_000_000);

fn schema() -> Schema {
    let text = json!({"app": "a", "version": 1, "priority_levels": 10, "entities": {
        "part": {"store": "parts", "priority": 9, "fields": {"id": {"type": "string"}}},
        "order": {
            "store": "orders",
            "merge": "server_wins",
            "tier": 2,
            "tier_rules": [{"tier": 3, "when": [{"field": "status", "in": ["closed"]}]}],
            "priority_rules": [
                {"priority": 1, "operations": ["create"], "when": [{"field": "kind", "in": ["emergency"]}]},
                {"priority": 4, "fields": ["parts"]},
                {"priority": 5, "fields": ["status"], "critical": true}
            ],
            "fields": {
                "id": {"type": "string"},
                "kind": {"type": "string"},
                "status": {"type": "string", "merge": "client_wins"},
                "note": {"type": "text"},
                "main": {"type": "string", "nullable": true, "reference": {"entity": "part"}},
                "spare": {"type": "list", "items": {"type": "string", "reference": {"entity": "part"}}},
                "parts": {"type": "list", "item_key": "id", "items": {"type": "object", "fields": {
                    "id": {"type": "string", "required": true},
                    "part": {"type": "string", "reference": {"entity": "part"}}}}},
                "place": {"type": "object", "fields": {"order": {"type": "string", "reference": {"entity": "order"}}}}
            }
        }
    }});
    Schema::parse(&text.to_string()).unwrap()
}

fn fields(value: Value) -> Fields {
    value.as_object().unwrap().clone()
}

fn test(value: Value) -> Test {
    serde_json::from_value(value).unwrap()
}

#[test]
fn an_unknown_entity_is_told_with_the_names_there_are() {
    let error = schema().entity("ordr").unwrap_err();
    assert_eq!(error.to_string(), "VALIDATION_ERROR at ordr: unknown entity (one of: order, part)");
    assert!(schema().entity("order").is_ok());
}

// QUE-2
#[test]
fn the_first_rule_that_holds_gives_the_priority() {
    let schema = schema();
    let record = fields(json!({"kind": "emergency"}));
    let write = |operation, changed, record| Written { operation, changed, record, now: NOW, user: "ann" };
    let plain = Fields::new();
    let table = [
        ("order", write(Operation::Create, &["kind"], &record), 1),
        ("order", write(Operation::Update, &["kind"], &record), 5),
        ("order", write(Operation::Update, &["status", "parts"], &plain), 4),
        ("order", write(Operation::Update, &["status"], &plain), 5),
        ("order", write(Operation::Delete, &[], &plain), 5),
        ("part", write(Operation::Update, &["id"], &plain), 9),
        ("nobody", write(Operation::Update, &[], &plain), 5),
    ];
    for (entity, write, priority) in table {
        assert_eq!(schema.priority(entity, &write), priority, "{entity} {write:?}");
    }
    assert!(schema.critical("order", &write(Operation::Update, &["status", "parts"], &plain)), "a later rule makes it critical");
    assert!(!schema.critical("order", &write(Operation::Update, &["parts"], &plain)));
    assert!(!schema.critical("part", &write(Operation::Update, &["status"], &plain)));
}

#[test]
fn tests_hold_by_value_variable_list_and_age() {
    let record = fields(json!({
        "status": "open", "count": 1, "owner": "ann", "tags": ["a", "b"], "gone": null, "place": {"room": "A"},
        "at": "2025-11-08T09:00:00Z", "ahead": "2025-11-09T00:00:00Z", "day": "2025-11-08", "ms": 1_762_592_400_000_u64
    }));
    let hour = 3_600_000;
    let table = [
        (json!({"field": "status", "in": ["done", "open"]}), true),
        (json!({"field": "status", "in": ["done"]}), false),
        (json!({"field": "count", "in": [1.0]}), true),
        (json!({"field": "owner", "in": ["$user"]}), true),
        (json!({"field": "status", "in": ["$user"]}), false),
        (json!({"field": "status", "in": ["$sites"]}), false),
        (json!({"field": "tags", "in": ["b"]}), true),
        (json!({"field": "tags", "in": ["c"]}), false),
        (json!({"field": "tags", "in": [["a", "b"]]}), true),
        (json!({"field": "gone", "in": [null]}), true),
        (json!({"field": "absent", "in": [null]}), true),
        (json!({"field": "absent", "in": ["open"]}), false),
        (json!({"field": "place.room", "in": ["A"]}), true),
        (json!({"field": "at", "within_ms": hour}), true),
        (json!({"field": "at", "within_ms": hour - 1}), false),
        (json!({"field": "at", "older_ms": hour}), true),
        (json!({"field": "at", "older_ms": hour + 1}), false),
        (json!({"field": "ahead", "within_ms": 0}), true),
        (json!({"field": "ahead", "older_ms": 1}), false),
        (json!({"field": "day", "older_ms": 10 * hour}), true),
        (json!({"field": "ms", "older_ms": hour}), true),
        (json!({"field": "status", "within_ms": hour}), false),
        (json!({"field": "absent", "older_ms": 1}), false),
        (json!({"field": "at", "in": ["2025-11-08T09:00:00Z"], "older_ms": 2 * hour}), false),
    ];
    for (given, holds) in table {
        assert_eq!(test(given.clone()).holds(&record, NOW, "ann"), holds, "{given}");
    }
}

// STO-7
#[test]
fn variables_are_put_in_by_who_knows_them() {
    let sites = test(json!({"field": "site", "in": ["$sites", "depot"]}));
    let resolved = sites.resolved(|name| (name == "sites").then(|| vec![json!("north"), json!("south")]));
    assert_eq!(resolved.one_of, [json!("north"), json!("south"), json!("depot")]);
    assert!(resolved.holds(&fields(json!({"site": "south"})), NOW, ""));
    assert_eq!(sites.resolved(|_| None), sites);
    let none = test(json!({"field": "site", "in": ["$sites"]})).resolved(|_| Some(Vec::new()));
    for site in ["north", "$sites"] {
        assert!(!none.holds(&fields(json!({"site": site})), NOW, ""), "a user without sites sees no site");
    }
}

#[test]
fn policies_tiers_and_paths() {
    let schema = schema();
    let order = &schema.entities["order"];
    assert_eq!((order.policy("status"), order.policy("note")), (&MergePolicy::ClientWins, &MergePolicy::ServerWins));
    assert_eq!(order.tier_of(&fields(json!({"status": "closed"})), NOW, ""), 3);
    assert_eq!(order.tier_of(&fields(json!({"status": "open"})), NOW, ""), 2);
    let found = |path: &str| order.field(path).is_some();
    assert!(found("parts.part") && found("place.order") && found("spare") && !found("parts.nothing") && !found("note.x"));
    assert_eq!(at(&fields(json!({"a": {"b": [1]}})), "a.b"), Some(&json!([1])));
    assert_eq!(at(&fields(json!({"a": {"b": [1]}})), "a.b.0"), None);
}

// IDS-3
#[test]
fn references_are_found_wherever_they_stand() {
    let schema = schema();
    let order = &schema.entities["order"];
    let declared: Vec<_> = order.references().map(|(path, to)| (path.join("."), to.entity.as_str())).collect();
    let expected = [("main", "part"), ("parts.part", "part"), ("place.order", "order"), ("spare", "part")];
    assert_eq!(declared, expected.map(|(path, to)| (path.to_owned(), to)));

    let record = fields(json!({
        "main": null, "note": "p9", "spare": ["p1", "p2"],
        "parts": [{"id": "1"}, {"id": "2", "part": "p3"}], "place": {"order": "o1"}
    }));
    let held = order.referred(&record);
    let held: Vec<_> = held.iter().map(|(to, id, path)| (*to, *id, path.as_str())).collect();
    let expected =
        [("part", "p3", "parts[1].part"), ("order", "o1", "place.order"), ("part", "p1", "spare[0]"), ("part", "p2", "spare[1]")];
    assert_eq!(held, expected);
}
