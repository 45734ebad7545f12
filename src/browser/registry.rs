//! The registry: which databases this origin has and what it takes to open one with no page open. This module decides what
//! stands there (schema, addresses, user; never a token, never a record); the bindings write an entry at `open`, and the
//! service worker reads them all when it is woken.

use crate::browser::js;
use crate::error::{Code, Error, Result};
use crate::plain::{Plain, plain};
use crate::time::Millis;
use rexie::{ObjectStore, Rexie, TransactionMode};
use wasm_bindgen::JsValue;

const NAME: &str = "landfall/registry";
const DATABASES: &str = "databases";

plain! {
    /// What a worker needs to open one database.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Entry {
        /// The database's name.
        pub database: String,
        /// The application's schema, as JSON text.
        pub schema: String,
        /// The tenant.
        pub tenant: String,
        /// The user.
        pub user: String,
        /// The device, where a page plays several.
        pub device?: String,
        /// The server's base address.
        pub base: String,
        /// The address that answers a cookie with a token.
        pub refresh?: Option<String>,
        /// When it was last opened by a page.
        pub opened_at: Millis,
        ..
    }
}

/// Notes a database, over what was noted of it before.
///
/// # Errors
/// `STORAGE_ERROR`, `QUOTA_EXCEEDED`.
pub async fn note(entry: &Entry) -> Result<()> {
    let row = js::write(&entry.plain())?;
    let registry = open().await?;
    let done = async {
        let transaction = registry.transaction(&[DATABASES], TransactionMode::ReadWrite)?;
        transaction.store(DATABASES)?.put(&row, None).await?;
        transaction.done().await.map(|_| ())
    };
    let done = done.await;
    registry.close();
    done.map_err(failed)
}

/// Every database that has been noted. An entry that this code cannot read is left alone.
///
/// # Errors
/// `STORAGE_ERROR`.
pub async fn all() -> Result<Vec<Entry>> {
    let registry = open().await?;
    let rows = async {
        let transaction = registry.transaction(&[DATABASES], TransactionMode::ReadOnly)?;
        transaction.store(DATABASES)?.get_all(None, None).await
    };
    let rows = rows.await;
    registry.close();
    Ok(rows.map_err(failed)?.iter().filter_map(|row| js::read(row).ok()).collect())
}

/// Strikes a database out.
///
/// # Errors
/// `STORAGE_ERROR`.
pub async fn forget(database: &str) -> Result<()> {
    let registry = open().await?;
    let done = async {
        let transaction = registry.transaction(&[DATABASES], TransactionMode::ReadWrite)?;
        transaction.store(DATABASES)?.delete(JsValue::from_str(database)).await?;
        transaction.done().await.map(|_| ())
    };
    let done = done.await;
    registry.close();
    done.map_err(failed)
}

async fn open() -> Result<Rexie> {
    let store = ObjectStore::new(DATABASES).key_path("database");
    Rexie::builder(NAME).version(1).add_object_store(store).build().await.map_err(failed)
}

fn failed(error: rexie::Error) -> Error {
    let message = error.to_string();
    let full = message.contains("QuotaExceeded");
    Error::new(if full { Code::QuotaExceeded } else { Code::StorageError }, message).at("landfall/registry")
}
