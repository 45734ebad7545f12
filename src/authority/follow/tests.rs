//! Random histories of changes, profiles, roles, picks and time against one evaluation of the rules from nothing: whatever
//! the way, a device that has pulled holds exactly what the rules say. Laws 10 and 12, STO-7, SYN-10.

use crate::authority::{MemoryLedger, RowKey, TokenKey, Who};
use crate::id::Token;
use crate::record::{Fields, digest};
use crate::schema::{Schema, Test};
use crate::time::Millis;
use crate::wire::{Change, Choice, Device, Opened, PROTOCOL, PullRequest, PushRequest, Status, Want, check};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn schema() -> Schema {
    Schema::parse(
        r#"{ "app": "scope", "version": 1,
          "roles": { "root": { "may": { "*": ["create", "update", "delete"] } },
            "tech": { "may": { "*": ["create", "update", "delete"] }, "sees": ["w", "a", "x", "s"],
              "hidden_fields": ["w.cost"] } },
          "entities": {
          "w": { "store": "ws", "tier_rules": [{ "tier": 3, "when": [{ "field": "state", "in": [3] }] }],
            "fields": { "id": { "type": "string" }, "to": { "type": "string" }, "state": { "type": "integer" },
            "at": { "type": "integer" }, "cost": { "type": "integer" },
            "a": { "type": "string", "reference": { "entity": "a" } } },
            "partition": [
              { "name": "mine", "when": [{ "field": "to", "in": ["$user"] }, { "field": "state", "in": [1, 2, 3] }] },
              { "name": "late", "when": [{ "field": "to", "in": ["$user"] },
                { "field": "at", "within_ms": 400, "older_ms": 100 }] },
              { "name": "picked", "selected": true }, { "name": "opened", "opened_ms": 300 } ] },
          "a": { "store": "as", "fields": { "id": { "type": "string" }, "n": { "type": "integer" },
            "up": { "type": "string", "reference": { "entity": "a" } } },
            "partition": [{ "name": "of", "referenced_by": ["w.a", "a.up"] }] },
          "x": { "store": "xs", "fields": { "id": { "type": "string" }, "n": { "type": "integer" },
            "w": { "type": "string", "reference": { "entity": "w" } } },
            "partition": [{ "name": "on", "refers_to": ["w"], "fields": ["w"] }] },
          "s": { "store": "ss", "fields": { "id": { "type": "string" }, "site": { "type": "integer" },
            "n": { "type": "integer" } },
            "partition": [{ "name": "at", "when": [{ "field": "site", "in": ["$sites"] }], "fields": ["site"] },
              { "name": "whole", "roles": ["root"], "when": [{ "field": "site", "in": [0, 1, 2] }] }] },
          "f": { "store": "fs", "fields": { "id": { "type": "string" }, "n": { "type": "integer" } } } } }"#,
    )
    .unwrap()
}

type Held = BTreeMap<RowKey, Fields>;

struct World {
    schema: Schema,
    ledger: MemoryLedger,
    now: Millis,
    request: u64,
    who: Who,
    picked: BTreeSet<RowKey>,
    opened: BTreeMap<RowKey, Millis>,
    deselected: Vec<String>,
    device: Held,
    token: Option<Token>,
}

fn key(entity: &str, id: u8) -> RowKey {
    RowKey { entity: entity.into(), id: format!("{entity}{id}") }
}

impl World {
    fn new() -> Self {
        let who = |user: &str, role: &str| Who {
            tenant: "scope/t".into(),
            user: user.into(),
            roles: vec![role.into()],
            device: user.into(),
            lists: BTreeMap::new(),
        };
        let mut ledger = MemoryLedger::new(TokenKey([1; 32]), "run".into());
        for user in ["root", "ann"] {
            let device = Device { device_id: user.into(), name: String::new() };
            ledger.attach(&who(user, "root"), &device, Millis(1000)).unwrap();
        }
        Self {
            schema: schema(),
            ledger,
            now: Millis(1000),
            request: 0,
            who: who("ann", "tech"),
            picked: BTreeSet::new(),
            opened: BTreeMap::new(),
            deselected: Vec::new(),
            device: Held::new(),
            token: None,
        }
    }

