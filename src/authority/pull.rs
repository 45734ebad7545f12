//! A pull, page by page of slices, as pure steps: what to read, what the page holds, whether to read on. A delta goes by the
//! tenant's numbers and brings acks; a snapshot goes by entity (in the order of tiers) and id, and ends where its deltas
//! begin. A ledger answers all reads of one pull from one consistent read transaction.

use crate::authority::horizon::Horizon;
use crate::authority::rows::{Entry, Row, RowKey, RunRow, Who};
use crate::authority::runs;
use crate::authority::token::{Cursor, Place, TokenKey};
use crate::limits;
use crate::schema::{Operation, Schema};
use crate::time::Millis;
use crate::wire::{Ack, IdRange, PullReply, PullRequest, RemoteChange, Reset, Slice, Status};

/// A pull on its way.
#[derive(Clone, Debug)]
pub struct Pull<'a> {
    schema: &'a Schema,
    key: &'a TokenKey,
    request: PullRequest,
    now: Millis,
    cursor: Option<Cursor>,
    latest: RunRow,
    reset: Option<Reset>,
    slices: Vec<Slice>,
    left: usize,
    begun: bool,
}

/// What the ledger has to read next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageRead {
    /// The tenant's counter only; a snapshot begins at it.
    Counter,
    /// These rows, whatever their number.
    Rows(Vec<RowKey>),
    /// Rows with a number above `after` in the order of their numbers, at most `limit`; and this device's entries with a
    /// number above `after` and up to the last such row's (up to the counter if there were fewer rows than `limit`).
    Delta {
        /// Above this number.
        after: u64,
        /// Most rows.
        limit: usize,
    },
    /// Live rows of `entity` with an id behind `after`, in the order of ids by UTF-16 units, at most `limit`.
    Snapshot {
        /// Of this entity.
        entity: String,
        /// Behind this id.
        after: Option<String>,
        /// Most rows.
        limit: usize,
    },
}

