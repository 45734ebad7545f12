//! The sync server of landfall: the protocol of `landfall::wire` over HTTP, decided by `landfall::authority`, kept in a
//! ledger. This crate decides how requests arrive, who they come from and where rows lie; whether an op is accepted and what
//! a page holds it leaves to the engine, the same code that runs in the page.
//!
//! | file | what it decides |
//! |---|---|
//! | `routes/`, `body`, `problem` | addresses, limits on bodies, the form of every failure |
//! | `auth`, `session`, `governor` | who calls, for how long, how often |
//! | `ledger/`, `db` | where rows, answers and devices lie, and in which transactions |
//! | `bells`, `routes/events` | who hears that there is something new |
//! | `keeper` | how long answers and tombstones are remembered |
//! | `serve`, `config`, `apps`, `seed`, `statics` | what the server is started with |

pub mod apps;
pub mod auth;
pub mod bells;
pub mod body;
pub mod clock;
pub mod config;
pub mod db;
pub mod governor;
pub mod keeper;
pub mod ledger;
pub mod problem;
pub mod routes;
pub mod secret;
pub mod seed;
pub mod serve;
pub mod session;
pub mod statics;

use crate::apps::App;
use crate::auth::Keys;
use crate::bells::Bells;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::governor::Governor;
use crate::ledger::{Ledger as _, Store};
use crate::session::Sessions;
use axum::Router;
use landfall::authority::TokenKey;
use landfall::error::{Code, Error, Result};
use landfall::id::Run;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Everything the routes share; cheap to clone.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    apps: BTreeMap<String, Arc<App>>,
    store: Store,
    sessions: Sessions,
    keys: Keys,
    clock: Clock,
    bells: Bells,
    governor: Governor,
    db: Db,
    keep_days: u32,
    dev: bool,
}

impl Server {
    /// Opens what the configuration names, by the machine's clock.
    ///
    /// # Errors
    /// `INVALID_SCHEMA`, `VALIDATION_ERROR` for a secret that is too short or a bad seed file, `SERVER_ERROR`.
    pub async fn start(config: &Config) -> Result<Self> {
        Self::start_at(config, Clock::system()).await
    }

    /// Opens what the configuration names, by another clock.
    ///
    /// # Errors
    /// As `start`.
    pub async fn start_at(config: &Config, clock: Clock) -> Result<Self> {
        let apps = apps::load(&config.schemas)?;
        let db = match &config.data {
            Some(path) => Db::open(path).await?,
            None => {
                tracing::warn!("no --data: everything is in memory and gone at the end");
                Db::memory().await?
            }
        };
        let secret = match &config.secret {
            Some(secret) => secret.clone(),
            None => db.setting("secret", || secret::random::<{ secret::SECRET_BYTES }>().map(Vec::from)).await?,
        };
        if secret.len() < secret::SECRET_BYTES {
            let what = format!("LANDFALL_SECRET has {} bytes; at least {} are needed", secret.len(), secret::SECRET_BYTES);
            return Err(Error::new(Code::ValidationError, what));
        }
        let cursor = TokenKey(secret::derive(&secret, "cursor"));
        let run = Run(secret::text(&secret::random::<16>()?));
        let store = match config.data {
            Some(_) => Store::Sqlite(ledger::Sqlite::new(db.clone(), cursor, run)),
            None => Store::Memory(ledger::Memory::new(cursor, run)),
        };
        for app in apps.values() {
            store.migrate(&app.schema).await?;
        }
        let server = Self(Arc::new(Inner {
            apps,
            store,
            sessions: Sessions::new(db.clone()),
            keys: Keys::new(&secret::derive(&secret, "access token")),
            clock,
            bells: Bells::default(),
            governor: Governor::new(config.rate_per_s),
            db,
            keep_days: config.keep_days,
            dev: config.dev,
        }));
        if let Some(file) = &config.seed {
            seed::load(&server, file).await?;
        }
        Ok(server)
    }

    /// An application by its name.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub fn app(&self, name: &str) -> Result<Arc<App>> {
        self.0.apps.get(name).cloned().ok_or_else(|| Error::new(Code::NotFound, "there is no such application"))
    }

    /// Closes the database.
    pub async fn close(&self) {
        self.0.db.close().await;
    }

    /// The keys of access tokens.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// The bells.
    #[must_use]
    pub fn bells(&self) -> &Bells {
        &self.0.bells
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn db(&self) -> &Db {
        &self.0.db
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn governor(&self) -> &Governor {
        &self.0.governor
    }

    pub(crate) fn keep_days(&self) -> u32 {
        self.0.keep_days
    }

    pub(crate) fn dev(&self) -> bool {
        self.0.dev
    }
}

/// The server as a router, with the files of `files` at `/` if given.
pub fn app(server: Server, files: Option<&Path>) -> Router {
    routes::router(server, files)
}
