//! `Write`: local changes, made safe: one, or several that stand or fall together (`db.batch`). It decides what has to be
//! read and what each change waits for, and hands all of it over as one transaction (law 1); it never waits for the network.
//! What a change does to its record and its op is `edit`'s. The browser's bindings call it.

use crate::error::{Code, Error, Result};
use crate::id::{Entropy, OpId, is_temp};
use crate::limits;
use crate::plain::{self, plain};
use crate::queue::op::need;
use crate::record::{Fields, order};
use crate::schema::{BatchRules, Entity, IdMode, Operation, Schema, To};
use crate::store::desk::{Desk, Name, Summary, answers, first, record_read, record_reads};
use crate::store::edit::{Edit, Links};
use crate::store::port::{Durability, Read, Rows, Scope, Step};
use crate::store::quarantine::Place;
use crate::store::rows::{Head, IdMapRow, Record, SyncRow, from_row};
use crate::store::settle::children_read;
use crate::store::{allow, layout, scope};
use crate::time::Millis;
use std::borrow::Cow;
use std::collections::BTreeMap;

plain! {
    /// What an application asks for.
    #[derive(Clone, Debug, PartialEq)]
    pub struct WriteRequest {
        /// What to do.
        pub operation: Operation,
        /// To which kind of record.
        pub entity: String,
        /// To which record; for a create it may be absent (then one is made, or taken from the data).
        pub id: Option<String>,
        /// The whole record for a create; the fields to set for an update.
        pub data: Fields = Fields::new(),
        /// Fields an update takes away.
        pub removed: Vec<String> = Vec::new(),
        ..
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrote {
    /// The record's id; of a batch, that of its first change.
    pub id: String,
    /// The op that carries the change; none when nothing changed or the change undid itself.
    pub op: Option<OpId>,
    /// The same for the further changes of a batch.
    pub more: Vec<(String, Option<OpId>)>,
    /// A rule of the schema wants one of them sent at once.
    pub critical: bool,
    /// How the store stands after it.
    pub summary: Summary,
}

/// Local changes as a transaction.
#[derive(Clone, Debug)]
pub struct Write {
    items: Vec<Item>,
    by: String,
    now: Millis,
    entropy: Entropy,
    /// The group of a batch.
    group: Option<String>,
    /// Temporary ids it names: those that have become others are replaced before anything else is read.
    temps: Vec<String>,
    round: u8,
}

/// One change and the records it refers to.
#[derive(Clone, Debug)]
struct Item {
    request: WriteRequest,
    name: Name,
    parents: Vec<Name>,
}

impl Write {
    /// Checks the request against the schema and gives it an id; nothing is read yet.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` with the path of what is wrong, `PERMISSION_DENIED` for an entity the device may only read.
    pub fn new(schema: &Schema, request: WriteRequest, by: &str, at: (Millis, Entropy)) -> Result<Self> {
        let (now, mut entropy) = at;
        let items = vec![Item::new(schema, request, now, &mut entropy)?];
        Ok(Self::of(schema, items, by, (now, entropy, None)))
    }

    /// Changes that stand or fall together, here and on the server.
    ///
    /// # Errors
    /// As `new`, with the place of the change in front of the path; `PAYLOAD_TOO_LARGE` for more changes than a batch holds.
    pub fn batch(schema: &Schema, requests: Vec<WriteRequest>, by: &str, at: (Millis, Entropy)) -> Result<Self> {
        let (now, mut entropy) = at;
        let group = Some(entropy.uuid(now));
        let most = schema.sync.batch.size().0;
        if requests.len() > most {
            return Err(too_large("changes", requests.len(), most));
        }
        let mut items = Vec::with_capacity(requests.len());
        for (place, request) in requests.into_iter().enumerate() {
            items.push(Item::new(schema, request, now, &mut entropy).map_err(|error| at_place(error, place))?);
        }
        Ok(Self::of(schema, items, by, (now, entropy, group)))
    }

    fn of(schema: &Schema, items: Vec<Item>, by: &str, with: (Millis, Entropy, Option<String>)) -> Self {
        let (now, entropy, group) = with;
        let mut temps: Vec<String> = items.iter().flat_map(|item| item.temps(schema)).collect();
        order::sort(&mut temps, Ord::cmp);
        temps.dedup();
        Self { items, by: by.to_owned(), now, entropy, group, temps, round: 0 }
    }

    /// What it may touch.
    #[must_use]
    pub fn scope(&self, schema: &Schema) -> Scope {
        let names = self.items.iter().flat_map(|item| std::iter::once(&item.name).chain(&item.parents));
        let entities = names.filter_map(|name| schema.entities.get(&name.0));
        let stores = entities.map(|entity| Cow::Owned(entity.store.clone()));
        let map = (!self.temps.is_empty()).then_some(layout::ID_MAP);
        scope(stores.chain(map).chain([layout::QUEUE, layout::BASE, layout::METADATA]), Durability::Strict)
    }

    /// One round: everything it needs is known from the requests. One before it where these name temporary ids, which may
    /// have become others.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Wrote> {
        self.round += 1;
        if self.round == 1 && !self.temps.is_empty() {
            return Step::Read(self.temps.iter().map(|temp| IdMapRow::read(temp)).collect());
        }
        if self.round == 1 || self.round == 2 && !self.temps.is_empty() {
            let reads = self.resolve(schema, rows).and_then(|()| self.reads(schema));
            return reads.map_or_else(Step::Abort, Step::Read);
        }
        match self.decide(schema, rows) {
            Ok((changes, wrote)) => Step::Done(changes, wrote),
            Err(error) => Step::Abort(error),
        }
    }

    /// Temporary ids that have become others are these from here on.
    fn resolve(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<()> {
        let mut real = BTreeMap::new();
        for row in rows.into_iter().flatten() {
            let row: IdMapRow = from_row(row)?;
            real.insert((row.entity_type, row.temp_id), row.real_id);
        }
        if !real.is_empty() {
            self.items.iter_mut().for_each(|item| item.resolve(schema, &real));
        }
        Ok(())
    }

    fn reads(&self, schema: &Schema) -> Result<Vec<Read>> {
        let mut reads = vec![Head::read()];
        if !schema.roles.is_empty() {
            reads.push(SyncRow::read());
        }
        for item in &self.items {
            reads.extend(record_reads(schema.entity(&item.name.0)?, &item.name));
            for (entity, id) in &item.parents {
                reads.push(record_read(schema.entity(entity)?, id));
            }
            if item.request.operation == Operation::Delete {
                reads.push(children_read(&item.name));
            }
        }
        Ok(reads)
    }

    fn decide(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<(Vec<crate::store::Change>, Wrote)> {
        let mut answers = answers(rows);
        let mut desk = Desk::default();
        desk.take_head(answers.next().unwrap_or_default())?;
        if !schema.roles.is_empty() {
            desk.take_sync(answers.next().unwrap_or_default())?;
        }
        let mut parents = BTreeMap::new();
        for item in &self.items {
            desk.take_record(&item.name, &mut answers)?;
            for name in &item.parents {
                let parent = first(answers.next()).map(Record::from_row).transpose();
                parents.insert(name.clone(), parent.map_err(|error| Place::Record(name.clone()).damaged(error))?);
            }
            if item.request.operation == Operation::Delete {
                desk.take_ops(answers.next().unwrap_or_default())?;
            }
        }
        let node = self.node(&desk);
        let mut each = Vec::with_capacity(self.items.len());
        let mut critical = false;
        for (place, item) in self.items.iter().enumerate() {
            desk.head.clock = desk.head.clock.tick(self.now, &node);
            let links = self.links(item, &desk, &parents)?;
            let mut edit = Edit {
                entity: schema.entity(&item.name.0)?,
                schema,
                request: &item.request,
                name: &item.name,
                by: &self.by,
                now: self.now,
                entropy: &mut self.entropy,
                group: self.group.as_ref(),
                critical: false,
            };
            let op = allow::check(schema, &desk, &item.request, &item.name).and_then(|()| edit.apply(&mut desk, links));
            let op = op.map_err(|error| if self.group.is_some() { at_place(error, place) } else { error })?;
            critical |= edit.critical;
            each.push((item.name.1.clone(), op));
        }
        self.bound(&mut desk, &schema.sync.batch)?;
        let changes = desk.finish(schema)?;
        let mut more = each.into_iter();
        let (id, op) = more.next().unwrap_or_default();
        Ok((changes, Wrote { id, op, more: more.collect(), critical, summary: desk.summary() }))
    }

    /// What a change waits for: records that the server does not have. What the same batch creates travels with it.
    fn links(&self, item: &Item, desk: &Desk, parents: &BTreeMap<Name, Option<Record>>) -> Result<Links> {
        let created = |name: &Name| self.items.iter().any(|one| one.name == *name && one.request.operation == Operation::Create);
        let mut links = Links::default();
        for name in item.parents.iter().filter(|name| !created(name)) {
            let parent = if desk.knows(name) { desk.record(name) } else { parents.get(name).and_then(Option::as_ref) };
            match parent {
                Some(parent) if parent.sync.version.is_none() => links.needs.push(need(&name.0, &name.1)),
                Some(_) => {}
                // Anything else may be on the server; this can only have been here.
                None if is_temp(&name.1) => {
                    let error = Error::new(Code::ReferenceMissing, format!("names a {} that was never created here", name.0));
                    return Err(error.at(format!("{}.{}", item.name.0, name.1)).hint("create that record first"));
                }
                None => links.lacks.push(need(&name.0, &name.1)),
            }
        }
        Ok(links)
    }

    /// A group travels in one batch or not at all, so it may not be larger than one; a group of one op is none.
    fn bound(&self, desk: &mut Desk, rules: &BatchRules) -> Result<()> {
        let Some(group) = &self.group else { return Ok(()) };
        let members: Vec<_> = desk.all_ops().filter(|op| op.group.as_ref() == Some(group)).cloned().collect();
        if let [one] = members.as_slice() {
            desk.put_op(crate::queue::Op { group: None, ..one.clone() });
        }
        let (_, most) = rules.size();
        let bytes: usize = members.iter().map(crate::queue::Op::bytes).sum();
        if bytes > most { Err(too_large("bytes", bytes, most)) } else { Ok(()) }
    }

    /// The clock's node: kept once drawn, so that stamps of one database are told from all others'.
    fn node(&mut self, desk: &Desk) -> String {
        if desk.head.clock.node.is_empty() { self.entropy.uuid(self.now)[24..].to_owned() } else { desk.head.clock.node.clone() }
    }
}

impl Item {
    fn new(schema: &Schema, mut request: WriteRequest, now: Millis, entropy: &mut Entropy) -> Result<Self> {
        let entity = schema.entity(&request.entity)?;
        if entity.read_only {
            return Err(Error::new(Code::PermissionDenied, "is read-only on this device")
                .at(&request.entity)
                .hint("only the server changes it"));
        }
        let id = Self::id(schema, &request, now, entropy)?;
        entity.check_id(&request.entity, &id)?;
        match request.operation {
            Operation::Create => {
                request.data.insert(entity.key.clone(), id.as_str().into());
                request.data = entity.with_defaults(&request.data);
                entity.check_record(&request.entity, &request.data)?;
            }
            Operation::Update => entity.check_patch(&request.entity, &request.data, &request.removed)?,
            Operation::Delete => {}
        }
        let name = (request.entity.clone(), id);
        let parents = Self::parents(entity, &request, &name);
        Ok(Self { request, name, parents })
    }

    fn parents(entity: &Entity, request: &WriteRequest, name: &Name) -> Vec<Name> {
        let mut parents: Vec<Name> =
            entity.referred(&request.data).into_iter().map(|(entity, id, _)| (entity.to_owned(), id.to_owned())).collect();
        order::sort(&mut parents, Ord::cmp);
        parents.dedup();
        parents.retain(|parent| parent != name);
        parents.truncate(limits::OP_NEEDS);
        parents
    }

    /// Temporary ids it names; a new record's own is not in question.
    fn temps(&self, schema: &Schema) -> Vec<String> {
        if schema.id_mode != IdMode::Temp {
            return Vec::new();
        }
        let own = (self.request.operation != Operation::Create).then_some(&self.name.1);
        let parents = self.parents.iter().map(|parent| &parent.1);
        own.into_iter().chain(parents).filter(|id| is_temp(id)).cloned().collect()
    }

    fn resolve(&mut self, schema: &Schema, real: &BTreeMap<Name, String>) {
        let Some(entity) = schema.entities.get(&self.name.0) else { return };
        if let Some(id) = real.get(&self.name).filter(|_| self.request.operation != Operation::Create) {
            self.name.1.clone_from(id);
        }
        entity.rewrite(&mut self.request.data, &mut |reference, id| {
            real.get(&(reference.entity.clone(), id.to_owned())).map_or(To::Keep, |id| To::Id(id.clone()))
        });
        self.parents = Self::parents(entity, &self.request, &self.name);
    }

    fn id(schema: &Schema, request: &WriteRequest, now: Millis, entropy: &mut Entropy) -> Result<String> {
        let entity = schema.entity(&request.entity)?;
        let given = request.id.as_deref().or_else(|| request.data.get(&entity.key).and_then(serde_json::Value::as_str));
        match (given, request.operation) {
            (Some(id), _) => Ok(id.to_owned()),
            (None, Operation::Create) => Ok(fresh_id(schema, &request.entity, (now, entropy))),
            (None, _) => Err(Error::new(Code::ValidationError, "names no record").at(&request.entity).hint("pass its id")),
        }
    }
}

/// The id of a new record: what `Write` gives to one that has none, for whoever has to name it before it is written.
#[must_use]
pub fn fresh_id(schema: &Schema, entity: &str, at: (Millis, &mut Entropy)) -> String {
    let (now, entropy) = at;
    match schema.id_mode {
        IdMode::Temp => entropy.temp(now, entity),
        IdMode::Uuid => entropy.uuid(now),
    }
}

fn at_place(error: Error, place: usize) -> Error {
    let path = format!("changes[{place}].{}", error.path);
    error.at(path)
}

fn too_large(what: &str, found: usize, most: usize) -> Error {
    Error::new(Code::PayloadTooLarge, format!("a batch of {found} {what}; one request takes {most}"))
        .at("batch")
        .hint("write it in smaller batches, or raise sync.batch in the schema")
        .detail(plain::object([("limit", most.into()), ("value", found.into())]))
}
