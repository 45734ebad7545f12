//! What a device must do when records leave and enter its user's scope, with and without work that was not sent.

use crate::bench::{Bench, at, who};
use landfall::authority::Who;
use landfall::error::Code;
use landfall::id::Token;
use landfall::queue::Op;
use landfall::record::digest;
use landfall::schema::{Operation, Schema};
use landfall::store::absorb::{Absorb, Absorbed, Expect};
use landfall::store::act::{Act, Decision};
use landfall::store::recover::Recover;
use landfall::store::rows::SyncRow;
use landfall::store::settle::{Answered, Settle};
use landfall::store::stage::{Size, Stage};
use landfall::store::{Memory, Output, Tx, Write, WriteRequest};
use landfall::time::Millis;
use landfall::wire::{Device, IdRange, PROTOCOL, PullRequest, PushRequest, RemoteChange, Slice, Status, Want};
use serde_json::{Value, json};

/// A technician's device and the ledger; others write straight to the ledger.
struct Field {
    schema: Schema,
    store: Memory,
    ledger: landfall::authority::MemoryLedger,
    now: u64,
    fence: u64,
    token: Option<Token>,
    sync: SyncRow,
    no: u64,
}

fn schema() -> Schema {
    Schema::parse(
        r#"{ "app": "laws", "version": 1, "entities": {
          "job": { "store": "jobs", "merge": "merge", "fields": {
            "id": { "type": "string", "required": true },
            "to": { "type": "string" }, "n": { "type": "string", "required": true } },
            "partition": [{ "name": "mine", "when": [{ "field": "to", "in": ["$user"] }] },
              { "name": "seen", "when": [{ "field": "n", "in": ["public"] }], "fields": ["to"] }] },
          "free": { "store": "frees", "fields": { "id": { "type": "string", "required": true } } } } }"#,
    )
    .expect("the schema")
}

impl Field {
    fn new() -> Self {
        let schema = schema();
        let mut store = Memory::new(&schema);
        let mut ledger = landfall::authority::MemoryLedger::new(landfall::authority::TokenKey([1; 32]), "run".into());
        let (now, entropy) = at(1_000);
        let Ok(Output::Recovered(recovered)) = store.run(&schema, &mut Recover::new(now, entropy).into()) else {
            panic!("recovered")
        };
        let device = Device { device_id: recovered.sync.device_id.clone(), name: String::new() };
        ledger.attach(&who(device.device_id.as_str()), &device, now).expect("attached");
        let boss = Who { user: "boss".into(), ..who("boss") };
        ledger.attach(&boss, &Device { device_id: "boss".into(), name: String::new() }, now).expect("attached");
        let (fence, sync) = (recovered.fence, recovered.sync);
        Self { schema, store, ledger, now: 1_000, fence, token: None, sync, no: 0 }
    }

    fn tx(&mut self, tx: impl Into<Tx>) -> landfall::error::Result<Output> {
        self.now += 10;
        self.store.run(&self.schema, &mut tx.into())
    }

    fn write(&mut self, operation: Operation, id: &str, data: Value) -> landfall::error::Result<Output> {
        let data = data.as_object().cloned().unwrap_or_default();
        let request = WriteRequest { operation, entity: "job".into(), id: Some(id.into()), data, removed: vec![] };
        let write = Write::new(&self.schema, request, "ann", at(self.now))?;
        self.tx(write)
    }

    fn request(&mut self, device: &str, changes: Vec<landfall::wire::Change>) -> PushRequest {
        self.no += 1;
        PushRequest {
            protocol: PROTOCOL,
            device_id: device.into(),
            incarnation: "life".into(),
            request_no: self.no,
            client_time: Millis(self.now).iso(),
            last_sync_at: None,
            sync_token: None,
            mark: None,
            pull: false,
            schema_version: 1,
            want: vec![],
            changes,
        }
    }

