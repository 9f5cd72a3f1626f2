//! Managed node groups and the room their updates need, as far as AWS says.

use std::collections::BTreeSet;

use fleetwright_eks::facts::control_plane::{Subnet, Usage};
use fleetwright_eks::facts::nodes::{InstanceOffer, ManagedNodeGroup};
use fleetwright_eks::facts::{Fact, NodeFacts, Unread, UnreadCause};
use fleetwright_eks::image;
use fleetwright_eks::maker::{Maker, maker};
use fleetwright_eks::read::{CniSettings, NodeObjects};
use fleetwright_kubernetes::{Minor, Node};
use fleetwright_model::{Hardware, Partial, Text};
use fleetwright_ports::clusters::NodeGroupDescription;
use futures::join;

use super::{ClusterPorts, ClusterRequest, fact, map, objects, quotas, unread};

/// Managed node groups, and the subnets of their nodes.
pub(super) struct Groups {
    pub(super) managed: Fact<Vec<ManagedNodeGroup>>,
    pub(super) subnets: Fact<Vec<Subnet>>,
    pub(super) vcpu_quotas: Fact<Vec<(String, Usage)>>,
    /// Addresses of one interface of the types that have the most.
    pub(super) addresses_per_interface: Option<u32>,
}

/// The managed node groups with what EC2 and Systems Manager know of them.
pub(super) async fn read(ports: ClusterPorts<'_>, request: ClusterRequest<'_>) -> Groups {
    let described = match ports.clusters.node_groups(request.cell, request.name).await {
        Ok(described) => described,
        Err(failure) => {
            let (managed, subnets, vcpu_quotas) = (unread(&failure), unread(&failure), unread(&failure));
            return Groups { managed, subnets, vcpu_quotas, addresses_per_interface: None };
        }
    };
    let last = request.route.last().map(|hop| hop.to);
    let each = |of: fn(&NodeGroupDescription) -> &[String]| -> Vec<String> {
        let all: BTreeSet<&String> = described.iter().flat_map(of).collect();
        all.into_iter().cloned().collect()
    };
    let types = each(|group| &group.instance_types);
    let ids = each(|group| &group.subnet_ids);
    let wanted: BTreeSet<String> =
        described.iter().filter_map(|group| image::parameter(&group.ami_type, last?)).collect();
    let wanted: Vec<String> = wanted.into_iter().collect();
    let ground = ports.foundations;
    let names: Vec<Text> = types.iter().map(|kind| Text::from(kind.as_str())).collect();
    let (subnets, offers, images, sizes, vcpu_quotas) = join!(
        ground.subnets(request.cell, &ids),
        ground.instance_offers(request.cell, &types),
        ground.public_parameters(request.cell, &wanted),
        ports.machines.hardware(request.cell, &names),
        quotas::vcpus(ports, request.cell),
    );
    let (subnets, offers, images) = (fact(subnets), fact(offers), fact(images));
    let around = Around { last, subnets: &subnets, offers: &offers, images: &images, sizes: &sizes };
    let managed = Fact::Known(described.into_iter().map(|group| around.group(group)).collect());
    let addresses_per_interface = sizes.items.iter().map(|(_, size)| size.addresses_per_interface).max();
    Groups { managed, subnets, vcpu_quotas, addresses_per_interface }
}

/// Everything about nodes: the groups, and what the cluster's own API says.
pub(super) async fn with_objects(
    ports: ClusterPorts<'_>,
    request: ClusterRequest<'_>,
    groups: Groups,
    objects: NodeObjects,
) -> NodeFacts {
    let mut managed = groups.managed;
    if let Fact::Known(managed) = &mut managed {
        for group in managed {
            group.pods_per_node = objects::pods_per_node(&objects.pods_per_node, &group.name);
        }
    }
    let pod_subnets = match &objects.pod_subnet_ids {
        Fact::Known(ids) if ids.is_empty() => Fact::Known(Vec::new()),
        Fact::Known(ids) => fact(ports.foundations.subnets(request.cell, ids).await),
        Fact::NotRead(why) => Fact::NotRead(why.clone()),
    };
    let strangers = map(&objects.nodes, |nodes: &Vec<Node>| strangers(nodes));
    let kubelet_flags = match &managed {
        // Without a launch template EKS writes the user data.
        Fact::Known(groups) if groups.iter().all(|it| it.pending_launch_template == Fact::Known(false)) => {
            none_of(&strangers, "the user data of groups of one's own is not read")
        }
        Fact::Known(_) => Fact::unread(UnreadCause::Incomplete, "user data of launch templates is not read"),
        Fact::NotRead(why) => Fact::NotRead(why.clone()),
    };
    NodeFacts {
        self_managed: none_of(&strangers, "Auto Scaling groups of one's own are not read"),
        kubelet_flags,
        nodes: objects.nodes,
        managed,
        pools: objects.pools,
        proxy_mode: objects.proxy_mode,
        cgroup_v1: objects.cgroup_v1,
        cni: match (&objects.cni, groups.addresses_per_interface) {
            (Fact::Known(settings @ (CniSettings::Prefixes | CniSettings::Overlay)), _) => {
                Fact::Known(settings.mode(0))
            }
            (Fact::Known(settings), Some(addresses)) => Fact::Known(settings.mode(addresses)),
            (Fact::Known(_), None) => Fact::unread(
                UnreadCause::Incomplete,
                "how many addresses an interface of the groups' instance types has is not known",
            ),
            (Fact::NotRead(why), _) => Fact::NotRead(why.clone()),
        },
        subnets: groups.subnets,
        pod_subnets,
        vcpu_quotas: groups.vcpu_quotas,
        volume_quotas: Fact::unread(UnreadCause::Incomplete, "quotas of volumes are not read"),
    }
}

