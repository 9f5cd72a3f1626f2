//! Auto Scaling groups of one's own whose instances are nodes of a cluster.
//!
//! Rules: EKS user guide, "Maintain nodes yourself with self-managed nodes". EKS knows nothing of them; their nodes have
//! no label of a node group.

use super::Cluster;
use super::node_groups::NodeGroup;
use crate::world::ids::InstanceId;
use crate::world::kube::{NODES, nodes};

/// Such a group, as far as the cluster is concerned.
#[derive(Clone, Debug)]
pub struct OwnGroup {
    /// What its nodes are like.
    pub nodes: NodeGroup,
    /// The version of the launch template that its next node is launched from.
    pub launches_from: usize,
}

impl Cluster {
    /// A group that makes nodes, EKS's or one's own, by its name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&NodeGroup> {
        self.node_groups.get(name).or_else(|| Some(&self.own_groups.get(name)?.nodes))
    }

    pub(super) fn group_mut(&mut self, name: &str) -> Option<&mut NodeGroup> {
        match self.node_groups.get_mut(name) {
            Some(found) => Some(found),
            None => Some(&mut self.own_groups.get_mut(name)?.nodes),
        }
    }
}

/// The name of the node that an instance is.
#[must_use]
pub fn node_of(cluster: &Cluster, instance: InstanceId) -> Option<String> {
    let wanted = instance.to_string();
    let mut all = cluster.kube.list(NODES, None);
    all.find(|(_, node)| nodes::instance_of(node) == Some(&*wanted)).map(|((_, name), _)| name.clone())
}
