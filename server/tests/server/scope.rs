//! Scope on every ledger: what a user gets, what follows, what leaves, and what nobody learns of the rest. The tests speak
//! HTTP and run over the ledger in memory and the one in SQLite.

use crate::world::{World, post, rows};
use axum::body::Body;
use axum::http::StatusCode;
use landfall_server::auth::Identity;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const PUSH: &str = "/field/api/v1/sync/push";
const PULL: &str = "/field/api/v1/sync/pull";
const SCOPE: &str = "/field/api/v1/sync/scope";

conformance! {
    a_user_gets_what_the_rules_say_and_what_follows_from_it
    what_leaves_is_taken_away_and_is_no_tombstone
    time_takes_a_record_away_without_anybody_writing
    a_bucket_gained_or_lost_travels_alone
    picks_and_entities_not_wanted_are_the_devices_own
    records_out_of_scope_look_like_absent_ones
    fields_and_entities_that_a_role_does_not_see_never_travel
    a_reader_misses_nothing_of_what_enters_its_bucket_while_it_pulls
    a_part_is_pulled_without_moving_the_whole
}

/// A person with a device of their own name.
struct Person {
    name: &'static str,
    roles: Vec<&'static str>,
    sites: Vec<&'static str>,
    cursor: Value,
    no: u64,
    holds: BTreeMap<String, Value>,
}

impl Person {
    fn new(name: &'static str, role: &'static str) -> Self {
        Self { name, roles: vec![role], sites: vec![], cursor: Value::Null, no: 0, holds: BTreeMap::new() }
    }

    fn token(&self, world: &World) -> String {
        let identity = Identity {
            user: self.name.into(),
            tenant: "t".into(),
            app: "field".into(),
            roles: self.roles.iter().map(|role| (*role).to_owned()).collect(),
            lists: BTreeMap::from([("sites".to_owned(), self.sites.iter().map(|site| json!(site)).collect())]),
        };
        world.server.keys().mint(&identity, world.now()).unwrap()
    }

    async fn send(&self, world: &World, path: &str, body: Value) -> Value {
        let token = self.token(world);
        let device = json!({"device_id": self.name});
        let known = world.send(post("/field/api/v1/sync/devices", &token).body(Body::from(device.to_string())).unwrap()).await;
        assert_eq!(known.status, StatusCode::OK);
        let reply = world.send(post(path, &token).body(Body::from(body.to_string())).unwrap()).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.json());
        reply.json()
    }

    async fn push(&mut self, world: &World, changes: &[Value]) -> Value {
        self.no += 1;
        let body = json!({
            "protocol": 1, "device_id": self.name, "incarnation": "life", "request_no": self.no,
            "client_time": world.now().iso(), "schema_version": 1, "changes": changes });
        self.send(world, PUSH, body).await
    }

    async fn put(&mut self, world: &World, (entity, id): (&str, &str), data: Value) {
        let answer = self.push(world, &[create(entity, id, data)]).await;
        assert_eq!(answer["success"], true, "{answer}");
    }

    async fn set(&mut self, world: &World, (entity, id, base): (&str, &str, u64), data: Value) -> Value {
        let mut change = create(entity, id, data);
        change["operation"] = json!("update");
        change["base_version"] = json!(base);
        change["hlc"] = json!(format!("019a62f0dd00-{:04x}-d1", self.no + 1));
        change["data"].as_object_mut().unwrap().remove("id");
        change["queue_id"] = json!(format!("{}-{}-{}", self.name, self.no, id));
        self.push(world, &[change]).await
    }

    /// Pulls until there is no more; the pages.
    async fn pull(&mut self, world: &World, limit: u32) -> Vec<Value> {
        let mut pages = Vec::new();
        loop {
            let body =
                json!({"protocol": 1, "device_id": self.name, "schema_version": 1, "limit": limit, "sync_token": self.cursor});
            let page = self.send(world, PULL, body).await;
            assert_eq!(page.get("reset"), None);
            self.take(&page);
            self.cursor = page["next_sync_token"].clone();
            pages.push(page.clone());
            if page["has_more"] == false {
                return pages;
            }
        }
    }

    fn take(&mut self, page: &Value) {
        for slice in page["slices"].as_array().unwrap() {
            if let Some(range) = slice["range"].as_object() {
                let prefix = format!("{}/", range["entity_type"].as_str().unwrap());
                let after = range["after"].as_str().map(str::to_owned);
                let through = range["through"].as_str().map(str::to_owned);
                self.holds.retain(|name, _| {
                    let Some(id) = name.strip_prefix(&prefix) else { return true };
                    let listed = |row: &Value| row["entity_id"] == id;
                    after.as_deref().is_some_and(|after| id <= after)
                        || through.as_deref().is_some_and(|through| id > through)
                        || slice["changes"].as_array().unwrap().iter().any(listed)
                        || range.get("kept").and_then(Value::as_array).is_some_and(|kept| kept.iter().any(|one| one == id))
                });
            }
            for row in slice["changes"].as_array().unwrap() {
                let name = format!("{}/{}", row["entity_type"].as_str().unwrap(), row["entity_id"].as_str().unwrap());
                if row["operation"] == "delete" {
                    self.holds.remove(&name)
                } else {
                    self.holds.insert(name, row["data"].clone())
                };
            }
            for gone in slice["removed"].as_array().unwrap_or(&vec![]) {
                self.holds.remove(&format!("{}/{}", gone["entity_type"].as_str().unwrap(), gone["entity_id"].as_str().unwrap()));
            }
        }
    }

    fn names(&self) -> Vec<&str> {
        self.holds.keys().map(String::as_str).collect()
    }
}

