//! Creates and updates. This module decides what the row is after one that is allowed, and what only a person can decide;
//! whether the result may stand is `constraint`'s to say. `judge` calls it, and so does an edit that wins over a delete.

use crate::authority::decide::answer::{Made, changed, conflict, unchanged};
use crate::authority::decide::constraint::{self, references, transitions};
use crate::authority::decide::{Context, Verdict};
use crate::authority::overlay::Overlay;
use crate::authority::rows::Row;
use crate::error::{Code, Error, Result};
use crate::limits::CLOCK_AHEAD_MS;
use crate::merge::{Merged, Sides, merge};
use crate::record::{Fields, Patch};
use crate::schema::{Entity, MergePolicy};
use crate::wire::Change;
use crate::wire::change::Stamp;
use std::collections::BTreeMap;

pub(super) fn create(context: &Context<'_>, entity: &Entity, change: &Change, at: (&Overlay<'_>, u64)) -> Result<Verdict> {
    let (rows, version) = at;
    if change.temp_id.as_ref() == Some(&change.entity_id) {
        let error = Error::new(Code::ValidationError, "this application has no temporary ids").at("temp_id");
        return Err(error.hint("the device makes ids for good: send `entity_id`"));
    }
    if change.data.get(&entity.key).and_then(serde_json::Value::as_str) != Some(change.entity_id.as_str()) {
        let path = format!("{}.{}", change.entity_type, entity.key);
        return Err(Error::new(Code::ValidationError, "the key field is not the op's entity_id").at(path));
    }
    let mut data = change.data.clone();
    let unlinked = constraint::unlink(entity, &mut data, rows);
    entity.check_record(&change.entity_type, &data)?;
    references(entity, &data, change, rows)?;
    constraint::unique(context, entity, (change, &data), rows)?;
    let stamp = stamp(context, change);
    let stamps: BTreeMap<_, _> =
        data.keys().filter(|field| stamped(entity, field)).map(|field| (field.clone(), stamp.clone())).collect();
    let made = Made { version, data: data.clone(), fresh: stamps.clone(), stamps };
    let mut verdict = changed(context, change, made);
    verdict.answer.data = unlinked.then_some(data);
    Ok(verdict)
}

pub(super) fn update(context: &Context<'_>, entity: &Entity, change: &Change, at: (&Row, &Overlay<'_>)) -> Result<Verdict> {
    let (row, rows) = at;
    let merged = merged(context, entity, change, at)?;
    if !merged.conflicts.is_empty() {
        return Ok(conflict(change, "edit_edit", merged.conflicts, row));
    }
    if Patch::between(&row.data, &merged.fields).is_empty() {
        return Ok(unchanged(change, row));
    }
    let mut verdict = merged_row(context, entity, change, (row, rows, &merged))?;
    let plain = Patch { data: change.data.clone(), removed: change.removed.clone(), before: Fields::new() };
    // The device can work it out by itself only if nobody else had a hand in it.
    if change.base_version != Some(row.version) || plain.applied(&row.data) != merged.fields {
        verdict.answer.data = Some(merged.fields);
    }
    Ok(verdict)
}

/// The op and the row as one record, as far as rules decide.
pub(super) fn merged(context: &Context<'_>, entity: &Entity, change: &Change, at: (&Row, &Overlay<'_>)) -> Result<Merged> {
    let (row, rows) = at;
    let mut data = change.data.clone();
    constraint::unlink(entity, &mut data, rows);
    entity.check_patch(&change.entity_type, &data, &change.removed)?;
    references(entity, &data, change, rows)?;
    let stamp = stamp(context, change);
    let sides = Sides {
        before: &change.before,
        data: &data,
        removed: &change.removed,
        stamp: &stamp,
        remote: &row.data,
        stamps: &row.stamps,
    };
    Ok(merge(entity, sides))
}

/// The row with what was merged, if it may stand.
pub(super) fn merged_row(
    context: &Context<'_>,
    entity: &Entity,
    change: &Change,
    at: (&Row, &Overlay<'_>, &Merged),
) -> Result<Verdict> {
    let (row, rows, merged) = at;
    transitions(entity, change, (&row.data, &merged.fields))?;
    entity.check_record(&change.entity_type, &merged.fields)?;
    constraint::unique(context, entity, (change, &merged.fields), rows)?;
    let stamp = stamp(context, change);
    let written = merged.written.iter().filter(|field| stamped(entity, field));
    let fresh: BTreeMap<_, _> = written.map(|field| (field.clone(), after(&stamp, row.stamps.get(field)))).collect();
    let mut stamps = row.stamps.clone();
    stamps.extend(fresh.clone());
    stamps.retain(|field, _| merged.fields.contains_key(field) || fresh.contains_key(field));
    let made = Made { version: row.version + 1, data: merged.fields.clone(), stamps, fresh };
    Ok(changed(context, change, made))
}

pub(super) fn stamp(context: &Context<'_>, change: &Change) -> Stamp {
    Stamp {
        hlc: change.hlc.corrected(context.skew_ms, context.now, CLOCK_AHEAD_MS),
        by: context.who.user.0.clone(),
        role: context.who.roles.first().cloned().unwrap_or_default(),
    }
}

/// What was written over a value is stamped after it, however the clocks of the two writers stand.
pub(super) fn after(stamp: &Stamp, theirs: Option<&Stamp>) -> Stamp {
    let hlc = theirs.map_or_else(|| stamp.hlc.clone(), |theirs| stamp.hlc.clone().after(&theirs.hlc));
    Stamp { hlc, ..stamp.clone() }
}

/// Whether the field's rule asks who wrote it or when.
pub(super) fn stamped(entity: &Entity, field: &str) -> bool {
    let ruled = entity.fields.get(field).is_some_and(|field| !field.merge_rules.is_empty());
    ruled || matches!(entity.policy(field), MergePolicy::LastWriteWins | MergePolicy::Merge)
}