    /// A change by somebody whose own every record is.
    fn write(&mut self, by: &str, operation: &str, key: &RowKey, mut data: Value) {
        self.request += 1;
        let row = self.ledger.rows().find(|row| row.key() == *key).cloned();
        let base = row.as_ref().map(|row| row.version);
        let live = row.as_ref().is_some_and(|row| !row.deleted);
        let operation = if operation == "update" && !live { "create" } else { operation };
        if operation == "create" {
            data["id"] = json!(key.id);
        }
        let data = if operation == "delete" { json!({}) } else { data };
        let change: Change = serde_json::from_value(json!({
            "queue_id": format!("op{}", self.request), "operation": operation, "entity_type": key.entity, "entity_id": key.id,
            "data": data, "base_version": base, "local_version": 1, "timestamp": self.now.iso(),
            "hlc": format!("{:012x}-0000-{by}", self.now.0), "schema_version": 1,
            "before": if operation == "update" { json!(row.map(|row| row.data).unwrap_or_default()) } else { json!({}) } }))
        .unwrap();
        let request = PushRequest {
            protocol: PROTOCOL,
            device_id: by.into(),
            incarnation: "life".into(),
            request_no: self.request,
            client_time: self.now.iso(),
            last_sync_at: None,
            sync_token: None,
            mark: None,
            pull: false,
            schema_version: 1,
            want: vec![],
            changes: vec![change.clone()],
        };
        let mut who = Who { user: by.into(), device: by.into(), ..self.who.clone() };
        if by == "root" {
            who.roles = vec!["root".into()];
        }
        let reply = self.ledger.push(&self.schema, &who, request, self.now).unwrap();
        // Its own change is on the device at once, as it was made.
        if by == "ann" && reply.processed[0].status == Status::Success {
            match operation {
                "delete" => drop(self.device.remove(key)),
                "create" => drop(self.device.insert(key.clone(), change.data)),
                _ => {}
            }
        }
    }

    fn choose(&mut self) {
        let want = |key: &RowKey| Want { entity_type: key.entity.clone(), entity_id: key.id.clone() };
        let opened =
            |(key, at): (&RowKey, &Millis)| Opened { entity_type: key.entity.clone(), entity_id: key.id.clone(), at: *at };
        let choice = Choice {
            protocol: PROTOCOL,
            device_id: "ann".into(),
            selected: self.picked.iter().map(want).collect(),
            opened: self.opened.iter().map(opened).collect(),
            deselected: self.deselected.clone(),
        };
        check::choice(&choice).unwrap();
        self.ledger.choose(&self.schema, &self.who, &choice, self.now).unwrap();
    }

    /// One page; whether there is more.
    fn page(&mut self, limit: u32) -> bool {
        let request = PullRequest {
            protocol: PROTOCOL,
            device_id: "ann".into(),
            sync_token: self.token.clone(),
            mark: None,
            entity_types: vec![],
            tiers: vec![],
            limit,
            schema_version: 1,
            want: vec![],
        };
        let reply = self.ledger.pull(&self.schema, &self.who, request, self.now);
        assert_eq!(reply.reset, None);
        for slice in &reply.slices {
            check::slice(slice).unwrap();
            if let Some(range) = &slice.range {
                let listed = |id: &String| slice.changes.iter().any(|row| row.entity_id == *id) || range.kept.contains(id);
                let within = |id: &String| {
                    range.after.as_ref().is_none_or(|after| id > after) && range.through.as_ref().is_none_or(|last| id <= last)
                };
                self.device.retain(|key, _| key.entity != range.entity_type || !within(&key.id) || listed(&key.id));
            }
            for gone in &slice.removed {
                self.device.remove(&RowKey { entity: gone.entity_type.clone(), id: gone.entity_id.clone() });
            }
            for row in &slice.changes {
                assert_eq!(digest(&row.data), row.digest, "the digest is that of what travels");
                let key = RowKey { entity: row.entity_type.clone(), id: row.entity_id.clone() };
                match row.operation {
                    crate::schema::Operation::Delete => drop(self.device.remove(&key)),
                    _ => drop(self.device.insert(key, row.data.clone())),
                }
            }
        }
        self.token = reply.next_sync_token.or_else(|| self.token.take());
        reply.has_more
    }

