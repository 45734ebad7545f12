//! A push, from request to commit, in three pure steps: what to read (`gather`), what to decide, what to write; all of it
//! inside the ledger's write transaction. Each op is decided over an overlay of rows that only accepted ops change: a refused
//! one leaves no trace (the savepoint of an op, whatever the database).

use crate::authority::decide;
use crate::authority::follow::Follow;
use crate::authority::gather::Gathered;
use crate::authority::horizon::{self, Horizon};
use crate::authority::identity::{self, TempRow};
use crate::authority::negotiate;
use crate::authority::overlay::Overlay;
use crate::authority::rows::{DeviceRow, Entry, Row, RowKey, Who};
use crate::authority::scope::Membership;
use crate::authority::terms::hex;
use crate::error::{Code, Error, Result};
use crate::id::OpId;
use crate::plain::Plain;
use crate::record::Fields;
use crate::record::digest::canonical_text;
use crate::schema::{Entity, Operation, Schema};
use crate::time::Millis;
use crate::wire::{Change, Processed, PushRequest, Status};
use std::collections::{BTreeMap, BTreeSet};

/// A push on its way.
#[derive(Clone, Debug)]
pub struct Push<'a> {
    schema: &'a Schema,
    who: Who,
    request: PushRequest,
    /// Its ops as a device of the server's version would have sent them.
    changes: Vec<Change>,
    now: Millis,
    horizon: Horizon,
}

/// What was decided; the numbers are still to be taken.
#[derive(Clone, Debug)]
pub struct Decided {
    changed: Vec<Row>,
    fresh: Vec<Fresh>,
    processed: Vec<Processed>,
    repeated: Vec<OpId>,
    /// Records of which an op of this push was not accepted.
    unsettled: BTreeSet<RowKey>,
    /// Records that are not what ops of this push take them for: their ids were claimed by creates that were not accepted.
    claimed: BTreeSet<RowKey>,
    temps: Vec<TempRow>,
    device: DeviceRow,
    /// The device's schema is older than the server's.
    older: bool,
    membership: Membership,
}

/// An op decided now: its entry, where its answer stands, and which change was its own.
#[derive(Clone, Debug)]
struct Fresh {
    entry: Entry,
    place: usize,
    change: Option<usize>,
}

/// How far a push had come.
struct Mark {
    changed: usize,
    fresh: usize,
    processed: usize,
    temps: usize,
}

/// What the ledger has to write.
#[derive(Clone, Debug)]
pub struct PushCommit {
    /// Rows, each as it is after the whole push; over those with the same key.
    pub rows: Vec<Row>,
    /// Answers, new.
    pub entries: Vec<Entry>,
    /// What temporary ids stand for, new.
    pub temps: Vec<TempRow>,
    /// The device, over the one known.
    pub device: DeviceRow,
    /// The answers of the push, old and new, in the order of the request.
    pub processed: Vec<Processed>,
    /// The ops whose answers are old.
    pub repeated: Vec<OpId>,
    /// What the rows do to membership.
    pub membership: Membership,
}

impl<'a> Push<'a> {
    /// A push of a request that `wire::check` has passed.
    #[must_use]
    pub fn new(schema: &'a Schema, who: Who, request: PushRequest, now: Millis) -> Self {
        let changes = request.changes.iter().map(|change| negotiate::up_to_date(schema, change.clone())).collect();
        Self { schema, who, request, changes, now, horizon: Horizon { number: 0, at: Millis(0) } }
    }

    /// Over data that was collected up to this horizon.
    #[must_use]
    pub fn behind(mut self, horizon: Horizon) -> Self {
        self.horizon = horizon;
        self
    }

