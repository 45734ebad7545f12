//! Which seeds are run: the fixed part in two halves (one for each core), those that once failed, or those that the
//! environment asks for. It prints what it did, and for a failure the seed, its trace, and the smallest world that shows it.

use crate::app::SCHEMA;
use crate::fault::Fault;
use crate::run::{Ran, config_of, run};
use crate::shrink::{Case, line, parse, shrink};
use landfall::schema::Schema;
use std::collections::BTreeMap;
use std::time::Instant;

/// 10,000 seeds in two halves.
const HALF: u64 = 5_000;
/// One seed in so many is run twice, and must leave the same trace.
const TWICE: u64 = 10;
/// States beside the faults themselves that a run of any length worth the name must reach.
const RARE: [&str; 13] = [
    "relaxed commit lost",
    "crash after commit of a write",
    "lock holder frozen",
    "lock stolen from a sleeper",
    "fenced off",
    "stale incarnation",
    "conflict",
    "conflict retried",
    "conflict discarded",
    "op refused",
    "op id with other content",
    "merged on the server",
    "answer with more behind it",
];
const KNOWN: &str = include_str!("seeds.txt");

pub fn schema() -> Schema {
    Schema::parse(SCHEMA).expect("the simulation's schema")
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Prints everything about a failure, and fails.
fn explain(schema: &Schema, case: &Case) -> ! {
    let fails = |case: &Case| run(schema, case.seed, &case.config, None, 0).problem.is_some();
    let small = shrink(case, fails);
    let lines = number("TRACE").unwrap_or(120) as usize;
    let Ran { problem, lines, .. } = run(schema, small.seed, &small.config, None, lines);
    println!("{}", lines.join("\n"));
    println!("\n{}\n", small.config);
    let problem = problem.unwrap_or_else(|| "it does not fail a second time: it is not deterministic".into());
    remember(&format!("{} # {}", line(&small), problem.lines().next().unwrap_or_default()));
    panic!("seed {}: {problem}", case.seed);
}

/// Adds a line to `seeds.txt`, so that it is run for ever.
fn remember(line: &str) {
    println!("seeds.txt: {line}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sim/seeds.txt");
    let known = std::fs::read_to_string(path).unwrap_or_default();
    let number = line.split_whitespace().next();
    if number.is_some() && !known.lines().any(|one| one.split_whitespace().next() == number) {
        // A checkout that cannot be written to still has the line on its screen.
        let _ = std::fs::write(path, format!("{known}{line}\n"));
    }
}

#[allow(clippy::disallowed_methods, reason = "the pace is for people to read; nothing depends on it")]
fn watch() -> Instant {
    Instant::now()
}

/// Runs seeds and says which rare states they reached.
fn seeds(first: u64, count: u64) {
    let schema = schema();
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut steps, began) = (0, watch());
    for seed in first..first + count {
        let config = config_of(seed);
        let ran = run(&schema, seed, &config, None, 0);
        match &ran.problem {
            Some(problem) if number("SURVEY").is_some() => println!("{seed}: {problem:.200}"),
            Some(_) => explain(&schema, &Case { seed, config: config.clone() }),
            None => {}
        }
        steps += ran.steps;
        if seed.is_multiple_of(TWICE) {
            let again = run(&schema, seed, &config, None, 0);
            assert_eq!(ran.hash, again.hash, "seed {seed} leaves another trace the second time");
            steps += again.steps;
        }
        ran.seen.iter().for_each(|state| *seen.entry(state).or_default() += 1);
    }
    let seconds = began.elapsed().as_secs_f64();
    let pace = steps as f64 / seconds;
    println!("seeds {first} to {}: {steps} steps in {seconds:.1} s, {pace:.0} a second", first + count - 1);
    println!("states reached (in so many seeds): {seen:?}");
    if count >= 1_000 {
        let faults = Fault::ALL.iter().filter(|fault| fault.off().is_none()).map(|fault| fault.word());
        for state in faults.chain(RARE) {
            assert!(seen.contains_key(state), "no seed reached: {state}");
        }
    }
}

#[test]
fn devices_agree_and_nothing_is_lost_whatever_happens() {
    match std::env::var("SEED") {
        Ok(line) => one(&parse(&line).expect("SEED is a number or a line of seeds.txt")),
        Err(_) => {
            let (from, count) = (number("FROM").unwrap_or(0), number("SEEDS").unwrap_or(2 * HALF));
            seeds(from, count / 2);
        }
    }
}

#[test]
fn devices_agree_and_nothing_is_lost_the_other_half() {
    if std::env::var("SEED").is_err() {
        let (from, count) = (number("FROM").unwrap_or(0), number("SEEDS").unwrap_or(2 * HALF));
        seeds(from + count / 2, count - count / 2);
    }
}

/// One world, with its trace, whether it fails or not.
fn one(case: &Case) {
    let (schema, config) = (schema(), &case.config);
    let ran = run(&schema, case.seed, config, None, number("TRACE").unwrap_or(120) as usize);
    println!("{}\n\n{config}\n{} steps, {:?}", ran.lines.join("\n"), ran.steps, ran.seen);
    assert_eq!(ran.problem, None, "seed {}", case.seed);
}

#[test]
fn seeds_that_once_failed_still_pass() {
    let schema = schema();
    for text in KNOWN.lines().filter(|text| !text.is_empty() && !text.starts_with('#')) {
        let case = parse(text).unwrap_or_else(|| panic!("seeds.txt says what cannot be read: {text}"));
        for config in [case.config, config_of(case.seed)] {
            let ran = run(&schema, case.seed, &config, None, 0);
            assert_eq!(ran.problem, None, "{text}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_trace_also_when_somebody_reads_it() {
    let schema = schema();
    for seed in 0..20 {
        let config = config_of(seed);
        let (one, two) = (run(&schema, seed, &config, None, 0), run(&schema, seed, &config, None, 10));
        assert_eq!((one.hash, one.steps, &one.problem), (two.hash, two.steps, &two.problem), "seed {seed}");
    }
}
