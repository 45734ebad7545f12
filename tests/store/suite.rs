//! The store's conformance suite: what every executor of transactions must do, written once. `tests/store/main.rs` holds the
//! reference store to it, `tests/browser` IndexedDB in page and worker. Beside examples it plays random lives of a device,
//! transaction by transaction, on the executor under test and on a second reference store, and compares every row.

use landfall::authority::{MemoryLedger, TokenKey, Who};
use landfall::error::{Code, Result};
use landfall::id::Entropy;
use landfall::schema::{Operation, Schema};
use landfall::store::absorb::{Absorb, Expect};
use landfall::store::act::{Act, Decision};
use landfall::store::note::{Fact, Note};
use landfall::store::query::{Page, Query};
use landfall::store::recover::Recover;
use landfall::store::settle::{Answered, Settle};
use landfall::store::stage::{Size, Stage, Staged};
use landfall::store::{Memory, Output, Range, Read, Rows, Tx, Write, WriteRequest, layout};
use landfall::time::Millis;
use landfall::wire::{Device, PROTOCOL, PullRequest, PushRequest, Slice};
use serde_json::{Value, json};

/// An executor under test, over an empty database of `schema()`.
#[allow(async_fn_in_trait, reason = "the suite is generic; nothing is sent between threads")]
pub trait Database {
    async fn run(&mut self, tx: Tx) -> Result<Output>;
    async fn read(&mut self, read: Read) -> Result<Rows>;
    async fn query(&mut self, query: &Query) -> Result<Page<Value>>;
}

pub fn schema() -> Schema {
    Schema::parse(
        r#"{
          "app": "suite", "version": 1, "sync": { "batch": { "ops": 4, "pull": 6 } },
          "entities": {
            "shelf": { "store": "shelves", "fields": {
                "id": { "type": "string", "required": true }, "name": { "type": "string" } } },
            "book": { "store": "books", "tier": 1, "merge": "merge", "delete_edit": "delete_wins",
              "indexes": [ { "name": "status", "fields": ["status"] }, { "name": "rank", "fields": ["status", "rank"] } ],
              "fields": {
                "id": { "type": "string", "required": true }, "title": { "type": "string", "required": true },
                "status": { "type": "string", "required": true, "enum": ["open", "done", "late"] },
                "rank": { "type": "number", "required": true }, "tags": { "type": "set", "items": { "type": "string" } },
                "read": { "type": "counter" }, "shelf": { "type": "string", "reference": { "entity": "shelf" } },
                "note": { "type": "string", "merge": "manual" } } }
          }
        }"#,
    )
    .expect("the suite's schema")
}

fn at(now: u64) -> (Millis, Entropy) {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&now.to_le_bytes());
    (Millis(now), Entropy::new(seed))
}

fn write(operation: Operation, id: Option<&str>, data: Value, now: u64) -> Tx {
    let data = data.as_object().cloned().unwrap_or_default();
    let request = WriteRequest { operation, entity: "book".into(), id: id.map(str::to_owned), data, removed: Vec::new() };
    Tx::Write(Write::new(&schema(), request, "ann", at(now)).expect("a valid write"))
}

fn book(title: &str, rank: u32) -> Value {
    json!({ "title": title, "status": "open", "rank": rank })
}

async fn all(db: &mut impl Database, store: &str) -> Rows {
    db.read(Read::Range(Range::all(store.to_owned(), u32::MAX))).await.expect("a readable store")
}

/// STO-3, law 1: record, op, base and accounting together.
pub async fn a_write_is_whole(db: &mut impl Database) {
    db.run(write(Operation::Create, Some("a"), book("one", 1), 10)).await.expect("created");
    let (books, ops, heads) = (all(db, "books").await, all(db, "sync_queue").await, all(db, "metadata").await);
    assert_eq!((books.len(), ops.len()), (1, 1));
    assert_eq!(books[0]["_sync"]["status"], "pending");
    assert_eq!(ops[0]["entity_id"], "a");
    assert_eq!(heads[0]["queued"], 1);
    assert_eq!(heads[0]["usage"]["book"], books[0]["_sync"]["bytes"]);
    let again = db.run(write(Operation::Create, Some("a"), book("two", 1), 11)).await;
    assert_eq!(again.expect_err("the id is taken").code, Code::IdCollision);
    let missing = db.run(write(Operation::Update, Some("b"), json!({"rank": 2}), 12)).await;
    assert_eq!(missing.expect_err("there is none").code, Code::NotFound);
    assert_eq!(all(db, "metadata").await, heads, "what was refused changed nothing");
}