    /// Somebody else's change.
    fn boss(&mut self, operation: &str, id: &str, base: u64, data: Value) {
        self.now += 10;
        let change = serde_json::from_value(json!({
            "queue_id": format!("boss-{}", self.now), "operation": operation, "entity_type": "job", "entity_id": id, "data": data,
            "base_version": base, "timestamp": Millis(self.now).iso(), "hlc": format!("{:012x}-0000-boss", self.now),
            "schema_version": 1 }))
        .expect("a change");
        let request = self.request("boss", vec![change]);
        let boss = Who { user: "boss".into(), ..who("boss") };
        let reply = self.ledger.push(&self.schema, &boss, request, Millis(self.now)).expect("answered");
        assert_eq!(reply.processed[0].status, Status::Success, "{:?}", reply.processed);
    }

    fn push(&mut self) -> Vec<landfall::wire::Processed> {
        let stage = Stage::new(self.fence, Size { ops: 9, bytes: 1 << 20 }, Millis(self.now));
        let Ok(Output::Staged(staged)) = self.tx(stage) else { panic!("staged") };
        if staged.batch.is_empty() {
            return Vec::new();
        }
        let device = self.sync.device_id.clone();
        let request = self.request(device.as_str(), staged.batch.iter().map(Op::change).collect());
        let reply = self.ledger.push(&self.schema, &who(device.as_str()), request, Millis(self.now)).expect("answered");
        let items = staged.batch.iter().zip(&reply.processed).map(|(op, answer)| Answered {
            seq: op.seq,
            name: (op.entity_type.clone(), op.entity_id.clone()),
            operation: op.operation,
            answer: answer.clone(),
        });
        let settle = Settle::new(self.fence, items.collect(), Millis(self.now), 10);
        self.tx(settle).expect("settled");
        reply.processed
    }

    fn pull(&mut self) -> Absorbed {
        let mut all = Absorbed::default();
        loop {
            let request = PullRequest {
                protocol: PROTOCOL,
                device_id: self.sync.device_id.clone(),
                sync_token: self.token.clone(),
                mark: None,
                entity_types: vec![],
                tiers: vec![],
                limit: 0,
                schema_version: 1,
                want: vec![],
            };
            let me = who(self.sync.device_id.as_str());
            let reply = self.ledger.pull(&self.schema, &me, request, Millis(self.now));
            for slice in reply.slices {
                let one = self.absorb(slice);
                (all.removed, all.locked, all.taken) =
                    (all.removed + one.removed, all.locked + one.locked, all.taken + one.taken);
            }
            if !reply.has_more {
                return all;
            }
        }
    }

    fn absorb(&mut self, slice: Slice) -> Absorbed {
        let token = slice.token.clone();
        let expect = Expect { fence: self.fence, token: self.token.clone(), has_more: false };
        let absorb = Absorb::new(expect, slice, Millis(self.now));
        let Ok(Output::Absorbed(absorbed)) = self.tx(absorb) else { panic!("absorbed") };
        self.token = Some(token);
        absorbed
    }

    fn job(&self, id: &str) -> Option<Value> {
        self.store.rows("jobs").find(|row| row["id"] == id).cloned()
    }

    fn op(&self, id: &str) -> Value {
        self.store.rows("sync_queue").find(|op| op["entity_id"] == id && op["status"] != "completed").cloned().unwrap_or_default()
    }

    fn act(&mut self, id: &str, decision: Decision) {
        let act = Act::new(&self.schema, ("job".into(), id.into()), decision, at(self.now)).expect("a known entity");
        self.tx(act).expect("decided");
    }

    /// One job of ann's on her device.
    fn with_job() -> Self {
        let mut field = Self::new();
        field.boss("create", "j", 0, json!({ "id": "j", "to": "ann", "n": "1" }));
        field.pull();
        assert_eq!(field.job("j").expect("it came")["n"], "1");
        field
    }
}

// SYN-10, STO-7
#[test]
fn a_clean_record_that_leaves_the_scope_leaves_the_device_and_is_told() {
    let mut field = Field::with_job();
    field.boss("update", "j", 1, json!({ "to": "bob" }));
    let absorbed = field.pull();
    assert_eq!((absorbed.removed, absorbed.locked, field.job("j")), (1, 0, None));
    assert_eq!(absorbed.summary.queued, 0);
}

