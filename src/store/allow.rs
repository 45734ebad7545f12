//! Whether a local write may be made at all: by the roles that the server last named, and on a record that is still in the
//! user's scope. This module decides it before anything is written (SEC-4); the server decides again. `write` asks it.

use crate::error::{Code, Error, Result};
use crate::schema::Schema;
use crate::store::desk::{Desk, Name};
use crate::store::write::WriteRequest;

/// # Errors
/// `PERMISSION_DENIED` with the path.
pub(crate) fn check(schema: &Schema, desk: &Desk, request: &WriteRequest, name: &Name) -> Result<()> {
    if desk.base(name).is_some_and(|base| base.left) {
        let error = Error::new(Code::PermissionDenied, "the record is not in your scope any more");
        return Err(error.at(format!("{}.{}", name.0, name.1)).hint("export the changes that wait, or discard them"));
    }
    // Before the first contact nobody has named any roles: then only the server decides.
    match desk.sync_row().and_then(|sync| sync.roles.as_ref()) {
        Some(roles) => schema.may_write(roles, (&name.0, request.operation), &request.data, &request.removed),
        None => Ok(()),
    }
}
