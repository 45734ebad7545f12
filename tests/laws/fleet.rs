//! Several devices with a machine each against one reference ledger, with a clock of its own for every one of them. The tests
//! decide what is lost, restored or copied; nothing here waits, and what does not become quiet within its time fails.

use landfall::authority::{MemoryLedger, TokenKey, Who};
use landfall::error::{Error, Result};
use landfall::id::Entropy;
use landfall::schema::{Operation, Schema};
use landfall::store::act::{Act, Decision};
use landfall::store::{Memory, Output, Tx, Write, WriteRequest};
use landfall::sync::{At, Effect, Input, Machine, Reason, Reply, Request, Status};
use landfall::time::Millis;
use serde_json::{Value, json};
use std::collections::VecDeque;

pub const DAY: u64 = 86_400_000;
/// When every fleet sets out.
pub const START: u64 = 1_762_596_000_000;

pub fn schema() -> Schema {
    Schema::parse(
        r#"{ "app": "fleet", "version": 1, "entities": {
          "note": { "store": "notes", "tier": 1, "merge": "merge", "fields": {
            "id": { "type": "string", "required": true }, "title": { "type": "string" }, "count": { "type": "counter" },
            "ask": { "type": "string", "merge": "manual" } } },
          "task": { "store": "tasks", "tier": 2, "merge": "merge", "fields": {
            "id": { "type": "string", "required": true }, "title": { "type": "string" },
            "note": { "type": "string", "reference": { "entity": "note" } } } } } }"#,
    )
    .expect("the fleet's schema")
}

pub struct Device {
    pub user: String,
    pub store: Memory,
    pub machine: Machine,
    /// How far its clock is ahead of true time.
    pub ahead_ms: i64,
    pub status: Status,
    pub requests: VecDeque<(u64, Request)>,
    /// In true time, as a timer of the browser is: setting the clock does not move it.
    pub alarm: Option<u64>,
    /// What every transaction is answered with while it is set.
    pub broken: Option<Error>,
    /// Names of the transactions that ran.
    pub ran: Vec<&'static str>,
    pub published: Vec<Status>,
    random: u64,
}

pub struct Fleet {
    pub schema: Schema,
    pub ledger: MemoryLedger,
    pub devices: Vec<Device>,
    /// True time.
    pub now: u64,
    /// How far the server's clock is ahead of it.
    pub server_ahead_ms: i64,
}

impl Device {
    fn new(schema: &Schema, user: &str, random: u64) -> Self {
        Self {
            user: user.into(),
            store: Memory::new(schema),
            machine: Machine::new(schema, user),
            ahead_ms: 0,
            status: Status::default(),
            requests: VecDeque::new(),
            alarm: None,
            broken: None,
            ran: Vec::new(),
            published: Vec::new(),
            random,
        }
    }

    pub fn row(&self, store: &str, id: &str) -> Option<&Value> {
        self.store.rows(store).find(|row| row["id"] == id)
    }

    pub fn ops(&self, status: &str) -> usize {
        self.store.rows("sync_queue").filter(|op| op["status"] == status).count()
    }

    pub fn sync_row(&self) -> &Value {
        self.store.rows("metadata").find(|row| row["key"] == "sync").expect("a sync row")
    }
}

impl Fleet {
    /// A device for each user named.
    pub fn new(users: &[&str]) -> Self {
        let schema = schema();
        let ledger = MemoryLedger::new(TokenKey([1; 32]), "run0".into());
        let devices = users.iter().zip(1..).map(|(user, n)| Device::new(&schema, user, n << 32)).collect();
        let mut fleet = Self { schema, ledger, devices, now: START, server_ahead_ms: 0 };
        for device in 0..users.len() {
            fleet.feed(device, Input::Start);
        }
        fleet
    }

