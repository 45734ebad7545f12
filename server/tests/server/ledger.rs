//! What every ledger has to do, run over the one in memory and the one in SQLite. The tests speak HTTP, so that a third
//! ledger is finished when it passes them.

use crate::world::{DEVICES, PULL, PUSH, World, caught_up, create, delete, push, rows, update};
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

conformance! {
    an_op_is_applied_once_and_answered_for_ever
    the_same_push_many_times_at_once_has_one_effect
    an_op_id_with_other_content_is_refused
    an_op_belongs_to_a_user_and_a_tenant
    a_device_belongs_to_one_user
    a_used_request_number_is_another_life
    foreign_ids_look_like_absent_ones
    what_the_server_owns_cannot_be_forged
    a_snapshot_goes_by_utf16_units_and_resumes_anywhere
    forged_cursors_begin_again_without_data
    wanted_rows_come_by_name
    a_push_brings_the_first_page_and_the_acks_of_its_own_ops
    a_user_has_a_limited_number_of_devices
    a_reader_misses_nothing_of_what_eight_writers_commit
    a_refused_op_leaves_no_trace_and_a_group_is_whole
}

async fn pushed(world: &World, user: &str, body: &Value) -> Value {
    world.pushed(&world.token(user, "t"), body).await
}

fn status(answer: &Value, at: usize) -> (&str, &str) {
    let op = &answer["processed"][at];
    (op["status"].as_str().unwrap(), op["error"]["code"].as_str().unwrap_or_default())
}

async fn all(world: &World, user: &str, tenant: &str) -> Vec<Value> {
    let (mut found, mut token) = (Vec::new(), Value::Null);
    loop {
        let page = world.page(&world.token(user, tenant), &format!("{user}-reader"), &token).await;
        found.extend(rows(&page));
        token = page["next_sync_token"].clone();
        if page["has_more"] == false {
            return found;
        }
    }
}

// scenarios 2, 3, 7; SRV-1
async fn an_op_is_applied_once_and_answered_for_ever(world: World) {
    let body = push("d1", 1, &[create("op1", "a"), update("op2", "a", 1, "two")]);
    let first = pushed(&world, "ann", &body).await;
    assert_eq!((status(&first, 0), status(&first, 1)), (("success", ""), ("success", "")));
    let again = pushed(&world, "ann", &body).await;
    assert_eq!(again["processed"], first["processed"], "the same request");
    world.pass(24 * 3_600_000);
    let later = pushed(&world, "ann", &push("d1", 2, &[create("op1", "a"), update("op2", "a", 1, "two")])).await;
    assert_eq!(later["processed"], first["processed"], "the same ops in another request, a day later");
    let rows = all(&world, "ann", "t").await;
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0]["server_version"], &rows[0]["data"]["title"]), (&json!(2), &json!("two")));
}

// scenario 7
async fn the_same_push_many_times_at_once_has_one_effect(world: World) {
    world.register(&world.token("ann", "t"), "d1").await;
    let world = Arc::new(world);
    let body = push("d1", 1, &[create("op1", "a"), create("op2", "b")]);
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (world, body) = (Arc::clone(&world), body.clone());
            tokio::spawn(async move { pushed(&world, "ann", &body).await })
        })
        .collect();
    let mut answers = BTreeSet::new();
    for task in tasks {
        answers.insert(task.await.unwrap()["processed"].to_string());
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    let rows = all(&world, "ann", "t").await;
    let versions: Vec<_> = rows.iter().map(|row| (&row["server_version"], &row["number"])).collect();
    assert_eq!(versions, [(&json!(1), &json!(1)), (&json!(1), &json!(2))]);
}

