//! One op against the row it meets. This module decides whether it is applied, merged, refused or a conflict, and what the
//! row is afterwards; it writes nothing. `push` calls it for each op that has no answer yet.

use crate::authority::overlay::Overlay;
use crate::authority::rows::{Row, Who};
use crate::error::{Code, Error, Result};
use crate::limits::CLOCK_AHEAD_MS;
use crate::merge::{Sides, merge};
use crate::record::{Fields, Patch, digest};
use crate::schema::{DeleteEdit, Entity, MergePolicy, Operation, Schema};
use crate::time::Millis;
use crate::wire::change::Stamp;
use crate::wire::push::ConflictData;
use crate::wire::{Change, Processed, Status};
use std::collections::BTreeMap;

pub(super) struct Context<'a> {
    pub schema: &'a Schema,
    pub who: &'a Who,
    pub now: Millis,
    pub skew_ms: i64,
}

pub(super) struct Verdict {
    pub answer: Processed,
    /// The changed row.
    pub row: Option<Row>,
    /// Whether the answer is kept. One that asks to come again is not: the op has no answer yet.
    pub recorded: bool,
}

/// A refusal as an answer.
pub(super) fn refusal(change: &Change, error: Error) -> Processed {
    Processed::refused(change.queue_id.clone(), &change.entity_id, error)
}

/// An answer whose effect was taken back.
pub(super) fn without_effect(answer: &Processed, error: Error) -> Processed {
    Processed::refused(answer.queue_id.clone(), &answer.entity_id, error)
}

fn answer(change: &Change, status: Status) -> Processed {
    Processed {
        queue_id: change.queue_id.clone(),
        status,
        entity_id: change.entity_id.clone(),
        server_version: 0,
        number: 0,
        digest: String::new(),
        data: None,
        stamps: BTreeMap::new(),
        conflict_id: None,
        conflict_data: None,
        error: None,
    }
}

pub(super) fn op(context: &Context<'_>, change: &Change, rows: &Overlay) -> Verdict {
    match judge(context, change, rows) {
        Ok(mut verdict) => {
            if let Some(entity) = context.schema.entities.get(&change.entity_type).filter(|entity| entity.hides()) {
                let row = verdict.row.as_ref().or_else(|| rows.get(&change.entity_type, &change.entity_id));
                hide(entity, &mut verdict.answer, row);
            }
            verdict
        }
        Err(error) => Verdict { answer: refusal(change, error), row: None, recorded: true },
    }
}

/// Fields kept on the server stay there, in answers as in pulls; the digest is that of what the device may see.
fn hide(entity: &Entity, answer: &mut Processed, row: Option<&Row>) {
    if let (false, Some(row)) = (answer.digest.is_empty(), row) {
        answer.digest = digest(&entity.visible(&row.data));
    }
    answer.data = answer.data.take().map(|data| entity.visible(&data));
    answer.stamps.retain(|field, _| !entity.fields.get(field).is_some_and(|field| field.server_only));
    if let Some(theirs) = &mut answer.conflict_data {
        theirs.server = theirs.server.take().map(|data| entity.visible(&data));
    }
}

fn judge(context: &Context<'_>, change: &Change, rows: &Overlay) -> Result<Verdict> {
    let entity = context.schema.entity(&change.entity_type)?;
    may(context, change)?;
    entity.check_id(&change.entity_type, &change.entity_id)?;
    let row = rows.get(&change.entity_type, &change.entity_id);
    match (change.operation, row) {
        (Operation::Create, None) => create(context, entity, change, (rows, 1)),
        // Whoever has seen the tombstone may bring the record back, whole: "mine" in an edit against a delete.
        (Operation::Create, Some(row)) if row.deleted && change.base_version == Some(row.version) => {
            create(context, entity, change, (rows, row.version + 1))
        }
        (Operation::Create, Some(_)) => {
            let error =
                Error::new(Code::IdCollision, "another record has this id").at(format!("{}.{}", change.entity_type, entity.key));
            Err(error.hint("give the record a new id"))
        }
        (Operation::Update, Some(row)) if !row.deleted => update(context, entity, change, (row, rows)),
        (Operation::Update, Some(row)) => edit_deleted(entity, change, row),
        (Operation::Delete, Some(row)) if row.deleted => Ok(unchanged(change, row)),
        (Operation::Delete, Some(row)) => delete(context, entity, change, row),
        (Operation::Update | Operation::Delete, None) => {
            Err(Error::new(Code::NotFound, "no such record").at(format!("{}.{}", change.entity_type, change.entity_id)))
        }
    }
}

