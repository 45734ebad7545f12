//! The schema files as applications ship them: each against the figures of its specification, and all of them against the
//! published JSON Schema. These tests decide whether a file says what was asked for; whether a declaration is sound in
//! itself is tested beside `schema/check`. They run with every `cargo test`.
#![cfg(not(target_arch = "wasm32"))]

mod bizpulse;
mod dcmms;
mod evaluator;
mod goalflow;
mod published;
mod scope;
mod seed;
mod travelsense;
mod vet;

use landfall::record::Fields;
use landfall::schema::{Entity, Index, MergePolicy, Schema, SyncRules, Test};
use landfall::time::Millis;
use serde_json::Value;
use std::collections::BTreeSet;

/// 2025-11-08T10:00:00Z.
const NOW: Millis = Millis(1_762_596_000_000);
const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// A file of schemas/, as text.
fn text(name: &str) -> String {
    let path = format!("{}/schemas/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn schema(name: &str) -> Schema {
    Schema::parse(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn fields(value: Value) -> Fields {
    value.as_object().cloned().unwrap_or_default()
}

/// The indexes of an entity as (name, key path).
fn indexes(entity: &Entity) -> Vec<(&str, String)> {
    entity.indexes.iter().map(|Index { name, fields, .. }| (name.as_str(), fields.join("+"))).collect()
}

fn names(fields: &Entity) -> BTreeSet<&str> {
    fields.fields.keys().map(String::as_str).collect()
}

/// Tests as text: `status in assigned|on-hold`.
fn said(tests: &[Test]) -> Vec<String> {
    let value = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let one = |test: &Test| {
        let mut text = test.field.clone();
        if !test.one_of.is_empty() {
            text += &format!(" in {}", test.one_of.iter().map(value).collect::<Vec<_>>().join("|"));
        }
        if let Some(ms) = test.within_ms {
            text += &format!(" within {} days", ms / DAY_MS);
        }
        if let Some(ms) = test.older_ms {
            text += &format!(" older than {} days", ms / DAY_MS);
        }
        text
    };
    tests.iter().map(one).collect()
}

/// The policies of some fields.
fn policies<'a>(entity: &'a Entity, fields: &[&str]) -> Vec<&'a MergePolicy> {
    fields.iter().map(|field| entity.policy(field)).collect()
}

/// Whether a row of the table of strategies looks at this.
fn looks_at(sync: &SyncRules, what: &str) -> bool {
    sync.adapt.iter().any(|rule| rule.when.contains_key(what))
}
