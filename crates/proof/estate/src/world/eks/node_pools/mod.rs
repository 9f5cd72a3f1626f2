//! Node pools of Karpenter and of EKS Auto Mode: the nodes that they launch, and from which images.
//!
//! Rules: karpenter.sh, "NodePools", "NodeClasses" and "NodeClaims", version 1; EKS user guide, "Create a node pool for
//! EKS Auto Mode". What a pool is, its objects say; what is here is what no object says.

pub mod budgets;
mod claims;
pub mod disruption;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::version::Minor;
use super::{Cluster, Ground, What, images, network, node_groups};
use crate::world::ids::InstanceId;
use crate::world::instance_types::{self, Architecture};
use crate::world::kube::pods::{amount, cpu_milli};
use crate::world::kube::{NODES, Store, nodes};
use disruption::Replacement;

/// Pools of nodes.
pub const NODE_POOLS: &str = "karpenter.sh/nodepools";
/// What a pool has asked for: one for each node.
pub const NODE_CLAIMS: &str = "karpenter.sh/nodeclaims";
/// Karpenter's classes of nodes.
pub const NODE_CLASSES: &str = "karpenter.k8s.aws/ec2nodeclasses";
/// Auto Mode's.
pub const AUTO_CLASSES: &str = "eks.amazonaws.com/nodeclasses";

/// The label that tells the pool of a node and of a claim.
pub const POOL: &str = "karpenter.sh/nodepool";

/// Where Karpenter's controller is, by namespace and name.
pub const CONTROLLER: (&str, &str) = ("kube-system", "karpenter");

/// What is kept of a pool beside its objects.
#[derive(Clone, Debug)]
pub struct Pool {
    /// The type of its instances.
    pub instance_type: String,
    /// How they are paid for: `on-demand` or `spot`.
    pub capacity_type: &'static str,
    /// True where kubelets of new nodes do not start.
    pub kubelets_fail: bool,
    /// Nodes launched so far.
    launched: usize,
    /// Nodes that are being replaced.
    replacing: Vec<Replacement>,
    /// When it is looked at next.
    next: Option<Timestamp>,
}

impl Pool {
    /// A pool without nodes.
    #[must_use]
    pub fn new(instance_type: String, spot: bool, kubelets_fail: bool) -> Self {
        let capacity_type = if spot { "spot" } else { "on-demand" };
        Self { instance_type, capacity_type, kubelets_fail, launched: 0, replacing: Vec::new(), next: None }
    }

    /// Nodes launched so far.
    #[must_use]
    pub const fn launched(&self) -> usize {
        self.launched
    }
}

/// The image that a pool's nodes are launched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its id.
    pub id: String,
    /// The kind of it, as the EKS API spells it.
    pub ami_type: &'static str,
    /// The version of its kubelet.
    pub version: Minor,
}

/// Whether EKS itself replaces a pool's nodes (Auto Mode).
fn is_auto(pool: &Value) -> bool {
    pool["spec"]["template"]["spec"]["nodeClassRef"]["group"] == "eks.amazonaws.com"
}

/// The image that a pool's class names by now; none where there is no such class, or no such image.
#[must_use]
pub fn image_of(cluster: &Cluster, pool: &Value, instance_type: &str, region: &str) -> Option<Image> {
    let arm = instance_types::find(instance_type).is_some_and(|it| it.architecture == Architecture::Arm);
    if is_auto(pool) {
        return Some(latest("bottlerocket", arm, cluster.version_of_auto_nodes(), region));
    }
    let class = pool["spec"]["template"]["spec"]["nodeClassRef"]["name"].as_str()?;
    let class = cluster.kube.get(NODE_CLASSES, "", class)?;
    let terms = class["spec"]["amiSelectorTerms"].as_array().into_iter().flatten();
    let mut named = terms.filter_map(|term| match (term["alias"].as_str(), term["id"].as_str()) {
        (Some(alias), _) => Some(latest(alias.split('@').next()?, arm, cluster.version, region)),
        (None, Some(id)) => {
            let (ami_type, version) = images::known(id, region)?;
            Some(Image { id: id.to_owned(), ami_type, version })
        }
        (None, None) => None,
    });
    named.next()
}

/// The image of a version that a family's alias stands for.
#[must_use]
pub fn latest(family: &str, arm: bool, version: Minor, region: &str) -> Image {
    let ami_type = match (family, arm) {
        ("al2", false) => "AL2_x86_64",
        ("al2", true) => "AL2_ARM_64",
        ("bottlerocket", false) => "BOTTLEROCKET_x86_64",
        ("bottlerocket", true) => "BOTTLEROCKET_ARM_64",
        (_, false) => "AL2023_x86_64_STANDARD",
        (_, true) => "AL2023_ARM_64_STANDARD",
    };
    Image { id: images::of_group(ami_type, version, region).to_string(), ami_type, version }
}

impl Store {
    /// The nodes of a pool, by name.
    #[must_use]
    pub fn nodes_of_pool(&self, pool: &str) -> Vec<(&str, &Value)> {
        let all = self.list(NODES, None).filter(|(_, node)| node["metadata"]["labels"][POOL] == pool);
        all.map(|((_, name), node)| (name.as_str(), node)).collect()
    }
}

