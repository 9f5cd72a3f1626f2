//! Node pools of a scenario's cluster: Karpenter's objects and its controller, or those of EKS Auto Mode.
//!
//! Shapes: karpenter.sh, "NodePools" and "NodeClasses", version 1; EKS user guide, "Create a node pool for EKS Auto Mode".

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ClusterSection;
use super::make::version;
use super::objects::{put_workload, workload};
use super::{TaintSection, WorkloadKind};
use crate::world::eks::node_groups::taint;
use crate::world::eks::node_pools::{
    self, AUTO_CLASSES, CONTROLLER, Image, NODE_CLASSES, NODE_POOLS, Pool, launch,
};
use crate::world::eks::version::Minor;
use crate::world::eks::{Cluster, Ground};
use crate::world::instance_types::{self, Architecture};

/// A node pool.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolSection {
    /// Its name.
    pub name: String,
    /// Nodes that it has.
    #[serde(default = "usual_nodes")]
    pub nodes: usize,
    /// Their version; the cluster's where absent.
    pub version: Option<String>,
    /// The family of their images, as an alias names it: `al2023`, `al2` or `bottlerocket`.
    #[serde(default = "usual_family")]
    pub family: String,
    /// True where the class names the image by its id: its nodes do not drift when the control plane changes.
    #[serde(default)]
    pub pinned: bool,
    /// Nodes that may be replaced at once: a number or a percentage.
    pub budget: Option<String>,
    /// Disruption budgets as Karpenter has them, instead of `budget`.
    pub budgets: Option<Vec<Value>>,
    /// Processors that its nodes may have together.
    pub limit_cpu: Option<u64>,
    /// The type of its instances.
    #[serde(default = "usual_type")]
    pub instance_type: String,
    /// True where they are spare capacity.
    #[serde(default)]
    pub spot: bool,
    /// How long a node is drained, such as `1h`; without end where absent.
    pub termination_grace: Option<String>,
    /// Labels of its nodes.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Taints of its nodes, the effect as the EKS API spells it.
    #[serde(default)]
    pub taints: Vec<TaintSection>,
    /// True where kubelets of new nodes never start.
    #[serde(default)]
    pub kubelets_fail: bool,
}

const fn usual_nodes() -> usize {
    3
}
fn usual_family() -> String {
    "al2023".to_owned()
}
fn usual_type() -> String {
    "m6i.large".to_owned()
}
pub(super) fn usual_controller() -> String {
    "1.9.0".to_owned()
}

/// A definition of custom resources: group, plural, kind, short names.
type Definition = (&'static str, &'static str, &'static str, &'static [&'static str]);

/// What Karpenter defines.
const KARPENTER: [Definition; 3] = [
    ("karpenter.sh", "nodepools", "NodePool", &[]),
    ("karpenter.sh", "nodeclaims", "NodeClaim", &[]),
    ("karpenter.k8s.aws", "ec2nodeclasses", "EC2NodeClass", &["ec2nc", "ec2ncs"]),
];
/// What Auto Mode defines.
const AUTO_MODE: [Definition; 3] =
    [KARPENTER[0], KARPENTER[1], ("eks.amazonaws.com", "nodeclasses", "NodeClass", &[])];

/// Makes the pools of a cluster with their nodes, and what looks after them.
///
/// # Errors
/// What is wrong with one of them.
pub(super) fn put(
    cluster: &mut Cluster,
    section: &ClusterSection,
    ground: &mut Ground<'_>,
) -> Result<(), String> {
    if section.pools.is_empty() && !section.auto_mode {
        return Ok(());
    }
    let at = cluster.created;
    for definition in if section.auto_mode { AUTO_MODE } else { KARPENTER } {
        let made = defined(definition);
        cluster.kube.put("apiextensions.k8s.io/customresourcedefinitions", made, at);
    }
    if section.auto_mode {
        let class = json!({
            "apiVersion": "eks.amazonaws.com/v1", "kind": "NodeClass", "metadata": { "name": "default" },
            "spec": { "role": format!("eks-{}-node", cluster.name), "snatPolicy": "Random" },
        });
        cluster.kube.put(AUTO_CLASSES, class, at);
    } else {
        controller(cluster, &section.karpenter, ground.now)?;
    }
    section.pools.iter().try_for_each(|pool| put_pool(cluster, ground, pool, section.auto_mode))
}

/// Tells of every pool what it has.
pub(super) fn settle(cluster: &mut Cluster, at: Timestamp) {
    let names: Vec<String> = cluster.pools.keys().cloned().collect();
    for name in names {
        node_pools::tell(cluster, &name, at);
    }
}

fn defined((group, plural, kind, short): Definition) -> Value {
    let singular = kind.to_lowercase();
    let schema =
        json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": { "plural": plural, "singular": singular, "kind": kind, "listKind": format!("{kind}List"),
                       "shortNames": short, "categories": ["karpenter"] },
            "conversion": { "strategy": "None" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": schema }],
        },
        "status": {
            "acceptedNames": { "plural": plural, "kind": kind },
            "storedVersions": ["v1"],
            "conditions": [{ "type": "Established", "status": "True", "reason": "InitialNamesAccepted",
                             "message": "" }],
        },
    })
}

