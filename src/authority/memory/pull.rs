//! Pulls, choices and membership over the ledger in memory: the reads of `Pull` and of `Follow`, with nothing clever. It
//! decides nothing; `memory` holds the data.

use super::MemoryLedger;
use crate::authority::choose;
use crate::authority::follow::{Follow, FollowRead, Step};
use crate::authority::members::Members;
use crate::authority::pull::{Next, PageFound, PageRead, Pull, Reader};
use crate::authority::rows::{Entry, Row, RowKey, Who};
use crate::authority::scope::{Held, Membership, is_whole, places};
use crate::error::Result;
use crate::record::order::compare_text;
use crate::schema::Schema;
use crate::time::Millis;
use crate::wire::{Choice, ChoiceReply, PullReply, PullRequest};

impl MemoryLedger {
    /// Answers a pull. Where time has moved records into or out of this user's buckets, that is written first, like any
    /// other change.
    #[must_use]
    pub fn pull(&mut self, schema: &Schema, who: &Who, request: PullRequest, now: Millis) -> PullReply {
        self.ensure(schema, now);
        let deselected = self.devices.get(&who.device).map(|device| device.deselected.clone()).unwrap_or_default();
        let places = places(schema, who, &deselected);
        self.age(schema, &places, now);
        let reader = Reader { schema, who, places };
        let mut pull = Pull::new(reader, request, (&self.key, &self.runs, self.counter, now)).behind(self.horizon);
        let mut found = None;
        loop {
            match pull.advance(found) {
                Next::Read(read) => found = Some(self.read(who, &read)),
                Next::Done(reply) => return *reply,
            }
        }
    }

    /// Takes what a user has chosen on a device.
    ///
    /// # Errors
    /// As `choose::device`.
    pub fn choose(&mut self, schema: &Schema, who: &Who, choice: &Choice, now: Millis) -> Result<ChoiceReply> {
        self.ensure(schema, now);
        let device = choose::device(schema, who, choice, self.devices.get(&choice.device_id).cloned())?;
        let before = self.members.picked(&choose::buckets(schema, device.id.as_str()));
        let (picks, gone) = choose::picks(schema, choice, &before, now);
        let membership = self.follow(Follow::picked(schema, picks, gone, now));
        self.commit(membership);
        self.devices.insert(device.id.clone(), device);
        Ok(ChoiceReply { server_time: now.iso() })
    }

    fn age(&mut self, schema: &Schema, places: &[String], now: Millis) {
        let due = self.members.due(places, now);
        if due.is_empty() {
            return;
        }
        let rows: Vec<Row> = due.iter().filter_map(|one| self.rows.get(&one.key).cloned()).collect();
        let membership = self.follow(Follow::aged(schema, &due, &rows, now));
        self.commit(membership);
    }

    pub(super) fn follow(&self, mut follow: Follow<'_>) -> Membership {
        let (mut read, mut found) = (FollowRead::default(), Vec::new());
        loop {
            match follow.advance(&read, found) {
                Step::Done(membership) => return *membership,
                Step::Read(next) => {
                    found = self.members.around(&next, |key| self.rows.get(key).cloned());
                    read = next;
                }
            }
        }
    }

    /// Writes a change of membership alone.
    fn commit(&mut self, mut membership: Membership) {
        let numbers = membership.beyond(&[]);
        membership.number(&[], self.counter + 1);
        self.counter += numbers;
        self.members.apply(membership);
    }

    /// Works membership out anew when the rules are others than it was worked out by.
    pub(super) fn ensure(&mut self, schema: &Schema, now: Millis) {
        if !schema.partitioned() || self.rules == schema.partition_text() {
            return;
        }
        self.members = Members::default();
        self.rules = schema.partition_text();
        let rows: Vec<Row> = self.rows.values().cloned().collect();
        let mut membership = self.follow(Follow::changed(schema, &rows, now));
        let numbers = membership.beyond(&rows);
        membership.number(&rows, self.counter + 1);
        self.counter += numbers;
        self.members.apply(membership);
    }