// Scenario 27, laws 15 and 16, SYN-10
#[test]
fn work_on_a_record_that_left_is_kept_back_until_a_person_decides() {
    let mut field = Field::with_job();
    field.write(Operation::Update, "j", json!({ "n": "mine" })).expect("written");
    field.boss("update", "j", 1, json!({ "to": "bob" }));
    assert_eq!(field.pull().locked, 1);
    let job = field.job("j").expect("it stays");
    assert_eq!((&job["n"], &job["_sync"]["status"]), (&json!("mine"), &json!("locked")));
    assert_eq!((&field.op("j")["status"], &field.op("j")["error"]["code"]), (&json!("failed"), &json!("PERMISSION_DENIED")));
    assert!(field.push().is_empty(), "it is not sent");
    let refused = field.write(Operation::Update, "j", json!({ "n": "more" })).expect_err("refused");
    assert_eq!((refused.code, refused.path.as_str()), (Code::PermissionDenied, "job.j"));
    let head = field.store.rows("metadata").find(|row| row["key"] == "head").expect("the head");
    assert_eq!((&head["queued"], &head["failed"]), (&json!(0), &json!(1)), "and is counted as waiting for a person");
    field.act("j", Decision::Discard);
    assert_eq!(field.job("j"), None, "what is not hers does not stay behind");
    assert_eq!(field.store.rows("base").count(), 0);
}

// Scenario 27, law 16
#[test]
fn work_that_was_kept_back_goes_when_the_record_comes_back() {
    let mut field = Field::with_job();
    field.write(Operation::Update, "j", json!({ "n": "mine" })).expect("written");
    field.boss("update", "j", 1, json!({ "to": "bob" }));
    field.pull();
    field.boss("update", "j", 2, json!({ "to": "ann" }));
    field.pull();
    let job = field.job("j").expect("it is there");
    assert_eq!((&job["_sync"]["status"], &job["n"], &job["to"]), (&json!("pending"), &json!("mine"), &json!("ann")));
    assert_eq!(field.push()[0].status, Status::Success);
    field.pull();
    assert_eq!(field.job("j").expect("it is there")["_sync"]["status"], "synced");
}

// Law 3: what may be with the server already gets its answer there.
#[test]
fn an_op_on_its_way_is_not_held_back() {
    let mut field = Field::with_job();
    field.write(Operation::Update, "j", json!({ "n": "mine" })).expect("written");
    let stage = Stage::new(field.fence, Size { ops: 9, bytes: 1 << 20 }, Millis(field.now));
    field.tx(stage).expect("staged");
    field.boss("update", "j", 1, json!({ "to": "bob" }));
    field.pull();
    assert_eq!(field.op("j")["status"], "syncing");
    let answers = field.push();
    assert_eq!(answers[0].error.as_ref().map(|error| error.code), Some(Code::PermissionDenied), "out of her reach by then");
    let job = field.job("j").expect("it stays");
    assert_eq!((&job["n"], &job["_sync"]["status"]), (&json!("mine"), &json!("locked")));
    field.act("j", Decision::Discard);
    assert_eq!(field.job("j"), None);
}

// STO-7, laws 5 and 11: the same version with other fields.
#[test]
fn a_record_of_which_less_travels_is_what_the_server_says() {
    let mut field = Field::with_job();
    field.boss("update", "j", 1, json!({ "n": "public" }));
    field.pull();
    field.boss("update", "j", 2, json!({ "to": "bob" }));
    let absorbed = field.pull();
    let job = field.job("j").expect("it is still hers to see");
    assert_eq!((absorbed.removed, job.get("n"), &job["to"]), (0, None, &json!("bob")));
}

// A15, law 11
#[test]
fn an_older_version_of_a_record_is_ignored() {
    let mut field = Field::with_job();
    field.boss("update", "j", 1, json!({ "n": "2" }));
    field.pull();
    let data = json!({ "id": "j", "to": "ann", "n": "older" }).as_object().cloned().expect("fields");
    let row = RemoteChange {
        operation: Operation::Update,
        entity_type: "job".into(),
        entity_id: "j".into(),
        digest: digest(&data),
        data,
        server_version: 1,
        number: 9,
        timestamp: Millis(1).iso(),
        changed_by: "mallory".into(),
        stamps: Default::default(),
    };
    let slice = Slice { acks: vec![], removed: vec![], range: None, token: "t".into(), changes: vec![row] };
    assert_eq!(field.absorb(slice).taken, 0);
    assert_eq!(field.job("j").expect("it is there")["n"], "2");
}

