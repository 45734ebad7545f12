//! The figures: sync, space, attachments, and the table of strategies. This module decides whether each is within the
//! engine's bounds (`limits`) and means something; it sets none. `check` calls it once.

use super::{bad, known, once, unknown};
use crate::error::{Error, Result};
use crate::limits;
use crate::schema::{AdaptRule, BatchRules, Schema};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a row of the table of strategies may look at.
const CONDITIONS: [&str; 6] = ["network", "kbps_below", "saver", "battery_below", "busy", "hours"];

/// What `network` may be.
const NETWORKS: [&str; 4] = ["wifi", "cellular", "slow", "offline"];

/// What goes by this name in `space.cleanup` besides entities and tier rules: pictures in Cache Storage.
const CACHED_IMAGES: &str = "cached_images";

pub(super) fn check(schema: &Schema) -> Result<()> {
    let sync = &schema.sync;
    batch(&sync.batch)?;
    if sync.retry.schedule_ms.is_empty() {
        return Err(bad("sync.retry.schedule_ms", "names no wait", "write [0], or leave it out"));
    }
    part(sync.retry.jitter, "sync.retry.jitter")?;
    if sync.retry.max_attempts == 0 {
        return Err(bad("sync.retry.max_attempts", "must be at least 1", "write 10, or leave it out"));
    }
    if sync.ledger_kept_ms < limits::LEDGER_KEPT_MS {
        let what = format!("must be at least {} (30 days)", limits::LEDGER_KEPT_MS);
        return Err(bad("sync.ledger_kept_ms", what, "raise it, or leave it out"));
    }
    if sync.offline_ms > sync.ledger_kept_ms {
        let what = "promises more than the server keeps";
        return Err(bad("sync.offline_ms", what, "lower it, or raise sync.ledger_kept_ms"));
    }
    for (at, rule) in sync.adapt.iter().enumerate() {
        adapt(rule, &format!("sync.adapt[{at}]"))?;
    }
    space(schema)?;
    attachments(schema)
}

fn batch(batch: &BatchRules) -> Result<()> {
    within(u64::from(batch.ops), limits::BATCH_OPS, "sync.batch.ops")?;
    within(u64::from(batch.bytes), limits::BATCH_BYTES, "sync.batch.bytes")?;
    within(u64::from(batch.pull), limits::PAGE_ROWS, "sync.batch.pull")?;
    if batch.time_ms == 0 {
        return Err(bad("sync.batch.time_ms", "must be more than 0", "write 30000, or leave it out"));
    }
    Ok(())
}

fn space(schema: &Schema) -> Result<()> {
    let space = &schema.space;
    if space.total_bytes == 0 || space.keep_ms == 0 {
        let path = if space.total_bytes == 0 { "space.total_bytes" } else { "space.keep_ms" };
        return Err(bad(path, "must be more than 0", "leave it out for the default"));
    }
    for (at, share) in space.warn_at.iter().enumerate() {
        part(*share, &format!("space.warn_at[{at}]"))?;
    }
    if !space.warn_at.is_sorted() {
        return Err(bad("space.warn_at", "must rise", "sort it"));
    }
    let rules = schema.entities.values().flat_map(|entity| entity.tier_rules.iter().map(|rule| rule.name.as_str()));
    let entities = schema.entities.keys().map(String::as_str);
    let names = entities.chain(rules).chain([CACHED_IMAGES]).filter(|name| !name.is_empty());
    let mut seen = BTreeSet::new();
    for (at, name) in space.cleanup.iter().enumerate() {
        let path = format!("space.cleanup[{at}]");
        if !names.clone().any(|known| known == name) {
            return Err(unknown(name, &path, names));
        }
        once(&mut seen, name, &path)?;
    }
    Ok(())
}

fn attachments(schema: &Schema) -> Result<()> {
    let rules = &schema.attachments;
    if let Some(entity) = &rules.entity {
        known(&schema.entities, entity, "attachments.entity")?;
    }
    part(rules.image_quality, "attachments.image_quality")?;
    within(u64::from(rules.chunk_bytes), limits::BODY_BYTES, "attachments.chunk_bytes")?;
    let figures = [
        ("image_max_px", u64::from(rules.image_max_px)),
        ("thumbnail_px", u64::from(rules.thumbnail_px)),
        ("max_bytes", rules.max_bytes),
    ];
    match figures.iter().find(|(_, figure)| *figure == 0) {
        Some((name, _)) => Err(bad(format!("attachments.{name}"), "must be more than 0", "leave it out for the default")),
        None => Ok(()),
    }
}

fn adapt(rule: &AdaptRule, here: &str) -> Result<()> {
    for (condition, value) in &rule.when {
        let here = format!("{here}.when.{condition}");
        if !CONDITIONS.contains(&condition.as_str()) {
            return Err(unknown(condition, &here, CONDITIONS.into_iter()));
        }
        if let Some(mend) = misfit(condition, value) {
            return Err(bad(here, "has a value of another kind", mend));
        }
    }
    if let Some(ops) = rule.batch {
        within(u64::from(ops), limits::BATCH_OPS, &format!("{here}.batch"))?;
    }
    if rule.batch.is_none() && rule.interval_ms.is_none() && rule.attachments.is_none() && !rule.pause {
        return Err(bad(here, "changes nothing", "add `batch`, `interval_ms`, `attachments` or `pause`"));
    }
    Ok(())
}

/// What to write instead, if a condition's value is of the wrong kind.
fn misfit(condition: &str, value: &Value) -> Option<&'static str> {
    let hour = |hour: &Value| hour.as_u64().is_some_and(|hour| hour <= 24);
    let (fits, mend) = match condition {
        "network" => (value.as_str().is_some_and(|text| NETWORKS.contains(&text)), "one of: wifi, cellular, slow, offline"),
        "saver" | "busy" => (value.is_boolean(), "write true or false"),
        "battery_below" => (value.as_f64().is_some_and(|part| (0.0..=1.0).contains(&part)), "write a part, 0 to 1"),
        "hours" => (
            value.as_array().is_some_and(|hours| hours.len() == 2 && hours.iter().all(hour)),
            "write the hours from and to, as [22, 6]",
        ),
        _ => (value.as_f64().is_some_and(|number| number >= 0.0), "write a number"),
    };
    (!fits).then_some(mend)
}

fn part(part: f64, path: &str) -> Result<()> {
    if (0.0..=1.0).contains(&part) { Ok(()) } else { Err(bad(path, "must be 0 to 1", "0.8 is 80 %")) }
}

fn within(value: u64, most: usize, path: &str) -> Result<()> {
    if value >= 1 && usize::try_from(value).is_ok_and(|value| value <= most) {
        return Ok(());
    }
    let error: Error = bad(path, format!("must be 1 to {most}"), "lower it, or leave it out for the default");
    Err(error)
}
