//! Bytes and values that nobody meant: whatever arrives is read or refused, without a panic and within its bounds.

use landfall::authority::TokenKey;
use landfall::authority::token::Cursor;
use landfall::id::Token;
use landfall::limits::{BODY_DEPTH, SLICE_ROWS};
use landfall::plain::Plain;
use landfall::record::{Fields, Patch, digest};
use landfall::schema::Schema;
use landfall::wire::{Device, PullReply, PullRequest, PushReply, PushRequest, check};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Any JSON, with names and words that the crate knows mixed in: what is nearly right goes deepest.
fn value() -> impl Strategy<Value = Value> {
    let words = ["entities", "app", "fields", "type", "string", "a", "migrations", "steps", "to", "retype", "store", "__proto__"];
    let word = prop::sample::select(words.to_vec()).prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        let name = prop_oneof![word.clone(), ".{0,6}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A sound declaration with one place changed to anything.
fn declaration() -> impl Strategy<Value = Value> {
    let places = [
        "/app",
        "/version",
        "/entities",
        "/entities/a",
        "/entities/a/fields",
        "/entities/a/fields/id",
        "/entities/a/indexes",
        "/entities/a/key",
        "/entities/a/store",
        "/migrations",
        "/migrations/0/to",
        "/migrations/0/steps",
        "/migrations/0/steps/0",
    ];
    (prop::sample::select(places.to_vec()), value()).prop_map(|(place, value)| {
        let mut text = json!({ "app": "x", "version": 2, "entities": { "a": { "store": "as", "key": "id", "indexes": [],
            "fields": { "id": { "type": "string", "required": true }, "n": { "type": "number" }, "kept": { "type": "json" } } } },
            "migrations": [{ "to": 2, "steps": [
                { "retype": { "entity": "a", "field": "n", "to": "number", "aside": "kept" } } ] }] });
        *text.pointer_mut(place).expect("a place") = value;
        text
    })
}

fn fields() -> impl Strategy<Value = Fields> {
    prop::collection::btree_map("[a-f]", value(), 0..6).prop_map(|map| map.into_iter().collect())
}

fn read_all(bytes: &[u8]) {
    if let Ok(request) = check::body::<PushRequest>(bytes) {
        let _ = check::push(&request);
        let again: PushRequest = check::body(request.plain().to_string().as_bytes()).expect("what was read is read again");
        assert_eq!(again, request);
    }
    if let Ok(request) = check::body::<PullRequest>(bytes) {
        let _ = check::pull(&request);
    }
    for slice in check::body::<PullReply>(bytes).map(|reply| reply.slices).unwrap_or_default() {
        assert!(check::slice(&slice).is_err() || slice.changes.len() <= SLICE_ROWS);
    }
    let _ = (check::body::<PushReply>(bytes), check::body::<Device>(bytes));
}

proptest! {
    // SEC-8
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_all(&bytes);
        let _ = Schema::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_json_is_read_or_refused(mut value in value(), known in any::<bool>()) {
        if let (Value::Object(fields), true) = (&mut value, known) {
            for (name, value) in [("protocol", json!(1)), ("device_id", json!("d")), ("incarnation", json!("i")),
                ("request_no", json!(1)), ("client_time", json!("")), ("schema_version", json!(1)), ("changes", json!([])),
                ("slices", json!([])), ("server_time", json!(""))] {
                fields.entry(name).or_insert(value);
            }
        }
        read_all(value.to_string().as_bytes());
    }

    // A mistake in a declaration is told with its place and its mend, whatever the mistake is.
    #[test]
    fn any_declaration_is_read_or_refused(text in declaration()) {
        match Schema::parse(&text.to_string()) {
            Ok(schema) => prop_assert!(schema.check().is_ok()),
            Err(error) => prop_assert!(error.code.as_str() == "INVALID_SCHEMA" && !error.hint.is_empty(), "{}", error),
        }
    }

    #[test]
    fn any_token_opens_nothing_or_what_was_sealed(text in ".{0,120}", number in any::<u32>()) {
        let key = TokenKey([5; 32]);
        prop_assert_eq!(key.open(&Token(text)), None);
        let cursor = Cursor { run: "r".into(), tenant: "t".into(), user: "u".into(), filter: String::new(), schema: 1,
            number: u64::from(number), snapshot: None,
            scope: vec![], walk: vec![], at: landfall::time::Millis(0) };
        prop_assert_eq!(key.open(&key.seal(&cursor)), Some(cursor));
    }

    // Equal records, equal digests: whatever way they have been through JSON.
    #[test]
    fn the_digest_is_that_of_the_meaning(one in fields(), other in fields()) {
        let text = Value::Object(one.clone()).to_string();
        let again: Value = serde_json::from_str(&text).expect("JSON");
        let turned: Fields = again.as_object().expect("fields").iter().rev().map(|(k, v)| (k.clone(), v.clone())).collect();
        prop_assert_eq!(digest(&one), digest(&turned));
        prop_assert_eq!(digest(&one) == digest(&other), Patch::between(&one, &other).is_empty());
        prop_assert_eq!(digest(&Patch::between(&one, &other).applied(&one)), digest(&other));
    }
}

#[test]
fn depth_is_bounded_before_anything_is_built() {
    for deep in [BODY_DEPTH + 1, 100_000] {
        let text = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
        assert!(check::body::<PushRequest>(text.as_bytes()).is_err() && Schema::parse(&text).is_err());
    }
}
