//! Pods: how they stand, what they ask of a node, and which node takes one.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Key, NODES, PODS, Store, nodes, seconds};

/// What the pods of a node ask of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Which they are.
    pub pods: BTreeSet<Key>,
    /// Thousandths of processors.
    pub cpu_milli: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
}

/// The node a pod is on; none while it waits for one.
#[must_use]
pub fn node_of(pod: &Value) -> Option<&str> {
    pod["spec"]["nodeName"].as_str()
}

/// Whether a pod serves: it is ready, and nobody has asked it to go.
#[must_use]
pub fn is_ready(pod: &Value) -> bool {
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    pod["metadata"]["deletionTimestamp"].is_null()
        && conditions.any(|it| it["type"] == "Ready" && it["status"] == "True")
}

/// Whether a pod came to its end by itself.
#[must_use]
pub fn has_ended(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

/// A quantity of processors, in thousandths.
#[must_use]
pub fn cpu_milli(quantity: &Value) -> u64 {
    let text = quantity.as_str().map_or_else(|| quantity.to_string(), str::to_owned);
    match text.strip_suffix('m') {
        Some(thousandths) => thousandths.parse().unwrap_or(0),
        None => text.parse::<f64>().map_or(0, |whole| (whole * 1_000.0) as u64),
    }
}

/// A quantity of memory or of things, in bytes or pieces.
#[must_use]
pub fn amount(quantity: &Value) -> u64 {
    let text = quantity.as_str().map_or_else(|| quantity.to_string(), str::to_owned);
    let end = text.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(text.len());
    let factor = match &text[end..] {
        "Ki" => 1_024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        _ => 1.0,
    };
    text[..end].parse::<f64>().map_or(0, |number| (number * factor) as u64)
}

/// What a pod asks of its node: thousandths of processors, bytes of memory.
fn requests(pod: &Value) -> (u64, u64) {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let each = containers.map(|it| &it["resources"]["requests"]);
    each.fold((0, 0), |(cpu, memory), it| (cpu + cpu_milli(&it["cpu"]), memory + amount(&it["memory"])))
}

/// Whether a pod tolerates a taint that keeps others off (Kubernetes documentation, "Taints and Tolerations").
#[must_use]
pub fn tolerates(pod: &Value, taint: &Value) -> bool {
    let mut tolerations = pod["spec"]["tolerations"].as_array().into_iter().flatten();
    tolerations.any(|it| {
        let effect = it["effect"].is_null() || it["effect"] == "" || it["effect"] == taint["effect"];
        let any_value = it["operator"] == "Exists";
        let key = it["key"].as_str().unwrap_or_default();
        let fits = match key {
            "" => any_value,
            key => taint["key"] == key && (any_value || it["value"] == taint["value"]),
        };
        effect && fits
    })
}

/// Whether a node may take a pod at all: it is open, the pod tolerates its taints and asks for its labels.
fn suits(pod: &Value, node: &Value) -> bool {
    let taints = node["spec"]["taints"].as_array().into_iter().flatten();
    let mut keep_off = taints.filter(|it| it["effect"] != "PreferNoSchedule");
    let wanted = pod["spec"]["nodeSelector"].as_object();
    let mut wanted = wanted.into_iter().flatten();
    nodes::is_ready(node)
        && keep_off.all(|taint| tolerates(pod, taint))
        && wanted.all(|(key, value)| node["metadata"]["labels"][key] == *value)
}

impl Store {
    pub(super) fn count_load(&mut self, key: &Key, pod: &Value) {
        match node_of(pod) {
            Some(node) => {
                let (cpu, memory) = requests(pod);
                let load = self.loads.entry(node.to_owned()).or_default();
                load.pods.insert(key.clone());
                load.cpu_milli += cpu;
                load.memory_bytes += memory;
            }
            None => drop(self.pending.insert(key.clone())),
        }
    }

    pub(super) fn forget_load(&mut self, key: &Key) {
        self.pending.remove(key);
        let Some(pod) = self.get(PODS, &key.0, &key.1) else { return };
        let (asked, node) = (requests(pod), node_of(pod).map(str::to_owned));
        if let Some(load) = node.and_then(|node| self.loads.get_mut(&node))
            && load.pods.remove(key)
        {
            load.cpu_milli -= asked.0;
            load.memory_bytes -= asked.1;
        }
    }

    /// The pods on a node.
    pub fn pods_on(&self, node: &str) -> impl Iterator<Item = (&Key, &Value)> {
        let keys = self.loads.get(node).into_iter().flat_map(|load| &load.pods);
        keys.filter_map(|key| Some((key, self.get(PODS, &key.0, &key.1)?)))
    }

    /// Pods that wait for a node.
    #[must_use]
    pub fn pending(&self) -> Vec<Key> {
        self.pending.iter().cloned().collect()
    }

    /// The node with the fewest pods that has room for one; the first by name of those alike.
    #[must_use]
    pub fn node_for(&self, pod: &Value) -> Option<String> {
        let (cpu, memory) = requests(pod);
        let fits = |name: &str, node: &Value| {
            let none = Load::default();
            let load = self.loads.get(name).unwrap_or(&none);
            let allocatable = &node["status"]["allocatable"];
            let room = (load.pods.len() as u64) < amount(&allocatable["pods"])
                && load.cpu_milli + cpu <= cpu_milli(&allocatable["cpu"])
                && load.memory_bytes + memory <= amount(&allocatable["memory"]);
            room.then(|| (load.pods.len(), name.to_owned()))
        };
        let open = self.list(NODES, None).filter(|(_, node)| node["spec"]["unschedulable"] != true);
        let suitable = open.filter(|(_, node)| suits(pod, node));
        suitable.filter_map(|((_, name), node)| fits(name, node)).min().map(|(_, name)| name)
    }

    /// Puts a pod on a node, where it is to become ready.
    pub fn bind(&mut self, key: &Key, node: &str, now: Timestamp) -> bool {
        self.change(PODS, key, now, |pod| {
            pod["spec"]["nodeName"] = node.into();
            pod["status"] = json!({ "phase": "Pending", "conditions": [
                { "type": "PodScheduled", "status": "True", "lastTransitionTime": seconds(now) },
            ]});
        })
    }

    /// A pod's containers run and are ready.
    pub fn pod_ready(&mut self, key: &Key, now: Timestamp) {
        self.change(PODS, key, now, |pod| {
            let statuses: Vec<Value> =
                pod["spec"]["containers"].as_array().into_iter().flatten().map(running).collect();
            pod["status"] = status_ready(now, statuses);
        });
    }
}

fn running(container: &Value) -> Value {
    json!({ "name": container["name"], "image": container["image"], "imageID": container["image"],
            "ready": true, "started": true, "restartCount": 0, "state": { "running": {} } })
}

fn status_ready(now: Timestamp, containers: Vec<Value>) -> Value {
    let conditions = ["PodScheduled", "Initialized", "ContainersReady", "Ready"];
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|kind| json!({ "type": kind, "status": "True", "lastTransitionTime": seconds(now) }))
        .collect();
    json!({ "phase": "Running", "startTime": seconds(now), "conditions": conditions, "containerStatuses": containers })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::seed::Seed;

    #[test]
    fn quantities_are_read_as_kubernetes_writes_them() {
        assert_eq!([json!("250m"), json!("2"), json!(1.5)].map(|it| cpu_milli(&it)), [250, 2_000, 1_500]);
        assert_eq!(
            [json!("1Ki"), json!("2Gi"), json!("5M"), json!(110)].map(|it| amount(&it)),
            [1_024, 2_147_483_648, 5_000_000, 110]
        );
    }

    #[test]
    fn a_pod_goes_where_there_is_room_and_nothing_keeps_it_off() {
        let mut store = Store::new(Seed::root(1));
        let now = Timestamp::UNIX_EPOCH;
        for (name, pods, closed) in [("a", "1", true), ("b", "1", false), ("c", "2", false)] {
            let ready = json!([{ "type": "Ready", "status": "True" }]);
            let allocatable = json!({ "cpu": "1", "memory": "1Gi", "pods": pods });
            let node = json!({ "metadata": { "name": name }, "spec": { "unschedulable": closed },
                               "status": { "allocatable": allocatable, "conditions": ready } });
            store.put(NODES, node, now);
        }
        let mut placed = Vec::new();
        for name in ["1", "2", "3", "4"] {
            let pod = json!({ "metadata": { "namespace": "n", "name": name },
                              "spec": { "containers": [{ "resources": { "requests": { "cpu": "300m" } } }] } });
            let key = store.put(PODS, pod.clone(), now);
            let node = store.node_for(&pod);
            if let Some(node) = &node {
                store.bind(&key, node, now);
            }
            placed.push(node);
        }
        let at = |name: &str| Some(name.to_owned());
        assert_eq!(placed, [at("b"), at("c"), at("c"), None]);
        assert_eq!(store.pending(), [("n".to_owned(), "4".to_owned())]);
        store.remove(PODS, &("n".to_owned(), "1".to_owned()));
        assert_eq!(store.loads["b"], Load::default(), "what a pod asked for is free again");
    }
}