/// Names of nodes that come from Auto Scaling groups of one's own.
fn strangers(nodes: &[Node]) -> Vec<String> {
    nodes.iter().filter(|node| maker(node) == Maker::Other).map(|node| node.metadata.name.clone()).collect()
}

/// That there is nothing, where there is nobody who could have any.
fn none_of<T>(strangers: &Fact<Vec<String>>, otherwise: &str) -> Fact<Vec<T>> {
    match strangers {
        Fact::Known(names) if names.is_empty() => Fact::Known(Vec::new()),
        Fact::Known(names) => {
            let some: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
            let detail =
                format!("{otherwise}; {} nodes come from them, such as {}", names.len(), some.join(", "));
            Fact::unread(UnreadCause::Incomplete, detail)
        }
        Fact::NotRead(why) => Fact::NotRead(why.clone()),
    }
}

/// What is known around the groups.
struct Around<'a> {
    last: Option<Minor>,
    subnets: &'a Fact<Vec<Subnet>>,
    offers: &'a Fact<Vec<InstanceOffer>>,
    images: &'a Fact<Vec<String>>,
    sizes: &'a Partial<(Text, Hardware)>,
}

impl Around<'_> {
    fn group(&self, group: NodeGroupDescription) -> ManagedNodeGroup {
        let own = |subnet: &&Subnet| group.subnet_ids.contains(&subnet.id);
        let zones: BTreeSet<&str> = self
            .subnets
            .known()
            .into_iter()
            .flatten()
            .filter(own)
            .map(|subnet| subnet.zone.as_str())
            .collect();
        ManagedNodeGroup {
            target_image: self.image(&group),
            instance_types: self.offers(&group),
            zones: zones.into_iter().map(str::to_owned).collect(),
            vcpus: self.vcpus(&group),
            vcpu_quota: quotas::of_group(&group.instance_types, group.spot).to_owned(),
            pending_launch_template: match group.launch_template {
                None => Fact::Known(false),
                Some(_) => Fact::unread(UnreadCause::Incomplete, "versions of launch templates are not read"),
            },
            pods_per_node: Fact::unread(UnreadCause::NotAsked, "the cluster's own API was not asked"),
            name: group.name,
            version: group.version,
            status: group.status,
            health_issues: group.health_issues,
            ami_type: group.ami_type,
            nodes: group.nodes.0,
            max_nodes: group.nodes.1,
            max_unavailable: group.max_unavailable,
            strategy: group.strategy,
            subnet_ids: group.subnet_ids,
        }
    }

    fn image(&self, group: &NodeGroupDescription) -> Fact<bool> {
        let parameter = self.last.and_then(|minor| image::parameter(&group.ami_type, minor));
        let Some(parameter) = parameter else {
            let detail = format!("no public parameter names images of type {}", group.ami_type);
            return Fact::unread(UnreadCause::Incomplete, detail);
        };
        match self.images {
            Fact::Known(known) => Fact::Known(known.contains(&parameter)),
            Fact::NotRead(why) => Fact::NotRead(why.clone()),
        }
    }

    /// The vCPUs of the group's largest type: which of them it takes is the Auto Scaling group's choice.
    fn vcpus(&self, group: &NodeGroupDescription) -> Fact<u32> {
        let of_type = |kind: &String| self.sizes.items.iter().find(|(name, _)| **name == **kind);
        let sizes: Option<Vec<u32>> =
            group.instance_types.iter().map(|kind| of_type(kind).map(|(_, size)| size.vcpus)).collect();
        match (sizes.and_then(|sizes| sizes.into_iter().max()), &self.sizes.failure) {
            (Some(most), _) => Fact::Known(most),
            (None, Some(failure)) => unread(failure),
            (None, None) => {
                let detail =
                    format!("the size of the instance types of node group {} is not known", group.name);
                Fact::unread(UnreadCause::Incomplete, detail)
            }
        }
    }

    fn offers(&self, group: &NodeGroupDescription) -> Fact<Vec<InstanceOffer>> {
        if group.instance_types.is_empty() {
            let detail = format!("the launch template of node group {} names its instance types", group.name);
            return Fact::unread(UnreadCause::Incomplete, detail);
        }
        // Which zones a group lies in is told by its subnets; without them no offer can be judged.
        if let Fact::NotRead(why) = self.subnets {
            return Fact::NotRead(Unread::clone(why));
        }
        match self.offers {
            Fact::Known(offers) => {
                let own = offers.iter().filter(|offer| group.instance_types.contains(&offer.instance_type));
                Fact::Known(own.cloned().collect())
            }
            Fact::NotRead(why) => Fact::NotRead(why.clone()),
        }
    }
}
