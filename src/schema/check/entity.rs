//! One entity: its key, indexes, tests and rules. This module decides whether each of them names things that exist and
//! values that fit; the fields themselves are `field`'s. `check` calls it for every entity.

use super::{bad, dotted, field, identifier, known, once, slug, unknown};
use crate::error::Result;
use crate::schema::{Entity, Field, FieldType, Index, MergePolicy, PartitionRule, Schema, Test, Transition};
use std::collections::BTreeSet;

pub(super) fn check(schema: &Schema, name: &str, entity: &Entity) -> Result<()> {
    let here = format!("entities.{name}");
    field::all(schema, &entity.fields, &format!("{here}.fields"))?;
    key(entity, &here)?;
    if let Some(label) = &entity.label {
        path(entity, label, &format!("{here}.label"))?;
    }
    let mut names = BTreeSet::new();
    for (at, index) in entity.indexes.iter().enumerate() {
        let here = format!("{here}.indexes[{at}]");
        once(&mut names, &index.name, &format!("{here}.name"))?;
        self::index(entity, index, &here)?;
    }
    tiers(entity, &here)?;
    partitions(schema, name, &here)?;
    priorities(schema, entity, &here)?;
    if let MergePolicy::Arbitrate(rule) = &entity.merge {
        slug(rule, &format!("{here}.merge.arbitrate"))?;
    }
    for (at, rule) in entity.retention.iter().enumerate() {
        let here = format!("{here}.retention[{at}]");
        if rule.keep_ms == 0 {
            return Err(bad(format!("{here}.keep_ms"), "must be more than 0", "write a time in milliseconds"));
        }
        if let Some(field) = &rule.field {
            timed(path(entity, field, &format!("{here}.field"))?, &format!("{here}.field"))?;
        }
        tests(entity, &rule.when, &here)?;
    }
    for (at, transition) in entity.transitions.iter().enumerate() {
        self::transition(entity, transition, &format!("{here}.transitions[{at}]"))?;
    }
    if entity.limit_bytes.is_some_and(|limit| limit == 0 || limit > schema.space.total_bytes) {
        let what = "must be more than 0 and no more than space.total_bytes";
        return Err(bad(format!("{here}.limit_bytes"), what, "lower it, or raise the total"));
    }
    Ok(())
}

/// The field at a dotted path; also through lists.
pub(super) fn path<'a>(entity: &'a Entity, path: &str, here: &str) -> Result<&'a Field> {
    entity.field(path).ok_or_else(|| unknown(path, here, entity.fields.keys().map(String::as_str)))
}

fn key(entity: &Entity, here: &str) -> Result<()> {
    let here = format!("{here}.key");
    let key = known(&entity.fields, &entity.key, &here)?;
    if key.kind != FieldType::String || key.nullable || key.server_only || key.sensitive || key.reference.is_some() {
        let what = "the key must be a plain string: not nullable, sensitive, server_only or a reference";
        return Err(bad(here, what, "declare it as {\"type\": \"string\", \"required\": true}"));
    }
    Ok(())
}

fn index(entity: &Entity, index: &Index, here: &str) -> Result<()> {
    identifier(&index.name, &format!("{here}.name"))?;
    if index.fields.is_empty() {
        return Err(bad(format!("{here}.fields"), "an index sorts by at least one field", "name a field"));
    }
    if index.multi && index.fields.len() > 1 {
        return Err(bad(format!("{here}.multi"), "a multi index has one field", "make an index for each field"));
    }
    for (at, name) in index.fields.iter().enumerate() {
        let here = format!("{here}.fields[{at}]");
        let field = path(entity, name, &here)?;
        let held = if index.multi { field.items.as_deref().unwrap_or(field) } else { field };
        let through_list = (1..name.split('.').count())
            .any(|steps| entity.field(&first_steps(name, steps)).is_some_and(|field| field.kind != FieldType::Object));
        if through_list || index.multi != matches!(field.kind, FieldType::List | FieldType::Set) || !sortable(held.kind) {
            let what = "IndexedDB cannot sort by this field";
            let mend = "index a text, number or time; the elements of a list need `\"multi\": true`";
            return Err(bad(here, what, mend));
        }
        if field.server_only {
            return Err(bad(here, "a field that stays on the server cannot be indexed", "index another field"));
        }
    }
    Ok(())
}

fn first_steps(path: &str, steps: usize) -> String {
    path.split('.').take(steps).collect::<Vec<_>>().join(".")
}

const fn sortable(kind: FieldType) -> bool {
    !matches!(kind, FieldType::Boolean | FieldType::Object | FieldType::List | FieldType::Set | FieldType::Json)
}

fn tiers(entity: &Entity, here: &str) -> Result<()> {
    tier(entity.tier, &format!("{here}.tier"))?;
    for (at, rule) in entity.tier_rules.iter().enumerate() {
        let here = format!("{here}.tier_rules[{at}]");
        tier(rule.tier, &format!("{here}.tier"))?;
        if !rule.name.is_empty() {
            slug(&rule.name, &format!("{here}.name"))?;
        }
        tests(entity, &rule.when, &here)?;
    }
    Ok(())
}

fn tier(tier: u8, here: &str) -> Result<()> {
    if (1..=3).contains(&tier) {
        return Ok(());
    }
    Err(bad(here, "must be 1, 2 or 3", "1 is critical, 2 important, 3 optional"))
}