/// What it found.
#[derive(Clone, Debug, Default)]
pub struct PageFound {
    /// Rows, in the order that was asked for.
    pub rows: Vec<Row>,
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

impl<'a> Pull<'a> {
    /// A pull of a request that `wire::check` has passed. `runs` are the tenant's, oldest first, the present one last;
    /// `counter` is the tenant's.
    #[must_use]
    pub fn new(schema: &'a Schema, who: &Who, request: PullRequest, at: (&'a TokenKey, &[RunRow], u64, Millis)) -> Self {
        let (key, runs, counter, now) = at;
        let latest = runs.last().cloned().unwrap_or(RunRow { id: String::new().into(), first: 0 });
        let filter = serde_json::json!([request.entity_types, request.tiers, request.schema_version]).to_string();
        let fresh = Cursor {
            run: latest.id.clone(),
            tenant: who.tenant.clone(),
            user: who.user.0.clone(),
            filter,
            schema: schema.version,
            number: counter,
            snapshot: None,
        };
        let lost = runs::has_lost(request.mark.as_ref(), runs, counter);
        let opened = request
            .sync_token
            .as_ref()
            .map(|token| key.open(token).ok_or(Reset::Token).and_then(|cursor| judge(cursor, &fresh, (runs, counter))));
        let (cursor, reset) = match opened {
            _ if lost => (None, Some(Reset::Rollback)),
            None => (None, None),
            Some(Ok(cursor)) => (Some(Cursor { run: latest.id.clone(), ..cursor }), None),
            Some(Err(reset)) => (None, Some(reset)),
        };
        let cursor = if reset.is_some() { None } else { Some(cursor.unwrap_or_else(|| begin(schema, &request, fresh))) };
        let asked = if request.limit == 0 { schema.sync.batch.pull } else { request.limit };
        let left = (asked as usize).clamp(1, limits::PAGE_ROWS);
        Self { schema, key, request, now, cursor, latest, reset, slices: Vec::new(), left, begun: false }
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
                Next::Read(PageRead::Rows(self.request.want.iter().map(key).collect()))
            }
            None => {
                self.begun = true;
                self.read()
            }
            Some(found) if !self.begun => {
                self.begun = true;
                self.wanted(found);
                self.read()
            }
            Some(found) => self.take(found),
        }
    }

    fn read(&self) -> Next {
        let Some(cursor) = &self.cursor else { return Next::Read(PageRead::Counter) };
        let limit = self.left + 1;
        Next::Read(match &cursor.snapshot {
            Some(place) => PageRead::Snapshot { entity: place.entity.clone(), after: place.after.clone(), limit },
            None => PageRead::Delta { after: cursor.number, limit },
        })
    }

    fn wanted(&mut self, found: PageFound) {
        if let (Some(cursor), false) = (&self.cursor, found.rows.is_empty()) {
            let token = self.request.sync_token.clone().unwrap_or_else(|| self.key.seal(cursor));
            let changes = found.rows.iter().map(|row| self.visible(row)).collect();
            self.slices.push(Slice { acks: Vec::new(), changes, range: None, token });
        }
    }

    fn take(&mut self, found: PageFound) -> Next {
        let Some(cursor) = self.cursor.clone() else { return self.done(false) };
        match cursor.snapshot.clone() {
            Some(place) => self.snapshot(cursor, place, found.rows),
            None => self.delta(cursor, found),
        }
    }

    /// Rows by number, cut into slices, each with the acks of its stretch of numbers.
    fn delta(&mut self, mut cursor: Cursor, found: PageFound) -> Next {
        let more = found.rows.len() > self.left;
        let rows = &found.rows[..found.rows.len().min(self.left)];
        let end = if more { rows.last().map_or(cursor.number, |row| row.number) } else { found.counter.max(cursor.number) };
        let after = cursor.number;
        let mut acks = found.acks.iter().filter(|entry| entry.number > after && entry.number <= end).peekable();
        let mut chunks = chunks(rows).into_iter().peekable();
        loop {
            let chunk = chunks.next().unwrap_or_default();
            let last = chunks.peek().is_none();
            let through = if last { end } else { chunk.last().map_or(end, |row| row.number) };
            let mut slice_acks = Vec::new();
            while let Some(entry) = acks.next_if(|entry| entry.number <= through && slice_acks.len() < limits::SLICE_ACKS) {
                slice_acks.extend(ack(entry, self.schema.version));
            }
            // Acks of one stretch that do not fit a slice travel ahead, in slices of their own.
            while acks.peek().is_some_and(|entry| entry.number <= through) {
                let ahead = std::mem::take(&mut slice_acks);
                self.slices.push(Slice { acks: ahead, changes: Vec::new(), range: None, token: self.key.seal(&cursor) });
                while let Some(entry) = acks.next_if(|entry| entry.number <= through && slice_acks.len() < limits::SLICE_ACKS) {
                    slice_acks.extend(ack(entry, self.schema.version));
                }
            }
            let moved = through > cursor.number || !chunk.is_empty() || !slice_acks.is_empty();
            cursor.number = through;
            if moved || self.request.sync_token.is_none() {
                let changes = chunk.iter().filter(|row| self.asked_for(&row.entity)).map(|row| self.visible(row)).collect();
                self.slices.push(Slice { acks: slice_acks, changes, range: None, token: self.key.seal(&cursor) });
            }
            if last {
                break;
            }
        }
        self.cursor = Some(cursor);
        self.done(more)
    }

    /// Live rows by id, cut into slices that name the stretch of ids they cover; an exhausted entity is followed by the next.
    fn snapshot(&mut self, mut cursor: Cursor, place: Place, rows: Vec<Row>) -> Next {
        let more = rows.len() > self.left;
        let rows = &rows[..rows.len().min(self.left)];
        self.left -= rows.len();
        let mut after = place.after.clone();
        let mut chunks = chunks(rows).into_iter().peekable();
        loop {
            let chunk = chunks.next().unwrap_or_default();
            let ends = chunks.peek().is_none() && !more;
            let through = if ends { None } else { chunk.last().map(|row| row.id.clone()) };
            let range = IdRange { entity_type: place.entity.clone(), after: after.clone(), through: through.clone() };
            cursor.snapshot = if ends {
                self.following(&place.entity)
            } else {
                Some(Place { entity: place.entity.clone(), after: through.clone() })
            };
            let changes = chunk.iter().map(|row| self.visible(row)).collect();
            self.slices.push(Slice { acks: Vec::new(), changes, range: Some(range), token: self.key.seal(&cursor) });
            after = through;
            if chunks.peek().is_none() {
                break;
            }
        }
        let finished = cursor.snapshot.is_none();
        self.cursor = Some(cursor);
        // When the snapshot ends, the deltas since its beginning are still to come.
        if more || self.left == 0 || finished { self.done(true) } else { self.read() }
    }

    fn following(&self, entity: &str) -> Option<Place> {
        let order = order(self.schema, &self.request);
        let at = order.iter().position(|name| name == entity)?;
        order.get(at + 1).map(|name| Place { entity: name.clone(), after: None })
    }

    fn asked_for(&self, entity: &str) -> bool {
        self.request.entity_types.is_empty() || self.request.entity_types.iter().any(|name| name == entity)
    }

    /// The row as this device may see it: fields kept on the server stay there.
    fn visible(&self, row: &Row) -> RemoteChange {
        let Some(entity) = self.schema.entities.get(&row.entity) else { return row.change() };
        if row.deleted || !entity.hides() {
            return row.change();
        }
        Row { data: entity.visible(&row.data), ..row.clone() }.change()
    }

    fn done(&mut self, has_more: bool) -> Next {
        let slices = std::mem::take(&mut self.slices);
        let next_sync_token = slices.last().map(|slice| slice.token.clone()).or_else(|| match self.reset {
            Some(_) => None,
            None => self.request.sync_token.clone(),
        });
        Next::Done(Box::new(PullReply {
            slices,
            changes: Vec::new(),
            has_more,
            next_sync_token,
            server_time: self.now.iso(),
            reset: self.reset,
        }))
    }

    /// The run that tokens of this answer belong to.
    #[must_use]
    pub const fn run(&self) -> &RunRow {
        &self.latest
    }
}

