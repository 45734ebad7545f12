//! A push, from request to commit, in three pure steps: what to read, what to decide, what to write. Everything it needs is
//! known from the request, so a ledger reads once, inside its write transaction. Each op is decided over an overlay of rows
//! that only accepted ops change: a refused one leaves no trace (the savepoint of an op, whatever the database).

use crate::authority::decide;
use crate::authority::overlay::Overlay;
use crate::authority::rows::{DeviceRow, Entry, Row, RowKey, Who};
use crate::error::{Code, Error, Result};
use crate::id::{DeviceId, OpId};
use crate::record::Fields;
use crate::record::digest::canonical_text;
use crate::schema::{Entity, Operation, Schema};
use crate::time::Millis;
use crate::wire::{Change, Processed, PushRequest, Status};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// A push on its way.
#[derive(Clone, Debug)]
pub struct Push<'a> {
    schema: &'a Schema,
    who: Who,
    request: PushRequest,
    now: Millis,
}

/// What the ledger has to read, inside the transaction that will write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushReads {
    /// Answers already given to these ops.
    pub entries: Vec<OpId>,
    /// These rows: the ops' own and the ones they refer to.
    pub rows: Vec<RowKey>,
    /// The device.
    pub device: DeviceId,
}

/// What it found; absent things are left out.
#[derive(Clone, Debug, Default)]
pub struct PushFound {
    /// Answers already given.
    pub entries: Vec<Entry>,
    /// Rows, tombstones included.
    pub rows: Vec<Row>,
    /// The device.
    pub device: Option<DeviceRow>,
}

/// What was decided; the numbers are still to be taken.
#[derive(Clone, Debug)]
pub struct Decided {
    changed: Vec<Row>,
    fresh: Vec<Fresh>,
    processed: Vec<Processed>,
    /// Records of which an op of this push was not accepted.
    unsettled: BTreeSet<RowKey>,
    device: DeviceRow,
}

/// An op decided now: its entry, where its answer stands, and which change was its own.
#[derive(Clone, Debug)]
struct Fresh {
    entry: Entry,
    place: usize,
    change: Option<usize>,
}

/// What the ledger has to write.
#[derive(Clone, Debug)]
pub struct PushCommit {
    /// Rows, each as it is after the whole push; over those with the same key.
    pub rows: Vec<Row>,
    /// Answers, new.
    pub entries: Vec<Entry>,
    /// The device, over the one known.
    pub device: DeviceRow,
    /// The answers of the push, old and new, in the order of the request.
    pub processed: Vec<Processed>,
}

impl<'a> Push<'a> {
    /// A push of a request that `wire::check` has passed.
    #[must_use]
    pub const fn new(schema: &'a Schema, who: Who, request: PushRequest, now: Millis) -> Self {
        Self { schema, who, request, now }
    }

    /// What to read.
    #[must_use]
    pub fn reads(&self) -> PushReads {
        let mut rows = BTreeSet::new();
        for change in &self.request.changes {
            rows.insert(RowKey { entity: change.entity_type.clone(), id: change.entity_id.clone() });
            if let Some(entity) = self.schema.entities.get(&change.entity_type) {
                let referred = entity.referred(&change.data).into_iter();
                rows.extend(referred.map(|(entity, id, _)| RowKey { entity: entity.to_owned(), id: id.to_owned() }));
            }
        }
        PushReads {
            entries: self.request.changes.iter().map(|change| change.queue_id.clone()).collect(),
            rows: rows.into_iter().collect(),
            device: self.who.device.clone(),
        }
    }

    /// Decides every op, in order.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for a device that is not registered to this user, `STALE_INCARNATION` for a request number that
    /// was used before. Then nothing may be written.
    pub fn decide(&self, found: PushFound) -> Result<Decided> {
        let device = self.device(found.device)?;
        let known: BTreeMap<&OpId, &Entry> = found.entries.iter().map(|entry| (&entry.id, entry)).collect();
        let mut decided =
            Decided { changed: Vec::new(), fresh: Vec::new(), processed: Vec::new(), unsettled: BTreeSet::new(), device };
        let mut overlay = Overlay::new(found.rows);
        // Ops of one group stand next to each other (`wire::check`); an op without one is a group of its own.
        for group in self.request.changes.chunk_by(|one, next| one.group.is_some() && one.group == next.group) {
            self.group(group, &known, &mut overlay, &mut decided);
        }
        Ok(decided)
    }

