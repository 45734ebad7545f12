//! The rules of one kind of record: which tier, which part of the data, which priority, which way out of a conflict, how
//! long. These types decide what a rule can say; evaluating one is `lookup`'s, acting on it belongs to the rooms above.

use super::model::{default, is_false};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A test on one field of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// The field.
    pub field: String,
    /// Equal to one of these; `"$user"` is the user's id, `"$sites"` and the like a list of the user's profile.
    #[serde(rename = "in", default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<Value>,
    /// A time at most this long ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_ms: Option<u64>,
    /// A time at least this long ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_ms: Option<u64>,
}

/// Records that a tier of their own holds for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierRule {
    /// The tier.
    pub tier: u8,
    /// All of these hold.
    pub when: Vec<Test>,
    /// What the specification calls this part ("archived_goals").
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// Which records (and fields) a device gets; a record is in scope when any rule takes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionRule {
    /// The bucket's name.
    pub name: String,
    /// All of these hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Test>,
    /// Or: what these reference fields (`entity.field`) of records in scope point to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub referenced_by: Vec<String>,
    /// Or: those of which one of these reference fields points to a record in scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refers_to: Vec<String>,
    /// Or: what the user has picked by hand.
    #[serde(default, skip_serializing_if = "is_false")]
    pub selected: bool,
    /// Or: what the user has opened on this device in the last so many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_ms: Option<u64>,
    /// Only these fields travel; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// A priority by operation, fields and values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorityRule {
    /// 1 is sent first.
    pub priority: u8,
    /// For these operations; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<Operation>,
    /// When one of these fields changed; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// And all of these hold for the record after the change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Test>,
    /// Sent at once instead of with the next round.
    #[serde(default, skip_serializing_if = "is_false")]
    pub critical: bool,
}

/// What an op does to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// A new record.
    Create,
    /// Other values in an existing one.
    Update,
    /// A record taken away.
    Delete,
}

/// When records leave the device by age.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Longest time since `field` (or since the last change).
    pub keep_ms: u64,
    /// The time field that counts; the engine's own last change if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// And all of these hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Test>,
}

/// A rule on the changes of one field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// The field, usually an enum.
    pub field: String,
    /// From each value, the values that may follow.
    pub allow: BTreeMap<String, Vec<String>>,
}

/// One side deleted what the other changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteEdit {
    /// A person decides.
    #[default]
    Manual,
    /// The record stays, with the edit.
    EditWins,
    /// The record goes; the edit is kept in the conflict log.
    DeleteWins,
}

/// Two records claim one id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdCollision {
    /// The local one gets a new id; both are kept.
    #[default]
    NewId,
    /// The op is given back to the user.
    Reject,
}

/// How two changes of one field become one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergePolicy {
    /// The server's value stays; the device's is kept in the conflict log.
    ServerWins,
    /// The device's value is taken; the server's is kept in the conflict log.
    ClientWins,
    /// The later one by hybrid clock.
    #[default]
    LastWriteWins,
    /// By the kind of the field: union, elements by key (what both changed of one element: by the `merge` of `items`), sum
    /// of deltas, lines and words, field by field.
    Merge,
    /// A person decides.
    Manual,
    /// A named rule on the server decides.
    Arbitrate(String),
}

/// A policy under a condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MergeRule {
    /// The policy that holds then.
    pub policy: MergePolicy,
    /// The server's value was written by one of these roles; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server_roles: Vec<String>,
    /// The server's value is one of these; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server_values: Vec<Value>,
    /// The device's value is one of these; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local_values: Vec<Value>,
    /// Tell the user.
    #[serde(default, skip_serializing_if = "is_false")]
    pub notify: bool,
    /// Keep the losing value for the user to bring back.
    #[serde(default = "default::yes")]
    pub backup: bool,
}

/// What a role may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Role {
    /// Operations by entity; `*` is every entity.
    pub may: BTreeMap<String, Vec<Operation>>,
    /// Fields it must not change, as `entity.field`.
    pub not_fields: Vec<String>,
}
