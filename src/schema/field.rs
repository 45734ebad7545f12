//! What one field of a record holds, which indexes sort by it and which record it points to. These types decide what can
//! be said about a field; whether a value fits is `validate`'s. Schema files and everything that walks a record read them.

use super::model::is_false;
use super::{MergePolicy, MergeRule};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

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
    /// This record is a part of that one: it leaves the device with it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub part_of: bool,
}

/// What happens to a record when one it refers to is deleted; the server decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// The delete is refused while a record points to it.
    #[default]
    Restrict,
    /// This record is deleted with it.
    Cascade,
    /// The field becomes null.
    SetNull,
}
