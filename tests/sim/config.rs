//! What one seed turns on (swarm testing: uniform faults everywhere hide bugs): a random subset of faults at random rates,
//! how many devices of which people in which tenants, delays, skews, and what people do. It is printed in full on failure.

use crate::fault::Fault;
use crate::rng::Rng;
use std::fmt;

/// One device at the beginning: whose it is, how many contexts it has open, how wrong its clock is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceShape {
    pub person: usize,
    pub contexts: usize,
    pub skew_ms: i64,
}

/// What people do; a seed may leave some of it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Add,
    Mark,
    Title,
    Ask,
    Delete,
    Decide,
    Wake,
}

pub const DEEDS: [(Deed, &str); 7] = [
    (Deed::Add, "add"),
    (Deed::Mark, "mark"),
    (Deed::Title, "title"),
    (Deed::Ask, "ask"),
    (Deed::Delete, "delete"),
    (Deed::Decide, "decide"),
    (Deed::Wake, "wake"),
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Per mille of each fault's occasions, by its place in `Fault::ALL`.
    pub rates: Vec<u64>,
    pub devices: Vec<DeviceShape>,
    /// The tenant of each person.
    pub people: Vec<usize>,
    pub tenants: usize,
    /// Rounds of the loop while faults happen.
    pub steps: u64,
    pub delay_ms: u64,
    pub small_batches: bool,
    /// Every message travels as the bytes it is on the wire.
    pub wire: bool,
    /// Whether people do it, by its place in `DEEDS`.
    pub deeds: [bool; DEEDS.len()],
}

impl Config {
    pub fn draw(rng: &mut Rng) -> Self {
        let rates = Fault::ALL.iter().map(|fault| {
            let rate = if rng.chance(400) { rng.below(fault.most()) + 1 } else { 0 };
            if fault.off().is_some() { 0 } else { rate }
        });
        let rates = rates.collect();
        let tenants = 1 + usize::from(rng.chance(200));
        let people: Vec<usize> = (0..1 + rng.pick(3)).map(|_| rng.pick(tenants)).collect();
        let shape = |at: usize, rng: &mut Rng| DeviceShape {
            // Everybody has one, if there are enough of them.
            person: if at < people.len() { at } else { rng.pick(people.len()) },
            contexts: [1, 1, 2, 2, 2, 3][rng.pick(6)],
            skew_ms: if rng.chance(300) { rng.below(2 * 86_400_000) as i64 - 86_400_000 } else { 0 },
        };
        let devices = (0..[2, 2, 2, 3, 3, 4, 5][rng.pick(7)]).map(|at| shape(at, rng)).collect();
        let mut deeds = [true; DEEDS.len()];
        if rng.chance(300) {
            deeds.iter_mut().for_each(|deed| *deed = rng.chance(700));
        }
        Self {
            rates,
            devices,
            people,
            tenants,
            steps: 200 + rng.below(200),
            delay_ms: 1 + rng.below(3_000),
            small_batches: rng.chance(500),
            wire: rng.chance(50),
            deeds,
        }
    }

    pub fn rate(&self, fault: Fault) -> u64 {
        self.rates[fault as usize]
    }

    pub fn does(&self, deed: Deed) -> bool {
        DEEDS.iter().zip(self.deeds).any(|((one, _), does)| *one == deed && does)
    }

    /// The same world without its faults.
    pub fn healed(&self) -> Self {
        Self { rates: vec![0; Fault::ALL.len()], delay_ms: 50, ..self.clone() }
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { people, tenants, steps, delay_ms, small_batches, wire, .. } = self;
        writeln!(
            f,
            "{steps} rounds, delay up to {delay_ms} ms, small batches {small_batches}, as bytes {wire}, {tenants} tenants"
        )?;
        for (at, device) in self.devices.iter().enumerate() {
            let DeviceShape { person, contexts, skew_ms } = device;
            writeln!(f, "device {at}: person {person} of tenant {}, {contexts} contexts, {skew_ms} ms off", people[*person])?;
        }
        for fault in Fault::ALL.iter().filter(|fault| self.rate(**fault) > 0) {
            writeln!(f, "{:>22} {:>4} ‰", fault.word(), self.rate(*fault))?;
        }
        let deeds: Vec<&str> = DEEDS.iter().zip(self.deeds).filter(|(_, does)| *does).map(|((_, word), _)| *word).collect();
        write!(f, "people: {}", deeds.join(", "))
    }
}
