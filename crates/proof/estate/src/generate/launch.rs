//! Putting one instance, with its volumes, agent and patch state, into a region.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::Timestamp;
use rand::RngExt;

use super::applications::Tier;
use super::catalog;
use super::fleet::Shares;
use super::management::{self, AgentHealth, Judged};
use super::seed::Seed;
use crate::world::Region;
use crate::world::agent::{Agent, hours_before};
use crate::world::ids::{BaselineId, ImageId, InstanceId, InterfaceId, ReservationId, SnapshotId, VolumeId};
use crate::world::instance::{
    Addressing, AttachedVolume, Instance, InstanceState, Lifecycle, MetadataOptions, MetadataTokens,
    RootDevice, StatusCheck, StatusChecks,
};
use crate::world::instance_types::{Architecture, InstanceType};
use crate::world::launch::computer_name;
use crate::world::network::{SecurityGroup, Subnet};
use crate::world::patching::{PatchState, predefined_baseline};
use crate::world::platform::Platform;
use crate::world::storage::{Attachment, Encryption, Volume, VolumeType};
use crate::world::tags::{Interner, Tags};

/// Name of the profile of every instance with an agent, and of the profile's role.
pub const INSTANCE_PROFILE: &str = "managed-instance";

/// Whether Patch Manager ever looked at an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// Within the last week that the agent was there.
    Yes,
    /// Never.
    No,
}

/// What is decided about an instance before the details are drawn.
#[derive(Clone, Debug)]
pub struct Sketch {
    /// Its id, where it is given and not drawn.
    pub id: Option<InstanceId>,
    /// Where its details are drawn from.
    pub seed: Seed,
    /// The launch it belongs to.
    pub reservation: ReservationId,
    /// Place in that launch.
    pub launch_index: u32,
    /// Zone, 0 to [`catalog::ZONES`] - 1.
    pub zone: usize,
    /// What it does, which decides its security group and disks.
    pub tier: Tier,
    /// Operating system.
    pub platform: Platform,
    /// Size.
    pub instance_type: &'static InstanceType,
    /// State.
    pub state: InstanceState,
    /// Status check of the instance while it runs.
    pub health_check: StatusCheck,
    /// Age in hours, 1 at least.
    pub age_hours: i64,
    /// When it was launched, where that is given and not its age.
    pub launched_at: Option<Timestamp>,
    /// How it is paid for.
    pub lifecycle: Lifecycle,
    /// Where its root device lives.
    pub root_device: RootDevice,
    /// Its agent.
    pub agent: AgentHealth,
    /// Whether Patch Manager looked.
    pub scanned: Scanned,
    /// Tags.
    pub tags: Tags,
}

/// A region being filled.
pub struct Cell<'w> {
    region: &'w mut Region,
    root: &'w Seed,
    seed: Seed,
    code: &'w str,
    start: Timestamp,
    shares: Shares,
    interner: &'w mut Interner,
    addresses: [usize; catalog::ZONES],
    images: BTreeMap<(Platform, &'static str, usize), ImageId>,
    baselines: BTreeMap<Platform, BaselineId>,
    groups: Vec<Arc<[Arc<SecurityGroup>]>>,
}

/// Where a cell is, and what it draws from.
pub struct Site<'w> {
    /// The seed of the whole scenario.
    pub root: &'w Seed,
    /// The seed of this account and region.
    pub seed: Seed,
    /// The region's code.
    pub code: &'w str,
    /// When the scenario starts.
    pub start: Timestamp,
    /// Shares, of which the old agents' is drawn here.
    pub shares: Shares,
}

impl<'w> Cell<'w> {
    /// Begins to fill a furnished region.
    pub fn new(region: &'w mut Region, site: Site<'w>, interner: &'w mut Interner) -> Self {
        let groups = region.network.security_groups.iter().map(|group| [group.clone()].into()).collect();
        let mut addresses = [0; catalog::ZONES];
        for it in region.instances.iter() {
            let zone = region.network.subnets.iter().position(|subnet| subnet.id == it.subnet.id);
            if let Some(zone) = zone {
                addresses[zone] += 1;
            }
        }
        Self {
            region,
            root: site.root,
            seed: site.seed,
            code: site.code,
            start: site.start,
            shares: site.shares,
            interner,
            addresses,
            images: BTreeMap::new(),
            baselines: BTreeMap::new(),
            groups,
        }
    }

