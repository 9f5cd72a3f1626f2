//! Whether nodes can be drained in time: who would block, why, and the smallest change that helps.

mod help;
mod simulation;

use std::borrow::Cow;
use std::collections::BTreeMap;

use fleetwright_kubernetes::{Labels, Node, ObjectRef, Pod, PodDisruptionBudget};
use serde::Serialize;

/// What is drained, and in which order.
#[derive(Clone, Debug)]
pub struct DrainQuestion<'a> {
    /// Nodes.
    pub nodes: Cow<'a, [Node]>,
    /// Pods.
    pub pods: Cow<'a, [Pod]>,
    /// Budgets, with their counts as they are now.
    pub budgets: Cow<'a, [PodDisruptionBudget]>,
    /// Labels of namespaces.
    pub namespaces: Cow<'a, BTreeMap<String, Labels>>,
    /// Names of nodes that are drained together, wave by wave. After a wave each of its nodes has been replaced by an
    /// empty one like it, and all pods that found a place are healthy: the gate between waves waits for that.
    pub waves: Cow<'a, [Vec<String>]>,
    /// Nodes that stand beside the others from the beginning, each like the node that is named.
    pub surge: Vec<String>,
    /// Seconds from a pod's placement until it is ready.
    pub start_seconds: i64,
    /// Seconds that the drain of a node may take; EKS gives 15 minutes.
    pub limit_seconds: i64,
}

/// What a drain would come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DrainAnswer {
    /// What happens, wave by wave.
    pub waves: Vec<Wave>,
    /// Pods that stop it. Each wave is judged as if those before it had been helped.
    pub blocked: Vec<Blocked>,
}

/// What happens in one wave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Wave {
    /// Evictions that are granted, in order.
    pub evictions: Vec<Evicted>,
    /// Seconds until the last pod has ended, every pod taking all of its grace period.
    pub seconds: i64,
}

/// A pod that is evicted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evicted {
    /// Which, as an index into the question's pods.
    pub pod: usize,
    /// When, in seconds from the beginning of the wave.
    pub at_seconds: i64,
}

/// A pod that stops a drain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blocked {
    /// The pod.
    pub pod: ObjectRef,
    /// The node that cannot be drained because of it.
    pub node: String,
    /// The wave, from 0.
    pub wave: usize,
    /// Why.
    pub cause: Cause,
    /// The smallest change after which none of the pods that are blocked for the same cause blocks any more; tried
    /// out. `None` where none of those that are known helps by itself.
    pub help: Option<Change>,
}

/// Why a pod stops a drain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Several budgets cover it: its eviction is always refused.
    SeveralBudgets(Vec<ObjectRef>),
    /// Its budget wants as many healthy pods as there are.
    NeverAllowed(ObjectRef),
    /// Its budget waits for pods that are not healthy, and nothing here makes them so.
    UnhealthyPods(ObjectRef),
    /// Its budget waits for pods that were evicted and find no place.
    PodsWithoutPlace {
        /// The budget.
        budget: ObjectRef,
        /// The pods.
        waiting: Vec<ObjectRef>,
    },
    /// Its budget lets pods go one after another, and not all within the limit.
    TooSlow(ObjectRef),
    /// It may take longer to end than the limit allows.
    GraceTooLong {
        /// What it is given to end, in seconds.
        seconds: i64,
    },
    /// It tolerates the cordon, and comes back to the node.
    ComesBack,
    /// It finds no place, not even after the wave.
    NoPlace {
        /// Why, in words.
        reasons: Vec<String>,
    },
}

/// A change that may help.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Leave the pod under this budget only.
    KeepOneBudget(ObjectRef),
    /// Let the budget allow so many disruptions more, or run so many replicas more.
    AllowMore {
        /// The budget.
        budget: ObjectRef,
        /// How many more.
        by: i32,
    },
    /// Set `unhealthyPodEvictionPolicy: AlwaysAllow`.
    AllowUnhealthy(ObjectRef),
    /// Add a node like this one before the drain.
    AddNode {
        /// The node to be like.
        like: String,
    },
    /// Lower the pod's grace period to this.
    ShortenGrace {
        /// Seconds.
        to_seconds: i64,
    },
    /// Take the toleration of every taint from the pod.
    NarrowToleration,
}

/// Drains in thought, and says who blocks.
pub fn drain(question: &DrainQuestion<'_>) -> DrainAnswer {
    let (waves, stuck) = simulation::simulate(question);
    let mut groups: BTreeMap<&Cause, Vec<&simulation::Stuck>> = BTreeMap::new();
    stuck.iter().for_each(|stuck| groups.entry(&stuck.cause).or_default().push(stuck));
    let help: BTreeMap<&Cause, Option<Change>> =
        groups.into_iter().map(|(cause, group)| (cause, help::smallest(question, &group))).collect();
    let blocked = stuck.iter().map(|stuck| Blocked {
        pod: question.pods[stuck.pod].metadata.reference("Pod"),
        node: stuck.node.clone(),
        wave: stuck.wave,
        cause: stuck.cause.clone(),
        help: help.get(&stuck.cause).cloned().flatten(),
    });
    DrainAnswer { blocked: blocked.collect(), waves }
}
