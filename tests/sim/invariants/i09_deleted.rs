//! I9: no resurrection. Once a delete has won, no older base brings the record back; only a person who has seen the tombstone
//! may, by creating the record anew on it.

use landfall::authority::MemoryLedger;
use std::collections::BTreeSet;

#[derive(Clone, Debug, Default)]
pub struct Graves {
    dead: BTreeSet<String>,
}

impl Graves {
    /// As a ledger stands.
    pub fn of(ledger: &MemoryLedger) -> Self {
        Self { dead: ledger.rows().filter(|row| row.deleted).map(|row| row.id.clone()).collect() }
    }

    pub fn changed(&mut self, id: &str, deleted: bool, undelete: bool) -> Result<(), String> {
        if deleted {
            self.dead.insert(id.to_owned());
        } else if self.dead.remove(id) && !undelete {
            return Err(format!("I9: {id} was deleted and lives again"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Graves;

    #[test]
    fn sees_a_record_that_lives_again() {
        let mut graves = Graves::default();
        assert!(graves.changed("x", true, false).is_ok());
        assert!(graves.changed("x", false, true).is_ok(), "brought back by somebody who saw the tombstone");
        assert!(graves.changed("x", true, false).is_ok());
        assert!(graves.changed("x", false, false).is_err());
    }
}
