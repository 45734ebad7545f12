//! The declaration of one application, as it stands in its JSON file. These types decide what can be said about an
//! application; they check nothing (`check` does) and execute nothing. Every room above reads them, none knows an
//! application by name.

use serde::{Deserialize, Serialize};
use serde_json::Value;
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
    /// What is sealed at rest.
    #[serde(default)]
    pub security: SecurityRules,
    /// What each role may do; empty: everyone may do everything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, Role>,
    /// Features that need the network: disabled or queued while offline.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub online_only: Vec<OnlineOnly>,
}

/// The backend's way of speaking; see `dialect/`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    #[default]
    Native,
    Goalflow,
    Dcmms,
    Travelsense,
    Bizpulse,
    Vet,
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
    #[default]
    Rows,
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
    /// Names the entity has in this application's dialect (`work-order`, `workOrders`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// One field of a record, or of an object or list inside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// What people call it; its name if absent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// A record without it is refused.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// Null is a value of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nullable: bool,
    /// The only values it may have.
    #[serde(rename = "enum", default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
    /// Value of a new record that names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Most UTF-16 units of a text, or elements of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// Fewest UTF-16 units of a text, or elements of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// Smallest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// What a list or set holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Box<Field>>,
    /// The field of each element that names it, for lists merged by key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_key: Option<String>,
    /// The fields of an object; empty: any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Field>,
    /// The record it points to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// How two changes of it become one; the entity's policy if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<MergePolicy>,
    /// Policies by who changed it, or by value; first match wins before `merge`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merge_rules: Vec<MergeRule>,
    /// Sealed at rest under `encrypt: "fields"`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sensitive: bool,
    /// Kept on the server only: never part of what a device gets.
    #[serde(default, skip_serializing_if = "is_false")]
    pub server_only: bool,
    /// No two live records of a tenant share a value of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unique: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// Text; merged as one value.
    #[default]
    String,
    /// Long text; merged by lines and words under `merge: "merge"`.
    Text,
    /// A finite double.
    Number,
    /// A whole number within ±2^53.
    Integer,
    /// A number of which each device sends what it added.
    Counter,
    /// True or false.
    Boolean,
    /// An ISO 8601 date and time, as text.
    Datetime,
    /// An ISO 8601 date, as text.
    Date,
    /// Fields of its own.
    Object,
    /// Values in an order.
    List,
    /// Values without an order, each once; a JSON array in storage.
    Set,
    /// Any JSON of the value domain.
    Json,
}

/// An index of the object store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// The name applications query by.
    pub name: String,
    /// The fields it sorts by, first first.
    pub fields: Vec<String>,
    /// Every element of a list field is an entry of its own.
    #[serde(default, skip_serializing_if = "is_false")]
    pub multi: bool,
}

/// The record a field points to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Of this entity.
    pub entity: String,
    /// What happens to this record when that one is deleted.
    #[serde(default)]
    pub on_delete: OnDelete,
}

/// What happens to a record when one it refers to is deleted; the server decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    #[default]
    Restrict,
    Cascade,
    SetNull,
}

/// A test on one field of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// The field.
    pub field: String,
    /// Equal to one of these. `"$user"` stands for the user's id, `"$sites"` and the like for a list of the user's profile.
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
    /// Or: what the user has picked by hand.
    #[serde(default, skip_serializing_if = "is_false")]
    pub selected: bool,
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
    Create,
    Update,
    Delete,
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
    /// By the kind of the field: union, elements by key, sum of deltas, lines and words, field by field.
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

/// When and how much is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SyncRules {
    /// The size of a batch.
    pub batch: BatchRules,
    /// What happens after a failure.
    pub retry: RetryRules,
    /// What starts a sync.
    pub triggers: Triggers,
    /// How often everything is loaded anew.
    pub full_every_ms: u64,
    /// Strategies by network and battery; first match wins.
    pub adapt: Vec<AdaptRule>,
    /// Most kilobytes a second; 0: no limit.
    pub bandwidth_kbps: u32,
    /// Attachments only without a metered network.
    pub wifi_only: bool,
    /// How long the server keeps answers and tombstones.
    pub ledger_kept_ms: u64,
    /// Longest time without contact that is promised to end without loss.
    pub offline_ms: u64,
}

