//! What an application declares about itself. This room decides what can be declared, whether a declaration is sound and
//! whether a value fits it; it executes no rule on stored data. Everything above reads a checked `Schema` and knows no
//! application by name.

mod check;
mod field;
mod lookup;
mod migrate;
mod migration;
mod model;
mod parse;
mod partition;
mod relations;
mod roles;
mod rules;
mod settings;
mod validate;

pub use field::*;
pub use lookup::Written;
pub use migrate::{Upgrade, Upgraded};
pub use migration::*;
pub use model::*;
pub use partition::{Placed, Subject};
pub use relations::{To, Unique};
pub use rules::*;
pub use settings::*;