    /// A person opens the device that is lying there with this store: a page that was killed, a backup, a copy.
    pub fn reopen(&mut self, device: usize, store: Memory) {
        let (machine, user) = (Machine::new(&self.schema, "again"), self.devices[device].user.clone());
        let random = self.devices[device].random + (1 << 16);
        let ahead_ms = self.devices[device].ahead_ms;
        self.devices[device] = Device { store, machine, ahead_ms, ..Device::new(&self.schema, &user, random) };
        self.feed(device, Input::Start);
    }

    /// The same with no network until the next `sync`.
    pub fn reopen_offline(&mut self, device: usize, store: Memory) {
        let (ann, ahead_ms) = (self.devices[device].user.clone(), self.devices[device].ahead_ms);
        let random = self.devices[device].random + (1 << 16);
        self.devices[device] = Device { store, ahead_ms, ..Device::new(&self.schema, &ann, random) };
        self.feed(device, Input::Pause(true));
        self.feed(device, Input::Start);
    }

    /// The process ends and is started again.
    pub fn kill(&mut self, device: usize) {
        let store = self.devices[device].store.clone();
        self.reopen(device, store);
    }

    pub fn wall(&self, device: usize) -> Millis {
        Millis(self.now.saturating_add_signed(self.devices[device].ahead_ms))
    }

    pub fn server_now(&self) -> Millis {
        Millis(self.now.saturating_add_signed(self.server_ahead_ms))
    }

    fn random(&mut self, device: usize) -> [u8; 32] {
        let device = &mut self.devices[device];
        device.random += 1;
        let mut seed = [5; 32];
        seed[..8].copy_from_slice(&device.random.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        seed[8..16].copy_from_slice(&device.random.to_le_bytes());
        seed
    }

    pub fn feed(&mut self, at: usize, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let (now, random) = (self.wall(at), self.random(at));
            let effects = self.devices[at].machine.feed(At { now, random }, input);
            for effect in effects {
                let device = &mut self.devices[at];
                match effect {
                    Effect::Run(ticket, mut tx) => {
                        device.ran.push(tx.name());
                        let result = match &device.broken {
                            Some(error) => Err(error.clone()),
                            None => device.store.run(&self.schema, &mut tx),
                        };
                        inputs.push_back(Input::Stored(ticket, result));
                    }
                    Effect::Send(ticket, request) => device.requests.push_back((ticket, *request)),
                    Effect::AskLock { .. } => inputs.push_back(Input::LockGranted),
                    Effect::SetAlarm(due) => device.alarm = due.map(|due| self.now + due.since(now)),
                    Effect::Publish(status) => {
                        device.published.push((*status).clone());
                        device.status = *status;
                    }
                    Effect::ReleaseLock | Effect::Ring(_) | Effect::Finished(_) => {}
                }
            }
        }
    }

    pub fn run(&mut self, device: usize, tx: impl Into<Tx>) -> Result<Output> {
        self.devices[device].store.run(&self.schema, &mut tx.into())
    }

    /// A local write whose op waits for the next sync.
    pub fn write(&mut self, device: usize, operation: Operation, record: (&str, &str), data: Value) {
        self.now += 1;
        let request = WriteRequest {
            operation,
            entity: record.0.into(),
            id: Some(record.1.into()),
            data: data.as_object().cloned().unwrap_or_default(),
            removed: vec![],
        };
        let at = (self.wall(device), Entropy::new(self.random(device)));
        let user = self.devices[device].user.clone();
        let write = Write::new(&self.schema, request, &user, at).expect("a valid write");
        let Ok(Output::Wrote(wrote)) = self.run(device, write) else { panic!("not written") };
        self.feed(device, Input::Wrote(wrote.summary, false));
    }

    pub fn create(&mut self, device: usize, id: &str, title: &str) {
        self.write(device, Operation::Create, ("note", id), json!({ "title": title }));
    }

    pub fn update(&mut self, device: usize, id: &str, title: &str) {
        self.write(device, Operation::Update, ("note", id), json!({ "title": title }));
    }

    pub fn delete(&mut self, device: usize, id: &str) {
        self.write(device, Operation::Delete, ("note", id), Value::Null);
    }

