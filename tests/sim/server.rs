//! The server of one tenant: the real authority over the ledger in memory. It answers, and tells the invariants of every
//! commit what was asked for and what came of it; restarts and other turns of its life are here too.

use crate::fault::Fault;
use crate::invariants::{self, Sent, history::History};
use crate::world::World;
use landfall::authority::{MemoryLedger, RowKey, TokenKey, Who};
use landfall::error::{Code, Error, Result};
use landfall::id::Run;
use landfall::sync::{Reply, Request};
use landfall::time::Millis;
use landfall::wire::{Change, PushReply, PushRequest, Reset, Status};
use serde_json::json;

pub struct Server {
    pub ledger: MemoryLedger,
    pub key: TokenKey,
    /// The runs since the data was last put back.
    pub runs: Vec<Run>,
    /// A copy of the ledger, made some time ago.
    pub backup: Option<MemoryLedger>,
    /// Every version that ever was.
    pub history: History,
}

impl Server {
    pub fn new(tenant: usize, seed: u64) -> Self {
        let key = TokenKey([9 + tenant as u8; 32]);
        let ledger = MemoryLedger::new(key.clone(), format!("run-{seed}").into());
        Self { ledger, key, runs: vec![format!("run-{seed}").into()], backup: None, history: History::default() }
    }
}

impl Server {
    /// Whether the server has no such record, or only its tombstone.
    pub fn gone(&self, base: &serde_json::Value) -> bool {
        let text = |name: &str| base[name].as_str().unwrap_or_default().to_owned();
        self.ledger.row(&RowKey { entity: text("entity_type"), id: text("entity_id") }).is_none_or(|row| row.deleted)
    }
}

impl World {
    /// What the server that this device speaks to answers.
    pub fn answer(&mut self, device: usize, request: Request) -> Result<Reply> {
        self.steps += 1;
        let now = Millis(self.now);
        let (tenant, person) = (self.devices[device].tenant, self.devices[device].person);
        let mut who = Who {
            tenant: format!("sim/{tenant}"),
            user: format!("person{person}").into(),
            roles: vec!["all".into()],
            device: Default::default(),
            lists: Default::default(),
        };
        let reply = match request {
            Request::Attach(asked) => {
                who.device = asked.device_id.clone();
                self.servers[tenant].ledger.attach(&who, &asked, now).map(Reply::Attach)
            }
            Request::Push(push) => {
                who.device = push.device_id.clone();
                landfall::wire::check::push(&push)?;
                if let Some(reply) = self.planted_answer(&push) {
                    return Ok(reply);
                }
                self.push(tenant, &who, push).map(Reply::Push)
            }
            Request::Pull(pull) => {
                who.device = pull.device_id.clone();
                landfall::wire::check::pull(&pull)?;
                Ok(Reply::Pull(self.servers[tenant].ledger.pull(&self.schema, &who, pull, now)))
            }
        };
        if reply.as_ref().is_err_and(|error| error.code == Code::StaleIncarnation) {
            self.seen.insert("stale incarnation");
        }
        self.say_server(&format!("answers {device}"), self.servers[tenant].ledger.counter(), || match &reply {
            Ok(Reply::Push(push)) => answered(push),
            Ok(Reply::Pull(pull)) => format!("{} rows", pull.slices.iter().map(|slice| slice.changes.len()).sum::<usize>()),
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        });
        reply.map(|reply| self.planted_reply(tenant, reply))
    }

