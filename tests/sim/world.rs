//! The world: virtual time, a queue of events, devices with their contexts, one server. It executes effects and injects
//! faults; it judges nothing (the checkers do). Real machines, real transactions on the reference store, the real authority.

use crate::config::{Config, Rng};
use landfall::authority::{MemoryLedger, TokenKey};
use landfall::error::{Code, Error, Result};
use landfall::schema::Schema;
use landfall::store::{Memory, Summary};
use landfall::sync::{At, Bell, Effect, Input, Machine, Request, Status, Ticket};
use landfall::time::Millis;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Which context: device, place in it, which life of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who3 {
    pub device: usize,
    pub context: usize,
    pub life: u64,
}

#[derive(Debug)]
pub enum Event {
    Feed(Who3, Box<Input>),
    Alarm(Who3, Millis),
    Arrive(Who3, Ticket, Box<Request>),
}

pub struct Context {
    pub machine: Option<Machine>,
    pub life: u64,
    pub frozen: bool,
    pub inbox: Vec<Event>,
    pub alarm: Option<Millis>,
    pub status: Status,
    /// Somebody waits to be told of a cycle.
    pub waiting: bool,
    /// Events on their way to it.
    pub expected: u64,
}

pub struct Device {
    pub store: Memory,
    pub contexts: Vec<Context>,
    pub holder: Option<Who3>,
    pub waiting: VecDeque<Who3>,
    pub online: bool,
    /// The generation the checkers have seen.
    pub checked: u64,
}

pub struct World {
    pub schema: Schema,
    pub config: Config,
    pub rng: Rng,
    pub now: u64,
    pub ledger: MemoryLedger,
    pub devices: Vec<Device>,
    pub events: BTreeMap<(u64, u64), Event>,
    pub serial: u64,
    pub trace: Vec<String>,
    pub hash: u64,
    pub seen: BTreeSet<&'static str>,
    /// Digest of every version the server ever had.
    pub history: BTreeMap<(String, String, u64), String>,
    pub steps: u64,
    /// A context died and may have told nobody of its last commit: until then others need not know.
    pub untold_until: u64,
}

const START: u64 = 1_790_000_000_000;

impl World {
    pub fn new(schema: &Schema, seed: u64) -> Self {
        let mut rng = Rng(seed);
        let config = Config::draw(&mut rng);
        let mut schema = schema.clone();
        if config.small_batches {
            schema.sync.batch.ops = 3;
            schema.sync.batch.pull = 5;
        }
        let context = || Context {
            machine: None,
            life: 0,
            frozen: false,
            inbox: Vec::new(),
            alarm: None,
            status: Status::default(),
            waiting: false,
            expected: 0,
        };
        let device = |_| Device {
            store: Memory::new(&schema),
            contexts: vec![context(), context()],
            holder: None,
            waiting: VecDeque::new(),
            online: true,
            checked: 0,
        };
        let devices = (0..2).map(device).collect();
        let ledger = MemoryLedger::new(TokenKey([9; 32]), format!("run-{seed}").into());
        let mut world = Self {
            schema,
            config,
            rng,
            now: START,
            ledger,
            devices,
            events: BTreeMap::new(),
            serial: 0,
            trace: Vec::new(),
            hash: seed,
            seen: BTreeSet::new(),
            history: BTreeMap::new(),
            steps: 0,
            untold_until: 0,
        };
        world.start_all();
        world
    }

    pub fn at(&mut self, device: usize) -> At {
        At { now: self.clock(device), random: self.rng.bytes() }
    }

    pub fn clock(&self, device: usize) -> Millis {
        Millis(self.now.saturating_add_signed(self.config.skew_ms[device]))
    }

    pub fn log(&mut self, line: impl FnOnce() -> String) {
        let line = line();
        self.hash = landfall_hash(self.hash, &line);
        self.trace.push(format!("{:>10} {line}", self.now - START));
        if self.trace.len() > 4_000 {
            self.trace.drain(..2_000);
        }
    }