/// Launches a node of a pool from an image, with the claim that stands for it; its kubelet starts later. The node's name,
/// none where no subnet takes it.
pub fn launch(cluster: &mut Cluster, ground: &mut Ground<'_>, pool: &Value, image: &Image) -> Option<String> {
    let name = pool["metadata"]["name"].as_str()?;
    let number = ground.draw(cluster, "instance") as u64;
    let instance = InstanceId(number);
    let subnets = cluster.subnets.clone();
    let found = cluster.pools.get_mut(name)?;
    found.launched += 1;
    let instance_type = found.instance_type.clone();
    let subnet = ground.room(&subnets, found.launched, &instance_type)?;
    let address = ground.address(&subnet, number as u32)?;
    let node = network::node_name(address, ground.code);
    let (os_image, runtime) = node_groups::told(image.ami_type, image.version);
    let sketch = nodes::Sketch {
        name: node.clone(),
        instance: instance.to_string(),
        version: image.version,
        os_image,
        runtime,
        max_pods: node_groups::max_pods(&instance_type),
        zone: subnet.zone.clone(),
        region: ground.code.to_owned(),
        labels: labels(name, pool, found.capacity_type),
        taints: pool["spec"]["template"]["spec"]["taints"].as_array().cloned().unwrap_or_default(),
        instance_type: instance_type.clone(),
    };
    let fails = found.kubelets_fail;
    ground.connect(instance, &subnet, (address, network::of_node(&instance_type)));
    let registered = nodes::registered(&sketch, ground.now);
    claims::claimed(cluster, pool, (&registered, image), ground.now);
    cluster.kube.put(NODES, registered, ground.now);
    if !fails {
        let takes = ground.length(cluster, ground.pace.node);
        ground.after(takes, What::Node(node.clone()));
    }
    Some(node)
}

/// Labels of a pool's nodes, beside those that every node has.
fn labels(name: &str, pool: &Value, capacity_type: &str) -> Map<String, Value> {
    let own = pool["spec"]["template"]["metadata"]["labels"].as_object().cloned();
    let mut labels = own.unwrap_or_default();
    let mut set = |key: &str, value: &str| drop(labels.insert(key.to_owned(), value.into()));
    set(POOL, name);
    set("karpenter.sh/capacity-type", capacity_type);
    set("karpenter.sh/registered", "true");
    match is_auto(pool) {
        true => set("eks.amazonaws.com/compute-type", "auto"),
        false => {
            let class = pool["spec"]["template"]["spec"]["nodeClassRef"]["name"].as_str();
            set("karpenter.k8s.aws/ec2nodeclass", class.unwrap_or_default());
        }
    }
    labels
}

/// A node has become ready: where it is a pool's, so has its claim.
pub(super) fn node_started(cluster: &mut Cluster, ground: &Ground<'_>, node: &str) {
    let is_own =
        cluster.kube.get(NODES, "", node).is_some_and(|it| it["metadata"]["labels"][POOL].is_string());
    if !is_own {
        return;
    }
    claims::ready(cluster, node, ground.now);
    cluster.kube.change(NODES, &nodes::node_key(node), ground.now, |node| {
        node["metadata"]["labels"]["karpenter.sh/initialized"] = "true".into();
    });
}

/// Lets everybody who replaces pools' nodes look at them now: what they go by has changed.
pub fn wake(cluster: &mut Cluster, ground: &mut Ground<'_>) {
    let names: Vec<String> = cluster.pools.keys().cloned().collect();
    for name in names {
        disruption::look_at(cluster, ground, &name, ground.now);
    }
}

/// Whether an object is one that replacing nodes goes by.
#[must_use]
pub fn is_about(resource: &str) -> bool {
    [NODE_POOLS, NODE_CLAIMS, NODE_CLASSES, AUTO_CLASSES].contains(&resource)
}

/// Whether every pool has the nodes that it is to have, and replaces none.
#[must_use]
pub fn is_settled(cluster: &Cluster, region: &str) -> bool {
    cluster.pools.iter().all(|(name, pool)| {
        let Some(object) = cluster.kube.get(NODE_POOLS, "", name) else { return true };
        let wanted = image_of(cluster, object, &pool.instance_type, region).map(|it| it.version);
        let nodes = cluster.kube.nodes_of_pool(name);
        pool.replacing.is_empty()
            && nodes.iter().all(|(_, node)| wanted.is_none() || nodes::kubelet(node) == wanted)
    })
}

/// What a pool's nodes are together, as its status tells it.
fn resources(cluster: &Cluster, name: &str) -> Value {
    let of_pool = cluster.kube.nodes_of_pool(name);
    let sum = |key: &str, read: fn(&Value) -> u64| -> u64 {
        of_pool.iter().map(|(_, node)| read(&node["status"]["capacity"][key])).sum()
    };
    let (cpu, memory, pods) =
        (sum("cpu", cpu_milli) / 1_000, sum("memory", amount) / 1_024, sum("pods", amount));
    json!({ "cpu": cpu.to_string(), "memory": format!("{memory}Ki"), "pods": pods.to_string(),
            "nodes": of_pool.len().to_string() })
}

/// Tells in a pool's status what it has.
pub fn tell(cluster: &mut Cluster, name: &str, now: Timestamp) {
    let has = resources(cluster, name);
    let key = (String::new(), name.to_owned());
    if cluster.kube.get(NODE_POOLS, "", name).is_some_and(|it| it["status"]["resources"] != has) {
        cluster.kube.change(NODE_POOLS, &key, now, |pool| pool["status"]["resources"] = has);
    }
}
