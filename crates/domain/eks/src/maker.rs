//! Who makes a node, by its labels.
//!
//! Sources: EKS User Guide, "Learn about managed node groups", "AWS Fargate" and "Amazon EKS Hybrid Nodes"; Karpenter,
//! "Well-known labels", which nodes of EKS Auto Mode carry as well.

use fleetwright_kubernetes::Node;

const MANAGED_GROUP: &str = "eks.amazonaws.com/nodegroup";
const POOL: &str = "karpenter.sh/nodepool";
const COMPUTE_TYPE: &str = "eks.amazonaws.com/compute-type";

/// Who makes a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker<'n> {
    /// A managed node group, by its name.
    ManagedGroup(&'n str),
    /// A node pool of Karpenter or of EKS Auto Mode, by its name.
    Pool(&'n str),
    /// Fargate: the node is there for one pod.
    Fargate,
    /// Whoever runs it outside of AWS.
    Hybrid,
    /// Nobody who says so: an Auto Scaling group of one's own.
    Other,
}

/// Who makes a node.
pub fn maker(node: &Node) -> Maker<'_> {
    let label = |key: &str| node.metadata.labels.get(key).map(String::as_str);
    match (label(MANAGED_GROUP), label(POOL), label(COMPUTE_TYPE)) {
        (Some(group), ..) => Maker::ManagedGroup(group),
        (None, Some(pool), _) => Maker::Pool(pool),
        (None, None, Some("fargate")) => Maker::Fargate,
        (None, None, Some("hybrid")) => Maker::Hybrid,
        (None, None, _) => Maker::Other,
    }
}
