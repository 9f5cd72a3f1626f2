//! What an upgrade needs, worked out from the facts.

pub mod surge;