    /// What the rules say, from nothing.
    fn said(&self) -> Held {
        let rows: BTreeMap<RowKey, Fields> =
            self.ledger.rows().filter(|row| !row.deleted).map(|row| (row.key(), row.data.clone())).collect();
        let sees = |entity: &str| self.schema.sees(&self.who.roles, entity) && !self.deselected.iter().any(|one| one == entity);
        let mut rules: BTreeMap<RowKey, BTreeSet<&str>> = BTreeMap::new();
        let holds = |test: &Test, data: &Fields| {
            test.resolved(|name| self.who.lists.get(name).cloned()).holds(data, self.now, self.who.user.as_str())
        };
        for (key, data) in &rows {
            let entity = &self.schema.entities[&key.entity];
            for rule in entity.partition.iter().filter(|_| sees(&key.entity)) {
                let role = rule.roles.is_empty() || rule.roles.iter().any(|role| self.who.roles.contains(role));
                let plain = rule.is_plain() && rule.when.iter().all(|test| holds(test, data));
                let opened = rule.opened_ms.zip(self.opened.get(key)).is_some_and(|(ms, at)| self.now.since(*at) <= ms);
                if role && (plain || rule.selected && self.picked.contains(key) || opened) {
                    rules.entry(key.clone()).or_default().insert(&rule.name);
                }
            }
            if entity.partition.is_empty() && sees(&key.entity) {
                rules.insert(key.clone(), BTreeSet::new());
            }
        }
        loop {
            let before = rules.values().map(BTreeSet::len).sum::<usize>() + rules.len();
            for (key, data) in &rows {
                if rules.contains_key(key) {
                    for (entity, id, field) in self.schema.entities[&key.entity].referred(data) {
                        let to = RowKey { entity: entity.into(), id: id.into() };
                        let path = format!("{}.{field}", key.entity);
                        let by = self.schema.entities[entity].partition.iter().find(|rule| rule.referenced_by.contains(&path));
                        if let Some(rule) = by.filter(|_| rows.contains_key(&to)) {
                            rules.entry(to).or_default().insert(&rule.name);
                        }
                    }
                }
                for (entity, id, field) in self.schema.entities[&key.entity].referred(data) {
                    let to = RowKey { entity: entity.into(), id: id.into() };
                    let by = self.schema.entities[&key.entity].partition.iter().find(|rule| rule.refers_to.contains(&field));
                    if let Some(rule) = by.filter(|_| rules.contains_key(&to)) {
                        rules.entry(key.clone()).or_default().insert(&rule.name);
                    }
                }
            }
            if before == rules.values().map(BTreeSet::len).sum::<usize>() + rules.len() {
                break;
            }
        }
        let shown = |(key, names): (RowKey, BTreeSet<&str>)| {
            let entity = &self.schema.entities[&key.entity];
            let all = names.is_empty()
                || names.iter().any(|name| entity.partition.iter().any(|rule| rule.name == *name && rule.fields.is_empty()));
            let listed = |field: &String| {
                entity.partition.iter().any(|rule| names.contains(rule.name.as_str()) && rule.fields.contains(field))
            };
            let fields = rows[&key].iter().filter(|(field, _)| {
                **field == entity.key || (all || listed(field)) && self.schema.sees_field(&self.who.roles, &key.entity, field)
            });
            let fields = fields.map(|(field, value)| (field.clone(), value.clone())).collect();
            (key, fields)
        };
        rules.into_iter().filter(|(key, _)| sees(&key.entity)).map(shown).collect()
    }

    fn settle(&mut self) {
        for _ in 0..200 {
            if !self.page(3) {
                return;
            }
        }
        panic!("a pull that never ends");
    }
}

#[derive(Clone, Debug)]
enum Event {
    Work(u8, u8, u8, u64, u8),
    Asset(u8, u8, u8),
    Attach(u8, u8, u8),
    Stock(u8, u8, u8),
    Free(u8, u8),
    Own(u8, u8),
    Delete(u8, u8),
    Pass(u64),
    Sites(Vec<u8>),
    Role(bool),
    Pick(u8, bool),
    Open(u8),
    Deselect(u8),
    Page(u32),
}