    /// The shared copies of texts.
    pub fn interner(&mut self) -> &mut Interner {
        self.interner
    }

    /// The time so many hours before the scenario starts.
    pub fn hours_ago(&self, hours: i64) -> Timestamp {
        hours_before(self.start, hours)
    }

    /// Launches an instance.
    pub fn launch(&mut self, sketch: Sketch) -> InstanceId {
        let mut random = sketch.seed.stream();
        let drawn = InstanceId(random.random());
        let id = sketch.id.unwrap_or(drawn);
        let interface = InterfaceId(random.random());
        let boot_id: u128 = random.random();
        let snapshot: u128 = random.random();
        let release_draw = random.random_range(0..100);
        let public_draw = random.random_range(0..3);
        let since_minutes: i64 = random.random_range(5..50);

        let launched_at =
            sketch.launched_at.unwrap_or_else(|| hours_before(self.start, sketch.age_hours.max(1)));
        let stopped_hours = random.random_range(0..sketch.age_hours.max(1));
        let state_since = match sketch.state {
            InstanceState::Running | InstanceState::Pending => launched_at,
            InstanceState::Stopped => hours_before(self.start, stopped_hours),
            _ => self.start - jiff::SignedDuration::from_mins(since_minutes),
        };
        let subnet = self.region.network.subnets[sketch.zone % catalog::ZONES].clone();
        let private_ip = self.next_address(sketch.zone % catalog::ZONES, &subnet);
        let public_ip =
            (sketch.tier == Tier::Web && public_draw == 0 && sketch.state == InstanceState::Running)
                .then(|| Ipv4Addr::new(3, random.random(), random.random(), random.random_range(1..255)));
        let host = (computer_name(self.code, sketch.platform, private_ip, id), private_ip);
        let agent = self.agent(&sketch, state_since, host);
        let patch_state = agent
            .as_ref()
            .filter(|_| sketch.scanned == Scanned::Yes)
            .map(|agent| self.patch_state(&sketch, snapshot, agent.ping.last(self.start).max(launched_at)));
        let volumes = self.volumes(&sketch, id, &subnet, launched_at);
        let image = self.image(&sketch, release_draw);
        let profile = (sketch.agent != AgentHealth::Never).then(|| self.interner.share(INSTANCE_PROFILE));
        let key_name = (random.random_range(0..4) == 0).then(|| self.interner.share("operations"));
        let metadata_tokens = match random.random_range(0..5) {
            0 => MetadataTokens::Optional,
            _ => MetadataTokens::Required,
        };
        self.region.instances.insert(Instance {
            id,
            reservation: sketch.reservation,
            launch_index: sketch.launch_index,
            state: sketch.state,
            state_since,
            instance_type: sketch.instance_type,
            platform: sketch.platform,
            image,
            launched_at,
            boot_id,
            subnet,
            security_groups: self.groups[sketch.tier as usize % self.groups.len()].clone(),
            interface,
            private_ip,
            public_ip,
            addressing: if public_ip.is_some() { Addressing::Automatic } else { Addressing::Private },
            key_name,
            profile,
            lifecycle: sketch.lifecycle,
            root_device: sketch.root_device,
            metadata: MetadataOptions { tokens: metadata_tokens, ..MetadataOptions::default() },
            checks: StatusChecks { system: StatusCheck::Ok, instance: sketch.health_check },
            volumes,
            client_token: None,
            tags: sketch.tags,
            agent,
            patch_state,
        });
        id
    }

    fn agent(&mut self, sketch: &Sketch, since: Timestamp, host: (Arc<str>, Ipv4Addr)) -> Option<Agent> {
        let mut random = sketch.seed.child("agent").stream();
        let (state, old) = ((sketch.state, since), self.shares.agent_old);
        management::agent(&mut random, sketch.agent, old, state, host, self.start, self.interner)
    }

