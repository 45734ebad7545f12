//! The ledger in SQLite. This module decides in which transaction and in which order a push and a pull touch the file; what
//! is accepted and what a page holds is `authority`'s. `Store` calls it.

mod collect;
mod key;
mod members;
mod migrate;
mod read;
mod scope;
mod terms;
mod write;

use crate::db::Db;
use crate::ledger::{Ask, DEVICES_PER_USER, Ledger, Pushed, not_your_device, too_many_devices};
use crate::problem::database;
use landfall::authority::push::success;
use landfall::authority::runs::{has_lost, mark};
use landfall::authority::scope::places;
use landfall::authority::{
    Gathered, Next, PageFound, PageRead, Pull, Push, PushCommit, PushFound, PushReads, Reader, RowKey, TokenKey, Who, attach,
    first_page,
};
use landfall::error::{Code, Error, Result};
use landfall::id::Run;
use landfall::schema::Schema;
use landfall::time::Millis;
use landfall::wire::{Choice, ChoiceReply, Device, DeviceReply, Mark, PullReply, PullRequest, PushReply, PushRequest, Reset};
use serde::Serialize;
use sqlx::Transaction;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

type Tx = Transaction<'static, sqlx::Sqlite>;

/// The ledger in a SQLite file.
pub struct Sqlite {
    db: Db,
    key: TokenKey,
    run: Run,
    /// Tenants that already know of this life of the server.
    begun: Mutex<BTreeSet<String>>,
}

impl Sqlite {
    /// Over the database; `run` names this life of the server.
    #[must_use]
    pub fn new(db: Db, key: TokenKey, run: Run) -> Self {
        Self { db, key, run, begun: Mutex::default() }
    }

    /// Notes, once for each tenant, the number at which this life began: a token of an earlier life beyond it is of a change
    /// that this file never had, or has lost.
    /// The index by terms and the membership of buckets are made anew where the declaration has changed since they were made.
    async fn begin(&self, tx: &mut Tx, ask: Ask<'_>) -> Result<()> {
        let scope = &ask.who.tenant;
        if self.has_begun(ask) {
            return Ok(());
        }
        write::run(tx, scope, &self.run).await?;
        terms::make(tx, scope, ask.schema).await?;
        scope::ensure(tx, scope, ask.schema, ask.now).await
    }

    fn has_begun(&self, ask: Ask<'_>) -> bool {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).contains(&begun(ask))
    }

    async fn commit(&self, tx: Tx, ask: Ask<'_>) -> Result<()> {
        tx.commit().await.map_err(|error| database(&error))?;
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(begun(ask));
        Ok(())
    }

    /// The one transaction of a push: read, decide, take numbers, write. None: this file has lost what the device was told.
    async fn decide(&self, ask: Ask<'_>, request: PushRequest) -> Result<Option<(PushCommit, Option<Mark>)>> {
        let scope = &ask.who.tenant;
        let told = request.mark.clone();
        let mut tx = self.db.write().await?;
        self.begin(&mut tx, ask).await?;
        let horizon = collect::horizon(&mut tx, scope).await?;
        let push = Push::new(ask.schema, ask.who.clone(), request, ask.now).behind(horizon);
        let (runs, counter) = (read::runs(&mut tx, scope).await?, read::counter(&mut tx, scope).await?);
        if has_lost(told.as_ref(), &runs, counter) {
            self.commit(tx, ask).await?;
            return Ok(None);
        }
        let mut found = Gathered::default();
        while let Some(reads) = push.next(&mut found) {
            found.take(gathered(&mut tx, ask.who, &reads).await?);
        }
        let mut decided = push.decide(found)?;
        decided.with(scope::follow(&mut tx, scope, decided.follow(&push)).await?);
        let changes = decided.changes();
        let first = write::take_numbers(&mut tx, scope, changes).await?;
        let commit = decided.number(first);
        write::rows(&mut tx, scope, &commit.rows).await?;
        terms::write(&mut tx, (scope, ask.schema), &commit.rows).await?;
        terms::write_temps(&mut tx, scope, &commit.temps).await?;
        write::answers(&mut tx, scope, &commit.entries).await?;
        write::device(&mut tx, scope, &commit.device).await?;
        members::apply(&mut tx, scope, &commit.membership).await?;
        self.commit(tx, ask).await?;
        Ok(Some((commit, mark(&runs, counter + changes))))
    }
}

