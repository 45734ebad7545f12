//! I10: server references never dangle in any committed state, and no device sends a reference before what it refers to.

use crate::invariants::Sent;
use crate::model::{Model, Sure};
use landfall::authority::{MemoryLedger, Row, RowKey};
use landfall::error::{Code, Error};

/// Nobody deletes notes: a reference that the server does not know was sent too early.
pub fn refused(model: &Model, op: &Sent, error: Option<&Error>) -> Result<(), String> {
    let sure = model.claims.get(&op.op).is_some_and(|claim| claim.sure == Sure::Yes);
    match error {
        Some(error) if sure && error.code == Code::ReferenceMissing => {
            Err(format!("I10: op {} on {} was sent before what it refers to", op.op, op.id))
        }
        _ => Ok(()),
    }
}

/// Asked of every row that a commit changed.
pub fn row(ledger: &MemoryLedger, row: &Row) -> Result<(), String> {
    let note = row.data.get("note").and_then(serde_json::Value::as_str).filter(|_| !row.deleted);
    let lives = |id: &str| {
        let key = RowKey { entity: "note".into(), id: id.to_owned() };
        ledger.row(&key).is_some_and(|row| !row.deleted)
    };
    dangles(&row.id, note, lives)?;
    if row.entity == "note" && row.deleted {
        let refers = |other: &&Row| !other.deleted && other.data.get("note").is_some_and(|note| *note == row.id.as_str());
        if let Some(other) = ledger.rows().find(refers) {
            return Err(format!("I10: {} {} refers to the deleted note {}", other.entity, other.id, row.id));
        }
    }
    Ok(())
}

fn dangles(id: &str, target: Option<&str>, lives: impl Fn(&str) -> bool) -> Result<(), String> {
    match target {
        Some(target) if !lives(target) => Err(format!("I10: {id} refers to {target}, which the server does not have")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{dangles, refused};
    use crate::invariants::i04_order::tests::sent;
    use crate::model::Model;
    use landfall::error::{Code, Error};
    use landfall::id::OpId;

    #[test]
    fn sees_a_reference_that_came_too_early() {
        let mut model = Model::default();
        model.wrote(0, ("task", "x"), &OpId("a".into()), (0, None));
        let error = |code| Error::new(code, "no");
        assert!(refused(&model, &sent("a", 0, &[]), Some(&error(Code::ValidationError))).is_ok());
        assert!(refused(&model, &sent("a", 0, &[]), Some(&error(Code::ReferenceMissing))).is_err());
    }

    #[test]
    fn sees_a_reference_to_nothing() {
        assert!(dangles("x", None, |_| false).is_ok());
        assert!(dangles("x", Some("n"), |_| true).is_ok());
        assert!(dangles("x", Some("n"), |_| false).is_err());
    }
}
