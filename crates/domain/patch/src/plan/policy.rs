//! How each phase is carried out; complete, so that a run does not depend on files that may change.

use fleetwright_host::{LoadLimits, LoadPace, Thresholds};
use fleetwright_model::Text;
use serde::{Deserialize, Serialize};

/// Everything the steps are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Images.
    pub backup: BackupPolicy,
    /// Starting stopped instances.
    pub start: StartPolicy,
    /// Checks before patching.
    pub precheck: PrecheckPolicy,
    /// Taking hosts out of service and back; none leaves load balancers and groups alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<DrainPolicy>,
    /// Installing.
    pub patch: PatchPolicy,
    /// Rebooting.
    pub reboot: RebootPolicy,
    /// Proof afterwards.
    pub validate: ValidatePolicy,
    /// The way back.
    pub rollback: RollbackPolicy,
}

/// How images are made and kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupPolicy {
    /// Days they are kept; at least 1.
    pub retention_days: u32,
    /// True restarts instances for consistent images.
    pub reboot: bool,
    /// True deletes images and snapshots past their retention at the end.
    pub clean_up: bool,
}

/// How stopped instances are started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartPolicy {
    /// Seconds until the status checks must pass.
    pub wait_seconds: u32,
    /// Seconds after that until the agent must answer.
    pub agent_seconds: u32,
}

/// What must hold before a host is patched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrecheckPolicy {
    /// False collects the evidence and judges nothing: the phase is left out, the evidence is still
    /// needed.
    pub judge: bool,
    /// Limits of disks, memory and load.
    pub thresholds: Thresholds,
    /// Services that must be active on every host.
    pub services: Vec<Text>,
    /// Security agents of which one must be active; empty asks for none.
    pub security_agents: Vec<Text>,
    /// Agents older than this are updated once before the host is given up.
    pub min_agent_version: Text,
    /// True updates an agent that is too old, once.
    pub remedy_agent: bool,
}

/// How hosts are taken out of service and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainPolicy {
    /// Seconds until a host must have let go of its requests.
    pub wait_seconds: u32,
    /// Seconds until it must be healthy again where it was before.
    pub return_seconds: u32,
}

/// How patches are installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchPolicy {
    /// What Patch Manager is asked to do.
    pub operation: Operation,
    /// The document: `AWS-RunPatchBaseline`, its form with hooks, or one that takes the same
    /// parameters.
    pub document: Text,
    /// Parameters beside those every document is given, such as the names of hooks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<(Text, Text)>,
    /// One id for the whole run, so that every host installs from the same snapshot of approved
    /// patches (SSM user guide, `SnapshotId`; it lives three days).
    pub snapshot: Text,
    /// Seconds the installation may take on a host: 300 to 7,200.
    pub execution_seconds: u32,
    /// Seconds an agent may take to receive a command: at least 30.
    pub delivery_seconds: u32,
}

/// What Patch Manager is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Look which patches are missing.
    Scan,
    /// Install them.
    Install,
}

/// Whether and how hosts are rebooted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RebootPolicy {
    /// When.
    pub strategy: RebootStrategy,
    /// Seconds until the host must be back: status checks, agent, boot id.
    pub wait_seconds: u32,
}

/// When hosts are rebooted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RebootStrategy {
    /// Where the operating system's own evidence says so, or says nothing.
    Conditional,
    /// Always.
    Force,
    /// Never.
    Skip,
}

/// What must hold after patching.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidatePolicy {
    /// Whether status checks and health endpoints must pass.
    pub health_checks: bool,
    /// Whether the agent must answer with a ping newer than the reboot.
    pub ssm_ping: bool,
    /// Seconds until a host must be well.
    pub wait_seconds: u32,
    /// CPU utilisation may rise by this many percentage points over its mean before; none does not
    /// look.
    pub cpu_rise_points: Option<u32>,
    /// CloudWatch alarms that must not be in alarm.
    pub alarms: Vec<Text>,
    /// Metrics that are compared with before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MetricTolerance>,
    /// The load test; none makes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadPolicy>,
    /// A document of the organisation's own that must end with exit code 0 on every host; it takes no
    /// parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_document: Option<Text>,
}

/// How far the mean of a metric of a host may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricTolerance {
    /// The metric, with `NAMESPACE:` before it where it is not of `AWS/EC2`.
    pub metric: Text,
    /// Percent by which it may change.
    pub percent: u32,
    /// Which change is for the worse.
    pub worse: MetricChange,
}

/// Which change of a metric is for the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricChange {
    /// That it rises.
    Rise,
    /// That it falls.
    Fall,
}

impl MetricTolerance {
    /// Whether a mean is beyond the tolerance; none where there was nothing before that it could be a share
    /// of.
    pub fn is_exceeded(&self, before: f64, after: f64) -> Option<bool> {
        if before.is_nan() || before <= 0.0 || !after.is_finite() {
            return None;
        }
        let change = (after - before) * 100.0 / before;
        let percent = f64::from(self.percent);
        Some(match self.worse {
            MetricChange::Rise => change > percent,
            MetricChange::Fall => -change > percent,
        })
    }
}

/// How hosts that name endpoints are put under load, before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadPolicy {
    /// Requests of each endpoint: 1 to 2,000.
    pub requests: u32,
    /// How fast, and for how long.
    #[serde(default)]
    pub pace: LoadPace,
    /// How much worse an endpoint may be than before.
    pub limits: LoadLimits,
}

/// The way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackPolicy {
    /// True restores a host by itself when it does not come back or is worse than before.
    pub automatic: bool,
    /// How.
    pub way: RollbackWay,
    /// Seconds until a restored host must be well.
    pub wait_seconds: u32,
}

/// How a host is restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackWay {
    /// The root volume is replaced: id, addresses, role and data volumes stay.
    ReplaceRoot,
    /// A new instance is launched from the image; the old one is stopped and kept.
    NewInstance,
}
