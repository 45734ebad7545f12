//! What goes along while a type is taken out of a value: the first mistake and where it lies. This module decides how
//! mistakes are told; the types only say what they want. Its functions are shared by all types, so that each type's own
//! code stays small.

use super::{Blank, Plain, nearest};
use crate::error::{Code, Error};
use serde_json::Value;
use std::fmt;

/// What was wrong, where, and what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistake {
    /// Steps from the outermost value, as in `entities.goal.fields[2]`; empty for the value itself.
    pub path: String,
    /// What was wrong there.
    pub message: String,
    /// What to write instead, where that is known.
    pub hint: String,
}

impl Mistake {
    /// The error it is to whoever asked for the value.
    #[must_use]
    pub fn told(self, code: Code) -> Error {
        Error { hint: self.hint, ..Error::new(code, self.message).at(self.path) }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        f.write_str(": ")?;
        f.write_str(&self.message)
    }
}

/// Notes the first mistake; what is read after it is of no use and noted no more.
#[derive(Debug, Default)]
pub struct Reader {
    mistake: Option<Mistake>,
}

impl Reader {
    /// Whether everything was as it should be.
    ///
    /// # Errors
    /// The mistake.
    pub fn finish(self) -> Result<(), Mistake> {
        self.mistake.map_or(Ok(()), Err)
    }

    /// A field of an object; what its type says when it is absent.
    #[inline(never)]
    pub fn field<T: Plain>(&mut self, object: &mut Value, key: &'static str) -> T {
        match object.get_mut(key) {
            Some(value) => self.inside(key, value),
            None => T::absent(key, self),
        }
    }

    /// A field of an object; the type's default when it is absent.
    #[inline(never)]
    pub fn optional<T: Blank>(&mut self, object: &mut Value, key: &str) -> T {
        match object.get_mut(key) {
            Some(value) => self.inside(key, value),
            None => T::default(),
        }
    }

    /// What lies under `step` of the value that is being taken: a mistake in it gets the step put before its path.
    #[inline(never)]
    pub fn inside<T: Plain>(&mut self, step: &str, value: &mut Value) -> T {
        let sound = self.mistake.is_none();
        let taken = T::take(value, self);
        if sound {
            self.came_from(step);
        }
        taken
    }

    /// What lies at a place of the list that is being taken.
    #[inline(never)]
    pub fn element<T: Plain>(&mut self, place: usize, value: &mut Value) -> T {
        let sound = self.mistake.is_none();
        let taken = T::take(value, self);
        if sound && self.mistake.is_some() {
            self.came_from(&format!("[{place}]"));
        }
        taken
    }

    /// A text.
    pub fn text(&mut self, value: &mut Value) -> String {
        match value {
            Value::String(text) => std::mem::take(text),
            other => {
                self.unlike(other, "a text");
                String::new()
            }
        }
    }

    /// A whole number of at most `most`.
    pub fn whole(&mut self, value: &Value, most: u64) -> u64 {
        let Some(number) = value.as_u64() else {
            self.unlike(value, "a whole number");
            return 0;
        };
        if number > most {
            self.wrong("a number that is too large");
        }
        number
    }

    /// One of the known words, as its place among them.
    pub fn word(&mut self, value: &Value, known: &'static [&'static str]) -> usize {
        let Value::String(word) = value else {
            self.unlike(value, "a text");
            return 0;
        };
        known.iter().position(|one| one == word).unwrap_or_else(|| {
            self.unknown("word", word, known);
            0
        })
    }

    /// The only name in an object, which is one of the known ones.
    pub fn variant(&mut self, value: &Value, known: &'static [&'static str]) -> &'static str {
        let name = match value {
            // To be told what can stand here.
            Value::String(name) => Some(name),
            Value::Object(fields) if fields.len() == 1 => fields.keys().next(),
            _ => None,
        };
        match name {
            None => self.unlike(value, "an object with one name"),
            Some(name) => match known.iter().find(|one| *one == name) {
                Some(known) => return known,
                None => self.unknown("word", name, known),
            },
        }
        ""
    }

    /// An object; with `known` names, one that has no others.
    pub fn object(&mut self, value: &Value, known: &'static [&'static str]) {
        let Value::Object(fields) = value else { return self.unlike(value, "an object") };
        let strange = |name: &&String| !known.is_empty() && !known.contains(&name.as_str());
        if self.mistake.is_none()
            && let Some(name) = fields.keys().find(strange)
        {
            self.unknown("field", name, known);
            // The field's own path, as if it stood there.
            self.came_from(name);
        }
    }

    /// The value is not what was wanted.
    #[cold]
    #[inline(never)]
    pub fn unlike(&mut self, value: &Value, wanted: &str) {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.wrong(&["expected ", wanted, ", found ", found].concat());
    }

    /// A field that has to be there is not.
    #[cold]
    #[inline(never)]
    pub fn missing(&mut self, key: &str) {
        self.note(["missing field `", key, "`"].concat(), ["add `", key, "`"].concat());
    }

    /// What is wrong with the value, for a type with rules of its own.
    #[cold]
    #[inline(never)]
    pub fn wrong(&mut self, message: &str) {
        self.note(message.to_owned(), String::new());
    }

    #[cold]
    #[inline(never)]
    fn unknown(&mut self, what: &str, name: &str, known: &'static [&'static str]) {
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => ["write `", near, "`"].concat(),
            None => ["one of: ", &known.join(", ")].concat(),
        };
        self.note(["unknown ", what, " `", name, "`"].concat(), hint);
    }

    fn note(&mut self, message: String, hint: String) {
        self.mistake.get_or_insert_with(|| Mistake { path: String::new(), message, hint });
    }

    /// Puts a step before the path of the mistake, if there is one.
    fn came_from(&mut self, step: &str) {
        if let Some(mistake) = &mut self.mistake {
            let dot = if mistake.path.is_empty() || mistake.path.starts_with('[') { "" } else { "." };
            mistake.path = [step, dot, &mistake.path].concat();
        }
    }
}