/// QUE-5: one op for several edits; nothing for a record the server never heard of.
pub async fn edits_become_one_op(db: &mut impl Database) {
    db.run(write(Operation::Create, Some("a"), book("one", 1), 10)).await.expect("created");
    db.run(write(Operation::Update, Some("a"), json!({"rank": 2}), 11)).await.expect("updated");
    let ops = all(db, "sync_queue").await;
    assert_eq!(ops.len(), 1);
    assert_eq!((&ops[0]["operation"], &ops[0]["data"]["rank"]), (&json!("create"), &json!(2)));
    db.run(write(Operation::Delete, Some("a"), Value::Null, 12)).await.expect("deleted");
    assert!(all(db, "sync_queue").await.is_empty() && all(db, "books").await.is_empty());
}

/// Law 3: once staged, an op keeps its bytes; a later edit is a new op that waits for it.
pub async fn a_frozen_op_is_left_alone(db: &mut impl Database) {
    db.run(write(Operation::Create, Some("a"), book("one", 1), 10)).await.expect("created");
    let staged = lead_and_stage(db).await;
    let sent = staged.batch[0].change();
    db.run(write(Operation::Update, Some("a"), json!({"title": "later"}), 30)).await.expect("updated");
    let again = stage(db, 1).await;
    assert_eq!(again.batch.iter().map(landfall::queue::Op::change).collect::<Vec<_>>(), [sent], "the same bytes go again");
    let ops = all(db, "sync_queue").await;
    assert_eq!((ops.len(), &ops[1]["ready"], &ops[1]["operation"]), (2, &json!(0), &json!("update")));
}

async fn lead_and_stage(db: &mut impl Database) -> Staged {
    let (now, entropy) = at(20);
    db.run(Tx::Recover(Recover::new(now, entropy))).await.expect("recovered");
    stage(db, 1).await
}

async fn stage(db: &mut impl Database, fence: u64) -> Staged {
    match db.run(Tx::Stage(Stage::new(fence, Size { ops: 4, bytes: 1 << 20 }, Millis(21)))).await {
        Ok(Output::Staged(staged)) => staged,
        other => panic!("not staged: {other:?}"),
    }
}

/// Law 4: a holder whose fence was passed changes nothing.
pub async fn an_old_holder_is_fenced_off(db: &mut impl Database) {
    db.run(write(Operation::Create, Some("a"), book("one", 1), 10)).await.expect("created");
    lead_and_stage(db).await;
    let (now, entropy) = at(22);
    db.run(Tx::Recover(Recover::new(now, entropy))).await.expect("recovered");
    let before = all(db, "metadata").await;
    let late = db.run(Tx::Note(Note::new(1, Fact::Finished(0), Millis(23)))).await;
    assert_eq!(late.expect_err("fenced off").code, Code::LockLost);
    assert_eq!(all(db, "metadata").await, before);
}

/// Law 2: a slice is taken only under the token it was asked with.
pub async fn a_stale_page_is_refused(db: &mut impl Database) {
    lead_and_stage(db).await;
    let slice = |token: &str| Slice { acks: vec![], changes: vec![], removed: vec![], range: None, token: token.into() };
    let take = |from: Option<&str>, to: &str| {
        let expect = Expect { fence: 1, token: from.map(Into::into), has_more: false };
        Tx::Absorb(Absorb::new(expect, slice(to), Millis(24)))
    };
    db.run(take(None, "t1")).await.expect("the first slice");
    assert_eq!(db.run(take(None, "t2")).await.expect_err("an old page").code, Code::LockLost);
    db.run(take(Some("t1"), "t2")).await.expect("the next slice");
}

