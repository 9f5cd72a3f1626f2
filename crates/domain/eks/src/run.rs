//! An upgrade on its way: plans of clusters made into what the kernel walks.
//!
//! Every step of a plan becomes a target of the kernel, waiting for the targets of the steps it needs; approvals become
//! gates of stages, and rings of a fleet become stages. [`lower`] makes it; from then on the document is what is kept,
//! resumed and reported on: another version of the program walks the same targets.

mod lower;
pub mod outcome;
mod recipes;
mod token;

use fleetwright_flow::{Document, Format, Plan, Sealed, StageId, TargetId};
use fleetwright_kubernetes::Hop;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use lower::{Member, NotRun, Ring, RunRequest, upgrade, way_back};
pub use recipes::step_name;
pub use token::client_token;

use crate::plan::{PlanStep, StepId, UpgradePlan, checker};

/// A run with its digest.
pub type RunDocument = Document<UpgradeRun>;

/// What a run of upgrades does, decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpgradeRun {
    /// The version of this format.
    pub format: Format,
    /// The fleetwright that made it.
    pub program: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// What it is for.
    pub purpose: Purpose,
    /// The clusters, in the order in which they are begun.
    pub clusters: Vec<RunCluster>,
    /// What the kernel walks.
    pub flow: Plan,
    /// What each of the kernel's targets is, in the same order.
    pub work: Vec<Work>,
    /// What is decided at the gates of stages.
    pub asked: Vec<Asked>,
}

/// What a run is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Purpose {
    /// Clusters go up.
    Upgrade,
    /// The last hop of another run is taken back.
    WayBack {
        /// That run's name.
        of: String,
        /// The hop.
        hop: Hop,
    },
}

/// A cluster of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunCluster {
    /// The ring that it is in; empty where there are no rings. Untrusted text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ring: String,
    /// The digest of its plan, as it was shown.
    pub digest: String,
    /// The plan.
    pub plan: UpgradePlan,
}

/// What a target is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The cluster, by its place in [`UpgradeRun::clusters`].
    pub cluster: u16,
    /// What is done.
    pub task: Task,
}

/// What is done to a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Task {
    /// What it is compared with later is kept.
    Baseline,
    /// A step of its plan.
    Step {
        /// Which.
        id: StepId,
    },
    /// A step of the way back over a hop.
    Back {
        /// The hop.
        hop: Hop,
        /// Which.
        id: StepId,
    },
    /// It proves itself for a time before the next ring begins.
    Soak {
        /// Seconds.
        seconds: u32,
    },
}

/// What is decided at the gate of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The stage.
    pub stage: StageId,
    /// Line by line; what cannot be taken back is among it. Untrusted names are in it.
    pub about: Vec<String>,
}

impl UpgradeRun {
    /// The format that this version writes.
    pub const FORMAT: Format = Format { major: 1, minor: 0 };

    /// The cluster that a target is of.
    pub fn cluster_of(&self, target: TargetId) -> Option<&RunCluster> {
        self.clusters.get(usize::from(self.work.get(target.index())?.cluster))
    }

    /// The step of a plan that a target is; none for what the run adds.
    pub fn step_of(&self, target: TargetId) -> Option<&PlanStep> {
        let work = self.work.get(target.index())?;
        let plan = &self.clusters.get(usize::from(work.cluster))?.plan;
        match &work.task {
            Task::Step { id } => plan.step(id),
            Task::Back { hop, id } => {
                let back = plan.rollbacks.iter().find(|back| back.hop == *hop)?;
                back.steps.iter().find(|step| step.id == *id)
            }
            Task::Baseline | Task::Soak { .. } => None,
        }
    }

    /// What is decided at the gate of a stage.
    pub fn asked_at(&self, stage: StageId) -> &[String] {
        self.asked.iter().find(|asked| asked.stage == stage).map_or(&[], |asked| asked.about.as_slice())
    }
}

impl Sealed for UpgradeRun {
    const MEMBER: &'static str = "upgrade_run";
    const CALLED: &'static str = "a run of upgrades";
    const FORMAT: Format = Self::FORMAT;

    /// Plans that keep their rules, one piece of work for each target, each a step that there is.
    fn check(&self) -> Result<(), String> {
        for cluster in &self.clusters {
            if let Some(violation) = checker::check(&cluster.plan).first() {
                return Err(violation.to_string());
            }
        }
        let (targets, work) = (self.flow.targets.len(), self.work.len());
        if targets != work {
            return Err(format!("{targets} targets and {work} pieces of work"));
        }
        for (target, work) in (0..).map(TargetId).zip(&self.work) {
            if usize::from(work.cluster) >= self.clusters.len() {
                return Err(format!("work[{}].cluster: there is no cluster {}", target.0, work.cluster));
            }
            let names_a_step = matches!(work.task, Task::Step { .. } | Task::Back { .. });
            if names_a_step && self.step_of(target).is_none() {
                return Err(format!("work[{}].task: its plan has no such step", target.0));
            }
        }
        self.flow.check().map_err(|error| error.to_string())
    }
}
