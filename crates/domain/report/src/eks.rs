//! What people and pipelines read of an EKS cluster's readiness (text, JSON, Markdown, SARIF and JUnit) and of the plan of
//! its upgrade (text, runbook, differences; its JSON is the plan's own file), and of the run of one (text, JSON, Markdown,
//! HTML and JUnit).
//!
//! "Could not check" is told apart from "nothing found" in every one of them.

mod commands;
mod grouped;
mod headline;
pub mod json;
pub mod json_schema;
pub mod junit;
pub mod markdown;
mod outline;
pub mod plan;
pub mod plan_difference;
pub mod run;
mod run_html;
mod run_junit;
pub mod runbook;
pub mod sarif;
pub mod text;

use fleetwright_eks::Assessment;
use fleetwright_kubernetes::{ApiTable, Hop, Minor};
use fleetwright_model::{AccountId, Region};
use jiff::Timestamp;

pub use headline::headline;

/// An assessment, and what it was made of.
#[derive(Clone, Debug)]
pub struct Assessed<'a> {
    /// Version of fleetwright.
    pub program: &'a str,
    /// The cluster.
    pub cluster: ClusterName<'a>,
    /// The version of its control plane.
    pub version: Minor,
    /// The way that was asked about, hop by hop.
    pub route: &'a [Hop],
    /// When the cluster had been read: findings are as old as that.
    pub at: Timestamp,
    /// What the checks said.
    pub assessment: &'a Assessment,
}

/// Which cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterName<'a> {
    /// Its account.
    pub account: &'a AccountId,
    /// Its region.
    pub region: &'a Region,
    /// Its name. Untrusted text.
    pub name: &'a str,
}

/// How fresh the table of APIs is that uses were judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TableAge {
    /// The newest minor version that it knows.
    newest: Minor,
    /// The day on which its oldest row was read, `YYYY-MM-DD`.
    read_on: &'static str,
}

impl TableAge {
    /// Of the table that comes with the program.
    fn bundled() -> Self {
        let table = ApiTable::bundled();
        let read_on = table.rows().iter().map(|row| row.read_on).min().unwrap_or("");
        Self { newest: table.newest_minor(), read_on }
    }

    /// On a line for people.
    fn told(self) -> String {
        format!("table of APIs up to Kubernetes {}, read on {}", self.newest, self.read_on)
    }
}

impl Assessed<'_> {
    /// The version that the way leads to.
    fn target(&self) -> Minor {
        self.route.last().map_or(self.version, |hop| hop.to)
    }

    /// The way on a line: `1.33 → 1.34 → 1.35`.
    fn way(&self) -> String {
        let stops = std::iter::once(self.version).chain(self.route.iter().map(|hop| hop.to));
        stops.map(|minor| minor.to_string()).collect::<Vec<_>>().join(" → ")
    }

    /// The newest version of the way, where the table of APIs does not reach as far.
    fn beyond_table(&self) -> Option<Minor> {
        Some(self.target()).filter(|target| *target > TableAge::bundled().newest)
    }
}