/// STO-2: by index, range, order, limit and cursor.
pub async fn queries(db: &mut impl Database) {
    for (at, (id, status, rank)) in
        [("a", "open", 3), ("b", "done", 1), ("c", "open", 1), ("d", "open", 2), ("\u{1F600}", "late", 2)].iter().enumerate()
    {
        let data = json!({ "title": format!("Title {id}"), "status": status, "rank": rank, "tags": [status] });
        db.run(write(Operation::Create, Some(id), data, 10 + at as u64)).await.expect("created");
    }
    let cases = [
        (json!({}), vec!["a", "b", "c", "d", "\u{1F600}"]),
        (json!({"where": {"status": "open"}}), vec!["a", "c", "d"]),
        (json!({"where": {"status": "open"}, "orderBy": "rank"}), vec!["c", "d", "a"]),
        (json!({"where": {"status": "open"}, "orderBy": "rank", "descending": true}), vec!["a", "d", "c"]),
        (json!({"where": {"status": "open", "rank": {"gte": 2}}}), vec!["a", "d"]),
        (json!({"where": {"status": "open", "rank": {"gt": 1, "lt": 3}}}), vec!["d"]),
        (json!({"where": {"rank": {"lte": 2}}, "orderBy": "rank"}), vec!["b", "c", "d", "\u{1F600}"]),
        (json!({"where": {"status": {"in": ["done", "late"]}}}), vec!["b", "\u{1F600}"]),
        (json!({"where": {"status": {"not": "open"}}, "descending": true}), vec!["\u{1F600}", "b"]),
        (json!({"where": {"title": {"contains": "TITLE C"}}}), vec!["c"]),
        (json!({"where": {"tags": {"contains": "late"}}}), vec!["\u{1F600}"]),
        (json!({"where": {"_sync.status": "pending"}, "orderBy": "title", "limit": 2}), vec!["a", "b"]),
    ];
    for (mut query, expected) in cases {
        query["entity"] = "book".into();
        let query: Query = serde_json::from_value(query).expect("a query");
        let page = db.query(&query).await.expect("answered");
        assert_eq!(ids(&page.rows), expected, "{query:?}");
    }
    for order in [json!(null), json!("rank"), json!("status")] {
        for descending in [false, true] {
            let query: Query =
                serde_json::from_value(json!({"entity": "book", "orderBy": order, "descending": descending})).expect("a query");
            let whole = ids(&db.query(&query).await.expect("answered").rows);
            assert_eq!(paged(db, &query).await, whole, "pages put together are the whole: {query:?}");
        }
    }
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| row["id"].as_str().unwrap_or("").to_owned()).collect()
}

async fn paged(db: &mut impl Database, query: &Query) -> Vec<String> {
    let mut query = Query { limit: Some(2), ..query.clone() };
    let mut out = Vec::new();
    loop {
        let page = db.query(&query).await.expect("answered");
        out.extend(ids(&page.rows));
        match page.cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => return out,
        }
    }
}

/// A random life, the same on the executor under test and on a second reference store.
pub async fn differential(db: &mut impl Database, seed: u64, steps: u32) {
    let mut life = Life::new(seed);
    for _ in 0..steps {
        let tx = life.next();
        let ours = db.run(tx.clone()).await;
        let theirs = life.twin.run(&life.schema, &mut tx.clone());
        assert_eq!(ours, theirs, "seed {seed}, {}", tx.name());
        life.heard(theirs);
    }
    for store in layout::stores(&life.schema) {
        let theirs: Vec<Value> = life.twin.rows(&store.name).cloned().collect();
        assert_eq!(all(db, &store.name).await, theirs, "seed {seed}, store {}", store.name);
    }
}

/// What a device and its server do with each other, chosen at random.
struct Life {
    schema: Schema,
    twin: Memory,
    ledger: MemoryLedger,
    other: u64,
    random: u64,
    now: u64,
    fence: u64,
    staged: Option<Staged>,
    slices: Vec<(Slice, bool)>,
}