/// Roles are checked here whatever the device has shown (SEC-4).
fn may(context: &Context<'_>, change: &Change) -> Result<()> {
    let denied = |what: String| Err(Error::new(Code::PermissionDenied, what).at(&change.entity_type));
    if context.schema.entities.get(&change.entity_type).is_some_and(|entity| entity.read_only) {
        return denied("is read-only for devices".into());
    }
    let hidden = |field: &&String| {
        let fields = context.schema.entities.get(&change.entity_type).map(|entity| &entity.fields);
        fields.and_then(|fields| fields.get(*field)).is_some_and(|field| field.server_only)
    };
    if let Some(field) = change.data.keys().chain(&change.removed).find(hidden) {
        let error = Error::new(Code::PermissionDenied, "only the server writes this field");
        return Err(error.at(format!("{}.{field}", change.entity_type)));
    }
    if context.schema.roles.is_empty() {
        return Ok(());
    }
    let roles = context.who.roles.iter().filter_map(|name| context.schema.roles.get(name));
    let allowed = |role: &&crate::schema::Role| {
        let lists = ["*", change.entity_type.as_str()].into_iter().filter_map(|name| role.may.get(name));
        lists.flatten().any(|operation| *operation == change.operation)
            && !change_fields(change).any(|field| role.not_fields.contains(&field))
    };
    if roles.into_iter().any(|role| allowed(&role)) {
        Ok(())
    } else {
        denied(format!("your role may not {:?} this", change.operation).to_lowercase())
    }
}

fn change_fields(change: &Change) -> impl Iterator<Item = String> {
    change.data.keys().chain(&change.removed).map(|field| format!("{}.{field}", change.entity_type))
}

fn create(context: &Context<'_>, entity: &Entity, change: &Change, at: (&Overlay, u64)) -> Result<Verdict> {
    let (rows, version) = at;
    if change.data.get(&entity.key).and_then(serde_json::Value::as_str) != Some(change.entity_id.as_str()) {
        let path = format!("{}.{}", change.entity_type, entity.key);
        return Err(Error::new(Code::ValidationError, "the key field is not the op's entity_id").at(path));
    }
    entity.check_record(&change.entity_type, &change.data)?;
    references(entity, &change.data, change, rows)?;
    let stamp = stamp(context, change);
    let stamps: BTreeMap<_, _> =
        change.data.keys().filter(|field| stamped(entity, field)).map(|field| (field.clone(), stamp.clone())).collect();
    Ok(changed(context, change, (version, Some(change.data.clone())), (stamps.clone(), stamps)))
}

fn update(context: &Context<'_>, entity: &Entity, change: &Change, at: (&Row, &Overlay)) -> Result<Verdict> {
    let (row, rows) = at;
    entity.check_patch(&change.entity_type, &change.data, &change.removed)?;
    references(entity, &change.data, change, rows)?;
    let stamp = stamp(context, change);
    let sides = Sides {
        before: &change.before,
        data: &change.data,
        removed: &change.removed,
        stamp: &stamp,
        remote: &row.data,
        stamps: &row.stamps,
    };
    let merged = merge(entity, sides);
    if !merged.conflicts.is_empty() {
        return Ok(conflict(change, "edit_edit", merged.conflicts, row));
    }
    if Patch::between(&row.data, &merged.fields).is_empty() {
        return Ok(unchanged(change, row));
    }
    transitions(entity, change, (&row.data, &merged.fields))?;
    entity.check_record(&change.entity_type, &merged.fields)?;
    // What was written over a value is stamped after it, however the clocks of the two writers stand.
    let after = |field: &String| match row.stamps.get(field) {
        Some(theirs) => Stamp { hlc: stamp.hlc.clone().after(&theirs.hlc), ..stamp.clone() },
        None => stamp.clone(),
    };
    let written = merged.written.iter().filter(|field| stamped(entity, field));
    let fresh: BTreeMap<_, _> = written.map(|field| (field.clone(), after(field))).collect();
    let mut stamps = row.stamps.clone();
    stamps.extend(fresh.clone());
    stamps.retain(|field, _| merged.fields.contains_key(field) || fresh.contains_key(field));
    let mut verdict = changed(context, change, (row.version + 1, Some(merged.fields.clone())), (stamps, fresh));
    let plain = Patch { data: change.data.clone(), removed: change.removed.clone(), before: Fields::new() };
    // The device can work it out by itself only if nobody else had a hand in it.
    if change.base_version != Some(row.version) || plain.applied(&row.data) != merged.fields {
        verdict.answer.data = Some(merged.fields);
    }
    Ok(verdict)
}

