//! I3: exactly-once effect. Any number of deliveries changes server state once and returns the same answer: a tally is the
//! sum of the ops that were applied to it, whatever was delivered how often.

use crate::invariants::Sent;
use crate::model::Sure;
use crate::world::World;
use landfall::authority::{MemoryLedger, Row};
use landfall::record::Fields;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub struct Effects {
    sums: BTreeMap<String, i64>,
}

impl Effects {
    /// As a ledger stands.
    pub fn of(ledger: &MemoryLedger) -> Self {
        let tallies = ledger.rows().filter(|row| row.entity == "tally");
        let count = |row: &Row| row.data.get("count").and_then(Value::as_i64).unwrap_or(0);
        Self { sums: tallies.map(|row| (row.id.clone(), count(row))).collect() }
    }

    pub fn applied(&mut self, op: &Sent) {
        *self.sums.entry(op.id.clone()).or_default() += op.added;
    }

    pub fn check(&self, id: &str, data: &Fields) -> Result<(), String> {
        let count = data.get("count").and_then(Value::as_i64).unwrap_or(i64::MIN);
        let expected = self.sums.get(id).copied().unwrap_or(0);
        if count == expected { Ok(()) } else { Err(format!("I3: tally {id} is {count}, its ops add up to {expected}")) }
    }
}

pub fn all(world: &World) -> Result<(), String> {
    for (server, effects) in world.servers.iter().zip(&world.oracle.effects) {
        for row in server.ledger.rows().filter(|row| row.entity == "tally") {
            effects.check(&row.id, &row.data)?;
        }
    }
    Ok(())
}

/// In the end a tally is what people added, each addition once; where a store was replaced, nobody can say.
pub fn sums(world: &World) -> Result<(), String> {
    let mut added: BTreeMap<&str, Option<i64>> = BTreeMap::new();
    for claim in world.model.claims.values().filter(|claim| claim.entity == "tally") {
        let sum = added.entry(&claim.id).or_insert(Some(0));
        match claim.sure {
            Sure::Yes => *sum = sum.map(|sum| sum + claim.added),
            Sure::Doubtful => *sum = None,
            Sure::Gone => {}
        }
    }
    let rows = world.servers.iter().flat_map(|server| server.ledger.rows()).filter(|row| row.entity == "tally");
    let wrong = rows.filter_map(|row| {
        let (count, added) = (row.data.get("count")?.as_i64()?, (*added.get(row.id.as_str())?)?);
        (count != added).then(|| format!("I3: tally {} is {count}, people added {added}", row.id))
    });
    wrong.map(Err).next().unwrap_or(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::Effects;
    use crate::invariants::i04_order::tests::sent;

    #[test]
    fn sees_an_effect_that_happened_twice() {
        let mut effects = Effects::default();
        effects.applied(&sent("a", 3, &[]));
        let data = |count: i64| serde_json::json!({ "count": count }).as_object().cloned().unwrap_or_default();
        assert!(effects.check("x", &data(3)).is_ok());
        assert!(effects.check("x", &data(6)).is_err());
    }
}
