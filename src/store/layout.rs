//! What the database of one user holds, as data: store names, key paths, indexes, versions. An executor builds it, the
//! transactions name it, and nothing else spells a store or index name.

use crate::plain;
use crate::schema::{MigrationStep, Schema};
use crate::store::port::StoreName;
use std::borrow::Cow;

/// Counts up when the engine's own stores change; the database's version is `schema version × 100 + LAYOUT`.
pub const LAYOUT: u32 = 4;

/// Ops that wait, travel or have been answered, keyed by `seq`.
pub const QUEUE: StoreName = Cow::Borrowed("sync_queue");
/// The last server version of a record, while it has pending ops or a conflict; keyed by `[entity_type, entity_id]`.
pub const BASE: StoreName = Cow::Borrowed("base");
/// Single rows by name; see `store::meta`.
pub const METADATA: StoreName = Cow::Borrowed("metadata");
/// Conflicts that wait for a decision, keyed by `id`.
pub const CONFLICTS: StoreName = Cow::Borrowed("conflicts");

/// What could not be read or has no place any more, as it was found; keyed by `id`. See `store::quarantine`.
pub const QUARANTINE: StoreName = Cow::Borrowed("quarantine");

/// What temporary ids stand for, keyed by `tempId`.
pub const ID_MAP: StoreName = Cow::Borrowed("id_map");

/// Records by each id they refer to, as far as it may change or take them along; see `store::remap`. Sparse.
pub const BY_REF: StoreName = Cow::Borrowed("_refs");
/// Ops and conflicts by each temporary id they name. Sparse.
pub const BY_TEMP: StoreName = Cow::Borrowed("temps");
/// Mappings that some references do not follow yet. Sparse.
pub const BY_OPEN: StoreName = Cow::Borrowed("open");

/// Op by its id (unique).
pub const BY_ID: StoreName = Cow::Borrowed("id");
/// Ops by status.
pub const BY_STATUS: StoreName = Cow::Borrowed("status");
/// Pending ops by `[ready, priority]`: `ready` 1 may be sent, 0 waits for another op. Sparse: an op that travels or was
/// answered has no `ready` and so costs no entry.
pub const BY_PRIORITY: StoreName = Cow::Borrowed("priority");
/// Ops by time of creation.
pub const BY_CREATED: StoreName = Cow::Borrowed("createdAt");
/// Unfinished ops by `[entity_type, entity_id]`, oldest first: the lane of a record. Sparse likewise.
pub const BY_RECORD: StoreName = Cow::Borrowed("entity_id");

/// Waiting ops by each record they need (`entity_type/entity_id`), so that an acknowledged parent finds its children
/// without a scan. Only ops that wait for a new record are in it.
pub const BY_NEED: StoreName = Cow::Borrowed("needs");
/// Unfinished ops by each record they no longer refer to, so that its deletion finds those that go first. Sparse.
pub const BY_FREED: StoreName = Cow::Borrowed("frees");
/// Ops by group. Sparse.
pub const BY_GROUP: StoreName = Cow::Borrowed("group");

/// One object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreDef {
    /// Its name.
    pub name: StoreName,
    /// Its key: one path, or several for a compound key.
    pub key_path: Vec<String>,
    /// Its indexes.
    pub indexes: Vec<IndexDef>,
}

/// One index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexDef {
    /// Its name within the store.
    pub name: StoreName,
    /// One path gives a plain key, several a compound one. A dot steps into an object.
    pub key_path: Vec<String>,
    /// No two rows share a key.
    pub unique: bool,
    /// Every element of a list is an entry of its own; only for a single path.
    pub multi: bool,
}

impl StoreDef {
    fn new(name: StoreName, key: &[&str], indexes: Vec<IndexDef>) -> Self {
        Self { name, key_path: key.iter().map(|path| (*path).to_owned()).collect(), indexes }
    }
}

fn index(name: StoreName, path: &[&str], unique: bool) -> IndexDef {
    IndexDef { name, key_path: path.iter().map(|path| (*path).to_owned()).collect(), unique, multi: false }
}

