//! What a step of a plan is: the action, its calls, what must hold around it, how long it takes, and its way back.

use std::fmt;

use fleetwright_kubernetes::{Hop, Minor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::facts::nodes::TemplateRef;
use crate::suite::Suite;

/// The name of a step, unique in its plan and the same in every plan that does the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(String);

impl StepId {
    /// The step with this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanStep {
    /// Its name.
    pub id: StepId,
    /// What it does.
    pub action: Action,
    /// Calls it makes, in order; waiting and looking left out.
    pub calls: Vec<Call>,
    /// What must hold before it begins.
    pub before: Vec<Condition>,
    /// What must hold before it has ended.
    pub after: Vec<Condition>,
    /// Seconds it is expected to take; approvals take none.
    pub expected_seconds: u32,
    /// Where that number comes from.
    pub basis: Basis,
    /// Its way back.
    pub reversibility: Reversibility,
    /// Steps whose way back it closes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closes: Vec<StepId>,
    /// Steps that must have ended well before it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<StepId>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Action {
    /// Insights are brought up to date.
    RefreshInsights {
        /// For this hop.
        hop: Hop,
    },
    /// Readiness is judged again, with what is true by then.
    Gate {
        /// For this hop.
        hop: Hop,
    },
    /// People decide.
    Approval {
        /// What they decide about, line by line; what cannot be taken back is among it.
        about: Vec<String>,
    },
    /// The control plane goes one minor up, or on the way back one down.
    ControlPlane {
        /// The version before.
        from: Minor,
        /// The version after.
        to: Minor,
    },
    /// An add-on gets another version.
    Addon {
        /// Its name.
        name: String,
        /// The version before.
        from: String,
        /// The version after.
        to: String,
    },
    /// The nodes of a managed group are replaced.
    ManagedNodes {
        /// The group.
        group: String,
        /// The oldest kubelet before.
        from: Minor,
        /// The version after.
        to: Minor,
        /// How EKS goes about it.
        strategy: crate::facts::nodes::UpdateStrategy,
        /// Nodes out of service at once, as the group says.
        at_once: u32,
    },
    /// The instances of a group of one's own are replaced.
    SelfManagedNodes {
        /// The Auto Scaling group.
        group: String,
        /// The oldest kubelet before.
        from: Minor,
        /// The version after.
        to: Minor,
        /// What they are launched from; none where no version of the group's template has an image of that version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template: Option<TemplateRef>,
    },
    /// A pool of Karpenter is kept from replacing nodes that differ from what they should be.
    HoldPool {
        /// The pool.
        pool: String,
    },
    /// A pool's nodes are replaced: Karpenter may do so again, or Auto Mode does.
    PoolNodes {
        /// The pool.
        pool: String,
        /// The oldest kubelet before.
        from: Minor,
        /// The version after.
        to: Minor,
        /// Nodes out of service at once, wave by wave; each wave waits for the health of the one before. Empty where
        /// EKS decides (Auto Mode).
        waves: Vec<String>,
    },
    /// Fargate pods are evicted, and come back on nodes of the control plane's version.
    FargatePods {
        /// The oldest kubelet before.
        from: Minor,
        /// The version after.
        to: Minor,
        /// The pods, as `namespace/name`. Untrusted texts.
        pods: Vec<String>,
    },
    /// The cluster is compared with what it was before.
    HealthGate {
        /// The control plane's version by then.
        at: Minor,
    },
    /// A test suite of the user's own is run: a Job made of a CronJob.
    Suite {
        /// Which.
        suite: Suite,
        /// The control plane's version by then.
        at: Minor,
    },
}

/// A call that a step makes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "api", rename_all = "kebab-case")]
pub enum Call {
    /// Of AWS.
    Aws {
        /// The service's name in the AWS CLI.
        service: String,
        /// The action, such as `UpdateClusterVersion`.
        action: String,
        /// Its parameters, by their names in the API. `clientRequestToken` is made from the plan's digest and the step.
        parameters: Value,
    },
    /// Of Kubernetes.
    Kubernetes {
        /// How.
        verb: Verb,
        /// The path behind the cluster's endpoint.
        path: String,
        /// The body.
        body: Value,
    },
}

/// Verbs of Kubernetes that plans use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// A JSON patch (RFC 6902).
    Patch,
    /// A POST.
    Create,
    /// A POST of a Job that is made of the template of the CronJob at the path, as `kubectl create job --from` does it.
    CreateJob,
}

