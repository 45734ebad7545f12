//! References, and deletes with all that hangs on a record, over both ledgers and by HTTP.

use crate::clinic::{Client, OK, change, create, delete, status};
use crate::world::World;
use serde_json::{Value, json};

conformance! {
    scenario_37_a_delete_takes_along_what_the_schema_says
    scenario_37_a_record_that_is_referred_to_stays
    scenario_37_edit_and_delete_in_both_orders
    scenario_37_a_parent_deleted_while_a_child_is_created
    scenario_37_undelete
    scenario_37_more_children_than_one_delete_may_take
    references_enums_and_states_are_held
}

// IDS-3, I10
async fn scenario_37_a_delete_takes_along_what_the_schema_says(world: World) {
    let ann = Client::new(&world, "ann", "t").await;
    ann.push(&[
        create("1", ("client", "c"), json!({})),
        create("2", ("client", "other"), json!({})),
        create("3", ("doctor", "d"), json!({})),
        create("4", ("pet", "p"), json!({"client": "c", "doctor": "d"})),
        create("5", ("visit", "v"), json!({"pet": "p"})),
        create("6", ("pet", "far"), json!({"client": "other", "friends": ["p", "far"], "doctor": "d"})),
    ])
    .await;
    let mut token = Value::Null;
    ann.changes(&mut token).await;
    let batch = [
        create("7", ("pet", "new"), json!({"client": "c"})),
        create("8", ("visit", "newer"), json!({"pet": "new"})),
        delete("9", ("client", "c"), 1),
        delete("10", ("doctor", "d"), 1),
    ];
    let answers = ann.push(&batch).await;
    assert!(answers.iter().all(|answer| status(answer) == OK), "{answers:?}");
    let changes = ann.changes(&mut token).await;
    let told: Vec<(&str, &str)> =
        changes.iter().map(|row| (row["entity_id"].as_str().unwrap(), row["operation"].as_str().unwrap())).collect();
    let place = |id: &str| told.iter().position(|(found, _)| *found == id).unwrap();
    for (child, parent) in [("v", "p"), ("newer", "new"), ("p", "c"), ("new", "c")] {
        assert!(place(child) < place(parent), "{child} before {parent}: {told:?}");
    }
    let live: Vec<Value> = ann.all().await;
    let left: Vec<&str> = live.iter().map(|row| row["entity_id"].as_str().unwrap()).collect();
    assert_eq!(left, ["other", "far"], "{told:?}");
    assert_eq!(live[1]["data"], json!({"id": "far", "client": "other", "friends": ["far"], "doctor": null}));
    assert_eq!(ann.push(&batch).await, answers, "the same push again changes nothing");
    assert_eq!(ann.changes(&mut token).await, Vec::<Value>::new());
}

// IDS-3
async fn scenario_37_a_record_that_is_referred_to_stays(world: World) {
    let ann = Client::new(&world, "ann", "t").await;
    ann.push(&[
        create("1", ("client", "c"), json!({})),
        create("2", ("pet", "p"), json!({"client": "c"})),
        create("3", ("bill", "b"), json!({"client": "c"})),
    ])
    .await;
    let answer = ann.one(delete("4", ("client", "c"), 1)).await;
    assert_eq!(status(&answer), ("error", "REFERENCED"));
    assert_eq!(answer["error"]["detail"], json!({"entity_type": "bill", "entity_id": "b"}));
    assert_eq!(ann.all().await.len(), 3, "nothing has gone with it");
    let both = ann.push(&[delete("5", ("bill", "b"), 1), delete("6", ("client", "c"), 1)]).await;
    assert!(both.iter().all(|answer| status(answer) == OK), "the one that held it went first: {both:?}");
    assert_eq!(ann.all().await.len(), 0);
}

// I9
async fn scenario_37_edit_and_delete_in_both_orders(world: World) {
    let ann = Client::new(&world, "ann", "t").await;
    let edit = |op: &str, id: &str| change((op, "update"), ("pet", id), Some(1), json!({"name": "new"}));
    ann.push(&[
        create("1", ("client", "c"), json!({})),
        create("2", ("pet", "first"), json!({"client": "c", "name": "old", "chip": 1})),
        create("3", ("pet", "then"), json!({"client": "c", "name": "old", "chip": 2})),
        create("4", ("pet", "twice"), json!({"client": "c"})),
        create("5", ("client", "gone"), json!({"name": "old"})),
    ])
    .await;
    ann.push(&[edit("6", "first"), delete("7", ("pet", "first"), 1)]).await;
    let answers = ann.push(&[delete("8", ("pet", "then"), 1), edit("9", "then")]).await;
    assert_eq!(status(&answers[1]), OK);
    assert_eq!(answers[1]["data"], json!({"id": "then", "client": "c", "name": "new", "chip": 2}), "whole, with the edit");
    let answers = ann.push(&[delete("10", ("pet", "twice"), 1), delete("11", ("pet", "twice"), 1)]).await;
    assert_eq!((status(&answers[0]), status(&answers[1])), (OK, OK));
    let lost = change(("13", "update"), ("client", "gone"), Some(1), json!({"name": "new"}));
    let answers = ann.push(&[delete("12", ("client", "gone"), 1), lost]).await;
    assert_eq!((status(&answers[1]), &answers[1]["server_version"]), (OK, &json!(2)), "delete wins: it stays deleted");
    let rows = ann.all().await;
    let live: Vec<(&str, &Value)> = rows.iter().map(|row| (row["entity_id"].as_str().unwrap(), &row["data"]["name"])).collect();
    assert_eq!(live, [("c", &Value::Null), ("first", &json!("new")), ("then", &json!("new"))]);
    let taken = [
        create("14", ("pet", "rival"), json!({"client": "c", "chip": 3})),
        create("15", ("pet", "held"), json!({"client": "c"})),
    ];
    ann.push(&taken).await;
    // A parent that is gone too: a person decides.
    ann.push(&[create("16", ("client", "c2"), json!({})), create("17", ("pet", "orphan"), json!({"client": "c2"}))]).await;
    let answers = ann.push(&[delete("18", ("client", "c2"), 1), edit("19", "orphan")]).await;
    assert_eq!((status(&answers[1]).0, &answers[1]["conflict_data"]["kind"]), ("conflict", &json!("edit_delete")));
}

