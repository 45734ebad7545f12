//! Deletes, with all that hangs on the record (IDS-3), and edits of what was deleted. This module decides which rows go
//! along, which lose a reference and which keep the record where it is; the children's tombstones come before the parent's
//! and in the same transaction. `judge` calls it.

use crate::authority::decide::answer::{answer, conflict, stays, unchanged};
use crate::authority::decide::constraint::{may_see, references};
use crate::authority::decide::write::{after, merged, merged_row, stamp, stamped};
use crate::authority::decide::{Context, Verdict};
use crate::authority::overlay::Overlay;
use crate::authority::rows::{Row, RowKey};
use crate::authority::terms;
use crate::error::{Code, Error, Result};
use crate::limits::CASCADE_ROWS;
use crate::record::{Fields, digest};
use crate::schema::{DeleteEdit, Entity, OnDelete, To};
use crate::wire::{Change, Processed, Status};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn delete(context: &Context<'_>, entity: &Entity, change: &Change, at: (&Row, &Overlay<'_>)) -> Result<Verdict> {
    let (row, rows) = at;
    if change.base_version != Some(row.version) {
        match entity.delete_edit {
            DeleteEdit::DeleteWins => {}
            DeleteEdit::EditWins => return Ok(stays(change, row)),
            DeleteEdit::Manual => return Ok(conflict(change, "delete_edit", Vec::new(), row)),
        }
    }
    let mut changed = along(context, change, row, rows)?;
    let own = tombstone(context, row);
    let answer = Processed { server_version: own.version, digest: digest(&Fields::new()), ..answer(change, Status::Success) };
    changed.push(own);
    Ok(Verdict { answer, rows: changed, recorded: true })
}

/// They deleted what we edited. Where the edit wins, the record comes back as it was before, with the edit on it; if it
/// cannot stand that way (its parent is gone too, or no rule can merge), a person decides.
pub(super) fn edit_deleted(context: &Context<'_>, entity: &Entity, change: &Change, at: (&Row, &Overlay<'_>)) -> Result<Verdict> {
    let (row, rows) = at;
    let open = || {
        let fields = change.data.keys().chain(&change.removed).cloned().collect();
        Ok(conflict(change, "edit_delete", fields, row))
    };
    match (entity.delete_edit, &row.last) {
        (DeleteEdit::DeleteWins, _) => Ok(unchanged(change, row)),
        (DeleteEdit::EditWins, Some(last)) => {
            let before = Row { deleted: false, data: last.clone(), last: None, ..row.clone() };
            let merged = merged(context, entity, change, (&before, rows))?;
            if !merged.conflicts.is_empty() || references(entity, &merged.fields, change, rows).is_err() {
                return open();
            }
            let mut verdict = merged_row(context, entity, change, (&before, rows, &merged))?;
            verdict.answer.data = Some(merged.fields);
            Ok(verdict)
        }
        _ => open(),
    }
}

/// What a deleted row leaves behind.
fn tombstone(context: &Context<'_>, row: &Row) -> Row {
    let edit_wins = |entity: &Entity| entity.delete_edit == DeleteEdit::EditWins;
    let kept = context.schema.entities.get(&row.entity).is_some_and(edit_wins);
    Row {
        version: row.version + 1,
        number: 0,
        deleted: true,
        data: Fields::new(),
        last: kept.then(|| row.data.clone()),
        stamps: if kept { row.stamps.clone() } else { BTreeMap::new() },
        changed_by: context.who.user.0.clone(),
        changed_at: context.now,
        ..row.clone()
    }
}

/// Every other row that the delete of `first` changes: references taken away, then tombstones, the deepest first.
fn along(context: &Context<'_>, change: &Change, first: &Row, rows: &Overlay<'_>) -> Result<Vec<Row>> {
    let mut doomed: BTreeSet<RowKey> = BTreeSet::from([first.key()]);
    let mut order = vec![first.clone()];
    let mut at = 0;
    while let Some(parent) = order.get(at).cloned() {
        at += 1;
        let term = terms::refers(&parent.entity, &parent.id);
        if rows.is_crowded(&term) || order.len() > CASCADE_ROWS {
            return Err(too_many(change));
        }
        for child in rows.found(&term).filter(|child| rule(context, child, &parent, OnDelete::Cascade)) {
            if doomed.insert(child.key()) {
                order.push(child.clone());
            }
        }
    }
    let mut left: BTreeMap<RowKey, Row> = BTreeMap::new();
    for parent in &order {
        let term = terms::refers(&parent.entity, &parent.id);
        for child in rows.found(&term).filter(|child| !doomed.contains(&child.key())) {
            if rule(context, child, parent, OnDelete::Restrict) {
                return Err(held(context, change, child));
            }
            let child = left.remove(&child.key()).unwrap_or_else(|| child.clone());
            let child = without(context, change, (child, parent))?;
            left.insert(child.key(), child);
        }
    }
    if order.len() + left.len() > CASCADE_ROWS {
        return Err(too_many(change));
    }
    let mut changed: Vec<Row> = left.into_values().map(|row| Row { version: row.version + 1, ..row }).collect();
    changed.extend(order.iter().skip(1).rev().map(|row| tombstone(context, row)));
    Ok(changed)
}

/// Whether `child` points to `parent` by a reference with this rule.
fn rule(context: &Context<'_>, child: &Row, parent: &Row, rule: OnDelete) -> bool {
    let Some(entity) = context.schema.entities.get(&child.entity) else { return false };
    let mut data = child.data.clone();
    entity.rewrite(&mut data, &mut |reference, id| {
        let points = reference.entity == parent.entity && id == parent.id && reference.on_delete == rule;
        if points { To::Null } else { To::Keep }
    })
}

/// The child without its references to the parent; its version is still the one before.
fn without(context: &Context<'_>, change: &Change, pair: (Row, &Row)) -> Result<Row> {
    let (mut child, parent) = pair;
    let entity = context.schema.entity(&child.entity)?;
    let before = child.data.clone();
    entity.rewrite(&mut child.data, &mut |reference, id| {
        if reference.entity == parent.entity && id == parent.id { To::Null } else { To::Keep }
    });
    let stamp = stamp(context, change);
    for field in before.keys().filter(|field| before.get(*field) != child.data.get(*field) && stamped(entity, field)) {
        child.stamps.insert(field.clone(), after(&stamp, child.stamps.get(field)));
    }
    child.changed_by.clone_from(&context.who.user.0);
    child.changed_at = context.now;
    Ok(child)
}

fn held(context: &Context<'_>, change: &Change, child: &Row) -> Error {
    let mut detail = json!({ "entity_type": child.entity });
    if may_see(context, child) {
        detail["entity_id"] = json!(child.id);
    }
    Error::new(Code::Referenced, format!("a {} still refers to it", child.entity))
        .at(format!("{}.{}", change.entity_type, change.entity_id))
        .hint("delete that one first, or let it refer to another")
        .detail(detail)
}

fn too_many(change: &Change) -> Error {
    Error::new(Code::PayloadTooLarge, format!("more than {CASCADE_ROWS} records hang on it (CASCADE_ROWS)"))
        .at(format!("{}.{}", change.entity_type, change.entity_id))
        .hint("delete its children first, in several batches")
        .detail(json!({ "limit": "CASCADE_ROWS", "value": CASCADE_ROWS }))
}
