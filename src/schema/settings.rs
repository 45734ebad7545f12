//! When and how much is sent, how much is kept and what is sealed. These types decide which figures an application may
//! set and what they are if it does not; the bounds that no application may pass are in `limits`. The sync machine, the
//! storage manager and the vault read them.

use super::model::{default, is_false};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

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

impl Default for BatchRules {
    fn default() -> Self {
        Self { ops: 100, bytes: 512 << 10, time_ms: 30_000, pull: 512 }
    }
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

impl Default for RetryRules {
    fn default() -> Self {
        Self { schedule_ms: vec![0, 5_000, 10_000, 30_000, 60_000, 300_000], jitter: 0.2, max_attempts: 10 }
    }
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

/// One row of the table of strategies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaptRule {
    /// What has to be so: `network` (wifi, cellular, slow, offline), `kbps_below`, `saver`, `battery_below`, `busy`, `hours`.
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

impl Default for AttachmentRules {
    fn default() -> Self {
        Self {
            entity: None,
            image_max_px: 1920,
            image_quality: 0.8,
            thumbnail_px: 256,
            chunk_bytes: 512 << 10,
            max_bytes: 25 << 20,
            thumbnails_metered: true,
        }
    }
}

impl Default for SpaceRules {
    fn default() -> Self {
        Self { total_bytes: 50 << 20, warn_at: vec![0.8, 0.95], cleanup: Vec::new(), keep_ms: 30 * default::DAY_MS }
    }
}

/// How files travel and what becomes of pictures before that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttachmentRules {
    /// The entity whose records describe the files; none: the application has no attachments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// Longest edge of a picture that is sent, in pixels.
    pub image_max_px: u32,
    /// Quality of its JPEG, 0 to 1.
    pub image_quality: f64,
    /// Longest edge of a thumbnail, in pixels.
    pub thumbnail_px: u32,
    /// Bytes of one chunk of an upload.
    pub chunk_bytes: u32,
    /// Largest file.
    pub max_bytes: u64,
    /// Whether thumbnails come along on a metered network.
    pub thumbnails_metered: bool,
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
    /// Nothing.
    #[default]
    None,
    /// The fields that are marked `sensitive`, wherever they are stored.
    Fields,
    /// Every value of every record; keys and indexes as the vault decides.
    All,
}
