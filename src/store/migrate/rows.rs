//! What becomes of one row when the schema has changed: the fields of records, bases and conflicts, and ops, which follow the
//! new schema unless they are frozen: then the bytes that travel stay what they were. This module decides each row for itself;
//! `migrate` walks the stores.

use crate::error::{Code, Error, Result};
use crate::plain::Plain;
use crate::queue::{Op, OpStatus};
use crate::record::{Fields, order};
use crate::schema::{Operation, Schema, Upgrade};
use crate::store::desk::Name;
use crate::store::key::Key;
use crate::store::layout::{BASE, CONFLICTS, ID_MAP, QUEUE};
use crate::store::port::{Change, StoreName};
use crate::store::quarantine::{self, QuarantineRow};
use crate::store::rows::{BaseRow, ConflictRow, Head, IdMapRow, Record, from_row, size};
use crate::time::Millis;
use crate::wire::change::Stamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// Says of a base that it has been moved: under its entity's new name the walk would meet it a second time.
const MOVED: &str = "moved_to";

/// The slice that rows are of.
pub(super) struct Slice<'a> {
    pub schema: &'a Schema,
    pub upgrade: &'a Upgrade<'a>,
    pub to: u32,
    pub store: &'a StoreName,
    pub head: &'a Head,
    pub now: Millis,
}

/// What became of a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Moved {
    pub changes: Vec<Change>,
    /// The entity, and a record's bytes before and after.
    pub bytes: Option<(String, u64, u64)>,
    /// What has no place any more.
    pub quarantine: Option<QuarantineRow>,
    /// An op of this status is gone.
    pub gone: Option<OpStatus>,
    /// The record that has no op left, by the names of now.
    pub bare: Option<Name>,
}

