//! One field that both sides changed to different values. This module decides by the field's policy and kind; `merge`
//! calls it only when the simple cases (one side changed, both changed alike) are out of the way.

use super::Take;
use crate::record::value::{number, same, same_option};
use crate::schema::{Entity, Field, FieldType, MergePolicy, MergeRule};
use crate::wire::change::Stamp;
use serde_json::{Map, Value};

/// A field's three values and the two writers.
pub(super) struct Both<'a> {
    pub before: Option<&'a Value>,
    pub local: Option<&'a Value>,
    pub remote: Option<&'a Value>,
    pub stamp: &'a Stamp,
    pub theirs: Option<&'a Stamp>,
}

pub(super) fn decide(entity: &Entity, name: &str, both: &Both<'_>) -> Take {
    let Some(field) = entity.fields.get(name) else { return by_policy(&entity.merge, None, both) };
    if field.kind == FieldType::Counter {
        return counter(field, both);
    }
    let rule = field.merge_rules.iter().find(|rule| applies(rule, both));
    let policy = rule.map_or_else(|| field.merge.as_ref().unwrap_or(&entity.merge), |rule| &rule.policy);
    by_policy(policy, Some(field), both)
}

fn applies(rule: &MergeRule, both: &Both<'_>) -> bool {
    let role = both.theirs.map_or("", |stamp| stamp.role.as_str());
    let listed =
        |list: &[Value], value: Option<&Value>| list.is_empty() || value.is_some_and(|v| list.iter().any(|one| same(one, v)));
    (rule.server_roles.is_empty() || rule.server_roles.iter().any(|one| one == role))
        && listed(&rule.server_values, both.remote)
        && listed(&rule.local_values, both.local)
}

fn by_policy(policy: &MergePolicy, field: Option<&Field>, both: &Both<'_>) -> Take {
    match policy {
        MergePolicy::ServerWins => Take::Lost,
        MergePolicy::ClientWins => Take::Local,
        MergePolicy::LastWriteWins => later(both),
        MergePolicy::Manual | MergePolicy::Arbitrate(_) => Take::Conflict,
        MergePolicy::Merge => field.and_then(|field| by_kind(field, both)).unwrap_or_else(|| later(both)),
    }
}

/// The later stamp wins; a value nobody has stamped is older than any stamp.
fn later(both: &Both<'_>) -> Take {
    match both.theirs {
        Some(theirs) if theirs.hlc >= both.stamp.hlc => Take::Lost,
        _ => Take::Local,
    }
}

/// What each side added since `before`, both added up, kept within the field's bounds.
fn counter(field: &Field, both: &Both<'_>) -> Take {
    let value = |side: Option<&Value>| side.map_or(Some(0.0), Value::as_f64);
    let (Some(before), Some(local), Some(remote)) = (value(both.before), value(both.local), value(both.remote)) else {
        return later(both);
    };
    let sum = remote + (local - before);
    Take::Both(number(sum.max(field.min.unwrap_or(f64::MIN)).min(field.max.unwrap_or(f64::MAX))))
}

fn by_kind(field: &Field, both: &Both<'_>) -> Option<Take> {
    match field.kind {
        FieldType::Set => Some(Take::Both(set(list(both.before)?, list(both.local)?, list(both.remote)?))),
        FieldType::List => keyed(field.item_key.as_deref()?, both),
        FieldType::Object => object(field, both),
        _ => None,
    }
}

fn list(side: Option<&Value>) -> Option<&[Value]> {
    match side {
        None | Some(Value::Null) => Some(&[]),
        Some(Value::Array(items)) => Some(items),
        Some(_) => None,
    }
}

/// The server's elements without those removed here, then those added here: union without order.
fn set(before: &[Value], local: &[Value], remote: &[Value]) -> Value {
    let has = |items: &[Value], one: &Value| items.iter().any(|item| same(item, one));
    let kept = remote.iter().filter(|one| has(local, one) || !has(before, one));
    let added = local.iter().filter(|one| !has(before, one) && !has(remote, one));
    Value::Array(kept.chain(added).cloned().collect())
}