fn create(entity: &str, id: &str, mut data: Value) -> Value {
    data["id"] = json!(id);
    json!({
        "queue_id": format!("op-{entity}-{id}"), "operation": "create", "entity_type": entity, "entity_id": id, "data": data,
        "base_version": null, "local_version": 1, "timestamp": "2025-11-08T10:00:00.000Z", "hlc": "019a62f0dd00-0000-d1",
        "schema_version": 1 })
}

fn removed(pages: &[Value]) -> Vec<&Value> {
    let slices = pages.iter().flat_map(|page| page["slices"].as_array().unwrap());
    slices.filter_map(|slice| slice["removed"].as_array()).flatten().map(|gone| &gone["entity_id"]).collect()
}

fn sent(pages: &[Value]) -> Vec<Value> {
    pages.iter().flat_map(rows).map(|row| row["entity_id"].clone()).collect()
}

async fn two(world: &World) -> (Person, Person) {
    let (mut boss, ann) = (Person::new("boss", "boss"), Person::new("ann", "tech"));
    let now = world.now().0;
    boss.put(world, ("plant", "p1"), json!({"name": "pump"})).await;
    boss.put(world, ("plant", "p2"), json!({"name": "fan"})).await;
    boss.put(world, ("job", "j1"), json!({"to": "ann", "at": now, "plant": "p1", "cost": 7})).await;
    boss.put(world, ("job", "j2"), json!({"to": "bob", "at": now, "plant": "p2", "cost": 7})).await;
    boss.put(world, ("stock", "s1"), json!({"site": "n", "secret": "S"})).await;
    boss.put(world, ("note", "n1"), json!({"title": "all may read it"})).await;
    boss.put(world, ("wage", "w1"), json!({"sum": 1})).await;
    (boss, ann)
}

// STO-7, D2.3
async fn a_user_gets_what_the_rules_say_and_what_follows_from_it(world: World) {
    let (mut boss, mut ann) = two(&world).await;
    ann.pull(&world, 0).await;
    assert_eq!(ann.names(), ["job/j1", "note/n1", "plant/p1"]);
    boss.pull(&world, 2).await;
    assert_eq!(boss.names().len(), 7, "{:?}", boss.names());
    // What follows goes along, both ways.
    boss.set(&world, ("job", "j2", 1), json!({"to": "ann"})).await;
    ann.pull(&world, 0).await;
    assert_eq!(ann.names(), ["job/j1", "job/j2", "note/n1", "plant/p1", "plant/p2"]);
    boss.set(&world, ("job", "j1", 1), json!({"plant": "p2"})).await;
    let pages = ann.pull(&world, 0).await;
    assert_eq!((ann.names(), removed(&pages)), (vec!["job/j1", "job/j2", "note/n1", "plant/p2"], vec![&json!("p1")]));
}

// SYN-10
async fn what_leaves_is_taken_away_and_is_no_tombstone(world: World) {
    let (mut boss, mut ann) = two(&world).await;
    ann.pull(&world, 0).await;
    boss.set(&world, ("job", "j1", 1), json!({"to": "bob"})).await;
    let pages = ann.pull(&world, 0).await;
    assert_eq!((sent(&pages), removed(&pages)), (vec![], vec![&json!("j1"), &json!("p1")]));
    assert_eq!(ann.names(), ["note/n1"]);
    // One of ann's own that is not hers either leaves with its acknowledgement.
    ann.put(&world, ("job", "mine"), json!({"to": "bob"})).await;
    assert_eq!(removed(&ann.pull(&world, 0).await), [&json!("mine")]);
    // Back again, it comes whole.
    boss.set(&world, ("job", "j1", 2), json!({"to": "ann"})).await;
    ann.pull(&world, 0).await;
    assert_eq!(ann.names(), ["job/j1", "note/n1", "plant/p1"]);
}

