//! The declaration of one application, as it stands in its JSON file. These types decide what can be said about an
//! application as a whole and about one kind of record; they check nothing (`check` does) and execute nothing. Every room
//! above reads them, none knows an application by name.

use super::{AttachmentRules, DeleteEdit, IdCollision, Migration, TierRule, Transition};
use super::{Field, Index, MergePolicy, PartitionRule, PriorityRule, Retention, Role, SecurityRules, SpaceRules, SyncRules};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One application: everything the engine needs to know about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// The address of the JSON Schema, so that editors complete the file; ignored here.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<String>,
    /// The application's name: part of database names and of the server's routes.
    pub app: String,
    /// The schema's own version; counts up with every change of it.
    pub version: u32,
    /// What people call the application.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Which backend it speaks to.
    #[serde(default)]
    pub dialect: Dialect,
    /// Who makes the ids of new records.
    #[serde(default)]
    pub id_mode: IdMode,
    /// How records lie in IndexedDB.
    #[serde(default)]
    pub layout: Layout,
    /// The kinds of records, by name.
    pub entities: BTreeMap<String, Entity>,
    /// How many priority levels there are; 1 is sent first.
    #[serde(default = "default::levels")]
    pub priority_levels: u8,
    /// When and how much is sent.
    #[serde(default)]
    pub sync: SyncRules,
    /// How much is kept.
    #[serde(default)]
    pub space: SpaceRules,
    /// How files travel and what becomes of pictures.
    #[serde(default)]
    pub attachments: AttachmentRules,
    /// What is sealed at rest.
    #[serde(default)]
    pub security: SecurityRules,
    /// What each role may do; empty: everyone may do everything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, Role>,
    /// Features that need the network: disabled or queued while offline.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub online_only: Vec<OnlineOnly>,
    /// How data of older versions becomes data of this one, the oldest first. Kept as long as devices may have such data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migrations: Vec<Migration>,
}

/// The backend's way of speaking; see `dialect/`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The engine's own protocol, of which goalflow's is the core.
    #[default]
    Native,
    /// goalflow as its specification has it, without our additions.
    Goalflow,
    /// Delta and push with version vectors (dcmms).
    Dcmms,
    /// travelsense's batches.
    Travelsense,
    /// bizpulse's queue.
    Bizpulse,
    /// Temporary ids and numbers as ids (the veterinary practice).
    Vet,
    /// Plain REST resources; the device does what the server cannot.
    Rest,
}

/// Who makes the ids of new records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdMode {
    /// The device, for good (UUID version 7).
    #[default]
    Uuid,
    /// The device for the time being (`temp_<timestamp>_<random>_<entity>`), the server for good.
    Temp,
}

/// How records lie in IndexedDB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// One value a record.
    #[default]
    Rows,
    /// Segments of many records under the rows, for what is pulled and seldom edited.
    Packs,
}

/// One kind of record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entity {
    /// The object store's name (`goals`).
    pub store: String,
    /// What people call one of them; the entity's name if absent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The field that holds the id.
    #[serde(default = "default::key")]
    pub key: String,
    /// The field whose text names a record to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The fields, by name.
    pub fields: BTreeMap<String, Field>,
    /// Indexes of the object store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Index>,
    /// 1 critical, 2 important, 3 optional: the order of loading, and backwards of leaving.
    #[serde(default = "default::tier")]
    pub tier: u8,
    /// Records that another tier holds for, first match wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tier_rules: Vec<TierRule>,
    /// The device may read but not write it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// Which records a device gets; empty: all that the user may see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partition: Vec<PartitionRule>,
    /// Whether the user may deselect it (bizpulse `partial`).
    #[serde(default = "default::yes")]
    pub partial: bool,
    /// Priority of its ops unless a rule says otherwise; the middle level if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Priorities by operation, fields and values; first match wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub priority_rules: Vec<PriorityRule>,
    /// How two changes of one field become one, for fields that do not say.
    #[serde(default)]
    pub merge: MergePolicy,
    /// What happens when one side deleted what the other changed.
    #[serde(default)]
    pub delete_edit: DeleteEdit,
    /// What happens when two records claim one id.
    #[serde(default)]
    pub id_collision: IdCollision,
    /// Most bytes of it on the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_bytes: Option<u64>,
    /// When records leave the device by age.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retention: Vec<Retention>,
    /// An op older than this is asked about before it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit_limit_ms: Option<u64>,
    /// Rules that the server enforces on state changes of a field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transitions: Vec<Transition>,
    /// Tell the user when a policy, and not a person, settled a conflict in it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub notify: bool,
    /// Names the entity has in this application's dialect (`work-order`, `workOrders`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// A feature that needs the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnlineOnly {
    /// Its name.
    pub feature: String,
    /// What people are told.
    pub reason: String,
    /// Asked for while offline it runs once, later.
    #[serde(default, skip_serializing_if = "is_false")]
    pub queue: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(super) fn is_false(value: &bool) -> bool {
    !*value
}

/// Defaults that serde names by path.
pub(super) mod default {
    pub const DAY_MS: u64 = 24 * 3_600_000;
    pub const fn levels() -> u8 {
        3
    }
    pub fn key() -> String {
        "id".to_owned()
    }
    pub const fn tier() -> u8 {
        2
    }
    pub const fn yes() -> bool {
        true
    }
}
