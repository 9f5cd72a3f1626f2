//! The instances that nodes of node groups are, and the Auto Scaling groups that hold them.
//!
//! Rules: EKS user guide, "Simplify node lifecycle with managed node groups". EKS alone launches and ends those
//! of managed groups; one that somebody else terminates leaves its node behind.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::Timestamp;
use rand::RngExt;

use super::node_groups::NodeGroup;
use super::version::Minor;
use super::{Cluster, images};
use crate::generate::seed::Seed;
use crate::world::diary::Event;
use crate::world::ids::{InstanceId, InterfaceId, ReservationId, VolumeId};
use crate::world::instance::{
    Addressing, AttachedVolume, Instance, InstanceState, Lifecycle, MetadataOptions, RootDevice, StatusCheck,
    StatusChecks,
};
use crate::world::instance_types;
use crate::world::kube::{NODES, nodes};
use crate::world::life_cycle;
use crate::world::network::{Network, Subnet};
use crate::world::platform::Platform;
use crate::world::scaling::{self, Group, HealthCheck, Member, Source};
use crate::world::storage::{Attachment, Encryption, Volume, VolumeType};
use crate::world::tags::Tags;
use crate::world::timeline::Place;

/// The size of a node's root volume in GiB, where nobody says (EKS API reference, "CreateNodegroup", `diskSize`).
const ROOT_GIB: u32 = 20;
/// Its device, as the images name it.
const ROOT_DEVICE: &str = "/dev/xvda";

/// An instance that a node group has launched.
#[derive(Clone, Debug)]
pub struct Launched {
    /// The group.
    pub group: String,
    /// The node that it is.
    pub node: String,
    /// Its id.
    pub id: InstanceId,
    /// Its first interface.
    pub interface: InterfaceId,
    /// That one's address.
    pub address: Ipv4Addr,
    /// Where that lies.
    pub subnet: Arc<Subnet>,
    /// The version of its image.
    pub version: Minor,
}

/// What a cluster has done to instances and is still to be done in EC2.
#[derive(Debug, Default)]
pub struct Changes {
    /// Those that it has launched.
    pub launched: Vec<Launched>,
    /// Those that it has ended.
    pub ended: Vec<InstanceId>,
}

/// Does in EC2 and Auto Scaling what a cluster has done.
pub(super) fn follow(place: &mut Place<'_>, cluster: &str, changes: Changes, at: Timestamp) {
    scale(place, cluster);
    for launched in changes.launched {
        launch(place, cluster, &launched, at);
    }
    for id in changes.ended {
        if let Some(number) = place.region.scaling.of(id) {
            place.region.scaling.leave(number, id);
        }
        life_cycle::terminate(place, id, at);
    }
}

/// Gives every node group its Auto Scaling group, of the size that it has now.
fn scale(place: &mut Place<'_>, cluster: &str) {
    let region = &mut *place.region;
    let Some(cluster) = region.clusters.by_name.get(cluster) else { return };
    for (name, group) in &cluster.node_groups {
        let (min, desired, max) = group.scaling;
        let number = region.scaling.named(&group.scaling_group);
        match number.and_then(|number| region.scaling.get_mut(number)) {
            Some(found) => (found.min, found.desired, found.max) = (min, desired, max),
            None => {
                let made =
                    scaling_group((place.account, place.code), (cluster, name), group, &region.network);
                region.scaling.add(made);
            }
        }
    }
}

/// The tags that EKS gives a group's instances, and the group that holds them; those of one's own groups have only the
/// one that lets their nodes join.
fn tags(cluster: &Cluster, group: &str) -> Tags {
    let owned = format!("kubernetes.io/cluster/{}", cluster.name);
    let own = [(owned.as_str(), "owned")];
    let of_eks = [("eks:cluster-name", cluster.name.as_str()), ("eks:nodegroup-name", group)];
    let managed = cluster.node_groups.contains_key(group);
    let all = of_eks.into_iter().filter(|_| managed).chain(own);
    all.map(|(key, value)| (key.into(), value.into())).collect()
}

pub(crate) fn scaling_group(
    (account, code): (&str, &str),
    (cluster, name): (&Cluster, &str),
    group: &NodeGroup,
    network: &Network,
) -> Group {
    let (min, desired, max) = group.scaling;
    let own = &group.scaling_group;
    let root = format!("arn:aws:autoscaling:{code}:{account}:autoScalingGroup");
    Group {
        name: own.as_str().into(),
        label: format!("autoscaling/{own}").into(),
        arn: format!("{root}:{}:autoScalingGroupName/{own}", group.id),
        min,
        max,
        desired,
        check: HealthCheck::Ec2,
        grace: jiff::SignedDuration::from_secs(15),
        subnets: group.subnets.iter().filter_map(|id| network.subnet(id)).cloned().collect(),
        balancers: Vec::new(),
        members: std::collections::BTreeMap::new(),
        like: None,
        suspended: std::collections::BTreeMap::new(),
        activities: Vec::new(),
        created_at: group.created,
        tags: tags(cluster, name),
        source: Source::Unknown,
        cluster: None,
        hooks: Vec::new(),
        refreshes: Vec::new(),
        protected: BTreeSet::new(),
    }
}

