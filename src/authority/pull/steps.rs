//! The steps of a snapshot, and of a walk through what a user has gained or lost. This module decides their order: tier after
//! tier, so that what is critical is there first; an entity whose records are of several tiers comes in several steps, and
//! only its last one says which records there are. It reads nothing.

use super::Pull;
use crate::authority::scope::{is_whole, marker, without};
use crate::authority::token::{Cursor, Place};
use crate::schema::Entity;

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Live records of one tier, by id.
    Load,
    /// The same, as the last step of its entity: what it does not list is gone.
    Last,
    /// Nothing of the entity is the user's.
    Lost,
    /// Only what is in the buckets that were gained or lost.
    Walk,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub entity: String,
    pub tier: u8,
    pub kind: Kind,
}

impl Step {
    pub fn place(&self, after: Option<String>) -> Place {
        Place { entity: self.entity.clone(), after, tier: self.tier }
    }
}

/// The tiers that records of an entity can be of, rising.
fn tiers(entity: &Entity) -> Vec<u8> {
    let mut tiers: Vec<u8> = entity.tier_rules.iter().map(|rule| rule.tier).chain([entity.tier]).collect();
    tiers.sort_unstable();
    tiers.dedup();
    tiers
}

impl Pull<'_> {
    /// All steps of a cursor, in order.
    pub(super) fn steps(&self, cursor: &Cursor) -> Vec<Step> {
        let mut steps = Vec::new();
        for (name, entity) in &self.reader.schema.entities {
            if !self.asked_for(name) {
                continue;
            }
            let place = if entity.partition.is_empty() { name.clone() } else { marker(name) };
            let mine = self.reader.places.contains(&place);
            let without = without(name);
            let whole = cursor.walk.is_empty() || cursor.walk.iter().any(|one| *one == place || one.starts_with(&without));
            let buckets = cursor.walk.iter().any(|place| !is_whole(place) && !place.ends_with('/'));
            let walks = mine && !whole && !entity.partition.is_empty() && buckets;
            let tiers = tiers(entity);
            let step = |tier: u8, kind: Kind| Step { entity: name.clone(), tier, kind };
            match (whole, mine) {
                (true, false) if self.request.entity_types.is_empty() => steps.push(step(0, Kind::Lost)),
                (true, true) => {
                    let asked = |tier: &&u8| self.request.tiers.is_empty() || self.request.tiers.contains(tier);
                    let all = self.request.tiers.is_empty() || tiers.len() == 1;
                    let last = tiers.last().filter(|_| all);
                    let load = |tier: &u8| step(*tier, if Some(tier) == last { Kind::Last } else { Kind::Load });
                    steps.extend(tiers.iter().filter(asked).map(load));
                }
                _ if walks => steps.push(step(entity.tier, Kind::Walk)),
                _ => {}
            }
        }
        steps.sort_by(|a, b| (a.tier, &a.entity).cmp(&(b.tier, &b.entity)));
        steps
    }

    /// The step at a place, and the one behind it.
    pub(super) fn step_at(&self, cursor: &Cursor, place: &Place) -> (Option<Step>, Option<Step>) {
        let mut steps = self.steps(cursor).into_iter().skip_while(|step| step.entity != place.entity || step.tier != place.tier);
        (steps.next(), steps.next())
    }
}
