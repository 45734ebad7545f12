//! What a person's decision does to ops on the desk: it makes them anew, with new ids and on the server's present version,
//! or takes them away, and shows the record as it is then. It decides how a lane becomes one op and how an op of a group is
//! said again in its place; it reads nothing. `act` calls it.

use crate::error::Result;
use crate::id::{Entropy, OpId};
use crate::queue::op::{freed, need, refers};
use crate::queue::{Op, OpStatus};
use crate::record::{Fields, Patch};
use crate::schema::{Entity, Operation, Schema};
use crate::store::act::release_if_none;
use crate::store::desk::{Desk, Name};
use crate::store::rebase;
use crate::store::rows::{BaseRow, Record, RecordStatus, SyncInfo};
use crate::time::Millis;
use std::collections::BTreeMap;

pub(super) struct Redo<'a> {
    pub schema: &'a Schema,
    /// The record that was named.
    pub name: &'a Name,
    /// What is set and taken away there before it is sent again.
    pub edit: &'a (Fields, Vec<String>),
    /// Sent again, or given up.
    pub again: bool,
    pub now: Millis,
    pub entropy: &'a mut Entropy,
    pub parents: &'a BTreeMap<Name, Option<bool>>,
}

impl Redo<'_> {
    /// The whole lane of a record becomes one op that leads from the server's version to what is shown here, or none.
    pub fn lane(&mut self, desk: &mut Desk, lane: &[Op]) -> Result<Option<OpId>> {
        let entity = self.schema.entity(&self.name.0)?;
        lane.iter().for_each(|op| drop_op(desk, op));
        let mut id = None;
        if let Some(first) = lane.first().filter(|_| self.again) {
            let base = desk.base(self.name).cloned();
            let ops: Vec<&Op> = lane.iter().collect();
            let shown = desk.record(self.name).map(|record| record.fields.clone());
            let mine = shown.or_else(|| rebase::view(entity, base.as_ref(), &ops, None));
            let mine = mine.map(|mine| self.corrected(self.name, &mine));
            let theirs = base.as_ref().and_then(|base| base.data.clone());
            if let Some(said) = between(theirs, mine.as_ref()) {
                desk.head.seq += 1;
                let place = Op { seq: desk.head.seq, group: None, behind: false, ..first.clone() };
                id = Some(self.put(desk, (place, said), base.map(|base| base.version))?);
            }
        }
        self.show(desk, self.name)?;
        release_if_none(desk, self.name);
        Ok(id)
    }

    /// Ops of one group (or one among ops of groups), each in its place: what waits behind them goes on waiting there.
    pub fn group(&mut self, desk: &mut Desk, ops: Vec<Op>) -> Result<Option<OpId>> {
        let group = (ops.len() > 1).then(|| self.entropy.uuid(self.now));
        let mut named = None;
        for op in ops {
            let name = (op.entity_type.clone(), op.entity_id.clone());
            let entity = self.schema.entity(&name.0)?;
            drop_op(desk, &op);
            if self.again {
                let base = desk.base(&name).cloned();
                let under: Vec<Op> = desk.lane(&name).into_iter().filter(|one| one.seq < op.seq).cloned().collect();
                let theirs = rebase::view(entity, base.as_ref(), &under.iter().collect::<Vec<_>>(), None);
                let mine = match (op.operation, &theirs) {
                    (Operation::Delete, _) => None,
                    (Operation::Create, _) | (_, None) => Some(op.patch.applied(&Fields::new())),
                    (Operation::Update, Some(theirs)) => Some(rebase::edited_over(entity, base.as_ref(), &op, theirs)),
                };
                let mine = mine.map(|mine| self.corrected(&name, &mine));
                if let Some(said) = between(theirs, mine.as_ref()) {
                    let place = Op { group: group.clone(), behind: !under.is_empty(), ..op };
                    let id = self.put(desk, (place, said), base.map(|base| base.version))?;
                    named = if name == *self.name { Some(id) } else { named };
                }
            }
            self.show(desk, &name)?;
            release_if_none(desk, &name);
        }
        Ok(named)
    }

    fn corrected(&self, name: &Name, fields: &Fields) -> Fields {
        let (data, removed) = self.edit;
        if name == self.name { Patch::of(fields, data, removed).applied(fields) } else { fields.clone() }
    }

    /// A new op in the place of an old one, with nothing of its past.
    fn put(&mut self, desk: &mut Desk, what: (Op, (Operation, Patch)), base_version: Option<u64>) -> Result<OpId> {
        let (place, (operation, patch)) = what;
        let entity = self.schema.entity(&place.entity_type)?;
        if operation == Operation::Create {
            entity.check_record(&place.entity_type, &patch.data)?;
        }
        desk.head.clock = desk.head.clock.tick(self.now, &desk.head.clock.node.clone());
        let (needs, lacks) = self.links(entity, &place, &patch);
        let name = (place.entity_type.clone(), place.entity_id.clone());
        let whole: Vec<&Fields> = desk.base(&name).and_then(|base| base.data.as_ref()).into_iter().collect();
        let frees = freed(entity, operation, &patch, &whole);
        let op = Op {
            id: self.entropy.uuid(self.now).into(),
            operation,
            patch,
            base_version,
            status: OpStatus::Pending,
            retry_count: 0,
            last_retry_at: None,
            created_at: self.now,
            updated_at: self.now,
            hlc: desk.head.clock.clone(),
            schema_version: self.schema.version,
            frozen: false,
            aside: false,
            needs,
            lacks,
            frees,
            cycle: Vec::new(),
            sent: None,
            sent_at: None,
            error: None,
            resolves: None,
            server_version: None,
            travels_as: None,
            ..place
        };
        let id = op.id.clone();
        desk.put_op(op);
        Ok(id)
    }

    /// What it waits for now: what was refused once may have arrived since, and the other way round.
    fn links(&self, entity: &Entity, place: &Op, patch: &Patch) -> (Vec<String>, Vec<String>) {
        let (mut needs, mut lacks) = (Vec::new(), Vec::new());
        let named = refers(entity, &patch.data);
        for (name, is_there) in self.parents {
            let name = need(&name.0, &name.1);
            if name != place.need() && named.binary_search(&name).is_ok() {
                match is_there {
                    Some(true) => {}
                    Some(false) => needs.push(name),
                    None => lacks.push(name),
                }
            }
        }
        (needs, lacks)
    }

    /// The record as it is now: with ops left on the server's version, without them the server's.
    fn show(&self, desk: &mut Desk, name: &Name) -> Result<()> {
        let entity = self.schema.entity(&name.0)?;
        let mut lane: Vec<Op> = desk.lane(name).into_iter().cloned().collect();
        if let Some(first) = lane.first_mut().filter(|op| op.behind) {
            first.behind = false;
            desk.put_op(first.clone());
        }
        let mut base = desk.base(name).cloned();
        // Of a record that has left the user's scope nothing stays but what was written here; that was given up.
        if base.as_ref().is_some_and(|base| base.left) && lane.is_empty() {
            base = None;
        }
        let old = desk.record(name).map(|record| record.sync.clone());
        let shown = desk.record(name).map(|record| record.fields.clone());
        let fields = rebase::view(entity, base.as_ref(), &lane.iter().collect::<Vec<_>>(), shown.as_ref());
        let sync = if lane.is_empty() {
            base.as_ref().map(|base| self.as_on_server(base, old.as_ref()))
        } else {
            let status = desk.mark(name);
            let on_server = base.as_ref().map(|base| self.as_on_server(base, None));
            old.or(on_server).map(|old| SyncInfo { status, ..old })
        };
        if lane.is_empty() {
            desk.put_base(name, None);
        }
        desk.put_record(name, fields.zip(sync).map(|(fields, sync)| Record { fields, sync }));
        Ok(())
    }

    fn as_on_server(&self, base: &BaseRow, old: Option<&SyncInfo>) -> SyncInfo {
        SyncInfo {
            status: RecordStatus::Synced,
            version: Some(base.version),
            local: old.map_or(0, |old| old.local),
            modified: base.at.unwrap_or(self.now),
            synced: Some(self.now),
            server_at: base.at,
            by: base.by.clone(),
            offline: false,
            bytes: 0,
            refs: Vec::new(),
        }
    }
}

fn drop_op(desk: &mut Desk, op: &Op) {
    desk.drop_op(op.seq);
    if let Some(conflict) = op.resolves.as_ref().filter(|_| op.status == OpStatus::Conflict) {
        desk.drop_conflict(conflict.as_str());
    }
}

/// What leads from their record to ours, if anything does.
fn between(theirs: Option<Fields>, mine: Option<&Fields>) -> Option<(Operation, Patch)> {
    match (theirs, mine) {
        (None, None) => None,
        (Some(_), None) => Some((Operation::Delete, Patch::default())),
        (None, Some(mine)) => Some((Operation::Create, Patch { data: mine.clone(), ..Patch::default() })),
        (Some(theirs), Some(mine)) => {
            let patch = Patch::between(&theirs, mine);
            (!patch.is_empty()).then_some((Operation::Update, patch))
        }
    }
}
