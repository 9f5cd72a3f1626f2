//! Managed node groups and the room their updates need, as far as AWS says.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_eks::facts::control_plane::{Subnet, Usage};
use fleetwright_eks::facts::nodes::{
    CniMode, KubeletFlag, Launched, ManagedNodeGroup, SelfManagedGroup, TemplateRef, TemplateVersion,
};
use fleetwright_eks::facts::{Fact, NodeFacts, Unread, UnreadCause};
use fleetwright_eks::image;
use fleetwright_eks::maker::{Maker, maker};
use fleetwright_eks::read::{CniSettings, NodeObjects};
use fleetwright_kubernetes::{Minor, Node};
use fleetwright_ports::clusters::NodeGroupDescription;
use futures::future::join_all;
use futures::join;

use super::ground::{self, Ground, Wanted};
use super::{ClusterPorts, ClusterRequest, fact, objects, own_groups, quotas, unread};

/// Managed node groups, what they stand on, and what runs in the region against quotas.
pub(super) struct Groups {
    pub(super) managed: Fact<Vec<ManagedNodeGroup>>,
    subnets: Fact<Vec<Subnet>>,
    vcpu_quotas: Fact<Vec<(String, Usage)>>,
    volume_quotas: Fact<Vec<(String, Usage)>>,
    /// Flags that launch templates of managed groups give the kubelet.
    kubelet_flags: Fact<Vec<KubeletFlag>>,
    /// Addresses of one interface of the types that have the most.
    addresses_per_interface: Option<u32>,
}

/// The managed node groups with what EC2 and Systems Manager know of them.
pub(super) async fn read(ports: ClusterPorts<'_>, request: ClusterRequest<'_>) -> Groups {
    let described = async {
        let described = ports.clusters.node_groups(request.cell, request.name).await?;
        Ok(Around::read(ports, request, &described).await.of_all(described))
    };
    let (described, vcpu_quotas, volume_quotas) =
        join!(described, quotas::vcpus(ports, request.cell), ports.foundations.volume_storage(request.cell),);
    let volume_quotas = fact(volume_quotas);
    let (managed, subnets, kubelet_flags, addresses_per_interface) = match described {
        Ok((managed, kubelet_flags, ground)) => {
            let addresses = ground.addresses_per_interface();
            (Fact::Known(managed), ground.subnets, kubelet_flags, addresses)
        }
        Err(failure) => (unread(&failure), unread(&failure), unread(&failure), None),
    };
    Groups { managed, subnets, vcpu_quotas, volume_quotas, kubelet_flags, addresses_per_interface }
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
    let (mut managed, mut own) = (groups.managed, own_groups::with_nodes(own, &objects.nodes));
    let pod_subnets = async {
        match &objects.pod_subnet_ids {
            Fact::Known(ids) => fact(ports.foundations.subnets(request.cell, ids).await),
            Fact::NotRead(why) => Fact::NotRead(why.clone()),
        }
    };
    let (ground, pod_subnets) = join!(own_groups::with_ground(ports, request, &mut own), pod_subnets);
    count_pods(&mut managed, &mut own, &objects);
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
        managed,
        cni: cni(&objects.cni, groups.addresses_per_interface.max(ground.addresses_per_interface())),
        nodes: objects.nodes,
        pools: objects.pools,
        proxy_mode: objects.proxy_mode,
        cgroup_v1: objects.cgroup_v1,
        subnets: ground::all_subnets(groups.subnets, ground.subnets),
        pod_subnets,
        vcpu_quotas: groups.vcpu_quotas,
        volume_quotas: groups.volume_quotas,
    }
}

/// Pods on the fullest node of each group.
fn count_pods(
    managed: &mut Fact<Vec<ManagedNodeGroup>>,
    own: &mut Fact<Vec<SelfManagedGroup>>,
    objects: &NodeObjects,
) {
    if let Fact::Known(managed) = managed {
        for group in managed {
            let is_its = |node: &Node| maker(node) == Maker::ManagedGroup(&group.name);
            group.new_nodes.pods_per_node = objects::pods_on_fullest(objects, is_its);
        }
    }
    if let Fact::Known(own) = own {
        for group in own {
            group.new_nodes.pods_per_node = objects::pods_on_fullest(objects, |node| group.has(node));
        }
    }
}