fn partitions(schema: &Schema, name: &str, here: &str) -> Result<()> {
    let entity = known(&schema.entities, name, here)?;
    let mut names = BTreeSet::new();
    for (at, rule) in entity.partition.iter().enumerate() {
        let here = format!("{here}.partition[{at}]");
        slug(&rule.name, &format!("{here}.name"))?;
        once(&mut names, &rule.name, &format!("{here}.name"))?;
        let by_reference = [!rule.referenced_by.is_empty(), !rule.refers_to.is_empty()];
        let ways = [!rule.when.is_empty(), rule.selected, rule.opened_ms.is_some()];
        if ways.iter().chain(&by_reference).filter(|way| **way).count() != 1 {
            let what = "must have exactly one of `when`, `referenced_by`, `refers_to`, `selected`, `opened_ms`";
            return Err(bad(here, what, "make a rule for each; a record in any of them is in scope"));
        }
        tests(entity, &rule.when, &here)?;
        variables(rule, &here)?;
        for (at, role) in rule.roles.iter().enumerate() {
            known(&schema.roles, role, &format!("{here}.roles[{at}]"))?;
        }
        references(schema, name, rule, &here)?;
        for (at, field) in rule.fields.iter().enumerate() {
            known(&entity.fields, field, &format!("{here}.fields[{at}]"))?;
        }
    }
    Ok(())
}

/// One list of the profile a rule: two would make as many buckets as their product.
fn variables(rule: &PartitionRule, here: &str) -> Result<()> {
    let is_list = |one: &&serde_json::Value| one.as_str().is_some_and(|text| text.starts_with('$') && text != "$user");
    if rule.when.iter().filter(|test| test.one_of.iter().any(|one| is_list(&one))).count() > 1 {
        return Err(bad(format!("{here}.when"), "may ask for one list of the profile only", "make a rule for each list"));
    }
    Ok(())
}

fn references(schema: &Schema, name: &str, rule: &PartitionRule, here: &str) -> Result<()> {
    for (at, text) in rule.referenced_by.iter().enumerate() {
        let here = format!("{here}.referenced_by[{at}]");
        let (from, field) = dotted(text, &here)?;
        let from = known(&schema.entities, from, &here)?;
        let found = path(from, field, &here)?;
        if !from.references().any(|(steps, to)| steps.join(".") == field && to.entity == name) {
            let what = format!("`{text}` ({}) is no reference to `{name}`", found.kind.words());
            return Err(bad(here, what, format!("declare it as {{\"reference\": {{\"entity\": \"{name}\"}}}}")));
        }
    }
    let entity = known(&schema.entities, name, here)?;
    for (at, field) in rule.refers_to.iter().enumerate() {
        let here = format!("{here}.refers_to[{at}]");
        path(entity, field, &here)?;
        if !entity.references().any(|(steps, _)| steps.join(".") == *field) {
            return Err(bad(here, format!("`{field}` is no reference"), "name a field with a `reference`"));
        }
    }
    Ok(())
}

fn priorities(schema: &Schema, entity: &Entity, here: &str) -> Result<()> {
    let level = |priority: u8, here: String| {
        if (1..=schema.priority_levels).contains(&priority) {
            return Ok(());
        }
        Err(bad(here, format!("must be 1 to {}", schema.priority_levels), "1 is sent first; or raise priority_levels"))
    };
    entity.priority.map_or(Ok(()), |priority| level(priority, format!("{here}.priority")))?;
    for (at, rule) in entity.priority_rules.iter().enumerate() {
        let here = format!("{here}.priority_rules[{at}]");
        level(rule.priority, format!("{here}.priority"))?;
        for (at, field) in rule.fields.iter().enumerate() {
            known(&entity.fields, field, &format!("{here}.fields[{at}]"))?;
        }
        tests(entity, &rule.when, &here)?;
    }
    Ok(())
}

fn transition(entity: &Entity, transition: &Transition, here: &str) -> Result<()> {
    let field = known(&entity.fields, &transition.field, &format!("{here}.field"))?;
    if field.kind != FieldType::String {
        return Err(bad(format!("{here}.field"), "transitions are of a string field", "name a field with an enum"));
    }
    let fits = |value: &str| field.values.is_empty() || field.values.iter().any(|one| one.as_str() == Some(value));
    for (from, to) in &transition.allow {
        if let Some(wrong) = [from].into_iter().chain(to).find(|value| !fits(value)) {
            let what = format!("`{wrong}` is not in the enum of `{}`", transition.field);
            return Err(bad(format!("{here}.allow.{from}"), what, "use values of the enum"));
        }
    }
    Ok(())
}

fn tests(entity: &Entity, tests: &[Test], here: &str) -> Result<()> {
    for (at, test) in tests.iter().enumerate() {
        let here = format!("{here}.when[{at}]");
        let field = path(entity, &test.field, &format!("{here}.field"))?;
        if test.one_of.is_empty() && test.within_ms.is_none() && test.older_ms.is_none() {
            return Err(bad(here, "tests nothing", "add `in`, `within_ms` or `older_ms`"));
        }
        if test.within_ms.is_some() || test.older_ms.is_some() {
            timed(field, &format!("{here}.field"))?;
        }
        for (at, value) in test.one_of.iter().enumerate() {
            field::fits(field, value, &format!("{here}.in[{at}]"))?;
        }
    }
    Ok(())
}

fn timed(field: &Field, here: &str) -> Result<()> {
    if matches!(field.kind, FieldType::Datetime | FieldType::Date | FieldType::Integer | FieldType::Number) {
        return Ok(());
    }
    Err(bad(here, "must be a time", "name a field of type datetime, date or (milliseconds) integer"))
}
