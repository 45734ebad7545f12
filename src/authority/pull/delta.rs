//! The delta of a pull: what was touched since a number, cut into slices, each with the acks of its stretch of numbers. This
//! module decides which number each slice reaches; what is said of a record is `items`'.

use super::items::{chunks, slice};
use super::{Next, PageFound, Pull};
use crate::authority::rows::{Entry, Row, RowKey};
use crate::authority::token::Cursor;
use crate::id::Token;
use crate::limits;
use crate::wire::{Ack, Slice, Status, Want};
use std::collections::BTreeMap;

impl Pull<'_> {
    pub(super) fn delta(&mut self, mut cursor: Cursor, found: &PageFound) -> Next {
        let rows: BTreeMap<RowKey, &Row> = found.rows.iter().map(|row| (row.key(), row)).collect();
        let by_row: Vec<(u64, RowKey)> = found.rows.iter().map(|row| (row.number, row.key())).collect();
        let touched = if self.all { &by_row } else { &found.touched };
        let more = touched.len() > self.left;
        let touched = &touched[..touched.len().min(self.left)];
        let end = if more { touched.last().map_or(cursor.number, |one| one.0) } else { found.counter.max(cursor.number) };
        let after = cursor.number;
        let items = touched.iter().map(|one| self.item(one.clone(), rows.get(&one.1).copied(), &found.held)).collect();
        let mut acks = found.acks.iter().filter(|entry| entry.number > after && entry.number <= end).peekable();
        let mut chunks = chunks(items).into_iter().peekable();
        loop {
            let chunk = chunks.next().unwrap_or_default();
            let last = chunks.peek().is_none();
            let through = if last { end } else { chunk.last().map_or(end, |item| item.number) };
            let mut own = Vec::new();
            while let Some(entry) = acks.next_if(|entry| entry.number <= through) {
                // Acks of one stretch that do not fit a slice travel ahead, in slices of their own.
                if own.len() == limits::SLICE_ACKS {
                    let ahead = self.acked(&std::mem::take(&mut own), found, self.key.seal(&cursor));
                    self.slices.push(ahead);
                }
                own.push(entry);
            }
            let moved = through > cursor.number || !chunk.is_empty() || !own.is_empty();
            cursor.number = through;
            if moved || self.request.sync_token.is_none() {
                let token = self.key.seal(&cursor);
                let mut acked = self.acked(&own, found, token.clone());
                if let Some(slice) = slice(chunk, token) {
                    acked.changes = slice.changes;
                    acked.removed.extend(slice.removed);
                }
                self.slices.push(acked);
            }
            if last {
                break;
            }
        }
        self.cursor = Some(cursor);
        self.done(more)
    }

    /// A slice that acks some of this device's ops.
    fn acked(&self, entries: &[&Entry], found: &PageFound, token: Token) -> Slice {
        let acks = entries.iter().filter_map(|entry| ack(entry, self.reader.schema.version)).collect();
        let removed = entries.iter().filter_map(|entry| self.strayed(entry, found)).collect();
        Slice { acks, changes: Vec::new(), removed, range: None, token }
    }

    /// A record that this device wrote and that is not its user's: nobody else's change will ever bring it up.
    fn strayed(&self, entry: &Entry, found: &PageFound) -> Option<Want> {
        if self.all || entry.entity.is_empty() || !self.asked_for(&entry.entity) {
            return None;
        }
        let key = RowKey { entity: entry.entity.clone(), id: entry.answer.entity_id.clone() };
        let stays = found.held.contains_key(&key) || found.touched.iter().any(|(_, touched)| *touched == key);
        (!stays).then_some(Want { entity_type: key.entity, entity_id: key.id })
    }
}

fn ack(entry: &Entry, schema: u32) -> Option<Ack> {
    (entry.answer.status == Status::Success).then(|| Ack {
        queue_id: entry.id.clone(),
        entity_id: entry.answer.entity_id.clone(),
        server_version: entry.answer.server_version,
        number: entry.number,
        // Of a record in the words of an older schema: nobody could compare it.
        digest: if entry.schema == schema { entry.answer.digest.clone() } else { String::new() },
    })
}