/// What must hold around a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Condition {
    /// The cluster is ACTIVE and nothing is being updated.
    AtRest,
    /// The control plane has this version.
    ControlPlaneAt {
        /// The version.
        version: Minor,
    },
    /// No insight of UPGRADE_READINESS is ERROR, and all are younger than the refresh before.
    InsightsClear,
    /// No check that may block finds anything, or could not look.
    NoBlocker {
        /// For this hop.
        hop: Hop,
    },
    /// Somebody who may has approved.
    Approved,
    /// The add-on is ACTIVE, at this version.
    AddonAt {
        /// The add-on.
        name: String,
        /// The version.
        version: String,
    },
    /// The set's nodes are ready, at this version.
    NodesAt {
        /// The set.
        set: String,
        /// The version.
        version: Minor,
    },
    /// No kubelet is newer than this version, nor older than the skew policy allows beside it.
    KubeletsWithin {
        /// The control plane's version.
        control_plane: Minor,
    },
    /// What makes the set's nodes (a launch template, a node class) names an image of this version, and nodes are
    /// drained when they go.
    ImageOf {
        /// The set.
        set: String,
        /// The version.
        version: Minor,
    },
    /// Nodes are ready, workloads as available as before, webhooks answer, and what is measured is within its baseline.
    AsHealthyAsBefore,
    /// The Job of the test suite is complete.
    SuitePassed {
        /// Which suite.
        suite: Suite,
    },
}

/// Where an expected duration comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum Basis {
    /// What the step takes in most clusters; nothing was learnt yet.
    Usual,
    /// Batches of nodes, at so many seconds each.
    Batches {
        /// Nodes.
        nodes: u32,
        /// At once.
        at_once: u32,
        /// Seconds for each batch.
        seconds: u32,
    },
    /// People decide how long it takes.
    People,
}

/// How a step can be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reversibility {
    /// It changes nothing.
    NothingToUndo,
    /// It can be taken back.
    Reversible {
        /// By what.
        how: String,
        /// Seconds after its end until which that is possible; none where the time sets no end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within_seconds: Option<u32>,
        /// What stays changed all the same; empty where nothing does.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        remains: String,
    },
    /// It cannot be taken back.
    Irreversible {
        /// What is lost.
        lost: String,
    },
}

impl Action {
    /// What it is about, as in [`crate::plan::UpgradePlan::observed`].
    pub fn subject(&self) -> String {
        match self {
            Self::RefreshInsights { .. }
            | Self::Gate { .. }
            | Self::Approval { .. }
            | Self::HealthGate { .. } => "cluster".to_owned(),
            Self::ControlPlane { .. } => "control plane".to_owned(),
            Self::Addon { name, .. } => format!("add-on {name}"),
            Self::ManagedNodes { group, .. } => format!("node group {group}"),
            Self::SelfManagedNodes { group, .. } => format!("Auto Scaling group {group}"),
            Self::HoldPool { pool } | Self::PoolNodes { pool, .. } => format!("node pool {pool}"),
            Self::FargatePods { .. } => "Fargate pods".to_owned(),
            Self::Suite { suite, .. } => format!("test suite {suite}"),
        }
    }

    /// The set of nodes that it replaces, the oldest kubelet before, and the version after.
    pub fn replaced_nodes(&self) -> Option<(&str, Minor, Minor)> {
        match self {
            Self::ManagedNodes { group: set, from, to, .. }
            | Self::SelfManagedNodes { group: set, from, to, .. }
            | Self::PoolNodes { pool: set, from, to, .. } => Some((set, *from, *to)),
            Self::FargatePods { from, to, .. } => Some(("Fargate", *from, *to)),
            _ => None,
        }
    }

