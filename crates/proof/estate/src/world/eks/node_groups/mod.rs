//! Managed node groups, and the nodes they launch.

pub mod roll;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::instances::Launched;
use super::version::Minor;
use super::{Cluster, Ground, What, network};
use crate::world::ids::{InstanceId, LaunchTemplateId};
use crate::world::instance_types;
use crate::world::kube::{NODES, nodes};

/// A managed node group.
#[derive(Clone, Debug)]
pub struct NodeGroup {
    /// The version of its nodes.
    pub version: Minor,
    /// The release of their image.
    pub release: String,
    /// The API's word for its status.
    pub status: &'static str,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// The API's word for the kind of its image.
    pub ami_type: String,
    /// The type of its instances.
    pub instance_type: String,
    /// How they are paid for: `ON_DEMAND` or `SPOT`.
    pub capacity_type: String,
    /// Nodes: at least, wanted, at most.
    pub scaling: (usize, usize, usize),
    /// How many nodes may be replaced at once.
    pub at_once: AtOnce,
    /// True where old nodes go before new ones come.
    pub minimal: bool,
    /// Availability zones.
    pub zones: Vec<String>,
    /// Ids of its subnets.
    pub subnets: Vec<String>,
    /// ARN of the role of its nodes.
    pub role: String,
    /// Labels of its nodes.
    pub labels: BTreeMap<String, String>,
    /// Taints of its nodes: key, value, effect as the EKS API spells it.
    pub taints: Vec<(String, String, String)>,
    /// Name of its Auto Scaling group.
    pub scaling_group: String,
    /// Its launch template and the version in use, where it has one of its own.
    pub launch_template: Option<(LaunchTemplateId, usize)>,
    /// What is wrong with it: code, message.
    pub issues: Vec<(String, String)>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its last part of the ARN, a UUID.
    pub id: String,
    /// Nodes launched so far.
    pub launched: usize,
    /// True where kubelets of new nodes do not start.
    pub kubelets_fail: bool,
}

/// How many nodes may be replaced at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtOnce {
    /// So many.
    Nodes(usize),
    /// So many of a hundred.
    Percent(usize),
}

impl NodeGroup {
    /// How many nodes are replaced at once: one at least, 100 at most.
    #[must_use]
    pub fn at_once(&self) -> usize {
        let nodes = match self.at_once {
            AtOnce::Nodes(nodes) => nodes,
            AtOnce::Percent(percent) => self.scaling.1 * percent / 100,
        };
        nodes.clamp(1, 100)
    }
}

/// What the kubelet of an image tells: the operating system, and the container runtime.
#[must_use]
pub fn told(ami_type: &str, version: Minor) -> (String, String) {
    let os = match ami_type {
        it if it.starts_with("AL2_") => "Amazon Linux 2",
        it if it.starts_with("BOTTLEROCKET") => "Bottlerocket OS 1.50.0 (aws-k8s)",
        _ => "Amazon Linux 2023.9.20260801",
    };
    let runtime = if version.0 >= 34 { "containerd://2.1.5" } else { "containerd://1.7.28" };
    (os.to_owned(), runtime.to_owned())
}

/// Pods that fit a type of instance with an address of the network for each (`eni-max-pods.txt` of the EKS images).
#[must_use]
pub fn max_pods(instance_type: &str) -> u64 {
    let known = instance_types::find(instance_type);
    known.map_or(17, |it| u64::from(it.interfaces) * (u64::from(it.addresses_per_interface) - 1) + 2)
}

/// Launches a node of a group in a version; its kubelet starts later. The node's name, none where no subnet
/// takes it.
pub fn launch(cluster: &mut Cluster, ground: &mut Ground<'_>, group: &str, version: Minor) -> Option<String> {
    let number = ground.draw(cluster, "instance") as u64;
    let instance = InstanceId(number);
    let managed = cluster.node_groups.contains_key(group);
    let found = cluster.group_mut(group)?;
    found.launched += 1;
    let subnet = ground.room(&found.subnets, found.launched, &found.instance_type)?;
    let address = ground.address(&subnet, number as u32)?;
    let name = network::node_name(address, ground.code);
    let (os_image, runtime) = told(&found.ami_type, version);
    let mut labels: Map<String, Value> =
        found.labels.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
    if managed {
        labels.insert("eks.amazonaws.com/nodegroup".to_owned(), group.into());
        labels.insert("eks.amazonaws.com/capacityType".to_owned(), found.capacity_type.as_str().into());
    }
    let taints = found.taints.iter().map(taint).collect();
    let sketch = nodes::Sketch {
        name: name.clone(),
        instance: instance.to_string(),
        version,
        os_image,
        runtime,
        instance_type: found.instance_type.clone(),
        zone: subnet.zone.clone(),
        region: ground.code.to_owned(),
        labels,
        taints,
        max_pods: max_pods(&found.instance_type),
    };
    let fails = found.kubelets_fail;
    let interface = ground.connect(instance, &subnet, (address, network::of_node(&found.instance_type)));
    let launched = Launched {
        group: group.to_owned(),
        node: name.clone(),
        id: instance,
        interface,
        address,
        subnet,
        version,
    };
    ground.changes.launched.push(launched);
    cluster.kube.put(NODES, nodes::registered(&sketch, ground.now), ground.now);
    if !fails {
        let takes = ground.length(cluster, ground.pace.node);
        ground.after(takes, What::Node(name.clone()));
    }
    Some(name)
}

/// A taint as Kubernetes writes it.
#[must_use]
pub fn taint((key, value, effect): &(String, String, String)) -> Value {
    let effect = match effect.as_str() {
        "NO_SCHEDULE" => "NoSchedule",
        "NO_EXECUTE" => "NoExecute",
        _ => "PreferNoSchedule",
    };
    json!({ "key": key, "value": value, "effect": effect })
}

/// Brings a group to the size it is wanted to have: launches, or drains the newest nodes and ends them.
pub fn resize(cluster: &mut Cluster, ground: &mut Ground<'_>, group: &str) {
    let Some(found) = cluster.node_groups.get(group) else { return };
    let (wanted, version) = (found.scaling.1, found.version);
    let names: Vec<String> = cluster.kube.nodes_of(group).into_iter().map(|it| it.0).collect();
    for _ in names.len()..wanted {
        if launch(cluster, ground, group, version).is_none() {
            break;
        }
    }
    for name in names.iter().skip(wanted) {
        super::running::end_node(cluster, ground, name);
    }
}
