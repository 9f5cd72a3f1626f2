//! Launching instances.

use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::Timestamp;
use rand::RngExt;

use super::Region;
use super::agent::{Agent, LATEST_AGENT_VERSION, Ping};
use super::diary::Event;
use super::host::Software;
use super::host::environment::ensure;
use super::ids::{ImageId, InstanceId, InterfaceId, ReservationId, VolumeId};
use super::images::fresh;
use super::instance::{
    Addressing, AttachedVolume, Instance, InstanceState, Lifecycle, MetadataOptions, RootDevice, StatusCheck,
    StatusChecks,
};
use super::instance_types::InstanceType;
use super::life_cycle;
use super::network::{SecurityGroup, Subnet};
use super::platform::Platform;
use super::storage::{Attachment, Encryption, ImageDisk, Volume};
use super::tags::Tags;
use super::timeline::Place;

/// What an instance is launched from.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Distinguishes launches at the same moment: the client's token, or whatever caused it.
    pub purpose: String,
    /// Place within the launch, from 0.
    pub launch_index: u32,
    /// The image.
    pub image: ImageId,
    /// The image's operating system.
    pub platform: Platform,
    /// The volumes it gets, the root volume first.
    pub disks: Vec<ImageDisk>,
    /// What its root volume holds; none for the platform as published.
    pub software: Option<Arc<Software>>,
    /// Size.
    pub instance_type: &'static InstanceType,
    /// Its subnet.
    pub subnet: Arc<Subnet>,
    /// Its security groups.
    pub security_groups: Arc<[Arc<SecurityGroup>]>,
    /// Its address; one that is free where absent.
    pub private_ip: Option<Ipv4Addr>,
    /// Name of the key pair.
    pub key_name: Option<Arc<str>>,
    /// Name of the instance profile.
    pub profile: Option<Arc<str>>,
    /// How its metadata service is set up.
    pub metadata: MetadataOptions,
    /// The client's token.
    pub client_token: Option<Arc<str>>,
    /// Tags of the instance.
    pub tags: Tags,
    /// Tags of its volumes.
    pub volume_tags: Tags,
}

/// Launches an instance at `at`.
pub fn launch(place: &mut Place<'_>, order: Launch, at: Timestamp) -> InstanceId {
    let base = place.seed.child("launch").child(&order.purpose).child(&at.to_string());
    let reservation = ReservationId(base.stream().random());
    let seed = base.nth(order.launch_index as usize);
    let id = fresh(
        |n| InstanceId(seed.child("id").nth(n).stream().random()),
        |id| place.region.instances.get(*id).is_some(),
    );
    let mut random = seed.stream();
    let (interface, boot_id) = (InterfaceId(random.random()), random.random());
    let private_ip = order.private_ip.unwrap_or_else(|| free_address(place, &order.subnet, &seed));
    let volumes = volumes(place, &order, id, at);
    let agent = order.profile.is_some().then(|| agent(place.code, order.platform, (id, private_ip), at));
    let software = order.software.as_deref().cloned().unwrap_or_default();
    place.region.instances.insert(Instance {
        id,
        reservation,
        launch_index: order.launch_index,
        state: InstanceState::Pending,
        state_since: at,
        instance_type: order.instance_type,
        platform: order.platform,
        image: order.image,
        launched_at: at,
        boot_id,
        subnet: order.subnet,
        security_groups: order.security_groups,
        interface,
        private_ip,
        public_ip: None,
        addressing: Addressing::Private,
        key_name: order.key_name,
        profile: order.profile,
        lifecycle: Lifecycle::OnDemand,
        root_device: RootDevice::Ebs,
        metadata: order.metadata,
        checks: StatusChecks { system: StatusCheck::Initializing, instance: StatusCheck::Initializing },
        volumes,
        client_token: order.client_token,
        tags: order.tags,
        agent,
        patch_state: None,
    });
    if let Some(host) = ensure(place.region, id) {
        host.software = software;
    }
    place.region.diary.note(at, Event::Instance { id, state: InstanceState::Pending });
    life_cycle::settle_later(place, id, InstanceState::Pending, at);
    id
}

/// The agent that registers when an instance with a profile has booted; silent until then.
fn agent(code: &str, platform: Platform, (id, ip): (InstanceId, Ipv4Addr), at: Timestamp) -> Agent {
    Agent {
        ping: Ping::ConnectionLost(at),
        version: LATEST_AGENT_VERSION.into(),
        computer_name: computer_name(code, platform, ip, id),
        ip,
        last_association: None,
    }
}

