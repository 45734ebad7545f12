//! What changed between two records: fields set, fields removed, and the values they had. This module decides how a
//! difference is found, laid over a record and put behind another one; it knows no policy. The queue stores patches, the
//! wire carries them, merge reads them.

use crate::plain::plain;
use crate::record::{Fields, order, value};

plain! {
    /// A change of one record, field by field.
    ///
    /// ```
    /// use landfall::record::Patch;
    /// use serde_json::json;
    /// let (old, new) = (json!({"a": 1, "b": 2}), json!({"a": 1, "c": null}));
    /// let patch = Patch::between(old.as_object().unwrap(), new.as_object().unwrap());
    /// assert_eq!(patch.removed, ["b"]); // removed is not null, and null is a value
    /// assert_eq!(patch.applied(old.as_object().unwrap()), *new.as_object().unwrap());
    /// ```
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Patch {
        /// Fields with their new values.
        pub data?: Fields,
        /// Fields taken away, sorted.
        pub removed?: Vec<String>,
        /// The values that the fields of `data` and `removed` had; absent where they had none.
        pub before?: Fields,
        ..
    }
}

impl Patch {
    /// What turns `old` into `new`.
    #[must_use]
    pub fn between(old: &Fields, new: &Fields) -> Self {
        let removed = old.keys().filter(|key| !new.contains_key(*key)).cloned().collect::<Vec<_>>();
        Self::of(old, new, &removed)
    }

    /// What setting `data` and taking away `removed` changes in `old`: values that are already so are left out.
    #[must_use]
    pub fn of(old: &Fields, data: &Fields, removed: &[String]) -> Self {
        let mut patch = Self::default();
        for (key, new) in data {
            if !old.get(key).is_some_and(|old| value::same(old, new)) {
                patch.data.insert(key.clone(), new.clone());
            }
        }
        patch.removed = removed.iter().filter(|key| old.contains_key(*key) && !data.contains_key(*key)).cloned().collect();
        order::sort(&mut patch.removed, Ord::cmp);
        patch.removed.dedup();
        for key in patch.data.keys().chain(&patch.removed) {
            if let Some(value) = old.get(key) {
                patch.before.insert(key.clone(), value.clone());
            }
        }
        patch
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty() && self.removed.is_empty()
    }

    /// The names of the fields it touches.
    pub fn fields(&self) -> impl Iterator<Item = &String> {
        self.data.keys().chain(&self.removed)
    }

    /// `fields` with this change made, whatever they were before.
    #[must_use]
    pub fn applied(&self, fields: &Fields) -> Fields {
        let mut fields = fields.clone();
        for key in &self.removed {
            fields.remove(key);
        }
        for (key, value) in &self.data {
            fields.insert(key.clone(), value.clone());
        }
        fields
    }

    /// This change and then `next` as one change: `before` keeps the oldest values, and a field that came back to where
    /// it was falls out.
    #[must_use]
    pub fn then(mut self, next: Self) -> Self {
        for key in next.fields() {
            if !self.data.contains_key(key)
                && !self.removed.contains(key)
                && let Some(value) = next.before.get(key)
            {
                self.before.insert(key.clone(), value.clone());
            }
        }
        self.removed.retain(|key| !next.data.contains_key(key));
        for key in next.removed {
            self.data.remove(&key);
            if !self.removed.contains(&key) {
                self.removed.push(key);
            }
        }
        order::sort(&mut self.removed, Ord::cmp);
        self.data.extend(next.data);
        self.without_idle()
    }

    fn without_idle(mut self) -> Self {
        let before = std::mem::take(&mut self.before);
        self.data.retain(|key, new| !before.get(key).is_some_and(|old| value::same(old, new)));
        self.removed.retain(|key| before.contains_key(key));
        self.before =
            order::fields(before.into_iter().filter(|(key, _)| self.data.contains_key(key) || self.removed.contains(key)));
        self
    }
}

#[cfg(test)]
mod tests;
