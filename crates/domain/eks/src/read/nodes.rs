//! Nodes, and what Kubernetes knows of those who make them.

use std::collections::BTreeMap;

use fleetwright_kubernetes::{Node, Pod, Taint};
use serde_json::Value;

use super::network::{self, CniSettings};
use super::value::{self, Fault, flag, items, metadata, needed, parsed, text};
use super::{Kind, Objects, Read, fact, node_pools, pods, unread};
use crate::facts::{Fact, NodePool, UnreadCause};

/// The Kubernetes half of what is known of nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeObjects {
    /// Nodes.
    pub nodes: Fact<Vec<Node>>,
    /// Node pools of Karpenter, or of EKS Auto Mode.
    pub pools: Fact<Vec<NodePool>>,
    /// kube-proxy's mode: `iptables`, `ipvs` or `nftables`; `none` where the cluster has no kube-proxy.
    pub proxy_mode: Fact<String>,
    /// Nodes, by name, that run with version 1 of control groups.
    pub cgroup_v1: Fact<Vec<String>>,
    /// How addresses are given to pods, but for the instance types' part in it.
    pub cni: Fact<CniSettings>,
    /// Ids of the pods' own subnets; empty where they have none.
    pub pod_subnet_ids: Fact<Vec<String>>,
    /// Pods that run on each node, by its name.
    pub pods_on_nodes: Fact<BTreeMap<String, u32>>,
}

/// Reads the cluster's nodes alone.
pub fn nodes(objects: &[Value]) -> Fact<Vec<Node>> {
    fact(value::each(objects, node))
}

/// Reads nodes and pools.
pub(super) fn read(objects: &Objects, pods: &Fact<Vec<Pod>>) -> NodeObjects {
    let nodes = objects.list(Kind::Nodes).and_then(|list| value::each(list, node));
    NodeObjects {
        pools: fact(node_pools::read(objects, nodes.as_deref().unwrap_or_default())),
        proxy_mode: fact(network::proxy_mode(objects)),
        cgroup_v1: fact(nodes.as_deref().map_err(Clone::clone).and_then(cgroup_v1)),
        cni: fact(network::settings(objects)),
        pod_subnet_ids: fact(network::pod_subnets(objects)),
        pods_on_nodes: match (&nodes, pods) {
            (Ok(nodes), Fact::Known(pods)) => Fact::Known(pods_on(nodes, pods)),
            (Err(why), _) | (_, Fact::NotRead(why)) => Fact::NotRead(why.clone()),
        },
        nodes: fact(nodes),
    }
}

/// Taints that say again what a node says of itself.
const OWN_TAINTS: [&str; 3] =
    ["node.kubernetes.io/unschedulable", "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
/// Conditions that are bad when they hold.
const PRESSURES: [&str; 4] = ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"];

fn node(of: &Value) -> Result<Node, Fault> {
    let info = |name: &str| needed(of, &format!("/status/nodeInfo/{name}"));
    let version = info("kubeletVersion")?;
    let mut taints = Vec::new();
    for taint in items(of, "/spec/taints")? {
        let taint: Taint = parsed(taint, "")?.ok_or("a taint is null")?;
        if !OWN_TAINTS.contains(&taint.key.as_str()) {
            taints.push(taint);
        }
    }
    let holds = |kind: &&str| pods::condition(of, kind) == Some(true);
    Ok(Node {
        metadata: metadata(of)?,
        kubelet: version.parse().map_err(|invalid| format!("status.nodeInfo.kubeletVersion: {invalid}"))?,
        ready: pods::condition(of, "Ready") == Some(true),
        unschedulable: flag(of, "/spec/unschedulable")?,
        pressures: PRESSURES.into_iter().filter(holds).map(str::to_owned).collect(),
        taints,
        allocatable: parsed(of, "/status/allocatable")?.ok_or("status.allocatable is missing")?,
        os_image: info("osImage")?.to_owned(),
        operating_system: info("operatingSystem")?.to_owned(),
        container_runtime: info("containerRuntimeVersion")?.to_owned(),
        provider_id: text(of, "/spec/providerID")?.unwrap_or_default().to_owned(),
    })
}

/// Nodes whose image runs with version 1 of control groups. No API tells which it is; the images of EKS are known:
/// Amazon Linux 2 has version 1, Amazon Linux 2023 and Bottlerocket have version 2, and Windows has none.
fn cgroup_v1(nodes: &[Node]) -> Read<Vec<String>> {
    let mut found = Vec::new();
    for node in nodes.iter().filter(|node| node.operating_system != "windows") {
        let (name, image) = (&node.metadata.name, node.os_image.as_str());
        let newer = ["Amazon Linux 2023", "Bottlerocket"].iter().any(|known| image.starts_with(known));
        if image.starts_with("Amazon Linux 2") && !newer {
            found.push(name.clone());
        } else if !newer {
            let detail = format!("node {name}: with {image:?} nothing tells the version of control groups");
            return Err(unread(UnreadCause::Incomplete, detail));
        }
    }
    Ok(found)
}

fn pods_on(nodes: &[Node], pods: &[Pod]) -> BTreeMap<String, u32> {
    let mut on: BTreeMap<String, u32> = nodes.iter().map(|node| (node.metadata.name.clone(), 0)).collect();
    for name in pods.iter().filter(|pod| pod.is_active()).filter_map(|pod| pod.node.as_deref()) {
        if let Some(count) = on.get_mut(name) {
            *count += 1;
        }
    }
    on
}
