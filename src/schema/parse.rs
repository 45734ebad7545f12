//! From the text of a schema file to a checked `Schema`. This module decides how a mistake in the file is told: its path
//! and what to write instead. It never mends a file by itself. Whoever opens a database or starts a server calls it.

use super::Schema;
use crate::error::{Code, Error, Result};
use crate::record::{domain, located};

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
        let schema: Self = located::read(value).map_err(|mistake| told(mistake.path, &mistake.message))?;
        schema.check()?;
        Ok(schema)
    }
}

/// serde names what it knows between backticks, the wrong name first: the nearest of them is the mend.
fn told(path: String, message: &str) -> Error {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let error = |message: &str, hint: String| Error::new(Code::InvalidSchema, message).at(path).hint(hint);
    let Some((wrong, known)) = names.split_first() else { return error(message, "see schemas/schema.schema.json".to_owned()) };
    if message.starts_with("missing field") {
        return error(message, format!("add `{wrong}`"));
    }
    let brief = message.split_once(", expected").map_or(message, |(brief, _)| brief);
    match nearest(wrong, known.iter().copied()) {
        Some(name) => error(brief, format!("write `{name}`")),
        None => error(brief, format!("one of: {}", known.join(", "))),
    }
}

/// The name that is closest to `wrong`, if it is close: at most a third of its letters differ.
pub(super) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let far = known.map(|name| (distance(wrong, name), name));
    far.filter(|(far, name)| *far <= name.len().div_ceil(3)).min().map(|(_, name)| name)
}

/// How many letters have to be put in, taken out or changed (Levenshtein, one row at a time).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