    fn read(&self, who: &Who, read: &PageRead) -> PageFound {
        let mut found = PageFound { counter: self.counter, ..PageFound::default() };
        match read {
            PageRead::Counter => {}
            PageRead::Rows(keys, places) => {
                found.rows = self.rows_of(keys);
                found.held = self.held(keys, places);
            }
            PageRead::Delta { after, limit } => {
                let keys = self.by_number.range(after + 1..).take(*limit);
                found.rows = keys.filter_map(|(_, key)| self.rows.get(key).cloned()).collect();
                let numbers = found.rows.iter().map(|row| row.number).collect::<Vec<_>>();
                found.acks = self.acks_of(who, *after, (&numbers, *limit));
            }
            PageRead::Touched { places, after, limit } => {
                let own = |key: &RowKey| places.iter().any(|place| is_whole(place) && *place == key.entity);
                let whole = self.by_number.range(after + 1..).filter(|(_, key)| own(key)).take(*limit);
                let mut touched: Vec<(u64, RowKey)> = whole.map(|(number, key)| (*number, key.clone())).collect();
                touched.extend(self.members.touched(places, *after, *limit));
                touched.sort();
                touched.truncate(*limit);
                let numbers = touched.iter().map(|one| one.0).collect::<Vec<_>>();
                found.acks = self.acks_of(who, *after, (&numbers, *limit));
                let acked = found
                    .acks
                    .iter()
                    .map(|entry| (0, RowKey { entity: entry.entity.clone(), id: entry.answer.entity_id.clone() }));
                let keys: Vec<RowKey> = touched.iter().cloned().chain(acked).map(|one| one.1).collect();
                found.rows = self.rows_of(&keys[..touched.len()]);
                found.held = self.held(&keys, places);
                found.touched = touched;
            }
            PageRead::Snapshot { entity, after, limit } => {
                let behind = |row: &&Row| after.as_ref().is_none_or(|after| compare_text(&row.id, after).is_gt());
                let mut rows: Vec<&Row> =
                    self.rows.values().filter(|row| row.entity == *entity && !row.deleted).filter(behind).collect();
                rows.sort_by(|a, b| compare_text(&a.id, &b.id));
                found.rows = rows.into_iter().take(*limit).cloned().collect();
            }
            PageRead::Listed { entity, buckets, after, since, places, limit } => {
                let keys = self.members.listed(buckets, (entity, after.as_deref()), *since, *limit);
                found.rows = self.rows_of(&keys);
                found.held = self.held(&keys, places);
                found.touched = keys.into_iter().map(|key| (0, key)).collect();
            }
        }
        found
    }

    /// By which rules records are in places; of a deleted one, whether it was there when it was deleted.
    pub(super) fn held(&self, keys: &[RowKey], places: &[String]) -> Held {
        let mut held = self.members.held(keys, places);
        for row in keys.iter().filter_map(|key| self.rows.get(key)).filter(|row| row.deleted) {
            if self.members.died(&row.key(), row.number, places) {
                held.entry(row.key()).or_default().insert(String::new());
            }
        }
        held
    }

    fn rows_of(&self, keys: &[RowKey]) -> Vec<Row> {
        keys.iter().filter_map(|key| self.rows.get(key).cloned()).collect()
    }

    /// This device's entries behind a number, up to the last of a full page.
    fn acks_of(&self, who: &Who, after: u64, page: (&[u64], usize)) -> Vec<Entry> {
        let (numbers, limit) = page;
        let end = if numbers.len() < limit { self.counter } else { numbers.last().copied().unwrap_or(self.counter) };
        let range = (who.device.clone(), after + 1)..=(who.device.clone(), end.max(after + 1));
        self.acks.range(range).filter_map(|(_, id)| self.entries.get(id).cloned()).collect()
    }
}