/// Lists whose elements have a key: each element is merged for itself, a change beats a removal.
fn keyed(key: &str, both: &Both<'_>) -> Option<Take> {
    let (before, local, remote) = (by_key(key, both.before)?, by_key(key, both.local)?, by_key(key, both.remote)?);
    let find =
        |side: &[(&Value, &Value)], key: &Value| side.iter().find(|(k, _)| same(k, key)).map(|(_, element)| (*element).clone());
    let mut out = Vec::new();
    for (key, theirs) in &remote {
        let (old, ours) = (find(&before, key), find(&local, key));
        let element = match (ours, old) {
            (Some(ours), old) => Some(element(old.as_ref(), &ours, theirs, both)),
            (None, Some(old)) if same(&old, theirs) => None,
            (None, _) => Some((*theirs).clone()),
        };
        out.extend(element);
    }
    for (key, ours) in &local {
        if find(&remote, key).is_none() && !find(&before, key).is_some_and(|old| same(&old, ours)) {
            out.push((*ours).clone());
        }
    }
    Some(Take::Both(Value::Array(out)))
}

fn by_key<'a>(key: &str, side: Option<&'a Value>) -> Option<Vec<(&'a Value, &'a Value)>> {
    list(side)?.iter().map(|element| Some((element.get(key)?, element))).collect()
}

fn element(before: Option<&Value>, ours: &Value, theirs: &Value, both: &Both<'_>) -> Value {
    if same(ours, theirs) || before.is_some_and(|old| same(old, ours)) {
        return theirs.clone();
    }
    if before.is_some_and(|old| same(old, theirs)) {
        return ours.clone();
    }
    let empty = Map::new();
    let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) else { return theirs.clone() };
    Value::Object(fields(before.and_then(Value::as_object).unwrap_or(&empty), ours, theirs, both))
}

/// Objects field by field, to any depth; a field both changed goes to the later writer.
fn object(field: &Field, both: &Both<'_>) -> Option<Take> {
    let empty = Map::new();
    let before = both.before.map_or(Some(&empty), Value::as_object)?;
    let (local, remote) = (both.local?.as_object()?, both.remote?.as_object()?);
    let undecided = |name: &String| field.fields.get(name).is_some_and(|inner| inner.merge == Some(MergePolicy::Manual));
    let clash = |name: &String| {
        let (b, l, r) = (before.get(name), local.get(name), remote.get(name));
        !same_option(l, r) && !same_option(b, l) && !same_option(b, r)
    };
    if local.keys().chain(remote.keys()).any(|name| undecided(name) && clash(name)) {
        return Some(Take::Conflict);
    }
    Some(Take::Both(Value::Object(fields(before, local, remote, both))))
}

fn fields(
    before: &Map<String, Value>,
    local: &Map<String, Value>,
    remote: &Map<String, Value>,
    both: &Both<'_>,
) -> Map<String, Value> {
    let mut out = Map::new();
    let ours_is_later = later(both) == Take::Local;
    for name in local.keys().chain(remote.keys()) {
        let (b, l, r) = (before.get(name), local.get(name), remote.get(name));
        let taken = match (same_option(b, l), same_option(b, r)) {
            (true, _) => r.cloned(),
            (_, true) => l.cloned(),
            _ => match (l, r) {
                (Some(Value::Object(l)), Some(Value::Object(r))) => {
                    let empty = Map::new();
                    Some(Value::Object(fields(b.and_then(Value::as_object).unwrap_or(&empty), l, r, both)))
                }
                _ if ours_is_later => l.cloned(),
                _ => r.cloned(),
            },
        };
        if let Some(value) = taken {
            out.insert(name.clone(), value);
        }
    }
    out
}
