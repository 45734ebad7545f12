//! The server's pure half: which ops are accepted over which rows, what a page of changes holds, who may see it. This room
//! decides; it reads no database and no clock. A ledger (SQLite, PostgreSQL, or the one in memory here) fetches what `Push`
//! and `Pull` ask for, inside one database transaction, and writes what they answer.

pub mod choose;
mod decide;
pub mod follow;
pub mod gather;
pub mod horizon;
pub mod identity;
mod members;
pub mod memory;
mod negotiate;
mod overlay;
pub mod pull;
pub mod push;
mod reach;
pub mod rows;
pub mod runs;
pub mod scope;
pub mod terms;
pub mod token;

pub use gather::{Gathered, PushFound, PushReads};
pub use identity::TempRow;
pub use memory::MemoryLedger;
pub use negotiate::{first_page, row as up_to_date_row, rows_for};
pub use pull::{Next, PageFound, PageRead, Pull, Reader};
pub use push::{Decided, Push, PushCommit};
pub use rows::{DeviceRow, Entry, Row, RowKey, RunRow, Who};
pub use token::TokenKey;

use crate::error::{Code, Error, Result};
use crate::time::Millis;
use crate::wire::Device;

/// What registering a device makes of what is known about it (SEC-5: a device belongs to one user for good).
///
/// # Errors
/// `PERMISSION_DENIED` when the device is another user's; the same answer as for any foreign thing.
pub fn attach(who: &Who, device: &Device, known: Option<DeviceRow>, now: Millis) -> Result<DeviceRow> {
    match known {
        Some(row) if row.user != who.user => Err(Error::new(Code::PermissionDenied, "this device is not yours").at("device_id")),
        Some(row) => Ok(DeviceRow { name: device.name.clone(), seen_at: now, ..row }),
        None => Ok(DeviceRow {
            id: device.device_id.clone(),
            user: who.user.clone(),
            name: device.name.clone(),
            incarnation: String::new().into(),
            request_no: 0,
            request_hash: String::new(),
            seen_at: now,
            deselected: Vec::new(),
        }),
    }
}