impl Ledger for Sqlite {
    async fn attach(&self, ask: Ask<'_>, device: &Device) -> Result<DeviceReply> {
        let scope = &ask.who.tenant;
        let mut tx = self.db.write().await?;
        self.begin(&mut tx, ask).await?;
        let known = read::device(&mut tx, scope, &device.device_id).await?;
        if known.is_none() && read::devices_of(&mut tx, scope, &ask.who.user).await? >= DEVICES_PER_USER as u64 {
            return Err(too_many_devices());
        }
        let row = attach(ask.who, device, known, ask.now)?;
        write::device(&mut tx, scope, &row).await?;
        self.commit(tx, ask).await?;
        Ok(DeviceReply { device_id: row.id, server_time: ask.now.iso() })
    }

    async fn push(&self, ask: Ask<'_>, request: PushRequest) -> Result<Pushed> {
        let (page, pull_error) = first_page(ask.schema, &request);
        let Some((commit, mark)) = self.decide(ask, request).await? else {
            let reply = PushReply { reset: Some(Reset::Rollback), ..PushReply::without_answers(ask.now) };
            return Ok(Pushed { reply, last: None });
        };
        let last = commit.rows.iter().map(|row| row.number).max();
        let mut reply = PushReply {
            success: success(&commit.processed),
            processed: commit.processed,
            repeated: commit.repeated,
            mark,
            pull_error,
            ..PushReply::without_answers(ask.now)
        };
        if let Some(request) = page {
            let page = self.pull(ask, request).await?;
            (reply.slices, reply.has_more) = (page.slices, page.has_more);
            (reply.next_sync_token, reply.reset) = (page.next_sync_token, page.reset);
        }
        Ok(Pushed { reply, last })
    }

    async fn pull(&self, ask: Ask<'_>, request: PullRequest) -> Result<PullReply> {
        let scope = &ask.who.tenant;
        if !self.has_begun(ask) {
            let mut tx = self.db.write().await?;
            self.begin(&mut tx, ask).await?;
            self.commit(tx, ask).await?;
        }
        let known = read::device(&mut self.db.read().await?, scope, &request.device_id).await?;
        if known.as_ref().is_some_and(|device| device.user != ask.who.user) {
            return Err(not_your_device());
        }
        let places = places(ask.schema, ask.who, &known.map(|device| device.deselected).unwrap_or_default());
        if ask.schema.partitioned() {
            self.age(ask, &places).await?;
        }
        // Everything from here on is read from the moment of the first statement.
        let mut tx = self.db.read().await?;
        let counter = read::counter(&mut tx, scope).await?;
        let runs = read::runs(&mut tx, scope).await?;
        let horizon = collect::horizon(&mut tx, scope).await?;
        let reader = Reader { schema: ask.schema, who: ask.who, places };
        let mut pull = Pull::new(reader, request, (&self.key, &runs, counter, ask.now)).behind(horizon);
        let mut found = None;
        loop {
            match pull.advance(found) {
                Next::Read(read) => found = Some(page(&mut tx, ask.who, (&read, counter)).await?),
                Next::Done(reply) => return Ok(*reply),
            }
        }
    }

    async fn choose(&self, ask: Ask<'_>, choice: &Choice) -> Result<ChoiceReply> {
        self.chosen(ask, choice).await
    }

    async fn collect(&self, before: Millis, most: usize) -> Result<usize> {
        let mut tx = self.db.write().await?;
        let Some(scope) = collect::overdue(&mut tx, before).await? else { return Ok(0) };
        let gone = collect::collect(&mut tx, &scope, before, most).await?;
        tx.commit().await.map_err(|error| database(&error))?;
        Ok(gone)
    }

