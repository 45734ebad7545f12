//! Records that a restored server no longer has as they were here. This module decides which those are, keeps what was here
//! in quarantine (told and listed, laws 6 and 15), and lets it go again when the record comes back as it was, brought by the
//! device that had written it. `absorb` asks it for every row and every gap of the snapshot that follows a restoration.

use crate::error::{Code, Error, Result};
use crate::limits::LOST_MOST;
use crate::store::desk::{Desk, Name};
use crate::store::key::Key;
use crate::store::layout::QUARANTINE;
use crate::store::port::{Change, Range, Read, Rows};
use crate::store::quarantine::{self, QuarantineRow};
use crate::store::rows::from_row;
use crate::time::Millis;
use crate::wire::RemoteChange;

const STORE: &str = "restored";

/// Most rows kept of one record: one for each restoration in a short time.
const OF_ONE: u32 = 8;

/// What is kept of this record.
pub(crate) fn read(name: &Name) -> Read {
    let from = format!("{STORE}/{}/{}/", name.0, name.1);
    let to = format!("{from}\u{ffff}");
    Read::Range(Range::all(QUARANTINE, OF_ONE).between(from.as_str().into(), to.as_str().into()))
}

/// Keeps a clean record aside if the server's word (`None`: it has no such record) is older than what was here. Beyond the
/// bound it is counted by nobody and kept by nobody: a server that lost so much is restored again, by its people.
pub(crate) fn keep(desk: &mut Desk, name: &Name, row: Option<&RemoteChange>, now: Millis) -> Result<()> {
    let restored = desk.sync_row().is_some_and(|sync| sync.restored);
    if !restored || !desk.lane(name).is_empty() || desk.head.quarantined >= LOST_MOST {
        return Ok(());
    }
    let Some((fields, version)) = desk.record(name).and_then(|record| Some((record.fields.clone(), record.sync.version?))) else {
        return Ok(());
    };
    if row.is_some_and(|row| row.server_version > version || row.data == fields) {
        return Ok(());
    }
    let error = Error::new(Code::NotFound, "the server was restored and no longer has the record as it was here")
        .at(format!("{}.{}", name.0, name.1))
        .hint("another device may still bring it back; if none does, create it anew from what is kept");
    let lost = QuarantineRow {
        id: quarantine::id(STORE, &format!("{}/{}", name.0, name.1), &desk.head),
        store: STORE.to_owned(),
        entity_type: Some(name.0.clone()),
        entity_id: Some(name.1.clone()),
        row: serde_json::Value::Object(fields),
        shown: None,
        error,
        at: now,
    };
    desk.quarantine(&lost)
}

/// Lets go of what was kept of a record that is there again as it was.
pub(crate) fn returned(desk: &mut Desk, kept: Rows, row: &RemoteChange) -> Result<()> {
    for kept in kept {
        let kept: QuarantineRow = from_row(kept)?;
        if kept.row.as_object() == Some(&row.data) {
            desk.head.quarantined = desk.head.quarantined.saturating_sub(1);
            desk.write(Change::Delete { store: QUARANTINE, key: Key::from(kept.id.as_str()) });
        }
    }
    Ok(())
}