impl Life {
    fn new(seed: u64) -> Self {
        let schema = schema();
        let twin = Memory::new(&schema);
        let ledger = MemoryLedger::new(TokenKey([1; 32]), "run".into());
        Self { schema, twin, ledger, other: 0, random: seed, now: 1_000, fence: 0, staged: None, slices: Vec::new() }
    }

    fn draw(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % bound
    }

    fn next(&mut self) -> Tx {
        self.now += 1 + self.draw(50);
        let entropy = at(self.now).1;
        match self.draw(20) {
            _ if self.fence == 0 => Tx::Recover(Recover::new(Millis(self.now), entropy)),
            0 => Tx::Recover(Recover::new(Millis(self.now), entropy)),
            1 => Tx::Stage(Stage::new(self.fence - 1, Size { ops: 4, bytes: 1 << 20 }, Millis(self.now))),
            2..=5 => Tx::Stage(Stage::new(self.fence, Size { ops: 4, bytes: 1 << 20 }, Millis(self.now))),
            6..=9 if self.staged.is_some() => self.settle(),
            10..=12 => self.absorb(),
            13 => self.act(entropy),
            _ => self.write(entropy),
        }
    }

    fn heard(&mut self, output: Result<Output>) {
        match output {
            Ok(Output::Recovered(recovered)) => self.fence = recovered.fence,
            Ok(Output::Staged(staged)) => self.staged = Some(staged).filter(|staged| !staged.batch.is_empty()),
            Ok(Output::Absorbed(absorbed)) if absorbed.rest.is_none() => drop(self.slices.remove(0)),
            _ => {}
        }
    }

    fn some_id(&mut self, store: &str) -> Option<String> {
        let ids: Vec<String> = self.twin.rows(store).filter_map(|row| row["id"].as_str().map(str::to_owned)).collect();
        (!ids.is_empty()).then(|| ids[self.draw(ids.len() as u64) as usize].clone())
    }

    fn write(&mut self, entropy: Entropy) -> Tx {
        let shelf = self.some_id("shelves");
        let (entity, operation, id, data) = match (self.draw(10), self.some_id("books")) {
            (0, _) => ("shelf", Operation::Create, None, json!({ "name": "s" })),
            (1 | 2, _) | (_, None) => {
                let title = format!("t{} \u{1F600}", self.now);
                let mut data = json!({ "title": title, "status": "open", "rank": self.draw(9), "tags": ["x"], "read": 0 });
                if let Some(shelf) = shelf {
                    data["shelf"] = shelf.into();
                }
                ("book", Operation::Create, None, data)
            }
            (3, id) => ("book", Operation::Delete, id, Value::Null),
            (4, id) => ("book", Operation::Update, id, json!({ "note": format!("n{}", self.now) })),
            (5, id) => ("book", Operation::Update, id, json!({ "tags": ["x", format!("{}", self.draw(4))] })),
            (_, id) => ("book", Operation::Update, id, json!({ "rank": self.draw(9), "read": self.draw(5), "status": "done" })),
        };
        let data = data.as_object().cloned().unwrap_or_default();
        let request = WriteRequest { operation, entity: entity.into(), id, data, removed: Vec::new() };
        Tx::Write(Write::new(&self.schema, request, "ann", (Millis(self.now), entropy)).expect("a valid write"))
    }

    fn who(&self, user: &str, device: &str) -> Who {
        Who { tenant: "suite/t".into(), user: user.into(), roles: vec![], device: device.into(), lists: Default::default() }
    }

    fn settle(&mut self) -> Tx {
        let staged = self.staged.take().expect("something is staged");
        let who = self.who("ann", staged.sync.device_id.as_str());
        let device = Device { device_id: staged.sync.device_id.clone(), name: String::new() };
        self.ledger.attach(&who, &device, Millis(self.now)).expect("attached");
        let changes = staged.batch.iter().map(landfall::queue::Op::change).collect();
        let request = self.push(&staged.sync.device_id.0, staged.sync.incarnation.as_str(), (staged.sync.request_no, changes));
        let reply = self.ledger.push(&self.schema, &who, request, Millis(self.now)).expect("answered");
        let answers = staged.batch.iter().zip(reply.processed);
        let items = answers.map(|(op, answer)| Answered {
            seq: op.seq,
            name: (op.entity_type.clone(), op.entity_id.clone()),
            operation: op.operation,
            answer,
        });
        Tx::Settle(Settle::new(self.fence, items.collect(), Millis(self.now), 3))
    }