    /// Ops that are accepted or refused together: what one of them had done is taken back if another is refused.
    fn group(&self, group: &[Change], known: &BTreeMap<&OpId, &Entry>, overlay: &mut Overlay, decided: &mut Decided) {
        let coming = group.iter().filter(|change| group.len() > 1 && change.operation == Operation::Create).map(key).collect();
        let mark = overlay.begin(coming);
        let from = (decided.changed.len(), decided.fresh.len(), decided.processed.len());
        for change in group {
            let fingerprint = fingerprint(change);
            match known.get(&change.queue_id) {
                Some(entry) => decided.processed.push(self.again(entry, change, &fingerprint)),
                None => self.one(change, fingerprint, overlay, decided),
            }
        }
        let refused = decided.processed[from.2..].iter().position(|answer| answer.status != Status::Success);
        overlay.end(refused.map(|_| mark));
        if let Some(culprit) = refused {
            decided.unsettled.extend(group.iter().map(key));
            if group.len() > 1 {
                decided.changed.truncate(from.0);
                decided.refuse_with(&group[culprit], from);
            }
        }
    }

    /// Whether an op may have been refused only because of another one of this push that was not accepted: it refers to what
    /// that one should have created, or deletes what that one should have let go of.
    fn is_held(&self, change: &Change, overlay: &Overlay, decided: &Decided) -> bool {
        let Some(entity) = self.schema.entities.get(&change.entity_type) else { return false };
        let names = |entity: &Entity, fields: &Fields, key: &dyn Fn(&RowKey) -> bool| {
            let referred = entity.referred(fields).into_iter();
            referred.map(|(entity, id, _)| RowKey { entity: entity.to_owned(), id: id.to_owned() }).any(|one| key(&one))
        };
        let mine = key(change);
        let unsettled = |one: &RowKey| *one != mine && decided.unsettled.contains(one);
        if change.operation != Operation::Delete {
            return names(entity, &change.data, &unsettled);
        }
        decided.unsettled.iter().filter(|one| **one != mine).any(|one| {
            let row = overlay.get(&one.entity, &one.id).filter(|row| !row.deleted);
            let entity = self.schema.entities.get(&one.entity);
            row.zip(entity).is_some_and(|(row, entity)| names(entity, &row.data, &|name| *name == mine))
        })
    }

    /// One op that the ledger has not seen. Its answer is recorded with its effect, in the same transaction (law 3).
    fn one(&self, change: &Change, fingerprint: String, overlay: &mut Overlay, decided: &mut Decided) {
        let context = decide::Context { schema: self.schema, who: &self.who, now: self.now, skew_ms: self.skew() };
        let mut verdict = decide::op(&context, change, overlay);
        if verdict.answer.status == Status::Error && self.is_held(change, overlay, decided) {
            (verdict.answer.status, verdict.recorded) = (Status::Held, false);
        }
        let at = verdict.row.map(|row| {
            overlay.put(row.clone());
            decided.changed.push(row);
            decided.changed.len() - 1
        });
        let place = decided.processed.len();
        decided.processed.push(verdict.answer.clone());
        if verdict.recorded {
            let entry = Entry {
                id: change.queue_id.clone(),
                user: self.who.user.clone(),
                device: self.who.device.clone(),
                fingerprint,
                number: 0,
                at: self.now,
                answer: verdict.answer,
            };
            decided.fresh.push(Fresh { entry, place, change: at });
        }
    }

    /// The answer to an op that was decided before: the same, if it is the same op of the same user.
    fn again(&self, entry: &Entry, change: &Change, fingerprint: &str) -> Processed {
        if entry.user != self.who.user {
            return decide::refusal(change, Error::new(Code::PermissionDenied, "this op is not yours").at("queue_id"));
        }
        if entry.fingerprint != fingerprint {
            let error = Error::new(Code::OpReused, "this op id came before with other content").at("queue_id");
            return decide::refusal(change, error.hint("a changed op is a new op with a new id"));
        }
        entry.answer.clone()
    }

