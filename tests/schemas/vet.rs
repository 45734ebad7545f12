//! vet.json against the veterinary practice's specification, task by task. This test decides nothing but whether the
//! figures are those of the specification; it is part of the schema tests.

use crate::{DAY_MS, NOW, fields, policies, schema};
use landfall::schema::{DeleteEdit, Dialect, Encrypt, IdMode, MergePolicy, OnDelete, Operation, Schema, Written};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Every reference of an entity as (field, entity).
fn refers(schema: &Schema, name: &str) -> BTreeSet<(String, String)> {
    schema.entity(name).unwrap().references().map(|(path, to)| (path.join("."), to.entity.clone())).collect()
}

// APP-1
#[test]
fn app_1_vet_entities_and_relations() {
    let schema = schema("vet.json");
    assert_eq!((schema.app.as_str(), schema.dialect), ("vet", Dialect::Vet));
    // Task 3: the example's names
    for (name, told) in [
        ("client", "Client"),
        ("pet", "Pet"),
        ("appointment", "Appointment"),
        ("soap-note", "SOAPNote"),
        ("practitioner", "Practitioner"),
    ] {
        assert_eq!(schema.entity(name).unwrap().aliases, [told], "{name}");
    }
    assert_eq!(schema.entities.len(), 5);
    // Task 3, RelationshipMap: petId, clientId, appointmentId, practitionerId
    let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<BTreeSet<_>>();
    assert_eq!(refers(&schema, "client"), owned(&[]));
    assert_eq!(refers(&schema, "practitioner"), owned(&[]));
    assert_eq!(refers(&schema, "pet"), owned(&[("clientId", "client")]));
    let appointment = [("petId", "pet"), ("clientId", "client"), ("practitionerId", "practitioner")];
    assert_eq!(refers(&schema, "appointment"), owned(&appointment));
    let note = [("appointmentId", "appointment"), ("petId", "pet"), ("practitionerId", "practitioner")];
    assert_eq!(refers(&schema, "soap-note"), owned(&note));
    // The chain: each is a part of the one before, cannot be without it, and keeps it from being deleted.
    for (name, field) in [("pet", "clientId"), ("appointment", "petId"), ("soap-note", "appointmentId")] {
        let field = &schema.entity(name).unwrap().fields[field];
        let reference = field.reference.as_ref().unwrap();
        assert_eq!((field.required, reference.part_of, reference.on_delete), (true, true, OnDelete::Restrict), "{name}");
    }
}

/// Entities in the order in which their records can be created; a circle would leave some out.
fn parents_first(schema: &Schema) -> Vec<&str> {
    let mut order: Vec<&str> = Vec::new();
    for _ in 0..schema.entities.len() {
        let ready = |name: &&String| refers(schema, name).iter().all(|(_, to)| order.contains(&to.as_str()));
        let next: Vec<_> =
            schema.entities.keys().filter(|name| !order.contains(&name.as_str())).filter(ready).map(String::as_str).collect();
        order.extend(next);
    }
    order
}

// APP-1, IDS-1, QUE-3
#[test]
fn app_1_vet_a_chain_of_temporary_ids() {
    let schema = schema("vet.json");
    assert_eq!(schema.id_mode, IdMode::Temp);
    // Task 3, sync order: Client → Pet → Appointment → SOAPNote
    let order = parents_first(&schema);
    let at = |name: &str| order.iter().position(|one| *one == name).unwrap_or_else(|| panic!("{name} stands in a circle"));
    assert!(at("client") < at("pet") && at("pet") < at("appointment") && at("appointment") < at("soap-note"));
    assert!(at("practitioner") < at("appointment"));
    // Task 2: `temp_<timestamp>_<random>_<entityType>`, for each of the four, referred to by the next
    let temp = |name: &str| format!("temp_1730534400000_a7b3c2_{name}");
    let chain = [
        ("client", json!({"id": temp("client"), "name": "Þórunn Ægisdóttir"}), vec![]),
        ("pet", json!({"id": temp("pet"), "clientId": temp("client"), "name": "Móri", "species": "cat"}), vec!["client"]),
        (
            "appointment",
            json!({"id": temp("appointment"), "petId": temp("pet"), "clientId": temp("client"), "practitionerId": "7",
                "startsAt": "2025-11-10T09:30:00Z", "reason": "Vaccination"}),
            vec!["client", "pet", "practitioner"],
        ),
        (
            "soap-note",
            json!({"id": temp("soap-note"), "appointmentId": temp("appointment"), "plan": "Again in a year"}),
            vec!["appointment"],
        ),
    ];
    for (name, record, parents) in chain {
        let entity = schema.entity(name).unwrap();
        let record = fields(record);
        assert_eq!(entity.check_record(name, &record), Ok(()), "{name}");
        let refers = entity.referred(&record);
        assert_eq!(refers.iter().map(|(to, _, _)| *to).collect::<BTreeSet<_>>(), parents.into_iter().collect(), "{name}");
        assert!(refers.iter().all(|(to, id, _)| *id == temp(to) || *to == "practitioner"), "{name}");
    }
    // Sortable by time
    assert!(temp("pet").as_str() < "temp_1730534400001_000000_client");
}

