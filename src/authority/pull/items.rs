//! What a page says of one record, and how a page's records are cut into slices of at most 32 rows and 64 KB (one row at
//! least). This module decides whether a record travels whole, leaves, or is only named; the page's order is decided by
//! `delta` and `snapshot`.

use super::Pull;
use crate::authority::rows::{Row, RowKey};
use crate::authority::scope::{Held, marker, narrows, visible};
use crate::id::Token;
use crate::limits;
use crate::wire::{RemoteChange, Slice, Want};

/// One record of a page.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub number: u64,
    pub key: RowKey,
    pub said: Said,
}

#[derive(Clone, Debug)]
pub(super) enum Said {
    Row(Box<RemoteChange>),
    /// It is not the user's (any more).
    Gone,
    /// It is the user's; it came with an earlier step.
    Kept,
    /// Nothing: it does not belong to what was asked for.
    Nothing,
}

impl Pull<'_> {
    /// What is said of a record now, whatever it was when it was touched.
    pub(super) fn item(&self, at: (u64, RowKey), row: Option<&Row>, held: &Held) -> Item {
        let (number, key) = at;
        let schema = self.reader.schema;
        let rules = held.get(&key);
        let partitioned = schema.entities.get(&key.entity).is_some_and(|entity| !entity.partition.is_empty());
        let whole = self.all || !partitioned && self.reader.places.contains(&key.entity);
        let open = whole || self.reader.places.contains(&marker(&key.entity));
        let said = match row {
            _ if !open || !self.asked_for(&key.entity) => Said::Nothing,
            Some(row) if !row.deleted && (whole || rules.is_some()) && !self.in_tiers(row) => Said::Nothing,
            Some(row) if row.deleted || whole || rules.is_some() => {
                let mut change = match row.deleted || !narrows(schema, &key.entity) {
                    true => row.change(),
                    false => self.narrowed(row, rules),
                };
                change.number = change.number.max(number);
                Said::Row(Box::new(change))
            }
            _ if whole => Said::Nothing,
            _ => Said::Gone,
        };
        Item { number, key, said }
    }

    /// The row as this user may see it; stamps of fields that stay are not told either.
    fn narrowed(&self, row: &Row, rules: Option<&std::collections::BTreeSet<String>>) -> RemoteChange {
        let data = visible(self.reader.schema, self.reader.who, &row.entity, rules, &row.data);
        let mut change = Row { data, ..row.clone() }.change();
        change.stamps.retain(|field, _| change.data.contains_key(field));
        change
    }

    fn in_tiers(&self, row: &Row) -> bool {
        self.request.tiers.is_empty() || self.request.tiers.contains(&self.tier_of(row))
    }

    pub(super) fn tier_of(&self, row: &Row) -> u8 {
        let at = self.cursor.as_ref().map_or(self.now, |cursor| cursor.at);
        let entity = self.reader.schema.entities.get(&row.entity);
        entity.map_or(0, |entity| entity.tier_of(&row.data, at, self.reader.who.user.as_str()))
    }
}

/// Items in the order they came, cut where a slice is full.
pub(super) fn chunks(items: Vec<Item>) -> Vec<Vec<Item>> {
    let mut out: Vec<Vec<Item>> = Vec::new();
    let (mut rows, mut kept, mut bytes) = (0, 0, 0);
    for item in items {
        let (row, keep, size) = match &item.said {
            Said::Row(row) => (1, 0, serde_json::to_string(&row.data).map_or(0, |text| text.len())),
            Said::Gone => (1, 0, 0),
            Said::Kept => (0, 1, 0),
            Said::Nothing => (0, 0, 0),
        };
        let full =
            rows + row > limits::SLICE_ROWS || kept + keep > limits::SLICE_KEPT || bytes + size > limits::SLICE_BYTES && rows > 0;
        match out.last_mut().filter(|_| !full) {
            Some(chunk) => {
                (rows, kept, bytes) = (rows + row, kept + keep, bytes + size);
                chunk.push(item);
            }
            None => {
                (rows, kept, bytes) = (row, keep, size);
                out.push(vec![item]);
            }
        }
    }
    out
}

/// The slice of a chunk, if there is anything to say.
pub(super) fn slice(chunk: Vec<Item>, token: Token) -> Option<Slice> {
    let mut slice = Slice { acks: Vec::new(), changes: Vec::new(), removed: Vec::new(), range: None, token };
    for item in chunk {
        match item.said {
            Said::Row(row) => slice.changes.push(*row),
            Said::Gone => slice.removed.push(Want { entity_type: item.key.entity, entity_id: item.key.id }),
            Said::Kept | Said::Nothing => {}
        }
    }
    (!slice.changes.is_empty() || !slice.removed.is_empty()).then_some(slice)
}
