//! One device against the reference ledger, step by step and by hand: each law's test says what happens in which order.

use landfall::authority::{MemoryLedger, TokenKey, Who};
use landfall::error::Result;
use landfall::id::{Entropy, Token};
use landfall::queue::Op;
use landfall::schema::{Operation, Schema};
use landfall::store::absorb::{Absorb, Expect};
use landfall::store::act::{Act, Decision};
use landfall::store::recover::Recover;
use landfall::store::rows::SyncRow;
use landfall::store::settle::{Answered, Settle};
use landfall::store::stage::{Size, Stage, Staged};
use landfall::store::{Memory, Output, Step, Tx, Write, WriteRequest};
use landfall::time::Millis;
use landfall::wire::{Device, PROTOCOL, Processed, PullRequest, PushRequest, Slice, Want, check};
use serde_json::{Value, json};

pub fn schema() -> Schema {
    Schema::parse(
        r#"{ "app": "laws", "version": 1, "entities": {
          "a": { "store": "as", "merge": "merge", "id_collision": "reject", "fields": {
            "id": { "type": "string", "required": true }, "n": { "type": "string" }, "list": { "type": "json" },
            "secret": { "type": "string", "server_only": true },
            "b": { "type": "string", "nullable": true, "reference": { "entity": "b" } } } },
          "b": { "store": "bs", "merge": "merge", "id_collision": "reject", "fields": {
            "id": { "type": "string", "required": true }, "n": { "type": "string" },
            "a": { "type": "string", "reference": { "entity": "a" } } } } } }"#,
    )
    .expect("the laws' schema")
}

pub fn at(now: u64) -> (Millis, Entropy) {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&now.to_le_bytes());
    (Millis(now), Entropy::new(seed))
}

pub fn who(device: &str) -> Who {
    Who { tenant: "laws/t".into(), user: "ann".into(), roles: vec![], device: device.into(), lists: Default::default() }
}

/// A device, and the ledger it talks to.
pub struct Bench {
    pub schema: Schema,
    pub store: Memory,
    pub ledger: MemoryLedger,
    pub now: u64,
    fence: u64,
    token: Option<Token>,
    sync: SyncRow,
}

impl Bench {
    pub fn new() -> Self {
        Self::of(schema())
    }

    pub fn of(schema: Schema) -> Self {
        let mut store = Memory::new(&schema);
        let mut ledger = MemoryLedger::new(TokenKey([1; 32]), "run".into());
        let (now, entropy) = at(1_000);
        let Ok(Output::Recovered(recovered)) = store.run(&schema, &mut Recover::new(now, entropy).into()) else {
            panic!("recovered")
        };
        let device = Device { device_id: recovered.sync.device_id.clone(), name: String::new() };
        ledger.attach(&who(device.device_id.as_str()), &device, now).expect("attached");
        Self { schema, store, ledger, now: 1_000, fence: recovered.fence, token: None, sync: recovered.sync }
    }

    pub fn tx(&mut self, tx: impl Into<Tx>) -> Result<Output> {
        self.store.run(&self.schema, &mut tx.into())
    }

    fn me(&self) -> Who {
        who(self.sync.device_id.as_str())
    }

    /// A local write at once; returns how the store stands after it.
    pub fn write(&mut self, operation: Operation, record: (&str, &str), data: Value) -> landfall::store::Summary {
        self.write_removing(operation, record, data, &[])
    }

    pub fn write_removing(
        &mut self,
        operation: Operation,
        record: (&str, &str),
        data: Value,
        removed: &[&str],
    ) -> landfall::store::Summary {
        self.now += 10;
        let data = data.as_object().cloned().unwrap_or_default();
        let removed = removed.iter().map(|field| (*field).to_owned()).collect();
        let request = WriteRequest { operation, entity: record.0.into(), id: Some(record.1.into()), data, removed };
        let write = Write::new(&self.schema, request, "ann", at(self.now)).expect("a valid write");
        match self.tx(write).expect("written") {
            Output::Wrote(wrote) => wrote.summary,
            other => panic!("not written: {other:?}"),
        }
    }

    /// Local writes that stand or fall together: (operation, entity, id, data).
    pub fn batch(&mut self, writes: &[(Operation, &str, &str, Value)]) -> Result<landfall::store::Wrote> {
        self.now += 10;
        let request = |(operation, entity, id, data): &(Operation, &str, &str, Value)| WriteRequest {
            operation: *operation,
            entity: (*entity).into(),
            id: Some((*id).into()),
            data: data.as_object().cloned().unwrap_or_default(),
            removed: vec![],
        };
        let write = Write::batch(&self.schema, writes.iter().map(request).collect(), "ann", at(self.now))?;
        match self.tx(write)? {
            Output::Wrote(wrote) => Ok(wrote),
            other => panic!("not written: {other:?}"),
        }
    }

