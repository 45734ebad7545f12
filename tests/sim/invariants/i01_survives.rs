//! I1: a local write whose promise resolved survives any crash the durability mode claims to survive, and reaches the server
//! as it was written.

use crate::invariants::Sent;
use crate::model::{Claim, Model, Sure};
use crate::people::op_of;
use crate::world::World;
use landfall::id::OpId;
use std::collections::BTreeSet;

/// After a loss of power: every op that has no answer is still in the queue.
pub fn after_loss(world: &World, device: usize) -> Result<(), String> {
    let here: BTreeSet<OpId> = world.devices[device].store.rows("sync_queue").map(op_of).collect();
    let ledger = &world.servers[world.devices[device].tenant].ledger;
    let mine = world.model.claims.iter().filter(|(_, claim)| claim.device == device && claim.sure == Sure::Yes);
    kept(mine, |op| here.contains(op) || ledger.entry(op).is_some())
}

fn kept<'a>(mut claims: impl Iterator<Item = (&'a OpId, &'a Claim)>, is_kept: impl Fn(&OpId) -> bool) -> Result<(), String> {
    match claims.find(|(op, _)| !is_kept(op)) {
        Some((op, claim)) => Err(format!("I1: op {op} of {} {} did not survive", claim.entity, claim.id)),
        None => Ok(()),
    }
}

/// An op that arrives is what was written: nothing of it missing, nothing added.
pub fn whole(model: &Model, sent: &Sent) -> Result<(), String> {
    let Some(claim) = model.claims.get(&sent.op).filter(|claim| claim.sure == Sure::Yes) else { return Ok(()) };
    let marks = claim.marks.iter().all(|mark| sent.marks.contains(mark));
    if claim.added == sent.added && marks {
        return Ok(());
    }
    Err(format!(
        "I1: op {} adds {} and {:?}, written were {} and {:?}",
        sent.op, sent.added, sent.marks, claim.added, claim.marks
    ))
}

/// In the end every mark that holds is on the server, once.
pub fn all(world: &World) -> Result<(), String> {
    let sure = world.model.sure_marks();
    let mut found: BTreeSet<(&str, &str)> = BTreeSet::new();
    for server in &world.servers {
        for row in server.ledger.rows().filter(|row| row.entity == "tally" && !row.deleted) {
            for mark in row.data.get("marks").into_iter().flat_map(crate::people::texts) {
                if !found.insert((&row.id, mark)) {
                    return Err(format!("I1: tally {} has the mark {mark} twice", row.id));
                }
            }
        }
    }
    match sure.difference(&found).next() {
        Some((id, mark)) => Err(format!("I1: tally {id} has lost the mark {mark}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{kept, whole};
    use crate::invariants::i04_order::tests::sent;
    use crate::model::Model;
    use landfall::id::OpId;

    #[test]
    fn sees_an_op_that_is_gone_and_one_that_is_not_what_was_written() {
        let (mut model, op) = (Model::default(), OpId("a".into()));
        model.wrote(0, ("tally", "x"), &op, (2, Some("m".into())));
        assert!(kept(model.claims.iter(), |_| true).is_ok());
        assert!(kept(model.claims.iter(), |_| false).is_err());
        assert!(whole(&model, &sent("a", 2, &["m"])).is_ok());
        assert!(whole(&model, &sent("a", 1, &["m"])).is_err());
        assert!(whole(&model, &sent("a", 2, &[])).is_err());
    }
}