    async fn migrate(&self, schema: &Schema) -> Result<()> {
        loop {
            let mut tx = self.db.write().await?;
            let more = migrate::step(&mut tx, schema).await?;
            tx.commit().await.map_err(|error| database(&error))?;
            if !more {
                return Ok(());
            }
        }
    }

    async fn counter(&self, scope: &str) -> Result<u64> {
        let mut tx = self.db.read().await?;
        read::counter(&mut tx, scope).await
    }
}

/// What a step of a push asks for.
async fn gathered(tx: &mut Tx, who: &Who, reads: &PushReads) -> Result<PushFound> {
    let scope = &who.tenant;
    Ok(PushFound {
        entries: read::answers(tx, scope, &reads.entries).await?,
        rows: read::rows(tx, scope, &reads.rows).await?,
        device: match &reads.device {
            Some(device) => read::device(tx, scope, device).await?,
            None => None,
        },
        temps: terms::temps(tx, scope, &who.user, &reads.temps).await?,
        terms: terms::under(tx, scope, &reads.terms).await?,
        held: members::held(tx, scope, &reads.rows, &reads.places).await?,
        left: members::left(tx, scope, &reads.rows, &reads.places).await?,
    })
}

/// What a step of a pull asks for.
async fn page(tx: &mut Tx, who: &Who, read: (&PageRead, u64)) -> Result<PageFound> {
    let (read, counter) = read;
    let scope = &who.tenant;
    let mut found = PageFound { counter, ..PageFound::default() };
    // Acks go as far as the page does.
    let through = |last: Option<u64>, full: bool| if full { last.unwrap_or(counter) } else { counter };
    match read {
        PageRead::Counter => {}
        PageRead::Rows(keys, places) => {
            found.rows = read::rows(tx, scope, keys).await?;
            found.held = members::held(tx, scope, keys, places).await?;
        }
        PageRead::Snapshot { entity, after, limit } => {
            found.rows = read::snapshot(tx, scope, (entity, after.as_deref()), *limit).await?;
        }
        PageRead::Delta { after, limit } => {
            found.rows = read::delta(tx, scope, *after, *limit).await?;
            let end = through(found.rows.last().map(|row| row.number), found.rows.len() >= *limit);
            found.acks = read::acks(tx, scope, &who.device, (*after, end)).await?;
        }
        PageRead::Touched { places, after, limit } => {
            found.touched = members::touched(tx, scope, places, (*after, *limit)).await?;
            let end = through(found.touched.last().map(|one| one.0), found.touched.len() >= *limit);
            found.acks = read::acks(tx, scope, &who.device, (*after, end)).await?;
            let mut keys: Vec<RowKey> = found.touched.iter().map(|one| one.1.clone()).collect();
            found.rows = read::rows(tx, scope, &keys).await?;
            let acked =
                |entry: &landfall::authority::Entry| RowKey { entity: entry.entity.clone(), id: entry.answer.entity_id.clone() };
            keys.extend(found.acks.iter().map(acked));
            found.held = members::held(tx, scope, &keys, places).await?;
        }
        PageRead::Listed { entity, buckets, after, since, places, limit } => {
            let keys = members::listed(tx, scope, (buckets, entity, after.as_deref()), (*since, *limit)).await?;
            found.rows = read::rows(tx, scope, &keys).await?;
            found.held = members::held(tx, scope, &keys, places).await?;
            found.touched = keys.into_iter().map(|key| (0, key)).collect();
        }
    }
    Ok(found)
}

/// A tenant, and the rules its membership has to be by.
fn begun(ask: Ask<'_>) -> String {
    let rules = if ask.schema.partitioned() { ask.schema.partition_text() } else { String::new() };
    format!("{}\n{rules}", ask.who.tenant)
}

fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn uint(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// A value as the JSON text of a column.
fn text<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::new(Code::ServerError, format!("a row cannot be written: {error}")))
}