fn event() -> impl Strategy<Value = Event> {
    let id = 0u8..4;
    prop_oneof![
        6 => (id.clone(), 0u8..3, 0u8..5, 0u64..600, 0u8..5).prop_map(|(id, to, state, at, a)| Event::Work(id, to, state, at, a)),
        4 => (id.clone(), 0u8..5, any::<u8>()).prop_map(|(id, up, n)| Event::Asset(id, up, n)),
        3 => (id.clone(), 0u8..5, any::<u8>()).prop_map(|(id, w, n)| Event::Attach(id, w, n)),
        2 => (id.clone(), 0u8..4, any::<u8>()).prop_map(|(id, site, n)| Event::Stock(id, site, n)),
        1 => (id.clone(), any::<u8>()).prop_map(|(id, n)| Event::Free(id, n)),
        1 => (id.clone(), 0u8..3).prop_map(|(id, to)| Event::Own(id, to)),
        2 => (0u8..5, id.clone()).prop_map(|(entity, id)| Event::Delete(entity, id)),
        2 => (1u64..300).prop_map(Event::Pass),
        1 => prop::collection::vec(0u8..4, 0..3).prop_map(Event::Sites),
        1 => any::<bool>().prop_map(Event::Role),
        1 => (id.clone(), any::<bool>()).prop_map(|(id, on)| Event::Pick(id, on)),
        1 => id.prop_map(Event::Open),
        1 => (0u8..6).prop_map(Event::Deselect),
        8 => (1u32..5).prop_map(Event::Page),
    ]
}

fn play(world: &mut World, event: &Event) {
    let there = |world: &World, key: &RowKey| world.ledger.rows().any(|row| row.key() == *key && !row.deleted);
    let refer = |world: &World, data: &mut Value, field: &str, to: RowKey| {
        if there(world, &to) {
            data[field] = json!(to.id);
        }
    };
    match event {
        Event::Work(id, to, state, at, a) => {
            let to = ["ann", "bob", "root"][usize::from(*to)];
            let mut data = json!({"to": to, "state": state, "cost": state, "at": (world.now.0 + 300).saturating_sub(*at)});
            refer(world, &mut data, "a", key("a", *a));
            world.write("root", "update", &key("w", *id), data);
        }
        Event::Asset(id, up, n) => {
            let mut data = json!({"n": n});
            refer(world, &mut data, "up", key("a", *up));
            world.write("root", "update", &key("a", *id), data);
        }
        Event::Attach(id, w, n) => {
            let mut data = json!({"n": n});
            refer(world, &mut data, "w", key("w", *w));
            world.write("root", "update", &key("x", *id), data);
        }
        Event::Stock(id, site, n) => world.write("root", "update", &key("s", *id), json!({"site": site, "n": n})),
        Event::Free(id, n) => world.write("root", "update", &key("f", *id), json!({"n": n})),
        Event::Own(id, to) => {
            let to = ["ann", "bob", "root"][usize::from(*to)];
            world.write("ann", "create", &key("w", id + 10), json!({"to": to, "state": 1}));
        }
        Event::Delete(entity, id) => {
            world.write("root", "delete", &key(["w", "a", "x", "s", "f"][usize::from(*entity)], *id), json!({}));
        }
        Event::Pass(ms) => world.now = world.now.plus(*ms),
        Event::Sites(sites) => {
            world.who.lists.insert("sites".into(), sites.iter().map(|site| json!(site)).collect());
        }
        Event::Role(root) => world.who.roles = vec![if *root { "root" } else { "tech" }.into()],
        Event::Pick(id, on) => {
            if *on {
                world.picked.insert(key("w", *id))
            } else {
                world.picked.remove(&key("w", *id))
            };
            world.choose();
        }
        Event::Open(id) => {
            world.opened.insert(key("w", *id), world.now);
            world.choose();
        }
        Event::Deselect(entity) => {
            world.deselected = ["w", "a", "x", "s", "f"].get(usize::from(*entity)).map(|one| (*one).into()).into_iter().collect();
            world.choose();
        }
        Event::Page(limit) => drop(world.page(*limit)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happened_a_device_that_has_pulled_holds_what_the_rules_say(events in prop::collection::vec(event(), 1..60)) {
        let mut world = World::new();
        for event in &events {
            play(&mut world, event);
        }
        world.settle();
        let said = world.said();
        prop_assert_eq!(&world.device, &said);
        // And again, after a quiet change of each kind: nothing depends on where the first settling stopped.
        world.now = world.now.plus(250);
        play(&mut world, &Event::Work(0, 0, 1, 0, 0));
        world.settle();
        prop_assert_eq!(&world.device, &world.said());
    }
}
