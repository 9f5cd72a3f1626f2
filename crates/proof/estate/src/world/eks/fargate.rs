//! Fargate: pods of a profile's namespaces, each with a node of its own.
//!
//! Rules: EKS user guide, "Simplify compute management with AWS Fargate" and "Understand Fargate Pod configuration
//! details". A pod keeps the kubelet with which it began; one that is evicted comes back with the control plane's version.

use serde_json::{Map, Value, json};

use super::version::Minor;
use super::{Cluster, Ground, What, network, node_groups};
use crate::world::kube::{Key, NODES, PODS, nodes};

/// The label that tells what a node is.
pub const COMPUTE_TYPE: &str = "eks.amazonaws.com/compute-type";
/// The label that tells the profile of a pod.
const PROFILE: &str = "eks.amazonaws.com/fargate-profile";
/// What the smallest pod gets: a quarter of a processor and half a GiB. The node shows more.
const SIZE: (&str, &str) = ("2", "4Gi");

/// Whether a node is one of Fargate's.
#[must_use]
pub fn is_fargate(node: &Value) -> bool {
    node["metadata"]["labels"][COMPUTE_TYPE] == "fargate"
}

/// The profile that takes a pod; none where no one does. Daemons are not for Fargate.
#[must_use]
pub fn profile_of<'c>(cluster: &'c Cluster, key: &Key) -> Option<&'c str> {
    let takes = |profile: &super::FargateProfile| profile.namespaces.contains(&key.0);
    cluster.fargate.iter().find(|(_, profile)| takes(profile)).map(|(name, _)| name.as_str())
}

/// Gives a pod a node of its own with a kubelet of this version, which starts later; nothing where no subnet takes it.
pub fn launch(cluster: &mut Cluster, ground: &mut Ground<'_>, key: &Key, version: Minor) -> Option<String> {
    let profile = profile_of(cluster, key)?.to_owned();
    let number = ground.draw(cluster, "fargate");
    let subnets = cluster.subnets.clone();
    let subnet = ground.room(&subnets, number as usize % subnets.len().max(1), "")?;
    let address = ground.address(&subnet, number as u32)?;
    let name = format!("fargate-{}", network::node_name(address, ground.code));
    ground.connect_fargate(&name, &subnet, address);
    let (os_image, runtime) = node_groups::told("AL2023_x86_64_STANDARD", version);
    let sketch = nodes::Sketch {
        name: name.clone(),
        instance: format!("{:010x}-{number:032x}/{name}", number >> 64 & 0xff_ffff_ffff),
        version,
        os_image,
        runtime,
        instance_type: String::new(),
        zone: subnet.zone.clone(),
        region: ground.code.to_owned(),
        labels: Map::from_iter([(COMPUTE_TYPE.to_owned(), Value::from("fargate"))]),
        taints: vec![json!({ "key": COMPUTE_TYPE, "value": "fargate", "effect": "NoSchedule" })],
        max_pods: 1,
    };
    let mut node = nodes::registered(&sketch, ground.now);
    if let Some(labels) = node["metadata"]["labels"].as_object_mut() {
        labels.remove("node.kubernetes.io/instance-type");
    }
    let size = json!({ "cpu": SIZE.0, "memory": SIZE.1, "pods": "1" });
    (node["status"]["capacity"], node["status"]["allocatable"]) = (size.clone(), size);
    cluster.kube.put(NODES, node, ground.now);
    cluster.kube.change(PODS, key, ground.now, |pod| {
        pod["metadata"]["labels"][PROFILE] = profile.as_str().into();
        pod["spec"]["schedulerName"] = "fargate-scheduler".into();
    });
    cluster.kube.bind(key, &name, ground.now);
    let takes = ground.length(cluster, ground.pace.node);
    ground.after(takes, What::Node(name.clone()));
    Some(name)
}
