//! What runs in the cluster, and what protects it.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_kubernetes::{Labels, ObjectMeta, Pod, PodDisruptionBudget};
use jiff::Timestamp;

use super::Fact;
use crate::suite::Suite;

/// Pods and their controllers.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadFacts {
    /// Pods.
    pub pods: Fact<Vec<Pod>>,
    /// Pod disruption budgets.
    pub budgets: Fact<Vec<PodDisruptionBudget>>,
    /// Deployments and StatefulSets.
    pub workloads: Fact<Vec<Workload>>,
    /// Labels of namespaces, by name.
    pub namespaces: Fact<BTreeMap<String, Labels>>,
    /// Jobs that run, and since when.
    pub jobs: Fact<Vec<RunningJob>>,
    /// Autoscalers and quotas of namespaces that leave no room for one pod more.
    pub tight: Fact<Vec<String>>,
    /// Of the test suites that were asked about, those whose CronJob is there.
    pub suites: Fact<BTreeSet<Suite>>,
}

/// A Deployment or a StatefulSet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Its kind.
    pub kind: String,
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// Replicas that are wanted.
    pub replicas: u32,
    /// Old pods go before new ones come (`Recreate`).
    pub recreates: bool,
    /// Labels of its pods.
    pub pod_labels: Labels,
    /// Seconds for which a pod must be ready before it counts.
    pub min_ready_seconds: u32,
}

/// A Job that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningJob {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// When it began.
    pub started_at: Timestamp,
}