    /// What was deleted here and is not acknowledged.
    pub fn deleted(&mut self, entity: &str) -> Vec<Value> {
        match self.tx(landfall::store::deleted::Deleted::new(entity.into())) {
            Ok(Output::Listed(listed)) => listed.records.into_iter().map(Value::from).collect(),
            other => panic!("not listed: {other:?}"),
        }
    }

    /// An update that may be refused.
    pub fn try_update(&mut self, entity: &str, id: &str, data: Value) -> Result<Output> {
        self.now += 10;
        let data = data.as_object().cloned().unwrap_or_default();
        let request =
            WriteRequest { operation: Operation::Update, entity: entity.into(), id: Some(id.into()), data, removed: vec![] };
        let write = Write::new(&self.schema, request, "ann", at(self.now)).expect("a valid write");
        self.tx(write)
    }

    pub fn create(&mut self, entity: &str, id: &str, data: Value) {
        self.write(Operation::Create, (entity, id), data);
    }

    pub fn update(&mut self, entity: &str, id: &str, data: Value) {
        self.write(Operation::Update, (entity, id), data);
    }

    pub fn delete(&mut self, entity: &str, id: &str) {
        self.write(Operation::Delete, (entity, id), Value::Null);
    }

    pub fn stage(&mut self, ops: usize) -> Staged {
        self.now += 10;
        let stage = Stage::new(self.fence, Size { ops, bytes: 1 << 20 }, Millis(self.now));
        let Ok(Output::Staged(staged)) = self.tx(stage) else { panic!("staged") };
        self.sync = staged.sync.clone();
        staged
    }

    /// The same, and how many rows it had to read.
    pub fn stage_counting(&mut self, ops: usize) -> (usize, Staged) {
        let mut stage = Stage::new(self.fence, Size { ops, bytes: 1 << 20 }, Millis(self.now));
        let (mut read, mut rows) = (0, Vec::new());
        loop {
            match stage.advance(&self.schema, rows) {
                Step::Read(reads) => rows = reads.iter().map(|one| self.store.read(one).expect("readable")).collect(),
                Step::Done(_, staged) => return (read, staged),
                Step::Abort(error) => panic!("{error}"),
            }
            read += rows.iter().map(Vec::len).sum::<usize>();
        }
    }

    /// A batch that reaches the server, whose answers are lost on the way back.
    pub fn deliver(&mut self) -> Vec<Processed> {
        let schema = self.schema.clone();
        self.deliver_to(&schema).expect("answered")
    }

    /// The same to a server that has this schema.
    pub fn deliver_to(&mut self, schema: &Schema) -> Result<Vec<Processed>> {
        let staged = self.stage(9);
        let changes = staged.batch.iter().map(Op::change).collect();
        let request = PushRequest { changes, ..self.request(self.sync.request_no) };
        let (me, now) = (self.me(), Millis(self.now));
        self.ledger.push(schema, &me, request, now).map(|reply| reply.processed)
    }

    /// A batch of at most `ops`, sent and settled; the answers.
    pub fn push(&mut self, ops: usize) -> Vec<Processed> {
        let mut staged = self.stage(ops);
        while staged.again {
            staged = self.stage(ops);
        }
        if staged.batch.is_empty() {
            return Vec::new();
        }
        let processed = self.send(&staged);
        self.settle(&staged, &processed);
        processed
    }

    /// What the server answers to a batch; the answer is lost on the way.
    pub fn send(&mut self, staged: &Staged) -> Vec<Processed> {
        let request =
            PushRequest { changes: staged.batch.iter().map(Op::change).collect(), ..self.request(self.sync.request_no) };
        check::push(&request).expect("what passed here passes there");
        let (me, now) = (self.me(), Millis(self.now));
        self.ledger.push(&self.schema, &me, request, now).expect("answered").processed
    }

    /// Takes answers; ops without one are left out.
    pub fn settle(&mut self, staged: &Staged, processed: &[Processed]) {
        let tx = self.settling(staged, processed);
        self.tx(tx).expect("settled");
    }

    /// The same as a transaction that has not run.
    pub fn settling(&self, staged: &Staged, processed: &[Processed]) -> Settle {
        let items = staged.batch.iter().zip(processed).map(|(op, answer)| Answered {
            seq: op.seq,
            name: (op.entity_type.clone(), op.entity_id.clone()),
            operation: op.operation,
            answer: answer.clone(),
        });
        Settle::new(self.fence, items.collect(), Millis(self.now), 10).with(at(self.now).1)
    }