    /// What it does, on a line. Untrusted names are in it as they are.
    pub fn told(&self) -> String {
        match self {
            Self::RefreshInsights { hop } => format!("refresh the insights, for {hop}"),
            Self::Gate { hop } => format!("judge readiness again, for {hop}"),
            Self::Approval { .. } => "approval".to_owned(),
            Self::ControlPlane { from, to } => format!("control plane {from} → {to}"),
            Self::Addon { name, from, to } => format!("add-on {name} {from} → {to}"),
            Self::ManagedNodes { group, from, to, strategy, at_once } => {
                format!("node group {group} {from} → {to}, {}, {at_once} at once", strategy.as_str())
            }
            Self::SelfManagedNodes { group, from, to, template: None } => {
                format!("Auto Scaling group {group} {from} → {to}, by an instance refresh")
            }
            Self::SelfManagedNodes { group, from, to, template: Some(template) } => {
                format!("Auto Scaling group {group} {from} → {to}, by an instance refresh with {template}")
            }
            Self::HoldPool { pool } => format!("node pool {pool}: hold drift back"),
            Self::PoolNodes { pool, from, to, waves } if waves.is_empty() => {
                format!("node pool {pool} {from} → {to}, by Auto Mode")
            }
            Self::PoolNodes { pool, from, to, waves } => {
                format!("node pool {pool} {from} → {to}, by drift in waves of {}", waves.join(", "))
            }
            Self::FargatePods { from, to, pods } => {
                format!("Fargate pods {from} → {to}, {} evicted", pods.len())
            }
            Self::HealthGate { at } => format!("compare the cluster's health with before, at {at}"),
            Self::Suite { suite, at } => format!("test suite {suite}, at {at}"),
        }
    }
}

impl Condition {
    /// On a line. Untrusted names are in it as they are.
    pub fn told(&self) -> String {
        match self {
            Self::AtRest => "the cluster is ACTIVE and nothing is being updated".to_owned(),
            Self::ControlPlaneAt { version } => format!("the control plane has {version}"),
            Self::InsightsClear => "no insight into the upgrade says ERROR, and all are fresh".to_owned(),
            Self::NoBlocker { hop } => format!("no check blocks {hop}, and none that may could not look"),
            Self::Approved => "it is approved".to_owned(),
            Self::AddonAt { name, version } => format!("add-on {name} is ACTIVE at {version}"),
            Self::NodesAt { set, version } => format!("the nodes of {set} are ready, with {version}"),
            Self::KubeletsWithin { control_plane } => {
                format!("every kubelet may serve beside a control plane {control_plane}")
            }
            Self::ImageOf { set, version } => {
                format!("what makes the nodes of {set} names an image of {version}, and drains them when they go")
            }
            Self::AsHealthyAsBefore => {
                "nodes are ready, workloads as available as before, webhooks answer, measures within their baseline"
                    .to_owned()
            }
            Self::SuitePassed { suite } => format!("the Job of test suite {suite} is complete"),
        }
    }
}

impl Call {
    /// The call's name, such as `eks:UpdateClusterVersion`.
    pub fn name(&self) -> String {
        match self {
            Self::Aws { service, action, .. } => format!("{service}:{action}"),
            Self::Kubernetes { verb: Verb::Patch, path, .. } => format!("PATCH {path}"),
            Self::Kubernetes { verb: Verb::Create, path, .. } => format!("POST {path}"),
            Self::Kubernetes { verb: Verb::CreateJob, path, .. } => format!("POST a Job of {path}"),
        }
    }
}

impl Basis {
    /// On a line.
    pub fn told(&self) -> String {
        match self {
            Self::Usual => "usual".to_owned(),
            Self::Batches { nodes, at_once, seconds } => {
                format!("{nodes} nodes, {at_once} at once, {seconds} s each time")
            }
            Self::People => "as long as people take".to_owned(),
        }
    }
}
