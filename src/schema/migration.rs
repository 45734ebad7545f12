//! How stored data of an older version becomes data of this one, as an application declares it: a closed list of steps. These
//! types decide what can be said; `check/migrations` refuses what cannot work, `migrate` carries it out. Indexes and new
//! entities need no step: a database follows the declaration in them by itself.

use crate::plain::{plain, variants, words};
use serde_json::{Map, Value};

plain! {
    /// The steps that lead to one version from the one before.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Migration {
        /// The version they lead to.
        pub to: u32,
        /// The steps, in order.
        pub steps: Vec<MigrationStep>,
    }
}

variants! {
    /// One step. Entities and fields have the names they have at this step: earlier steps are done, later ones are not.
    #[derive(Clone, Debug, PartialEq)]
    pub enum MigrationStep {
        /// Records get a field.
        AddField(AddField) = "add_field",
        /// A field has another name.
        RenameField(RenameField) = "rename_field",
        /// A field has another type.
        Retype(Retype) = "retype",
        /// Values of a field are others now.
        MapValues(MapValues) = "map_values",
        /// One text becomes two fields.
        SplitField(SplitField) = "split_field",
        /// A field is not kept any more.
        DropField(DropField) = "drop_field",
        /// An entity, or its store, has another name.
        RenameEntity(RenameEntity) = "rename_entity",
    }
}

plain! {
    /// Records get a field.
    #[derive(Clone, Debug, PartialEq)]
    pub struct AddField {
        /// Of this entity.
        pub entity: String,
        /// The new field.
        pub field: String,
        /// What it holds in records that were there before.
        pub value: Value,
    }
}

plain! {
    /// A field has another name.
    #[derive(Clone, Debug, PartialEq)]
    pub struct RenameField {
        /// Of this entity.
        pub entity: String,
        /// Its name so far.
        pub from: String,
        /// Its name from now on.
        pub to: String,
    }
}

plain! {
    /// A field has another type.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Retype {
        /// Of this entity.
        pub entity: String,
        /// The field.
        pub field: String,
        /// What its values become.
        pub to: Conversion,
        /// The field in which a value stays that cannot become that; not needed for `text` and `list`, which everything can.
        pub aside?: Option<String>,
    }
}

words! {
    /// What a value can become. Null stays null, and a value that is so already stays as it is.
    pub enum Conversion {
        /// Texts that write a number, without white space around it.
        Number = "number",
        /// The same for whole numbers within ±2^53.
        Integer = "integer",
        /// `true` and `false`, `1` and `0`, as texts or numbers.
        Boolean = "boolean",
        /// Numbers and booleans as they are written, lists and objects as JSON.
        Text = "text",
        /// A list with the value as its only element.
        List = "list",
    }
}

plain! {
    /// Values of a field are others now; those that are not named stay.
    #[derive(Clone, Debug, PartialEq)]
    pub struct MapValues {
        /// Of this entity.
        pub entity: String,
        /// The field, which holds texts.
        pub field: String,
        /// For each value what it becomes.
        pub values: Map<String, Value>,
    }
}

plain! {
    /// One text becomes two fields.
    #[derive(Clone, Debug, PartialEq)]
    pub struct SplitField {
        /// Of this entity.
        pub entity: String,
        /// The field that was one.
        pub from: String,
        /// Where it is cut: at the first such text, which itself is left out.
        pub at: String,
        /// What stands before it; everything, where there is no such text.
        pub first: String,
        /// What stands behind it.
        pub rest: String,
    }
}

plain! {
    /// A field is not kept any more: the server and every device drop its values. What a person has written into it and not
    /// sent yet is put into quarantine for them, not dropped.
    #[derive(Clone, Debug, PartialEq)]
    pub struct DropField {
        /// Of this entity.
        pub entity: String,
        /// The field.
        pub field: String,
    }
}

plain! {
    /// An entity, or its store, has another name.
    #[derive(Clone, Debug, PartialEq)]
    pub struct RenameEntity {
        /// Its name so far.
        pub from: String,
        /// Its name from now on; the same if absent.
        pub to?: Option<String>,
        /// The name of its store so far, if the store has another name now.
        pub store?: Option<String>,
    }
}

impl MigrationStep {
    /// The entity whose fields it changes, by its name at this step; none for a rename of the entity itself.
    #[must_use]
    pub fn entity(&self) -> Option<&str> {
        match self {
            Self::AddField(step) => Some(&step.entity),
            Self::RenameField(step) => Some(&step.entity),
            Self::Retype(step) => Some(&step.entity),
            Self::MapValues(step) => Some(&step.entity),
            Self::SplitField(step) => Some(&step.entity),
            Self::DropField(step) => Some(&step.entity),
            Self::RenameEntity(_) => None,
        }
    }

    /// The field whose values it moves; none for a new field or a rename of the entity.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::RenameField(step) => Some(&step.from),
            Self::Retype(step) => Some(&step.field),
            Self::MapValues(step) => Some(&step.field),
            Self::SplitField(step) => Some(&step.from),
            Self::DropField(step) => Some(&step.field),
            Self::AddField(_) | Self::RenameEntity(_) => None,
        }
    }

    /// The fields that it may write.
    #[must_use]
    pub fn targets(&self) -> Vec<&str> {
        match self {
            Self::AddField(step) => vec![&step.field],
            Self::RenameField(step) => vec![&step.to],
            Self::Retype(step) => std::iter::once(step.field.as_str()).chain(step.aside.as_deref()).collect(),
            Self::MapValues(step) => vec![&step.field],
            Self::SplitField(step) => vec![&step.first, &step.rest],
            Self::DropField(_) | Self::RenameEntity(_) => Vec::new(),
        }
    }
}
