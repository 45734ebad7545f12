//! Devices of another schema version. This module decides what is done for them: ops made under an older version are brought up
//! to date before they are decided, answers of an older time before they are given again; rows go only to devices of the
//! server's own version, for an older one would store what it cannot read. `push` and the ledgers call it.

use crate::authority::rows::{Entry, Row};
use crate::error::{Code, Error, Result};
use crate::record::Patch;
use crate::schema::{Operation, Schema, Upgrade};
use crate::wire::change::Stamp;
use crate::wire::{Change, Processed, PullRequest, PushRequest};
use serde_json::json;
use std::collections::BTreeMap;

/// Whether rows may go to a device of this schema version.
///
/// # Errors
/// `SCHEMA_MISMATCH` saying which side has to move.
pub fn rows_for(schema: &Schema, device: u32) -> Result<()> {
    let (what, who) = match device.cmp(&schema.version) {
        std::cmp::Ordering::Equal => return Ok(()),
        std::cmp::Ordering::Less => ("the application on this device is older than the server", "update the application"),
        std::cmp::Ordering::Greater => ("the server is older than the application on this device", "update the server"),
    };
    let error = Error::new(Code::SchemaMismatch, what).at("schema_version").hint(who);
    Err(error.detail(json!({ "server": schema.version, "device": device })))
}

/// The pull that a push asks for, or why there is none: an older device's ops are taken, but it gets no rows.
#[must_use]
pub fn first_page(schema: &Schema, request: &PushRequest) -> (Option<PullRequest>, Option<Error>) {
    let page = request.first_page();
    match rows_for(schema, request.schema_version) {
        Err(error) if page.is_some() => (None, Some(error)),
        _ => (page, None),
    }
}

/// Whether ops of this request can be decided here: nothing in it is newer than the server.
pub(super) fn ops_of(schema: &Schema, request: &PushRequest) -> Result<()> {
    let newest = request.changes.iter().map(|change| change.schema_version).max().unwrap_or(0).max(request.schema_version);
    if newest > schema.version { rows_for(schema, newest) } else { Ok(()) }
}

/// The op as a device of the server's version would have sent it.
pub(super) fn up_to_date(schema: &Schema, change: Change) -> Change {
    let upgrade = schema.upgrade(change.schema_version, schema.version);
    if upgrade.is_empty() {
        return change;
    }
    let patch = Patch { data: change.data, removed: change.removed, before: change.before };
    let patch = upgrade.change(&change.entity_type, change.operation, patch).patch;
    Change {
        entity_type: upgrade.entity(&change.entity_type),
        data: patch.data,
        removed: patch.removed,
        before: patch.before,
        schema_version: schema.version,
        ..change
    }
}

/// An op of which the schema has left nothing: its author has to hear that it can have no effect.
pub(super) fn has_content(change: &Change) -> Result<()> {
    if change.operation != Operation::Update || !change.data.is_empty() || !change.removed.is_empty() {
        return Ok(());
    }
    let what = "the application does not keep what this change was about any more";
    Err(Error::new(Code::SchemaMismatch, what).at(&change.entity_type).hint("discard it"))
}

/// A recorded answer, for the op as it was sent: what it tells of the record is told in the words of now.
pub(super) fn answer(schema: &Schema, entry: &Entry, sent: &Change) -> Processed {
    let mut answer = entry.answer.clone();
    let upgrade = schema.upgrade(entry.schema, schema.version);
    // The entity's name when the answer was given; the op may be older still.
    let entity = schema.upgrade(sent.schema_version, entry.schema).entity(&sent.entity_type);
    if !upgrade.touches(&entity) {
        return answer;
    }
    answer.digest = String::new();
    answer.data = answer.data.map(|data| upgrade.fields(&entity, data));
    answer.stamps = stamps(&upgrade, &entity, std::mem::take(&mut answer.stamps));
    if let Some(theirs) = &mut answer.conflict_data {
        theirs.server = theirs.server.take().map(|data| upgrade.fields(&entity, data));
        theirs.fields = upgrade.names(&entity, std::mem::take(&mut theirs.fields));
    }
    answer
}

/// A row of an older version of the schema, as it is now. Its version and its number stay: nobody has changed it.
#[must_use]
pub fn row(upgrade: &Upgrade<'_>, row: Row) -> Row {
    let before = row.entity.clone();
    Row {
        entity: upgrade.entity(&before),
        data: if row.deleted { row.data } else { upgrade.fields(&before, row.data) },
        last: row.last.map(|last| upgrade.fields(&before, last)),
        stamps: stamps(upgrade, &before, row.stamps),
        ..row
    }
}

fn stamps(upgrade: &Upgrade<'_>, entity: &str, stamps: BTreeMap<String, Stamp>) -> BTreeMap<String, Stamp> {
    let names = |field: &String| upgrade.names(entity, vec![field.clone()]);
    stamps.iter().flat_map(|(field, stamp)| names(field).into_iter().map(|name| (name, stamp.clone()))).collect()
}

/// What a device of an older version can be told: that and how its ops were decided, but no field by a name it may not know.
/// It has its own copy of them, which its next version moves.
pub(super) fn for_older(answers: &mut [Processed]) {
    for answer in answers {
        (answer.data, answer.conflict_data, answer.stamps) = (None, None, BTreeMap::new());
        answer.digest = String::new();
    }
}