    pub fn act(&mut self, device: usize, id: &str, decision: Decision) {
        self.now += 1;
        let at = (self.wall(device), Entropy::new(self.random(device)));
        let act = Act::new(&self.schema, ("note".into(), id.into()), decision, at).expect("a known entity");
        let Ok(Output::Acted(acted)) = self.run(device, act) else { panic!("not decided") };
        self.feed(device, Input::Wrote(acted.summary, false));
    }

    pub fn who(&self, device: usize, id: &landfall::id::DeviceId) -> Who {
        Who {
            tenant: "fleet/t".into(),
            user: self.devices[device].user.as_str().into(),
            roles: vec![],
            device: id.clone(),
            lists: Default::default(),
        }
    }

    /// What the server answers to a request.
    pub fn answer(&mut self, device: usize, request: Request) -> Result<Reply> {
        let now = self.server_now();
        match request {
            Request::Attach(body) => {
                let who = self.who(device, &body.device_id);
                self.ledger.attach(&who, &body, now).map(Reply::Attach)
            }
            Request::Push(body) => {
                landfall::wire::check::push(&body)?;
                let who = self.who(device, &body.device_id);
                self.ledger.push(&self.schema, &who, body, now).map(Reply::Push)
            }
            Request::Pull(body) => {
                landfall::wire::check::pull(&body)?;
                let who = self.who(device, &body.device_id);
                Ok(Reply::Pull(self.ledger.pull(&self.schema, &who, body, now)))
            }
        }
    }

    /// Answers the device's next request; whether there was one.
    pub fn serve(&mut self, device: usize) -> bool {
        let Some((ticket, request)) = self.devices[device].requests.pop_front() else { return false };
        self.now += 20;
        let reply = self.answer(device, request);
        self.now += 20;
        self.feed(device, Input::Response(ticket, reply));
        true
    }

    /// Time passes until the device's alarm; how long that took.
    pub fn wait(&mut self, device: usize) -> u64 {
        let before = self.now;
        let due = self.devices[device].alarm.take().expect("law 14: something is scheduled");
        self.now = self.now.max(due);
        self.feed(device, Input::Alarm);
        self.now - before
    }

    /// A person asks for a sync, and everything asked of the server is answered, until nothing is.
    pub fn sync(&mut self, device: usize) {
        self.now += 1;
        self.feed(device, Input::Pause(false));
        self.feed(device, Input::Wake(Reason::User));
        self.serve_all(device);
    }

    pub fn serve_all(&mut self, device: usize) {
        for _ in 0..10_000 {
            if !self.serve(device) {
                return;
            }
        }
        panic!("law 14: it never stops asking");
    }

    /// Everybody syncs until everybody has everything (two rounds are enough for what one round brings up).
    pub fn sync_all(&mut self) {
        for _ in 0..3 {
            for device in 0..self.devices.len() {
                self.sync(device);
            }
        }
    }

    /// I8: every device shows what the server has, and says so.
    pub fn assert_alike(&self) {
        let live = |entity: &str| -> Vec<(String, Value)> {
            let rows = self.ledger.rows().filter(|row| row.entity == entity && !row.deleted);
            let mut rows: Vec<_> = rows.map(|row| (row.id.clone(), Value::Object(row.data.clone()))).collect();
            rows.sort_by(|a, b| a.0.cmp(&b.0));
            rows
        };
        for (n, device) in self.devices.iter().enumerate() {
            for (entity, store) in [("note", "notes"), ("task", "tasks")] {
                let shown: Vec<(String, Value)> = device
                    .store
                    .rows(store)
                    .map(|row| {
                        let mut row = row.clone();
                        row.as_object_mut().expect("an object").remove("_sync");
                        (row["id"].as_str().expect("an id").to_owned(), row)
                    })
                    .collect();
                assert_eq!(shown, live(entity), "device {n}, {entity}");
            }
            let open: Vec<_> = device.store.rows("sync_queue").filter(|op| op["status"] != "completed").collect();
            assert!(device.status.is_synced(), "device {n}: {:?} {open:?}", device.status);
        }
    }
}
