//! Sessions that outlive an access token. This module decides which refresh token is good and what becomes of one that
//! comes twice; it sets no cookie and mints no access token. The routes under `/auth` call it.
//!
//! A token is replaced each time it is used. The old one stays good until its successor has been used once, because the
//! answer with the successor may be lost, and two contexts may refresh at the same time. From then on the old token, and
//! any other successor of it, is one that somebody has kept: using it ends the whole family.

use crate::auth::Identity;
use crate::db::Db;
use crate::problem::database;
use crate::secret;
use landfall::error::{Code, Error, Result};
use landfall::time::Millis;
use sqlx::{Row as _, Sqlite, Transaction};

/// How long a session lasts without being used, in milliseconds (30 days: longer than a device is likely to be offline).
pub const SESSION_MS: u64 = 30 * 24 * 3_600_000;

/// The sessions of all users.
#[derive(Clone)]
pub struct Sessions {
    db: Db,
}

struct Session {
    family: String,
    parent: Option<Vec<u8>>,
    heir: Option<Vec<u8>>,
    identity: Identity,
}

impl Sessions {
    /// Over the database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// Begins a session and returns its first token.
    ///
    /// # Errors
    /// `SERVER_ERROR`.
    pub async fn begin(&self, identity: &Identity, now: Millis) -> Result<String> {
        let family = secret::text(&secret::random::<16>()?);
        let session = Session { family, parent: None, heir: None, identity: identity.clone() };
        let mut tx = self.db.write().await?;
        sqlx::query("DELETE FROM sessions WHERE expires_at <= ?1")
            .bind(time(now))
            .execute(&mut *tx)
            .await
            .map_err(|error| database(&error))?;
        let token = insert(&mut tx, &session, now).await?;
        tx.commit().await.map_err(|error| database(&error))?;
        Ok(token)
    }

    /// Whose a token is, if it is known. It only reads: whoever guesses tokens does not hold up those who write.
    ///
    /// # Errors
    /// `SERVER_ERROR`.
    pub async fn whose(&self, token: &str, now: Millis) -> Result<Option<Identity>> {
        let Some(bytes) = secret::bytes(token) else { return Ok(None) };
        let mut tx = self.db.read().await?;
        Ok(find(&mut tx, &secret::hashed(&bytes), now).await?.map(|session| session.identity))
    }

    /// Uses a token: whose it is, and its successor.
    ///
    /// # Errors
    /// `AUTH_ERROR` when it is unknown, over, or was replaced.
    pub async fn rotate(&self, token: &str, now: Millis) -> Result<(Identity, String)> {
        let hash = secret::hashed(&secret::bytes(token).ok_or_else(over)?);
        let mut tx = self.db.write().await?;
        let session = find(&mut tx, &hash, now).await?.ok_or_else(over)?;
        let kept = match &session.parent {
            Some(parent) => settle_heir(&mut tx, parent, &hash).await?,
            None => true,
        };
        if session.heir.is_some() || !kept {
            tracing::warn!(user = %session.identity.user, "a replaced refresh token came again; its family is revoked");
            revoke(&mut tx, &session.family).await?;
            tx.commit().await.map_err(|error| database(&error))?;
            return Err(over());
        }
        let successor = Session { parent: Some(hash), heir: None, ..session };
        let token = insert(&mut tx, &successor, now).await?;
        tx.commit().await.map_err(|error| database(&error))?;
        Ok((successor.identity, token))
    }

    /// Ends the session that a token belongs to; an unknown token belongs to none.
    ///
    /// # Errors
    /// `SERVER_ERROR`.
    pub async fn end(&self, token: &str, now: Millis) -> Result<()> {
        let Some(bytes) = secret::bytes(token) else { return Ok(()) };
        let mut tx = self.db.write().await?;
        if let Some(session) = find(&mut tx, &secret::hashed(&bytes), now).await? {
            revoke(&mut tx, &session.family).await?;
        }
        tx.commit().await.map_err(|error| database(&error))
    }
}

/// The one answer to every token that is not good, whatever the reason.
pub(crate) fn over() -> Error {
    Error::new(Code::AuthError, "the session is over").hint("log in again")
}

async fn find(tx: &mut Transaction<'static, Sqlite>, hash: &[u8], now: Millis) -> Result<Option<Session>> {
    let row = sqlx::query(
        "SELECT family, parent, heir, user, tenant, app, roles, lists FROM sessions WHERE hash = ?1 AND expires_at > ?2",
    )
    .bind(hash)
    .bind(time(now))
    .fetch_optional(&mut **tx)
    .await
    .map_err(|error| database(&error))?;
    let Some(row) = row else { return Ok(None) };
    let read = || -> std::result::Result<Session, sqlx::Error> {
        let roles: String = row.try_get(6)?;
        let roles = serde_json::from_str(&roles).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let lists: String = row.try_get(7)?;
        let lists = serde_json::from_str(&lists).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let identity = Identity { user: row.try_get(3)?, tenant: row.try_get(4)?, app: row.try_get(5)?, roles, lists };
        Ok(Session { family: row.try_get(0)?, parent: row.try_get(1)?, heir: row.try_get(2)?, identity })
    };
    read().map(Some).map_err(|error| database(&error))
}

/// Notes that `hash` is the successor of `parent` that came into use; false when another one had.
async fn settle_heir(tx: &mut Transaction<'static, Sqlite>, parent: &[u8], hash: &[u8]) -> Result<bool> {
    let heir: Option<Option<Vec<u8>>> =
        sqlx::query_scalar("UPDATE sessions SET heir = coalesce(heir, ?2) WHERE hash = ?1 RETURNING heir")
            .bind(parent)
            .bind(hash)
            .fetch_optional(&mut **tx)
            .await
            .map_err(|error| database(&error))?;
    // A parent that is gone is past its time and is refused for that.
    Ok(heir.flatten().is_none_or(|heir| heir == hash))
}

async fn insert(tx: &mut Transaction<'static, Sqlite>, session: &Session, now: Millis) -> Result<String> {
    let token = secret::random::<32>()?;
    let roles = serde_json::Value::from(session.identity.roles.clone()).to_string();
    let lists = serde_json::json!(session.identity.lists).to_string();
    sqlx::query(
        "INSERT INTO sessions (hash, family, parent, user, tenant, app, roles, expires_at, lists)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .bind(secret::hashed(&token))
    .bind(&session.family)
    .bind(&session.parent)
    .bind(&session.identity.user)
    .bind(&session.identity.tenant)
    .bind(&session.identity.app)
    .bind(roles)
    .bind(time(now.plus(SESSION_MS)))
    .bind(lists)
    .execute(&mut **tx)
    .await
    .map_err(|error| database(&error))?;
    Ok(secret::text(&token))
}

async fn revoke(tx: &mut Transaction<'static, Sqlite>, family: &str) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE family = ?1")
        .bind(family)
        .execute(&mut **tx)
        .await
        .map(drop)
        .map_err(|error| database(&error))
}

fn time(at: Millis) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}