fn delete(context: &Context<'_>, entity: &Entity, change: &Change, row: &Row) -> Result<Verdict> {
    if change.base_version == Some(row.version) || entity.delete_edit == DeleteEdit::DeleteWins {
        return Ok(changed(context, change, (row.version + 1, None), (BTreeMap::new(), BTreeMap::new())));
    }
    match entity.delete_edit {
        DeleteEdit::EditWins => {
            Ok(Verdict { answer: Processed { data: Some(row.data.clone()), ..as_it_is(change, row) }, row: None, recorded: true })
        }
        _ => Ok(conflict(change, "delete_edit", Vec::new(), row)),
    }
}

/// They deleted what we edited. When the edit wins, the record comes back as it was before with the edit on it; that needs
/// its last content, which a tombstone no longer has: the device is asked to send the whole record.
fn edit_deleted(entity: &Entity, change: &Change, row: &Row) -> Result<Verdict> {
    match entity.delete_edit {
        DeleteEdit::DeleteWins => Ok(unchanged(change, row)),
        DeleteEdit::Manual | DeleteEdit::EditWins => {
            let fields = change.data.keys().chain(&change.removed).cloned().collect();
            Ok(conflict(change, "edit_delete", fields, row))
        }
    }
}

/// The op's wish is already so.
fn unchanged(change: &Change, row: &Row) -> Verdict {
    let data = (!row.deleted && change.base_version != Some(row.version)).then(|| row.data.clone());
    Verdict { answer: Processed { data, ..as_it_is(change, row) }, row: None, recorded: true }
}

fn as_it_is(change: &Change, row: &Row) -> Processed {
    Processed { server_version: row.version, digest: digest(&row.data), ..answer(change, Status::Success) }
}

fn changed(
    context: &Context<'_>,
    change: &Change,
    to: (u64, Option<Fields>),
    stamps: (BTreeMap<String, Stamp>, BTreeMap<String, Stamp>),
) -> Verdict {
    let (version, data) = to;
    let (all, fresh) = stamps;
    let deleted = data.is_none();
    let data = data.unwrap_or_default();
    let answer = Processed { server_version: version, digest: digest(&data), stamps: fresh, ..answer(change, Status::Success) };
    let row = Row {
        entity: change.entity_type.clone(),
        id: change.entity_id.clone(),
        version,
        number: 0,
        deleted,
        data,
        stamps: all,
        changed_by: context.who.user.0.clone(),
        changed_at: context.now,
    };
    Verdict { answer, row: Some(row), recorded: true }
}

fn conflict(change: &Change, kind: &str, fields: Vec<String>, row: &Row) -> Verdict {
    let theirs = ConflictData {
        kind: kind.to_owned(),
        fields,
        server: (!row.deleted).then(|| row.data.clone()),
        version: row.version,
        changed_by: row.changed_by.clone(),
        changed_at: row.changed_at.iso(),
    };
    let answer = Processed {
        server_version: row.version,
        conflict_id: Some(change.queue_id.as_str().into()),
        conflict_data: Some(theirs),
        ..answer(change, Status::Conflict)
    };
    Verdict { answer, row: None, recorded: true }
}

fn stamp(context: &Context<'_>, change: &Change) -> Stamp {
    Stamp {
        hlc: change.hlc.corrected(context.skew_ms, context.now, CLOCK_AHEAD_MS),
        by: context.who.user.0.clone(),
        role: context.who.roles.first().cloned().unwrap_or_default(),
    }
}

/// Whether the field's rule asks who wrote it or when.
fn stamped(entity: &Entity, field: &str) -> bool {
    let ruled = entity.fields.get(field).is_some_and(|field| !field.merge_rules.is_empty());
    ruled || matches!(entity.policy(field), MergePolicy::LastWriteWins | MergePolicy::Merge)
}

/// No reference of a stored row dangles (I10).
fn references(entity: &Entity, data: &Fields, change: &Change, rows: &Overlay) -> Result<()> {
    for (target, id, path) in entity.referred(data) {
        let itself = target == change.entity_type && id == change.entity_id;
        if !itself && !rows.holds(target, id) {
            let error = Error::new(Code::ReferenceMissing, format!("names a {target} that the server does not have"));
            return Err(error.at(format!("{}.{path}", change.entity_type)).hint("choose another, or send that record first"));
        }
    }
    Ok(())
}

fn transitions(entity: &Entity, change: &Change, states: (&Fields, &Fields)) -> Result<()> {
    let text = |fields: &Fields, field: &str| fields.get(field).and_then(|value| value.as_str().map(str::to_owned));
    for rule in &entity.transitions {
        let (Some(from), Some(to)) = (text(states.0, &rule.field), text(states.1, &rule.field)) else { continue };
        let allowed = from == to || rule.allow.get(&from).is_none_or(|next| next.contains(&to));
        if !allowed {
            let error = Error::new(Code::ValidationError, format!("{from} may not be followed by {to}"));
            return Err(error.at(format!("{}.{}", change.entity_type, rule.field)));
        }
    }
    Ok(())
}
