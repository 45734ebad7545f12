//! How long it takes to order a queue: `cargo bench --bench order --profile sim` prints the time for 100,000 ops in the
//! shapes that cost most, and for a tenth of them.

use landfall::queue::order::{Link, order};
use landfall::schema::Operation;
use std::time::Instant;

const OPS: usize = 100_000;

fn link(seq: usize, refers: Vec<String>) -> Link<'static> {
    let priority = u8::try_from(seq * 7 % 3).unwrap_or(0) + 1;
    Link { seq: seq as u64, priority, operation: Operation::Create, record: name(seq), refers, frees: &[], group: None }
}

fn name(at: usize) -> String {
    format!("work_order/0199a6c2-7f00-7000-8000-{at:012}")
}

/// A shape by name and size.
type Shape = (&'static str, fn(usize) -> Vec<Link<'static>>);

const SHAPES: &[Shape] = &[
    ("alone", |ops| (0..ops).map(|at| link(at, vec![])).collect()),
    ("trees of ten", |ops| (0..ops).map(|at| link(at, if at % 10 == 0 { vec![] } else { vec![name(at - at % 10)] })).collect()),
    ("one chain, backwards", |ops| (0..ops).map(|at| link(at, if at + 1 < ops { vec![name(at + 1)] } else { vec![] })).collect()),
    ("circles of two", |ops| (0..ops).map(|at| link(at, vec![name(at ^ 1)])).collect()),
    ("one circle of all", |ops| (0..ops).map(|at| link(at, vec![name((at + 1) % ops)])).collect()),
];

#[allow(clippy::disallowed_methods, reason = "a bench is there to ask the clock")]
fn main() {
    for (shape, make) in SHAPES {
        let times = [OPS / 10, OPS].map(|ops| {
            let links = make(ops);
            let times: Vec<f64> = (0..9)
                .map(|_| {
                    let start = Instant::now();
                    let units = order(&links);
                    assert_eq!(units.iter().map(|unit| unit.members.len()).sum::<usize>(), ops);
                    start.elapsed().as_secs_f64() * 1_000.0
                })
                .collect();
            // The least: what else the machine did meanwhile is not of interest.
            times.into_iter().fold(f64::INFINITY, f64::min)
        });
        println!(
            "{shape:>22}: {:7.2} ms for {}, {:7.2} ms for {OPS}, {:.1} times as long",
            times[0],
            OPS / 10,
            times[1],
            times[1] / times[0]
        );
    }
}