/// Launches an instance; one whose node is ready has been running for long.
fn launch(place: &mut Place<'_>, cluster: &str, launched: &Launched, at: Timestamp) {
    let seed = place.seed.child("node").child(&launched.id.to_string());
    let Some(owner) = place.region.clusters.by_name.get(cluster) else { return };
    let Some(group) = owner.group(&launched.group) else { return };
    let template_version = owner.own_groups.get(&launched.group).map(|own| own.launches_from);
    let ready = owner.kube.get(NODES, "", &launched.node).is_some_and(nodes::is_ready);
    let state = if ready { InstanceState::Running } else { InstanceState::Pending };
    let scaling_group = group.scaling_group.clone();
    let root = root_volume(launched, at, &seed);
    let attached = AttachedVolume {
        device: ROOT_DEVICE.into(),
        volume: root.id,
        since: at,
        delete_on_termination: true,
    };
    let made = instance(launched, (owner, group), &place.region.network, (state, at), &seed, attached);
    let Some(made) = made else { return };
    let region = &mut *place.region;
    region.volumes.insert(root.id, root);
    region.instances.insert(made);
    if let Some(number) = region.scaling.named(&scaling_group) {
        let waits = template_version.is_some() && state == InstanceState::Pending;
        let lifecycle = if waits { scaling::Lifecycle::Pending } else { scaling::Lifecycle::InService };
        region.scaling.join(number, launched.id, Member::new(lifecycle, at).from_version(template_version));
    }
    region.diary.note(at, Event::Instance { id: launched.id, state });
    if state == InstanceState::Pending {
        life_cycle::settle_later(place, launched.id, state, at);
    }
}

fn instance(
    launched: &Launched,
    (cluster, group): (&Cluster, &NodeGroup),
    network: &Network,
    (state, at): (InstanceState, Timestamp),
    seed: &Seed,
    root: AttachedVolume,
) -> Option<Instance> {
    let mut random = seed.stream();
    let own = |id: &String| network.security_groups.iter().find(|it| it.id.to_string() == *id).cloned();
    let mut tags = tags(cluster, &launched.group);
    tags.set("aws:autoscaling:groupName".into(), group.scaling_group.as_str().into());
    let check = if state == InstanceState::Running { StatusCheck::Ok } else { StatusCheck::Initializing };
    Some(Instance {
        id: launched.id,
        reservation: ReservationId(random.random()),
        launch_index: 0,
        state,
        state_since: at,
        instance_type: instance_types::find(&group.instance_type)?,
        platform: Platform::AmazonLinux2023,
        image: images::of_group(&group.ami_type, launched.version, region_of(&launched.subnet)),
        launched_at: at,
        boot_id: random.random(),
        subnet: launched.subnet.clone(),
        security_groups: cluster.security_groups.iter().filter_map(own).collect(),
        interface: launched.interface,
        private_ip: launched.address,
        public_ip: None,
        addressing: Addressing::Private,
        key_name: None,
        profile: Some(format!("eks-{}", group.id).into()),
        lifecycle: if group.capacity_type == "SPOT" { Lifecycle::Spot } else { Lifecycle::OnDemand },
        root_device: RootDevice::Ebs,
        metadata: MetadataOptions::default(),
        checks: StatusChecks { system: check, instance: check },
        volumes: vec![root],
        client_token: None,
        tags,
        agent: None,
        patch_state: None,
    })
}

/// The region of a subnet, whose zone's name is the region's and a letter.
fn region_of(subnet: &Subnet) -> &str {
    subnet.zone.trim_end_matches(|letter: char| letter.is_ascii_lowercase())
}

fn root_volume(launched: &Launched, at: Timestamp, seed: &Seed) -> Volume {
    Volume {
        id: VolumeId(seed.child("volume").stream().random()),
        gib: ROOT_GIB,
        volume_type: VolumeType::Gp3,
        zone: launched.subnet.zone.as_str().into(),
        created_at: at,
        encryption: Encryption::DefaultKey,
        snapshot: None,
        attachment: Some(Attachment {
            instance: launched.id,
            device: ROOT_DEVICE.into(),
            since: at,
            delete_on_termination: true,
        }),
        pending_snapshots: 0,
        tags: Tags::default(),
    }
}
