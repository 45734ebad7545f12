//! What a record looks like with its unfinished ops on top of a server version. This module decides the local view (laws 5
//! and 11): the same merge as the server's, op after op, and the person's own value where no rule decides. It touches no
//! op: `before` was noted when the edit was made, and the server judges by it.

use crate::merge::{Sides, merge};
use crate::queue::Op;
use crate::record::Fields;
use crate::schema::{Entity, Operation};
use crate::store::rows::BaseRow;
use crate::wire::change::Stamp;

/// The record as it is shown: `base` with the lane's ops over it. None: it is deleted here.
pub(crate) fn view(entity: &Entity, base: Option<&BaseRow>, lane: &[&Op], shown: Option<&Fields>) -> Option<Fields> {
    let mut fields = base.and_then(|base| base.data.clone());
    for op in lane {
        fields = match op.operation {
            Operation::Delete => None,
            Operation::Create => Some(op.patch.data.clone()),
            // An edit of what was deleted on the server stays as it was shown: nothing typed disappears.
            Operation::Update => match fields {
                Some(fields) => Some(edited_over(entity, base, op, &fields)),
                None => shown.cloned(),
            },
        };
    }
    fields
}

/// The base with one op on it, as the server will make it if nothing else happens.
pub(crate) fn predict(entity: &Entity, base: Option<&BaseRow>, op: &Op) -> Option<Fields> {
    match op.operation {
        Operation::Delete => None,
        Operation::Create => Some(op.patch.data.clone()),
        Operation::Update => base.and_then(|base| base.data.as_ref()).map(|fields| edited_over(entity, base, op, fields)),
    }
}

pub(crate) fn edited_over(entity: &Entity, base: Option<&BaseRow>, op: &Op, fields: &Fields) -> Fields {
    let stamp = Stamp { hlc: op.hlc.clone(), by: String::new(), role: String::new() };
    let empty = std::collections::BTreeMap::new();
    let stamps = base.map_or(&empty, |base| &base.stamps);
    let sides = Sides {
        before: &op.patch.before,
        data: &op.patch.data,
        removed: &op.patch.removed,
        stamp: &stamp,
        remote: fields,
        stamps,
    };
    let merged = merge(entity, sides);
    let mut fields = merged.fields;
    for name in merged.conflicts {
        match op.patch.data.get(&name) {
            Some(value) => fields.insert(name, value.clone()),
            None => fields.remove(&name),
        };
    }
    fields
}
