use super::{Plain, plain, read, variants, words};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

words! {
    /// A colour.
    #[derive(Default)]
    enum Colour {
        /// The first, and what an empty one is.
        #[default]
        Red = "red",
        /// The second.
        DeepBlue = "deep_blue",
    }
}

plain! {
    /// An inner part, of which more may come.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Part {
        left: u8 = 0,
        right?: Option<Value>,
        ..
    }
}

plain! {
    /// Every way to declare a field.
    #[derive(Clone, Debug, PartialEq)]
    struct Whole {
        name: String,
        kind: Colour as "type",
        note: Option<String>,
        parts?: Vec<Part>,
        named?: BTreeMap<String, Part>,
        pair?: Option<[u64; 2]>,
        most: u32 = 7,
        rate: f64 as "quota" = 0.5,
    }
}

plain! {
    #[derive(Clone, Debug, PartialEq)]
    struct Settings: Default {
        on: bool = true,
        words?: Vec<String>,
    }
}

plain! {
    /// One whose fields stand among another's.
    #[derive(Clone, Debug, PartialEq)]
    struct Spread {
        first: u64,
        part: Part as ..,
        last: u64,
        ..
    }
}

variants! {
    /// One of two things.
    #[derive(Clone, Debug, PartialEq)]
    enum Step {
        /// With fields.
        Part(Part) = "part",
        /// With a text.
        Say(String) = "say",
    }
}

#[track_caller]
fn wrong<T: Plain + std::fmt::Debug>(value: Value) -> (String, String, String) {
    let mistake = read::<T>(value).unwrap_err();
    (mistake.path, mistake.message, mistake.hint)
}

fn told(path: &str, message: &str, hint: &str) -> (String, String, String) {
    (path.to_owned(), message.to_owned(), hint.to_owned())
}

#[test]
fn a_field_is_read_and_written_as_it_is_declared() {
    let least = json!({"name": "a", "type": "deep_blue"});
    let one: Whole = read(least).unwrap();
    assert_eq!((one.kind, one.most, one.rate), (Colour::DeepBlue, 7, 0.5));
    // What is blank and declared with `?` is left out, the rest is written whatever it is.
    assert_eq!(one.plain(), json!({"name": "a", "type": "deep_blue", "note": null, "most": 7, "quota": 0.5}));
    let full = json!({"name": "a", "type": "red", "note": "n", "parts": [{"left": 1}], "named": {"x": {"left": 0, "right": [0]}},
        "pair": [1, 2], "most": 1, "quota": 1.5});
    let one: Whole = read(full.clone()).unwrap();
    assert_eq!(one.plain(), full);
    assert_eq!(read::<Whole>(serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap()), Ok(one));
}

#[test]
fn fields_that_stand_among_others_are_told_from_them() {
    let value = json!({"first": 1, "left": 2, "right": {"a": 1}, "last": 3});
    let one: Spread = read(value.clone()).unwrap();
    assert_eq!((one.first, one.part.left, one.last), (1, 2, 3));
    assert_eq!(one.plain(), value);
}

#[test]
fn what_may_all_be_absent_has_its_default() {
    assert_eq!(read(json!({})), Ok(Settings::default()));
    assert_eq!(Settings::default(), Settings { on: true, words: Vec::new() });
}

#[test]
fn a_mistake_is_told_with_its_place() {
    let whole = |key: &str, value: Value| {
        let mut whole = json!({"name": "a", "type": "red"});
        whole[key] = value;
        wrong::<Whole>(whole)
    };
    assert_eq!(wrong::<Whole>(json!({"type": "red"})), told("", "missing field `name`", "add `name`"));
    assert_eq!(wrong::<Whole>(json!(null)), told("", "expected an object, found null", ""));
    assert_eq!(whole("name", json!(null)), told("name", "expected a text, found null", ""));
    assert_eq!(whole("type", json!("rad")), told("type", "unknown word `rad`", "write `red`"));
    assert_eq!(whole("type", json!("green")), told("type", "unknown word `green`", "one of: red, deep_blue"));
    assert_eq!(whole("type", json!({"red": null})), told("type", "expected a text, found an object", ""));
    assert_eq!(whole("mots", json!(1)), told("mots", "unknown field `mots`", "write `most`"));
    assert_eq!(whole("most", json!(-1)), told("most", "expected a whole number, found a number", ""));
    assert_eq!(whole("most", json!(1_u64 << 32)), told("most", "a number that is too large", ""));
    assert_eq!(whole("quota", json!("1")), told("quota", "expected a number, found a text", ""));
    assert_eq!(whole("pair", json!([1, 2, 3])), told("pair", "a list of another length", ""));
    assert_eq!(whole("parts", json!([{}, {"left": 256}])), told("parts[1].left", "a number that is too large", ""));
    assert_eq!(whole("named", json!({"x": []})), told("named.x", "expected an object, found a list", ""));
    assert_eq!(wrong::<Vec<Vec<u8>>>(json!([[1], [2, true]])).0, "[1][1]");
}

#[test]
fn the_first_mistake_is_told_and_an_open_declaration_takes_more() {
    let two = json!({"name": 1, "type": "red", "most": "x"});
    assert_eq!(wrong::<Whole>(two).0, "name");
    assert_eq!(read::<Part>(json!({"left": 1, "later": true})), Ok(Part { left: 1, right: None }));
}

#[test]
fn a_variant_is_the_only_name_of_an_object() {
    for value in [json!({"part": {"left": 1}}), json!({"say": "x"})] {
        assert_eq!(read::<Step>(value.clone()).unwrap().plain(), value);
    }
    assert_eq!(wrong::<Step>(json!({"part": {"left": "x"}})), told("part.left", "expected a whole number, found a text", ""));
    assert_eq!(wrong::<Step>(json!({"pard": {}})), told("", "unknown word `pard`", "write `part`"));
    assert_eq!(wrong::<Step>(json!("?")), told("", "unknown word `?`", "one of: part, say"));
    for many in [json!({"part": {}, "say": "x"}), json!({}), json!(null)] {
        assert!(wrong::<Step>(many).1.starts_with("expected an object with one name"));
    }
}

/// Anything JSON can say, with every kind of character in its texts.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        "[\\x00-\\x22\\\\\u{7f}ü€😀]{0,20}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..5).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn its_text_is_the_one_that_everybody_writes(value in anything()) {
        prop_assert_eq!(super::text(&value), serde_json::to_string(&value).unwrap());
    }

    #[test]
    fn no_value_makes_a_reader_panic(value in anything()) {
        let _ = (read::<Whole>(value.clone()), read::<Spread>(value.clone()), read::<Step>(value));
    }
}
