//! The published JSON Schema and the types of `schema/`: the same definitions, the same names, the same defaults, and what
//! the one accepts the other reads. This test decides that the two never drift apart; editors rely on the published one.

use crate::evaluator::{faults, resolved};
use crate::text;
use landfall::plain::{self, Mistake, Plain};
use landfall::schema::{self, Schema};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A type behind a definition: reads a value, and writes it out again.
type Read = fn(Value) -> Result<Value, Mistake>;

fn read<T: Plain>(value: Value) -> Result<Value, Mistake> {
    plain::read::<T>(value).map(|read| read.plain())
}

/// Every type of the declaration by the name of its definition.
fn types() -> BTreeMap<&'static str, Read> {
    BTreeMap::from([
        ("Schema", read::<Schema> as Read),
        ("Conversion", read::<schema::Conversion>),
        ("Migration", read::<schema::Migration>),
        ("MigrationStep", read::<schema::MigrationStep>),
        ("AddField", read::<schema::AddField>),
        ("RenameField", read::<schema::RenameField>),
        ("Retype", read::<schema::Retype>),
        ("MapValues", read::<schema::MapValues>),
        ("SplitField", read::<schema::SplitField>),
        ("DropField", read::<schema::DropField>),
        ("RenameEntity", read::<schema::RenameEntity>),
        ("AdaptRule", read::<schema::AdaptRule>),
        ("AttachmentRules", read::<schema::AttachmentRules>),
        ("BatchRules", read::<schema::BatchRules>),
        ("DeleteEdit", read::<schema::DeleteEdit>),
        ("Dialect", read::<schema::Dialect>),
        ("Encrypt", read::<schema::Encrypt>),
        ("Entity", read::<schema::Entity>),
        ("Field", read::<schema::Field>),
        ("FieldType", read::<schema::FieldType>),
        ("IdCollision", read::<schema::IdCollision>),
        ("IdMode", read::<schema::IdMode>),
        ("Index", read::<schema::Index>),
        ("Layout", read::<schema::Layout>),
        ("MergePolicy", read::<schema::MergePolicy>),
        ("MergeRule", read::<schema::MergeRule>),
        ("OnDelete", read::<schema::OnDelete>),
        ("OnlineOnly", read::<schema::OnlineOnly>),
        ("Operation", read::<schema::Operation>),
        ("PartitionRule", read::<schema::PartitionRule>),
        ("PriorityRule", read::<schema::PriorityRule>),
        ("Reference", read::<schema::Reference>),
        ("Retention", read::<schema::Retention>),
        ("RetryRules", read::<schema::RetryRules>),
        ("Role", read::<schema::Role>),
        ("SecurityRules", read::<schema::SecurityRules>),
        ("SpaceRules", read::<schema::SpaceRules>),
        ("SyncRules", read::<schema::SyncRules>),
        ("Test", read::<schema::Test>),
        ("TierRule", read::<schema::TierRule>),
        ("Transition", read::<schema::Transition>),
        ("Triggers", read::<schema::Triggers>),
    ])
}

fn published() -> Value {
    serde_json::from_str(&text("schema.schema.json")).unwrap()
}

/// The definitions by name; the root is `Schema`.
fn definitions(root: &Value) -> BTreeMap<&str, &Value> {
    let all = root["$defs"].as_object().unwrap().iter().map(|(name, definition)| (name.as_str(), definition));
    all.chain([("Schema", root)]).collect()
}

/// What is said to be taken instead of `?`: every field or variant the type has.
fn taken(read: Read, nonsense: Value) -> BTreeSet<String> {
    let mistake = read(nonsense).unwrap_err();
    assert!(mistake.message.starts_with("unknown "), "{mistake}");
    mistake.hint.strip_prefix("one of: ").expect("every name").split(", ").map(str::to_owned).collect()
}

#[test]
fn every_name_is_in_both() {
    let (root, types) = (published(), types());
    let definitions = definitions(&root);
    assert_eq!(definitions.keys().collect::<Vec<_>>(), types.keys().collect::<Vec<_>>());
    for (name, definition) in definitions {
        let (known, nonsense): (BTreeSet<String>, _) = match definition.get("oneOf") {
            Some(variants) => (variants.as_array().unwrap().iter().map(variant).collect(), json!("?")),
            None => (definition["properties"].as_object().unwrap().keys().cloned().collect(), json!({"?": 1})),
        };
        assert_eq!(known, taken(types[name], nonsense), "{name}");
    }
}

fn variant(schema: &Value) -> String {
    let name = schema.get("const").or_else(|| schema.get("required")?.get(0));
    name.and_then(Value::as_str).unwrap_or_else(|| panic!("{schema}")).to_owned()
}

#[test]
fn everything_is_described_and_closed() {
    let root = published();
    for (name, definition) in definitions(&root) {
        let described = |schema: &Value| schema["description"].as_str().is_some_and(|text| text.ends_with('.'));
        assert!(described(definition), "{name}");
        let empty = Map::new();
        for (field, schema) in definition.get("properties").and_then(Value::as_object).unwrap_or(&empty) {
            assert!(described(schema), "{name}.{field}");
        }
        for one in definition.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
            assert!(described(one), "{name}: {one}");
        }
        if definition.get("properties").is_some() {
            assert_eq!(definition["additionalProperties"], json!(false), "{name}");
        }
    }
}

