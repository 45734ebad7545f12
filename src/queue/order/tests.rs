use super::{Link, order};
use crate::schema::Operation;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn link(seq: u64, priority: u8, operation: Operation, record: &str, refers: &[&str]) -> Link<'static> {
    let refers = refers.iter().map(|name| (*name).to_owned()).collect();
    Link { seq, priority, operation, record: record.to_owned(), refers, frees: &[], group: None }
}

fn seqs(ops: &[Link<'_>]) -> Vec<Vec<u64>> {
    order(ops).into_iter().map(|unit| unit.members.into_iter().map(|at| ops[at].seq).collect()).collect()
}

// QUE-2, QUE-3
#[test]
fn dependencies_then_priority_then_arrival() {
    use Operation::{Create, Update};
    let ops = [
        link(1, 3, Create, "goal/g", &[]),
        link(2, 2, Update, "note/n", &[]),
        link(3, 1, Create, "check_in/c", &["goal/g"]),
        link(4, 2, Update, "note/m", &[]),
        link(5, 1, Update, "stock/s", &[]),
    ];
    assert_eq!(seqs(&ops), [[5], [2], [4], [1], [3]], "the urgent child goes as soon as its parent has gone, and no sooner");
}

// QUE-3
#[test]
fn children_are_deleted_before_their_parents() {
    let frees = ["goal/g".to_owned()];
    let ops = [
        link(1, 1, Operation::Delete, "goal/g", &[]),
        Link { frees: &frees, ..link(2, 3, Operation::Delete, "check_in/c", &[]) },
        Link { frees: &frees, ..link(3, 3, Operation::Update, "check_in/d", &[]) },
    ];
    assert_eq!(seqs(&ops), [[2], [3], [1]]);
}

// QUE-3, scenario 36
#[test]
fn a_cycle_is_one_unit_and_its_path_is_told() {
    let create = |seq, record, refers| link(seq, 2, Operation::Create, record, refers);
    let ops = [
        create(1, "a/x", &["b/y"]),
        create(2, "b/y", &["c/z"]),
        create(3, "d/alone", &["d/alone"]),
        create(4, "c/z", &["a/x"]),
        create(5, "e/child", &["c/z"]),
    ];
    let units = order(&ops);
    // Within the cycle the earliest goes first, then what its going has freed.
    assert_eq!(seqs(&ops), [vec![1, 4, 2], vec![3], vec![5]]);
    assert_eq!(units[0].cycle, ["a/x", "b/y", "c/z", "a/x"]);
    assert!(units[1].cycle.is_empty(), "a record that names itself waits for nobody");
}

// QUE-12
#[test]
fn a_group_is_one_unit_as_urgent_as_its_most_urgent_op() {
    let ops = [
        Link { group: Some("g"), ..link(1, 3, Operation::Create, "sale/s", &["product/p"]) },
        link(2, 2, Operation::Update, "note/n", &[]),
        link(3, 3, Operation::Create, "product/p", &[]),
        Link { group: Some("g"), ..link(4, 1, Operation::Update, "stock/s", &[]) },
    ];
    assert_eq!(seqs(&ops), [vec![2], vec![3], vec![1, 4]]);
}

/// Record, operation, priority, other records, group.
type Drawn = (usize, u8, u8, Vec<usize>, Option<usize>);

fn ops() -> impl Strategy<Value = Vec<Link<'static>>> {
    let names = ["a/1", "a/2", "b/1", "b/2", "c/1", "c/2", "c/3", "d/1"];
    let one = (0..names.len(), 0..3u8, 1..4u8, prop::collection::vec(0..names.len(), 0..3), prop::option::of(0..2usize));
    prop::collection::vec(one, 0..12).prop_map(move |list| {
        let one = |(seq, drawn): (usize, Drawn)| {
            let (record, operation, priority, others, group) = drawn;
            let operation = [Operation::Create, Operation::Update, Operation::Delete][operation as usize];
            let others: Vec<String> = others.into_iter().map(|at| names[at].to_owned()).collect();
            let (refers, frees) = if operation == Operation::Create { (others, vec![]) } else { (vec![], others) };
            Link {
                seq: seq as u64,
                priority,
                operation,
                record: names[record].to_owned(),
                refers,
                frees: Box::leak(frees.into_boxed_slice()),
                group: group.map(|at| ["g", "h"][at]),
            }
        };
        list.into_iter().enumerate().map(one).collect()
    })
}

/// Whether `first` has to go before `then`, said again and naively.
fn precedes(first: &Link<'_>, then: &Link<'_>) -> bool {
    first.operation == Operation::Create && first.record != then.record && then.refers.contains(&first.record)
        || then.operation == Operation::Delete && first.record != then.record && first.frees.contains(&then.record)
        || first.record == then.record && first.seq < then.seq
}

proptest! {
    // QUE-2, QUE-3, QUE-12
    #[test]
    fn every_order_is_a_valid_linear_extension_and_the_most_urgent_one(ops in ops()) {
        let units = order(&ops);
        let all: Vec<usize> = units.iter().flat_map(|unit| unit.members.clone()).collect();
        let once: BTreeSet<usize> = all.iter().copied().collect();
        prop_assert_eq!((all.len(), once.len()), (ops.len(), ops.len()), "each op once");
        let unit_of = |at: usize| units.iter().position(|unit| unit.members.contains(&at)).expect("in a unit");
        for (a, first) in ops.iter().enumerate() {
            for (b, then) in ops.iter().enumerate() {
                prop_assert!(!precedes(first, then) || unit_of(a) <= unit_of(b), "{} before {}", first.seq, then.seq);
                let same = first.group.is_some() && first.group == then.group;
                prop_assert!(!same || unit_of(a) == unit_of(b), "a group is whole");
            }
        }
        // Each unit is the most urgent of those whose predecessors have gone.
        let key = |unit: usize| units[unit].members.iter().map(|at| (ops[*at].priority, ops[*at].seq)).min().expect("not empty");
        for at in 0..units.len() {
            for later in at + 1..units.len() {
                let waits = units[later].members.iter().any(|then| {
                    (at..later).any(|one| units[one].members.iter().any(|first| precedes(&ops[*first], &ops[*then])))
                });
                prop_assert!(waits || key(at) < key(later));
            }
        }
    }

    #[test]
    fn the_order_of_the_input_makes_no_difference(ops in ops(), turn in 0..12usize) {
        let mut turned = ops.clone();
        if !turned.is_empty() {
            let by = turn % turned.len();
            turned.rotate_left(by);
            turned.reverse();
        }
        prop_assert_eq!(seqs(&ops), seqs(&turned));
    }

    // QUE-3
    #[test]
    fn a_unit_of_several_lone_ops_tells_a_cycle(ops in ops()) {
        for unit in order(&ops) {
            let lone = unit.members.iter().all(|at| ops[*at].group.is_none());
            prop_assert_eq!(lone && unit.members.len() > 1, lone && !unit.cycle.is_empty());
            prop_assert!(unit.cycle.is_empty() || unit.cycle.first() == unit.cycle.last() && unit.cycle.len() > 2);
        }
    }
}
