use super::{Placed, Subject};
use crate::record::Fields;
use crate::schema::{PartitionRule, Schema};
use crate::time::Millis;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn rule(value: Value) -> PartitionRule {
    serde_json::from_value(value).unwrap()
}

fn fields(value: Value) -> Fields {
    value.as_object().cloned().unwrap()
}

fn granted(rule: &PartitionRule, user: &str, lists: &BTreeMap<String, Vec<Value>>) -> Vec<String> {
    rule.granted("order", Subject { user, device: "d", roles: &["boss".into()], lists })
}

// STO-7, D2.3
#[test]
fn a_variable_is_the_key_and_a_fixed_value_only_lets_in() {
    let rule = rule(json!({"name": "mine", "when": [{"field": "to", "in": ["$user"]}, {"field": "state", "in": ["open"]}]}));
    let open = rule.place("order", &fields(json!({"to": "ann", "state": "open"})), Millis(1));
    assert_eq!(open, Placed { buckets: vec![r#"order/mine/["ann"]"#.into()], holds: true, until: None });
    assert_eq!(rule.place("order", &fields(json!({"to": "ann", "state": "shut"})), Millis(1)), Placed::default());
    assert_eq!(granted(&rule, "ann", &BTreeMap::new()), [r#"order/mine/["ann"]"#]);
}

#[test]
fn every_site_of_the_profile_is_a_bucket_and_none_without_a_profile() {
    let rule = rule(json!({"name": "sites", "when": [{"field": "site", "in": ["$sites"]}]}));
    let lists = BTreeMap::from([("sites".to_owned(), vec![json!("n"), json!(7.0)])]);
    assert_eq!(granted(&rule, "ann", &lists), [r#"order/sites/["n"]"#, "order/sites/[7]"]);
    assert!(granted(&rule, "ann", &BTreeMap::new()).is_empty());
    // A record that holds the variable's name is in nobody's bucket.
    assert_eq!(rule.place("order", &fields(json!({"site": [7, "$sites"]})), Millis(0)).buckets.len(), 2);
}

#[test]
fn a_rule_for_a_role_grants_nothing_to_others() {
    let rule = rule(json!({"name": "all", "roles": ["boss"], "when": [{"field": "n", "in": [1]}]}));
    let lists = BTreeMap::new();
    assert_eq!(granted(&rule, "ann", &lists), ["order/all/[]"]);
    assert!(rule.granted("order", Subject { user: "ann", device: "d", roles: &[], lists: &lists }).is_empty());
}

#[test]
fn the_moment_at_which_time_will_change_the_answer_is_known_before() {
    let rule = rule(json!({"name": "late", "when": [{"field": "at", "within_ms": 100, "older_ms": 10}]}));
    let at = |now| rule.place("order", &fields(json!({"at": 1000})), Millis(now));
    assert_eq!((at(900).holds, at(900).until), (false, Some(Millis(1010))));
    assert_eq!((at(1010).holds, at(1010).until), (true, Some(Millis(1101))));
    assert_eq!((at(1100).holds, at(1101).holds, at(1101).until), (true, false, None));
    assert_eq!(rule.place("order", &fields(json!({})), Millis(0)), Placed::default());
}

// SEC-4
#[test]
fn one_role_has_to_allow_all_of_a_change() {
    let schema = Schema::parse(
        r#"{"app": "r", "version": 1, "roles": {
              "tech": {"may": {"order": ["update"]}, "not_fields": ["order.price"], "sees": ["order"],
                "hidden_fields": ["order.cost"]},
              "clerk": {"may": {"*": ["create"]}}},
            "entities": {"order": {"store": "orders", "fields": {"id": {"type": "string"}, "price": {"type": "number"},
              "cost": {"type": "number"}}}, "other": {"store": "others", "fields": {"id": {"type": "string"}}}}}"#,
    )
    .unwrap();
    use crate::schema::Operation::{Create, Delete, Update};
    let roles = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let path = |names: &[&str], what, fields: &[&str]| schema.may(&roles(names), what, fields).err().map(|error| error.path);
    assert_eq!(path(&["tech"], ("order", Update), &["id"]), None);
    assert_eq!(path(&["tech"], ("order", Update), &["price"]), Some("order.price".into()));
    assert_eq!(path(&["tech"], ("order", Delete), &[]), Some("order".into()));
    assert_eq!(path(&["tech", "clerk"], ("other", Create), &["id"]), None);
    assert_eq!(path(&[], ("order", Update), &[]), Some("order".into()));
    assert!(schema.sees(&roles(&["tech"]), "order") && !schema.sees(&roles(&["tech"]), "other"));
    assert!(schema.sees(&roles(&["tech", "clerk"]), "other") && !schema.sees(&roles(&["nobody"]), "order"));
    assert!(!schema.sees_field(&roles(&["tech"]), "order", "cost"));
    assert!(schema.sees_field(&roles(&["tech", "clerk"]), "order", "cost"));
}

proptest! {
    // A bucket is the user's exactly when the rule, with the variables filled in, takes the record.
    #[test]
    fn buckets_say_what_the_rule_says(
        to in prop::option::of(0u8..4), site in prop::collection::vec(0u8..4, 0..3), at in 0u64..300, now in 0u64..300,
        user in 0u8..4, sites in prop::collection::vec(0u8..4, 0..3), within in prop::option::of(0u64..200), older in 0u64..50,
    ) {
        let mut timed = json!({"field": "at", "older_ms": older});
        if let Some(ms) = within { timed["within_ms"] = json!(ms); }
        let rule = rule(json!({"name": "r", "when": [
            {"field": "to", "in": ["$user", null]}, {"field": "site", "in": ["$sites", 9]}, timed]}));
        let mut record = fields(json!({"site": site, "at": at}));
        if let Some(to) = to { record.insert("to".into(), json!(format!("u{to}"))); }
        let lists = BTreeMap::from([("sites".to_owned(), sites.iter().map(|site| json!(site)).collect::<Vec<_>>())]);
        let name = format!("u{user}");
        let placed = rule.place("order", &record, Millis(now));
        let mine = rule.granted("order", Subject { user: &name, device: "d", roles: &[], lists: &lists });
        let found = placed.holds && placed.buckets.iter().any(|bucket| mine.contains(bucket));
        let resolved = |test: &crate::schema::Test| test.resolved(|name| lists.get(name).cloned());
        let said = rule.when.iter().all(|test| resolved(test).holds(&record, Millis(now), &name));
        prop_assert_eq!(found, said);
        // Nothing changes with time before the moment that was named.
        if let Some(until) = placed.until {
            prop_assert_eq!(rule.place("order", &record, Millis(until.0 - 1)).holds, placed.holds);
        } else if !placed.buckets.is_empty() {
            prop_assert_eq!(rule.place("order", &record, Millis(1 << 40)).holds, placed.holds);
        }
    }
}
