//! Every version of every record a server ever had. Not a rule: the memory that rules about versions ask.

use crate::server::Server;
use landfall::record::Fields;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub struct History {
    /// By record: (version, data), in the order in which they came; after a rollback a version may come again.
    versions: BTreeMap<(String, String), Vec<(u64, Fields)>>,
}

impl History {
    pub fn push(&mut self, entity: &str, id: &str, version: u64, data: &Fields) {
        self.versions.entry((entity.to_owned(), id.to_owned())).or_default().push((version, data.clone()));
    }

    /// Whether the record's `version` ever was `data`; none: there never was such a version.
    pub fn had(&self, entity: &str, id: &str, version: u64, data: &Fields) -> Option<bool> {
        let versions = self.versions.get(&(entity.to_owned(), id.to_owned()))?;
        let mut same = versions.iter().rev().filter(|(one, _)| *one == version).peekable();
        same.peek()?;
        Some(same.any(|(_, one)| one == data))
    }
}

/// Takes in what a commit changed.
pub fn note(server: &mut Server, before: u64) {
    for row in server.ledger.changed_since(before) {
        server.history.push(&row.entity, &row.id, row.version, &row.data);
    }
}
