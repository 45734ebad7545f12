//! A pull, page by page of slices, as pure steps: what to read, what the page holds, whether to read on. A delta goes by the
//! tenant's numbers and brings acks; a snapshot goes step by step by entity (in the order of tiers) and id, and ends where its
//! deltas begin. A ledger answers all reads of one pull from one consistent read transaction.

use crate::authority::horizon::Horizon;
use crate::authority::rows::{Entry, Row, RowKey, RunRow, Who};
use crate::authority::runs;
use crate::authority::scope::{Held, is_whole};
use crate::authority::token::{Cursor, TokenKey};
use crate::limits;
use crate::schema::{Operation, Schema};
use crate::time::Millis;
use crate::wire::{PullReply, PullRequest, RemoteChange, Reset, Slice};
use std::collections::BTreeSet;

mod delta;
mod items;
mod snapshot;
mod steps;

use items::Item;

/// Who pulls, and where their records come from.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    /// The application's declaration.
    pub schema: &'a Schema,
    /// Who asks.
    pub who: &'a Who,
    /// Their places; see `authority::scope`.
    pub places: Vec<String>,
}

/// A pull on its way.
#[derive(Clone, Debug)]
pub struct Pull<'a> {
    reader: Reader<'a>,
    key: &'a TokenKey,
    request: PullRequest,
    now: Millis,
    cursor: Option<Cursor>,
    /// Nothing is kept from this user: the numbers of the whole tenant are theirs.
    all: bool,
    latest: RunRow,
    reset: Option<Reset>,
    slices: Vec<Slice>,
    left: usize,
    reads: usize,
    begun: bool,
}

/// What the ledger has to read next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageRead {
    /// The tenant's counter only; a snapshot begins at it.
    Counter,
    /// These rows, whatever their number, and by which rules they are in these places.
    Rows(Vec<RowKey>, Vec<String>),
    /// Rows with a number above `after` in the order of their numbers, at most `limit`; and this device's entries with a
    /// number above `after` and up to the last such row's (up to the counter if there were fewer rows than `limit`).
    Delta {
        /// Above this number.
        after: u64,
        /// Most rows.
        limit: usize,
    },
    /// The same for what was touched in these places: records of whole entities by their own number, of buckets by the number
    /// of their membership. With by which rules each of them, and each record of an entry, is in these places.
    Touched {
        /// In these places.
        places: Vec<String>,
        /// Above this number.
        after: u64,
        /// Most records.
        limit: usize,
    },
    /// Live rows of a whole entity with an id behind `after`, in the order of ids by UTF-16 units, at most `limit`.
    Snapshot {
        /// Of this entity.
        entity: String,
        /// Behind this id.
        after: Option<String>,
        /// Most rows.
        limit: usize,
    },
    /// The same for members of buckets.
    Listed {
        /// Of this entity.
        entity: String,
        /// Members of these buckets.
        buckets: Vec<String>,
        /// Behind this id.
        after: Option<String>,
        /// Also what left one of them after this number.
        since: Option<u64>,
        /// By which rules each of them is in these places.
        places: Vec<String>,
        /// Most records.
        limit: usize,
    },
}

/// What it found.
#[derive(Clone, Debug, Default)]
pub struct PageFound {
    /// Rows, in the order that was asked for.
    pub rows: Vec<Row>,
    /// Records with their numbers, in the order that was asked for, where membership was asked for.
    pub touched: Vec<(u64, RowKey)>,
    /// By which rules records are in the user's places.
    pub held: Held,
    /// This device's entries, by number.
    pub acks: Vec<Entry>,
    /// The tenant's counter.
    pub counter: u64,
}

/// How it goes on.
#[derive(Clone, Debug)]
pub enum Next {
    /// Read this and call `advance` again.
    Read(PageRead),
    /// The answer.
    Done(Box<PullReply>),
}

/// Most reads for one page: where few of many rows are sent, the page ends with fewer than it could hold.
const READS: usize = 16;

