//! One row as data: its fields, how two of them compare, what changed between them, and its digest. This room decides
//! equality, patches and canonical form; it knows neither storage nor policies. Store, merge and authority build on it.

pub mod digest;
pub mod domain;
pub mod order;
pub mod patch;
pub mod value;

pub use digest::digest;
pub use patch::Patch;

/// The fields of a record, by name.
pub type Fields = serde_json::Map<String, serde_json::Value>;
