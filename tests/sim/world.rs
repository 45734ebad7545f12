//! The world: virtual time, a queue of events, devices with their contexts, one server a tenant. It moves time and delivers
//! what is due; it judges nothing (the invariants do). Real machines, real transactions on the reference store, the real
//! authority. **A step is one input fed to a machine or one request decided by a server.**

use crate::config::Config;
use crate::device::Device;
use crate::invariants::Oracle;
use crate::model::Model;
use crate::plant::Plant;
use crate::rng::Rng;
use crate::server::Server;
use crate::trace::{NOBODY, Trace};
use landfall::id::OpId;
use landfall::schema::Schema;
use landfall::sync::{At, Input, Request, Ticket};
use landfall::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// Which context: device, place in it, which life of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    pub device: usize,
    pub context: usize,
    pub life: u64,
}

#[derive(Debug)]
pub enum Event {
    Feed(Spot, Box<Input>),
    Alarm(Spot, Millis),
    Arrive(Spot, Ticket, Box<Request>),
    /// Somebody outside gives the lock back.
    Outsider(usize),
}

/// Ops that a transaction put, each with its record, and ops that it took away.
#[derive(Debug, Default)]
pub struct Carried {
    pub kept: Vec<(OpId, String)>,
    pub dropped: Vec<OpId>,
}

pub struct World {
    pub schema: Schema,
    pub config: Config,
    pub rng: Rng,
    pub now: u64,
    pub servers: Vec<Server>,
    pub devices: Vec<Device>,
    pub model: Model,
    pub oracle: Oracle,
    pub trace: Trace,
    /// Rare states that were reached.
    pub seen: BTreeSet<&'static str>,
    pub steps: u64,
    /// The first invariant that did not hold.
    pub broken: Option<String>,
    pub plant: Option<Plant>,
    /// What the last transaction of a person did to the queue.
    pub carried: Carried,
    events: BTreeMap<(u64, u64), Event>,
    serial: u64,
}

/// Virtual time begins here.
pub const START: u64 = 1_790_000_000_000;

impl World {
    pub fn new(schema: &Schema, seed: u64, config: Config, kept: bool) -> Self {
        let mut schema = schema.clone();
        if config.small_batches {
            schema.sync.batch.ops = 3;
            schema.sync.batch.pull = 5;
        }
        let devices = config.devices.iter().map(|shape| Device::new(&schema, shape, config.people[shape.person])).collect();
        let servers = (0..config.tenants).map(|tenant| Server::new(tenant, seed)).collect();
        let oracle = Oracle::new(config.tenants, config.devices.len());
        let mut world = Self {
            schema,
            config,
            rng: Rng(seed ^ 0x5eed),
            now: START,
            servers,
            devices,
            model: Model::default(),
            oracle,
            trace: Trace::new(seed, kept),
            seen: BTreeSet::new(),
            steps: 0,
            broken: None,
            plant: None,
            carried: Carried::default(),
            events: BTreeMap::new(),
            serial: 0,
        };
        world.start_all();
        world
    }

    pub fn at(&mut self, device: usize) -> At {
        At { now: self.clock(device), random: self.rng.bytes() }
    }

    /// What the device's clock says.
    pub fn clock(&self, device: usize) -> Millis {
        Millis(self.now.saturating_add_signed(self.devices[device].skew_ms))
    }

    pub fn say(&mut self, device: usize, context: usize, word: &str, detail: impl FnOnce() -> String) {
        self.trace.say((self.now - START, (device, context)), word, 0, detail);
    }

    /// Something happened to a device, and this is its store's generation then.
    pub fn say_of(&mut self, device: usize, context: usize, word: &str, detail: impl FnOnce() -> String) {
        let figure = self.devices[device].head.gen_no << 16 | self.devices[device].head.queued;
        self.trace.say((self.now - START, (device, context)), word, figure, detail);
    }

    pub fn say_server(&mut self, word: &str, figure: u64, detail: impl FnOnce() -> String) {
        self.trace.say((self.now - START, (NOBODY, 0)), word, figure, detail);
    }

    /// A fault whose occasion has come: whether it happens.
    pub fn happens(&mut self, fault: crate::fault::Fault) -> bool {
        let rate = self.config.rate(fault);
        let happens = rate > 0 && self.rng.chance(rate);
        if happens {
            self.seen.insert(fault.word());
        }
        happens
    }

    /// An invariant has been asked; only the first that is broken counts.
    pub fn judge(&mut self, verdict: Result<(), String>) {
        if let (Err(problem), None) = (verdict, &self.broken) {
            self.say(NOBODY, 0, "BROKEN", || problem.clone());
            self.broken = Some(problem);
        }
    }

    /// Takes the next event; false if there is none.
    pub fn step(&mut self) -> bool {
        let Some(((time, _), event)) = self.events.pop_first() else { return false };
        self.now = self.now.max(time);
        match event {
            Event::Feed(spot, input) => {
                if self.alive(spot) {
                    self.devices[spot.device].contexts[spot.context].expected -= 1;
                    self.feed(spot, *input);
                }
            }
            Event::Alarm(spot, at) => {
                if self.alive(spot) && self.devices[spot.device].contexts[spot.context].alarm == Some(at) {
                    self.devices[spot.device].contexts[spot.context].alarm = None;
                    self.feed(spot, Input::Alarm);
                }
            }
            Event::Arrive(spot, ticket, request) => self.serve(spot, ticket, *request),
            Event::Outsider(device) => self.outsider_leaves(device),
        }
        true
    }

    pub fn later(&mut self, most_ms: u64, spot: Spot, input: Input) {
        if !self.alive(spot) {
            return;
        }
        let time = self.now + self.rng.below(most_ms);
        self.devices[spot.device].contexts[spot.context].expected += 1;
        self.schedule(time, Event::Feed(spot, Box::new(input)));
    }

    pub fn schedule(&mut self, time: u64, event: Event) {
        self.serial += 1;
        self.events.insert((time, self.serial), event);
    }
}