impl<'a> Pull<'a> {
    /// A pull of a request that `wire::check` has passed. `runs` are the tenant's, oldest first, the present one last;
    /// `counter` is the tenant's.
    #[must_use]
    pub fn new(reader: Reader<'a>, request: PullRequest, at: (&'a TokenKey, &[RunRow], u64, Millis)) -> Self {
        let (key, runs, counter, now) = at;
        let latest = runs.last().cloned().unwrap_or(RunRow { id: String::new().into(), first: 0 });
        let all = request.entity_types.is_empty() && reader.schema.entities.keys().all(|entity| reader.places.contains(entity));
        let asked = if request.limit == 0 { reader.schema.sync.batch.pull } else { request.limit };
        let left = (asked as usize).clamp(1, limits::PAGE_ROWS);
        let (slices, cursor) = (Vec::new(), None);
        let mut pull = Self { reader, key, request, now, cursor, all, latest, reset: None, slices, left, reads: 0, begun: false };
        pull.open((runs, counter));
        pull
    }

    /// Finds where to go on: from the token, or from the beginning.
    fn open(&mut self, at: (&[RunRow], u64)) {
        let fresh = self.fresh(at.1);
        if runs::has_lost(self.request.mark.as_ref(), at.0, at.1) {
            self.reset = Some(Reset::Rollback);
            return;
        }
        let token = self.request.sync_token.clone();
        match token.map(|token| self.key.open(&token).ok_or(Reset::Token).and_then(|cursor| judge(cursor, &fresh, at))) {
            None => self.cursor = Some(self.begin(fresh)),
            Some(Ok(cursor)) => match self.resumed(Cursor { run: self.latest.id.clone(), ..cursor }, fresh) {
                Some(cursor) => self.cursor = Some(cursor),
                None => self.reset = Some(Reset::Token),
            },
            Some(Err(reset)) => self.reset = Some(reset),
        }
    }

    fn fresh(&self, counter: u64) -> Cursor {
        let request = &self.request;
        Cursor {
            run: self.latest.id.clone(),
            tenant: self.reader.who.tenant.clone(),
            user: self.reader.who.user.0.clone(),
            filter: serde_json::json!([request.entity_types, request.tiers, request.schema_version]).to_string(),
            schema: self.reader.schema.version,
            number: counter,
            snapshot: None,
            scope: if self.all { Vec::new() } else { self.sources() },
            walk: Vec::new(),
            at: self.now,
        }
    }

    /// The places this request is about.
    fn sources(&self) -> Vec<String> {
        let asked = |place: &&String| !is_whole(place) || self.asked_for(place);
        let mut sources: Vec<String> = self.reader.places.iter().filter(asked).cloned().collect();
        if sources.is_empty() {
            // No place at all: an empty list would say everything.
            sources.push("/".to_owned());
        }
        sources
    }

    /// The cursor as it goes on today: a narrower pull begins where the whole one stands; what is gained or lost since is
    /// walked through first, at the number where the cursor stands, so that nothing is skipped meanwhile.
    fn resumed(&self, cursor: Cursor, fresh: Cursor) -> Option<Cursor> {
        if cursor.filter != fresh.filter {
            let begins = cursor.snapshot.is_some();
            let cursor = Cursor { filter: fresh.filter.clone(), scope: fresh.scope.clone(), walk: Vec::new(), ..cursor };
            return Some(if begins { self.begin(fresh) } else { cursor });
        }
        if cursor.scope == fresh.scope {
            return Some(cursor);
        }
        if !self.request.entity_types.is_empty() {
            return None;
        }
        if cursor.snapshot.is_some() && cursor.walk.is_empty() {
            return Some(self.begin(fresh));
        }
        let whole = |scope: &Vec<String>| -> BTreeSet<String> {
            if scope.is_empty() { self.reader.schema.entities.keys().cloned().collect() } else { scope.iter().cloned().collect() }
        };
        let (old, new) = (whole(&cursor.scope), whole(&fresh.scope));
        let mut walk: BTreeSet<String> = cursor.walk.iter().cloned().collect();
        walk.extend(old.symmetric_difference(&new).cloned());
        let cursor = Cursor { walk: walk.into_iter().collect(), scope: fresh.scope, at: self.now, ..cursor };
        let snapshot = self.steps(&cursor).into_iter().next().map(|step| step.place(None));
        Some(Cursor { walk: if snapshot.is_some() { cursor.walk.clone() } else { Vec::new() }, snapshot, ..cursor })
    }

    /// A snapshot from its first step; the number is where its deltas will begin.
    fn begin(&self, fresh: Cursor) -> Cursor {
        let first = self.steps(&fresh).into_iter().next();
        Cursor { snapshot: first.map(|step| step.place(None)), ..fresh }
    }

    /// Over data that was collected up to this horizon: a token from before it has missed deletions for good.
    #[must_use]
    pub fn behind(mut self, horizon: Horizon) -> Self {
        if self.request.sync_token.is_some() && self.cursor.as_ref().is_some_and(|cursor| cursor.number < horizon.number) {
            (self.cursor, self.reset) = (None, Some(Reset::Horizon));
        }
        self
    }

    /// The next step; `found` answers the last read (`None` at first).
    pub fn advance(&mut self, found: Option<PageFound>) -> Next {
        if self.reset.is_some() {
            return self.done(false);
        }
        match found {
            None if !self.request.want.is_empty() => {
                let key = |want: &crate::wire::Want| RowKey { entity: want.entity_type.clone(), id: want.entity_id.clone() };
                Next::Read(PageRead::Rows(self.request.want.iter().map(key).collect(), self.reader.places.clone()))
            }
            None => {
                self.begun = true;
                self.read()
            }
            Some(found) if !self.begun => {
                self.begun = true;
                self.wanted(&found);
                self.read()
            }
            Some(found) => self.take(&found),
        }
    }

    fn read(&mut self) -> Next {
        self.reads += 1;
        let limit = self.left + 1;
        let Some(cursor) = self.cursor.clone() else { return Next::Read(PageRead::Counter) };
        match &cursor.snapshot {
            Some(place) => self.read_step(&cursor, place, limit),
            None if self.all => Next::Read(PageRead::Delta { after: cursor.number, limit }),
            None => Next::Read(PageRead::Touched { places: self.sources(), after: cursor.number, limit }),
        }
    }

    /// Rows asked for by name: one that is not the user's is answered as if it had just left them.
    fn wanted(&mut self, found: &PageFound) {
        let Some(cursor) = &self.cursor else { return };
        let mut items = Vec::new();
        for want in &self.request.want {
            let key = RowKey { entity: want.entity_type.clone(), id: want.entity_id.clone() };
            let row = found.rows.iter().find(|row| row.entity == key.entity && row.id == key.id);
            let partitioned = self.reader.schema.entities.get(&key.entity).is_some_and(|entity| !entity.partition.is_empty());
            let mut item = self.item(
                (0, key),
                row.filter(|row| !row.deleted || !partitioned || found.held.contains_key(&row.key())),
                &found.held,
            );
            if matches!(item.said, items::Said::Nothing) {
                item.said = items::Said::Gone;
            }
            items.push(item);
        }
        let token = self.request.sync_token.clone().unwrap_or_else(|| self.key.seal(cursor));
        for chunk in items::chunks(items) {
            self.slices.extend(items::slice(chunk, token.clone()));
        }
    }

    fn take(&mut self, found: &PageFound) -> Next {
        let Some(cursor) = self.cursor.clone() else { return self.done(false) };
        match cursor.snapshot.clone() {
            Some(place) => self.snapshot(cursor, &place, found),
            None => self.delta(cursor, found),
        }
    }

    fn asked_for(&self, entity: &str) -> bool {
        self.request.entity_types.is_empty() || self.request.entity_types.iter().any(|name| name == entity)
    }

    fn done(&mut self, has_more: bool) -> Next {
        let slices = std::mem::take(&mut self.slices);
        let next_sync_token = slices.last().map(|slice| slice.token.clone()).or_else(|| match self.reset {
            Some(_) => None,
            None => self.request.sync_token.clone(),
        });
        let roles = (!self.reader.schema.roles.is_empty()).then(|| self.reader.who.roles.clone());
        Next::Done(Box::new(PullReply {
            slices,
            changes: Vec::new(),
            has_more,
            next_sync_token,
            server_time: self.now.iso(),
            reset: self.reset,
            roles,
        }))
    }

    /// The run that tokens of this answer belong to.
    #[must_use]
    pub const fn run(&self) -> &RunRow {
        &self.latest
    }
}

/// Whether an opened token is still good for this request: of this user, and for the same filter or for none.
fn judge(cursor: Cursor, fresh: &Cursor, at: (&[RunRow], u64)) -> Result<Cursor, Reset> {
    let (runs, counter) = at;
    let filter = |text: &str| serde_json::from_str::<(Vec<String>, Vec<u8>, u32)>(text).ok();
    let unfiltered = match (filter(&cursor.filter), filter(&fresh.filter)) {
        (Some((entities, tiers, old)), Some((_, _, new))) => entities.is_empty() && tiers.is_empty() && old == new,
        _ => false,
    };
    let bound = (&cursor.tenant, &cursor.user, cursor.schema) == (&fresh.tenant, &fresh.user, fresh.schema);
    if !bound || !unfiltered && cursor.filter != fresh.filter {
        return Err(Reset::Token);
    }
    if runs::reaches((runs, counter), &cursor.run, cursor.number) { Ok(cursor) } else { Err(Reset::Rollback) }
}

/// Whether a row is a tombstone on the wire.
#[must_use]
pub fn is_gone(change: &RemoteChange) -> bool {
    change.operation == Operation::Delete
}
