//! Checks a message that arrives, before anything is decided about it. This module decides whether a body follows the
//! protocol and its limits; a body that does not changes nothing (the whole of it is refused). The server calls it for
//! requests, the device for answers (law 13).

use crate::error::{Code, Error, Result};
use crate::id::is_temp;
use crate::limits;
use crate::plain::{self, Plain};
use crate::schema::Operation;
use crate::wire::{Change, Choice, PROTOCOL, PullRequest, PushRequest, Slice};
use serde_json::Value;
use std::collections::BTreeSet;

/// A push that may be decided.
///
/// # Errors
/// `PROTOCOL_ERROR`, `PAYLOAD_TOO_LARGE` with the limit, or `SCHEMA_MISMATCH` for another protocol version.
pub fn push(request: &PushRequest) -> Result<()> {
    protocol(request.protocol)?;
    id(&request.device_id.0, "device_id")?;
    id(&request.incarnation.0, "incarnation")?;
    mark(request.mark.as_ref())?;
    if request.changes.len() > limits::BATCH_OPS {
        return Err(too_large("changes", "BATCH_OPS", limits::BATCH_OPS));
    }
    if request.want.len() > limits::SLICE_ROWS {
        return Err(too_large("want", "SLICE_ROWS", limits::SLICE_ROWS));
    }
    let mut seen = BTreeSet::new();
    for (at, one) in request.changes.iter().enumerate() {
        change(one).map_err(|error| {
            let path = format!("changes[{at}].{}", error.path);
            error.at(path)
        })?;
        if !seen.insert(&one.queue_id) {
            return Err(Error::new(Code::ProtocolError, "the same op twice in one batch").at(format!("changes[{at}].queue_id")));
        }
    }
    let mut groups = BTreeSet::new();
    for group in request.changes.chunk_by(|one, next| one.group == next.group).filter_map(|run| run[0].group.as_ref()) {
        if !groups.insert(group) {
            return Err(Error::new(Code::ProtocolError, "the ops of a group stand next to each other").at("changes.group"));
        }
    }
    Ok(())
}

/// A pull that may be answered.
///
/// # Errors
/// As `push`.
pub fn pull(request: &PullRequest) -> Result<()> {
    protocol(request.protocol)?;
    id(&request.device_id.0, "device_id")?;
    mark(request.mark.as_ref())?;
    if request.want.len() > limits::SLICE_ROWS {
        return Err(too_large("want", "SLICE_ROWS", limits::SLICE_ROWS));
    }
    // What is filtered by goes into every token of the answer.
    if request.entity_types.len() > limits::PULL_NAMES || request.entity_types.iter().any(|name| name.len() > limits::ID_BYTES) {
        return Err(too_large("entity_types", "PULL_NAMES", limits::PULL_NAMES));
    }
    if request.tiers.len() > limits::PULL_NAMES {
        return Err(too_large("tiers", "PULL_NAMES", limits::PULL_NAMES));
    }
    Ok(())
}

fn mark(mark: Option<&crate::wire::Mark>) -> Result<()> {
    mark.map_or(Ok(()), |mark| id(mark.run.as_str(), "mark.run"))
}

/// A choice that may be taken.
///
/// # Errors
/// As `push`.
pub fn choice(choice: &Choice) -> Result<()> {
    protocol(choice.protocol)?;
    id(&choice.device_id.0, "device_id")?;
    let lists = [("selected", choice.selected.len()), ("opened", choice.opened.len()), ("deselected", choice.deselected.len())];
    for (path, len) in lists {
        if len > limits::PICKS {
            return Err(too_large(path, "PICKS", limits::PICKS));
        }
    }
    let opened = choice.opened.iter().map(|one| (&one.entity_type, &one.entity_id));
    for (entity, record) in choice.selected.iter().map(|one| (&one.entity_type, &one.entity_id)).chain(opened) {
        id(entity, "entity_type")?;
        id(record, "entity_id")?;
    }
    choice.deselected.iter().try_for_each(|name| id(name, "deselected"))
}

