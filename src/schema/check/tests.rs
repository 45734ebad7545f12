use crate::error::Code;
use crate::schema::Schema;
use serde_json::{Value, json};

/// A declaration with something of everything, and nothing wrong.
fn sound() -> Value {
    json!({"app": "shop", "version": 1, "priority_levels": 5, "entities": {
        "part": {
            "store": "parts",
            "aliases": ["parts"],
            "fields": {"id": {"type": "string"}, "name": {"type": "string"}, "order": {"type": "string"}},
            "partition": [{"name": "of-orders", "referenced_by": ["order.lines.part"]}]
        },
        "order": {
            "store": "orders",
            "label": "title",
            "fields": {
                "id": {"type": "string", "required": true},
                "title": {"type": "string", "min_length": 1, "max_length": 9},
                "status": {"type": "string", "enum": ["open", "done"], "default": "open", "merge_rules": [
                    {"policy": "server_wins", "server_roles": ["boss"], "server_values": ["done"]}]},
                "paid": {"type": "boolean"},
                "at": {"type": "datetime"},
                "total": {"type": "number", "min": 0, "max": 10},
                "hits": {"type": "counter"},
                "place": {"type": "object", "fields": {"room": {"type": "string"}}},
                "tags": {"type": "set", "items": {"type": "string"}},
                "lines": {"type": "list", "item_key": "id", "items": {"type": "object", "fields": {
                    "id": {"type": "string", "required": true},
                    "part": {"type": "string", "reference": {"entity": "part"}}}}}
            },
            "indexes": [
                {"name": "place", "fields": ["place.room", "at"]},
                {"name": "tags", "fields": ["tags"], "multi": true}
            ],
            "tier_rules": [{"tier": 3, "name": "done_orders", "when": [{"field": "status", "in": ["done"]}]}],
            "partition": [{"name": "mine", "when": [{"field": "title", "in": ["$user"]}]}, {"name": "new", "opened_ms": 5},
                {"name": "with-parts", "refers_to": ["lines.part"]}],
            "priority": 3,
            "priority_rules": [{"priority": 1, "fields": ["status"]}],
            "retention": [{"keep_ms": 9, "field": "at", "when": [{"field": "status", "in": ["done", null]}]}],
            "transitions": [{"field": "status", "allow": {"open": ["done"]}}]
        }},
        "sync": {"adapt": [{"when": {"network": "slow", "hours": [22, 6], "battery_below": 0.2, "busy": true}, "pause": true}]},
        "space": {"cleanup": ["part", "done_orders", "cached_images"]},
        "attachments": {"entity": "part"},
        "roles": {"boss": {"may": {"*": ["create"], "order": ["delete"]}, "not_fields": ["order.total"]}},
        "online_only": [{"feature": "reports", "reason": "they are made on the server"}]
    })
}

/// The error of the sound declaration with `value` put at `pointer`.
fn told(pointer: &str, value: Value) -> (String, String) {
    let mut schema = sound();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match schema.pointer_mut(parent).unwrap_or_else(|| panic!("{parent}")) {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        object => object[name] = value,
    }
    let error = Schema::parse(&schema.to_string()).expect_err(pointer);
    assert_eq!(error.code, Code::InvalidSchema, "{error}");
    assert!(!error.message.is_empty());
    (error.path, error.hint)
}

#[track_caller]
fn refused(table: &[(&str, Value, &str, &str)]) {
    for (pointer, value, path, mend) in table {
        let (at, hint) = told(pointer, value.clone());
        assert_eq!(at, *path, "{pointer} = {value}: {hint}");
        assert!(hint.contains(mend), "{pointer} = {value}: {hint}");
    }
}

#[test]
fn the_sound_declaration_passes() {
    Schema::parse(&sound().to_string()).unwrap();
}

