//! Membership in memory: what the tables of a database are for `follow` and for pulls by place, with the same orders. It
//! decides nothing. `memory` holds one for each tenant.

use crate::authority::follow::{Around, FollowRead};
use crate::authority::rows::{Row, RowKey};
use crate::authority::scope::{Held, Membership, Support, is_whole};
use crate::record::order::compare_text;
use crate::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

type Why = (String, String, Option<RowKey>);

/// Why each record is where, who follows whom, and when each member last changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    supports: BTreeMap<RowKey, BTreeMap<Why, Support>>,
    dependents: BTreeMap<RowKey, BTreeSet<(RowKey, Why)>>,
    links: BTreeMap<RowKey, Vec<(String, RowKey)>>,
    referrers: BTreeMap<RowKey, BTreeSet<(RowKey, String)>>,
    members: BTreeMap<String, BTreeMap<RowKey, (bool, u64)>>,
    by_number: BTreeMap<String, BTreeMap<u64, RowKey>>,
    due: BTreeMap<String, BTreeSet<(Millis, RowKey, Why)>>,
}

fn why(support: &Support) -> Why {
    (support.bucket.clone(), support.rule.clone(), support.via.clone())
}

impl Members {
    /// What `Follow` asks for.
    pub fn around(&self, read: &FollowRead, row: impl Fn(&RowKey) -> Option<Row>) -> Vec<Around> {
        let near = |key: &RowKey| Around {
            row: row(key),
            supports: self.supports.get(key).map(|all| all.values().cloned().collect()).unwrap_or_default(),
            ..Around::default()
        };
        let support = |(key, why): &(RowKey, Why)| self.supports.get(key)?.get(why).cloned();
        let far = |key: &RowKey| Around {
            dependents: self.dependents.get(key).into_iter().flatten().filter_map(support).collect(),
            referrers: self.referrers.get(key).into_iter().flatten().cloned().collect(),
            ..near(key)
        };
        read.near.iter().map(near).chain(read.far.iter().map(far)).collect()
    }

    /// Writes what `Follow` has worked out.
    pub fn apply(&mut self, membership: Membership) {
        for support in &membership.drops {
            self.drop(support);
        }
        for support in membership.puts {
            self.drop(&support);
            if let Some(via) = &support.via {
                self.dependents.entry(via.clone()).or_default().insert((support.key.clone(), why(&support)));
            }
            if let Some(due) = support.due {
                let list = self.due.entry(support.bucket.clone()).or_default();
                list.insert((due, support.key.clone(), why(&support)));
            }
            self.supports.entry(support.key.clone()).or_default().insert(why(&support), support);
        }
        for (from, to) in membership.links {
            for (field, old) in self.links.remove(&from).unwrap_or_default() {
                self.referrers.entry(old).or_default().remove(&(from.clone(), field));
            }
            for (field, to) in &to {
                self.referrers.entry(to.clone()).or_default().insert((from.clone(), field.clone()));
            }
            self.links.insert(from, to);
        }
        for touch in membership.touched {
            let numbers = self.by_number.entry(touch.bucket.clone()).or_default();
            let members = self.members.entry(touch.bucket).or_default();
            if let Some((_, old)) = members.insert(touch.key.clone(), (touch.live, touch.number)) {
                numbers.remove(&old);
            }
            numbers.insert(touch.number, touch.key);
        }
    }

    fn drop(&mut self, support: &Support) {
        let Some(old) = self.supports.get_mut(&support.key).and_then(|all| all.remove(&why(support))) else { return };
        if let Some(dependents) = old.via.as_ref().and_then(|via| self.dependents.get_mut(via)) {
            dependents.remove(&(old.key.clone(), why(&old)));
        }
        if let (Some(due), Some(list)) = (old.due, self.due.get_mut(&old.bucket)) {
            list.remove(&(due, old.key.clone(), why(&old)));
        }
    }

    /// Supports in these buckets that have to be looked at again.
    pub fn due(&self, buckets: &[String], now: Millis) -> Vec<Support> {
        let lists = buckets.iter().filter_map(|bucket| self.due.get(bucket)).flatten();
        let due = lists.filter(|(due, ..)| *due <= now);
        due.filter_map(|(_, key, why)| self.supports.get(key)?.get(why).cloned()).collect()
    }

    /// What was picked by hand in these buckets.
    pub fn picked(&self, buckets: &[String]) -> Vec<Support> {
        let keys: BTreeSet<&RowKey> =
            buckets.iter().filter_map(|bucket| self.members.get(bucket)).flat_map(BTreeMap::keys).collect();
        let supports = keys.into_iter().filter_map(|key| self.supports.get(key)).flat_map(BTreeMap::values);
        supports.filter(|one| one.via.is_none() && buckets.contains(&one.bucket)).cloned().collect()
    }

    /// Members of these buckets with a number above `after`, one entry for each record, by number.
    pub fn touched(&self, buckets: &[String], after: u64, limit: usize) -> Vec<(u64, RowKey)> {
        let mut found: BTreeMap<u64, RowKey> = BTreeMap::new();
        for numbers in buckets.iter().filter_map(|bucket| self.by_number.get(bucket)) {
            found.extend(numbers.range(after + 1..).take(limit).map(|(number, key)| (*number, key.clone())));
        }
        found.into_iter().take(limit).collect()
    }

    /// Members of an entity in these buckets behind an id, by id: live ones, and with `since` also what left after it.
    pub fn listed(&self, buckets: &[String], place: (&str, Option<&str>), since: Option<u64>, limit: usize) -> Vec<RowKey> {
        let (entity, after) = place;
        let wanted = |(key, (live, number)): &(&RowKey, &(bool, u64))| {
            key.entity == entity
                && (*live || since.is_some_and(|since| *number > since))
                && after.is_none_or(|after| compare_text(&key.id, after).is_gt())
        };
        let all = buckets.iter().filter_map(|bucket| self.members.get(bucket)).flatten();
        let keys: BTreeSet<&RowKey> = all.filter(wanted).map(|(key, _)| key).collect();
        let mut keys: Vec<RowKey> = keys.into_iter().cloned().collect();
        keys.sort_by(|a, b| compare_text(&a.id, &b.id));
        keys.truncate(limit);
        keys
    }

    /// Whether a record was in one of these places when its last change, with this number, took it out.
    pub fn died(&self, key: &RowKey, number: u64, places: &[String]) -> bool {
        let members = places.iter().filter_map(|place| self.members.get(place)?.get(key));
        members.into_iter().any(|(live, at)| !live && *at == number)
    }

    /// Whether a record was in one of these places and is not any more.
    pub fn had(&self, key: &RowKey, places: &[String]) -> bool {
        places.iter().filter_map(|place| self.members.get(place)?.get(key)).any(|(live, _)| !live)
    }

    /// By which rules these records are in these places.
    pub fn held(&self, keys: &[RowKey], places: &[String]) -> Held {
        let mut held = Held::new();
        for key in keys {
            let mut rules = BTreeSet::new();
            if places.iter().any(|place| is_whole(place) && *place == key.entity) {
                rules.insert(String::new());
            }
            let supports = self.supports.get(key).into_iter().flat_map(BTreeMap::values);
            rules.extend(supports.filter(|one| one.holds && places.contains(&one.bucket)).map(|one| one.rule.clone()));
            if !rules.is_empty() {
                held.insert(key.clone(), rules);
            }
        }
        held
    }
}
