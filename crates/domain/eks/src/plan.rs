//! The plan of an upgrade: an immutable document that says what is done, by which calls, in which order, and how far
//! back it can be taken at every point.
//!
//! [`make::plan`] makes it from facts, [`checker`] derives its rules from the document alone, [`PlanDocument`] is the
//! file with its digest, [`difference`] compares two.

mod actions;
pub mod addons;
pub mod checker;
pub mod difference;
pub mod document;
mod draft;
pub mod make;
mod nodes;
mod own_groups;
pub mod pool_calls;
mod rollback;
pub mod step;
mod suites;
mod timeouts;
pub mod timing;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use fleetwright_flow::Format;
use fleetwright_kubernetes::{Hop, Minor};
use fleetwright_model::{AccountId, Region};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use difference::{PlanDifference, difference};
pub use document::{PlanDocument, PlanError};
pub use make::{PlanRequest, Refused, plan};
pub use pool_calls::PoolCalls;
pub use step::{Action, Basis, Call, Condition, PlanStep, Reversibility, StepId};
pub use timeouts::Timeouts;

use crate::check::{Severity, Suppression};
use crate::endpoint::Endpoint;
use crate::facts::UnreadCause;
use crate::query::Query;
use crate::suite::Suite;

/// The format that this version writes.
pub const FORMAT: Format = Format { major: 1, minor: 0 };

/// Everything that an upgrade does, decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpgradePlan {
    /// The version of this format.
    pub format: Format,
    /// The fleetwright that made it.
    pub program: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// The cluster.
    pub cluster: PlannedCluster,
    /// The version it is to get.
    pub target: Minor,
    /// The control plane's way, one minor each.
    pub hops: Vec<Hop>,
    /// How it was asked to be made.
    pub options: PlanOptions,
    /// What it was made from, in words, by what it is about: `add-on vpc-cni` → `v1.20.4-eksbuild.2`.
    pub observed: BTreeMap<String, String>,
    /// Findings that are open. With a blocking one the plan is not carried out.
    pub findings: Vec<OpenFinding>,
    /// Findings that nothing is held up by, until the ends of these decisions: the gates hold to them as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suppressions: Vec<Suppression>,
    /// What could not be looked at.
    pub unread: Vec<PlannedGap>,
    /// What the plan leaves as it is, and why.
    pub left_alone: Vec<LeftAlone>,
    /// What is done, in an order in which it can be done one after the other.
    pub steps: Vec<PlanStep>,
    /// The way back of each hop; it serves until the next hop.
    pub rollbacks: Vec<Rollback>,
}

/// Which cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCluster {
    /// Its account.
    pub account: AccountId,
    /// Its region.
    pub region: Region,
    /// Its name. Untrusted text.
    pub name: String,
    /// The version of its control plane.
    pub version: Minor,
    /// The endpoint it was read at: another one is another cluster.
    pub endpoint: String,
}

/// How an upgrade is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanOptions {
    /// The strategy.
    pub strategy: Strategy,
    /// When people are asked.
    pub approvals: Approvals,
    /// Where add-ons are after the last hop.
    pub addons: AddonGoal,
    /// Names of node groups and pools that are replaced in waves of their own, in this order; the others follow
    /// together, as many at once as [`Self::groups_at_once`] says.
    pub first: Vec<String>,
    /// Sets of nodes that are replaced at once at most; 0 is 1.
    pub groups_at_once: u16,
    /// Checks that may block, could not look, and hold nothing up all the same, with the reason of who decided that.
    pub accepted: BTreeMap<String, String>,
    /// CloudWatch alarms of the cluster's account and region that may not go off while it is upgraded, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<String>,
    /// Queries of Prometheus and metrics of CloudWatch that must hold while it is upgraded, each name once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<Query>,
    /// Endpoints that must answer while it is upgraded, each name once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// How long steps may take.
    #[serde(skip_serializing_if = "Timeouts::are_usual")]
    pub timeouts: Timeouts,
    /// Test suites of the user's own that must pass before the first change and after each hop.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suites: Vec<Suite>,
}

