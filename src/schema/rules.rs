//! The rules of one kind of record: which tier, which part of the data, which priority, which way out of a conflict, how
//! long. These types decide what a rule can say; evaluating one is `lookup`'s, acting on it belongs to the rooms above.

use crate::plain::{Plain, Reader, plain, serde_by_value, words};
use serde_json::Value;
use std::collections::BTreeMap;

plain! {
    /// A test on one field of a record.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Test {
        /// The field.
        pub field: String,
        /// Equal to one of these; `"$user"` is the user's id, `"$sites"` and the like a list of the user's profile.
        pub one_of?: Vec<Value> as "in",
        /// A time at most this long ago.
        pub within_ms?: Option<u64>,
        /// A time at least this long ago.
        pub older_ms?: Option<u64>,
    }
}

plain! {
    /// Records that a tier of their own holds for.
    #[derive(Clone, Debug, PartialEq)]
    pub struct TierRule {
        /// The tier.
        pub tier: u8,
        /// All of these hold.
        pub when: Vec<Test>,
        /// What the specification calls this part ("archived_goals").
        pub name?: String,
    }
}

plain! {
    /// Which records (and fields) a device gets; a record is in scope when any rule takes it.
    #[derive(Clone, Debug, PartialEq)]
    pub struct PartitionRule {
        /// The bucket's name.
        pub name: String,
        /// All of these hold.
        pub when?: Vec<Test>,
        /// Or: what these reference fields (`entity.field`) of records in scope point to.
        pub referenced_by?: Vec<String>,
        /// Or: those of which one of these reference fields points to a record in scope.
        pub refers_to?: Vec<String>,
        /// Or: what the user has picked by hand.
        pub selected?: bool,
        /// Or: what the user has opened on this device in the last so many milliseconds.
        pub opened_ms?: Option<u64>,
        /// Only these fields travel; empty: all.
        pub fields?: Vec<String>,
        /// Only for users with one of these roles; empty: for everybody.
        pub roles?: Vec<String>,
    }
}

plain! {
    /// A priority by operation, fields and values.
    #[derive(Clone, Debug, PartialEq)]
    pub struct PriorityRule {
        /// 1 is sent first.
        pub priority: u8,
        /// For these operations; empty: any.
        pub operations?: Vec<Operation>,
        /// When one of these fields changed; empty: any.
        pub fields?: Vec<String>,
        /// And all of these hold for the record after the change.
        pub when?: Vec<Test>,
        /// Sent at once instead of with the next round.
        pub critical?: bool,
    }
}

words! {
    /// What an op does to a record.
    #[derive(PartialOrd, Ord)]
    pub enum Operation {
        /// A new record.
        Create = "create",
        /// Other values in an existing one.
        Update = "update",
        /// A record taken away.
        Delete = "delete",
    }
}

plain! {
    /// When records leave the device by age.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Retention {
        /// Longest time since `field` (or since the last change).
        pub keep_ms: u64,
        /// The time field that counts; the engine's own last change if absent.
        pub field?: Option<String>,
        /// And all of these hold.
        pub when?: Vec<Test>,
    }
}

plain! {
    /// A rule on the changes of one field.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Transition {
        /// The field, usually an enum.
        pub field: String,
        /// From each value, the values that may follow.
        pub allow: BTreeMap<String, Vec<String>>,
    }
}

words! {
    /// One side deleted what the other changed.
    #[derive(Default)]
    pub enum DeleteEdit {
        /// A person decides.
        #[default]
        Manual = "manual",
        /// The record stays, with the edit.
        EditWins = "edit_wins",
        /// The record goes; the edit is kept in the conflict log.
        DeleteWins = "delete_wins",
    }
}

words! {
    /// Two records claim one id.
    #[derive(Default)]
    pub enum IdCollision {
        /// The local one gets a new id; both are kept.
        #[default]
        NewId = "new_id",
        /// The op is given back to the user.
        Reject = "reject",
    }
}

/// How two changes of one field become one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

plain! {
    /// `Arbitrate` as it is written.
    struct Arbitrated {
        arbitrate: String,
    }
}

const POLICIES: &[&str] = &["server_wins", "client_wins", "last_write_wins", "merge", "manual", "arbitrate"];

/// A word, or an object with the name of the rule.
impl Plain for MergePolicy {
    fn take(value: &mut Value, at: &mut Reader) -> Self {
        if value.is_object() {
            return Self::Arbitrate(Arbitrated::take(value, at).arbitrate);
        }
        match at.word(value, POLICIES) {
            0 => Self::ServerWins,
            1 => Self::ClientWins,
            2 => Self::LastWriteWins,
            3 => Self::Merge,
            4 => Self::Manual,
            _ => {
                at.wrong("arbitrate names no rule");
                Self::Manual
            }
        }
    }

    fn plain(&self) -> Value {
        let place = match self {
            Self::ServerWins => 0,
            Self::ClientWins => 1,
            Self::LastWriteWins => 2,
            Self::Merge => 3,
            Self::Manual => 4,
            Self::Arbitrate(rule) => return Arbitrated { arbitrate: rule.clone() }.plain(),
        };
        Value::from(POLICIES[place])
    }
}

serde_by_value! { MergePolicy }

plain! {
    /// A policy under a condition.
    #[derive(Clone, Debug, PartialEq)]
    pub struct MergeRule {
        /// The policy that holds then.
        pub policy: MergePolicy,
        /// The server's value was written by one of these roles; empty: any.
        pub server_roles?: Vec<String>,
        /// The server's value is one of these; empty: any.
        pub server_values?: Vec<Value>,
        /// The device's value is one of these; empty: any.
        pub local_values?: Vec<Value>,
        /// Tell the user.
        pub notify?: bool,
        /// Keep the losing value for the user to bring back.
        pub backup: bool = true,
    }
}

plain! {
    /// What a role may do.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Role: Default {
        /// Operations by entity; `*` is every entity.
        pub may: BTreeMap<String, Vec<Operation>> = BTreeMap::new(),
        /// Fields it must not change, as `entity.field`.
        pub not_fields: Vec<String> = Vec::new(),
        /// Entities it may read; empty: all. Any other never travels to it.
        pub sees: Vec<String> = Vec::new(),
        /// Fields that never travel to it, as `entity.field`.
        pub hidden_fields: Vec<String> = Vec::new(),
    }
}
