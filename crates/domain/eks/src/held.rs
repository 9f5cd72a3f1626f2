//! What holds nodes that are to go, and what to do about it: each on a line, whoever takes the nodes away.
//!
//! Sources: Kubernetes, "API-initiated Eviction" and the disruption controller; karpenter.sh, "Disruption", version 1; EKS
//! User Guide, "Understand each phase of node updates". Names are untrusted texts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use fleetwright_kubernetes::disruption::{Eviction, eviction};
use fleetwright_kubernetes::fit::{Placement, reasons};
use fleetwright_kubernetes::pod::Phase;
use fleetwright_kubernetes::{
    Effect, IntOrPercent, Minor, Node, ObjectRef, Pod, PodDisruptionBudget, Quantity, Taint,
};

use crate::facts::{Facts, Workload};
use crate::maker::{Maker, maker};

/// What keeps Karpenter from disrupting a node, on the node or on a pod there.
const DO_NOT_DISRUPT: &str = "karpenter.sh/do-not-disrupt";
/// The taint of a node that Karpenter is taking away.
const DISRUPTED: &str = "karpenter.sh/disrupted";
/// The name of Karpenter's Deployment, as its chart has it.
const CONTROLLER: &str = "karpenter";

/// Who takes nodes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drainer {
    /// EKS, or whoever evicts pod after pod.
    Evictions,
    /// Karpenter, which does not begin with a node that annotations keep.
    Karpenter,
}

/// Something that holds nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// A pod does not leave its node.
    Pod {
        /// The pod.
        pod: ObjectRef,
        /// Its node.
        node: String,
        /// Why it stays.
        why: Why,
    },
    /// A node is annotated not to be disrupted.
    Node(String),
    /// A node that is to take the place of another is not ready.
    NotReady(String),
    /// The limit of a pool leaves no room for another node.
    Limit {
        /// The pool.
        pool: String,
        /// Processors that it leaves.
        vcpus: u32,
    },
    /// The budgets of a pool let no node go.
    PoolBudget(String),
    /// Nobody replaces the nodes of pools: no pod of Karpenter is ready.
    NoController(ObjectRef),
}

/// Why a pod stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is annotated not to be disrupted.
    Annotated,
    /// Its budget wants as many healthy pods as there can be.
    Never(Refusal),
    /// Its budget waits for pods that are not healthy.
    Unhealthy(Refusal),
    /// Its budget waits for a pod that finds no node.
    WithoutPlace {
        /// The budget.
        refusal: Refusal,
        /// The pod that waits.
        waiting: ObjectRef,
        /// Why no node takes it, each once.
        reasons: Vec<String>,
    },
    /// Several budgets cover it: its eviction is always refused.
    SeveralBudgets(Vec<ObjectRef>),
    /// Its budget counts by controllers, and it has none.
    WithoutController(Refusal),
    /// What the server answered; nothing more is known.
    Refused(String),
    /// It is not among the pods of the plan, which are all that is evicted.
    Unplanned,
}

/// A budget that allows no eviction, with its counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The budget.
    pub budget: ObjectRef,
    /// Healthy pods now.
    pub healthy: i32,
    /// Healthy pods that it wants.
    pub wanted: i32,
}

impl Held {
    /// The pod that it is about; none where it is about a node or a pool.
    pub fn pod(&self) -> Option<&ObjectRef> {
        match self {
            Self::Pod { pod, .. } => Some(pod),
            _ => None,
        }
    }
}

/// Pods and annotations that hold these nodes; nothing where pods, nodes or budgets are not known.
pub fn held(facts: &Facts, drainer: Drainer, is_going: impl Fn(&Node) -> bool) -> Vec<Held> {
    let (Some(nodes), Some(pods), Some(budgets)) =
        (facts.nodes.nodes.known(), facts.workloads.pods.known(), facts.workloads.budgets.known())
    else {
        return Vec::new();
    };
    let going: BTreeMap<&str, &Node> =
        nodes.iter().filter(|node| is_going(node)).map(|node| (node.metadata.name.as_str(), node)).collect();
    let mut found = Vec::new();
    if drainer == Drainer::Karpenter {
        let kept = going.values().filter(|node| is_annotated(&node.metadata.annotations));
        found.extend(kept.map(|node| Held::Node(node.metadata.name.clone())));
    }
    for pod in pods.iter().filter(|pod| pod.is_evicted_by_drain()) {
        let Some(node) = pod.node.as_deref().filter(|node| going.contains_key(node)) else { continue };
        let why = match drainer {
            Drainer::Karpenter if is_annotated(&pod.metadata.annotations) => Some(Why::Annotated),
            Drainer::Karpenter if stays_behind(pod) => None,
            _ => refused(facts, pod, budgets),
        };
        let reference = pod.metadata.reference("Pod");
        found.extend(why.map(|why| Held::Pod { pod: reference, node: node.to_owned(), why }));
    }
    found
}

