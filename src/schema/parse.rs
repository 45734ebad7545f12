//! From the text of a schema file to a checked `Schema`. This module decides how a mistake in the file is told: its path
//! and what to write instead. It never mends a file by itself. Whoever opens a database or starts a server calls it.

use super::Schema;
use crate::error::{Code, Error, Result};
use crate::plain;
use crate::record::domain;

impl Schema {
    /// Reads a schema file, strictly: no key twice, no unknown field, and every rule checked.
    ///
    /// ```
    /// use landfall::schema::Schema;
    /// let error = Schema::parse(r#"{"app": "notes", "version": 1, "entites": {}}"#).unwrap_err();
    /// assert_eq!(error.to_string(), "INVALID_SCHEMA at entites: unknown field `entites` (write `entities`)");
    /// ```
    ///
    /// # Errors
    /// `INVALID_SCHEMA` with the path of the first mistake and how to mend it.
    pub fn parse(text: &str) -> Result<Self> {
        let value = domain::parse(text.as_bytes())
            .map_err(|error| Error { code: Code::InvalidSchema, ..error }.hint("the file has to be plain JSON, each key once"))?;
        let schema: Self = plain::read(value).map_err(|mistake| {
            let error = mistake.told(Code::InvalidSchema);
            if error.hint.is_empty() { error.hint("see schemas/schema.schema.json") } else { error }
        })?;
        schema.check()?;
        Ok(schema)
    }
}

#[cfg(test)]
mod tests;