/// The size of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatchRules {
    /// Most ops of one request.
    pub ops: u32,
    /// Most bytes of one request.
    pub bytes: u32,
    /// Longest time of one cycle.
    pub time_ms: u64,
    /// Most changes of one page that is pulled.
    pub pull: u32,
}

/// What happens after a failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryRules {
    /// Waits before attempt 1, 2, …; the last repeats.
    pub schedule_ms: Vec<u64>,
    /// Each wait is lengthened by up to this part of itself, at random.
    pub jitter: f64,
    /// Most answered attempts of one op.
    pub max_attempts: u32,
}

/// What starts a sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Triggers {
    /// At start; full if the last one is older than `stale_ms`.
    pub start: bool,
    /// See `start`.
    pub stale_ms: u64,
    /// When the page is shown again after `background_ms` away.
    pub foreground: bool,
    /// See `foreground`.
    pub background_ms: u64,
    /// When the network comes back.
    pub online: bool,
    /// Every so often; 0: never. A cron line of a specification is written as its interval.
    pub interval_ms: u64,
    /// By hand.
    pub manual: bool,
    /// On a push message.
    pub push: bool,
    /// At once after a critical write.
    pub critical: bool,
    /// By Background Sync, with no page open.
    pub background: bool,
    /// By Periodic Background Sync.
    pub periodic: bool,
    /// Soon after any write, so many milliseconds later.
    pub write_ms: u64,
}

/// One row of the table of strategies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaptRule {
    /// What has to be so: `network` (wifi, cellular, slow, offline), `saver`, `battery_below`, `busy`, `hours`.
    pub when: BTreeMap<String, Value>,
    /// Most ops of a batch then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
    /// The interval then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_ms: Option<u64>,
    /// Whether attachments travel then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachments: Option<bool>,
    /// Whether sync waits then.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pause: bool,
}

/// How much is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpaceRules {
    /// Most bytes of the whole database and its caches.
    pub total_bytes: u64,
    /// Parts of it at which people are warned.
    pub warn_at: Vec<f64>,
    /// What goes first: entity names and names of tier rules, and `cached_images`.
    pub cleanup: Vec<String>,
    /// How long clean records are kept, unless an entity says otherwise.
    pub keep_ms: u64,
}

/// What is sealed at rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecurityRules {
    /// How much.
    pub encrypt: Encrypt,
    /// Locked after so long without use; 0: never.
    pub idle_lock_ms: u64,
    /// Whether the server may order the device to wipe itself.
    pub remote_wipe: bool,
}

/// How much is sealed at rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encrypt {
    #[default]
    None,
    Fields,
    All,
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

impl Default for SyncRules {
    fn default() -> Self {
        Self {
            batch: BatchRules::default(),
            retry: RetryRules::default(),
            triggers: Triggers::default(),
            full_every_ms: 7 * default::DAY_MS,
            adapt: Vec::new(),
            bandwidth_kbps: 0,
            wifi_only: false,
            ledger_kept_ms: crate::limits::LEDGER_KEPT_MS,
            offline_ms: 7 * default::DAY_MS,
        }
    }
}

impl Default for BatchRules {
    fn default() -> Self {
        Self { ops: 100, bytes: 512 << 10, time_ms: 30_000, pull: 512 }
    }
}

impl Default for RetryRules {
    fn default() -> Self {
        Self { schedule_ms: vec![0, 5_000, 10_000, 30_000, 60_000, 300_000], jitter: 0.2, max_attempts: 10 }
    }
}

impl Default for Triggers {
    fn default() -> Self {
        Self {
            start: true,
            stale_ms: 3_600_000,
            foreground: true,
            background_ms: 300_000,
            online: true,
            interval_ms: 900_000,
            manual: true,
            push: true,
            critical: true,
            background: true,
            periodic: true,
            write_ms: 250,
        }
    }
}

impl Default for SpaceRules {
    fn default() -> Self {
        Self { total_bytes: 50 << 20, warn_at: vec![0.8, 0.95], cleanup: Vec::new(), keep_ms: 30 * default::DAY_MS }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Defaults that serde names by path.
mod default {
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