#[test]
fn names() {
    let field = json!({"type": "string"});
    refused(&[
        ("/app", json!("My Shop"), "app", "begin with a small letter"),
        ("/app", json!(""), "app", "begin with a small letter"),
        ("/version", json!(0), "version", "begin with 1"),
        ("/version", json!(1_000_001), "version", "begin with 1"),
        ("/priority_levels", json!(0), "priority_levels", "write 3"),
        ("/entities", json!({}), "entities", "declare at least one"),
        ("/entities/Order", json!({"store": "x", "fields": {}}), "entities.Order", "begin with a small letter"),
        ("/entities/part/store", json!("Parts"), "entities.part.store", "begin with a small letter"),
        (
            "/entities/part/fields/up",
            json!({"type": "string", "required": true, "reference": {"entity": "part", "on_delete": "set_null"}}),
            "entities.part.fields.up.reference.on_delete",
            "make the field nullable",
        ),
        ("/entities/part/store", json!("sync_queue"), "entities.part.store", "choose another name"),
        ("/entities/part/store", json!("drafts"), "entities.part.store", "choose another name"),
        ("/entities/part/store", json!("orders"), "entities.part.store", "give each a name of its own"),
        ("/entities/part/aliases", json!(["order"]), "entities.part.aliases[0]", "give each a name of its own"),
        ("/entities/part/fields/_sync", field.clone(), "entities.part.fields._sync", "choose another name"),
        ("/entities/part/fields/_local", field.clone(), "entities.part.fields._local", "choose another name"),
        ("/entities/part/fields/__proto__", field.clone(), "entities.part.fields.__proto__", "choose another name"),
        ("/entities/part/fields/constructor", field.clone(), "entities.part.fields.constructor", "choose another name"),
        (
            "/entities/order/fields/place/fields/prototype",
            field.clone(),
            "entities.order.fields.place.fields.prototype",
            "choose",
        ),
        ("/entities/part/fields/a-b", field.clone(), "entities.part.fields.a-b", "begin with a letter"),
        ("/entities/part/fields/a.b", field.clone(), "entities.part.fields.a.b", "begin with a letter"),
        ("/entities/part/fields/0a", field, "entities.part.fields.0a", "begin with a letter"),
        ("/roles/Boss", json!({}), "roles.Boss", "begin with a small letter"),
        ("/roles/boss/may/ordr", json!([]), "roles.boss.may.ordr", "write `order`"),
        ("/roles/boss/not_fields", json!(["total"]), "roles.boss.not_fields[0]", "write `entity.field`"),
        ("/roles/boss/not_fields", json!(["order.totl"]), "roles.boss.not_fields[0]", "write `total`"),
        ("/online_only/0/feature", json!("Re ports"), "online_only[0].feature", "begin with a small letter"),
    ]);
}

#[test]
fn keys_and_indexes() {
    let index = |fields: Value, multi: bool| json!({"name": "x", "fields": fields, "multi": multi});
    let here = "entities.order.indexes[0]";
    refused(&[
        ("/entities/order/key", json!("idd"), "entities.order.key", "write `id`"),
        ("/entities/order/key", json!("total"), "entities.order.key", "declare it as"),
        ("/entities/order/fields/id/nullable", json!(true), "entities.order.key", "declare it as"),
        ("/entities/order/fields/id/server_only", json!(true), "entities.order.fields.id.required", "remove `required`"),
        ("/entities/order/label", json!("titel"), "entities.order.label", "write `title`"),
        ("/entities/order/indexes/0", index(json!(["nothing"]), false), &format!("{here}.fields[0]"), "declared are"),
        ("/entities/order/indexes/0", index(json!([]), false), &format!("{here}.fields"), "name a field"),
        ("/entities/order/indexes/0", index(json!(["paid"]), false), &format!("{here}.fields[0]"), "index a text"),
        ("/entities/order/indexes/0", index(json!(["place"]), false), &format!("{here}.fields[0]"), "index a text"),
        ("/entities/order/indexes/0", index(json!(["tags"]), false), &format!("{here}.fields[0]"), "\"multi\": true"),
        ("/entities/order/indexes/0", index(json!(["title"]), true), &format!("{here}.fields[0]"), "index a text"),
        ("/entities/order/indexes/0", index(json!(["lines.part"]), false), &format!("{here}.fields[0]"), "index a text"),
        ("/entities/order/indexes/0", index(json!(["tags", "at"]), true), &format!("{here}.multi"), "an index for each"),
        ("/entities/order/indexes/0/name", json!("tags"), "entities.order.indexes[1].name", "a name of its own"),
        ("/entities/order/indexes/0/name", json!("a b"), "entities.order.indexes[0].name", "begin with a letter"),
    ]);
}