/// Whether an opened token is still good for this request.
fn judge(cursor: Cursor, fresh: &Cursor, at: (&[RunRow], u64)) -> Result<Cursor, Reset> {
    let (runs, counter) = at;
    let bound = (&cursor.tenant, &cursor.user, &cursor.filter, cursor.schema)
        == (&fresh.tenant, &fresh.user, &fresh.filter, fresh.schema);
    if !bound {
        return Err(Reset::Token);
    }
    if runs::reaches((runs, counter), &cursor.run, cursor.number) { Ok(cursor) } else { Err(Reset::Rollback) }
}

/// A snapshot from its first entity; the number is where its deltas will begin.
fn begin(schema: &Schema, request: &PullRequest, fresh: Cursor) -> Cursor {
    let first = order(schema, request).into_iter().next();
    Cursor { snapshot: first.map(|entity| Place { entity, after: None }), ..fresh }
}

/// The entities of a snapshot: tier after tier, so that what is critical is there first.
fn order(schema: &Schema, request: &PullRequest) -> Vec<String> {
    let wanted = |name: &String, tier: u8| {
        (request.entity_types.is_empty() || request.entity_types.contains(name))
            && (request.tiers.is_empty() || request.tiers.contains(&tier))
    };
    let mut names: Vec<(u8, String)> = schema.entities.iter().map(|(name, entity)| (entity.tier, name.clone())).collect();
    names.retain(|(tier, name)| wanted(name, *tier));
    names.sort();
    names.into_iter().map(|(_, name)| name).collect()
}

/// Rows in slices of at most 32 rows and 64 KB (one row at least).
fn chunks(rows: &[Row]) -> Vec<&[Row]> {
    let mut out = Vec::new();
    let (mut from, mut bytes) = (0, 0);
    for (at, row) in rows.iter().enumerate() {
        let size = serde_json::to_string(&row.data).map_or(0, |text| text.len());
        if at > from && (at - from == limits::SLICE_ROWS || bytes + size > limits::SLICE_BYTES) {
            out.push(&rows[from..at]);
            (from, bytes) = (at, 0);
        }
        bytes += size;
    }
    if from < rows.len() {
        out.push(&rows[from..]);
    }
    out
}

fn ack(entry: &Entry, schema: u32) -> Option<Ack> {
    (entry.answer.status == Status::Success).then(|| Ack {
        queue_id: entry.id.clone(),
        entity_id: entry.answer.entity_id.clone(),
        server_version: entry.answer.server_version,
        number: entry.number,
        // Of a record in the words of an older schema: nobody could compare it.
        digest: if entry.schema == schema { entry.answer.digest.clone() } else { String::new() },
    })
}

/// Whether a row is a tombstone on the wire.
#[must_use]
pub fn is_gone(change: &RemoteChange) -> bool {
    change.operation == Operation::Delete
}
