//! What an application declares about itself. This room decides what can be declared and whether a declaration is sound;
//! it executes none of it. Everything above reads a checked `Schema` and knows no application by name.

pub mod model;

pub use model::*;
