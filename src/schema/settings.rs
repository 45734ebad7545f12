//! When and how much is sent, how much is kept and what is sealed. These types decide which figures an application may
//! set and what they are if it does not; the bounds that no application may pass are in `limits`. The sync machine, the
//! storage manager and the vault read them.

use super::model::DAY_MS;
use crate::plain::{plain, words};
use serde_json::{Map, Value};

plain! {
    /// When and how much is sent.
    #[derive(Clone, Debug, PartialEq)]
    pub struct SyncRules: Default {
        /// The size of a batch.
        pub batch: BatchRules = BatchRules::default(),
        /// What happens after a failure.
        pub retry: RetryRules = RetryRules::default(),
        /// What starts a sync.
        pub triggers: Triggers = Triggers::default(),
        /// How often everything is loaded anew.
        pub full_every_ms: u64 = 7 * DAY_MS,
        /// Strategies by network and battery; first match wins.
        pub adapt: Vec<AdaptRule> = Vec::new(),
        /// Most kilobytes a second; 0: no limit.
        pub bandwidth_kbps: u32 = 0,
        /// Attachments only without a metered network.
        pub wifi_only: bool = false,
        /// How long the server keeps answers and tombstones.
        pub ledger_kept_ms: u64 = crate::limits::LEDGER_KEPT_MS,
        /// Longest time without contact that is promised to end without loss.
        pub offline_ms: u64 = 7 * DAY_MS,
    }
}

plain! {
    /// The size of a batch.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct BatchRules: Default {
        /// Most ops of one request.
        pub ops: u32 = 100,
        /// Most bytes of one request.
        pub bytes: u32 = 512 << 10,
        /// Longest time of one cycle.
        pub time_ms: u64 = 30_000,
        /// Most changes of one page that is pulled.
        pub pull: u32 = 512,
    }
}

plain! {
    /// What happens after a failure.
    #[derive(Clone, Debug, PartialEq)]
    pub struct RetryRules: Default {
        /// Waits before attempt 1, 2, …; the last repeats.
        pub schedule_ms: Vec<u64> = vec![0, 5_000, 10_000, 30_000, 60_000, 300_000],
        /// Each wait is lengthened by up to this part of itself, at random.
        pub jitter: f64 = 0.2,
        /// Most answered attempts of one op.
        pub max_attempts: u32 = 10,
    }
}

plain! {
    /// What starts a sync.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Triggers: Default {
        /// At start; full if the last one is older than `stale_ms`.
        pub start: bool = true,
        /// See `start`.
        pub stale_ms: u64 = 3_600_000,
        /// When the page is shown again after `background_ms` away.
        pub foreground: bool = true,
        /// See `foreground`.
        pub background_ms: u64 = 300_000,
        /// When the network comes back.
        pub online: bool = true,
        /// Every so often; 0: never. A cron line of a specification is written as its interval.
        pub interval_ms: u64 = 900_000,
        /// By hand.
        pub manual: bool = true,
        /// On a push message.
        pub push: bool = true,
        /// At once after a critical write.
        pub critical: bool = true,
        /// By Background Sync, with no page open.
        pub background: bool = true,
        /// By Periodic Background Sync.
        pub periodic: bool = true,
        /// Soon after any write, so many milliseconds later.
        pub write_ms: u64 = 250,
    }
}

plain! {
    /// One row of the table of strategies.
    #[derive(Clone, Debug, PartialEq)]
    pub struct AdaptRule {
        /// What has to be so: `network` (wifi, cellular, slow, offline), `kbps_below`, `saver`, `battery_below`, `busy`, `hours`.
        pub when: Map<String, Value>,
        /// Most ops of a batch then.
        pub batch?: Option<u32>,
        /// The interval then.
        pub interval_ms?: Option<u64>,
        /// Whether attachments travel then.
        pub attachments?: Option<bool>,
        /// Whether sync waits then.
        pub pause?: bool,
    }
}

impl BatchRules {
    /// Most ops and most bytes of one request, within the limits that no application may pass.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        use crate::limits::{BATCH_BYTES, BATCH_OPS, RECORD_BYTES};
        ((self.ops as usize).clamp(1, BATCH_OPS), (self.bytes as usize).clamp(RECORD_BYTES, BATCH_BYTES))
    }
}

plain! {
    /// How much is kept.
    #[derive(Clone, Debug, PartialEq)]
    pub struct SpaceRules: Default {
        /// Most bytes of the whole database and its caches.
        pub total_bytes: u64 = 50 << 20,
        /// Parts of it at which people are warned.
        pub warn_at: Vec<f64> = vec![0.8, 0.95],
        /// What goes first: entity names and names of tier rules, and `cached_images`.
        pub cleanup: Vec<String> = Vec::new(),
        /// How long clean records are kept, unless an entity says otherwise.
        pub keep_ms: u64 = 30 * DAY_MS,
    }
}

plain! {
    /// How files travel and what becomes of pictures before that.
    #[derive(Clone, Debug, PartialEq)]
    pub struct AttachmentRules: Default {
        /// The entity whose records describe the files; none: the application has no attachments.
        pub entity?: Option<String>,
        /// Longest edge of a picture that is sent, in pixels.
        pub image_max_px: u32 = 1920,
        /// Quality of its JPEG, 0 to 1.
        pub image_quality: f64 = 0.8,
        /// Longest edge of a thumbnail, in pixels.
        pub thumbnail_px: u32 = 256,
        /// Bytes of one chunk of an upload.
        pub chunk_bytes: u32 = 512 << 10,
        /// Largest file.
        pub max_bytes: u64 = 25 << 20,
        /// Whether thumbnails come along on a metered network.
        pub thumbnails_metered: bool = true,
    }
}

plain! {
    /// What is sealed at rest.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SecurityRules: Default {
        /// How much.
        pub encrypt: Encrypt = Encrypt::default(),
        /// Locked after so long without use; 0: never.
        pub idle_lock_ms: u64 = 0,
        /// Whether the server may order the device to wipe itself.
        pub remote_wipe: bool = false,
    }
}

words! {
    /// How much is sealed at rest.
    #[derive(Default)]
    pub enum Encrypt {
        /// Nothing.
        #[default]
        None = "none",
        /// The fields that are marked `sensitive`, wherever they are stored.
        Fields = "fields",
        /// Every value of every record; keys and indexes as the vault decides.
        All = "all",
    }
}