    /// The next pull begins a snapshot.
    pub fn forget_token(&mut self) {
        let note = landfall::store::note::Note::new(self.fence, landfall::store::note::Fact::Reset, Millis(self.now));
        self.tx(note).expect("noted");
        self.token = None;
    }

    /// Another context gains the lock.
    pub fn take_over(&mut self) {
        let (now, entropy) = at(self.now);
        let Ok(Output::Recovered(recovered)) = self.tx(Recover::new(now, entropy)) else { panic!("recovered") };
        self.fence = recovered.fence;
    }

    /// The fence of this device's cycles.
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// A local write as an application asks for it; the id it got.
    pub fn ask(&mut self, request: Value) -> Result<String> {
        self.now += 10;
        let request: WriteRequest = serde_json::from_value(request).expect("a request");
        let write = Write::new(&self.schema, request, "ann", at(self.now))?;
        match self.tx(write)? {
            Output::Wrote(wrote) => Ok(wrote.id),
            other => panic!("not written: {other:?}"),
        }
    }

    fn request(&self, request_no: u64) -> PushRequest {
        PushRequest {
            protocol: PROTOCOL,
            device_id: self.sync.device_id.clone(),
            incarnation: self.sync.incarnation.clone(),
            request_no,
            client_time: Millis(self.now).iso(),
            last_sync_at: None,
            sync_token: None,
            pull: false,
            schema_version: self.schema.version,
            want: vec![],
            mark: None,
            changes: vec![],
        }
    }

    pub fn pull(&mut self) {
        loop {
            let request = PullRequest {
                protocol: PROTOCOL,
                device_id: self.sync.device_id.clone(),
                sync_token: self.token.clone(),
                entity_types: vec![],
                tiers: vec![],
                limit: 0,
                schema_version: self.schema.version,
                want: self.wants(),
                mark: None,
            };
            let reply = self.ledger.pull(&self.schema, &self.me(), request, Millis(self.now));
            for slice in reply.slices {
                self.absorb(slice).expect("absorbed");
            }
            if !reply.has_more {
                return;
            }
        }
    }

    /// What the store wants to be sent whatever the token says.
    fn wants(&self) -> Vec<Want> {
        let sync = self.store.rows("metadata").find(|row| row["key"] == "sync").expect("a sync row");
        sync.get("want").map(|want| serde_json::from_value(want.clone()).expect("wants")).unwrap_or_default()
    }

    pub fn absorb(&mut self, slice: Slice) -> Result<Output> {
        let token = slice.token.clone();
        let expect = Expect { fence: self.fence, token: self.token.clone(), has_more: false };
        let output = self.tx(Absorb::new(expect, slice, Millis(self.now)))?;
        self.token = Some(token);
        Ok(output)
    }

    pub fn act(&mut self, entity: &str, id: &str, decision: Decision) {
        self.now += 10;
        let act = Act::new(&self.schema, (entity.into(), id.into()), decision, at(self.now)).expect("a known entity");
        self.tx(act).expect("decided");
    }

    /// A correction of a refused change, sent again.
    pub fn edit(&mut self, entity: &str, id: &str, data: Value, removed: &[&str]) -> Result<Output> {
        self.now += 10;
        let edit = (data.as_object().cloned().unwrap_or_default(), removed.iter().map(|field| (*field).to_owned()).collect());
        let act = Act::edited(&self.schema, (entity.into(), id.into()), edit, at(self.now))?;
        self.tx(act)
    }

    /// Somebody else's change, straight to the ledger; the answer.
    pub fn other(&mut self, mut change: Value) -> Processed {
        self.now += 10;
        let device = Device { device_id: "other".into(), name: String::new() };
        self.ledger.attach(&who("other"), &device, Millis(self.now)).expect("attached");
        change["queue_id"] = json!(format!("other-{}", self.now));
        change["timestamp"] = json!(Millis(self.now).iso());
        change["hlc"] = json!(format!("{:012x}-0000-other", self.now));
        change["schema_version"] = json!(1);
        let changes = vec![serde_json::from_value(change).expect("a change")];
        let request = PushRequest { device_id: "other".into(), incarnation: "life".into(), changes, ..self.request(self.now) };
        let reply = self.ledger.push(&self.schema, &who("other"), request, Millis(self.now)).expect("answered");
        reply.processed.into_iter().next().expect("one answer")
    }

    /// Law 14: nothing waits for what will never come.
    pub fn assert_nothing_waits(&self) {
        let waiting: Vec<&Value> = self.store.rows("sync_queue").filter(|op| op["status"] == "pending").collect();
        assert!(waiting.is_empty(), "{waiting:?}");
    }
}
