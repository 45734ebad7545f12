//! The sync server of landfall.
