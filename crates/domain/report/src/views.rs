//! Reports of a run, each a view of its record ([`crate::evidence::RunRecord`]).

pub mod compliance;
pub mod csv;
pub mod errors;
pub mod executive;
pub mod json;
pub mod json_schema;
pub mod junit;
pub mod xml;
pub mod xsd;

/// Major and minor version of the formats of runs, JSON and XML; a reader of major 2 can read every 2.x.
pub const RUN_FORMAT: &str = "2.0";