// A4
async fn an_op_id_with_other_content_is_refused(world: World) {
    pushed(&world, "ann", &push("d1", 1, &[create("op1", "a")])).await;
    let mut other = create("op1", "a");
    other["data"]["title"] = json!("another");
    let answer = pushed(&world, "ann", &push("d1", 2, &[other, create("op2", "b")])).await;
    assert_eq!((status(&answer, 0), status(&answer, 1)), (("error", "OP_REUSED"), ("success", "")));
    let kept = pushed(&world, "ann", &push("d1", 3, &[create("op1", "a")])).await;
    assert_eq!(status(&kept, 0), ("success", ""), "the first answer stays as it was");
    assert_eq!(all(&world, "ann", "t").await[0]["data"]["title"], "one");
}

// A4
async fn an_op_belongs_to_a_user_and_a_tenant(world: World) {
    let first = pushed(&world, "ann", &push("d1", 1, &[create("op1", "a")])).await;
    let tablet = pushed(&world, "ann", &push("d2", 1, &[create("op1", "a")])).await;
    assert_eq!(tablet["processed"], first["processed"], "another device of the same user");
    let bob = pushed(&world, "bob", &push("d3", 1, &[create("op1", "a")])).await;
    assert_eq!(status(&bob, 0), ("error", "PERMISSION_DENIED"), "another user");
    assert!(!bob.to_string().contains("server_version\":1"), "and is told nothing of the answer");
    let reply = world.pushed(&world.token("ann", "u"), &push("d1", 1, &[create("op1", "a")])).await;
    assert_eq!(status(&reply, 0), ("success", ""), "another tenant is another world");
    assert_eq!((all(&world, "ann", "t").await.len(), all(&world, "ann", "u").await.len()), (1, 1));
}

// A8, scenario 27
async fn a_device_belongs_to_one_user(world: World) {
    pushed(&world, "ann", &push("d1", 1, &[create("op1", "a")])).await;
    let bob = world.token("bob", "t");
    let device = json!({"device_id": "d1", "name": "a phone"});
    for reply in [
        world.post(PUSH, &bob, &push("d1", 2, &[create("op2", "b")])).await,
        world.post(PULL, &bob, &crate::world::pull("d1")).await,
        world.post(DEVICES, &bob, &device).await,
    ] {
        assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::FORBIDDEN, "PERMISSION_DENIED"));
    }
    let reply = world.post(DEVICES, &world.token("ann", "t"), &device).await;
    assert_eq!((reply.status, &reply.json()["device_id"]), (StatusCode::OK, &json!("d1")));
    assert_eq!(all(&world, "ann", "t").await.len(), 1);
}

// scenario 23
async fn a_used_request_number_is_another_life(world: World) {
    let fifth = push("d1", 5, &[create("op1", "a")]);
    pushed(&world, "ann", &fifth).await;
    let token = world.token("ann", "t");
    for body in [push("d1", 4, &[create("op2", "b")]), push("d1", 5, &[create("op2", "b")])] {
        let reply = world.post(PUSH, &token, &body).await;
        assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::CONFLICT, "STALE_INCARNATION"));
    }
    pushed(&world, "ann", &fifth).await;
    let mut life = push("d1", 1, &[create("op2", "b")]);
    life["incarnation"] = json!("another life");
    assert_eq!(status(&pushed(&world, "ann", &life).await, 0), ("success", ""));
    assert_eq!(all(&world, "ann", "t").await.len(), 2);
}

// A8
async fn foreign_ids_look_like_absent_ones(world: World) {
    world.pushed(&world.token("eve", "u"), &push("d9", 1, &[create("op1", "theirs")])).await;
    let answer = pushed(&world, "ann", &push("d1", 1, &[update("op2", "theirs", 1, "x"), delete("op3", "theirs", 1)])).await;
    let absent = pushed(&world, "ann", &push("d1", 2, &[update("op4", "nobody", 1, "x"), delete("op5", "nobody", 1)])).await;
    let blank = |value: &Value| {
        let text = value["processed"].to_string();
        ["op2", "op3", "op4", "op5", "theirs", "nobody"].iter().fold(text, |text, name| text.replace(name, "?"))
    };
    assert_eq!(blank(&answer), blank(&absent));
    let mut want = crate::world::pull("d1");
    want["want"] = json!([{"entity_type": "note", "entity_id": "theirs"}]);
    let reply = world.post(PULL, &world.token("ann", "t"), &want).await;
    assert!(!reply.json().to_string().contains("one"), "{}", reply.json());
    assert_eq!(all(&world, "eve", "u").await[0]["data"]["title"], "one");
}

