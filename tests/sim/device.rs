//! A device and its contexts: what there is of them between two events, and their lives (start, death, freezing). It feeds
//! machines and hands their effects on; what an effect does is `effects`'.

use crate::config::DeviceShape;
use crate::fault::Fault;
use crate::trace::NOBODY;
use crate::world::{Event, Spot, World};
use landfall::schema::Schema;
use landfall::store::{Before, Memory};
use landfall::sync::{Input, Machine, Reason, Status};
use landfall::time::Millis;
use std::collections::VecDeque;

#[derive(Default)]
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
    /// Since when it has been able to look.
    pub awake_since: u64,
}

/// The figures of the store's head row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub gen_no: u64,
    pub queued: u64,
    pub failed: u64,
    pub conflicts: u64,
}

impl Head {
    pub const fn open(&self) -> u64 {
        self.queued + self.failed + self.conflicts
    }
}

pub struct Device {
    pub tenant: usize,
    pub person: usize,
    pub store: Memory,
    /// What relaxed commits changed that is not flushed yet, the oldest first.
    pub unflushed: Vec<Vec<Before>>,
    /// An older copy of the store.
    pub copy: Option<Memory>,
    pub head: Head,
    /// Since when something has been open.
    pub open_since: u64,
    pub contexts: Vec<Context>,
    pub holder: Option<Spot>,
    pub waiting: VecDeque<Spot>,
    pub online: bool,
    pub skew_ms: i64,
    /// Until then contexts need not know how the store stands: whoever changed it died before telling.
    pub untold_until: u64,
}

impl Device {
    pub fn new(schema: &Schema, shape: &DeviceShape, tenant: usize) -> Self {
        Self {
            tenant,
            person: shape.person,
            store: Memory::new(schema),
            unflushed: Vec::new(),
            copy: None,
            head: Head::default(),
            open_since: 0,
            contexts: (0..shape.contexts).map(|_| Context::default()).collect(),
            holder: None,
            waiting: VecDeque::new(),
            online: true,
            skew_ms: shape.skew_ms,
            untold_until: 0,
        }
    }
}

/// A context hears of everything within this time, in milliseconds, even if nobody rings.
pub const HEARD_MS: u64 = landfall::limits::LOOK_MS + 2_000;

impl World {
    pub fn alive(&self, spot: Spot) -> bool {
        let context = &self.devices[spot.device].contexts[spot.context];
        context.life == spot.life && context.machine.is_some()
    }

    /// Alive and not frozen.
    pub fn awake(&self, device: usize, context: usize) -> bool {
        let context = &self.devices[device].contexts[context];
        context.machine.is_some() && !context.frozen
    }

    pub fn spot(&self, device: usize, context: usize) -> Spot {
        Spot { device, context, life: self.devices[device].contexts[context].life }
    }

    /// Feeds one input and executes all effects, in order; the context may die between any two of them.
    pub fn feed(&mut self, spot: Spot, input: Input) {
        if !self.alive(spot) {
            return;
        }
        if self.devices[spot.device].contexts[spot.context].frozen {
            self.devices[spot.device].contexts[spot.context].inbox.push(Event::Feed(spot, Box::new(input)));
            return;
        }
        let at = self.at(spot.device);
        self.say_of(spot.device, spot.context, word(&input), || detail(&input));
        self.steps += 1;
        let Some(machine) = &mut self.devices[spot.device].contexts[spot.context].machine else { return };
        for effect in machine.feed(at, input) {
            if self.happens(Fault::CrashBetween) {
                return self.kill(spot.device, spot.context);
            }
            self.execute(spot, effect);
        }
    }

    pub fn kill(&mut self, device: usize, context: usize) {
        let spot = self.spot(device, context);
        self.untold(device);
        self.say(device, context, "dies", String::new);
        let one = &mut self.devices[device].contexts[context];
        *one = Context { life: one.life + 1, ..Context::default() };
        self.release_lock(spot);
    }

    /// Nobody may have been told of the last commit: until contexts look for themselves, they need not know.
    pub fn untold(&mut self, device: usize) {
        self.devices[device].untold_until = self.now + HEARD_MS;
    }

    pub fn start(&mut self, device: usize, context: usize) {
        self.say(device, context, "starts", String::new);
        let now = self.now;
        let one = &mut self.devices[device].contexts[context];
        one.life += 1;
        one.awake_since = now;
        one.machine = Some(Machine::new(&self.schema, "sim"));
        let spot = self.spot(device, context);
        self.feed(spot, Input::Start);
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

    pub fn kill_all(&mut self, device: usize) {
        for context in 0..self.devices[device].contexts.len() {
            if self.devices[device].contexts[context].machine.is_some() {
                self.kill(device, context);
            }
        }
    }

    pub fn freeze(&mut self, device: usize, context: usize) {
        if self.devices[device].holder == Some(self.spot(device, context)) {
            self.seen.insert("lock holder frozen");
        }
        self.devices[device].contexts[context].frozen = true;
        self.say(device, context, "freezes", String::new);
    }

    pub fn thaw(&mut self, device: usize, context: usize) {
        if !std::mem::take(&mut self.devices[device].contexts[context].frozen) {
            return;
        }
        self.say(device, context, "thaws", String::new);
        self.devices[device].contexts[context].awake_since = self.now;
        let inbox = std::mem::take(&mut self.devices[device].contexts[context].inbox);
        let spot = self.spot(device, context);
        for event in inbox {
            if let Event::Feed(to, input) = event {
                self.feed(to, *input);
            }
        }
        self.feed(spot, Input::Wake(Reason::Foreground));
    }

    /// The browser tells every context whether there is a network.
    pub fn set_online(&mut self, device: usize, online: bool) {
        self.devices[device].online = online;
        self.say(device, NOBODY, if online { "online" } else { "offline" }, String::new);
        for context in 0..self.devices[device].contexts.len() {
            let spot = self.spot(device, context);
            self.feed(spot, Input::Network(online));
        }
    }
}

const fn word(input: &Input) -> &'static str {
    match input {
        Input::Start => "<- start",
        Input::Wrote(..) => "<- wrote",
        Input::Rung(_) => "<- rung",
        Input::Network(_) => "<- network",
        Input::LockGranted => "<- lock granted",
        Input::LockLost => "<- lock lost",
        Input::Alarm => "<- alarm",
        Input::Stored(_, Ok(_)) => "<- stored",
        Input::Stored(_, Err(_)) => "<- not stored",
        Input::Response(_, Ok(_)) => "<- answer",
        Input::Response(_, Err(_)) => "<- no answer",
        Input::Wake(_) => "<- wake",
        Input::Pause(_) => "<- pause",
        Input::Shutdown => "<- shutdown",
        #[allow(unreachable_patterns, reason = "inputs may be added before the simulation knows them")]
        _ => "<- other",
    }
}

fn detail(input: &Input) -> String {
    match input {
        Input::Stored(_, Err(error)) | Input::Response(_, Err(error)) => error.to_string(),
        Input::Wake(reason) => format!("{reason:?}"),
        Input::Rung(bell) => format!("generation {}{}", bell.gen_no, if bell.knock { ", knock" } else { "" }),
        _ => String::new(),
    }
}