/// How addresses are given to pods, where an interface has so many.
fn cni(settings: &Fact<CniSettings>, per_interface: Option<u32>) -> Fact<CniMode> {
    match (settings, per_interface) {
        (Fact::Known(settings @ (CniSettings::Prefixes | CniSettings::Overlay)), _) => {
            Fact::Known(settings.mode(0))
        }
        (Fact::Known(settings), Some(addresses)) => Fact::Known(settings.mode(addresses)),
        (Fact::Known(_), None) => Fact::unread(
            UnreadCause::Incomplete,
            "how many addresses an interface of the groups' instance types has is not known",
        ),
        (Fact::NotRead(why), _) => Fact::NotRead(why.clone()),
    }
}

/// What is known around the managed groups.
struct Around {
    last: Option<Minor>,
    ground: Ground,
    images: Fact<Vec<String>>,
    templates: Templates,
}

impl Around {
    async fn read(
        ports: ClusterPorts<'_>,
        request: ClusterRequest<'_>,
        groups: &[NodeGroupDescription],
    ) -> Self {
        let last = request.route.last().map(|hop| hop.to);
        let images: BTreeSet<String> =
            groups.iter().filter_map(|group| image::parameter(&group.ami_type, last?)).collect();
        let images: Vec<String> = images.into_iter().collect();
        let templates = templates(ports, request, groups).await;
        let mut wanted = Wanted::default();
        for group in groups {
            wanted.add(&group.subnet_ids, launched(group, &templates).as_ref());
        }
        let (ground, images) = join!(
            Ground::read(ports, request.cell, wanted),
            ports.foundations.public_parameters(request.cell, &images),
        );
        Self { last, ground, images: fact(images), templates }
    }

    fn of_all(
        self,
        groups: Vec<NodeGroupDescription>,
    ) -> (Vec<ManagedNodeGroup>, Fact<Vec<KubeletFlag>>, Ground) {
        let flags = kubelet_flags(&groups, &self.templates);
        (groups.into_iter().map(|group| self.group(group)).collect(), flags, self.ground)
    }

    fn group(&self, group: NodeGroupDescription) -> ManagedNodeGroup {
        let launched = launched(&group, &self.templates);
        ManagedNodeGroup {
            target_image: self.image(&group),
            pending_launch_template: self.is_pending(&group),
            name: group.name,
            version: group.version,
            status: group.status,
            health_issues: group.health_issues,
            ami_type: group.ami_type,
            nodes: group.nodes.0,
            max_nodes: group.nodes.1,
            max_unavailable: group.max_unavailable,
            strategy: group.strategy,
            new_nodes: self.ground.new_nodes(group.subnet_ids, launched.as_ref()),
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
        match &self.images {
            Fact::Known(known) => Fact::Known(known.contains(&parameter)),
            Fact::NotRead(why) => Fact::NotRead(why.clone()),
        }
    }
}

/// What a managed group launches: where it names no instance types, its launch template does.
fn launched(group: &NodeGroupDescription, templates: &Templates) -> Result<Launched, Unread> {
    let (on_demand, spot) = (!group.spot, group.spot);
    if !group.instance_types.is_empty() {
        return Ok(Launched { instance_types: group.instance_types.clone(), on_demand, spot });
    }
    let incomplete = |what: &str| Unread {
        cause: UnreadCause::Incomplete,
        detail: format!("node group {}: {what}", group.name),
    };
    let (id, number) =
        group.launch_template.as_ref().ok_or_else(|| incomplete("no instance types are named"))?;
    match templates.get(id) {
        Some(Fact::Known(versions)) => {
            let version = versions.iter().find(|it| it.number.to_string() == *number);
            let kind = version.and_then(|it| it.instance_type.clone());
            let kind = kind.ok_or_else(|| incomplete("its launch template names no instance type"))?;
            Ok(Launched { instance_types: vec![kind], on_demand, spot })
        }
        Some(Fact::NotRead(why)) => Err(why.clone()),
        None => Err(incomplete("its launch template was not read")),
    }
}