// APP-1, CON-3
#[test]
fn app_1_vet_all_five_strategies() {
    let schema = schema("vet.json");
    let entity = |name: &str| schema.entity(name).unwrap();
    // Task 1: server-wins, client-wins, manual, merge, last-write-wins
    assert_eq!(policies(entity("appointment"), &["startsAt", "status", "practitionerId"]), [&MergePolicy::ServerWins; 3]);
    assert_eq!(policies(entity("soap-note"), &["vitals", "signedAt"]), [&MergePolicy::ClientWins; 2]);
    assert_eq!(policies(entity("soap-note"), &["assessment", "plan"]), [&MergePolicy::Manual; 2]);
    assert_eq!(policies(entity("soap-note"), &["subjective", "objective", "medications"]), [&MergePolicy::Merge; 3]);
    assert_eq!(policies(entity("client"), &["name", "phone"]), [&MergePolicy::LastWriteWins; 2]);
    assert_eq!(policies(entity("pet"), &["name", "breed"]), [&MergePolicy::LastWriteWins; 2]);
    assert_eq!(entity("pet").policy("lastVisitAt"), &MergePolicy::Arbitrate("greatest".to_owned()));
    let all = ["client", "pet", "appointment", "soap-note"];
    assert!(all.iter().all(|name| entity(name).delete_edit == DeleteEdit::Manual && entity(name).notify), "question 5");
    assert!(entity("pet").fields["microchip"].unique, "no two animals have one chip");
}

// APP-1, QUE-2, QUE-4
#[test]
fn app_1_vet_queue() {
    let schema = schema("vet.json");
    // Task 1: batch size, default 50; no slow network raises it
    assert_eq!(schema.sync.batch.ops, 50);
    assert!(schema.sync.adapt.iter().all(|rule| rule.batch.is_none_or(|ops| ops <= 50)));
    assert_eq!(schema.sync.adapt[0].when.get("network"), Some(&json!("offline")), "question 4: paused while offline");
    assert!(schema.sync.adapt[0].pause);
    // Task 1: by hand, by itself, from the worker; a trigger for each
    let on = &schema.sync.triggers;
    assert!(on.start && on.manual && on.online && on.background && on.push);
    // Sprint 1: a queue with priorities
    assert_eq!(schema.priority_levels, 3);
    let table: [(&str, Operation, &[&str], u8); 6] = [
        ("soap-note", Operation::Create, &["plan"], 1),
        ("appointment", Operation::Update, &["status"], 1),
        ("appointment", Operation::Update, &["notes"], 2),
        ("pet", Operation::Create, &["name"], 2),
        ("client", Operation::Update, &["phone"], 2),
        ("practitioner", Operation::Update, &["phone"], 3),
    ];
    let none = fields(json!({}));
    for (entity, operation, changed, priority) in table {
        let write = Written { operation, changed, record: &none, now: NOW, user: "ann" };
        assert_eq!(schema.priority(entity, &write), priority, "{entity} {changed:?}");
    }
    let past = fields(json!({"startsAt": landfall::time::Millis(NOW.0 - 31 * DAY_MS).iso()}));
    assert_eq!(schema.entity("appointment").unwrap().tier_of(&past, NOW, "ann"), 2);
}

// APP-1, SEC-4
#[test]
fn app_1_vet_roles() {
    let schema = schema("vet.json");
    // Sprint 1: ADMINISTRATOR beside SUPER_ADMIN
    let all = vec![Operation::Create, Operation::Update, Operation::Delete];
    for name in ["super_admin", "administrator"] {
        assert_eq!(schema.roles[name].may["*"], all, "{name}");
    }
    let may = |role: &str, entity: &str| schema.roles[role].may.get(entity).cloned().unwrap_or_default();
    assert!(may("receptionist", "soap-note").is_empty() && !may("receptionist", "appointment").is_empty());
    assert!(may("practitioner", "soap-note").contains(&Operation::Create));
    assert!(["practitioner", "receptionist"].iter().all(|role| may(role, "practitioner").is_empty()));
    // What is said of people and of their animals' health is sealed.
    assert_eq!(schema.security.encrypt, Encrypt::Fields);
    for (entity, names) in
        [("client", vec!["email", "phone", "address"]), ("soap-note", vec!["subjective", "assessment", "plan"])]
    {
        assert!(names.iter().all(|name| schema.entity(entity).unwrap().fields[*name].sensitive), "{entity}");
    }
}

// APP-1, CON-2
#[test]
fn app_1_vet_states_of_an_appointment() {
    let schema = schema("vet.json");
    let appointment = schema.entity("appointment").unwrap();
    let allow = &appointment.transitions[0].allow;
    let states: BTreeSet<_> = appointment.fields["status"].values.iter().filter_map(Value::as_str).collect();
    assert_eq!(allow.keys().map(String::as_str).collect::<BTreeSet<_>>(), states);
    let may = |from: &str, to: &str| allow[from].iter().any(|state| state == to);
    assert!(may("scheduled", "checked_in") && may("scheduled", "completed"), "offline, states may be passed over");
    assert!(!may("completed", "scheduled") && !may("in_progress", "no_show"));
}
