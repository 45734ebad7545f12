//! I6: writes follow reads across devices. Who sees a write also sees what its author had seen when writing it.

use crate::model::Sure;
use crate::people::texts;
use crate::rng::Rng;
use crate::world::World;
use landfall::store::Memory;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Default)]
pub struct Reads {
    /// For a mark one that its author saw then.
    seen: BTreeMap<String, String>,
}

impl Reads {
    /// A mark is set on a device that shows this.
    pub fn wrote(&mut self, store: &Memory, mark: &str, rng: &mut Rng) {
        let rows = store.rows("tallies").count();
        let Some(row) = store.rows("tallies").nth(rng.pick(rows)) else { return };
        let marks = texts(&row["marks"]);
        if let Some(seen) = marks.get(rng.pick(marks.len())).filter(|seen| **seen != mark) {
            self.seen.insert(mark.to_owned(), (*seen).to_owned());
        }
    }

    fn check(&self, shown: &BTreeSet<&str>, stands: impl Fn(&str) -> bool) -> Result<(), String> {
        for (mark, seen) in &self.seen {
            if shown.contains(mark.as_str()) && !shown.contains(seen.as_str()) && stands(seen) {
                return Err(format!("I6: {mark} is shown, {seen}, which its author had seen, is not"));
            }
        }
        Ok(())
    }
}

pub fn check(world: &World) -> Result<(), String> {
    for device in &world.devices {
        let shown = device.store.rows("tallies").flat_map(|row| texts(&row["marks"])).collect();
        world.oracle.reads.check(&shown, |mark| world.model.mark(mark) == Sure::Yes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Reads;

    #[test]
    fn sees_an_effect_without_its_cause() {
        let reads = Reads { seen: [("b".to_owned(), "a".to_owned())].into() };
        assert!(reads.check(&["a", "b"].into(), |_| true).is_ok());
        assert!(reads.check(&["b"].into(), |_| false).is_ok(), "the cause was given up");
        assert!(reads.check(&["b"].into(), |_| true).is_err());
    }
}
