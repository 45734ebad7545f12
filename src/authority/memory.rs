//! The ledger in memory: what a database does for `Push` and `Pull`, with nothing clever. It decides nothing. The simulation
//! runs against it, and the server's ledgers are held to its behaviour by one conformance suite.

use crate::authority::gather::{Gathered, PushFound, PushReads};
use crate::authority::horizon::Horizon;
use crate::authority::identity::TempRow;
use crate::authority::members::Members;
use crate::authority::negotiate;
use crate::authority::push::{Push, success};
use crate::authority::rows::{DeviceRow, Entry, Row, RowKey, RunRow, Who};
use crate::authority::runs;
use crate::authority::terms;
use crate::authority::token::TokenKey;
use crate::error::Result;
use crate::id::{DeviceId, OpId, Run, User};
use crate::limits::CASCADE_ROWS;
use crate::schema::Schema;
use crate::time::Millis;
use crate::wire::{Device, DeviceReply, PushReply, PushRequest, Reset};
use std::collections::{BTreeMap, BTreeSet};

mod pull;

/// One tenant's data.
#[derive(Clone, Debug)]
pub struct MemoryLedger {
    rows: BTreeMap<RowKey, Row>,
    by_number: BTreeMap<u64, RowKey>,
    entries: BTreeMap<OpId, Entry>,
    acks: BTreeMap<(DeviceId, u64), OpId>,
    devices: BTreeMap<DeviceId, DeviceRow>,
    temps: BTreeMap<(User, String), TempRow>,
    terms: BTreeSet<(String, RowKey)>,
    runs: Vec<RunRow>,
    counter: u64,
    horizon: Horizon,
    key: TokenKey,
    members: Members,
    /// The rules that membership was worked out by.
    rules: String,
}

impl MemoryLedger {
    /// An empty ledger in its first run.
    #[must_use]
    pub fn new(key: TokenKey, run: Run) -> Self {
        Self {
            rows: BTreeMap::new(),
            by_number: BTreeMap::new(),
            entries: BTreeMap::new(),
            acks: BTreeMap::new(),
            devices: BTreeMap::new(),
            temps: BTreeMap::new(),
            terms: BTreeSet::new(),
            runs: vec![RunRow { id: run, first: 0 }],
            counter: 0,
            horizon: Horizon::default(),
            key,
            members: Members::default(),
            rules: String::new(),
        }
    }

    /// A new start of the server: a new run.
    pub fn restart(&mut self, run: Run) {
        self.runs.push(RunRow { id: run, first: self.counter });
    }

    /// A new start of the server with a newer schema than `from`: every row follows it.
    pub fn migrate(&mut self, schema: &Schema, from: u32) {
        let upgrade = schema.upgrade(from, schema.version);
        (self.by_number, self.terms) = (BTreeMap::new(), BTreeSet::new());
        for row in std::mem::take(&mut self.rows).into_values() {
            self.put(schema, negotiate::row(&upgrade, row));
        }
        for temp in self.temps.values_mut() {
            temp.entity = upgrade.entity(&temp.entity);
        }
    }

    /// Registers a device.
    ///
    /// # Errors
    /// As `authority::attach`.
    pub fn attach(&mut self, who: &Who, device: &Device, now: Millis) -> Result<DeviceReply> {
        let row = crate::authority::attach(who, device, self.devices.get(&device.device_id).cloned(), now)?;
        self.devices.insert(row.id.clone(), row);
        Ok(DeviceReply { device_id: device.device_id.clone(), server_time: now.iso() })
    }

