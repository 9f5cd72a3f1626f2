//! The room that is needed while new nodes of a group stand beside old ones.

use crate::facts::nodes::{CniMode, ManagedNodeGroup, UpdateStrategy};

/// Addresses in a prefix (/28).
const PREFIX_ADDRESSES: u32 = 16;

/// Members that a group may have while a refresh of ours replaces them, in percent of its capacity
/// (`MaxHealthyPercentage`).
pub const REFRESH_PERCENT_MAX: u32 = 110;

/// Addresses that one node takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// From the node's own subnet.
    pub of_nodes: u32,
    /// From the subnets of pods, where they have their own.
    pub of_pods: u32,
}

/// Nodes of a managed group that stand beside the others at most.
///
/// Source: EKS User Guide, "Understand each phase of node updates": with DEFAULT the group grows by the larger of
/// twice its zones and `maxUnavailable`; with MINIMAL old nodes go first.
pub fn surge_nodes(group: &ManagedNodeGroup) -> u32 {
    match group.strategy {
        UpdateStrategy::Minimal => 0,
        UpdateStrategy::Default => {
            let nodes = i32::try_from(group.nodes).unwrap_or(i32::MAX);
            let unavailable = u32::try_from(group.max_unavailable.of(nodes)).unwrap_or(0);
            let zones = u32::try_from(group.new_nodes.zones.len()).unwrap_or(u32::MAX);
            zones.saturating_mul(2).max(unavailable)
        }
    }
}

/// Instances that stand beside the others at most while an Auto Scaling group of so many is refreshed: it may have
/// [`REFRESH_PERCENT_MAX`] of its capacity.
pub fn refresh_nodes(nodes: u32) -> u32 {
    nodes.saturating_mul(REFRESH_PERCENT_MAX - 100).div_ceil(100)
}

/// Addresses that a node with so many pods takes. With `own_subnets`, pods take theirs from subnets of their own
/// (custom networking), and the first interface serves the node alone.
///
/// Source: amazon-vpc-cni-k8s, "WARM_ENI_TARGET, WARM_IP_TARGET and MINIMUM_IP_TARGET" and prefix delegation: with
/// defaults a whole interface, or a whole prefix, is kept warm beside those in use.
pub fn addresses_of_node(mode: CniMode, pods: u32, own_subnets: bool) -> Addresses {
    let taken = match mode {
        CniMode::Overlay => return Addresses { of_nodes: 1, of_pods: 0 },
        CniMode::Prefixes => {
            pods.div_ceil(PREFIX_ADDRESSES).saturating_add(1).saturating_mul(PREFIX_ADDRESSES) + 1
        }
        CniMode::Addresses { per_interface, warm_addresses, minimum_addresses } => {
            // The first address of each interface is the interface's.
            let usable = per_interface.saturating_sub(1).max(1);
            match warm_addresses {
                None => pods.div_ceil(usable).saturating_add(1).saturating_mul(per_interface),
                Some(warm) => {
                    let addresses = pods.saturating_add(warm).max(minimum_addresses);
                    addresses.saturating_add(addresses.div_ceil(usable))
                }
            }
        }
    };
    if own_subnets {
        Addresses { of_nodes: 1, of_pods: taken }
    } else {
        Addresses { of_nodes: taken, of_pods: 0 }
    }
}

/// Addresses that so many new nodes take at most, with so many pods on each.
pub fn addresses_of_surge(nodes: u32, pods_per_node: u32, mode: CniMode, own_subnets: bool) -> Addresses {
    let each = addresses_of_node(mode, pods_per_node, own_subnets);
    Addresses { of_nodes: each.of_nodes.saturating_mul(nodes), of_pods: each.of_pods.saturating_mul(nodes) }
}
