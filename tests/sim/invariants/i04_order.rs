//! I4: operations of one device on one record take effect in the order in which they were issued.

use crate::invariants::Sent;
use crate::model::{Model, Sure};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub struct Order {
    last: BTreeMap<(usize, String), u64>,
}

impl Order {
    pub fn applied(&mut self, model: &Model, op: &Sent) -> Result<(), String> {
        let Some(claim) = model.claims.get(&op.op).filter(|claim| claim.sure == Sure::Yes) else { return Ok(()) };
        let last = self.last.entry((claim.device, op.id.clone())).or_default();
        if claim.serial < *last {
            return Err(format!("I4: op {} of device {} on {} takes effect after a later one", op.op, claim.device, op.id));
        }
        *last = claim.serial;
        Ok(())
    }
}

#[cfg(test)]
pub mod tests {
    use super::Order;
    use crate::invariants::Sent;
    use crate::model::Model;
    use landfall::id::OpId;
    use landfall::schema::Operation;

    pub fn sent(op: &str, added: i64, marks: &[&str]) -> Sent {
        Sent {
            op: op.into(),
            operation: Operation::Update,
            entity: "tally".into(),
            id: "x".into(),
            base_version: None,
            added,
            marks: marks.iter().map(|mark| (*mark).to_owned()).collect(),
            unmarks: Vec::new(),
        }
    }

    #[test]
    fn sees_ops_out_of_order() {
        let mut model = Model::default();
        model.wrote(0, ("tally", "x"), &OpId("a".into()), (1, None));
        model.wrote(0, ("tally", "x"), &OpId("b".into()), (1, None));
        let mut order = Order::default();
        assert!(order.applied(&model, &sent("b", 1, &[])).is_ok());
        assert!(order.applied(&model, &sent("a", 1, &[])).is_err());
    }
}
