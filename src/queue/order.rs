//! The order of ops, as one function: what an op depends on goes before it, then what is more urgent, then what came
//! first. It decides which ops travel as one (a group, or a cycle that no order can resolve) and says the path of every
//! cycle it finds; it reads no store and freezes nothing. `store/stage` calls it with the ops that may go.
//!
//! One op goes before another if it creates a record that the other refers to (also inside lists), if it takes away a
//! reference to a record that the other deletes (children before parents), or if it is the earlier one of the same record.
//! Of all orders that keep this, the result is the one in which every next unit is the most urgent of those that may go,
//! by (priority, arrival): stable, and the same whatever the order of the input. O((n + e) log n).

mod graph;

use crate::record::order;
use crate::schema::Operation;
use graph::Graph;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What the order asks of an op.
#[derive(Clone, Debug)]
pub struct Link<'a> {
    /// Its place in the order of arrival.
    pub seq: u64,
    /// 1 is sent first.
    pub priority: u8,
    /// What it does.
    pub operation: Operation,
    /// Its record, as `op::need` writes it.
    pub record: String,
    /// Records its values refer to.
    pub refers: Vec<String>,
    /// Records it no longer refers to.
    pub frees: &'a [String],
    /// Its group.
    pub group: Option<&'a str>,
}

/// Ops that travel as one: a lone op, a group, or what a cycle ties together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Places in the input, in the order of sending.
    pub members: Vec<usize>,
    /// The path of a cycle in it, from a record back to itself; empty if there is none.
    pub cycle: Vec<String>,
}