    /// A push, of which the server may answer one op (and what depends on it) with "later" instead of deciding it: its
    /// tenant is out of space.
    fn push(&mut self, tenant: usize, who: &Who, mut push: PushRequest) -> Result<PushReply> {
        let mut held = Vec::new();
        if !push.changes.is_empty() && self.happens(Fault::HeldOp) {
            let first = push.changes[self.rng.pick(push.changes.len())].clone();
            let depends = |change: &Change| {
                let group = change.group.is_some() && change.group == first.group;
                group || change.data.values().any(|value| *value == first.entity_id.as_str())
            };
            for place in (0..push.changes.len()).rev().filter(|place| depends(&push.changes[*place])).collect::<Vec<_>>() {
                held.push((place, push.changes.remove(place)));
            }
            if let Some(place) = push.changes.iter().position(|change| change.queue_id == first.queue_id) {
                held.push((place, push.changes.remove(place)));
            }
        }
        let renamed = self.planted_rename(tenant, &mut push);
        let sent: Vec<Sent> = push
            .changes
            .iter()
            .filter(|change| self.servers[tenant].ledger.entry(&change.queue_id).is_none())
            .map(Sent::of)
            .collect();
        let before = self.servers[tenant].ledger.counter();
        let mut reply = self.servers[tenant].ledger.push(&self.schema, who, push, Millis(self.now))?;
        invariants::decided(self, tenant, before, &sent);
        for (place, id) in renamed {
            if let Some(answer) = reply.processed.get_mut(place) {
                answer.queue_id = id;
            }
        }
        self.remember_rare(&reply);
        if reply.reset == Some(Reset::Rollback) && reply.processed.is_empty() {
            // Nothing was decided, so nothing was held either.
            held.clear();
        }
        for (place, change) in held.into_iter().rev() {
            let error = Error::new(Code::QuotaExceeded, "simulated");
            let answer = json!({ "queue_id": change.queue_id, "status": "error", "entity_id": change.entity_id, "error": error });
            reply.processed.insert(place, serde_json::from_value(answer).expect("an answer"));
        }
        Ok(reply)
    }

    fn remember_rare(&mut self, reply: &PushReply) {
        for answer in &reply.processed {
            match (answer.status, &answer.error) {
                (Status::Conflict, _) => self.seen.insert("conflict"),
                (Status::Error, Some(error)) if error.code == Code::OpReused => self.seen.insert("op id with other content"),
                (Status::Error, Some(_)) => self.seen.insert("op refused"),
                (Status::Success, _) if answer.data.is_some() => self.seen.insert("merged on the server"),
                _ => continue,
            };
        }
        if reply.has_more {
            self.seen.insert("answer with more behind it");
        }
    }

    /// Turns in the server's own life.
    pub fn trouble_server(&mut self) {
        if self.config.rate(Fault::ServerRollback) > 0 && self.rng.chance(10) {
            let tenant = self.rng.pick(self.servers.len());
            self.servers[tenant].backup = Some(self.servers[tenant].ledger.clone());
        }
        if self.happens(Fault::ServerRollback) {
            self.roll_back();
        }
        if self.happens(Fault::ServerRestart) {
            let tenant = self.rng.pick(self.servers.len());
            let run = format!("run-{}", self.rng.next());
            self.say_server("restarts", tenant as u64, || run.clone());
            self.servers[tenant].runs.push(run.as_str().into());
            self.servers[tenant].ledger.restart(run.into());
        }
    }
}

impl World {
    /// A server is put back to its copy: what it has acknowledged since is gone, until devices bring it back.
    fn roll_back(&mut self) {
        let tenant = self.rng.pick(self.servers.len());
        let Some(backup) = self.servers[tenant].backup.clone() else { return };
        self.seen.insert("server put back");
        let lost = self.servers[tenant].ledger.counter() - backup.counter();
        self.say_server("rolled back", lost, || format!("by {lost} changes"));
        self.servers[tenant].ledger = backup;
        let run = format!("run-{}", self.rng.next());
        self.servers[tenant].runs = vec![run.as_str().into()];
        self.servers[tenant].ledger.restart(run.into());
        self.oracle.rolled_back(tenant, &self.servers[tenant].ledger);
        for device in (0..self.devices.len()).filter(|device| self.devices[*device].tenant == tenant) {
            self.oracle.cursors[device] = invariants::i12_cursor::Place::Unknown;
        }
    }
}

fn answered(push: &PushReply) -> String {
    let one = |answer: &landfall::wire::Processed| match &answer.error {
        Some(error) => format!("{}: {}", answer.queue_id, error.code),
        None => format!("{}: version {}", answer.queue_id, answer.server_version),
    };
    push.processed.iter().map(one).collect::<Vec<_>>().join(", ")
}
