//! One attempt at working out membership over what is known so far. This module decides which supports a change adds and
//! takes away, record after record along the references, until nothing moves; where it meets a record it does not know, it
//! says so and the attempt is made again. Only `follow` calls it.

use super::{Follow, FollowRead, Membership, RowKey, Support, Touch, references};
use crate::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// Names a support of a record: bucket, rule, and what it follows.
type Why = (String, String, Option<RowKey>);
type Supports = BTreeMap<Why, (bool, Option<Millis>)>;

pub(super) struct Work<'w, 'a> {
    follow: &'w Follow<'a>,
    now: BTreeMap<RowKey, Supports>,
    before: BTreeMap<RowKey, Supports>,
    /// What was added because of a record in this attempt: bucket, record, rule.
    added: BTreeMap<RowKey, BTreeSet<(String, RowKey, String)>>,
    queue: BTreeSet<RowKey>,
    suspects: BTreeSet<(String, RowKey)>,
    near: BTreeSet<RowKey>,
    far: BTreeSet<RowKey>,
}

fn live(supports: &Supports) -> BTreeSet<String> {
    supports.iter().filter(|(_, (holds, _))| *holds).map(|(why, _)| why.0.clone()).collect()
}

impl<'w, 'a> Work<'w, 'a> {
    pub fn of(follow: &'w Follow<'a>) -> Self {
        let (now, before, added) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (queue, suspects) = (BTreeSet::new(), BTreeSet::new());
        Self { follow, now, before, added, queue, suspects, near: BTreeSet::new(), far: BTreeSet::new() }
    }

    pub fn run(mut self) -> Result<Membership, FollowRead> {
        for key in self.follow.rows.keys() {
            if self.load(key) {
                self.direct(key);
                self.parents(key);
                if self.out_changed(key) {
                    self.queue.insert(key.clone());
                }
            }
        }
        self.pick();
        loop {
            while let Some(key) = self.queue.pop_first() {
                self.outward(&key);
            }
            if !(self.near.is_empty() && self.far.is_empty()) {
                break;
            }
            match self.suspects.pop_first() {
                Some((bucket, key)) => self.ground(&bucket, &key),
                None => return Ok(self.outcome()),
            }
        }
        self.near.retain(|key| !self.far.contains(key));
        Err(FollowRead { near: self.near.into_iter().collect(), far: self.far.into_iter().collect() })
    }

    /// Brings a record's supports to the desk; false: they have to be read first.
    fn load(&mut self, key: &RowKey) -> bool {
        if self.now.contains_key(key) {
            return true;
        }
        let Some(around) = self.follow.near.get(key) else {
            self.near.insert(key.clone());
            return false;
        };
        let why = |one: &Support| ((one.bucket.clone(), one.rule.clone(), one.via.clone()), (one.holds, one.due));
        let supports: Supports = around.supports.iter().map(why).collect();
        self.now.insert(key.clone(), supports.clone());
        self.before.insert(key.clone(), supports);
        true
    }

    /// What a changed record's own fields say.
    fn direct(&mut self, key: &RowKey) {
        let Some(entity) = self.follow.schema.entities.get(&key.entity) else { return };
        let Some(supports) = self.now.get_mut(key) else { return };
        let row = self.follow.rows.get(key).filter(|row| !row.deleted);
        for rule in &entity.partition {
            if rule.is_plain() {
                supports.retain(|why, _| why.1 != rule.name);
                let placed = row.map(|row| rule.place(&key.entity, &row.data, self.follow.now)).unwrap_or_default();
                for bucket in placed.buckets.into_iter().filter(|_| placed.holds || placed.until.is_some()) {
                    supports.insert((bucket, rule.name.clone(), None), (placed.holds, placed.until));
                }
            }
        }
        supports.retain(|why, _| entity.partition.iter().any(|rule| rule.name == why.1));
        let held = live(supports);
        let lost = live(&self.before[key]).into_iter().filter(|bucket| self.follow.edges.circular && held.contains(bucket));
        self.suspects.extend(lost.map(|bucket| (bucket, key.clone())));
    }