#[test]
fn fields() {
    let here = "entities.order.fields";
    let field = |value: Value, path: &str, mend: &str| {
        let (at, hint) = told("/entities/order/fields/x", value.clone());
        assert_eq!(at, format!("{here}.x{path}"), "{value}: {hint}");
        assert!(hint.contains(mend), "{value}: {hint}");
    };
    field(json!({"type": "string", "items": {"type": "string"}}), ".items", "remove `items`");
    field(json!({"type": "set", "item_key": "id"}), ".item_key", "remove `item_key`");
    field(json!({"type": "string", "fields": {"a": {"type": "string"}}}), ".fields", "remove `fields`");
    field(json!({"type": "number", "max_length": 4}), ".max_length", "change the type");
    field(json!({"type": "text", "min_length": 5, "max_length": 4}), ".min_length", "swap");
    field(json!({"type": "string", "min": 4}), ".min", "remove `min`");
    field(json!({"type": "integer", "min": 4, "max": 3}), ".min", "swap");
    field(json!({"type": "counter", "enum": [1]}), ".enum", "remove `enum`");
    field(json!({"type": "string", "enum": ["a", 1]}), ".enum[1]", "pass a value of the field's type");
    field(json!({"type": "integer", "enum": [1.5]}), ".enum[0]", "round it");
    field(json!({"type": "string", "default": 4}), ".default", "pass a value of the field's type");
    field(json!({"type": "string", "enum": ["a"], "default": "b"}), ".default", "use one of the values");
    field(json!({"type": "counter", "default": "0"}), ".default", "pass a number without quotes");
    field(json!({"type": "boolean", "unique": true}), ".unique", "remove `unique`");
    field(json!({"type": "integer", "reference": {"entity": "part"}}), ".reference", "remove `reference`");
    field(json!({"type": "string", "reference": {"entity": "parts"}}), ".reference.entity", "write `part`");
    let nested =
        json!({"type": "list", "items": {"type": "object", "fields": {"a": {"type": "string", "reference": {"entity": "x"}}}}});
    field(nested, ".items.fields.a.reference.entity", "declared are: order, part");
    field(json!({"type": "list", "item_key": "id", "items": {"type": "string"}}), ".item_key", "declare `items` as an object");
    let keyed = |id: Value| {
        let items = json!({"type": "object", "fields": {"id": id, "b": {"type": "text"}}});
        json!({"type": "list", "item_key": "id", "items": items})
    };
    field(keyed(json!({"type": "string"})), ".item_key", "declare it so");
    field(keyed(json!({"type": "object", "required": true})), ".item_key", "declare it so");
    field(json!({"type": "string", "merge": {"arbitrate": ""}}), ".merge.arbitrate", "begin with a small letter");
    let rule = |rule: Value| json!({"type": "string", "enum": ["a"], "merge_rules": [rule]});
    field(rule(json!({"policy": "manual", "server_roles": ["chef"]})), ".merge_rules[0].server_roles[0]", "declared are: boss");
    field(rule(json!({"policy": "manual", "local_values": ["b"]})), ".merge_rules[0].local_values[0]", "use one of the values");
}

#[test]
fn rules() {
    let order = "entities.order";
    refused(&[
        ("/entities/order/tier", json!(4), &format!("{order}.tier"), "1 is critical"),
        ("/entities/order/tier", json!(0), &format!("{order}.tier"), "1 is critical"),
        ("/entities/order/tier_rules/0/tier", json!(4), &format!("{order}.tier_rules[0].tier"), "1 is critical"),
        ("/entities/order/priority", json!(6), &format!("{order}.priority"), "priority_levels"),
        ("/entities/order/priority", json!(0), &format!("{order}.priority"), "priority_levels"),
        (
            "/entities/order/priority_rules/0/priority",
            json!(6),
            &format!("{order}.priority_rules[0].priority"),
            "priority_levels",
        ),
        ("/entities/order/priority_rules/0/fields/0", json!("stat"), &format!("{order}.priority_rules[0].fields[0]"), "`status`"),
        (
            "/entities/order/tier_rules/0/when/0/field",
            json!("state"),
            &format!("{order}.tier_rules[0].when[0].field"),
            "`status`",
        ),
        ("/entities/order/tier_rules/0/when/0/in", json!(["new"]), &format!("{order}.tier_rules[0].when[0].in[0]"), "enum"),
        ("/entities/order/tier_rules/0/when/0/in", json!([]), &format!("{order}.tier_rules[0].when[0]"), "add `in`"),
        ("/entities/order/tier_rules/0/when/0/older_ms", json!(5), &format!("{order}.tier_rules[0].when[0].field"), "datetime"),
        ("/entities/order/retention/0/keep_ms", json!(0), &format!("{order}.retention[0].keep_ms"), "milliseconds"),
        ("/entities/order/retention/0/field", json!("title"), &format!("{order}.retention[0].field"), "datetime"),
        ("/entities/order/limit_bytes", json!(1_u64 << 40), &format!("{order}.limit_bytes"), "raise the total"),
        ("/entities/order/transitions/0/field", json!("stat"), &format!("{order}.transitions[0].field"), "write `status`"),
        ("/entities/order/transitions/0/field", json!("total"), &format!("{order}.transitions[0].field"), "with an enum"),
        (
            "/entities/order/transitions/0/allow/open",
            json!(["gone"]),
            &format!("{order}.transitions[0].allow.open"),
            "of the enum",
        ),
        ("/entities/order/transitions/0/allow/gone", json!([]), &format!("{order}.transitions[0].allow.gone"), "of the enum"),
        ("/entities/order/partition/0/selected", json!(true), &format!("{order}.partition[0]"), "a rule for each"),
        ("/entities/order/partition/0/when", json!([]), &format!("{order}.partition[0]"), "a rule for each"),
        ("/entities/order/partition/1/name", json!("mine"), &format!("{order}.partition[1].name"), "a name of its own"),
        ("/entities/order/partition/0/fields", json!(["titel"]), &format!("{order}.partition[0].fields[0]"), "write `title`"),
        (
            "/entities/order/partition/2/refers_to",
            json!(["title"]),
            &format!("{order}.partition[2].refers_to[0]"),
            "a `reference`",
        ),
        (
            "/entities/part/partition/0/referenced_by/0",
            json!("order"),
            "entities.part.partition[0].referenced_by[0]",
            "entity.field",
        ),
        (
            "/entities/part/partition/0/referenced_by/0",
            json!("order.title"),
            "entities.part.partition[0].referenced_by[0]",
            "part",
        ),
        (
            "/entities/part/partition/0/referenced_by/0",
            json!("ordre.x"),
            "entities.part.partition[0].referenced_by[0]",
            "`order`",
        ),
    ]);
}