/// A value that a definition accepts: all of it, or only what is required.
fn sample(root: &Value, schema: &Value, whole: bool, depth: usize) -> Value {
    let schema = resolved(root, schema);
    if let Some(one) = schema.get("oneOf") {
        return sample(root, &one[0], whole, depth);
    }
    if let Some(value) = schema.get("const").or_else(|| schema.get("default")).or_else(|| schema.get("enum")?.get(0)) {
        return value.clone();
    }
    let least = schema.get("minimum").cloned().unwrap_or_else(|| json!(0));
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => Value::Object(object(root, schema, whole, depth)),
        Some("array") => {
            let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(u64::from(depth > 0));
            (0..least).map(|_| sample(root, &schema["items"], whole, depth.saturating_sub(1))).collect()
        }
        Some("string") => json!("x"),
        Some("boolean") => json!(true),
        Some(_) => least,
        None => json!({"any": 1}),
    }
}

fn object(root: &Value, schema: &Value, whole: bool, depth: usize) -> Map<String, Value> {
    let inner = |schema: &Value| sample(root, schema, whole && depth > 0, depth.saturating_sub(1));
    let required =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    let mut fields = Map::new();
    for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if whole && depth > 0 || required.contains(&name.as_str()) {
            fields.insert(name.clone(), inner(schema));
        }
    }
    if let Some(others) = schema.get("additionalProperties").filter(|others| others.is_object()) {
        fields.insert("x".to_owned(), inner(others));
    }
    fields
}

#[test]
fn what_the_published_schema_accepts_the_types_read() {
    let (root, types) = (published(), types());
    for (name, definition) in definitions(&root) {
        for (whole, depth) in [(true, 8), (true, 1), (false, 1)] {
            let value = sample(&root, definition, whole, depth);
            assert_eq!(faults(&root, definition, &value, name), Vec::<String>::new(), "{value}");
            let back = types[name](value.clone()).unwrap_or_else(|error| panic!("{name} {value}: {error}"));
            assert_eq!(faults(&root, definition, &back, name), Vec::<String>::new(), "{back}");
        }
        // Each field with a value of each kind: where the published schema takes it, the type does.
        let whole = sample(&root, definition, true, 4);
        for field in whole.as_object().into_iter().flat_map(Map::keys) {
            for other in [json!(null), json!(true), json!("x"), json!(7), json!(0.5), json!(["x"]), json!({"x": "x"})] {
                let mut value = whole.clone();
                value[field] = other;
                let accepted = faults(&root, definition, &value, name).is_empty();
                assert!(!accepted || types[name](value.clone()).is_ok(), "{name}.{field}: {value}");
            }
        }
    }
}

#[test]
fn defaults_are_what_a_declaration_gets_without_them() {
    let (root, types) = (published(), types());
    for (name, definition) in definitions(&root).into_iter().filter(|(_, definition)| definition.get("properties").is_some()) {
        let least = sample(&root, definition, false, 1);
        let written = types[name](least.clone()).unwrap();
        let properties = definition["properties"].as_object().unwrap();
        for (field, schema) in properties.iter().filter(|(field, _)| least.get(field.as_str()).is_none()) {
            let group = resolved(&root, schema).get("properties").is_some();
            match (schema.get("default"), written.get(field)) {
                (Some(told), got) => assert_eq!(Some(told), got, "{name}.{field}"),
                (None, Some(_)) => assert!(group, "{name}.{field} has a default that is not told"),
                (None, None) => {}
            }
        }
    }
}

#[test]
fn every_schema_file_keeps_to_the_published_schema() {
    let root = published();
    let folder = std::fs::read_dir(format!("{}/schemas", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let files = folder.map(|file| file.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<_> = files.filter(|file| file.ends_with(".json") && file != "schema.schema.json").collect();
    let five = ["bizpulse.json", "dcmms.json", "goalflow.json", "travelsense.json", "vet.json"];
    assert_eq!(files.iter().map(String::as_str).collect::<Vec<_>>(), five);
    for file in files {
        let value: Value = serde_json::from_str(&text(&file)).unwrap();
        assert_eq!(value["$schema"], "./schema.schema.json", "{file}: so that editors find it");
        assert_eq!(faults(&root, &root, &value, ""), Vec::<String>::new(), "{file}");
        let read = Schema::parse(&text(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(file, format!("{}.json", read.app));
    }
}

#[test]
fn the_published_schema_refuses_what_the_types_refuse() {
    let root = published();
    let table = [
        ("/entities/goal/fields/title/type", json!("strin")),
        ("/entities/goal/fields/title/requird", json!(true)),
        ("/entities/goal/fields/__proto__", json!({"type": "string"})),
        ("/entities/goal/store", json!("sync_queue")),
        ("/entities/goal/tier", json!(4)),
        ("/entities/goal/merge", json!("server")),
        ("/entities/goal/indexes/0/fields", json!([])),
        ("/entities/Goal", json!({"store": "x", "fields": {}})),
        ("/sync/batch/ops", json!(1001)),
        ("/sync/retry/schedule_ms", json!([])),
        ("/sync/retry/jitter", json!(1.5)),
        ("/version", json!(0)),
    ];
    for (pointer, value) in table {
        let mut schema: Value = serde_json::from_str(&text("goalflow.json")).unwrap();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        schema.pointer_mut(parent).unwrap()[name] = value;
        assert!(!faults(&root, &root, &schema, "").is_empty(), "{pointer} passed the published schema");
        assert!(Schema::parse(&schema.to_string()).is_err(), "{pointer} passed the types");
    }
}