    /// What a changed record follows because it refers to it.
    fn parents(&mut self, key: &RowKey) {
        let Some(entity) = self.follow.schema.entities.get(&key.entity) else { return };
        let refers = |field: &String, name: &String| {
            entity.partition.iter().any(|rule| rule.name == *name && rule.refers_to.contains(field))
        };
        let row = self.follow.rows.get(key).filter(|row| !row.deleted);
        let to = row.map(|row| references(self.follow.schema, &key.entity, &row.data)).unwrap_or_default();
        let rules: Vec<String> =
            entity.partition.iter().filter(|rule| !rule.refers_to.is_empty()).map(|rule| rule.name.clone()).collect();
        let mut wanted = BTreeSet::new();
        for (field, parent) in &to {
            for rule in rules.iter().filter(|rule| refers(field, rule)) {
                if self.load(parent) {
                    let buckets = live(&self.now[parent]);
                    wanted.extend(buckets.into_iter().map(|bucket| (bucket, rule.clone(), Some(parent.clone()))));
                }
            }
        }
        let Some(supports) = self.now.get(key) else { return };
        let gone: Vec<Why> = supports.keys().filter(|why| rules.contains(&why.1) && !wanted.contains(*why)).cloned().collect();
        let fresh: Vec<Why> = wanted.into_iter().filter(|why| !supports.contains_key(why)).collect();
        for (bucket, rule, via) in gone {
            self.set(key, (bucket, rule, via), false);
        }
        for (bucket, rule, via) in fresh {
            self.set(key, (bucket, rule, via), true);
        }
    }

    /// Whether what a changed record takes along may be other than before.
    fn out_changed(&self, key: &RowKey) -> bool {
        if !self.follow.edges.leads(&key.entity) {
            return false;
        }
        let refs = |row: Option<&super::Row>| {
            row.filter(|row| !row.deleted).map(|row| references(self.follow.schema, &key.entity, &row.data)).unwrap_or_default()
        };
        let stored = self.follow.near.get(key).and_then(|around| around.row.as_ref());
        let gone = self.follow.rows.get(key).is_none_or(|row| row.deleted);
        live(&self.now[key]) != live(&self.before[key])
            || gone
            || !live(&self.now[key]).is_empty() && refs(stored) != refs(self.follow.rows.get(key))
    }

    fn pick(&mut self) {
        for one in &self.follow.unpicks {
            if self.load(&one.key) {
                self.set(&one.key, (one.bucket.clone(), one.rule.clone(), None), false);
            }
        }
        for one in &self.follow.picks {
            if self.load(&one.key) {
                self.set(&one.key, (one.bucket.clone(), one.rule.clone(), None), true);
                if let Some(kept) = self.now.get_mut(&one.key) {
                    kept.insert((one.bucket.clone(), one.rule.clone(), None), (true, one.due));
                }
            }
        }
    }

    /// Adds or takes away one support; a record that enters or leaves the bucket by it is looked at next.
    fn set(&mut self, key: &RowKey, why: Why, there: bool) {
        let Some(supports) = self.now.get_mut(key) else { return };
        let bucket = why.0.clone();
        let was = live(supports).contains(&bucket);
        if let Some(via) = &why.2 {
            let added = self.added.entry(via.clone()).or_default();
            let one = (bucket.clone(), key.clone(), why.1.clone());
            if there {
                added.insert(one)
            } else {
                added.remove(&one)
            };
        }
        if there {
            supports.entry(why).or_insert((true, None));
        } else if supports.remove(&why).is_none() {
            return;
        }
        let is = live(supports).contains(&bucket);
        if was != is && self.follow.edges.leads(&key.entity) {
            self.queue.insert(key.clone());
        } else if is && !there && self.follow.edges.circular {
            self.suspects.insert((bucket, key.clone()));
        }
    }

    /// What a record takes along into its buckets, and leaves behind with them.
    fn outward(&mut self, key: &RowKey) {
        if !self.follow.far.contains(key) {
            self.far.insert(key.clone());
            return;
        }
        let buckets = live(&self.now[key]);
        let children = self.children(key);
        let wanted: BTreeSet<(String, RowKey, String)> = buckets
            .iter()
            .flat_map(|bucket| children.iter().map(move |(child, rule)| (bucket.clone(), child.clone(), rule.clone())))
            .collect();
        let stored = self.follow.near.get(key).map(|around| around.dependents.as_slice()).unwrap_or_default();
        let mut held: BTreeSet<(String, RowKey, String)> =
            stored.iter().map(|one| (one.bucket.clone(), one.key.clone(), one.rule.clone())).collect();
        held.extend(self.added.get(key).cloned().unwrap_or_default());
        for (bucket, child, rule) in held.difference(&wanted) {
            if self.load(child) {
                self.set(child, (bucket.clone(), rule.clone(), Some(key.clone())), false);
            }
        }
        for (bucket, child, rule) in &wanted {
            let why = (bucket.clone(), rule.clone(), Some(key.clone()));
            if self.load(child) && !self.now[child].contains_key(&why) {
                self.set(child, why, true);
            }
        }
    }

