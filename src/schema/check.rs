//! Whether a declaration makes sense: names, references between its parts, figures within the engine's bounds. This module
//! decides what is refused, always with the path and the mend; it changes nothing and guesses nothing. `Schema::parse` runs
//! it, and so should whoever builds a `Schema` in Rust.

mod entity;
mod field;
mod migrations;
mod settings;

use super::Schema;
use crate::error::{Code, Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Stores the engine keeps beside those of the entities.
const RESERVED: [&str; 13] = [
    "sync_queue",
    "base",
    "metadata",
    "conflicts",
    "id_map",
    "audit",
    "access",
    "pins",
    "attachments",
    "blobs",
    "history",
    "drafts",
    "quarantine",
];

/// Largest version: the database's version is a hundred times it and has to fit 32 bits.
const VERSION_MAX: u32 = 1_000_000;

/// Longest name of anything declared, in bytes.
const NAME_BYTES: usize = 64;

impl Schema {
    /// Checks everything the types cannot say.
    ///
    /// # Errors
    /// `INVALID_SCHEMA` with the path of the first mistake and how to mend it.
    pub fn check(&self) -> Result<()> {
        slug(&self.app, "app")?;
        if self.version == 0 || self.version > VERSION_MAX {
            return Err(bad("version", format!("must be 1 to {VERSION_MAX}"), "begin with 1 and count up"));
        }
        if self.priority_levels == 0 {
            return Err(bad("priority_levels", "must be at least 1", "write 3, or leave it out"));
        }
        if self.entities.is_empty() {
            return Err(bad("entities", "declares no entity", "declare at least one kind of record"));
        }
        self.check_names()?;
        for (name, entity) in &self.entities {
            entity::check(self, name, entity)?;
        }
        migrations::check(self)?;
        settings::check(self)?;
        self.check_roles()?;
        let mut features = BTreeSet::new();
        for (at, online) in self.online_only.iter().enumerate() {
            let path = format!("online_only[{at}].feature");
            slug(&online.feature, &path)?;
            once(&mut features, &online.feature, &path)?;
        }
        Ok(())
    }

    /// Entities, their aliases and their stores: each name means one thing.
    fn check_names(&self) -> Result<()> {
        let (mut stores, mut names) = (BTreeSet::new(), BTreeSet::new());
        for (name, entity) in &self.entities {
            let path = format!("entities.{name}");
            slug(name, &path)?;
            let store = format!("{path}.store");
            slug(&entity.store, &store)?;
            if RESERVED.contains(&entity.store.as_str()) {
                return Err(bad(store, format!("`{}` is a store of the engine's own", entity.store), "choose another name"));
            }
            once(&mut stores, &entity.store, &store)?;
            names.insert(name.as_str());
        }
        for (name, entity) in &self.entities {
            for (at, alias) in entity.aliases.iter().enumerate() {
                if alias != name {
                    once(&mut names, alias, &format!("entities.{name}.aliases[{at}]"))?;
                }
            }
        }
        Ok(())
    }

    fn check_roles(&self) -> Result<()> {
        for (name, role) in &self.roles {
            let path = format!("roles.{name}");
            slug(name, &path)?;
            for entity in role.may.keys().filter(|entity| *entity != "*") {
                known(&self.entities, entity, &format!("{path}.may.{entity}"))?;
            }
            for (at, entity) in role.sees.iter().enumerate() {
                known(&self.entities, entity, &format!("{path}.sees[{at}]"))?;
            }
            for (at, field) in role.not_fields.iter().enumerate() {
                let path = format!("{path}.not_fields[{at}]");
                let (entity, inner) = dotted(field, &path)?;
                entity::path(known(&self.entities, entity, &path)?, inner, &path)?;
            }
            for (at, field) in role.hidden_fields.iter().enumerate() {
                let path = format!("{path}.hidden_fields[{at}]");
                let (entity, inner) = dotted(field, &path)?;
                let entity = known(&self.entities, entity, &path)?;
                known(&entity.fields, inner, &path)?;
                if entity.key == inner {
                    return Err(bad(path, "the key field cannot be hidden", "leave the entity out of `sees` instead"));
                }
            }
        }
        Ok(())
    }
}

fn bad(path: impl Into<String>, what: impl Into<String>, mend: impl Into<String>) -> Error {
    Error::new(Code::InvalidSchema, what).at(path).hint(mend)
}

/// The thing of this name, or the name that was meant.
fn known<'a, T>(all: &'a BTreeMap<String, T>, name: &str, path: &str) -> Result<&'a T> {
    all.get(name).ok_or_else(|| unknown(name, path, all.keys().map(String::as_str)))
}

fn unknown<'a>(name: &str, path: &str, all: impl Iterator<Item = &'a str> + Clone) -> Error {
    let mend = match crate::plain::nearest(name, all.clone()) {
        Some(near) => format!("write `{near}`"),
        None => format!("declared are: {}", all.collect::<Vec<_>>().join(", ")),
    };
    bad(path, format!("nothing is declared as `{name}`"), mend)
}

/// `entity.field` in its two halves.
fn dotted<'a>(text: &'a str, path: &str) -> Result<(&'a str, &'a str)> {
    text.split_once('.').ok_or_else(|| bad(path, "must name an entity and a field", "write `entity.field`"))
}

fn once<'a>(seen: &mut BTreeSet<&'a str>, name: &'a str, path: &str) -> Result<()> {
    if seen.insert(name) { Ok(()) } else { Err(bad(path, format!("`{name}` stands twice"), "give each a name of its own")) }
}

/// The names of applications, entities, stores, roles, features: `[a-z][a-z0-9_-]*`.
fn slug(name: &str, path: &str) -> Result<()> {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    if name.len() <= NAME_BYTES && name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(rest) {
        return Ok(());
    }
    Err(bad(path, "must be a name", "begin with a small letter, go on with small letters, digits, `_`, `-`; 64 at most"))
}

/// The names of fields and indexes. Fields stand in key paths of IndexedDB, so they are identifiers of JavaScript.
fn identifier(name: &str, path: &str) -> Result<()> {
    let first = |first: char| first.is_ascii_alphabetic() || first == '_';
    if name.len() <= NAME_BYTES
        && name.starts_with(first)
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return Ok(());
    }
    Err(bad(path, "must be an identifier", "begin with a letter, go on with letters, digits, `_`; 64 at most"))
}

#[cfg(test)]
mod tests;