/// Pods on Fargate's nodes of another version that a plan, which names its pods as `namespace/name`, does not evict.
pub fn unplanned(facts: &Facts, planned: &[String], version: Minor) -> Vec<Held> {
    let (Some(nodes), Some(pods)) = (facts.nodes.nodes.known(), facts.workloads.pods.known()) else {
        return Vec::new();
    };
    let is_old = |node: &&Node| maker(node) == Maker::Fargate && node.kubelet != version;
    let old: BTreeSet<&str> = nodes.iter().filter(is_old).map(|node| node.metadata.name.as_str()).collect();
    let is_planned = |pod: &Pod| {
        let name = format!("{}/{}", pod.metadata.namespace, pod.metadata.name);
        planned.contains(&name)
    };
    let others = pods.iter().filter(|pod| pod.is_active() && !pod.metadata.deleting && !is_planned(pod));
    let found = others.filter_map(|pod| {
        let node = pod.node.as_deref().filter(|node| old.contains(node))?.to_owned();
        Some(Held::Pod { pod: pod.metadata.reference("Pod"), node, why: Why::Unplanned })
    });
    found.collect()
}

/// What keeps Karpenter from replacing any node of a pool, and new nodes of the pool that do not get ready.
pub fn held_pool(facts: &Facts, pool: &str, version: Minor) -> Vec<Held> {
    let nodes = facts.nodes.nodes.known().map(Vec::as_slice).unwrap_or_default();
    let own: Vec<&Node> = nodes.iter().filter(|node| maker(node) == Maker::Pool(pool)).collect();
    let late = own.iter().filter(|node| node.kubelet == version && !node.ready);
    let mut found: Vec<Held> = late.map(|node| Held::NotReady(node.metadata.name.clone())).collect();
    let pools = facts.nodes.pools.known().map(Vec::as_slice).unwrap_or_default();
    let Some(of) = pools.iter().find(|it| it.name == pool) else { return found };
    if of.held || matches!(of.budget, IntOrPercent::Count(0) | IntOrPercent::Percent(0)) {
        found.push(Held::PoolBudget(pool.to_owned()));
    }
    let each = own.iter().filter_map(|node| node.allocatable.get("cpu").copied()).map(Quantity::in_units);
    if let (Some(left), Some(each)) = (of.vcpus_left, each.min())
        && i64::from(left) < each
    {
        found.push(Held::Limit { pool: pool.to_owned(), vcpus: left });
    }
    if !of.auto_mode {
        found.extend(without_controller(facts));
    }
    found
}

fn is_annotated(annotations: &fleetwright_kubernetes::Labels) -> bool {
    annotations.get(DO_NOT_DISRUPT).is_some_and(|value| value == "true")
}

/// Whether Karpenter leaves a pod on a node that goes: it tolerates the taint of such nodes.
fn stays_behind(pod: &Pod) -> bool {
    let taint = Taint { key: DISRUPTED.to_owned(), value: String::new(), effect: Effect::NoSchedule };
    pod.tolerations.iter().any(|toleration| toleration.tolerates(&taint))
}

/// Whether Karpenter has begun to take a node away.
pub fn is_disrupted(node: &Node) -> bool {
    node.metadata.deleting || node.taints.iter().any(|taint| taint.key == DISRUPTED)
}

/// Why the eviction of a pod is refused; none where it is not.
fn refused(facts: &Facts, pod: &Pod, budgets: &[PodDisruptionBudget]) -> Option<Why> {
    let covering = || budgets.iter().filter(|budget| budget.covers(pod));
    let named = |budget: &PodDisruptionBudget| budget.metadata.reference("PodDisruptionBudget");
    match eviction(pod, budgets) {
        Eviction::Allowed | Eviction::AllowedFromBudget => return None,
        Eviction::RefusedAsAmbiguous => return Some(Why::SeveralBudgets(covering().map(named).collect())),
        Eviction::Refused => {}
    }
    let budget = covering().next()?;
    let status = &budget.status;
    let refusal =
        Refusal { budget: named(budget), healthy: status.current_healthy, wanted: status.desired_healthy };
    // What such a budget asks for is worked out from what controllers want.
    let counts = !matches!(
        budget.budget,
        None | Some(fleetwright_kubernetes::Budget::MinAvailable(IntOrPercent::Count(_)))
    );
    Some(if counts && pod.metadata.controller().is_none() {
        Why::WithoutController(refusal)
    } else if status.never_allows() {
        Why::Never(refusal)
    } else if let Some((waiting, reasons)) = without_place(facts, budget) {
        Why::WithoutPlace { refusal, waiting, reasons }
    } else {
        Why::Unhealthy(refusal)
    })
}