// A7
async fn what_the_server_owns_cannot_be_forged(world: World) {
    let mut body = push("d1", 1, &[create("op1", "a")]);
    for (name, value) in [("tenant", json!("u")), ("user", json!("root")), ("server_time", json!("2000-01-01T00:00:00Z"))] {
        body[name] = value.clone();
        body["changes"][0][name] = value;
    }
    for (name, value) in
        [("server_version", json!(99)), ("number", json!(99)), ("deleted", json!(true)), ("changed_by", json!("root"))]
    {
        body["changes"][0][name] = value;
    }
    assert_eq!(status(&pushed(&world, "ann", &body).await, 0), ("success", ""));
    let rows = all(&world, "ann", "t").await;
    let row = &rows[0];
    assert_eq!((&row["server_version"], &row["number"], &row["changed_by"]), (&json!(1), &json!(1), &json!("ann")));
    assert_eq!((&row["operation"], &row["timestamp"]), (&json!("create"), &json!("2025-11-08T10:00:00.000Z")));
    assert!(all(&world, "ann", "u").await.is_empty());
    let mut field = create("op2", "b");
    field["data"]["_sync"] = json!({"version": 99});
    let answer = pushed(&world, "ann", &push("d1", 2, &[field])).await;
    assert_eq!(status(&answer, 0), ("error", "VALIDATION_ERROR"), "a field that no application may declare: {answer}");
}

// law 11, scenario 4
async fn a_snapshot_goes_by_utf16_units_and_resumes_anywhere(world: World) {
    let mut ids: Vec<String> = (0..150).map(|n| format!("id{:03}", n * 7 % 150)).collect();
    ids.extend(["\u{1f600}", "\u{e000}", "\u{ffff}", "\u{10ffff}", "é", "Z", "~"].map(String::from));
    let ops: Vec<Value> = ids.iter().enumerate().map(|(n, id)| create(&format!("op{n}"), id)).collect();
    let answer = pushed(&world, "ann", &push("d1", 1, &ops)).await;
    assert_eq!(answer["success"], true, "{answer}");
    ids.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
    let token = world.token("bob", "t");
    let whole = world.page(&token, "d2", &Value::Null).await;
    let mut seen: Vec<String> = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let page = world.page_of(&token, "d2", (&cursor, 20)).await;
        seen.extend(rows(&page).iter().map(|row| row["entity_id"].as_str().unwrap().to_owned()));
        cursor = page["next_sync_token"].clone();
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(seen, ids);
    // Every slice's token is a place to go on from.
    let slices = whole["slices"].as_array().unwrap();
    assert!(slices.len() > 4, "157 rows are several slices");
    let after_two: usize = slices[..2].iter().map(|slice| slice["changes"].as_array().unwrap().len()).sum();
    let rest = world.page(&token, "d2", &slices[1]["token"]).await;
    assert_eq!(rows(&rest)[0]["entity_id"], json!(ids[after_two]));
}

