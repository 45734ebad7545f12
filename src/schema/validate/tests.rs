use crate::error::{Code, Error};
use crate::record::Fields;
use crate::schema::{Entity, Schema};
use proptest::prelude::*;
use serde_json::{Value, json};

fn entity() -> Entity {
    let text = json!({"app": "a", "version": 1, "entities": {"task": {"store": "tasks", "fields": {
        "id": {"type": "string", "required": true},
        "title": {"type": "string", "required": true, "min_length": 1, "max_length": 5},
        "status": {"type": "string", "enum": ["open", "done"], "default": "open"},
        "note": {"type": "text", "nullable": true},
        "share": {"type": "number", "min": 0, "max": 1},
        "count": {"type": "integer"},
        "level": {"type": "integer", "enum": [1, 2]},
        "hits": {"type": "counter"},
        "urgent": {"type": "boolean"},
        "at": {"type": "datetime"},
        "born": {"type": "date"},
        "place": {"type": "object", "fields": {
            "room": {"type": "string", "required": true}, "floor": {"type": "integer", "default": 0}}},
        "extra": {"type": "object"},
        "parts": {"type": "list", "item_key": "part", "max_length": 3, "items": {"type": "object", "fields": {
            "part": {"type": "string", "required": true}, "qty": {"type": "integer", "min": 1, "default": 1}}}},
        "tags": {"type": "set", "items": {"type": "string"}},
        "any": {"type": "json"}
    }}}});
    Schema::parse(&text.to_string()).unwrap().entities.remove("task").unwrap()
}

fn fields(value: Value) -> Fields {
    value.as_object().unwrap().clone()
}

fn patch(value: Value) -> Result<(), Error> {
    entity().check_patch("task", &fields(value), &[])
}

// STO-9, SEC-8
#[test]
fn values_that_fit_pass() {
    let good = [
        json!({"title": "abcde", "status": "done", "note": null, "share": 0.5, "count": 3.0, "level": 2.0, "hits": -4}),
        json!({"urgent": false, "at": "2025-11-08T10:00:00Z", "born": "1950-02-28", "extra": {"a": [1]}, "any": {"b": "c"}}),
        json!({"place": {"room": "A"}, "parts": [{"part": "A", "qty": 1}, {"part": "B"}], "tags": ["x", "y"]}),
        json!({"born": "2000-02-29"}),
        // Five UTF-16 units: two outside the basic plane and one inside.
        json!({"title": "😀😀é"}),
    ];
    for value in good {
        assert_eq!(patch(value.clone()), Ok(()), "{value}");
    }
}

