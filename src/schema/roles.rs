//! Roles: what a user may do and see, from the names of their roles. This module decides it once for device and server
//! alike (SEC-4); it knows no user. The local write asks it first, `authority` again, whatever the device has shown.

use super::Schema;
use super::rules::{Operation, Role};
use crate::error::{Code, Error, Result};
use crate::record::{Fields, value};

impl Schema {
    fn roles_of<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = &'a Role> {
        names.iter().filter_map(|name| self.roles.get(name))
    }

    /// Whether someone with these roles may do `operation` to a record of `entity`, setting or taking away `fields`. One
    /// role has to allow all of it.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` at the entity, or at the field that every role which allows the operation keeps back.
    pub fn may(&self, roles: &[String], what: (&str, Operation), fields: &[&str]) -> Result<()> {
        if self.roles.is_empty() {
            return Ok(());
        }
        let (entity, operation) = what;
        let mut kept_back = None;
        for role in self.roles_of(roles) {
            let lists = ["*", entity].into_iter().filter_map(|name| role.may.get(name));
            if !lists.flatten().any(|one| *one == operation) {
                continue;
            }
            let names = |field: &&&str| role.not_fields.iter().any(|kept| is_field(kept, entity, field));
            match fields.iter().find(names) {
                Some(field) => kept_back = Some(*field),
                None => return Ok(()),
            }
        }
        let error = match kept_back {
            Some(field) => {
                Error::new(Code::PermissionDenied, "your role may not change this field").at(format!("{entity}.{field}"))
            }
            None => Error::new(Code::PermissionDenied, format!("your role may not {} this", operation.as_str())).at(entity),
        };
        Err(error.hint("ask whoever gives out roles"))
    }

    /// The same for the fields of a change. A device fills in defaults when it creates a record: a field that is left at its
    /// default was not changed by anybody.
    ///
    /// # Errors
    /// As `may`.
    pub fn may_write(&self, roles: &[String], what: (&str, Operation), data: &Fields, removed: &[String]) -> Result<()> {
        let (name, operation) = what;
        let entity = self.entities.get(name);
        let left = |field: &str| {
            operation == Operation::Create
                && entity.is_some_and(|entity| {
                    let default = entity.fields.get(field).and_then(|field| field.default.as_ref());
                    entity.key == field || default.is_some() && value::same_option(data.get(field), default)
                })
        };
        let fields: Vec<&str> = data.keys().chain(removed).map(String::as_str).filter(|field| !left(field)).collect();
        if let Some(field) = fields.iter().find(|field| operation == Operation::Update && !self.sees_field(roles, name, field)) {
            let error = Error::new(Code::PermissionDenied, "this field does not travel to you");
            return Err(error.at(format!("{name}.{field}")));
        }
        self.may(roles, what, &fields)
    }

    /// Whether records of an entity may be on a device without some of their fields, beside those of the server.
    #[must_use]
    pub fn is_narrowed(&self, name: &str) -> bool {
        let by_rule = self.entities.get(name).is_some_and(|entity| entity.partition.iter().any(|rule| !rule.fields.is_empty()));
        by_rule || self.hides_fields(name)
    }

    /// Whether records of `entity` travel to someone with these roles.
    #[must_use]
    pub fn sees(&self, roles: &[String], entity: &str) -> bool {
        let shows = |role: &Role| role.sees.is_empty() || role.sees.iter().any(|one| one == entity);
        self.roles.is_empty() || self.roles_of(roles).any(shows)
    }

    /// Whether a field travels to someone with these roles: one that shows the entity does not hide the field.
    #[must_use]
    pub fn sees_field(&self, roles: &[String], entity: &str, field: &str) -> bool {
        let shows = |role: &Role| {
            (role.sees.is_empty() || role.sees.iter().any(|one| one == entity))
                && !role.hidden_fields.iter().any(|hidden| is_field(hidden, entity, field))
        };
        // An entity that is not shown at all may still be written: then nothing of it is hidden in particular.
        self.roles.is_empty() || !self.sees(roles, entity) || self.roles_of(roles).any(shows)
    }

    /// Whether any role hides a field of `entity`.
    #[must_use]
    pub fn hides_fields(&self, entity: &str) -> bool {
        let of = |hidden: &String| hidden.split_once('.').is_some_and(|(name, _)| name == entity);
        self.roles.values().any(|role| role.hidden_fields.iter().any(of))
    }
}

fn is_field(text: &str, entity: &str, field: &str) -> bool {
    text.split_once('.').is_some_and(|(one, name)| one == entity && name == field)
}
