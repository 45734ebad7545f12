//! The ledger in SQLite. This module decides in which transaction and in which order a push and a pull touch the file; what
//! is accepted and what a page holds is `authority`'s. `Store` calls it.

mod collect;
mod key;
mod migrate;
mod read;
mod terms;
mod write;

use crate::db::Db;
use crate::ledger::{Ask, DEVICES_PER_USER, Ledger, Pushed, not_your_device, too_many_devices};
use crate::problem::database;
use landfall::authority::push::success;
use landfall::authority::runs::{has_lost, mark};
use landfall::authority::{
    Gathered, Next, PageFound, PageRead, Pull, Push, PushCommit, PushFound, PushReads, TokenKey, Who, attach, first_page,
};
use landfall::error::{Code, Error, Result};
use landfall::id::Run;
use landfall::schema::Schema;
use landfall::time::Millis;
use landfall::wire::{Device, DeviceReply, Mark, PullReply, PullRequest, PushReply, PushRequest, Reset};
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
    /// The index by terms is made anew where the declaration has changed since it was made.
    async fn begin(&self, tx: &mut Tx, ask: Ask<'_>) -> Result<()> {
        let scope = &ask.who.tenant;
        if self.has_begun(scope) {
            return Ok(());
        }
        write::run(tx, scope, &self.run).await?;
        terms::make(tx, scope, ask.schema).await
    }

    fn has_begun(&self, scope: &str) -> bool {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).contains(scope)
    }

    fn note_begun(&self, scope: &str) {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(scope.to_owned());
    }

    async fn commit(&self, tx: Tx, scope: &str) -> Result<()> {
        tx.commit().await.map_err(|error| database(&error))?;
        self.note_begun(scope);
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
            self.commit(tx, scope).await?;
            return Ok(None);
        }
        let mut found = Gathered::default();
        while let Some(reads) = push.next(&mut found) {
            found.take(gathered(&mut tx, ask.who, &reads).await?);
        }
        let decided = push.decide(found)?;
        let changes = decided.changes();
        let first = write::take_numbers(&mut tx, scope, changes).await?;
        let commit = decided.number(first);
        write::rows(&mut tx, scope, &commit.rows).await?;
        terms::write(&mut tx, (scope, ask.schema), &commit.rows).await?;
        terms::write_temps(&mut tx, scope, &commit.temps).await?;
        write::answers(&mut tx, scope, &commit.entries).await?;
        write::device(&mut tx, scope, &commit.device).await?;
        self.commit(tx, scope).await?;
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
        self.commit(tx, scope).await?;
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
        if !self.has_begun(scope) {
            let mut tx = self.db.write().await?;
            self.begin(&mut tx, ask).await?;
            self.commit(tx, scope).await?;
        }
        // Everything from here on is read from the moment of the first statement.
        let mut tx = self.db.read().await?;
        let counter = read::counter(&mut tx, scope).await?;
        let runs = read::runs(&mut tx, scope).await?;
        let device = read::device(&mut tx, scope, &request.device_id).await?;
        if device.is_some_and(|device| device.user != ask.who.user) {
            return Err(not_your_device());
        }
        let horizon = collect::horizon(&mut tx, scope).await?;
        let mut pull = Pull::new(ask.schema, ask.who, request, (&self.key, &runs, counter, ask.now)).behind(horizon);
        let mut found = None;
        loop {
            match pull.advance(found) {
                Next::Read(read) => found = Some(page(&mut tx, ask.who, (&read, counter)).await?),
                Next::Done(reply) => return Ok(*reply),
            }
        }
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
    })
}

/// What a step of a pull asks for.
async fn page(tx: &mut Tx, who: &Who, read: (&PageRead, u64)) -> Result<PageFound> {
    let (read, counter) = read;
    let scope = &who.tenant;
    let (rows, acks) = match read {
        PageRead::Counter => (Vec::new(), Vec::new()),
        PageRead::Rows(keys) => (read::rows(tx, scope, keys).await?, Vec::new()),
        PageRead::Snapshot { entity, after, limit } => {
            (read::snapshot(tx, scope, (entity, after.as_deref()), *limit).await?, Vec::new())
        }
        PageRead::Delta { after, limit } => {
            let rows = read::delta(tx, scope, *after, *limit).await?;
            let through = if rows.len() < *limit { counter } else { rows.last().map_or(counter, |row| row.number) };
            let acks = read::acks(tx, scope, &who.device, (*after, through)).await?;
            (rows, acks)
        }
    };
    Ok(PageFound { rows, acks, counter })
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
