//! The steps of a snapshot, page by page: live records by id, cut into slices that name the stretch of ids they cover. This
//! module decides what each slice says there is; an exhausted step is followed by the next, and the last one by the deltas
//! since the beginning.

use super::items::{Said, chunks, slice};
use super::steps::{Kind, Step};
use super::{Item, Next, PageFound, PageRead, Pull, READS};
use crate::authority::rows::{Row, RowKey};
use crate::authority::scope::is_whole;
use crate::authority::token::{Cursor, Place};
use crate::wire::{IdRange, Slice};
use std::collections::BTreeMap;

impl Pull<'_> {
    pub(super) fn read_step(&mut self, cursor: &Cursor, place: &Place, limit: usize) -> Next {
        let (step, _) = self.step_at(cursor, place);
        let Some(step) = step.filter(|step| step.kind != Kind::Lost) else { return self.step_over(cursor.clone(), place) };
        let (entity, after, places) = (place.entity.clone(), place.after.clone(), self.reader.places.clone());
        if self.reader.places.contains(&entity) {
            return Next::Read(PageRead::Snapshot { entity, after, limit });
        }
        let buckets = if step.kind == Kind::Walk { &cursor.walk } else { &self.reader.places };
        let buckets = buckets.iter().filter(|place| !is_whole(place)).cloned().collect();
        let since = (step.kind == Kind::Walk).then_some(cursor.number);
        Next::Read(PageRead::Listed { entity, buckets, after, since, places, limit })
    }

    /// A step without rows: what is left of the entity goes, and the next step begins.
    fn step_over(&mut self, cursor: Cursor, place: &Place) -> Next {
        let (step, next) = self.step_at(&cursor, place);
        let cursor = after(cursor, next);
        let range = step.map(|step| IdRange { entity_type: step.entity, after: None, through: None, kept: Vec::new() });
        let token = self.key.seal(&cursor);
        self.slices.push(Slice { acks: Vec::new(), changes: Vec::new(), removed: Vec::new(), range, token });
        self.cursor = Some(cursor);
        self.go_on(false)
    }

    /// Live records by id, cut into slices; ids that came with an earlier step are named.
    pub(super) fn snapshot(&mut self, mut cursor: Cursor, place: &Place, found: &PageFound) -> Next {
        let (Some(step), next) = self.step_at(&cursor, place) else { return self.step_over(cursor, place) };
        let rows: BTreeMap<RowKey, &Row> = found.rows.iter().map(|row| (row.key(), row)).collect();
        let by_row: Vec<(u64, RowKey)> = found.rows.iter().map(|row| (row.number, row.key())).collect();
        let listed = if self.reader.places.contains(&place.entity) { &by_row } else { &found.touched };
        let more = listed.len() > self.left;
        let listed = &listed[..listed.len().min(self.left)];
        let items: Vec<Item> =
            listed.iter().map(|one| self.listed(&step, one.clone(), rows.get(&one.1).copied(), found)).collect();
        let sent = items.iter().filter(|item| matches!(item.said, Said::Row(_) | Said::Gone)).count();
        let mut from = place.after.clone();
        let mut chunks = chunks(items).into_iter().peekable();
        loop {
            let chunk = chunks.next().unwrap_or_default();
            let ends = chunks.peek().is_none() && !more;
            let through = if ends { None } else { chunk.last().map(|item| item.key.id.clone()) };
            cursor =
                if ends { after(cursor, next.clone()) } else { Cursor { snapshot: Some(step.place(through.clone())), ..cursor } };
            let token = self.key.seal(&cursor);
            let kept = chunk.iter().filter(|item| matches!(item.said, Said::Kept)).map(|item| item.key.id.clone()).collect();
            let range = (step.kind == Kind::Last).then(|| IdRange {
                entity_type: place.entity.clone(),
                after: from.clone(),
                through: through.clone(),
                kept,
            });
            let empty = Slice { acks: Vec::new(), changes: Vec::new(), removed: Vec::new(), range: None, token: token.clone() };
            let slice = slice(chunk, token);
            if slice.is_some() || range.is_some() || ends || chunks.peek().is_none() {
                self.slices.push(Slice { range, ..slice.unwrap_or(empty) });
            }
            from = through;
            if chunks.peek().is_none() {
                break;
            }
        }
        self.left -= sent;
        self.cursor = Some(cursor);
        self.go_on(more)
    }

    /// What a step says of a record: its own tier travels, what came with an earlier one is named in the last.
    fn listed(&self, step: &Step, at: (u64, RowKey), row: Option<&Row>, found: &PageFound) -> Item {
        let item = self.item(at, row.filter(|row| step.kind == Kind::Walk || !row.deleted), &found.held);
        let said = match (step.kind, row) {
            (Kind::Walk, _) => item.said,
            (_, None) => Said::Nothing,
            (Kind::Load, Some(row)) if self.tier_of(row) != step.tier => Said::Nothing,
            (Kind::Last, Some(row)) if self.tier_of(row) < step.tier && matches!(item.said, Said::Row(_)) => Said::Kept,
            (_, Some(_)) => match item.said {
                Said::Gone => Said::Nothing,
                said => said,
            },
        };
        Item { said, ..item }
    }

    /// The next read, unless the page is full or has cost enough. When all steps are done, the deltas since their beginning
    /// are still to come.
    fn go_on(&mut self, more: bool) -> Next {
        let finished = !more && self.cursor.as_ref().is_none_or(|cursor| cursor.snapshot.is_none());
        if self.left == 0 || finished || self.reads >= READS { self.done(true) } else { self.read() }
    }
}

/// Behind a step: the next one, or the end of the walk.
fn after(cursor: Cursor, next: Option<Step>) -> Cursor {
    match next {
        Some(step) => Cursor { snapshot: Some(step.place(None)), ..cursor },
        None => Cursor { snapshot: None, walk: Vec::new(), ..cursor },
    }
}