/// The name a host gives itself.
#[must_use]
pub fn computer_name(code: &str, platform: Platform, ip: Ipv4Addr, id: InstanceId) -> Arc<str> {
    if platform.is_windows() {
        return format!("EC2AMAZ-{:07X}", id.0 & 0xfff_ffff).into();
    }
    let [a, b, c, d] = ip.octets();
    if code == "us-east-1" {
        format!("ip-{a}-{b}-{c}-{d}.ec2.internal").into()
    } else {
        format!("ip-{a}-{b}-{c}-{d}.{code}.compute.internal").into()
    }
}

fn volumes(
    place: &mut Place<'_>,
    order: &Launch,
    instance: InstanceId,
    at: Timestamp,
) -> Vec<AttachedVolume> {
    let mut attached = Vec::with_capacity(order.disks.len());
    for disk in &order.disks {
        let seed = place.seed.child("volume").child(&instance.to_string()).child(&disk.device);
        let id =
            fresh(|n| VolumeId(seed.nth(n).stream().random()), |id| place.region.volumes.contains_key(id));
        let device: Arc<str> = disk.device.as_ref().into();
        attached.push(AttachedVolume {
            device: device.clone(),
            volume: id,
            since: at,
            delete_on_termination: disk.delete_on_termination,
        });
        place.region.volumes.insert(
            id,
            Volume {
                id,
                gib: disk.gib,
                volume_type: disk.volume_type,
                zone: order.subnet.zone.as_str().into(),
                created_at: at,
                encryption: disk.encryption,
                snapshot: Some(disk.snapshot),
                attachment: Some(Attachment {
                    instance,
                    device,
                    since: at,
                    delete_on_termination: disk.delete_on_termination,
                }),
                pending_snapshots: 0,
                tags: order.volume_tags.clone(),
            },
        );
    }
    attached
}

/// True where an instance that is not gone has this address.
#[must_use]
pub fn is_taken(region: &Region, address: Ipv4Addr) -> bool {
    region.instances.iter().any(|it| it.private_ip == address && it.state != InstanceState::Terminated)
        || region.network.has(address)
}

fn free_address(place: &Place<'_>, subnet: &Subnet, seed: &crate::generate::seed::Seed) -> Ipv4Addr {
    // The first four addresses and the last are AWS's (VPC user guide, "Subnet CIDR blocks").
    let size = 1_u32 << (32 - u32::from(subnet.prefix));
    let draw = |n| {
        let offset = seed.child("address").nth(n).stream().random_range(4..size - 1);
        Ipv4Addr::from(u32::from(subnet.network) + offset)
    };
    fresh(draw, |address| is_taken(place.region, *address))
}

/// Launches another instance like one that somebody else terminated: same name, image, size and
/// place, as an Auto Scaling group does.
pub(super) fn successor(
    place: &mut Place<'_>,
    gone: InstanceId,
    (purpose, launch_index): (String, u32),
    at: Timestamp,
) -> Option<InstanceId> {
    let it = place.region.instances.get(gone).cloned()?;
    let image = place.region.images.get(&it.image);
    let software = image.and_then(|image| image.software.clone());
    let disks = image.map(|image| image.disks.clone()).unwrap_or_else(|| {
        let root = it.volumes.first().and_then(|a| place.region.volumes.get(&a.volume));
        root.into_iter().filter_map(disk_like).collect()
    });
    let order = Launch {
        purpose,
        launch_index,
        image: it.image,
        platform: it.platform,
        disks,
        software,
        instance_type: it.instance_type,
        subnet: it.subnet,
        security_groups: it.security_groups,
        private_ip: None,
        key_name: it.key_name,
        profile: it.profile,
        metadata: it.metadata,
        client_token: None,
        tags: it.tags,
        volume_tags: Tags::default(),
    };
    Some(launch(place, order, at))
}

fn disk_like(volume: &Volume) -> Option<ImageDisk> {
    Some(ImageDisk {
        device: volume.attachment.as_ref()?.device.to_string().into(),
        snapshot: volume.snapshot?,
        gib: volume.gib,
        volume_type: volume.volume_type,
        encryption: Encryption::None,
        delete_on_termination: true,
    })
}
