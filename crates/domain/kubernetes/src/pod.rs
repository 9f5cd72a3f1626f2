//! Pods, as far as it matters where they may run and whether they may go.

use serde::{Deserialize, Serialize};

use crate::object::{Labels, ObjectMeta};
use crate::quantity::Resources;
use crate::selector::{LabelSelector, Requirement};
use crate::taint::Toleration;

/// Where a pod is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Accepted; not all containers have started.
    #[default]
    Pending,
    /// Containers run, or start again.
    Running,
    /// All containers ended well, and will not start again.
    Succeeded,
    /// All containers ended, one of them badly.
    Failed,
    /// Its node does not answer.
    Unknown,
}

/// A pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Pod {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// The node it runs on.
    pub node: Option<String>,
    /// Where it is in its life.
    pub phase: Phase,
    /// It is ready to serve.
    pub ready: bool,
    /// A container waits to be started again after failing (`CrashLoopBackOff`).
    pub crash_looping: bool,
    /// What it asks of its node ([`crate::quantity::pod_requests`]).
    pub requests: Resources,
    /// Labels its node must have.
    pub node_selector: Labels,
    /// Terms of the required node affinity, of which one must hold; empty where there is none.
    pub node_affinity: Vec<Vec<Requirement>>,
    /// Required pod affinity: each term must hold.
    pub pod_affinity: Vec<AffinityTerm>,
    /// Required pod anti-affinity: no term may hold.
    pub pod_anti_affinity: Vec<AffinityTerm>,
    /// Topology spread constraints with `DoNotSchedule`.
    pub topology_spread: Vec<TopologySpread>,
    /// What it tolerates.
    pub tolerations: Vec<Toleration>,
    /// Seconds it is given to end.
    pub grace_seconds: i64,
    /// Its volumes that matter.
    pub volumes: Vec<Volume>,
    /// Images of its containers, init containers included.
    pub images: Vec<String>,
    /// It has a readiness probe, or needs none.
    pub readiness_probe: bool,
}

impl Default for Pod {
    fn default() -> Self {
        Self {
            metadata: ObjectMeta::default(),
            node: None,
            phase: Phase::default(),
            ready: false,
            crash_looping: false,
            requests: Resources::new(),
            node_selector: Labels::new(),
            node_affinity: Vec::new(),
            pod_affinity: Vec::new(),
            pod_anti_affinity: Vec::new(),
            topology_spread: Vec::new(),
            tolerations: Vec::new(),
            // What Kubernetes sets where nothing is said.
            grace_seconds: 30,
            volumes: Vec::new(),
            images: Vec::new(),
            readiness_probe: true,
        }
    }
}

/// A term of pod affinity or anti-affinity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AffinityTerm {
    /// Which pods; `None` selects none.
    pub selector: Option<LabelSelector>,
    /// In which namespaces.
    pub namespaces: Namespaces,
    /// The label of nodes that makes them one place.
    pub topology_key: String,
}

/// Namespaces in which a term looks for pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Namespaces {
    /// The pod's own.
    Own,
    /// Those named, and those that the selector finds.
    Chosen {
        /// By name.
        named: Vec<String>,
        /// By their labels; an empty selector finds all.
        selected: Option<LabelSelector>,
    },
}

/// A topology spread constraint that forbids placement (`whenUnsatisfiable: DoNotSchedule`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopologySpread {
    /// By how many pods a place may lead the emptiest; at least 1.
    pub max_skew: usize,
    /// The label of nodes that makes them one place.
    pub topology_key: String,
    /// Which pods are counted.
    pub selector: LabelSelector,
    /// With fewer places than these, the emptiest counts as having no pods.
    pub min_domains: usize,
}

/// A volume that ties a pod to somewhere, or loses data when it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Volume {
    /// A directory of the node.
    HostPath(String),
    /// A directory that goes with the pod.
    EmptyDir {
        /// It lies in memory.
        memory: bool,
    },
    /// A claim on a volume.
    Claim {
        /// The claim's name.
        name: String,
        /// What the volume behind it is bound to.
        bound_to: Binding,
    },
    /// A clone of a repository, which Kubernetes 1.36 switches off.
    GitRepo,
}

/// Where a persistent volume can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Binding {
    /// From everywhere.
    Anywhere,
    /// Within these zones only.
    Zones(Vec<String>),
    /// On one node only: a local volume.
    Node,
}

impl Pod {
    /// Whether it takes up room on its node.
    pub fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }

    /// Whether a DaemonSet manages it: a drain leaves it where it is.
    pub fn of_daemon_set(&self) -> bool {
        self.metadata.controller().is_some_and(|owner| owner.kind == "DaemonSet")
    }

    /// Whether it stands for a pod that the kubelet reads from a file: it cannot be evicted.
    pub fn is_mirror(&self) -> bool {
        self.metadata.annotations.contains_key("kubernetes.io/config.mirror")
    }

    /// Whether a drain evicts it.
    pub fn is_evicted_by_drain(&self) -> bool {
        self.is_active() && !self.of_daemon_set() && !self.is_mirror()
    }
}