fn change(change: &Change) -> Result<()> {
    id(&change.queue_id.0, "queue_id")?;
    match &change.temp_id {
        None => id(&change.entity_id, "entity_id")?,
        Some(temp) if is_temp(temp) && change.entity_id.is_empty() => id(temp, "temp_id")?,
        Some(_) => return Err(Error::new(Code::ProtocolError, "a temporary id stands alone and in its form").at("temp_id")),
    }
    if change.entity_type.len() > limits::ID_BYTES {
        return Err(too_large("entity_type", "ID_BYTES", limits::ID_BYTES));
    }
    let wrong = |path: &str, what: &str| Err(Error::new(Code::ProtocolError, what).at(path));
    match change.operation {
        Operation::Create if !change.removed.is_empty() || !change.before.is_empty() => {
            wrong("removed", "a create carries whole data only")
        }
        Operation::Delete if !change.data.is_empty() || !change.removed.is_empty() => wrong("data", "a delete carries no data"),
        Operation::Update if change.data.is_empty() && change.removed.is_empty() => wrong("data", "an update changes something"),
        _ => {
            value(&change.data, "data")?;
            value(&change.before, "before")
        }
    }
}

fn value(fields: &crate::record::Fields, path: &str) -> Result<()> {
    if fields.len() > limits::RECORD_FIELDS {
        return Err(too_large(path, "RECORD_FIELDS", limits::RECORD_FIELDS));
    }
    for (key, value) in fields {
        crate::record::domain::key(key).map_err(|error| at(error, path))?;
        crate::record::domain::value(value, limits::VALUE_DEPTH - 1).map_err(|error| at(error, &format!("{path}.{key}")))?;
    }
    // The same measure as at the local write: what passed there passes here.
    let bytes = plain::text::size(fields);
    if bytes > limits::RECORD_BYTES { Err(too_large(path, "RECORD_BYTES", limits::RECORD_BYTES)) } else { Ok(()) }
}

fn at(error: Error, path: &str) -> Error {
    let path = if error.path.is_empty() { path.to_owned() } else { format!("{path}{}", error.path) };
    error.at(path)
}

/// An answer's slice that may be taken in: bounded, and every row of a known shape. What its rows hold is judged by the
/// schema, row by row, when they are taken in.
///
/// # Errors
/// `PROTOCOL_ERROR`.
pub fn slice(slice: &Slice) -> Result<()> {
    let wrong = |path: &str, what: &str| Err(Error::new(Code::ProtocolError, what).at(path));
    if slice.changes.len() > limits::SLICE_ROWS || slice.acks.len() > limits::SLICE_ACKS {
        return wrong("slices", "a slice holds at most 32 rows and 64 acks");
    }
    // What leaves: as many as rows, and one for each ack.
    if slice.removed.len() > limits::SLICE_ROWS + limits::SLICE_ACKS {
        return wrong("slices.removed", "a slice takes away at most 96 records");
    }
    if slice.range.as_ref().is_some_and(|range| range.kept.len() > limits::SLICE_KEPT) {
        return wrong("slices.range.kept", "a slice names at most 256 ids as kept");
    }
    for row in &slice.changes {
        id(&row.entity_id, "slices.changes.entity_id")?;
        if row.server_version == 0 || row.server_version > 1 << 53 {
            return wrong("slices.changes.server_version", "versions begin at 1 and stay below 2^53");
        }
    }
    Ok(())
}

fn protocol(version: u32) -> Result<()> {
    if version == PROTOCOL {
        return Ok(());
    }
    let who = if version < PROTOCOL { "update the application" } else { "update the server" };
    Err(Error::new(Code::SchemaMismatch, format!("protocol {version} is not spoken here, {PROTOCOL} is"))
        .at("protocol")
        .hint(who))
}

fn id(text: &str, path: &str) -> Result<()> {
    if text.is_empty() || text.len() > limits::ID_BYTES || text.chars().any(char::is_control) {
        return Err(Error::new(Code::ProtocolError, "an id is 1 to 128 bytes without control characters").at(path));
    }
    Ok(())
}

fn too_large(path: &str, name: &str, limit: usize) -> Error {
    Error::new(Code::PayloadTooLarge, format!("more than {limit} ({name})"))
        .at(path)
        .detail(plain::object([("limit", name.into()), ("value", limit.into())]))
}

/// Parses a JSON body with duplicate keys refused and depth bounded.
///
/// # Errors
/// `PROTOCOL_ERROR` naming the place.
pub fn body<T: Plain>(bytes: &[u8]) -> Result<T> {
    let value: Value = crate::record::domain::parse(bytes).map_err(|error| Error { code: Code::ProtocolError, ..error })?;
    plain::read(value).map_err(|mistake| mistake.told(Code::ProtocolError))
}