// STO-7
async fn time_takes_a_record_away_without_anybody_writing(world: World) {
    let (_, mut ann) = two(&world).await;
    ann.pull(&world, 0).await;
    world.pass(1_000_000);
    assert_eq!(removed(&ann.pull(&world, 0).await), Vec::<&Value>::new(), "the last moment");
    world.pass(1);
    assert_eq!(removed(&ann.pull(&world, 0).await), [&json!("j1"), &json!("p1")]);
    assert!(removed(&ann.pull(&world, 0).await).is_empty(), "once");
}

// STO-7, law 12: a gained scope is a snapshot of that bucket only.
async fn a_bucket_gained_or_lost_travels_alone(world: World) {
    let (mut boss, mut ann) = two(&world).await;
    for n in 0..40 {
        boss.put(&world, ("stock", &format!("t{n:02}")), json!({"site": "s", "secret": "S"})).await;
    }
    ann.pull(&world, 0).await;
    ann.sites = vec!["s"];
    let pages = ann.pull(&world, 7).await;
    let came = sent(&pages);
    assert_eq!((came.len(), came.iter().map(Value::to_string).collect::<BTreeSet<_>>().len()), (40, 40));
    assert_eq!(ann.holds["stock/t00"], json!({"id": "t00", "site": "s"}), "only the fields that travel");
    ann.sites = vec!["n"];
    let pages = ann.pull(&world, 7).await;
    assert_eq!((sent(&pages), removed(&pages).len()), (vec![json!("s1")], 40));
    assert_eq!(ann.names(), ["job/j1", "note/n1", "plant/p1", "stock/s1"]);
    let pages = ann.pull(&world, 7).await;
    assert_eq!((sent(&pages).len(), removed(&pages).len()), (0, 0));
}

// STO-7, B5
async fn picks_and_entities_not_wanted_are_the_devices_own(world: World) {
    let (mut boss, mut ann) = two(&world).await;
    ann.pull(&world, 0).await;
    let pick = |what: Value, without: Value| json!({"protocol": 1, "device_id": "ann", "selected": what, "deselected": without});
    let j2 = json!([{"entity_type": "job", "entity_id": "j2"}]);
    ann.send(&world, SCOPE, pick(j2.clone(), json!([]))).await;
    ann.pull(&world, 0).await;
    assert_eq!(ann.names(), ["job/j1", "job/j2", "note/n1", "plant/p1", "plant/p2"]);
    boss.set(&world, ("job", "j2", 1), json!({"title": "changed"})).await;
    ann.pull(&world, 0).await;
    assert_eq!(ann.holds["job/j2"]["title"], "changed");
    ann.send(&world, SCOPE, pick(j2, json!(["note", "plant"]))).await;
    ann.pull(&world, 0).await;
    assert_eq!(ann.names(), ["job/j1", "job/j2"]);
    ann.send(&world, SCOPE, pick(json!([]), json!([]))).await;
    ann.pull(&world, 0).await;
    assert_eq!(ann.names(), ["job/j1", "note/n1", "plant/p1"]);
    let eve = Person::new("eve", "tech");
    let body = json!({"protocol": 1, "device_id": "ann", "selected": []});
    eve.send(&world, PULL, json!({"protocol": 1, "device_id": "eve", "schema_version": 1})).await;
    let reply = world.send(post(SCOPE, &eve.token(&world)).body(Body::from(body.to_string())).unwrap()).await;
    assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::FORBIDDEN, "PERMISSION_DENIED"));
}

// A8, A7, scenario 27
async fn records_out_of_scope_look_like_absent_ones(world: World) {
    let (_, mut ann) = two(&world).await;
    ann.pull(&world, 0).await;
    let foreign = ann.set(&world, ("job", "j2", 1), json!({"title": "x"})).await;
    let absent = ann.set(&world, ("job", "zz", 1), json!({"title": "x"})).await;
    let blank = |value: &Value| {
        value["processed"].to_string().replace("j2", "?").replace("zz", "?").replace("ann-1", "").replace("ann-0", "")
    };
    assert_eq!(blank(&foreign), blank(&absent));
    assert_eq!(foreign["processed"][0]["error"]["code"], "NOT_FOUND");
    let want = json!([{"entity_type": "job", "entity_id": "j2"}, {"entity_type": "job", "entity_id": "zz"}]);
    let body = json!({"protocol": 1, "device_id": "ann", "schema_version": 1, "sync_token": ann.cursor, "want": want});
    let page = ann.send(&world, PULL, body).await;
    assert_eq!((rows(&page).len(), page["slices"][0]["removed"].clone()), (0, want));
    // The cursor of another scope, and one from the future of this one, bring no data.
    let other = Person::new("bob", "tech");
    let body = json!({"protocol": 1, "device_id": "bob", "schema_version": 1, "sync_token": ann.cursor});
    let page = other.send(&world, PULL, body).await;
    assert_eq!((&page["reset"], rows(&page).len()), (&json!("token"), 0), "A5");
}