    fn push(&self, device: &str, incarnation: &str, what: (u64, Vec<landfall::wire::Change>)) -> PushRequest {
        PushRequest {
            protocol: PROTOCOL,
            device_id: device.into(),
            incarnation: incarnation.into(),
            request_no: what.0,
            client_time: Millis(self.now).iso(),
            last_sync_at: None,
            sync_token: None,
            pull: false,
            schema_version: 1,
            want: vec![],
            mark: None,
            changes: what.1,
        }
    }

    /// Somebody else changes something, and a slice of it all comes down.
    fn absorb(&mut self) -> Tx {
        self.stranger();
        let sync = self.twin.rows("metadata").find(|row| row["key"] == "sync").cloned().unwrap_or_default();
        let token = sync["token"].as_str().map(Into::into);
        if self.slices.is_empty() || self.draw(4) == 0 {
            let device = sync["device_id"].as_str().unwrap_or("none").to_owned();
            let request = PullRequest {
                protocol: PROTOCOL,
                device_id: device.as_str().into(),
                sync_token: token.clone(),
                entity_types: vec![],
                tiers: vec![],
                limit: 0,
                schema_version: 1,
                want: vec![],
                mark: None,
            };
            let reply = self.ledger.pull(&self.schema, &self.who("ann", &device), request, Millis(self.now));
            let last = reply.slices.len().saturating_sub(1);
            let more = |at: usize| reply.has_more || at < last;
            self.slices = reply.slices.iter().enumerate().map(|(at, slice)| (slice.clone(), more(at))).collect();
        }
        let Some((slice, has_more)) = self.slices.first().cloned() else { return Tx::Peek(Default::default()) };
        Tx::Absorb(Absorb::new(Expect { fence: self.fence, token, has_more }, slice, Millis(self.now)))
    }

    fn stranger(&mut self) {
        let who = self.who("bob", "b");
        let device = Device { device_id: "b".into(), name: String::new() };
        self.ledger.attach(&who, &device, Millis(self.now)).expect("attached");
        let rows: Vec<_> = self.ledger.rows().filter(|row| row.entity == "book" && !row.deleted).cloned().collect();
        self.other += 1;
        let mut change = json!({
            "queue_id": format!("b{}", self.other), "operation": "create", "entity_type": "book",
            "entity_id": format!("b-{}", self.other),
            "data": { "id": format!("b-{}", self.other), "title": "theirs", "status": "late", "rank": 5 },
            "timestamp": Millis(self.now).iso(),
            "hlc": format!("{:012x}-0000-bob", self.now), "schema_version": 1, "base_version": null
        });
        if !rows.is_empty() && self.draw(3) > 0 {
            let row = &rows[self.draw(rows.len() as u64) as usize];
            change["entity_id"] = row.id.as_str().into();
            change["base_version"] = row.version.into();
            change["operation"] = "update".into();
            change["data"] = json!({ "rank": self.draw(9), "note": format!("bob {}", self.now) });
            change["before"] = Value::Object(
                row.data
                    .iter()
                    .filter(|(name, _)| *name == "rank" || *name == "note")
                    .map(|(n, v)| (n.clone(), v.clone()))
                    .collect(),
            );
        }
        let changes = vec![serde_json::from_value(change).expect("a change")];
        let request = self.push("b", "life", (self.other, changes));
        self.ledger.push(&self.schema, &who, request, Millis(self.now)).expect("answered");
    }

    fn act(&mut self, entropy: Entropy) -> Tx {
        let id = self.some_id("books").unwrap_or_else(|| "none".into());
        let decision = if self.draw(2) == 0 { Decision::Retry } else { Decision::Discard };
        Tx::Act(Act::new(&self.schema, ("book".into(), id), decision, (Millis(self.now), entropy)).expect("a known entity"))
    }
}