/// The order in which these ops are to be sent.
#[must_use]
pub fn order(ops: &[Link<'_>]) -> Vec<Unit> {
    let edges = dependencies(ops);
    let before = Graph::new(ops.len(), edges.iter().map(|(first, then)| (*then, *first)));
    // Groups are one node each, and what lies on a cycle of such nodes is one unit.
    let (grouped, groups) = groups(ops);
    let between = edges.iter().map(|(first, then)| (grouped[*first], grouped[*then])).filter(|(a, b)| a != b);
    let after = Graph::new(groups, between.clone());
    let (unit_of, units) = after.components();
    let of = |op: usize| unit_of[grouped[op]];

    let mut members = vec![Vec::new(); units];
    let mut keys = vec![(u8::MAX, u64::MAX); units];
    for (at, op) in ops.iter().enumerate() {
        members[of(at)].push(at);
        keys[of(at)] = keys[of(at)].min((op.priority, op.seq));
    }
    let between: Vec<(usize, usize)> = between.map(|(a, b)| (unit_of[a], unit_of[b])).filter(|(a, b)| a != b).collect();
    let after = Graph::new(units, between.iter().copied());
    let mut waits = vec![0usize; units];
    between.iter().for_each(|(_, then)| waits[*then] += 1);

    let mut free: BinaryHeap<Reverse<((u8, u64), usize)>> = BinaryHeap::new();
    (0..units).filter(|unit| waits[*unit] == 0).for_each(|unit| free.push(Reverse((keys[unit], unit))));
    let mut out = Vec::with_capacity(units);
    while let Some(Reverse((_, unit))) = free.pop() {
        for then in after.of(unit) {
            waits[*then] -= 1;
            if waits[*then] == 0 {
                free.push(Reverse((keys[*then], *then)));
            }
        }
        out.push(within(ops, std::mem::take(&mut members[unit]), &before));
    }
    out
}

/// Pairs (first, then) of places.
fn dependencies(ops: &[Link<'_>]) -> Vec<(usize, usize)> {
    // By hash first: comparing a hundred thousand names with each other is what would take longest.
    let mut names: Vec<(u64, usize)> = ops.iter().enumerate().map(|(at, op)| (hash(&op.record), at)).collect();
    order::sort(&mut names, |a, b| {
        a.0.cmp(&b.0).then_with(|| ops[a.1].record.cmp(&ops[b.1].record)).then_with(|| ops[a.1].seq.cmp(&ops[b.1].seq))
    });
    let mut edges = Vec::new();
    for (at, op) in ops.iter().enumerate() {
        for name in op.refers.iter().filter(|name| **name != op.record) {
            for one in named(ops, &names, name).filter(|one| ops[*one].operation == Operation::Create) {
                edges.push((one, at));
            }
        }
        for name in op.frees.iter().filter(|name| **name != op.record) {
            for one in named(ops, &names, name).filter(|one| ops[*one].operation == Operation::Delete) {
                edges.push((at, one));
            }
        }
    }
    let same = |pair: &&[(u64, usize)]| pair[0].0 == pair[1].0 && ops[pair[0].1].record == ops[pair[1].1].record;
    edges.extend(names.windows(2).filter(same).map(|pair| (pair[0].1, pair[1].1)));
    edges
}

/// The ops of a record.
fn named<'a>(ops: &'a [Link<'_>], names: &'a [(u64, usize)], name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let hash = hash(name);
    let from = names.partition_point(|(one, _)| *one < hash);
    let all = names[from..].iter().take_while(move |(one, _)| *one == hash);
    all.map(|(_, at)| *at).filter(move |at| ops[*at].record == name)
}

fn hash(name: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(name.as_bytes())
}

/// Each op's group as a number, an op without one having its own, and how many there are.
fn groups(ops: &[Link<'_>]) -> (Vec<usize>, usize) {
    let mut named: Vec<(&str, usize)> = ops.iter().enumerate().filter_map(|(at, op)| Some((op.group?, at))).collect();
    order::sort(&mut named, Ord::cmp);
    let mut grouped = vec![usize::MAX; ops.len()];
    let mut count = 0;
    let mut last = None;
    for (name, at) in named {
        count += usize::from(last != Some(name));
        last = Some(name);
        grouped[at] = count - 1;
    }
    for one in grouped.iter_mut().filter(|one| **one == usize::MAX) {
        *one = count;
        count += 1;
    }
    (grouped, count)
}

/// The members of a unit in their order. Where a cycle leaves none, the earliest op goes first: the server looks at the
/// references of a unit when all of it is there.
fn within(ops: &[Link<'_>], mut members: Vec<usize>, before: &Graph) -> Unit {
    if members.len() == 1 {
        return Unit { members, cycle: Vec::new() };
    }
    order::sort(&mut members, Ord::cmp);
    let inner = |at: usize| before.of(at).iter().filter_map(|one| members.binary_search(one).ok());
    let edges: Vec<(usize, usize)> =
        members.iter().enumerate().flat_map(|(then, at)| inner(*at).map(move |first| (first, then))).collect();
    let after = Graph::new(members.len(), edges.iter().copied());
    let mut waits = vec![0usize; members.len()];
    edges.iter().for_each(|(_, then)| waits[*then] += 1);
    let mut arrival: Vec<usize> = (0..members.len()).collect();
    order::sort(&mut arrival, |a, b| ops[members[*b]].seq.cmp(&ops[members[*a]].seq));
    let mut free: BinaryHeap<Reverse<((u8, u64), usize)>> = BinaryHeap::new();
    let entry = |one: usize| Reverse(((0, ops[members[one]].seq), one));
    (0..members.len()).filter(|one| waits[*one] == 0).for_each(|one| free.push(entry(one)));
    let mut gone = vec![false; members.len()];
    let mut unit = Unit { members: Vec::with_capacity(members.len()), cycle: Vec::new() };
    while unit.members.len() < members.len() {
        let one = match free.pop() {
            Some(Reverse((_, one))) => one,
            None => {
                while arrival.last().is_some_and(|one| gone[*one]) {
                    arrival.pop();
                }
                let Some(one) = arrival.pop() else { return unit };
                if unit.cycle.is_empty() {
                    let path = cycle(one, members.len(), |one| inner(members[one]).find(|other| !gone[*other]));
                    unit.cycle = path.into_iter().map(|one| ops[members[one]].record.clone()).collect();
                }
                one
            }
        };
        if std::mem::replace(&mut gone[one], true) {
            continue;
        }
        unit.members.push(members[one]);
        for then in after.of(one) {
            waits[*then] = waits[*then].saturating_sub(1);
            if waits[*then] == 0 && !gone[*then] {
                free.push(entry(*then));
            }
        }
    }
    unit
}

/// From one to the next that it waits for, until one comes again.
fn cycle(from: usize, count: usize, waits_for: impl Fn(usize) -> Option<usize>) -> Vec<usize> {
    let mut places = vec![usize::MAX; count];
    let mut path = Vec::new();
    let mut next = Some(from);
    while let Some(at) = next {
        let seen = std::mem::replace(&mut places[at], path.len());
        path.push(at);
        if seen != usize::MAX {
            return path.split_off(seen);
        }
        next = waits_for(at);
    }
    Vec::new()
}

#[cfg(test)]
mod tests;
