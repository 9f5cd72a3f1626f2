//! What an upgrade needs, worked out from the facts.

pub mod addon_path;
pub mod drain;
pub mod schedule;
pub mod surge;
