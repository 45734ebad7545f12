//! Temporary ids and unique values, over both ledgers and by HTTP.

use crate::clinic::{Client, DEVICES, OK, PUSH, change, create, delete, status, temp, token};
use crate::world::{World, push};
use serde_json::{Value, json};
use std::sync::Arc;

conformance! {
    temporary_ids_get_real_ones_once_and_everywhere
    a_temporary_id_means_nothing_to_others
    scenario_38_a_unique_value_is_held_once
    scenario_38_two_at_once_with_the_same_mail
    scenario_38_a_rival_that_one_may_not_see_is_not_named
    scenario_38_the_same_ids_in_another_tenant_reveal_nothing
}

// IDS-1, IDS-2, scenarios 2 and 3
async fn temporary_ids_get_real_ones_once_and_everywhere(world: World) {
    let ann = Client::new(&world, "ann", "t").await;
    let (client, pet, friend) = (temp(1, "client"), temp(2, "pet"), temp(3, "pet"));
    let batch = [
        create("op1", ("client", &client), json!({"name": "one"})),
        create("op2", ("pet", &friend), json!({"client": client})),
        create("op3", ("pet", &pet), json!({"client": client, "friends": [friend]})),
    ];
    let answers = ann.push(&batch).await;
    assert!(answers.iter().all(|answer| status(answer) == OK), "{answers:?}");
    let real: Vec<&str> = answers.iter().map(|answer| answer["entity_id"].as_str().unwrap()).collect();
    assert!(real.iter().all(|id| !id.starts_with("temp_")), "{real:?}");
    assert_eq!(answers[2]["data"], json!({"id": real[2], "client": real[0], "friends": [real[1]]}), "what was resolved is told");
    assert!(answers[0].get("data").is_none(), "its own id the device learns anyway");
    assert_eq!(ann.push(&batch).await, answers, "the same ops again: the same ids");

    let later = [
        create("op4", ("pet", &temp(4, "pet")), json!({"client": client, "friends": [pet]})),
        change(("op5", "update"), ("pet", &pet), Some(1), json!({"friends": [friend, "nobody"]})),
        change(("op6", "update"), ("pet", &pet), Some(1), json!({"name": "Rex"})),
    ];
    let answers = ann.push(&later).await;
    assert_eq!(status(&answers[0]), OK, "another batch still names them");
    assert_eq!(answers[0]["data"]["friends"], json!([real[2]]));
    assert_eq!(status(&answers[1]), ("error", "REFERENCE_MISSING"));
    assert_eq!((status(&answers[2]), answers[2]["entity_id"].as_str()), (OK, Some(real[2])), "also as the record itself");
    let stored = serde_json::to_string(&ann.all().await).unwrap();
    assert!(!stored.contains("temp_"), "I14: {stored}");
    let again = ann.one(create("op7", ("client", &client), json!({"name": "two"}))).await;
    assert_eq!((status(&again), again["entity_id"].as_str()), (("error", "ID_COLLISION"), Some(client.as_str())));
}

// IDS-2, A8
async fn a_temporary_id_means_nothing_to_others(world: World) {
    let (ann, bob) = (Client::new(&world, "ann", "t").await, Client::new(&world, "bob", "t").await);
    let client = temp(1, "client");
    assert_eq!(status(&ann.one(create("a1", ("client", &client), json!({}))).await), OK);
    let answer = bob.one(create("b1", ("pet", &temp(2, "pet")), json!({"client": client}))).await;
    assert_eq!(status(&answer), ("error", "REFERENCE_MISSING"));
    let answer = bob.one(change(("b2", "update"), ("client", &client), None, json!({"name": "x"}))).await;
    assert_eq!(status(&answer), ("error", "NOT_FOUND"));
    let answer = bob.one(create("b3", ("client", &client), json!({}))).await;
    assert_eq!(status(&answer), OK, "the same temporary id is another record of another user");
    let tablet = Client { device: "tablet".into(), ..Client::new(&world, "ann", "t").await };
    world.post(DEVICES, &tablet.token, &json!({"device_id": "tablet"})).await;
    let answer = tablet.one(create("a2", ("pet", &temp(3, "pet")), json!({"client": client}))).await;
    assert_eq!(status(&answer), OK, "another device of the same user");
}