    /// Takes the next event; false if there is none.
    pub fn step(&mut self) -> bool {
        let Some(((time, _), event)) = self.events.pop_first() else { return false };
        self.now = self.now.max(time);
        self.steps += 1;
        match event {
            Event::Feed(who, input) => {
                self.devices[who.device].contexts[who.context].expected -= u64::from(self.alive(who));
                self.feed(who, *input);
            }
            Event::Alarm(who, at) => {
                if self.alive(who) && self.devices[who.device].contexts[who.context].alarm == Some(at) {
                    self.devices[who.device].contexts[who.context].alarm = None;
                    self.feed(who, Input::Alarm);
                }
            }
            Event::Arrive(who, ticket, request) => self.serve(who, ticket, *request),
        }
        true
    }

    pub fn alive(&self, who: Who3) -> bool {
        let context = &self.devices[who.device].contexts[who.context];
        context.life == who.life && context.machine.is_some()
    }

    pub fn who(&self, device: usize, context: usize) -> Who3 {
        Who3 { device, context, life: self.devices[device].contexts[context].life }
    }

    /// Feeds one input and executes all effects, in order; the context may die between any two of them.
    pub fn feed(&mut self, who: Who3, input: Input) {
        if !self.alive(who) {
            return;
        }
        if self.devices[who.device].contexts[who.context].frozen {
            self.devices[who.device].contexts[who.context].inbox.push(Event::Feed(who, Box::new(input)));
            return;
        }
        let at = self.at(who.device);
        self.log(|| format!("{}.{} <- {}", who.device, who.context, name(&input)));
        let Some(machine) = &mut self.devices[who.device].contexts[who.context].machine else { return };
        let effects = machine.feed(at, input);
        for effect in effects {
            if self.rng.chance(self.config.crash_between_effects) {
                self.seen.insert("crash between effects");
                return self.kill(who.device, who.context);
            }
            self.execute(who, effect);
        }
    }

    fn execute(&mut self, who: Who3, effect: Effect) {
        match effect {
            Effect::Run(ticket, mut tx) => {
                let result = if self.rng.chance(self.config.store_failure) {
                    self.seen.insert("store failure");
                    Err(Error::new(Code::StorageError, "simulated"))
                } else {
                    self.devices[who.device].store.run(&self.schema, &mut tx)
                };
                self.log(|| format!("{}.{}    {} {}", who.device, who.context, tx.name(), outcome(&result)));
                if result.as_ref().is_err_and(|error| error.code == Code::LockLost) {
                    self.seen.insert("fenced off");
                }
                self.later(3, who, Input::Stored(ticket, result));
            }
            Effect::Send(ticket, request) => self.depart(who, ticket, request),
            Effect::SetAlarm(at) => {
                self.devices[who.device].contexts[who.context].alarm = at;
                if let Some(at) = at {
                    let due = at.0.saturating_add_signed(-self.config.skew_ms[who.device]).max(self.now);
                    self.schedule(due, Event::Alarm(who, at));
                }
            }
            Effect::AskLock { steal } => self.ask_lock(who, steal),
            Effect::ReleaseLock => self.release_lock(who),
            Effect::Ring(bell) => self.ring(who, &bell),
            Effect::Publish(status) => self.devices[who.device].contexts[who.context].status = *status,
            Effect::Finished(cycle) => {
                self.devices[who.device].contexts[who.context].waiting = false;
                self.log(|| {
                    format!("{}.{}    finished {:?}", who.device, who.context, cycle.error.as_ref().map(|error| error.code))
                });
            }
        }
    }

    pub fn later(&mut self, most_ms: u64, who: Who3, input: Input) {
        if !self.alive(who) {
            return;
        }
        let time = self.now + self.rng.below(most_ms);
        self.devices[who.device].contexts[who.context].expected += 1;
        self.schedule(time, Event::Feed(who, Box::new(input)));
    }

    pub fn schedule(&mut self, time: u64, event: Event) {
        self.serial += 1;
        self.events.insert((time, self.serial), event);
    }

