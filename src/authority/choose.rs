//! What a user has chosen on a device: records picked by hand, records opened lately, entities not wanted. This module decides
//! what a choice does to membership and to the device; the choice is whole each time, so that sending it again is harmless.
//! A ledger applies it in one transaction.

use crate::authority::rows::{DeviceRow, RowKey, Who};
use crate::authority::scope::Support;
use crate::error::{Code, Error, Result};
use crate::schema::{PartitionRule, Schema};
use crate::time::Millis;
use crate::wire::{Choice, Want};

/// The buckets of a device's own picks.
#[must_use]
pub fn buckets(schema: &Schema, device: &str) -> Vec<String> {
    let mut buckets = Vec::new();
    for (name, entity) in &schema.entities {
        buckets.extend(entity.partition.iter().filter(|rule| rule.is_picked()).map(|rule| rule.picked(name, device)));
    }
    buckets
}

/// What the choice adds and takes away, given what was picked before: for `Follow::picked`.
#[must_use]
pub fn picks(schema: &Schema, choice: &Choice, before: &[Support], now: Millis) -> (Vec<Support>, Vec<Support>) {
    let mut wanted = Vec::new();
    for want in &choice.selected {
        wanted.extend(support(schema, choice, want, (None, |rule| rule.selected)));
    }
    for opened in &choice.opened {
        let of = Want { entity_type: opened.entity_type.clone(), entity_id: opened.entity_id.clone() };
        // A clock ahead of ours keeps nothing longer than the rule says.
        let at = opened.at.min(now);
        wanted.extend(support(schema, choice, &of, (Some(at), |rule| rule.opened_ms.is_some())));
    }
    wanted.retain(|one| one.due.is_none_or(|due| due > now));
    let same = |a: &Support, b: &Support| (&a.bucket, &a.key, &a.rule) == (&b.bucket, &b.key, &b.rule);
    let gone = before.iter().filter(|old| !wanted.iter().any(|one| same(one, old))).cloned().collect();
    wanted.retain(|one| !before.contains(one));
    (wanted, gone)
}

fn support(schema: &Schema, choice: &Choice, want: &Want, by: (Option<Millis>, fn(&PartitionRule) -> bool)) -> Vec<Support> {
    let (opened, fits) = by;
    let Some(entity) = schema.entities.get(&want.entity_type) else { return Vec::new() };
    let rules = entity.partition.iter().filter(|rule| fits(rule));
    let one = |rule: &PartitionRule| Support {
        bucket: rule.picked(&want.entity_type, choice.device_id.as_str()),
        key: RowKey { entity: want.entity_type.clone(), id: want.entity_id.clone() },
        rule: rule.name.clone(),
        via: None,
        holds: true,
        due: opened.map(|at| at.plus(rule.opened_ms.unwrap_or_default()).plus(1)),
    };
    rules.map(one).collect()
}

/// The device with the choice.
///
/// # Errors
/// `PERMISSION_DENIED` for a device that is not this user's; `VALIDATION_ERROR` for an entity that has to stay.
pub fn device(schema: &Schema, who: &Who, choice: &Choice, known: Option<DeviceRow>) -> Result<DeviceRow> {
    let stranger = || Error::new(Code::PermissionDenied, "this device is not registered to this user").at("device_id");
    let known = known.filter(|row| row.user == who.user).ok_or_else(stranger)?;
    for name in &choice.deselected {
        if schema.entities.get(name).is_some_and(|entity| !entity.partial) {
            return Err(Error::new(Code::ValidationError, "cannot be left out").at(name.as_str()));
        }
    }
    Ok(DeviceRow { deselected: choice.deselected.clone(), ..known })
}