// CON-2, scenario 38, scenario 31
async fn scenario_38_a_unique_value_is_held_once(world: World) {
    let ann = Client::new(&world, "ann", "t").await;
    let batch = [
        create("1", ("client", "c1"), json!({"email": "a@x"})),
        create("2", ("client", "c2"), json!({"email": "a@x"})),
        create("3", ("client", "c3"), json!({"email": null})),
        create("4", ("client", "c4"), json!({"email": null})),
        create("5", ("pet", "p1"), json!({"client": "c1", "chip": 1})),
        create("6", ("pet", "p2"), json!({"client": "c1", "chip": 1.0})),
    ];
    let answers = ann.push(&batch).await;
    let refused: Vec<usize> = (0..6).filter(|at| status(&answers[*at]) != OK).collect();
    assert_eq!(refused, [1, 5], "the rest of the batch goes on: {answers:?}");
    let error = &answers[1]["error"];
    assert_eq!((&error["code"], &error["path"]), (&json!("UNIQUE_VIOLATION"), &json!("client.email")));
    assert_eq!(error["detail"], json!({"field": "email", "rival": {"entity_type": "client", "entity_id": "c1"}}));
    assert_eq!(ann.push(&batch[1..2]).await[0], answers[1], "no loop: the same op, the same answer");
    let taken = ann.one(change(("7", "update"), ("client", "c3"), Some(1), json!({"email": "a@x"}))).await;
    assert_eq!(status(&taken), ("error", "UNIQUE_VIOLATION"));
    let moved = ann
        .push(&[
            change(("8", "update"), ("client", "c1"), Some(1), json!({"email": "b@x"})),
            change(("9", "update"), ("client", "c3"), Some(1), json!({"email": "a@x"})),
        ])
        .await;
    assert!(moved.iter().all(|answer| status(answer) == OK), "what was let go in the same batch is free: {moved:?}");
    assert_eq!(status(&ann.one(delete("10", ("client", "c3"), 2)).await), OK);
    assert_eq!(status(&ann.one(create("11", ("client", "c5"), json!({"email": "a@x"}))).await), OK, "and so is a deleted one's");
    let back = ann.one(change(("12", "create"), ("client", "c3"), Some(3), json!({"id": "c3", "email": "a@x"}))).await;
    assert_eq!(status(&back), ("error", "UNIQUE_VIOLATION"), "also against a record that comes back");
}

// CON-2, scenario 38
async fn scenario_38_two_at_once_with_the_same_mail(world: World) {
    let users: Vec<String> = (0..8).map(|at| format!("user{at}")).collect();
    for user in &users {
        Client::new(&world, user, "t").await;
    }
    let world = Arc::new(world);
    let tasks: Vec<_> = users
        .into_iter()
        .map(|user| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let op = create(&format!("op-{user}"), ("client", &format!("id-{user}")), json!({"email": "same@x"}));
                let reply = world.post(PUSH, &token(&world, &user, "t"), &push(&format!("{user}-t"), 1, &[op])).await;
                status(&reply.json()["processed"][0]) == OK
            })
        })
        .collect();
    let mut accepted = 0;
    for task in tasks {
        accepted += u32::from(task.await.unwrap());
    }
    assert_eq!(accepted, 1);
}

// CON-2, I15
async fn scenario_38_a_rival_that_one_may_not_see_is_not_named(world: World) {
    let (ann, bob) = (Client::new(&world, "ann", "t").await, Client::new(&world, "bob", "t").await);
    ann.one(create("1", ("note", "hers"), json!({"owner": "ann", "slug": "s"}))).await;
    let answer = bob.one(create("2", ("note", "his"), json!({"owner": "bob", "slug": "s"}))).await;
    assert_eq!(answer["error"]["detail"], json!({"field": "slug"}));
    let answer = ann.one(create("3", ("note", "hers2"), json!({"owner": "ann", "slug": "s"}))).await;
    assert_eq!(answer["error"]["detail"]["rival"]["entity_id"], "hers");
}

// I15
async fn scenario_38_the_same_ids_in_another_tenant_reveal_nothing(world: World) {
    let (here, there) = (Client::new(&world, "ann", "t").await, Client::new(&world, "ann", "u").await);
    let (client, pet) = (temp(1, "client"), temp(2, "pet"));
    let batch = [
        create("1", ("client", "c"), json!({"email": "a@x"})),
        create("2", ("client", &client), json!({})),
        create("3", ("pet", &pet), json!({"client": client, "chip": 7})),
    ];
    let first = here.push(&batch).await;
    let stranger = there.one(create("0", ("pet", "p"), json!({"client": "c"}))).await;
    let absent = there.one(create("00", ("pet", "p"), json!({"client": "nobody"}))).await;
    assert_eq!(stranger["error"], absent["error"], "what is only there looks like what is nowhere");
    let second = there.push(&batch).await;
    assert!(first.iter().chain(&second).all(|answer| status(answer) == OK), "{second:?}");
    assert_eq!((&second[0]["server_version"], &second[0]["number"]), (&json!(1), &json!(1)));
    assert_ne!(first[1]["entity_id"], second[1]["entity_id"]);
}

// CON-2: an index made under an older declaration is made anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_becomes_unique_is_found_among_what_is_there() {
    let schemas = tempfile::tempdir().unwrap();
    let write = |field: Value| {
        let schema = json!({"app": "clinic", "version": 1, "entities": {"client": {"store": "clients", "fields": {
            "id": {"type": "string"}, "email": field}}}});
        std::fs::write(schemas.path().join("clinic.json"), schema.to_string()).unwrap();
    };
    write(json!({"type": "string"}));
    let data = schemas.path().join("data.db");
    let start = async || {
        World::with(|config| {
            config.schemas = schemas.path().to_owned();
            config.data = Some(data.clone());
        })
        .await
    };
    {
        let world = start().await;
        Client::new(&world, "ann", "t").await.one(create("1", ("client", "a"), json!({"email": "a@x"}))).await;
    }
    write(json!({"type": "string", "unique": true}));
    let world = start().await;
    let ann = Client::new(&world, "bob", "t").await;
    assert_eq!(status(&ann.one(create("2", ("client", "b"), json!({"email": "a@x"}))).await), ("error", "UNIQUE_VIOLATION"));
}