/// Every store of the database, entities first, each with its indexes.
#[must_use]
pub fn stores(schema: &Schema) -> Vec<StoreDef> {
    let entities = schema.entities.values().map(|entity| {
        let own = entity.indexes.iter().map(|index| IndexDef {
            name: Cow::Owned(index.name.clone()),
            key_path: index.fields.clone(),
            unique: false,
            multi: index.multi,
        });
        let by_ref = IndexDef { multi: true, ..index(BY_REF, &["_sync.refs"], false) };
        let by_ref = entity.references().next().is_some().then_some(by_ref);
        let indexes = own.chain(by_ref).collect();
        StoreDef { name: Cow::Owned(entity.store.clone()), key_path: vec![entity.key.clone()], indexes }
    });
    entities.chain(own_stores()).collect()
}

fn own_stores() -> [StoreDef; 6] {
    [
        StoreDef::new(
            QUEUE,
            &["seq"],
            vec![
                index(BY_ID, &["id"], true),
                index(BY_STATUS, &["status"], false),
                index(BY_PRIORITY, &["ready", "priority"], false),
                index(BY_CREATED, &["created_at"], false),
                index(BY_RECORD, &["lane"], false),
                IndexDef { multi: true, ..index(BY_NEED, &["needs"], false) },
                IndexDef { multi: true, ..index(BY_FREED, &["frees"], false) },
                index(BY_GROUP, &["group"], false),
                IndexDef { multi: true, ..index(BY_TEMP, &["temps"], false) },
            ],
        ),
        StoreDef::new(BASE, &["entity_type", "entity_id"], vec![]),
        StoreDef::new(METADATA, &["key"], vec![]),
        StoreDef::new(
            CONFLICTS,
            &["id"],
            vec![
                index(Cow::Borrowed("record"), &["entity_type", "entity_id"], false),
                IndexDef { multi: true, ..index(BY_TEMP, &["temps"], false) },
            ],
        ),
        StoreDef::new(ID_MAP, &["tempId"], vec![index(BY_OPEN, &["open"], false)]),
        StoreDef::new(QUARANTINE, &["id"], vec![]),
    ]
}

/// What one version of the schema asks of a database that is older, besides creating stores and indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The version.
    pub to: u32,
    /// Stores that have another name now: the former name and the present one.
    pub renames: Vec<(String, String)>,
}

/// Every version that asks for something, the oldest first.
#[must_use]
pub fn moves(schema: &Schema) -> Vec<Move> {
    let renames = |version: u32, steps: &[MigrationStep]| {
        let mut renames = Vec::new();
        for step in steps {
            if let MigrationStep::RenameEntity(rename) = step
                && let Some(store) = &rename.store
            {
                // Steps of one version may follow one another, so what is named is looked up where all of them have led.
                let now = schema.upgrade(version - 1, schema.version).entity(&rename.from);
                renames.extend(schema.entities.get(&now).map(|entity| (store.clone(), entity.store.clone())));
            }
        }
        renames
    };
    schema.migrations.iter().map(|one| Move { to: one.to, renames: renames(one.to, &one.steps) }).collect()
}

/// The row that says which data is still to be moved, after stores of version `from` have become stores of version `to`;
/// none if nothing is.
#[must_use]
pub fn debt(moves: &[Move], from: u32, to: u32) -> Option<serde_json::Value> {
    let owed = moves.iter().any(|one| from < one.to && one.to <= to);
    owed.then(|| plain::object([("key", format!("{DEBT}{to:07}").into()), ("from", from.into()), ("to", to.into())]))
}

/// How the keys of those rows begin; they sort by version.
pub const DEBT: &str = "migration/";

/// The version IndexedDB is opened with.
#[must_use]
pub const fn version(schema: &Schema) -> u32 {
    schema.version * 100 + LAYOUT
}

/// The database's name: one for each application, tenant and user (and device, where a page plays several).
///
/// ```
/// assert_eq!(landfall::store::layout::database("dcmms", "acme", "ann", ""), "landfall/dcmms/acme/ann");
/// ```
#[must_use]
pub fn database(app: &str, tenant: &str, user: &str, device: &str) -> String {
    let mut name = format!("landfall/{app}/{tenant}/{user}");
    if !device.is_empty() {
        name.push('/');
        name.push_str(device);
    }
    name
}