// STO-6: what came with an earlier step of a snapshot is named, and stays.
#[test]
fn a_record_that_the_last_step_only_names_stays() {
    let mut field = Field::with_job();
    field.boss("create", "k", 0, json!({ "id": "k", "to": "ann", "n": "1" }));
    field.pull();
    let range = IdRange { entity_type: "job".into(), after: None, through: None, kept: vec!["j".into()] };
    field.absorb(Slice { acks: vec![], changes: vec![], removed: vec![], range: Some(range), token: "t".into() });
    assert!(field.job("j").is_some() && field.job("k").is_none());
}

// Scenario 28, A15
#[test]
fn kinds_of_records_that_this_schema_does_not_know_are_passed_over() {
    let mut field = Field::with_job();
    let unknown = |entity: &str| Want { entity_type: entity.into(), entity_id: "x".into() };
    let row = RemoteChange {
        operation: Operation::Create,
        entity_type: "rocket".into(),
        entity_id: "x".into(),
        data: Default::default(),
        server_version: 1,
        number: 9,
        timestamp: Millis(1).iso(),
        changed_by: String::new(),
        stamps: Default::default(),
        digest: digest(&Default::default()),
    };
    let range = IdRange { entity_type: "rocket".into(), after: None, through: None, kept: vec![] };
    let slice =
        Slice { acks: vec![], changes: vec![row], removed: vec![unknown("rocket")], range: Some(range), token: "t".into() };
    let absorbed = field.absorb(slice);
    assert_eq!((absorbed.unknown, absorbed.removed), (1, 0));
    assert_eq!(field.token, Some("t".into()), "and the cursor goes on");
    // A newer schema has another cursor: it begins a snapshot and has them all.
    let mut bench = Bench::new();
    bench.create("a", "x", json!({}));
    bench.push(9);
    let request = |token: Option<Token>, schema_version: u32| PullRequest {
        protocol: PROTOCOL,
        device_id: "d".into(),
        sync_token: token,
        mark: None,
        entity_types: vec![],
        tiers: vec![],
        limit: 0,
        schema_version,
        want: vec![],
    };
    let old = bench.ledger.pull(&bench.schema, &who("d"), request(None, 1), Millis(1));
    let new = bench.ledger.pull(&bench.schema, &who("d"), request(old.next_sync_token, 2), Millis(1));
    assert_eq!(new.reset, Some(landfall::wire::Reset::Token));
}

// SEC-4: the roles that the last page named hold for what is written with no network.
#[test]
fn a_write_that_the_role_does_not_allow_is_refused_on_the_device() {
    let mut field = Field::new();
    field.schema.roles = serde_json::from_value(json!({
        "tech": { "may": { "job": ["update"] }, "not_fields": ["job.to"] } }))
    .expect("roles");
    let range = IdRange { entity_type: "job".into(), after: None, through: None, kept: vec![] };
    let slice = Slice { acks: vec![], changes: vec![], removed: vec![], range: Some(range), token: "t".into() };
    let expect = Expect { fence: field.fence, token: None, has_more: false };
    let absorb = Absorb::new(expect, slice, Millis(field.now)).of(Some(vec!["tech".into()]));
    field.tx(absorb).expect("absorbed");
    let refused = field.write(Operation::Create, "j", json!({ "n": "1" })).expect_err("refused");
    assert_eq!((refused.code, refused.path.as_str()), (Code::PermissionDenied, "job"));
    let refused = field.write(Operation::Update, "j", json!({ "to": "bob" })).expect_err("refused");
    assert_eq!(refused.code, Code::PermissionDenied);
    assert_eq!(field.store.rows("sync_queue").count(), 0);
}