// SEC-4
async fn fields_and_entities_that_a_role_does_not_see_never_travel(world: World) {
    let (_, mut ann) = two(&world).await;
    let pages = ann.pull(&world, 0).await;
    let told = json!(pages).to_string();
    assert!(!told.contains("cost") && !told.contains("wage\",\"entity_id"), "{told}");
    assert_eq!(pages[0]["roles"], json!(["tech"]));
    let refused = ann.set(&world, ("job", "j1", 1), json!({"cost": 1})).await;
    let error = &refused["processed"][0]["error"];
    assert_eq!((&error["code"], &error["path"]), (&json!("PERMISSION_DENIED"), &json!("job.cost")));
    let merged = ann.set(&world, ("job", "j1", 1), json!({"title": "hers"})).await;
    assert!(!merged.to_string().contains("cost"), "{merged}");
    // Another role: the same records come again, whole; and back.
    ann.roles = vec!["boss"];
    ann.pull(&world, 3).await;
    assert_eq!((&ann.holds["job/j1"]["cost"], ann.names().len()), (&json!(7), 7));
    ann.roles = vec!["nobody"];
    ann.pull(&world, 3).await;
    assert!(ann.names().is_empty(), "{:?}", ann.names());
}

// SRV-5, I12, law 12
async fn a_reader_misses_nothing_of_what_enters_its_bucket_while_it_pulls(world: World) {
    const WRITERS: usize = 4;
    const PUSHES: usize = 40;
    let now = world.now().0;
    let world = Arc::new(world);
    let mut reader = Person::new("ann", "tech");
    reader.pull(&world, 0).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let names = ["w0", "w1", "w2", "w3"];
                let mut person = Person::new(names[writer], "boss");
                for no in 0..PUSHES {
                    let id = format!("{writer}-{no}");
                    let plant = create("plant", &format!("p{id}"), json!({}));
                    let mine = create("job", &id, json!({"to": "ann", "at": now, "plant": format!("p{id}")}));
                    let other = create("job", &format!("x{id}"), json!({"to": "bob", "at": now}));
                    let answer = person.push(&world, &[plant, other, mine]).await;
                    assert_eq!(answer["success"], true, "{answer}");
                    if no % 4 == 0 {
                        person.set(&world, ("job", &id, 1), json!({"to": "bob"})).await;
                    }
                }
            })
        })
        .collect();
    loop {
        let done = writers.iter().all(|writer| writer.is_finished());
        reader.pull(&world, 9).await;
        if done {
            break;
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let kept = WRITERS * PUSHES * 3 / 4;
    let jobs = reader.names().iter().filter(|name| name.starts_with("job/")).count();
    assert_eq!((jobs, reader.names().len()), (kept, 2 * kept), "each job and its plant");
}

// SYN-3
async fn a_part_is_pulled_without_moving_the_whole(world: World) {
    let (mut boss, mut ann) = two(&world).await;
    ann.pull(&world, 0).await;
    boss.put(&world, ("note", "n2"), json!({})).await;
    boss.set(&world, ("job", "j1", 1), json!({"title": "new"})).await;
    let part = json!({"protocol": 1, "device_id": "ann", "schema_version": 1, "sync_token": ann.cursor, "entity_types": ["job"]});
    let page = ann.send(&world, PULL, part.clone()).await;
    assert_eq!(sent(std::slice::from_ref(&page)), [json!("j1")]);
    // Its own token goes on there, and is of no use for anything else.
    let mut again = part.clone();
    again["sync_token"] = page["next_sync_token"].clone();
    assert!(sent(&[ann.send(&world, PULL, again.clone()).await]).is_empty());
    again["entity_types"] = json!([]);
    assert_eq!(ann.send(&world, PULL, again).await["reset"], "token");
    assert_eq!(sent(&ann.pull(&world, 0).await), [json!("n2"), json!("j1")]);
    // From nothing, a part is a snapshot of it.
    let mut fresh = part;
    fresh["sync_token"] = Value::Null;
    let page = ann.send(&world, PULL, fresh).await;
    assert_eq!(sent(&[page]), [json!("j1")]);
}