    /// The records that follow this one, and by which rule.
    fn children(&self, key: &RowKey) -> BTreeSet<(RowKey, String)> {
        let mut children = BTreeSet::new();
        let Some(row) = self.follow.row(key) else { return children };
        if let Some(ahead) = self.follow.edges.ahead.get(&key.entity) {
            for (field, child) in references(self.follow.schema, &key.entity, &row.data) {
                let rules = ahead.iter().filter(|(by, entity, _)| *by == field && *entity == child.entity);
                children.extend(rules.map(|(_, _, rule)| (child.clone(), rule.clone())));
            }
        }
        if let Some(back) = self.follow.edges.back.get(&key.entity) {
            let stored = self.follow.near.get(key).map(|around| around.referrers.as_slice()).unwrap_or_default();
            let mut referrers: Vec<(RowKey, String)> =
                stored.iter().filter(|(from, _)| !self.follow.rows.contains_key(from)).cloned().collect();
            for (from, row) in self.follow.rows.iter().filter(|(_, row)| !row.deleted) {
                let to = references(self.follow.schema, &from.entity, &row.data).into_iter();
                referrers.extend(to.filter(|(_, to)| to == key).map(|(field, _)| (from.clone(), field)));
            }
            for (from, field) in referrers {
                let rules = back.iter().filter(|(by, entity, _)| *by == field && *entity == from.entity);
                children.extend(rules.map(|(_, _, rule)| (from.clone(), rule.clone())));
            }
        }
        children
    }

    /// A record that lost a support and has others: are they more than a circle that holds itself?
    fn ground(&mut self, bucket: &str, key: &RowKey) {
        let (mut seen, mut open) = (BTreeSet::new(), vec![key.clone()]);
        while let Some(one) = open.pop() {
            if !seen.insert(one.clone()) {
                continue;
            }
            if !self.load(&one) {
                return;
            }
            for (why, (holds, _)) in &self.now[&one] {
                match &why.2 {
                    _ if why.0 != bucket || !holds => {}
                    None => return,
                    Some(via) => open.push(via.clone()),
                }
            }
        }
        for one in seen {
            let gone: Vec<Why> = self.now[&one].keys().filter(|why| why.0 == bucket && why.2.is_some()).cloned().collect();
            gone.into_iter().for_each(|why| self.set(&one, why, false));
        }
    }

    fn outcome(self) -> Membership {
        let mut membership = Membership::default();
        for (key, now) in &self.now {
            let before = &self.before[key];
            let support = |(why, (holds, due)): (&Why, &(bool, Option<Millis>))| Support {
                bucket: why.0.clone(),
                key: key.clone(),
                rule: why.1.clone(),
                via: why.2.clone(),
                holds: *holds,
                due: *due,
            };
            membership.puts.extend(now.iter().filter(|(why, state)| before.get(*why) != Some(*state)).map(support));
            membership.drops.extend(before.iter().filter(|(why, _)| !now.contains_key(*why)).map(support));
            let rules = |supports: &Supports, bucket: &String| -> BTreeSet<String> {
                supports.iter().filter(|(why, (holds, _))| *holds && why.0 == *bucket).map(|(why, _)| why.1.clone()).collect()
            };
            let changed = self.follow.content && self.follow.rows.contains_key(key);
            let (is, was) = (live(now), live(before));
            for bucket in is.union(&was) {
                if changed || rules(now, bucket) != rules(before, bucket) {
                    let live = is.contains(bucket);
                    membership.touched.push(Touch { bucket: bucket.clone(), key: key.clone(), live, number: 0 });
                }
            }
        }
        for (key, row) in self.follow.rows.iter().filter(|_| self.follow.content) {
            let mut to = if row.deleted { Vec::new() } else { references(self.follow.schema, &key.entity, &row.data) };
            to.retain(|(field, to)| {
                self.follow
                    .edges
                    .back
                    .get(&to.entity)
                    .is_some_and(|back| back.iter().any(|(by, entity, _)| by == field && *entity == key.entity))
            });
            to.sort();
            to.dedup();
            membership.links.push((key.clone(), to));
        }
        membership
    }
}