// A5
async fn forged_cursors_begin_again_without_data(world: World) {
    pushed(&world, "ann", &push("d1", 1, &[create("op1", "a")])).await;
    world.pushed(&world.token("eve", "u"), &push("d9", 1, &[create("op1", "theirs")])).await;
    let token = world.token("ann", "t");
    let page = world.page(&token, "d1", &Value::Null).await;
    let good = page["next_sync_token"].as_str().unwrap().to_owned();
    assert_eq!(world.page(&token, "d1", &json!(good)).await.get("reset"), None);
    let theirs = world.page(&world.token("eve", "u"), "d9", &Value::Null).await["next_sync_token"].clone();
    let others = world.page(&world.token("bob", "t"), "d2", &Value::Null).await["next_sync_token"].clone();
    let mut forged = vec![theirs, others, json!(""), json!("AAAA"), json!("x".repeat(10_000)), json!("\u{1f600}")];
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        forged.push(json!(String::from_utf8(bytes).unwrap()));
    }
    for cursor in forged {
        let page = world.page(&token, "d1", &cursor).await;
        assert_eq!((&page["reset"], rows(&page).len()), (&json!("token"), 0), "{cursor}");
    }
}

async fn wanted_rows_come_by_name(world: World) {
    pushed(&world, "ann", &push("d1", 1, &[create("op1", "a"), create("op2", "b")])).await;
    let token = world.token("ann", "t");
    let cursor = world.page(&token, "d1", &Value::Null).await["next_sync_token"].clone();
    let mut body = crate::world::pull("d1");
    body["sync_token"] = cursor;
    body["want"] = json!([{"entity_type": "note", "entity_id": "b"}, {"entity_type": "note", "entity_id": "nobody"}]);
    let reply = world.post(PULL, &token, &body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.json());
    let found: Vec<Value> = rows(&reply.json()).iter().map(|row| row["entity_id"].clone()).collect();
    assert_eq!(found, [json!("b")]);
}

// SYN-2
async fn a_push_brings_the_first_page_and_the_acks_of_its_own_ops(world: World) {
    let token = world.token("ann", "t");
    let cursor = caught_up(&world, &token, "d1").await;
    pushed(&world, "bob", &push("d2", 1, &[create("op0", "theirs")])).await;
    let mut body = push("d1", 1, &[create("op1", "mine")]);
    (body["pull"], body["sync_token"]) = (json!(true), cursor.clone());
    let answer = pushed(&world, "ann", &body).await;
    let ids: Vec<Value> = rows(&answer).iter().map(|row| row["entity_id"].clone()).collect();
    assert_eq!(ids, [json!("theirs"), json!("mine")]);
    let acks: Vec<&Value> =
        answer["slices"].as_array().unwrap().iter().flat_map(|slice| slice["acks"].as_array()).flatten().collect();
    assert_eq!(acks.iter().map(|ack| &ack["queue_id"]).collect::<Vec<_>>(), ["op1"], "its own, not another device's");
    assert_eq!(acks[0]["digest"], answer["processed"][0]["digest"]);
    assert_eq!(answer.get("pull_changes"), None, "our own clients read the slices");

    // Clients of goalflow's specification ask for one list.
    let mut again = push("d1", 2, &[]);
    (again["pull"], again["sync_token"]) = (json!(true), cursor.clone());
    let flat = world.post(&format!("{PUSH}?flat=1"), &token, &again).await.json();
    assert_eq!(flat["pull_changes"].as_array().unwrap(), &rows(&flat));
    let mut pull = crate::world::pull("d1");
    pull["sync_token"] = cursor;
    let flat = world.post(&format!("{PULL}?a=b&flat=1"), &token, &pull).await.json();
    assert_eq!((flat["changes"].as_array().unwrap(), rows(&flat).len()), (&rows(&flat), 2));
    // With nothing new there is nothing to take in, and the cursor stays.
    pull["sync_token"] = flat["next_sync_token"].clone();
    let quiet = world.post(PULL, &token, &pull).await.json();
    assert_eq!((rows(&quiet).len(), &quiet["has_more"]), (0, &json!(false)));
}