    fn patch_state(&mut self, sketch: &Sketch, snapshot: u128, last_seen: Timestamp) -> Box<PatchState> {
        let mut random = sketch.seed.child("patches").stream();
        let judged = self.judged(sketch);
        Box::new(management::patch_state(&mut random, sketch.platform, judged, snapshot, last_seen))
    }

    fn next_address(&mut self, zone: usize, subnet: &Subnet) -> Ipv4Addr {
        let n = self.addresses[zone];
        self.addresses[zone] += 1;
        catalog::address(subnet, n)
    }

    fn judged(&mut self, sketch: &Sketch) -> Judged {
        let patch_group = self.interner.share(sketch.tags.get("Patch Group").unwrap_or_default());
        let own = sketch.platform == Platform::AmazonLinux2023
            && !patch_group.is_empty()
            && sketch.tags.get("Criticality") == Some("critical");
        let baseline = if own {
            catalog::own_baseline_id(&self.seed)
        } else {
            let (root, code) = (self.root, self.code);
            *self
                .baselines
                .entry(sketch.platform)
                .or_insert_with(|| catalog::predefined_id(root, code, predefined_baseline(sketch.platform)))
        };
        Judged { baseline, patch_group }
    }

    fn image(&mut self, sketch: &Sketch, draw: u32) -> ImageId {
        let release = match draw {
            // Deregistered since: a listing by id would fail for all of them.
            0..3 => return ImageId(sketch.seed.child("image").stream().random()),
            3..50 => 0,
            50..85 => 1,
            _ => 2,
        };
        let (root, code, start) = (self.root, self.code, self.start);
        let architecture = match sketch.platform {
            Platform::Rhel8 | Platform::WindowsServer2019 | Platform::WindowsServer2022 => Architecture::X86,
            _ => sketch.instance_type.architecture,
        };
        *self.images.entry((sketch.platform, architecture.name(), release)).or_insert_with(|| {
            catalog::public_image(root, code, sketch.platform, architecture, release, start).id
        })
    }

    fn volumes(
        &mut self,
        sketch: &Sketch,
        instance: InstanceId,
        subnet: &Subnet,
        launched_at: Timestamp,
    ) -> Vec<AttachedVolume> {
        if matches!(sketch.state, InstanceState::Terminated | InstanceState::ShuttingDown) {
            return Vec::new();
        }
        let mut random = sketch.seed.child("volumes").stream();
        let facts = sketch.platform.facts();
        let mut disks: Vec<(&str, u32, VolumeType)> = Vec::new();
        if sketch.root_device == RootDevice::Ebs {
            let kind = if random.random_range(0..4) == 0 { VolumeType::Gp2 } else { VolumeType::Gp3 };
            disks.push((facts.root_device, facts.root_gib * random.random_range(1..=2), kind));
        }
        let data_device = if sketch.platform.is_windows() { "xvdf" } else { "/dev/sdf" };
        match sketch.tier {
            Tier::Db => disks.push((data_device, random.random_range(2..=20) * 100, VolumeType::Io2)),
            _ if random.random_range(0..4) == 0 => disks.push((data_device, 100, VolumeType::Gp3)),
            _ => {}
        }
        let encryption =
            if random.random_range(0..5) == 0 { Encryption::None } else { Encryption::DefaultKey };
        let mut attached = Vec::with_capacity(disks.len());
        for (n, (device, gib, volume_type)) in disks.into_iter().enumerate() {
            let id = VolumeId(random.random());
            let device = self.interner.share(device);
            let root = n == 0 && sketch.root_device == RootDevice::Ebs;
            attached.push(AttachedVolume {
                device: device.clone(),
                volume: id,
                since: launched_at,
                delete_on_termination: root,
            });
            self.region.volumes.insert(
                id,
                Volume {
                    id,
                    gib,
                    volume_type,
                    zone: self.interner.share(&subnet.zone),
                    created_at: launched_at,
                    encryption,
                    snapshot: root.then(|| SnapshotId(random.random())),
                    attachment: Some(Attachment {
                        instance,
                        device,
                        since: launched_at,
                        delete_on_termination: root,
                    }),
                    pending_snapshots: 0,
                    tags: Tags::default(),
                },
            );
        }
        attached
    }
}
