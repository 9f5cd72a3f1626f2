//! EC2 patching rules: which instances are meant, what is known of each, and whether it can be
//! patched.
//!
//! Pure: facts in, judgements out. [`inventory::Inventory`] is the record of a scan that reports
//! and, later, plans are made from.

pub mod checkup;
pub mod eligibility;
pub mod inventory;
pub mod labels;
pub mod milestones;
pub mod outcome;
pub mod pattern;
pub mod plan;
pub mod platform;
pub mod selection;
pub mod summary;

pub use eligibility::{AgentVersion, Finding, Judgement, Rules, Verdict, Weight};
pub use fleetwright_model::LabelKeys;
pub use inventory::{CellRead, Host, Inventory, Listing, Observations, Outcome, SkippedZone};
pub use labels::{Criticality, Labels};
pub use pattern::{InvalidPattern, Patterns};
pub use plan::{PatchPlan, PlanDocument, PlannedHost, Policy};
pub use platform::{Distribution, Platform};
pub use selection::{Filters, Selection};
pub use summary::Summary;
