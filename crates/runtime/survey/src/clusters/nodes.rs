//! Managed node groups and the room their updates need, as far as AWS says.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_eks::facts::control_plane::{Subnet, Usage};
use fleetwright_eks::facts::nodes::{
    InstanceOffer, KubeletFlag, ManagedNodeGroup, SelfManagedGroup, TemplateRef, TemplateVersion,
};
use fleetwright_eks::facts::{Fact, NodeFacts, Unread, UnreadCause};
use fleetwright_eks::image;
use fleetwright_eks::read::{CniSettings, NodeObjects};
use fleetwright_kubernetes::Minor;
use fleetwright_model::{Hardware, Partial, Text};
use fleetwright_ports::clusters::NodeGroupDescription;
use futures::future::join_all;
use futures::join;

use super::{ClusterPorts, ClusterRequest, fact, objects, own_groups, quotas, unread};

/// Managed node groups, and the subnets of their nodes.
pub(super) struct Groups {
    pub(super) managed: Fact<Vec<ManagedNodeGroup>>,
    pub(super) subnets: Fact<Vec<Subnet>>,
    pub(super) vcpu_quotas: Fact<Vec<(String, Usage)>>,
    /// Flags that launch templates of managed groups give the kubelet.
    pub(super) kubelet_flags: Fact<Vec<KubeletFlag>>,
    /// Addresses of one interface of the types that have the most.
    pub(super) addresses_per_interface: Option<u32>,
}

/// The managed node groups with what EC2 and Systems Manager know of them.
pub(super) async fn read(ports: ClusterPorts<'_>, request: ClusterRequest<'_>) -> Groups {
    let described = match ports.clusters.node_groups(request.cell, request.name).await {
        Ok(described) => described,
        Err(failure) => {
            let (managed, subnets, vcpu_quotas) = (unread(&failure), unread(&failure), unread(&failure));
            let kubelet_flags = unread(&failure);
            return Groups { managed, subnets, vcpu_quotas, kubelet_flags, addresses_per_interface: None };
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
    let (subnets, offers, images, sizes, vcpu_quotas, templates) = join!(
        ground.subnets(request.cell, &ids),
        ground.instance_offers(request.cell, &types),
        ground.public_parameters(request.cell, &wanted),
        ports.machines.hardware(request.cell, &names),
        quotas::vcpus(ports, request.cell),
        templates(ports, request, &described),
    );
    let (subnets, offers, images) = (fact(subnets), fact(offers), fact(images));
    let kubelet_flags = kubelet_flags(&described, &templates);
    let around = Around {
        last,
        subnets: &subnets,
        offers: &offers,
        images: &images,
        sizes: &sizes,
        templates: &templates,
    };
    let managed = Fact::Known(described.into_iter().map(|group| around.group(group)).collect());
    let addresses_per_interface = sizes.items.iter().map(|(_, size)| size.addresses_per_interface).max();
    Groups { managed, subnets, vcpu_quotas, kubelet_flags, addresses_per_interface }
}

/// Versions of launch templates, by the template's id.
type Templates = BTreeMap<String, Fact<Vec<TemplateVersion>>>;

/// The launch templates of managed groups.
async fn templates(
    ports: ClusterPorts<'_>,
    request: ClusterRequest<'_>,
    groups: &[NodeGroupDescription],
) -> Templates {
    let ids: BTreeSet<&String> =
        groups.iter().filter_map(|group| group.launch_template.as_ref()).map(|(id, _)| id).collect();
    let each =
        ids.into_iter().map(|id| async move { (id.clone(), own_groups::template(ports, request, id).await) });
    join_all(each).await.into_iter().collect()
}

/// The flags that the versions in use give the kubelet. Without a launch template EKS writes the user data.
fn kubelet_flags(groups: &[NodeGroupDescription], templates: &Templates) -> Fact<Vec<KubeletFlag>> {
    let mut flags = Vec::new();
    for (id, version) in groups.iter().filter_map(|group| group.launch_template.as_ref()) {
        let (Some(Fact::Known(versions)), Ok(version)) = (templates.get(id), version.parse()) else {
            return match templates.get(id) {
                Some(Fact::NotRead(why)) => Fact::NotRead(why.clone()),
                _ => Fact::unread(
                    UnreadCause::Incomplete,
                    format!("launch template {id} has no version {version}"),
                ),
            };
        };
        match own_groups::of_version(versions, &TemplateRef { id: id.clone(), version }) {
            Ok(found) => flags.extend(found),
            Err(why) => return Fact::NotRead(why),
        }
    }
    Fact::Known(flags)
}

/// Everything about nodes: the groups, and what the cluster's own API says.
pub(super) async fn with_objects(
    ports: ClusterPorts<'_>,
    request: ClusterRequest<'_>,
    (groups, own): (Groups, Fact<Vec<SelfManagedGroup>>),
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
    let own = own_groups::with_nodes(own, &objects.nodes);
    let last = request.route.last().map(|hop| hop.to);
    let kubelet_flags = match (groups.kubelet_flags, own_groups::kubelet_flags(&own, &objects.nodes, last)) {
        (Fact::Known(mut flags), Fact::Known(of_own)) => {
            flags.extend(of_own);
            Fact::Known(flags)
        }
        (Fact::NotRead(why), _) | (_, Fact::NotRead(why)) => Fact::NotRead(why),
    };
    NodeFacts {
        self_managed: own,
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

/// What is known around the groups.
struct Around<'a> {
    last: Option<Minor>,
    subnets: &'a Fact<Vec<Subnet>>,
    offers: &'a Fact<Vec<InstanceOffer>>,
    images: &'a Fact<Vec<String>>,
    sizes: &'a Partial<(Text, Hardware)>,
    templates: &'a Templates,
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
            pending_launch_template: self.is_pending(&group),
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

    /// Whether another version of the group's launch template than that in use is the default.
    fn is_pending(&self, group: &NodeGroupDescription) -> Fact<bool> {
        let Some((id, version)) = &group.launch_template else { return Fact::Known(false) };
        match self.templates.get(id) {
            Some(Fact::Known(versions)) => {
                let default = versions.iter().find(|it| it.is_default).map(|it| it.number.to_string());
                Fact::Known(default.is_some_and(|default| default != *version))
            }
            Some(Fact::NotRead(why)) => Fact::NotRead(why.clone()),
            None => Fact::unread(UnreadCause::Incomplete, format!("launch template {id} was not read")),
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