    fn device(&self, known: Option<DeviceRow>) -> Result<DeviceRow> {
        let stranger = || Error::new(Code::PermissionDenied, "this device is not registered to this user").at("device_id");
        let known = known.filter(|row| row.user == self.who.user).ok_or_else(|| stranger().hint("register it first"))?;
        let hash = sha256(&serde_json::to_value(&self.request).map(|value| canonical_text(&value)).unwrap_or_default());
        let same_life = known.incarnation == self.request.incarnation;
        let repeat = same_life && known.request_no == self.request.request_no && known.request_hash == hash;
        if same_life && self.request.request_no <= known.request_no && !repeat {
            let error =
                Error::new(Code::StaleIncarnation, "this request number was used before: the device was restored or cloned");
            return Err(error.at("request_no").hint("take a new incarnation and send again"));
        }
        Ok(DeviceRow {
            incarnation: self.request.incarnation.clone(),
            request_no: self.request.request_no,
            request_hash: hash,
            seen_at: self.now,
            ..known
        })
    }

    /// How far the device's clock is behind this one, in milliseconds.
    fn skew(&self) -> i64 {
        let theirs = Millis::parse(&self.request.client_time).unwrap_or(self.now);
        i64::try_from(self.now.0).unwrap_or(0).saturating_sub(i64::try_from(theirs.0).unwrap_or(0))
    }
}

impl Decided {
    /// The answers of a group in which `culprit` was refused: its own stays, the others were refused because of it. If it
    /// was only held, so are they, and nothing is recorded.
    fn refuse_with(&mut self, culprit: &Change, from: (usize, usize, usize)) {
        let held = self.processed[from.2..].iter().find(|answer| answer.queue_id == culprit.queue_id);
        let held = held.is_some_and(|answer| answer.status == Status::Held);
        let code = self.processed[from.2..]
            .iter()
            .find_map(|answer| answer.error.as_ref())
            .map_or(Code::VersionConflict, |error| error.code);
        for answer in &mut self.processed[from.2..] {
            if held || answer.status == Status::Success {
                let error = Error::new(code, format!("op {} of the same group was refused", culprit.queue_id)).at("group");
                let error = error.detail(serde_json::json!({ "op": culprit.queue_id }));
                *answer = decide::without_effect(answer, error);
                if held {
                    answer.status = Status::Held;
                }
            }
        }
        if held {
            self.fresh.truncate(from.1);
        }
        for fresh in &mut self.fresh[from.1..] {
            fresh.change = None;
            fresh.entry.answer = self.processed[fresh.place].clone();
        }
    }

    /// How many numbers to take from the tenant's counter, as the last statement before writing (law 12).
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changed.len() as u64
    }

    /// Gives the changes their numbers, `first` to `first + changes() - 1`.
    #[must_use]
    pub fn number(self, first: u64) -> PushCommit {
        let mut processed = self.processed;
        let mut entries = Vec::with_capacity(self.fresh.len());
        for Fresh { mut entry, place, change } in self.fresh {
            if let Some(change) = change {
                entry.number = first + change as u64;
                entry.answer.number = entry.number;
                processed[place].number = entry.number;
            }
            entries.push(entry);
        }
        let mut rows: BTreeMap<RowKey, Row> = BTreeMap::new();
        for (at, row) in self.changed.into_iter().enumerate() {
            rows.insert(row.key(), Row { number: first + at as u64, ..row });
        }
        PushCommit { rows: rows.into_values().collect(), entries, device: self.device, processed }
    }
}

/// Whether every op was accepted.
#[must_use]
pub fn success(processed: &[Processed]) -> bool {
    processed.iter().all(|one| one.status == Status::Success)
}

fn key(change: &Change) -> RowKey {
    RowKey { entity: change.entity_type.clone(), id: change.entity_id.clone() }
}

/// SHA-256 of the op's canonical form.
fn fingerprint(change: &Change) -> String {
    sha256(&serde_json::to_value(change).map(|value| canonical_text(&value)).unwrap_or_default())
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
