//! What one field of a record holds, which indexes sort by it and which record it points to. These types decide what can
//! be said about a field; whether a value fits is `validate`'s. Schema files and everything that walks a record read them.

use super::{MergePolicy, MergeRule};
use crate::plain::{plain, words};
use serde_json::Value;
use std::collections::BTreeMap;

plain! {
    /// One field of a record, or of an object or list inside it.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Field {
        /// What it holds.
        pub kind: FieldType as "type",
        /// What people call it; its name if absent.
        pub title?: String,
        /// A record without it is refused.
        pub required?: bool,
        /// Null is a value of it.
        pub nullable?: bool,
        /// The only values it may have.
        pub values?: Vec<Value> as "enum",
        /// Value of a new record that names none.
        pub default?: Option<Value>,
        /// Most UTF-16 units of a text, or elements of a list.
        pub max_length?: Option<u32>,
        /// Fewest UTF-16 units of a text, or elements of a list.
        pub min_length?: Option<u32>,
        /// Smallest number.
        pub min?: Option<f64>,
        /// Largest number.
        pub max?: Option<f64>,
        /// What a list or set holds.
        pub items?: Option<Box<Field>>,
        /// The field of each element that names it, for lists merged by key.
        pub item_key?: Option<String>,
        /// The fields of an object; empty: any.
        pub fields?: BTreeMap<String, Field>,
        /// The record it points to.
        pub reference?: Option<Reference>,
        /// How two changes of it become one; the entity's policy if absent.
        pub merge?: Option<MergePolicy>,
        /// Policies by who changed it, or by value; first match wins before `merge`.
        pub merge_rules?: Vec<MergeRule>,
        /// Sealed at rest under `encrypt: "fields"`.
        pub sensitive?: bool,
        /// Kept on the server only: never part of what a device gets.
        pub server_only?: bool,
        /// No two live records of a tenant share a value of it.
        pub unique?: bool,
    }
}

words! {
    /// What a field holds.
    #[derive(Default)]
    pub enum FieldType {
        /// Text; merged as one value.
        #[default]
        String = "string",
        /// Long text; merged by lines and words under `merge: "merge"`.
        Text = "text",
        /// A finite double.
        Number = "number",
        /// A whole number within ±2^53.
        Integer = "integer",
        /// A number of which each device sends what it added.
        Counter = "counter",
        /// True or false.
        Boolean = "boolean",
        /// An ISO 8601 date and time, as text.
        Datetime = "datetime",
        /// An ISO 8601 date, as text.
        Date = "date",
        /// Fields of its own.
        Object = "object",
        /// Values in an order.
        List = "list",
        /// Values without an order, each once; a JSON array in storage.
        Set = "set",
        /// Any JSON of the value domain.
        Json = "json",
    }
}

plain! {
    /// An index of the object store.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Index {
        /// The name applications query by.
        pub name: String,
        /// The fields it sorts by, first first.
        pub fields: Vec<String>,
        /// Every element of a list field is an entry of its own.
        pub multi?: bool,
    }
}

plain! {
    /// The record a field points to.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Reference {
        /// Of this entity.
        pub entity: String,
        /// What happens to this record when that one is deleted.
        pub on_delete: OnDelete = OnDelete::default(),
        /// This record is a part of that one: it leaves the device with it.
        pub part_of?: bool,
    }
}

words! {
    /// What happens to a record when one it refers to is deleted; the server decides.
    #[derive(Default)]
    pub enum OnDelete {
        /// The delete is refused while a record points to it.
        #[default]
        Restrict = "restrict",
        /// This record is deleted with it.
        Cascade = "cascade",
        /// The field becomes null.
        SetNull = "set_null",
    }
}
