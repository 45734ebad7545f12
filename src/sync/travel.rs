//! Which records have an op on its way at this moment (STO-4's `syncing`). It is known to the machine that sends and told to
//! the other contexts by bell; it is not stored, since writing every record of a batch once more before it leaves would
//! cost more than it says. It decides nothing about sync.

use crate::limits::BELL_IDS;
use crate::sync::machine::Machine;
use crate::sync::port::{Bell, Effect};
use std::collections::BTreeSet;

impl Machine {
    /// Whether an op of this record is on its way, as far as this context has heard.
    #[must_use]
    pub fn travels(&self, entity: &str, id: &str) -> bool {
        self.travelling.iter().any(|(one, other)| one == entity && other == id)
    }

    /// The batch leaves.
    pub(super) fn depart(&mut self) {
        let batch = self.running.as_ref().map(|running| running.batch.as_slice()).unwrap_or_default();
        self.travelling = crate::record::order::set(batch.iter().map(|op| (op.entity_type.clone(), op.entity_id.clone())));
        self.tell_travels(&self.travelling.clone());
    }

    /// Nothing is on its way any more: it was answered, or given up.
    pub(super) fn arrive(&mut self) {
        let travelled = std::mem::take(&mut self.travelling);
        if !travelled.is_empty() {
            self.tell_travels(&travelled);
        }
    }

    fn tell_travels(&mut self, marks: &BTreeSet<(String, String)>) {
        let mut changed: Vec<(String, String)> = marks.iter().cloned().collect();
        if changed.len() > BELL_IDS {
            changed.iter_mut().for_each(|(_, id)| id.clear());
            changed.dedup();
        }
        let counts = [self.known.queued, self.known.failed, self.known.conflicts];
        let travels = Some(self.travelling.iter().cloned().collect());
        self.effects.push(Effect::Ring(Bell { gen_no: self.known.gen_no, changed, counts, travels, ..Bell::default() }));
    }
}