// STO-9, SEC-8
#[test]
fn values_that_do_not_fit_name_the_place_and_the_type_only() {
    let table = [
        (json!({"title": 5}), "task.title", "must be text, got a number"),
        (json!({"title": null}), "task.title", "must be text, got null"),
        (json!({"title": ""}), "task.title", "must have at least 1 characters (UTF-16 units), got 0"),
        (json!({"title": "😀😀😀"}), "task.title", "must have at most 5 characters (UTF-16 units), got 6"),
        (json!({"status": "secret"}), "task.status", "must be one of \"open\", \"done\", got another value"),
        (json!({"share": 1.5}), "task.share", "must be 1 or less, got more"),
        (json!({"share": -0.1}), "task.share", "must be 0 or more, got less"),
        (json!({"count": 1.5}), "task.count", "must be a whole number, got another number"),
        (json!({"count": "7"}), "task.count", "must be a whole number, got text"),
        (json!({"level": 3}), "task.level", "must be one of 1, 2, got another value"),
        (json!({"hits": "1"}), "task.hits", "must be a number, got text"),
        (json!({"urgent": 1}), "task.urgent", "must be true or false, got a number"),
        (json!({"urgent": "true"}), "task.urgent", "must be true or false, got text"),
        (json!({"at": "yesterday"}), "task.at", "must be a date and time, got text of another form"),
        (json!({"at": "2025-11-08"}), "task.at", "must be a date and time, got text of another form"),
        (json!({"at": 1_762_596_000_000_u64}), "task.at", "must be a date and time, got a number"),
        (json!({"born": "1900-02-29"}), "task.born", "must be a date, got text of another form"),
        (json!({"born": "2025-1-08"}), "task.born", "must be a date, got text of another form"),
        (json!({"born": "2025-11-0é"}), "task.born", "must be a date, got text of another form"),
        (json!({"place": {}}), "task.place.room", "must be text, got nothing"),
        (json!({"place": {"room": "A", "flor": 1}}), "task.place.flor", "the schema has no such field"),
        (json!({"place": []}), "task.place", "must be an object, got a list"),
        (json!({"parts": [{"part": "A"}, {"part": "B", "qty": 0}]}), "task.parts[1].qty", "must be 1 or more, got less"),
        (json!({"parts": [{"part": "A"}, {"part": "A"}]}), "task.parts[1]", "must differ from the elements before it"),
        (json!({"parts": [{"qty": 1}]}), "task.parts[0].part", "must be text, got nothing"),
        (
            json!({"parts": [{"part": "A"}, {"part": "B"}, {"part": "C"}, {"part": "D"}]}),
            "task.parts",
            "must have at most 3 elements, got 4",
        ),
        (json!({"tags": ["x", "x"]}), "task.tags[1]", "must differ from the elements before it"),
        (json!({"tags": ["x", null]}), "task.tags[1]", "must be text, got null"),
        (json!({"unknown": 1}), "task.unknown", "the schema has no such field"),
        (json!({"_sync": {}}), "task._sync", "the schema has no such field"),
        (json!({"any": "a\0b"}), "task.any", "a text with a NUL character"),
        (json!({"any": [{"constructor": 1}]}), "task.any[0]", "the field name constructor is not allowed"),
        (json!({"__proto__": 1}), "task.__proto__", "the field name __proto__ is not allowed"),
        (json!({"id": "x"}), "task.id", "the key of a record cannot be changed"),
    ];
    for (value, path, message) in table {
        let error = patch(value.clone()).unwrap_err();
        assert_eq!((error.code, error.path.as_str()), (Code::ValidationError, path), "{value}: {error}");
        assert_eq!(error.message, message, "{value}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn a_near_name_is_the_hint() {
    assert_eq!(patch(json!({"titel": "x"})).unwrap_err().hint, "write `title`");
    assert_eq!(patch(json!({"whatever": "x"})).unwrap_err().hint, "declare it in the schema");
}

#[test]
fn a_whole_record_has_what_is_required_and_a_change_cannot_take_it_away() {
    let entity = entity();
    assert_eq!(entity.check_record("task", &fields(json!({"title": "a"}))), Ok(()), "the engine puts the key in");
    assert_eq!(entity.check_record("task", &fields(json!({"id": "1", "title": "a"}))), Ok(()));
    let path = |result: Result<(), Error>| result.unwrap_err().path;
    assert_eq!(path(entity.check_record("task", &fields(json!({"id": "1"})))), "task.title");
    assert_eq!(entity.check_values("task", &fields(json!({"id": "1", "count": 2}))), Ok(()), "a part of a record");
    assert_eq!(path(entity.check_record("task", &fields(json!({"id": "", "title": "a"})))), "task.id");
    assert_eq!(path(entity.check_patch("task", &Fields::new(), &["title".to_owned()])), "task.title");
    assert_eq!(path(entity.check_patch("task", &Fields::new(), &["id".to_owned()])), "task.id");
    assert_eq!(path(entity.check_patch("task", &Fields::new(), &["nothing".to_owned()])), "task.nothing");
    assert_eq!(path(entity.check_patch("task", &fields(json!({"note": "a"})), &["note".to_owned()])), "task.note");
    assert_eq!(entity.check_patch("task", &fields(json!({"note": "a"})), &["at".to_owned()]), Ok(()));
}

#[test]
fn ids_have_a_length_and_no_control_characters() {
    let entity = entity();
    assert_eq!(entity.check_id("task", &"x".repeat(128)), Ok(()));
    for wrong in ["", "a\nb", "\u{7f}", &"x".repeat(129)] {
        assert_eq!(entity.check_id("task", wrong).unwrap_err().path, "task.id", "{wrong:?}");
    }
}

// SEC-8
#[test]
fn a_record_has_a_largest_size() {
    let big = |length: usize| fields(json!({"title": "a", "any": "x".repeat(length)}));
    let frame = serde_json::to_string(&big(0)).unwrap().len();
    assert_eq!(entity().check_record("task", &big((256 << 10) - frame)), Ok(()));
    let error = entity().check_record("task", &big((256 << 10) - frame + 1)).unwrap_err();
    let message = "a record must have at most 262144 bytes of JSON, got 262145";
    assert_eq!((error.path.as_str(), error.message.as_str()), ("task", message));
    let many: Fields = (0..1001).map(|at| (format!("f{at}"), json!(1))).collect();
    assert_eq!(entity().check_record("task", &many).unwrap_err().message, "a record must have at most 1000 fields, got 1001");
}

#[test]
fn defaults_fill_what_is_absent_also_inside() {
    let part = json!({"title": "a", "place": {"room": "A"}, "parts": [{"part": "A"}, {"part": "B", "qty": 2}]});
    let whole = json!({
        "title": "a", "status": "open", "place": {"room": "A", "floor": 0},
        "parts": [{"part": "A", "qty": 1}, {"part": "B", "qty": 2}]
    });
    let filled = entity().with_defaults(&fields(part));
    assert_eq!(Value::Object(filled.clone()), whole);
    assert_eq!(entity().with_defaults(&filled), filled, "a second time changes nothing");
    let done = entity().with_defaults(&fields(json!({"status": "done", "place": 5})));
    assert_eq!((&done["status"], &done["place"]), (&json!("done"), &json!(5)), "what is there stays, right or wrong");
}

proptest! {
    /// A record that passes has only fields that pass: nothing slips through whole that would be refused in part.
    #[test]
    fn whole_and_part_agree(title in ".{0,8}", count in any::<f64>(), tag in prop::collection::vec("[a-c]", 0..4)) {
        let entity = entity();
        let record = fields(json!({"title": title, "count": count, "tags": tag}));
        prop_assert_eq!(entity.check_record("task", &record), entity.check_patch("task", &record, &[]));
    }
}
