//! I3: exactly-once effect. Any number of deliveries changes server state once and returns the same answer: a tally is the
//! sum of the ops that were applied to it, whatever was delivered how often.

use crate::invariants::Sent;
use crate::world::World;
use landfall::record::Fields;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub struct Effects {
    sums: BTreeMap<String, i64>,
}

impl Effects {
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
