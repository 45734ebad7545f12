//! I10: server references never dangle in any committed state.

use landfall::authority::{MemoryLedger, Row, RowKey};

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
    use super::dangles;

    #[test]
    fn sees_a_reference_to_nothing() {
        assert!(dangles("x", None, |_| false).is_ok());
        assert!(dangles("x", Some("n"), |_| true).is_ok());
        assert!(dangles("x", Some("n"), |_| false).is_err());
    }
}
