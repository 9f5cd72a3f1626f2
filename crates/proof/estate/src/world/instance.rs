//! EC2 instances, and the collection a region keeps of them.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::Timestamp;

use super::agent::Agent;
use super::ids::{ImageId, InstanceId, InterfaceId, ReservationId, VolumeId};
use super::instance_types::InstanceType;
use super::network::{SecurityGroup, Subnet};
use super::patching::PatchState;
use super::platform::Platform;
use super::tags::Tags;

/// EC2's instance states, with their codes on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// Up.
    Running,
    /// On its way to terminated.
    ShuttingDown,
    /// Gone for good.
    Terminated,
    /// On its way to stopped.
    Stopping,
    /// Down, its volumes kept.
    Stopped,
}

impl InstanceState {
    /// EC2's code.
    pub const fn code(self) -> u16 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        }
    }

    /// True for `running`.
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Running)
    }

    /// EC2's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

/// How an instance is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// The usual way; EC2 leaves `InstanceLifecycle` out.
    OnDemand,
    /// From spare capacity.
    Spot,
}

/// Whether the metadata service asks for a session token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataTokens {
    /// IMDSv1 still answers.
    Optional,
    /// IMDSv2 only.
    Required,
}

impl MetadataTokens {
    /// EC2's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

/// Whether the metadata service answers at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataEndpoint {
    /// It does.
    Enabled,
    /// It does not.
    Disabled,
}

impl MetadataEndpoint {
    /// EC2's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
        }
    }
}

/// How an instance's metadata service is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetadataOptions {
    /// Whether it asks for a session token.
    pub tokens: MetadataTokens,
    /// Network hops that a token may travel, 1 to 64.
    pub hop_limit: u8,
    /// Whether it answers.
    pub endpoint: MetadataEndpoint,
}

impl Default for MetadataOptions {
    /// What a launch without options gets from the images of the estate: IMDSv2 for hosts and their
    /// containers.
    fn default() -> Self {
        Self { tokens: MetadataTokens::Required, hop_limit: 2, endpoint: MetadataEndpoint::Enabled }
    }
}

/// Where the root device lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootDevice {
    /// On an EBS volume.
    Ebs,
    /// On a disk of the host: lost when the instance stops.
    InstanceStore,
}

impl RootDevice {
    /// EC2's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ebs => "ebs",
            Self::InstanceStore => "instance-store",
        }
    }
}

/// The result of one status check of a running instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusCheck {
    /// Passed.
    Ok,
    /// Failing since then.
    Impaired(Timestamp),
    /// Just started.
    Initializing,
    /// EC2 cannot tell.
    InsufficientData,
}

impl StatusCheck {
    /// EC2's summary of this result.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Impaired(_) => "impaired",
            Self::Initializing => "initializing",
            Self::InsufficientData => "insufficient-data",
        }
    }

    /// EC2's word for the reachability detail behind the summary.
    pub const fn reachability(self) -> &'static str {
        match self {
            Self::Ok => "passed",
            Self::Impaired(_) => "failed",
            Self::Initializing => "initializing",
            Self::InsufficientData => "insufficient-data",
        }
    }
}

/// Both status checks of a running instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusChecks {
    /// Of the host underneath.
    pub system: StatusCheck,
    /// Of the instance itself.
    pub instance: StatusCheck,
}

/// A volume attached to an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedVolume {
    /// The device's name.
    pub device: Arc<str>,
    /// The volume.
    pub volume: VolumeId,
    /// Since when.
    pub since: Timestamp,
    /// Whether it goes when the instance goes.
    pub delete_on_termination: bool,
}

/// Where an instance's public address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// It has none.
    Private,
    /// From EC2's pool, for as long as it runs.
    Automatic,
    /// An Elastic IP address, which stays.
    Elastic,
}

/// A virtual machine.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// The launch it came from; its neighbours of the same launch follow one another.
    pub reservation: ReservationId,
    /// Place within the launch, from 0.
    pub launch_index: u32,
    /// Now.
    pub state: InstanceState,
    /// When it last changed its state.
    pub state_since: Timestamp,
    /// Size.
    pub instance_type: &'static InstanceType,
    /// Operating system.
    pub platform: Platform,
    /// The image it was launched from; which may be gone since.
    pub image: ImageId,
    /// When it was last started.
    pub launched_at: Timestamp,
    /// The operating system's own id of this boot.
    pub boot_id: u128,
    /// Its subnet, and so its zone.
    pub subnet: Arc<Subnet>,
    /// Its security groups.
    pub security_groups: Arc<[Arc<SecurityGroup>]>,
    /// Its only network interface.
    pub interface: InterfaceId,
    /// Address in the subnet.
    pub private_ip: Ipv4Addr,
    /// Address on the internet; EC2 takes it away while the instance is stopped.
    pub public_ip: Option<Ipv4Addr>,
    /// Where the public address comes from.
    pub addressing: Addressing,
    /// Name of the key pair.
    pub key_name: Option<Arc<str>>,
    /// Name of the instance profile.
    pub profile: Option<Arc<str>>,
    /// How it is paid for.
    pub lifecycle: Lifecycle,
    /// Where its root device lives.
    pub root_device: RootDevice,
    /// Its metadata service.
    pub metadata: MetadataOptions,
    /// Its status checks while running.
    pub checks: StatusChecks,
    /// Its volumes, the root volume first.
    pub volumes: Vec<AttachedVolume>,
    /// The token of the launch, where it had one.
    pub client_token: Option<Arc<str>>,
    /// Its tags.
    pub tags: Tags,
    /// Its Systems Manager agent, if that ever registered.
    pub agent: Option<Agent>,
    /// What Patch Manager last reported, if it ever ran.
    pub patch_state: Option<Box<PatchState>>,
}

/// A region's instances in the order of their launch.
#[derive(Default)]
pub struct Instances {
    ordered: Vec<Instance>,
    places: HashMap<InstanceId, usize>,
}

impl std::fmt::Debug for Instances {
    // The index is left out: it says nothing new, and its order changes from run to run.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.ordered).finish()
    }
}

impl Instances {
    /// Adds an instance after all others; one with the same id is replaced in its place.
    pub fn insert(&mut self, instance: Instance) {
        match self.places.get(&instance.id) {
            Some(&place) => self.ordered[place] = instance,
            None => {
                self.places.insert(instance.id, self.ordered.len());
                self.ordered.push(instance);
            }
        }
    }

    /// The instance with this id.
    pub fn get(&self, id: InstanceId) -> Option<&Instance> {
        self.places.get(&id).map(|&place| &self.ordered[place])
    }

    /// The instance with this id, to be changed.
    pub fn get_mut(&mut self, id: InstanceId) -> Option<&mut Instance> {
        self.places.get(&id).map(|&place| &mut self.ordered[place])
    }

    /// Every instance.
    pub fn iter(&self) -> std::slice::Iter<'_, Instance> {
        self.ordered.iter()
    }

    /// The place of an instance in the order, which pages continue from.
    pub fn place(&self, id: InstanceId) -> Option<usize> {
        self.places.get(&id).copied()
    }

    /// The instances from a place on.
    pub fn from_place(&self, place: usize) -> &[Instance] {
        self.ordered.get(place..).unwrap_or_default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ordered.len()
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.ordered.is_empty()
    }
}
