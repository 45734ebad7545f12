//! Makes a failing seed small: drops faults, what people do, devices, contexts and rounds for as long as it still fails. The
//! result is one line of `seeds.txt`, which says everything about the world it means.

use crate::config::{Config, DEEDS};
use crate::fault::Fault;
use crate::run::config_of;
use std::fmt::Write;

/// A seed and what was taken away from its configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub seed: u64,
    pub config: Config,
}

/// Tries every reduction again and again until none of them fails any more.
pub fn shrink(case: &Case, fails: impl Fn(&Case) -> bool) -> Case {
    let mut best = case.clone();
    loop {
        let next = reductions(&best.config).into_iter().find_map(|config| {
            let smaller = Case { seed: best.seed, config };
            fails(&smaller).then_some(smaller)
        });
        match next {
            Some(smaller) => best = smaller,
            None => return best,
        }
    }
}

/// Everything that is one piece smaller, the largest pieces first.
fn reductions(config: &Config) -> Vec<Config> {
    let mut out = Vec::new();
    for steps in [config.steps / 2, config.steps.saturating_sub(20), config.steps.saturating_sub(1)] {
        if steps > 0 && steps < config.steps {
            out.push(Config { steps, ..config.clone() });
        }
    }
    for at in (0..config.rates.len()).filter(|at| config.rates[*at] > 0) {
        let mut smaller = config.clone();
        smaller.rates[at] = 0;
        out.push(smaller);
    }
    if config.devices.len() > 1 {
        let mut smaller = config.clone();
        smaller.devices.pop();
        out.push(smaller);
    }
    for at in 0..config.devices.len() {
        if config.devices[at].contexts > 1 {
            let mut smaller = config.clone();
            smaller.devices[at].contexts -= 1;
            out.push(smaller);
        }
        if config.devices[at].skew_ms != 0 {
            let mut smaller = config.clone();
            smaller.devices[at].skew_ms = 0;
            out.push(smaller);
        }
    }
    for at in (0..DEEDS.len()).filter(|at| config.deeds[*at]) {
        let mut smaller = config.clone();
        smaller.deeds[at] = false;
        out.push(smaller);
    }
    if config.wire {
        out.push(Config { wire: false, ..config.clone() });
    }
    if config.small_batches {
        out.push(Config { small_batches: false, ..config.clone() });
    }
    out
}

/// The line of a case: its seed, then each thing in which it differs from what the seed alone would draw.
pub fn line(case: &Case) -> String {
    let (full, ours) = (config_of(case.seed), &case.config);
    let mut out = case.seed.to_string();
    let gone: Vec<&str> =
        Fault::ALL.iter().filter(|fault| full.rate(**fault) > 0 && ours.rate(**fault) == 0).map(|fault| fault.word()).collect();
    let mut say = |word: &str, value: String| {
        let _ = write!(out, " {word}={value}");
    };
    if !gone.is_empty() {
        say("without", gone.join(","));
    }
    if full.steps != ours.steps {
        say("steps", ours.steps.to_string());
    }
    let contexts: Vec<String> = ours.devices.iter().map(|device| device.contexts.to_string()).collect();
    say("contexts", contexts.join(","));
    let exact: Vec<String> = ours.devices.iter().map(|device| u8::from(device.skew_ms == 0).to_string()).collect();
    say("exact", exact.join(","));
    let idle: Vec<&str> = DEEDS.iter().zip(ours.deeds).filter(|(_, does)| !does).map(|((_, word), _)| *word).collect();
    if !idle.is_empty() {
        say("nobody", idle.join(","));
    }
    if full.wire != ours.wire {
        say("wire", ours.wire.to_string());
    }
    if full.small_batches != ours.small_batches {
        say("small", ours.small_batches.to_string());
    }
    out
}

/// Reads a line of `seeds.txt`; what stands behind `#` is for people.
pub fn parse(line: &str) -> Option<Case> {
    let mut words = line.split('#').next()?.split_whitespace();
    let seed = words.next()?.parse().ok()?;
    let mut config = config_of(seed);
    for word in words {
        let (key, value) = word.split_once('=')?;
        match key {
            "without" => {
                for name in value.split(',') {
                    let at = Fault::ALL.iter().position(|fault| fault.word() == name)?;
                    config.rates[at] = 0;
                }
            }
            "steps" => config.steps = value.parse().ok()?,
            "contexts" => {
                let contexts: Vec<usize> = value.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
                config.devices.truncate(contexts.len());
                config.devices.iter_mut().zip(contexts).for_each(|(device, contexts)| device.contexts = contexts);
            }
            "exact" => config.devices.iter_mut().zip(value.split(',')).for_each(|(device, exact)| {
                if exact == "1" {
                    device.skew_ms = 0;
                }
            }),
            "nobody" => {
                for name in value.split(',') {
                    let at = DEEDS.iter().position(|(_, word)| *word == name)?;
                    config.deeds[at] = false;
                }
            }
            "wire" => config.wire = value.parse().ok()?,
            "small" => config.small_batches = value.parse().ok()?,
            _ => return None,
        }
    }
    Some(Case { seed, config })
}

#[cfg(test)]
mod tests {
    use super::{Case, line, parse, shrink};
    use crate::fault::Fault;
    use crate::run::config_of;

    #[test]
    fn a_case_shrinks_to_what_it_needs_and_its_line_says_it() {
        let seed = (0..).find(|seed| config_of(*seed).rate(Fault::Crash) > 0 && config_of(*seed).devices.len() > 2);
        let case = Case { seed: seed.expect("a seed"), config: config_of(seed.expect("a seed")) };
        let small = shrink(&case, |case| case.config.rate(Fault::Crash) > 0 && case.config.devices.len() > 1);
        assert_eq!(small.config.devices.len(), 2);
        assert!(small.config.devices.iter().all(|device| device.contexts == 1 && device.skew_ms == 0));
        assert!(Fault::ALL.iter().all(|fault| small.config.rate(*fault) == 0 || *fault == Fault::Crash));
        assert_eq!((small.config.steps, small.config.deeds.contains(&true)), (1, false));
        assert_eq!(parse(&line(&small)), Some(small));
        assert_eq!(parse("17 without=nothing-known"), None);
    }
}
