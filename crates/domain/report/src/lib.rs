//! Reports of scans, plans and runs, into any writer handed in.
//!
//! A run has one record ([`evidence::RunRecord`]); every report of it is a view of that ([`views`]), and the
//! machine-readable ones share one list of columns ([`fields`]).
//!
//! Equal inventories give byte-identical reports. Everything that came from AWS is untrusted text
//! and is made safe for where it goes.

pub mod checkup;
pub mod csv;
pub mod eks;
pub mod evidence;
pub mod fields;
pub mod html;
pub mod json;
mod milestones_text;
pub mod plan_text;
pub mod plan_told;
pub mod record;
pub mod rehearsal;
mod roll_out_text;
pub mod run_text;
pub mod safe;
pub mod text;
pub mod view_text;
pub mod views;

/// Major and minor version of the JSON formats; a reader of major 1 can read every 1.x.
pub const FORMAT_VERSION: &str = "1.0";