#[test]
fn figures() {
    refused(&[
        ("/sync/batch", json!({"ops": 1001}), "sync.batch.ops", "lower it"),
        ("/sync/batch", json!({"ops": 0}), "sync.batch.ops", "leave it out"),
        ("/sync/batch", json!({"bytes": 3_000_000}), "sync.batch.bytes", "lower it"),
        ("/sync/batch", json!({"pull": 1025}), "sync.batch.pull", "lower it"),
        ("/sync/batch", json!({"time_ms": 0}), "sync.batch.time_ms", "write 30000"),
        ("/sync/retry", json!({"schedule_ms": []}), "sync.retry.schedule_ms", "write [0]"),
        ("/sync/retry", json!({"jitter": 1.1}), "sync.retry.jitter", "0.8 is 80 %"),
        ("/sync/retry", json!({"jitter": -0.1}), "sync.retry.jitter", "0.8 is 80 %"),
        ("/sync/retry", json!({"max_attempts": 0}), "sync.retry.max_attempts", "write 10"),
        ("/sync/ledger_kept_ms", json!(1), "sync.ledger_kept_ms", "raise it"),
        ("/sync/offline_ms", json!(1_u64 << 50), "sync.offline_ms", "ledger_kept_ms"),
        ("/sync/adapt/0/when/network", json!("5g"), "sync.adapt[0].when.network", "wifi, cellular"),
        ("/sync/adapt/0/when/hours", json!([22]), "sync.adapt[0].when.hours", "[22, 6]"),
        ("/sync/adapt/0/when/busy", json!(1), "sync.adapt[0].when.busy", "true or false"),
        ("/sync/adapt/0/when/battery_below", json!(20), "sync.adapt[0].when.battery_below", "0 to 1"),
        ("/sync/adapt/0/when/netwerk", json!("wifi"), "sync.adapt[0].when.netwerk", "write `network`"),
        ("/sync/adapt/0/batch", json!(5000), "sync.adapt[0].batch", "lower it"),
        ("/sync/adapt/0/pause", json!(false), "sync.adapt[0]", "add `batch`"),
        ("/space/total_bytes", json!(0), "space.total_bytes", "leave it out"),
        ("/space/warn_at", json!([0.8, 1.5]), "space.warn_at[1]", "0.8 is 80 %"),
        ("/space/warn_at", json!([0.95, 0.8]), "space.warn_at", "sort it"),
        ("/space/cleanup", json!(["old_orders"]), "space.cleanup[0]", "write `done_orders`"),
        ("/space/cleanup", json!(["part", "part"]), "space.cleanup[1]", "a name of its own"),
        ("/attachments/entity", json!("picture"), "attachments.entity", "declared are: order, part"),
        ("/attachments/image_quality", json!(80), "attachments.image_quality", "0.8 is 80 %"),
        ("/attachments/chunk_bytes", json!(0), "attachments.chunk_bytes", "leave it out"),
        ("/attachments/thumbnail_px", json!(0), "attachments.thumbnail_px", "leave it out"),
    ]);
}
