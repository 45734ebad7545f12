//! I2: every acknowledged operation reaches exactly one terminal state: applied, merged, superseded by its own author, or
//! rejected and shown to the user. None vanishes, and none is refused by anybody but the server.

use crate::model::{Model, Sure};
use crate::world::World;
use landfall::id::OpId;
use landfall::wire::Status;
use serde_json::Value;

/// An op that stands as refused or in a conflict was refused by the server. (413 is the one answer the device gives itself.)
pub fn refused_by_the_server(world: &World, device: usize, old: Option<&Value>, new: Option<&Value>) -> Result<(), String> {
    let waits = |row: Option<&Value>| row.is_some_and(|row| row["status"] == "failed" || row["status"] == "conflict");
    let Some(row) = new.filter(|_| waits(new) && !waits(old)) else { return Ok(()) };
    let op = crate::people::op_of(row);
    let sure = world.model.claims.get(&op).is_some_and(|claim| claim.sure == Sure::Yes);
    if !sure || row["error"]["code"] == "PAYLOAD_TOO_LARGE" || world.oracle.rolled[world.devices[device].tenant] {
        return Ok(());
    }
    let entry = world.servers[world.devices[device].tenant].ledger.entry(&op);
    refused(&op, entry.map(|entry| entry.answer.status))
}

fn refused(op: &OpId, answer: Option<Status>) -> Result<(), String> {
    match answer {
        Some(Status::Error | Status::Conflict) => Ok(()),
        other => Err(format!("I2: op {op} stands as refused here, the server says {other:?}")),
    }
}

/// In the end each has its answer on record, or was given up by its author.
pub fn all(world: &World) -> Result<(), String> {
    vanished(&world.model, |op| world.servers.iter().any(|server| server.ledger.entry(op).is_some()))
}

fn vanished(model: &Model, answered: impl Fn(&OpId) -> bool) -> Result<(), String> {
    let open = model.claims.iter().find(|(op, claim)| claim.sure == Sure::Yes && !answered(op));
    match open {
        Some((op, claim)) => Err(format!("I2: op {op} of device {} on {} {} has vanished", claim.device, claim.entity, claim.id)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{refused, vanished};
    use crate::model::Model;
    use landfall::id::OpId;
    use landfall::wire::Status;

    #[test]
    fn sees_a_vanished_op_and_a_refusal_that_nobody_gave() {
        let (mut model, op) = (Model::default(), OpId("a".into()));
        model.wrote(0, ("note", "x"), &op, (0, None));
        assert!(vanished(&model, |_| true).is_ok());
        assert!(vanished(&model, |_| false).is_err());
        model.give_up(&op);
        assert!(vanished(&model, |_| false).is_ok());
        assert!(refused(&op, Some(Status::Conflict)).is_ok());
        assert!(refused(&op, Some(Status::Success)).is_err());
        assert!(refused(&op, None).is_err());
    }
}