    pub(super) const fn schema(&self) -> &'a Schema {
        self.schema
    }

    pub(super) const fn who(&self) -> &Who {
        &self.who
    }

    pub(super) const fn request(&self) -> &PushRequest {
        &self.request
    }

    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    pub(super) const fn now(&self) -> Millis {
        self.now
    }

    /// Decides every op, in order.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for a device that is not registered to this user, `STALE_INCARNATION` for a request number that
    /// was used before, `SCHEMA_MISMATCH` for ops that are newer than this server. Then nothing may be written.
    pub fn decide(&self, found: Gathered) -> Result<Decided> {
        negotiate::ops_of(self.schema, &self.request)?;
        let mut decided = Decided {
            changed: Vec::new(),
            fresh: Vec::new(),
            processed: Vec::new(),
            repeated: Vec::new(),
            unsettled: BTreeSet::new(),
            claimed: BTreeSet::new(),
            temps: Vec::new(),
            device: self.device(found.device.clone())?,
            older: self.request.schema_version < self.schema.version,
            membership: Membership::default(),
        };
        let mut overlay = Overlay::new(self.schema, &found);
        let mut from = 0;
        // Ops of one group stand next to each other (`wire::check`); an op without one is a group of its own.
        for group in self.request.changes.chunk_by(|one, next| one.group.is_some() && one.group == next.group) {
            // The same ops as they are meant, with real ids.
            let range = from..from + group.len();
            let sent = &self.changes[range.clone()];
            let meant = found.changes.get(range).unwrap_or(sent);
            from += group.len();
            self.group((group, sent, meant), &found.entries, &mut overlay, &mut decided);
        }
        Ok(decided)
    }

    /// Ops that are accepted or refused together: what one of them had done is taken back if another is refused.
    fn group(
        &self,
        ops: (&[Change], &[Change], &[Change]),
        known: &BTreeMap<OpId, Entry>,
        overlay: &mut Overlay<'_>,
        decided: &mut Decided,
    ) {
        let (group, sent, meant) = ops;
        let coming = meant.iter().filter(|change| group.len() > 1 && change.operation == Operation::Create).map(key).collect();
        let mark = overlay.begin(coming);
        let from = decided.mark();
        for (change, op) in group.iter().zip(sent.iter().zip(meant)) {
            // Over the bytes as they came: the same op has the same fingerprint under every schema.
            let fingerprint = fingerprint(change);
            match known.get(&change.queue_id) {
                Some(entry) => {
                    decided.repeated.push(entry.id.clone());
                    decided.processed.push(self.again(entry, change, &fingerprint));
                }
                None => self.one(op, fingerprint, overlay, decided),
            }
        }
        let refused = decided.processed[from.processed..].iter().position(|answer| answer.status != Status::Success);
        overlay.end(refused.map(|_| mark));
        if let Some(culprit) = refused {
            decided.unsettled.extend(meant.iter().map(key));
            decided.claimed.extend(meant.iter().filter(|change| change.operation == Operation::Create).map(key));
            if group.len() > 1 {
                decided.refuse_with(group, culprit, &from);
            }
        }
    }

    /// Whether an op takes another's record for one of this push, which was not accepted under its id.
    fn mistakes(&self, change: &Change, decided: &Decided) -> bool {
        let Some(entity) = self.schema.entities.get(&change.entity_type) else { return false };
        let claimed = |entity: &str, id: &str| decided.claimed.contains(&RowKey { entity: entity.to_owned(), id: id.to_owned() });
        !decided.claimed.is_empty() && entity.referred(&change.data).into_iter().any(|(entity, id, _)| claimed(entity, id))
    }

    /// Whether an op may have been refused only because of another one of this push that was not accepted: it refers to what
    /// that one should have created, or deletes what that one should have let go of.
    fn is_held(&self, change: &Change, overlay: &Overlay<'_>, decided: &Decided) -> bool {
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

    /// One op that the ledger has not seen, as it came and as it is meant. Its answer is recorded with its effect, in the same
    /// transaction (law 3).
    fn one(&self, op: (&Change, &Change), fingerprint: String, overlay: &mut Overlay<'_>, decided: &mut Decided) {
        let (change, meant) = op;
        let relinked = identity::is_relinked(self.schema, change, meant);
        let context = decide::Context { schema: self.schema, who: &self.who, now: self.now, skew_ms: self.skew(), relinked };
        let doubted = self.horizon.hides(change, self.skew())
            && !horizon::is_harmless(meant, overlay.get(&meant.entity_type, &meant.entity_id));
        let mut verdict = match (doubted, negotiate::has_content(meant)) {
            (true, _) => decide::refused(meant, horizon::forgotten(meant)),
            (_, Err(error)) => decide::refused(meant, error),
            (false, Ok(())) => decide::op(&context, meant, overlay),
        };
        if verdict.answer.status == Status::Success && self.mistakes(meant, decided) {
            let error = Error::new(Code::ReferenceMissing, "names a record by an id that is another's").at(&meant.entity_type);
            let answer = Processed { status: Status::Held, ..decide::refusal(change, error) };
            verdict = decide::Verdict { answer, rows: Vec::new(), recorded: false };
        }
        if verdict.answer.status == Status::Error && self.is_held(meant, overlay, decided) {
            (verdict.answer.status, verdict.recorded) = (Status::Held, false);
        }
        let at = verdict.rows.len().checked_sub(1).map(|last| decided.changed.len() + last);
        for row in verdict.rows {
            overlay.put(row.clone());
            decided.changed.push(row);
        }
        decided.temps.extend(at.and_then(|_| identity::mapping(&self.who, meant, self.now)));
        let place = decided.processed.len();
        decided.processed.push(verdict.answer.clone());
        if verdict.recorded {
            let entry = Entry {
                id: change.queue_id.clone(),
                entity: meant.entity_type.clone(),
                user: self.who.user.clone(),
                device: self.who.device.clone(),
                fingerprint,
                number: 0,
                at: self.now,
                schema: self.schema.version,
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
        negotiate::answer(self.schema, entry, change)
    }

    fn device(&self, known: Option<DeviceRow>) -> Result<DeviceRow> {
        let stranger = || Error::new(Code::PermissionDenied, "this device is not registered to this user").at("device_id");
        let known = known.filter(|row| row.user == self.who.user).ok_or_else(|| stranger().hint("register it first"))?;
        let hash = hex(canonical_text(&self.request.plain()).as_bytes());
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
    fn mark(&self) -> Mark {
        let (changed, fresh) = (self.changed.len(), self.fresh.len());
        Mark { changed, fresh, processed: self.processed.len(), temps: self.temps.len() }
    }

    /// Takes back what a group has done in which `culprit` was refused: its own answer stays, the others were refused because
    /// of it. If it was only held, so are they, and nothing is recorded.
    fn refuse_with(&mut self, group: &[Change], culprit: usize, from: &Mark) {
        self.changed.truncate(from.changed);
        self.temps.truncate(from.temps);
        let answers = &mut self.processed[from.processed..];
        let held = answers[culprit].status == Status::Held;
        let code = answers.iter().find_map(|answer| answer.error.as_ref()).map_or(Code::VersionConflict, |error| error.code);
        let culprit = &group[culprit].queue_id;
        for (answer, change) in answers.iter_mut().zip(group) {
            if held || answer.status == Status::Success {
                let error = Error::new(code, format!("op {culprit} of the same group was refused")).at("group");
                *answer = decide::refusal(change, error.detail(serde_json::json!({ "op": culprit })));
                if held {
                    answer.status = Status::Held;
                }
            }
        }
        if held {
            self.fresh.truncate(from.fresh);
        }
        for fresh in &mut self.fresh[from.fresh..] {
            fresh.change = None;
            fresh.entry.answer = self.processed[fresh.place].clone();
        }
    }

    /// What the changed rows do to membership has to be worked out before they are written.
    #[must_use]
    pub fn follow<'a>(&self, push: &Push<'a>) -> Follow<'a> {
        Follow::changed(push.schema, &self.rows(0), push.now)
    }

    /// And is written with them.
    pub fn with(&mut self, membership: Membership) {
        self.membership = membership;
    }

    /// How many numbers to take from the tenant's counter, as the last statement before writing (law 12).
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changed.len() as u64 + self.membership.beyond(&self.rows(0))
    }

    /// The rows as they are after all changes, numbered from `first`.
    fn rows(&self, first: u64) -> Vec<Row> {
        let mut rows: BTreeMap<RowKey, Row> = BTreeMap::new();
        for (at, row) in self.changed.iter().enumerate() {
            rows.insert(row.key(), Row { number: first + at as u64, ..row.clone() });
        }
        rows.into_values().collect()
    }

    /// Gives the changes their numbers, `first` to `first + changes() - 1`.
    #[must_use]
    pub fn number(self, first: u64) -> PushCommit {
        let rows = self.rows(first);
        let mut membership = self.membership;
        membership.number(&rows, first + self.changed.len() as u64);
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
        if self.older {
            negotiate::for_older(&mut processed);
        }
        PushCommit { rows, entries, temps: self.temps, device: self.device, processed, repeated: self.repeated, membership }
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
    // When it left is no part of what it is: two copies of a database send the same op at different times.
    let change = Change { sent_at: None, ..change.clone() };
    hex(canonical_text(&change.plain()).as_bytes())
}
