//! The partitioning of the specifications, as a user of each application meets it: which places a person has, and where a
//! record lies. Rules only; what follows from a change is tested beside `authority/follow`, on both ledgers by the server.

use super::{fields, schema};
use landfall::schema::{Schema, Subject};
use landfall::time::Millis;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DAY_MS: u64 = 86_400_000;
const NOW: Millis = super::NOW;

/// By which plain rules a record is a person's now.
fn taken(schema: &Schema, role: &str, entity: &str, record: Value) -> Vec<String> {
    let lists = BTreeMap::from([("sites".to_owned(), vec![json!("north"), json!("east")])]);
    let roles = [role.to_owned()];
    let to = Subject { user: "ann", device: "phone", roles: &roles, lists: &lists };
    let rules = schema.entities[entity].partition.iter().filter(|rule| {
        let placed = rule.place(entity, &fields(record.clone()), NOW);
        let mine = rule.granted(entity, to);
        placed.holds && placed.buckets.iter().any(|bucket| mine.contains(bucket))
    });
    rules.map(|rule| rule.name.clone()).collect()
}

// STO-7, D2.3, line by line
#[test]
fn what_gets_synced_to_mobile_in_dcmms() {
    let schema = schema("dcmms.json");
    let order = |to: &str, by: &str, status: &str, days: u64| {
        let at = Millis(NOW.0 - days * DAY_MS).iso();
        json!({"assignedTo": to, "createdBy": by, "status": status, "createdAt": at})
    };
    let rows: [(&str, &str, Value, &[&str]); 13] = [
        ("technician", "work-order", order("ann", "bob", "assigned", 90), &["assigned-to-me"]),
        ("technician", "work-order", order("ann", "bob", "in-progress", 90), &["assigned-to-me"]),
        ("technician", "work-order", order("ann", "bob", "on-hold", 90), &["assigned-to-me"]),
        ("technician", "work-order", order("ann", "bob", "completed", 1), &[]),
        ("technician", "work-order", order("bob", "ann", "closed", 30), &["created-by-me"]),
        ("technician", "work-order", order("bob", "ann", "open", 31), &[]),
        ("technician", "work-order", order("bob", "bob", "assigned", 1), &[]),
        ("supervisor", "work-order", order("bob", "bob", "assigned", 1), &["all-for-supervisors"]),
        ("technician", "inventory", json!({"siteId": "north"}), &["at-my-sites"]),
        ("technician", "inventory", json!({"siteId": "south"}), &[]),
        ("technician", "user_profile", json!({"userId": "ann"}), &["me"]),
        ("technician", "user_profile", json!({"userId": "bob", "siteIds": ["north"]}), &[]),
        ("technician", "asset", json!({"siteId": "north"}), &[]),
    ];
    for (role, entity, record, rules) in rows {
        assert_eq!(taken(&schema, role, entity, record.clone()), rules, "{role} {entity} {record}");
    }
    let picked: Vec<_> = schema.entities["work-order"].partition.iter().filter(|rule| rule.is_picked()).collect();
    assert_eq!(picked.len(), 1, "the user can choose to sync specific work orders");
    assert_eq!(schema.entities["asset"].partition[0].referenced_by, ["work-order.assetId"], "assets of work orders in scope");
}

// STO-7, B5
#[test]
fn what_a_user_of_bizpulse_can_leave_out() {
    let schema = schema("bizpulse.json");
    let partial = |name: &str| schema.entities.get(name).map(|entity| entity.partial);
    assert_eq!(
        [partial("product"), partial("sale"), partial("customer"), partial("report")],
        [Some(true), Some(false), Some(true), Some(true)],
        "products and customers and reports may be left out, sales may not"
    );
}

// STO-6, G3.1.2
#[test]
fn the_tiers_of_goalflow_go_by_rule() {
    let schema = schema("goalflow.json");
    let tier = |entity: &str, record: Value| schema.entities[entity].tier_of(&fields(record), NOW, "ann");
    let days = |days: u64| Millis(NOW.0 - days * DAY_MS).iso();
    assert_eq!(tier("goal", json!({"status": "active"})), 1);
    assert_eq!(tier("goal", json!({"status": "archived"})), 3);
    assert_eq!(tier("recognition", json!({"created_at": days(3)})), 1);
    assert_eq!(tier("recognition", json!({"created_at": days(60)})), 2);
    assert_eq!(tier("recognition", json!({"created_at": days(91)})), 3);
    assert_eq!((tier("user_profile", json!({})), tier("team", json!({})), tier("admin_setting", json!({}))), (1, 1, 3));
}
