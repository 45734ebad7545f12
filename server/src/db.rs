//! The SQLite file. This module decides how it is opened (WAL, every commit on disk before it is answered, one writer) and
//! which tables it has; it holds no rule of the protocol. The ledger, the sessions and the settings lie in it.

use crate::problem::database;
use landfall::error::{Code, Error, Result};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};
use std::path::Path;
use std::time::Duration;

/// How long a connection waits for another process's write.
const BUSY: Duration = Duration::from_secs(10);
/// Readers at once; each has its own snapshot and none waits for the writer.
const READERS: u32 = 4;

/// Every step that ever changed the tables, in order; the file's `user_version` counts the steps it has taken.
const MIGRATIONS: &[&str] = &[
    include_str!("db/1.sql"),
    include_str!("db/2.sql"),
    include_str!("db/3.sql"),
    include_str!("db/4.sql"),
    include_str!("db/5.sql"),
];

/// The open database.
#[derive(Clone)]
pub struct Db {
    write: SqlitePool,
    read: SqlitePool,
}

impl Db {
    /// Opens (or creates) the file.
    ///
    /// # Errors
    /// `SERVER_ERROR` when it cannot be opened, or was written by a newer server.
    pub async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY);
        let write = pool(1).connect_with(options.clone()).await.map_err(|error| database(&error))?;
        migrate(&write).await?;
        let read = pool(READERS).connect_with(options.pragma("query_only", "ON")).await.map_err(|error| database(&error))?;
        Ok(Self { write, read })
    }

    /// A database that lives as long as the process: sessions of a server without a file.
    ///
    /// # Errors
    /// `SERVER_ERROR`.
    pub async fn memory() -> Result<Self> {
        let options = SqliteConnectOptions::new().in_memory(true);
        let write = pool(1).connect_with(options).await.map_err(|error| database(&error))?;
        migrate(&write).await?;
        Ok(Self { read: write.clone(), write })
    }

    /// Begins a write. It takes the write lock at once, so that what it reads cannot change before it commits (a deferred
    /// transaction would fail at its first write instead, when another has committed in between).
    ///
    /// # Errors
    /// `SERVER_ERROR`.
    pub async fn write(&self) -> Result<Transaction<'static, Sqlite>> {
        self.write.begin_with("BEGIN IMMEDIATE").await.map_err(|error| database(&error))
    }

    /// Begins a read: everything read in it is of one moment.
    ///
    /// # Errors
    /// `SERVER_ERROR`.
    pub async fn read(&self) -> Result<Transaction<'static, Sqlite>> {
        self.read.begin().await.map_err(|error| database(&error))
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// `SERVER_ERROR`.
    pub async fn alive(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.read).await.map(drop).map_err(|error| database(&error))
    }

    /// Closes every connection; the last one folds the log into the file.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    /// A setting, made by `fresh` the first time it is asked for.
    ///
    /// # Errors
    /// `SERVER_ERROR`.
    pub async fn setting(&self, name: &str, fresh: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
        let mut tx = self.write().await?;
        let found: Option<Vec<u8>> = sqlx::query_scalar("SELECT value FROM settings WHERE name = ?1")
            .bind(name)
            .fetch_optional(&mut *tx)
            .await
            .map_err(|error| database(&error))?;
        if let Some(value) = found {
            return Ok(value);
        }
        let value = fresh()?;
        sqlx::query("INSERT INTO settings (name, value) VALUES (?1, ?2)")
            .bind(name)
            .bind(&value)
            .execute(&mut *tx)
            .await
            .map_err(|error| database(&error))?;
        tx.commit().await.map_err(|error| database(&error))?;
        Ok(value)
    }
}

fn pool(size: u32) -> SqlitePoolOptions {
    // Connections to a local file do not age, and one in memory must not be replaced: its data would go with it.
    SqlitePoolOptions::new().min_connections(1).max_connections(size).max_lifetime(None).idle_timeout(None)
}

async fn migrate(pool: &SqlitePool) -> Result<()> {
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.map_err(|error| database(&error))?;
    let done: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *tx).await.map_err(|error| database(&error))?;
    let done = usize::try_from(done).unwrap_or(usize::MAX);
    if done > MIGRATIONS.len() {
        return Err(Error::new(Code::ServerError, "the data file was written by a newer server").hint("update this server"));
    }
    for step in &MIGRATIONS[done..] {
        sqlx::raw_sql(*step).execute(&mut *tx).await.map_err(|error| database(&error))?;
    }
    tx.commit().await.map_err(|error| database(&error))
}