/// The first of a budget's pods that waits for a node, and why none takes it.
fn without_place(facts: &Facts, budget: &PodDisruptionBudget) -> Option<(ObjectRef, Vec<String>)> {
    let (nodes, pods) = (facts.nodes.nodes.known()?, facts.workloads.pods.known()?);
    let waits = |pod: &&Pod| pod.phase == Phase::Pending && pod.node.is_none() && budget.covers(pod);
    let waiting = pods.iter().find(waits)?;
    let namespaces = facts.workloads.namespaces.known();
    let namespaces = namespaces.into_iter().flatten().map(|(name, labels)| (name.as_str(), labels));
    let why = reasons(&Placement::new(nodes, pods, namespaces), waiting);
    Some((waiting.metadata.reference("Pod"), why))
}

/// Karpenter's Deployment, where it is there and none of its pods is ready.
fn without_controller(facts: &Facts) -> Option<Held> {
    let (workloads, pods) = (facts.workloads.workloads.known()?, facts.workloads.pods.known()?);
    let is_it = |it: &&Workload| it.kind == "Deployment" && it.metadata.name == CONTROLLER;
    let controller = workloads.iter().find(is_it)?;
    let is_its = |pod: &Pod| {
        pod.metadata.namespace == controller.metadata.namespace
            && controller.pod_labels.iter().all(|(key, value)| pod.metadata.labels.get(key) == Some(value))
    };
    let serves = pods.iter().any(|pod| is_its(pod) && pod.ready && !pod.metadata.deleting);
    (!serves).then(|| Held::NoController(controller.metadata.reference("Deployment")))
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod { pod, node, why } => {
                write!(f, "pod {}/{} on {node}: {why}", pod.namespace, pod.name)
            }
            Self::Node(node) => {
                write!(f, "node {node}: its annotation {DO_NOT_DISRUPT} keeps it: take that away")
            }
            Self::NotReady(node) => {
                write!(f, "node {node} is not ready: look at its kubelet and at what its image starts")
            }
            Self::Limit { pool, vcpus } => write!(
                f,
                "node pool {pool}: its limit leaves {vcpus} vCPUs, which is no node: raise spec.limits.cpu"
            ),
            Self::PoolBudget(pool) => {
                write!(
                    f,
                    "node pool {pool}: its disruption budgets let no node drift: raise the one that is 0"
                )
            }
            Self::NoController(controller) => {
                write!(f, "{controller}, which replaces nodes of pools, has no ready pod: see why")
            }
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Annotated => write!(
                f,
                "its annotation {DO_NOT_DISRUPT} keeps the node: take that away, or delete the pod when it may go"
            ),
            Self::Never(refusal) => {
                write!(f, "{refusal}, and never does: let it allow one more, or run a replica more")
            }
            Self::Unhealthy(refusal) => write!(
                f,
                "{refusal}: see why its other pods are not healthy, or set unhealthyPodEvictionPolicy: AlwaysAllow"
            ),
            Self::WithoutPlace { refusal, waiting, reasons } => {
                let why = if reasons.is_empty() { "none is there".to_owned() } else { reasons.join(", ") };
                let (namespace, name) = (&waiting.namespace, &waiting.name);
                write!(f, "{refusal} while pod {namespace}/{name} finds no node ({why}): make room for it")
            }
            Self::SeveralBudgets(budgets) => {
                let names: BTreeSet<String> = budgets.iter().map(ToString::to_string).collect();
                let names = names.into_iter().collect::<Vec<_>>().join(" and ");
                write!(f, "{names} cover it, so that its eviction is always refused: leave it under one")
            }
            Self::WithoutController(refusal) => write!(
                f,
                "{refusal}, and cannot count a pod without a controller: delete the pod by hand, or give it one"
            ),
            Self::Refused(words) => write!(f, "its eviction is refused: {words}"),
            Self::Unplanned => f.write_str("it came after the plan was made: evict it by hand, or plan anew"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { budget, healthy, wanted } = self;
        write!(f, "{budget} allows no eviction ({healthy} healthy, {wanted} wanted)")
    }
}
