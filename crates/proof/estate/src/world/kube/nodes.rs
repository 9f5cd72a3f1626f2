//! Nodes: what a kubelet registers, and how a node stands.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Key, NODES, Store, seconds};
use crate::world::eks::version::Minor;
use crate::world::instance_types;

/// What a node is made from.
#[derive(Clone, Debug)]
pub struct Sketch {
    /// Its name, a private DNS name.
    pub name: String,
    /// The instance it is.
    pub instance: String,
    /// The kubelet's version.
    pub version: Minor,
    /// The image's operating system, as the kubelet tells it.
    pub os_image: String,
    /// The container runtime, as the kubelet tells it.
    pub runtime: String,
    /// The instance's type.
    pub instance_type: String,
    /// The availability zone.
    pub zone: String,
    /// The region.
    pub region: String,
    /// Labels beside those that every node has.
    pub labels: Map<String, Value>,
    /// Taints as Kubernetes writes them.
    pub taints: Vec<Value>,
    /// Pods it takes at most.
    pub max_pods: u64,
}

/// Whether a node's kubelet says that it is ready.
#[must_use]
pub fn is_ready(node: &Value) -> bool {
    let mut conditions = node["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|it| it["type"] == "Ready" && it["status"] == "True")
}

/// The version that a node's kubelet tells.
#[must_use]
pub fn kubelet(node: &Value) -> Option<Minor> {
    Minor::of_release(node["status"]["nodeInfo"]["kubeletVersion"].as_str()?)
}

/// The id of the instance that a node is.
#[must_use]
pub fn instance_of(node: &Value) -> Option<&str> {
    node["spec"]["providerID"].as_str()?.rsplit('/').next()
}

/// The managed node group that a node is of.
#[must_use]
pub fn group_of(node: &Value) -> Option<&str> {
    node["metadata"]["labels"]["eks.amazonaws.com/nodegroup"].as_str()
}

/// The node as its kubelet registers it, not ready yet.
#[must_use]
pub fn registered(sketch: &Sketch, now: Timestamp) -> Value {
    let mut labels = sketch.labels.clone();
    let own = [
        ("kubernetes.io/hostname", sketch.name.as_str()),
        ("kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", "amd64"),
        ("node.kubernetes.io/instance-type", &sketch.instance_type),
        ("topology.kubernetes.io/zone", &sketch.zone),
        ("topology.kubernetes.io/region", &sketch.region),
    ];
    labels.extend(own.map(|(key, value)| (key.to_owned(), value.into())));
    let known = instance_types::find(&sketch.instance_type);
    let (cpus, memory_mib) = known.map_or((2, 8_192), |it| (u64::from(it.vcpus), it.memory_mib));
    // What is kept back for the system, roughly as the EKS images do it.
    let allocatable_mib = memory_mib.saturating_sub(255 + 11 * sketch.max_pods);
    let size = |cpu: String, mib: u64| json!({ "cpu": cpu, "memory": format!("{}Ki", mib * 1_024), "pods": sketch.max_pods.to_string() });
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": sketch.name, "labels": labels, "annotations": {} },
        "spec": {
            "providerID": format!("aws:///{}/{}", sketch.zone, sketch.instance),
            "taints": sketch.taints,
        },
        "status": {
            "capacity": size(cpus.to_string(), memory_mib),
            "allocatable": size(format!("{}m", cpus * 1_000 - 70), allocatable_mib),
            "conditions": conditions(now, "False", "KubeletNotReady"),
            "addresses": [{ "type": "InternalDNS", "address": sketch.name }],
            "nodeInfo": {
                "kubeletVersion": sketch.version.kubelet(),
                "osImage": sketch.os_image,
                "containerRuntimeVersion": sketch.runtime,
                "kernelVersion": "6.12.0-amzn2023.x86_64",
                "operatingSystem": "linux",
                "architecture": "amd64",
                "kubeProxyVersion": "",
                "machineID": sketch.instance,
                "systemUUID": sketch.instance,
                "bootID": sketch.instance,
            },
        },
    })
}

fn conditions(now: Timestamp, ready: &str, reason: &str) -> Value {
    let at = seconds(now);
    let one = |kind: &str, status: &str, reason: &str| {
        json!({ "type": kind, "status": status, "reason": reason, "message": "",
                "lastTransitionTime": at, "lastHeartbeatTime": at })
    };
    json!([
        one("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        one("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        one("PIDPressure", "False", "KubeletHasSufficientPID"),
        one("Ready", ready, reason),
    ])
}

impl Store {
    /// A node's kubelet says that it is ready, or that it is not.
    pub fn node_ready(&mut self, name: &str, ready: bool, now: Timestamp) -> bool {
        let (status, reason) = if ready { ("True", "KubeletReady") } else { ("False", "KubeletNotReady") };
        self.change(NODES, &node_key(name), now, |node| {
            node["status"]["conditions"] = conditions(now, status, reason);
        })
    }

    /// Closes a node to new pods.
    pub fn cordon(&mut self, name: &str, now: Timestamp) -> bool {
        self.change(NODES, &node_key(name), now, |node| {
            node["spec"]["unschedulable"] = true.into();
        })
    }

    /// The nodes of a managed node group, by name.
    #[must_use]
    pub fn nodes_of(&self, group: &str) -> Vec<(String, &Value)> {
        let all = self.list(NODES, None).filter(|(_, node)| group_of(node) == Some(group));
        all.map(|((_, name), node)| (name.clone(), node)).collect()
    }
}

/// The key of a node.
#[must_use]
pub fn node_key(name: &str) -> Key {
    (String::new(), name.to_owned())
}