    /// Decides a push and, if asked, answers with the first page of a pull.
    ///
    /// # Errors
    /// As `Push::decide`; then nothing has changed.
    pub fn push(&mut self, schema: &Schema, who: &Who, request: PushRequest, now: Millis) -> Result<PushReply> {
        if runs::has_lost(request.mark.as_ref(), &self.runs, self.counter) {
            return Ok(PushReply { reset: Some(Reset::Rollback), ..PushReply::without_answers(now) });
        }
        self.ensure(schema, now);
        let (pull, pull_error) = negotiate::first_page(schema, &request);
        let push = Push::new(schema, who.clone(), request, now).behind(self.horizon);
        let mut found = Gathered::default();
        while let Some(reads) = push.next(&mut found) {
            found.take(self.found(who, &reads));
        }
        let mut decided = push.decide(found)?;
        decided.with(self.follow(decided.follow(&push)));
        let first = self.counter + 1;
        self.counter += decided.changes();
        let commit = decided.number(first);
        commit.rows.into_iter().for_each(|row| self.put(schema, row));
        for temp in commit.temps {
            self.temps.insert((temp.user.clone(), temp.temp_id.clone()), temp);
        }
        for entry in commit.entries {
            if entry.number > 0 {
                self.acks.insert((entry.device.clone(), entry.number), entry.id.clone());
            }
            self.entries.insert(entry.id.clone(), entry);
        }
        self.devices.insert(commit.device.id.clone(), commit.device);
        self.members.apply(commit.membership);
        let mut reply = PushReply {
            success: success(&commit.processed),
            processed: commit.processed,
            repeated: commit.repeated,
            mark: runs::mark(&self.runs, self.counter),
            pull_error,
            ..PushReply::without_answers(now)
        };
        if let Some(request) = pull {
            let page = self.pull(schema, who, request, now);
            (reply.slices, reply.has_more) = (page.slices, page.has_more);
            (reply.next_sync_token, reply.reset) = (page.next_sync_token, page.reset);
        }
        Ok(reply)
    }

    fn found(&self, who: &Who, reads: &PushReads) -> PushFound {
        let temp = |temp: &String| self.temps.get(&(who.user.clone(), temp.clone())).cloned();
        let under = |term: &String| {
            let from = (term.clone(), RowKey { entity: String::new(), id: String::new() });
            let keys = self.terms.range(from..).take_while(|(found, _)| found == term).take(CASCADE_ROWS + 1);
            keys.filter_map(|(_, key)| self.rows.get(key)).map(|row| (term.clone(), row.clone())).collect::<Vec<_>>()
        };
        PushFound {
            entries: reads.entries.iter().filter_map(|id| self.entries.get(id).cloned()).collect(),
            rows: reads.rows.iter().filter_map(|key| self.rows.get(key).cloned()).collect(),
            device: reads.device.as_ref().and_then(|id| self.devices.get(id).cloned()),
            temps: reads.temps.iter().filter_map(temp).collect(),
            terms: reads.terms.iter().flat_map(under).collect(),
            held: self.held(&reads.rows, &reads.places),
            left: reads.rows.iter().filter(|key| self.members.had(key, &reads.places)).cloned().collect(),
        }
    }

    fn put(&mut self, schema: &Schema, row: Row) {
        if let Some(old) = self.rows.get(&row.key()) {
            self.by_number.remove(&old.number);
            for term in terms::of(schema, old) {
                self.terms.remove(&(term, row.key()));
            }
        }
        self.terms.extend(terms::of(schema, &row).into_iter().map(|term| (term, row.key())));
        self.by_number.insert(row.number, row.key());
        self.rows.insert(row.key(), row);
    }

    /// Lets go of answers and tombstones from before a time, at most `most`; how many went.
    pub fn collect(&mut self, before: Millis, most: usize) -> usize {
        let old = self.entries.values().filter(|entry| entry.at < before).take(most);
        let old: Vec<OpId> = old.map(|entry| entry.id.clone()).collect();
        for entry in old.iter().filter_map(|id| self.entries.remove(id)) {
            self.acks.remove(&(entry.device, entry.number));
        }
        let gone = self.rows.values().filter(|row| row.deleted && row.changed_at < before).take(most - old.len());
        let gone: Vec<(RowKey, u64)> = gone.map(|row| (row.key(), row.number)).collect();
        for (key, number) in &gone {
            self.rows.remove(key);
            self.by_number.remove(number);
            self.horizon.number = self.horizon.number.max(*number);
        }
        if !(old.is_empty() && gone.is_empty()) {
            self.horizon.at = self.horizon.at.max(before);
        }
        old.len() + gone.len()
    }

    /// Every row, tombstones included.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// The rows whose last change has a number above `number`, in the order of their numbers.
    pub fn changed_since(&self, number: u64) -> impl Iterator<Item = &Row> {
        self.by_number.range(number + 1..).filter_map(|(_, key)| self.rows.get(key))
    }

    /// The row of a record.
    #[must_use]
    pub fn row(&self, key: &RowKey) -> Option<&Row> {
        self.rows.get(key)
    }

    /// The answer on record for an op.
    #[must_use]
    pub fn entry(&self, id: &OpId) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// Every answer on record.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The tenant's counter.
    #[must_use]
    pub const fn counter(&self) -> u64 {
        self.counter
    }
}