/// The strategy of an upgrade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The cluster itself goes up, one minor at a time.
    #[default]
    InPlace,
}

/// A strategy that there is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownStrategy {
    /// One that others have and this program has not.
    #[error("upgrades by a second cluster (blue/green) are not made by this version; use in-place")]
    BlueGreen,
    /// No strategy at all.
    #[error("{0:?} is no strategy of upgrades; use in-place")]
    Other(String),
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(text: &str) -> Result<Self, UnknownStrategy> {
        match text.replace('_', "-").to_ascii_lowercase().as_str() {
            "in-place" | "inplace" => Ok(Self::InPlace),
            "blue-green" | "bluegreen" | "blue/green" => Err(UnknownStrategy::BlueGreen),
            _ => Err(UnknownStrategy::Other(text.chars().take(80).collect())),
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InPlace => f.write_str("in-place"),
        }
    }
}

/// When people are asked. What cannot be taken back is named to them either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approvals {
    /// Before each hop of the control plane: it closes the way back of the hop before.
    #[default]
    EachHop,
    /// Once, before the first change.
    Once,
}

/// Where add-ons are after the last hop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddonGoal {
    /// At the newest version that serves the last hop's both ends: the default where it does.
    #[default]
    NewestReversible,
    /// Wherever the fewest updates lead.
    FewestUpdates,
}

/// A finding that is open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OpenFinding {
    /// The check's code.
    pub code: String,
    /// The hop it is about; none for the cluster as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<Hop>,
    /// How grave it is.
    pub severity: Severity,
    /// What it is about. Untrusted text.
    pub subject: String,
    /// What is wrong.
    pub what: String,
    /// What was read that says so. Untrusted text.
    pub evidence: String,
    /// What to do.
    pub remedy: String,
}

/// Something that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlannedGap {
    /// The check that wanted to.
    pub code: String,
    /// The kind of reason.
    pub cause: UnreadCause,
    /// What was asked, and what was answered. Untrusted text.
    pub detail: String,
    /// The check may block, and nobody accepted that it did not look.
    pub undecided: bool,
}

/// Something that the plan leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftAlone {
    /// What. Untrusted text.
    pub subject: String,
    /// Why, and what to do about it.
    pub why: String,
}

/// The way back of one hop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollback {
    /// The hop that is taken back.
    pub hop: Hop,
    /// Seconds after the hop for which EKS takes it back.
    pub within_seconds: u32,
    /// The step that closes it before that; none where the time alone does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<StepId>,
    /// Nodes first, then add-ons that the older version does not know, then the control plane.
    pub steps: Vec<PlanStep>,
}

/// Whether a plan may be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It may, once it is approved.
    Executable,
    /// Something blocks.
    Blocked,
    /// Checks that may block could not look, and nobody accepted that.
    Undecided,
}

impl UpgradePlan {
    /// Whether it may be carried out.
    pub fn standing(&self) -> Standing {
        if self.blockers().next().is_some() {
            Standing::Blocked
        } else if self.unread.iter().any(|gap| gap.undecided) {
            Standing::Undecided
        } else {
            Standing::Executable
        }
    }

    /// Findings that it is not carried out over.
    pub fn blockers(&self) -> impl Iterator<Item = &OpenFinding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Blocking)
    }

    /// The step with this id.
    pub fn step(&self, id: &StepId) -> Option<&PlanStep> {
        self.steps.iter().find(|step| step.id == *id)
    }

    /// How often nodes are replaced, set by set.
    pub fn node_rolls(&self) -> BTreeMap<&str, usize> {
        let mut rolls = BTreeMap::new();
        for set in self.steps.iter().filter_map(|step| step.action.replaced_nodes()) {
            *rolls.entry(set.0).or_default() += 1;
        }
        rolls
    }
}
