//! What the caller may do of an upgrade, in AWS and in the cluster, before any of it is done.

use fleetwright_eks::facts::addons::Addon;
use fleetwright_eks::facts::control_plane::Right;
use fleetwright_eks::facts::nodes::ManagedNodeGroup;
use fleetwright_eks::facts::{Fact, Unread, UnreadCause};
use fleetwright_eks::maker::{Maker, maker};
use fleetwright_eks::read::NodeObjects;
use fleetwright_ports::Kubernetes;
use fleetwright_ports::clusters::UpgradedParts;
use fleetwright_ports::kubernetes::ResourceAttributes;

use super::{Api, ClusterPorts, ClusterRequest, fact, suites, why};

/// What holds the drift of a node pool back and lets it go. Auto Mode's pools have nothing changed by an upgrade.
const PATCH_POOLS: ResourceAttributes = ResourceAttributes {
    verb: "patch",
    group: "karpenter.sh",
    resource: "nodepools",
    subresource: "",
    namespace: String::new(),
};
/// What brings Fargate's pods to a node of the control plane's version, whatever namespace they are in.
const EVICT_PODS: ResourceAttributes = ResourceAttributes {
    verb: "create",
    group: "",
    resource: "pods",
    subresource: "eviction",
    namespace: String::new(),
};

/// Add-ons, managed node groups, and the ARNs of groups of one's own.
type Parts<'a> = (&'a Fact<Vec<Addon>>, &'a Fact<Vec<ManagedNodeGroup>>, &'a Fact<Vec<String>>);

/// The calls of AWS that change something.
pub(super) async fn in_aws(
    ports: ClusterPorts<'_>,
    request: ClusterRequest<'_>,
    parts: Parts<'_>,
) -> Fact<Vec<Right>> {
    if request.route.is_empty() {
        return Fact::unread(UnreadCause::NotAsked, "no upgrade was asked about");
    }
    let (addons, groups, scaling_groups) = match parts {
        (Fact::Known(addons), Fact::Known(groups), Fact::Known(own)) => (addons, groups, own),
        (Fact::NotRead(why), ..) | (_, Fact::NotRead(why), _) | (.., Fact::NotRead(why)) => {
            return Fact::NotRead(why.clone());
        }
    };
    let addons: Vec<String> = addons.iter().map(|addon| addon.name.clone()).collect();
    let node_groups: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
    let parts = UpgradedParts { addons: &addons, node_groups: &node_groups, scaling_groups };
    fact(ports.foundations.upgrade_rights(request.cell, request.name, parts).await)
}

/// What the cluster's own nodes, and the test suites that are to be run, make an upgrade ask of its API.
fn changes(nodes: &NodeObjects, request: ClusterRequest<'_>) -> Result<Vec<ResourceAttributes>, Unread> {
    let mut changes = suites::rights(request.suites);
    match &nodes.pools {
        Fact::Known(pools) if pools.iter().any(|pool| !pool.auto_mode) => changes.push(PATCH_POOLS),
        Fact::Known(_) => {}
        Fact::NotRead(why) => return Err(why.clone()),
    }
    match &nodes.nodes {
        Fact::Known(nodes) if nodes.iter().any(|node| maker(node) == Maker::Fargate) => {
            changes.push(EVICT_PODS)
        }
        Fact::Known(_) => {}
        Fact::NotRead(why) => return Err(why.clone()),
    }
    Ok(changes)
}

/// What is changed by the cluster's own API.
pub(super) async fn in_cluster(
    api: Api<'_>,
    request: ClusterRequest<'_>,
    nodes: &NodeObjects,
) -> Fact<Vec<Right>> {
    let changes = match changes(nodes, request) {
        Ok(changes) => changes,
        Err(why) => return Fact::NotRead(why),
    };
    // Whoever could say what there is to change can be asked; where nothing is, nobody is.
    let Api::Open(server) = api else { return Fact::Known(Vec::new()) };
    let mut rights = Vec::new();
    for change in changes {
        match right(server, request, &change).await {
            Ok(right) => rights.push(right),
            Err(unread) => return Fact::NotRead(unread),
        }
    }
    Fact::Known(rights)
}

async fn right(
    server: &dyn Kubernetes,
    request: ClusterRequest<'_>,
    change: &ResourceAttributes,
) -> Result<Right, Unread> {
    let allowed = server.may(change).await.map_err(|failure| why(&failure))?;
    Ok(Right { action: change.to_string(), on: format!("cluster {}", request.name), allowed })
}