/// Karpenter's controller, as its chart installs it.
fn controller(cluster: &mut Cluster, version: &str, at: Timestamp) -> Result<(), String> {
    let (namespace, name) = CONTROLLER;
    let image = format!("public.ecr.aws/karpenter/controller:{version}");
    let mut deployment = workload(name, WorkloadKind::Deployment, namespace, image);
    deployment.max_unavailable = Some(json!(1));
    put_workload(cluster, &deployment, at)
}

fn put_pool(
    cluster: &mut Cluster,
    ground: &mut Ground<'_>,
    section: &PoolSection,
    auto_mode: bool,
) -> Result<(), String> {
    let named = |problem: String| format!("pools: {}: {problem}", section.name);
    let known = instance_types::find(&section.instance_type);
    let known =
        known.ok_or_else(|| named(format!("there is no instance type \"{}\"", section.instance_type)))?;
    let began = section.version.as_deref().map_or(Ok(cluster.version), version).map_err(named)?;
    if began > cluster.version {
        return Err(named("its nodes would be newer than the control plane".to_owned()));
    }
    if !["al2023", "al2", "bottlerocket"].contains(&section.family.as_str()) {
        return Err(named(format!(
            "there is no family \"{}\"; give al2023, al2 or bottlerocket",
            section.family
        )));
    }
    let family = if auto_mode { "bottlerocket" } else { section.family.as_str() };
    let arm = known.architecture == Architecture::Arm;
    let image = node_pools::latest(family, arm, began, ground.code);
    if !auto_mode {
        let class = class(section, &cluster.name, &image);
        cluster.kube.put(NODE_CLASSES, class, cluster.created);
    }
    let object = pool(section, auto_mode)?;
    let key = cluster.kube.put(NODE_POOLS, object, cluster.created);
    let object = cluster.kube.get(NODE_POOLS, &key.0, &key.1).cloned().unwrap_or_default();
    let made = Pool::new(section.instance_type.clone(), section.spot, section.kubelets_fail);
    cluster.pools.insert(section.name.clone(), made);
    for _ in 0..section.nodes {
        launch(cluster, ground, &object, &image)
            .ok_or_else(|| named("no subnet takes its nodes".to_owned()))?;
    }
    drifts(cluster, ground, began);
    Ok(())
}

/// Nodes that are behind their control plane drift from the start on.
fn drifts(cluster: &mut Cluster, ground: &mut Ground<'_>, began: Minor) {
    if began < cluster.version {
        node_pools::wake(cluster, ground);
    }
}

/// The class of a pool's nodes, which has the pool's name.
fn class(section: &PoolSection, cluster: &str, image: &Image) -> Value {
    let discovery = json!([{ "tags": { "karpenter.sh/discovery": cluster } }]);
    let term = match section.pinned {
        true => json!({ "id": image.id }),
        false => json!({ "alias": format!("{}@latest", section.family) }),
    };
    let family = match section.family.as_str() {
        "al2" => "AL2",
        "bottlerocket" => "Bottlerocket",
        _ => "AL2023",
    };
    json!({
        "apiVersion": "karpenter.k8s.aws/v1",
        "kind": "EC2NodeClass",
        "metadata": { "name": section.name },
        "spec": {
            "amiFamily": family,
            "amiSelectorTerms": [term],
            "role": format!("eks-{cluster}-node"),
            "subnetSelectorTerms": discovery,
            "securityGroupSelectorTerms": discovery,
        },
        "status": { "conditions": [{ "type": "Ready", "status": "True", "reason": "Ready", "message": "" }] },
    })
}

fn pool(section: &PoolSection, auto_mode: bool) -> Result<Value, String> {
    let budgets = match (&section.budget, &section.budgets) {
        (nodes, None) => json!([{ "nodes": nodes.as_deref().unwrap_or("10%") }]),
        (None, Some(budgets)) => json!(budgets),
        (Some(_), Some(_)) => {
            return Err(format!("pools: {}: give budget or budgets, not both", section.name));
        }
    };
    let class = match auto_mode {
        true => json!({ "group": "eks.amazonaws.com", "kind": "NodeClass", "name": "default" }),
        false => json!({ "group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": section.name }),
    };
    let capacity = if section.spot { "spot" } else { "on-demand" };
    let requirements = json!([
        { "key": "karpenter.sh/capacity-type", "operator": "In", "values": [capacity] },
        { "key": "node.kubernetes.io/instance-type", "operator": "In", "values": [section.instance_type] },
    ]);
    let taints =
        section.taints.iter().map(|it| taint(&(it.key.clone(), it.value.clone(), it.effect.clone())));
    let taints: Vec<Value> = taints.collect();
    let mut template = json!({ "nodeClassRef": class, "requirements": requirements, "expireAfter": "720h" });
    if !taints.is_empty() {
        template["taints"] = taints.into();
    }
    if let Some(grace) = &section.termination_grace {
        template["terminationGracePeriod"] = grace.as_str().into();
    }
    let mut spec = json!({
        "template": { "metadata": { "labels": section.labels }, "spec": template },
        "disruption": { "budgets": budgets, "consolidationPolicy": "WhenEmptyOrUnderutilized",
                        "consolidateAfter": "0s" },
    });
    if let Some(cpu) = section.limit_cpu {
        spec["limits"] = json!({ "cpu": cpu.to_string() });
    }
    Ok(json!({
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": { "name": section.name },
        "spec": spec,
        "status": { "conditions": [{ "type": "Ready", "status": "True", "reason": "Ready", "message": "" }] },
    }))
}