impl Slice<'_> {
    /// The row as it is now; none: it stays as it is.
    pub fn row(&self, row: Value) -> Option<Moved> {
        let moved = match self.store {
            store if *store == BASE => self.base(&row),
            store if *store == CONFLICTS => self.conflict(&row),
            store if *store == QUEUE => self.op(&row),
            store if *store == ID_MAP => self.mapping(&row),
            _ => self.record(&row),
        };
        // What cannot be read stays where it is: whoever meets it isolates it.
        moved.unwrap_or_default()
    }

    fn record(&self, row: &Value) -> Result<Option<Moved>> {
        let named = |rest: &Upgrade<'_>| {
            let found = self.schema.entities.iter().find(|(_, entity)| entity.store == **self.store);
            found.map(|(name, _)| rest.entity_before(name))
        };
        let Some(after) = named(&self.schema.upgrade(self.to, self.schema.version)) else { return Ok(None) };
        let mut record = Record::from_row(row.clone())?;
        record.fields = self.upgrade.fields(&self.upgrade.entity_before(&after), record.fields);
        let (old, new) = (record.sync.bytes, size(&record.fields));
        record.sync.bytes = new;
        Ok(Some(Moved { bytes: Some((after, old, new)), ..self.put(record.into_row()) }))
    }

    fn base(&self, row: &Value) -> Result<Option<Moved>> {
        if row.get(MOVED).and_then(Value::as_u64) == Some(u64::from(self.to)) {
            return Ok(None);
        }
        let base: BaseRow = from_row(row.clone())?;
        let (before, id) = (base.entity_type.clone(), base.entity_id.clone());
        let after = BaseRow {
            entity_type: self.upgrade.entity(&before),
            data: base.data.map(|data| self.upgrade.fields(&before, data)),
            stamps: self.stamps(&before, base.stamps),
            ..base
        };
        let renamed = after.entity_type != before;
        let mut row = after.plain();
        let mut moved = Moved::default();
        if let (true, Value::Object(fields)) = (renamed, &mut row) {
            fields.insert(MOVED.to_owned(), self.to.into());
            let key = Key::pair(before.as_str(), id.as_str());
            moved.changes.push(Change::Delete { store: self.store.clone(), key });
        }
        moved.changes.extend(self.put(row).changes);
        Ok(Some(moved))
    }

    fn stamps(&self, entity: &str, stamps: BTreeMap<String, Stamp>) -> BTreeMap<String, Stamp> {
        let names = |field: &String| self.upgrade.names(entity, vec![field.clone()]);
        order::map(stamps.iter().flat_map(|(field, stamp)| names(field).into_iter().map(|name| (name, stamp.clone()))))
    }

    fn conflict(&self, row: &Value) -> Result<Option<Moved>> {
        let conflict: ConflictRow = from_row(row.clone())?;
        let before = conflict.entity_type.clone();
        let side = |fields: Option<Fields>| fields.map(|fields| self.upgrade.fields(&before, fields));
        let after = ConflictRow {
            entity_type: self.upgrade.entity(&before),
            fields: self.upgrade.names(&before, conflict.fields),
            local: side(conflict.local),
            server: side(conflict.server),
            ..conflict
        };
        Ok(Some(self.put(after.plain())))
    }

    fn mapping(&self, row: &Value) -> Result<Option<Moved>> {
        let map: IdMapRow = from_row(row.clone())?;
        let after = IdMapRow { entity_type: self.upgrade.entity(&map.entity_type), ..map };
        Ok(Some(self.put(after.plain())))
    }

    fn op(&self, row: &Value) -> Result<Option<Moved>> {
        let op: Op = from_row(row.clone())?;
        let before = op.entity_type.clone();
        let entity_type = self.upgrade.entity(&before);
        let last = self.schema.upgrade(self.to, self.schema.version).entity(&entity_type);
        if !self.schema.entities.contains_key(&last) {
            return Ok(Some(self.homeless(row, &op)));
        }
        let upgraded = self.upgrade.change(&before, op.operation, op.patch.clone());
        let travels_as = op.frozen.then(|| op.travels_as.clone().unwrap_or_else(|| Box::new(op.former())));
        let lost = !op.frozen && !upgraded.lost.is_empty();
        let mut moved = Moved::default();
        if lost {
            let fields = upgraded.lost.keys().cloned().collect::<Vec<_>>().join(", ");
            let what = "the application does not keep this field any more; it was not sent";
            let error = Error::new(Code::SchemaMismatch, what).at(format!("{before}.{fields}"));
            moved.quarantine = Some(self.aside(row, &op, error));
        }
        let bare = op.operation == Operation::Update && upgraded.patch.is_empty();
        if bare && !op.frozen {
            moved.changes.push(Change::Delete { store: QUEUE, key: op.seq.into() });
            moved.gone = Some(op.status);
            if !op.behind {
                moved.changes.push(Change::Delete { store: BASE, key: Key::pair(entity_type.as_str(), op.entity_id.as_str()) });
                moved.bare = Some((last, op.entity_id));
            }
            return Ok(Some(moved));
        }
        let mut op = Op {
            lane: op.lane.map(|[_, id]| [entity_type.clone(), id]),
            needs: self.needs(op.needs),
            lacks: self.needs(op.lacks),
            frees: self.needs(op.frees),
            patch: upgraded.patch,
            schema_version: self.to,
            entity_type,
            travels_as,
            ..op
        };
        op.refresh();
        moved.changes.extend(self.put(op.plain()).changes);
        Ok(Some(moved))
    }

    /// The op is of an entity that is not declared any more: nobody could send it or show its record.
    fn homeless(&self, row: &Value, op: &Op) -> Moved {
        let error = Error::new(Code::SchemaMismatch, "the application does not know this kind of record any more");
        Moved {
            changes: vec![Change::Delete { store: QUEUE, key: op.seq.into() }],
            quarantine: Some(self.aside(row, op, error.at(&op.entity_type))),
            gone: Some(op.status),
            ..Moved::default()
        }
    }

    fn aside(&self, row: &Value, op: &Op, error: Error) -> QuarantineRow {
        QuarantineRow {
            id: quarantine::id(&QUEUE, &op.seq.to_string(), self.head),
            store: QUEUE.into_owned(),
            entity_type: Some(op.entity_type.clone()),
            entity_id: Some(op.entity_id.clone()),
            row: row.clone(),
            shown: None,
            error,
            at: self.now,
        }
    }

    /// What ops wait for, by the names of now; nobody waits for a kind of record that is gone.
    fn needs(&self, needs: Vec<String>) -> Vec<String> {
        let renamed = |need: &String| need.split_once('/').map(|(entity, id)| (self.upgrade.entity(entity), id.to_owned()));
        let rest = self.schema.upgrade(self.to, self.schema.version);
        let known = |(entity, _): &(String, String)| self.schema.entities.contains_key(&rest.entity(entity));
        let mut needs: Vec<String> =
            needs.iter().filter_map(renamed).filter(known).map(|(entity, id)| crate::queue::op::need(&entity, &id)).collect();
        order::sort(&mut needs, Ord::cmp);
        needs
    }

    fn put(&self, row: Value) -> Moved {
        Moved { changes: vec![Change::Put { store: self.store.clone(), row }], ..Moved::default() }
    }
}