// A11, SRV-9
async fn a_user_has_a_limited_number_of_devices(world: World) {
    let ann = world.token("ann", "t");
    let register = |token: String, device: String| {
        let world = &world;
        async move { world.post(DEVICES, &token, &json!({"device_id": device, "name": "one of many"})).await }
    };
    for n in 0..landfall_server::ledger::DEVICES_PER_USER {
        assert_eq!(register(ann.clone(), format!("d{n}")).await.status, StatusCode::OK);
    }
    let reply = register(ann.clone(), "one too many".into()).await;
    assert_eq!((reply.status.as_u16(), reply.problem().as_str()), (507, "QUOTA_EXCEEDED"));
    assert_eq!(register(ann.clone(), "d7".into()).await.status, StatusCode::OK, "a known one is known");
    assert_eq!(register(world.token("bob", "t"), "his".into()).await.status, StatusCode::OK);
    for wrong in ["", "d\n", &"d".repeat(129)] {
        assert_eq!(register(ann.clone(), wrong.into()).await.problem(), "PROTOCOL_ERROR");
    }
}

// SRV-5, I12
async fn a_reader_misses_nothing_of_what_eight_writers_commit(world: World) {
    const WRITERS: usize = 8;
    const PUSHES: usize = 125;
    const OPS: usize = 5;
    let world = Arc::new(world);
    let token = world.token("reader", "t");
    let mut cursor = caught_up(&world, &token, "reader").await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                for no in 0..PUSHES {
                    let name = |op: usize| format!("{writer}-{no}-{op}");
                    let ops: Vec<Value> = (0..OPS).map(|op| create(&format!("op-{}", name(op)), &name(op))).collect();
                    let user = format!("user{writer}");
                    let answer = pushed(&world, &user, &push(&format!("device{writer}"), no as u64 + 1, &ops)).await;
                    assert_eq!(answer["success"], true, "{answer}");
                }
            })
        })
        .collect();
    let (mut seen, mut last) = (BTreeSet::new(), 0);
    let mut empty_after_the_end = false;
    while !empty_after_the_end {
        let done = writers.iter().all(|writer| writer.is_finished());
        let page = world.page(&token, "reader", &cursor).await;
        assert_eq!(page.get("reset"), None);
        let found = rows(&page);
        for row in &found {
            let number = row["number"].as_u64().unwrap();
            assert!(number > last, "{number} after {last}");
            last = number;
            assert!(seen.insert(row["entity_id"].as_str().unwrap().to_owned()), "{row} came twice");
        }
        cursor = page["next_sync_token"].clone();
        empty_after_the_end = done && found.is_empty() && page["has_more"] == false;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!((seen.len(), last), (WRITERS * PUSHES * OPS, (WRITERS * PUSHES * OPS) as u64), "none of 5,000 is missed");
}

// QUE-12, scenarios 31, 35
async fn a_refused_op_leaves_no_trace_and_a_group_is_whole(world: World) {
    let mut wrong = create("op2", "b");
    wrong["data"]["title"] = json!(7);
    let (mut one, mut two, mut three) = (create("op3", "c"), create("op4", "d"), create("op5", "c"));
    for (at, change) in [&mut one, &mut two, &mut three].into_iter().enumerate() {
        change["group"] = json!("g");
        change["data"]["count"] = json!(at);
    }
    let answer = pushed(&world, "ann", &push("d1", 1, &[create("op1", "a"), wrong, one, two, three, create("op6", "e")])).await;
    assert_eq!(
        (status(&answer, 0), status(&answer, 1), status(&answer, 5)),
        (("success", ""), ("error", "VALIDATION_ERROR"), ("success", ""))
    );
    for at in 2..5 {
        assert_eq!(status(&answer, at).0, "error", "the third of the group collides: {answer}");
    }
    let ids: Vec<_> = all(&world, "ann", "t").await.iter().map(|row| (row["entity_id"].clone(), row["number"].clone())).collect();
    assert_eq!(ids, [(json!("a"), json!(1)), (json!("e"), json!(2))], "no row and no number is left of the refused");
}
