use crate::error::Code;
use crate::schema::Schema;
use proptest::prelude::*;

#[track_caller]
fn refused(text: &str) -> (String, String) {
    let error = Schema::parse(text).unwrap_err();
    assert_eq!(error.code, Code::InvalidSchema, "{error}");
    assert!(!error.hint.is_empty(), "no mend: {error}");
    (error.path, error.hint)
}

fn pair(path: &str, hint: &str) -> (String, String) {
    (path.to_owned(), hint.to_owned())
}

#[test]
fn mistakes_of_form_are_told_with_path_and_mend() {
    let note = |inner: &str| {
        format!(r#"{{"app": "a", "version": 1, "entities": {{"note": {{"store": "notes", "fields": {{"id": {inner}}}}}}}}}"#)
    };
    let field = "entities.note.fields.id";
    let table = [
        (r#"{"app": "a", "version": 1, "entites": {}}"#.to_owned(), pair("entites", "write `entities`")),
        (r#"{"app": "a", "version": 1}"#.to_owned(), pair("", "add `entities`")),
        (r#"{"app": "a", "version": "1", "entities": {}}"#.to_owned(), pair("version", "see schemas/schema.schema.json")),
        (note(r#"{"type": "strin"}"#), pair(&format!("{field}.type"), "write `string`")),
        (note(r#"{"typ": "string"}"#), pair(&format!("{field}.typ"), "write `type`")),
        (note(r#"{"type": "string", "requird": true}"#), pair(&format!("{field}.requird"), "write `required`")),
        (note(r#"{"type": "string", "merge": "serverwins"}"#), pair(&format!("{field}.merge"), "write `server_wins`")),
        (note(r#"{"type": "string", "type": "text"}"#), pair("", "the file has to be plain JSON, each key once")),
        ("{".to_owned(), pair("", "the file has to be plain JSON, each key once")),
    ];
    for (text, told) in table {
        assert_eq!(refused(&text), told, "{text}");
    }
}

#[test]
fn a_name_that_is_near_none_lists_what_there_is() {
    let (path, hint) = refused(r#"{"app": "a", "version": 1, "entities": {}, "dialect": "esperanto"}"#);
    assert_eq!(path, "dialect");
    assert!(hint.starts_with("one of: native, goalflow, dcmms"), "{hint}");
}

#[test]
fn what_is_left_out_has_its_default() {
    let schema = Schema::parse(
        r#"{"app": "a", "version": 1, "entities": {"note": {"store": "notes", "fields": {"id": {"type": "string"}}}}}"#,
    )
    .unwrap();
    let note = &schema.entities["note"];
    assert_eq!((note.key.as_str(), note.tier, note.partial, schema.priority_levels), ("id", 2, true, 3));
    assert_eq!(schema.sync.retry.schedule_ms, [0, 5_000, 10_000, 30_000, 60_000, 300_000]);
    assert_eq!((schema.space.total_bytes, schema.space.warn_at.as_slice()), (50 << 20, [0.8, 0.95].as_slice()));
    // Written out and read again it is the same, so what a device keeps of its schema is the schema.
    assert_eq!(Schema::parse(&serde_json::to_string(&schema).unwrap()).unwrap(), schema);
}

/// Anything a JSON parser takes, so that more than the parser is reached.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let word =
        prop::sample::select(vec!["app", "version", "entities", "fields", "store", "type", "id", "list", "items", "when", "in"]);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        word.clone().prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(word.clone(), inner, 0..6)
                .prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _ = Schema::parse(&text);
    }

    #[test]
    fn no_json_makes_it_panic(value in json()) {
        let _ = Schema::parse(&value.to_string());
    }

    #[test]
    fn no_entity_makes_it_panic(entity in json(), field in json(), sync in json()) {
        for (entity, sync) in [(entity.clone(), None), (serde_json::json!({"store": "s", "fields": {"id": field}}), Some(sync))] {
            let mut schema = serde_json::json!({"app": "a", "version": 1, "entities": {"note": entity}});
            if let Some(sync) = sync {
                schema["sync"] = sync;
            }
            let _ = Schema::parse(&schema.to_string());
        }
    }
}