// I10, I8
async fn scenario_37_a_parent_deleted_while_a_child_is_created(world: World) {
    let ann = Client::new(&world, "ann", "t").await;
    ann.push(&[
        create("1", ("client", "c"), json!({})),
        create("2", ("client", "d"), json!({})),
        create("3", ("doctor", "x"), json!({})),
        create("4", ("doctor", "y"), json!({})),
        create("5", ("client", "stays"), json!({})),
    ])
    .await;
    let late = create("7", ("pet", "late"), json!({"client": "c"}));
    let answers = ann.push(&[delete("6", ("client", "c"), 1), late]).await;
    assert_eq!((status(&answers[0]), status(&answers[1])), (OK, ("error", "REFERENCE_MISSING")));
    let answers = ann.push(&[create("8", ("pet", "early"), json!({"client": "d"})), delete("9", ("client", "d"), 1)]).await;
    assert!(answers.iter().all(|answer| status(answer) == OK));
    let linked = |op: &str, id: &str, doctor: &str| create(op, ("pet", id), json!({"client": "stays", "doctor": doctor}));
    let answers = ann
        .push(&[
            delete("10", ("doctor", "x"), 1),
            linked("11", "after", "x"),
            linked("12", "before", "y"),
            delete("13", ("doctor", "y"), 1),
        ])
        .await;
    assert!(answers.iter().all(|answer| status(answer) == OK), "{answers:?}");
    assert_eq!(answers[1]["data"]["doctor"], Value::Null, "the device is told");
    let rows = ann.all().await;
    let live: Vec<(&str, &Value)> = rows.iter().map(|row| (row["entity_id"].as_str().unwrap(), &row["data"]["doctor"])).collect();
    let none = &Value::Null;
    assert_eq!(live, [("stays", none), ("after", none), ("before", none)], "the same in both orders");
}

async fn scenario_37_undelete(world: World) {
    let ann = Client::new(&world, "ann", "t").await;
    ann.push(&[create("1", ("client", "c"), json!({"name": "one"})), delete("2", ("client", "c"), 1)]).await;
    let blind = ann.one(create("3", ("client", "c"), json!({"name": "two"}))).await;
    assert_eq!(status(&blind), ("error", "ID_COLLISION"), "who has not seen the tombstone brings nothing back");
    let back = ann.one(change(("4", "create"), ("client", "c"), Some(2), json!({"id": "c", "name": "one"}))).await;
    assert_eq!((status(&back), &back["server_version"]), (OK, &json!(3)));
    assert_eq!(ann.all().await[0]["data"]["name"], "one");
}

// IDS-3, I16
async fn scenario_37_more_children_than_one_delete_may_take(world: World) {
    let ann = Client::new(&world, "ann", "t").await;
    ann.one(create("c", ("client", "c"), json!({}))).await;
    for half in 0..2 {
        let pets: Vec<Value> = (0..500)
            .map(|at| create(&format!("p{half}-{at}"), ("pet", &format!("p{half}-{at}")), json!({"client": "c"})))
            .collect();
        assert!(ann.push(&pets).await.iter().all(|answer| status(answer) == OK));
    }
    let answer = ann.one(delete("d1", ("client", "c"), 1)).await;
    assert_eq!(status(&answer), ("error", "PAYLOAD_TOO_LARGE"));
    assert_eq!(answer["error"]["detail"], json!({"limit": "CASCADE_ROWS", "value": 1000}));
    assert_eq!(status(&ann.one(delete("p", ("pet", "p0-0"), 1)).await), OK);
    assert_eq!(status(&ann.one(delete("d2", ("client", "c"), 1)).await), OK, "with one child less it is within the bound");
    assert_eq!(ann.all().await.len(), 0);
}

// CON-2
async fn references_enums_and_states_are_held(world: World) {
    let ann = Client::new(&world, "ann", "t").await;
    ann.push(&[create("1", ("client", "c"), json!({})), create("2", ("pet", "p"), json!({"client": "c"}))]).await;
    let answers = ann
        .push(&[
            create("3", ("visit", "v"), json!({"pet": "nobody"})),
            create("4", ("visit", "w"), json!({"pet": "p", "status": "lost"})),
            create("5", ("visit", "x"), json!({"pet": "p", "status": "done"})),
            change(("6", "update"), ("visit", "x"), Some(1), json!({"status": "open"})),
        ])
        .await;
    let paths: Vec<_> = answers.iter().map(|answer| answer["error"]["path"].as_str().unwrap_or_default()).collect();
    assert_eq!(paths, ["visit.pet", "visit.status", "", "visit.status"], "each names its field: {answers:?}");
}