    fn ring(&mut self, who: Who3, bell: &Bell) {
        for other in 0..self.devices[who.device].contexts.len() {
            if other != who.context && !self.rng.chance(self.config.lost_bell) {
                let to = self.who(who.device, other);
                self.later(5, to, Input::Rung(bell.clone()));
            }
        }
    }

    fn ask_lock(&mut self, who: Who3, steal: bool) {
        if steal {
            self.seen.insert("lock stolen");
            if let Some(holder) = self.devices[who.device].holder.take() {
                self.later(5, holder, Input::LockLost);
            }
            self.devices[who.device].waiting.retain(|one| *one != who);
            self.devices[who.device].waiting.push_front(who);
        } else {
            self.devices[who.device].waiting.push_back(who);
        }
        self.grant(who.device);
    }

    fn grant(&mut self, device: usize) {
        while self.devices[device].holder.is_none() {
            let Some(next) = self.devices[device].waiting.pop_front() else { return };
            if self.alive(next) {
                self.devices[device].holder = Some(next);
                self.later(5, next, Input::LockGranted);
            }
        }
    }

    fn release_lock(&mut self, who: Who3) {
        let device = &mut self.devices[who.device];
        device.waiting.retain(|one| *one != who);
        if device.holder == Some(who) {
            device.holder = None;
            self.grant(who.device);
        }
    }

    pub fn kill(&mut self, device: usize, context: usize) {
        let who = self.who(device, context);
        self.untold_until = self.now + landfall::limits::LOOK_MS + 1_000;
        self.log(|| format!("{device}.{context} killed"));
        let one = &mut self.devices[device].contexts[context];
        (one.machine, one.frozen, one.alarm, one.expected) = (None, false, None, 0);
        one.inbox.clear();
        one.waiting = false;
        one.life += 1;
        one.status = Status::default();
        self.release_lock(who);
    }

    pub fn start(&mut self, device: usize, context: usize) {
        self.log(|| format!("{device}.{context} starts"));
        let one = &mut self.devices[device].contexts[context];
        one.life += 1;
        one.machine = Some(Machine::new(&self.schema, "sim"));
        let who = self.who(device, context);
        self.feed(who, Input::Start);
    }

    pub fn start_all(&mut self) {
        for device in 0..self.devices.len() {
            for context in 0..self.devices[device].contexts.len() {
                self.thaw(device, context);
                if self.devices[device].contexts[context].machine.is_none() {
                    self.start(device, context);
                }
            }
        }
    }

    pub fn thaw(&mut self, device: usize, context: usize) {
        let one = &mut self.devices[device].contexts[context];
        if one.frozen {
            one.frozen = false;
            let inbox = std::mem::take(&mut one.inbox);
            let who = self.who(device, context);
            for event in inbox {
                if let Event::Feed(to, input) = event {
                    self.feed(to, *input);
                }
            }
            if self.alive(who) {
                self.feed(who, Input::Wake(landfall::sync::Reason::Foreground));
            }
        }
    }

    /// How a device's store stands.
    pub fn head(&self, device: usize) -> Summary {
        let row = self.devices[device].store.rows("metadata").find(|row| row["key"] == "head");
        let figure = |name: &str| row.and_then(|row| row[name].as_u64()).unwrap_or(0);
        Summary {
            gen_no: figure("gen_no"),
            queued: figure("queued"),
            failed: figure("failed"),
            conflicts: figure("conflicts"),
            changed: Vec::new(),
        }
    }
}

fn name(input: &Input) -> String {
    let text = format!("{input:?}");
    text.split(['(', ' ']).next().unwrap_or("").to_owned()
        + match input {
            Input::Response(_, Err(error)) | Input::Stored(_, Err(error)) => error.code.as_str(),
            _ => "",
        }
}

fn outcome<T>(result: &Result<T>) -> String {
    result.as_ref().err().map_or_else(|| "ok".to_owned(), ToString::to_string)
}

fn landfall_hash(hash: u64, line: &str) -> u64 {
    line.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
