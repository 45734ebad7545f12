//! The declaration of one application, as it stands in its JSON file. These types decide what can be said about an
//! application as a whole and about one kind of record; they check nothing (`check` does) and execute nothing. Every room
//! above reads them, none knows an application by name.

use super::{AttachmentRules, DeleteEdit, IdCollision, Migration, TierRule, Transition};
use super::{Field, Index, MergePolicy, PartitionRule, PriorityRule, Retention, Role, SecurityRules, SpaceRules, SyncRules};
use crate::plain::{plain, words};
use std::collections::BTreeMap;

plain! {
    /// One application: everything the engine needs to know about it.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Schema {
        /// The address of the JSON Schema, so that editors complete the file; ignored here.
        pub json_schema?: Option<String> as "$schema",
        /// The application's name: part of database names and of the server's routes.
        pub app: String,
        /// The schema's own version; counts up with every change of it.
        pub version: u32,
        /// What people call the application.
        pub title?: String,
        /// Which backend it speaks to.
        pub dialect: Dialect = Dialect::default(),
        /// Who makes the ids of new records.
        pub id_mode: IdMode = IdMode::default(),
        /// How records lie in IndexedDB.
        pub layout: Layout = Layout::default(),
        /// The kinds of records, by name.
        pub entities: BTreeMap<String, Entity>,
        /// How many priority levels there are; 1 is sent first.
        pub priority_levels: u8 = 3,
        /// When and how much is sent.
        pub sync: SyncRules = SyncRules::default(),
        /// How much is kept.
        pub space: SpaceRules = SpaceRules::default(),
        /// How files travel and what becomes of pictures.
        pub attachments: AttachmentRules = AttachmentRules::default(),
        /// What is sealed at rest.
        pub security: SecurityRules = SecurityRules::default(),
        /// What each role may do; empty: everyone may do everything.
        pub roles?: BTreeMap<String, Role>,
        /// Features that need the network: disabled or queued while offline.
        pub online_only?: Vec<OnlineOnly>,
        /// How data of older versions becomes data of this one, the oldest first. Kept as long as devices may have such data.
        pub migrations?: Vec<Migration>,
    }
}

words! {
    /// The backend's way of speaking; see `dialect/`.
    #[derive(Default)]
    pub enum Dialect {
        /// The engine's own protocol, of which goalflow's is the core.
        #[default]
        Native = "native",
        /// goalflow as its specification has it, without our additions.
        Goalflow = "goalflow",
        /// Delta and push with version vectors (dcmms).
        Dcmms = "dcmms",
        /// travelsense's batches.
        Travelsense = "travelsense",
        /// bizpulse's queue.
        Bizpulse = "bizpulse",
        /// Temporary ids and numbers as ids (the veterinary practice).
        Vet = "vet",
        /// Plain REST resources; the device does what the server cannot.
        Rest = "rest",
    }
}

words! {
    /// Who makes the ids of new records.
    #[derive(Default)]
    pub enum IdMode {
        /// The device, for good (UUID version 7).
        #[default]
        Uuid = "uuid",
        /// The device for the time being (`temp_<timestamp>_<random>_<entity>`), the server for good.
        Temp = "temp",
    }
}

words! {
    /// How records lie in IndexedDB.
    #[derive(Default)]
    pub enum Layout {
        /// One value a record.
        #[default]
        Rows = "rows",
        /// Segments of many records under the rows, for what is pulled and seldom edited.
        Packs = "packs",
    }
}

plain! {
    /// One kind of record.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Entity {
        /// The object store's name (`goals`).
        pub store: String,
        /// What people call one of them; the entity's name if absent.
        pub title?: String,
        /// The field that holds the id.
        pub key: String = "id".to_owned(),
        /// The field whose text names a record to people.
        pub label?: Option<String>,
        /// The fields, by name.
        pub fields: BTreeMap<String, Field>,
        /// Indexes of the object store.
        pub indexes?: Vec<Index>,
        /// 1 critical, 2 important, 3 optional: the order of loading, and backwards of leaving.
        pub tier: u8 = 2,
        /// Records that another tier holds for, first match wins.
        pub tier_rules?: Vec<TierRule>,
        /// The device may read but not write it.
        pub read_only?: bool,
        /// Which records a device gets; empty: all that the user may see.
        pub partition?: Vec<PartitionRule>,
        /// Whether the user may deselect it (bizpulse `partial`).
        pub partial: bool = true,
        /// Priority of its ops unless a rule says otherwise; the middle level if absent.
        pub priority?: Option<u8>,
        /// Priorities by operation, fields and values; first match wins.
        pub priority_rules?: Vec<PriorityRule>,
        /// How two changes of one field become one, for fields that do not say.
        pub merge: MergePolicy = MergePolicy::default(),
        /// What happens when one side deleted what the other changed.
        pub delete_edit: DeleteEdit = DeleteEdit::default(),
        /// What happens when two records claim one id.
        pub id_collision: IdCollision = IdCollision::default(),
        /// Most bytes of it on the device.
        pub limit_bytes?: Option<u64>,
        /// When records leave the device by age.
        pub retention?: Vec<Retention>,
        /// An op older than this is asked about before it is sent.
        pub edit_limit_ms?: Option<u64>,
        /// Rules that the server enforces on state changes of a field.
        pub transitions?: Vec<Transition>,
        /// Tell the user when a policy, and not a person, settled a conflict in it.
        pub notify?: bool,
        /// Names the entity has in this application's dialect (`work-order`, `workOrders`).
        pub aliases?: Vec<String>,
    }
}

plain! {
    /// A feature that needs the network.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct OnlineOnly {
        /// Its name.
        pub feature: String,
        /// What people are told.
        pub reason: String,
        /// Asked for while offline it runs once, later.
        pub queue?: bool,
    }
}

pub(super) const DAY_MS: u64 = 24 * 3_600_000;
