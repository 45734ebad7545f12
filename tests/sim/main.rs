//! The simulation: two devices with two contexts each against one server, in virtual time, under faults that a seed draws.
//! Three phases: safety under faults; heal and drain by a deadline; people go on and it is all asked once more.
//! `SEEDS=100000 cargo test --profile sim --test sim -- --nocapture` runs more of it, `SEED=17` one, with its trace.

mod check;
mod config;
mod net;
mod people;
mod world;

use landfall::schema::Schema;
use people::Model;
use std::collections::BTreeMap;
use world::World;

/// A small application with every kind of field that merges: sums and marks that no fault may lose or double, plain fields
/// under last-write-wins, one that only a person can decide, references, deletes.
const SCHEMA: &str = r#"{
  "app": "sim", "version": 1,
  "entities": {
    "tally": { "store": "tallies", "tier": 1, "fields": {
      "id": { "type": "string", "required": true }, "count": { "type": "counter", "required": true },
      "marks": { "type": "set", "items": { "type": "string" }, "merge": "merge", "required": true } } },
    "note": { "store": "notes", "fields": {
      "id": { "type": "string", "required": true }, "title": { "type": "string", "required": true },
      "ask": { "type": "string", "merge": "manual" } } },
    "task": { "store": "tasks", "tier": 3, "delete_edit": "delete_wins", "fields": {
      "id": { "type": "string", "required": true }, "title": { "type": "string", "required": true },
      "note": { "type": "string", "reference": { "entity": "note" } } } }
  }
}"#;

/// How long healed devices may take, in virtual milliseconds: a few rounds of the longest wait (an hour asked by a server)
/// and of the regular interval.
const DEADLINE_MS: u64 = 6 * 3_600_000;

struct Run {
    world: World,
    model: Model,
}

impl Run {
    fn new(schema: &Schema, seed: u64) -> Self {
        Self { world: World::new(schema, seed), model: Model::default() }
    }

    fn whole(&mut self) -> Result<(), String> {
        for _ in 0..2 {
            let faults = self.world.config.clone();
            self.trouble()?;
            self.heal()?;
            self.world.config = config::Config { steps: 60, ..faults };
        }
        Ok(())
    }

    fn trouble(&mut self) -> Result<(), String> {
        for _ in 0..self.world.config.steps {
            if self.world.rng.chance(250) {
                let (device, context) = (self.world.rng.below(2) as usize, self.world.rng.below(2) as usize);
                self.model.write(&mut self.world, device, context);
            } else {
                self.world.step();
            }
            if self.world.rng.chance(10) {
                let device = self.world.rng.below(2) as usize;
                self.model.decide(&mut self.world, device);
            }
            people::meddle(&mut self.world);
            check::always(&mut self.world)?;
        }
        Ok(())
    }

    fn heal(&mut self) -> Result<(), String> {
        self.world.config = self.world.config.healed();
        self.world.log(|| "healed".into());
        // Bells that were lost until now are not rung again.
        self.world.untold_until = self.world.now + landfall::limits::LOOK_MS + 1_000;
        for device in 0..2 {
            self.world.devices[device].online = true;
        }
        self.world.start_all();
        let deadline = self.world.now + DEADLINE_MS;
        while self.world.now < deadline {
            for device in 0..2 {
                let head = self.world.head(device);
                if head.queued == 0 && head.failed + head.conflicts > 0 || self.world.rng.chance(5) {
                    self.model.decide(&mut self.world, device);
                }
            }
            if !self.world.step() {
                return Err("nothing is scheduled any more".into());
            }
            check::always(&mut self.world)?;
            if self.world.steps.is_multiple_of(32) && check::is_quiet(&self.world) {
                break;
            }
        }
        check::quiet(&self.world, &self.model)
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn explain(run: &Run, seed: u64, problem: &str) -> ! {
    let from = run.world.trace.len().saturating_sub(number("TRACE").unwrap_or(120) as usize);
    println!("{}", run.world.trace[from..].join("\n"));
    panic!("seed {seed}: {problem}\n{:?}", run.world.config);
}

/// Runs seeds and says which rare states they reached.
fn seeds(first: u64, count: u64) {
    let schema = Schema::parse(SCHEMA).expect("the simulation's schema");
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    let mut steps = 0;
    for seed in first..first + count {
        let mut run = Run::new(&schema, seed);
        if let Err(problem) = run.whole() {
            explain(&run, seed, &problem);
        }
        steps += run.world.steps;
        run.world.seen.iter().for_each(|state| *seen.entry(state).or_default() += 1);
    }
    println!("seeds {first} to {}, {steps} steps, states reached (in so many seeds): {seen:?}", first + count - 1);
    if count >= 1_000 {
        for state in RARE {
            assert!(seen.contains_key(state), "no seed reached: {state}");
        }
    }
}

/// 10,000 seeds in two halves, one for each core. `SEED`, or `FROM` and `SEEDS`, choose others (in the first half's place).
const HALF: u64 = 5_000;

#[test]
fn devices_agree_and_nothing_is_lost_whatever_happens() {
    match number("SEED") {
        Some(seed) => seeds(seed, 1),
        None => seeds(number("FROM").unwrap_or(0), number("SEEDS").unwrap_or(HALF)),
    }
}

#[test]
fn devices_agree_and_nothing_is_lost_the_other_half() {
    if number("SEED").or(number("SEEDS")).is_none() {
        seeds(HALF, HALF);
    }
}

/// States that a run of any length worth the name must reach.
const RARE: [&str; 13] = [
    "op held",
    "lost request",
    "lost response",
    "duplicate request",
    "error after commit",
    "crash between effects",
    "crash after commit of a write",
    "context killed",
    "lock holder frozen",
    "lock stolen",
    "fenced off",
    "server restart",
    "conflict retried",
];

#[test]
fn the_same_seed_gives_the_same_trace() {
    let schema = Schema::parse(SCHEMA).expect("the simulation's schema");
    for seed in 0..20 {
        let (mut one, mut two) = (Run::new(&schema, seed), Run::new(&schema, seed));
        assert_eq!(one.whole(), two.whole());
        assert_eq!(one.world.hash, two.world.hash, "seed {seed}");
    }
}
