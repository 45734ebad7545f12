//! Whether the declared migrations can work: versions in order, every step on an entity and fields that exist then. Older
//! declarations are not at hand, so a step is judged by where it leads: through later steps to what is declared now.

use super::{bad, identifier, known, slug};
use crate::error::Result;
use crate::schema::{Conversion, Entity, MigrationStep, RenameEntity, Schema};

pub(super) fn check(schema: &Schema) -> Result<()> {
    let all: Vec<&MigrationStep> = schema.migrations.iter().flat_map(|one| &one.steps).collect();
    let (mut last, mut place) = (1, 0);
    for (at, migration) in schema.migrations.iter().enumerate() {
        let here = format!("migrations[{at}]");
        if migration.to <= last || migration.to > schema.version {
            let what = format!("must be {} to {}", last + 1, schema.version);
            return Err(bad(format!("{here}.to"), what, "one entry for each version, the oldest first"));
        }
        last = migration.to;
        if migration.steps.is_empty() {
            return Err(bad(format!("{here}.steps"), "there is no step", "leave the entry out: a version needs none"));
        }
        for (at, step) in migration.steps.iter().enumerate() {
            place += 1;
            one(schema, step, (&all[..place - 1], &all[place..]), &format!("{here}.steps[{at}]"))?;
        }
    }
    Ok(())
}

fn one(schema: &Schema, step: &MigrationStep, around: (&[&MigrationStep], &[&MigrationStep]), here: &str) -> Result<()> {
    if let MigrationStep::RenameEntity(step) = step {
        return rename(schema, step, around, here);
    }
    let later = around.1;
    let Some(name) = step.entity() else { return Ok(()) };
    let at_entity = format!("{here}.entity");
    let entity = known(&schema.entities, &finally(name, later), &at_entity)?;
    if let Some(source) = step.source() {
        let path = format!(
            "{here}.{}",
            if matches!(step, MigrationStep::RenameField(_) | MigrationStep::SplitField(_)) { "from" } else { "field" }
        );
        identifier(source, &path)?;
        not_key(entity, source, &path)?;
        let written_again = step.targets().contains(&source) || leads_on(name, source, later, |step| step.targets());
        if !written_again && entity.fields.contains_key(source) {
            return Err(bad(path, format!("`{source}` is still declared"), "take it out of the entity's fields"));
        }
    }
    for target in step.targets() {
        let path = format!("{here}.{}", word(step, target));
        not_key(entity, target, &path)?;
        if !leads_on(name, target, later, |step| step.source().into_iter().collect()) {
            known(&entity.fields, target, &path)?;
        }
    }
    if let MigrationStep::Retype(step) = step
        && step.aside.is_none()
        && !matches!(step.to, Conversion::Text | Conversion::List)
    {
        let what = "there may be values that cannot become that";
        return Err(bad(format!("{here}.aside"), what, "name a field of type json in which they stay"));
    }
    if let MigrationStep::SplitField(step) = step
        && step.at.is_empty()
    {
        return Err(bad(format!("{here}.at"), "cuts nowhere", "write the text between the two parts"));
    }
    Ok(())
}

fn rename(schema: &Schema, step: &RenameEntity, around: (&[&MigrationStep], &[&MigrationStep]), here: &str) -> Result<()> {
    let (earlier, later) = around;
    slug(&step.from, &format!("{here}.from"))?;
    if step.to.as_ref().is_none_or(|to| *to == step.from) && step.store.is_none() {
        return Err(bad(format!("{here}.rename_entity"), "renames nothing", "add `to`, or `store` with the store's former name"));
    }
    let to = step.to.as_ref().unwrap_or(&step.from);
    // Two entities would meet under one name in a database that takes several versions at once.
    let used =
        |other: &&&MigrationStep| matches!(other, MigrationStep::RenameEntity(other) if other.from == *to && *to != step.from);
    if earlier.iter().find(used).is_some() {
        return Err(bad(
            format!("{here}.to"),
            format!("`{to}` was the name of another entity"),
            "choose a name that was never used",
        ));
    }
    known(&schema.entities, &finally(to, later), &format!("{here}.to"))?;
    if let Some(store) = &step.store {
        let path = format!("{here}.store");
        slug(store, &path)?;
        if let Some((name, _)) = schema.entities.iter().find(|(_, entity)| entity.store == *store) {
            let what = format!("`{store}` is the store of `{name}` now");
            return Err(bad(path, what, "write the former name of the store, or leave it out if it is the same"));
        }
    }
    Ok(())
}

fn not_key(entity: &Entity, field: &str, path: &str) -> Result<()> {
    if entity.key != field {
        return Ok(());
    }
    Err(bad(path, "the key of an entity cannot change", "declare a new entity beside it"))
}

/// The name of an entity after later renames.
fn finally(name: &str, later: &[&MigrationStep]) -> String {
    let mut name = name;
    for step in later {
        if let MigrationStep::RenameEntity(step) = step
            && step.from == name
        {
            name = step.to.as_deref().unwrap_or(name);
        }
    }
    name.to_owned()
}

/// Whether a later step on the same entity names the field in this way.
fn leads_on<'a>(entity: &str, field: &str, later: &'a [&MigrationStep], of: impl Fn(&'a MigrationStep) -> Vec<&'a str>) -> bool {
    let mut name = entity;
    for step in later {
        match step {
            MigrationStep::RenameEntity(step) if step.from == name => name = step.to.as_deref().unwrap_or(name),
            step if step.entity() == Some(name) && of(step).contains(&field) => return true,
            _ => {}
        }
    }
    false
}

/// The word under which a step names a target.
fn word<'a>(step: &'a MigrationStep, target: &str) -> &'a str {
    match step {
        MigrationStep::RenameField(_) => "to",
        MigrationStep::SplitField(step) if step.first == target => "first",
        MigrationStep::SplitField(_) => "rest",
        MigrationStep::Retype(step) if step.aside.as_deref() == Some(target) => "aside",
        _ => "field",
    }
}
