//! Which of the ops on the desk make the next batch. This module decides what may go (nothing it depends on is missing,
//! its group is whole), in which order (`queue::order`), and where the batch ends; it reads nothing and freezes nothing.
//! `stage` brings the ops and writes down the result.

use crate::limits;
use crate::queue::{Op, order};
use crate::record::order::set;
use crate::schema::{Operation, Schema};
use crate::store::desk::Desk;
use crate::time::Millis;
use std::collections::BTreeSet;

/// How large the batch may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Most ops.
    pub ops: usize,
    /// Most bytes of their JSON.
    pub bytes: usize,
}

/// The next batch.
#[derive(Clone, Debug, Default)]
pub(super) struct Pick {
    /// Ops in the order of sending.
    pub batch: Vec<u64>,
    /// Ops that a cycle ties together, and its path.
    pub ties: Vec<(Vec<u64>, Vec<String>)>,
    /// Ops that were offered and may not go yet, with what they are to wait for.
    pub waiting: Vec<Op>,
    /// The batch holds no further op.
    pub full: bool,
}

/// Picks among the ops on the desk; `groups` are those of which every op is there.
pub(super) fn pick(schema: &Schema, desk: &Desk, groups: &BTreeSet<String>, size: Size) -> Pick {
    let may_go = may_go(desk, groups);
    let ops: Vec<&Op> = desk.all_ops().filter(|op| may_go.contains(&op.seq)).collect();
    let links: Vec<order::Link<'_>> = ops.iter().map(|op| op.link(schema)).collect();
    let mut pick = Pick::default();
    let mut used = 0;
    for unit in order::order(&links) {
        let bytes: usize = unit.members.iter().map(|at| ops[*at].bytes()).sum();
        // At least one unit: one too large for a batch is found out by the server's answer, not by waiting for ever.
        let fits = pick.batch.len() + unit.members.len() <= size.ops && used + bytes <= size.bytes;
        if !pick.batch.is_empty() && !fits {
            pick.full = true;
            break;
        }
        used += bytes;
        let seqs: Vec<u64> = unit.members.iter().map(|at| ops[*at].seq).collect();
        let tied = unit.members.iter().all(|at| ops[*at].group.is_some() && ops[*at].group == ops[unit.members[0]].group);
        let open = unit.members.iter().all(|at| ops[*at].is_open());
        if seqs.len() > 1 && open && seqs.len() <= limits::BATCH_OPS && (!tied || !unit.cycle.is_empty()) {
            pick.ties.push((seqs.clone(), unit.cycle));
        }
        pick.batch.extend(seqs);
    }
    pick.full |= pick.batch.len() >= size.ops || used >= size.bytes;
    pick.waiting = waiting(desk, &may_go, groups);
    pick
}

/// Every op that may go if all of them go: taken away is, until nothing changes, what misses another. So a cycle stays
/// whole; whatever hangs on an op that may not go does not go either.
fn may_go(desk: &Desk, groups: &BTreeSet<String>) -> BTreeSet<u64> {
    let mut may = set(desk.all_ops().filter(|op| op.is_pending() && !op.behind).map(|op| op.seq));
    loop {
        let going = desk.all_ops().filter(|op| may.contains(&op.seq));
        let brought = set(going.filter(|op| op.operation != Operation::Update).map(Op::need));
        let broken: Vec<&String> =
            desk.all_ops().filter(|op| op.lane.is_some() && !may.contains(&op.seq)).filter_map(|op| op.group.as_ref()).collect();
        let whole = |group: &String| groups.contains(group) && !broken.contains(&group);
        let stays = |op: &Op| {
            op.needs.iter().all(|need| brought.contains(need))
                && op.group.as_ref().is_none_or(whole)
                // As many as are ever looked up: there may be more of them, which go first too.
                && missing(desk, op).count() < limits::OP_NEEDS
                && missing(desk, op).all(|other| may.contains(&other.seq))
        };
        let left = set(desk.all_ops().filter(|op| may.contains(&op.seq) && stays(op)).map(|op| op.seq));
        if left.len() == may.len() {
            return left;
        }
        may = left;
    }
}

/// Unfinished ops that go before this one although it does not wait for them: they create what it lacked when it was
/// written, or delete what still refers to the record that it deletes.
fn missing<'a>(desk: &'a Desk, op: &'a Op) -> impl Iterator<Item = &'a Op> {
    let deletes = (op.operation == Operation::Delete).then(|| op.need());
    desk.all_ops().filter(move |other| {
        let creates = other.operation == Operation::Create && !op.lacks.is_empty() && op.lacks.contains(&other.need());
        let frees = deletes.as_ref().is_some_and(|name| other.operation == Operation::Delete && other.frees.contains(name));
        other.lane.is_some() && other.seq != op.seq && (creates || frees)
    })
}

/// What was offered and may not go is offered again only when what it waits for has changed; otherwise enough of it would
/// hide all that is behind it.
fn waiting(desk: &Desk, may_go: &BTreeSet<u64>, groups: &BTreeSet<String>) -> Vec<Op> {
    let mut out = Vec::new();
    for op in desk.all_ops().filter(|op| op.ready == Some(1) && !may_go.contains(&op.seq)) {
        let mut op = op.clone();
        let others: Vec<String> = missing(desk, &op)
            .filter(|other| !may_go.contains(&other.seq) && !waits_for(desk, other, &op.need()))
            .map(Op::need)
            .collect();
        op.lacks.retain(|name| !others.contains(name));
        op.needs.extend(others);
        // A group that has not been looked at is no reason.
        op.aside = op.needs.is_empty() && op.group.as_ref().is_some_and(|group| groups.contains(group));
        if op.aside || !op.needs.is_empty() {
            out.push(op);
        }
    }
    out
}

/// Whether an op waits for that record, directly or through others on the desk: then that one must not wait for it.
fn waits_for(desk: &Desk, op: &Op, name: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut left: Vec<&str> = op.needs.iter().map(String::as_str).collect();
    while let Some(one) = left.pop() {
        if one == name {
            return true;
        }
        if seen.insert(one) {
            let named = desk.all_ops().filter(|other| other.need() == one);
            left.extend(named.flat_map(|other| other.needs.iter().map(String::as_str)));
        }
    }
    false
}

/// Whether a person is to be asked before this op is sent (QUE-11). What has left once may be on the server already.
pub(super) fn is_late(schema: &Schema, op: &Op, now: Millis) -> bool {
    let limit = schema.entities.get(&op.entity_type).and_then(|entity| entity.edit_limit_ms);
    !op.frozen && limit.is_some_and(|limit| now.since(op.created_at) > limit)
}

/// The record that a name of `needs`, `lacks` or `frees` is of.
pub(super) fn record_of(name: &str) -> Option<(&str, &str)> {
    name.split_once('/')
}
