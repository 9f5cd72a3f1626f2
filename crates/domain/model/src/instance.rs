//! An EC2 instance and the facts EC2 itself has of it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use crate::{InstanceId, Text};

/// Tags of a resource; keys and values are untrusted text.
pub type Tags = BTreeMap<Text, Text>;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The value as AWS or people write it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads the value back; `None` where it is not one of [`Self::ALL`].
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(crate) use named;

named! {
    /// The life-cycle state of an instance.
    /// Source: EC2 API reference, InstanceState.
    InstanceState {
        /// Being launched.
        Pending = "pending",
        /// Running.
        Running = "running",
        /// Being stopped.
        Stopping = "stopping",
        /// Stopped; can be started.
        Stopped = "stopped",
        /// Being terminated.
        ShuttingDown = "shutting-down",
        /// Gone.
        Terminated = "terminated",
        /// A state this version does not know.
        Unknown = "unknown",
    }
}

named! {
    /// The operating-system family EC2 bills the instance as.
    OsFamily {
        /// Linux and other Unix.
        Linux = "linux",
        /// Windows.
        Windows = "windows",
        /// macOS.
        MacOs = "macos",
    }
}

/// What a selection by platform can name: families and distributions, as reports name them.
pub const PLATFORM_NAMES: &[&str] = &[
    "linux",
    "windows",
    "macos",
    "almalinux",
    "amazon-linux",
    "centos",
    "debian",
    "oracle-linux",
    "raspberry-pi-os",
    "rhel",
    "rocky",
    "sles",
    "ubuntu",
    "unsupported",
];

named! {
    /// How the instance was bought.
    Lifecycle {
        /// On demand or under a reservation or savings plan.
        OnDemand = "on-demand",
        /// Spot: may be taken away at two minutes' notice.
        Spot = "spot",
        /// A scheduled or capacity-block instance.
        Scheduled = "scheduled",
    }
}

named! {
    /// One of EC2's status checks.
    /// Source: EC2 API reference, InstanceStatusSummary.
    HealthCheck {
        /// The check passed.
        Ok = "ok",
        /// The check failed.
        Impaired = "impaired",
        /// The check has just begun.
        Initializing = "initializing",
        /// EC2 has not enough data.
        InsufficientData = "insufficient-data",
        /// The check does not apply, e.g. because the instance is stopped.
        NotApplicable = "not-applicable",
    }
}

/// Both status checks of a running instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SystemHealth {
    /// Reachability of the host underneath.
    pub system: HealthCheck,
    /// Reachability of the instance itself.
    pub instance: HealthCheck,
}

/// Size of an instance type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hardware {
    /// Memory in MiB.
    pub memory_mib: u64,
    /// vCPUs, as they are by default.
    pub vcpus: u32,
    /// IPv4 addresses of one network interface at most.
    pub addresses_per_interface: u32,
    /// Network performance as EC2 words it, e.g. "Up to 12.5 Gigabit".
    pub network_performance: Text,
}

/// The EBS volumes attached to an instance, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Storage {
    /// Number of attached volumes.
    pub volumes: u32,
    /// Their size together, in GiB.
    pub gib: u64,
}

/// An instance as DescribeInstances shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The instance id.
    pub id: InstanceId,
    /// The `Name` tag.
    pub name: Option<Text>,
    /// Life-cycle state.
    pub state: InstanceState,
    /// Operating-system family.
    pub os: OsFamily,
    /// EC2's words for the platform, e.g. "Red Hat Enterprise Linux".
    pub platform_details: Option<Text>,
    /// Instance type, e.g. `m6i.large`.
    pub instance_type: Text,
    /// The AMI it was launched from.
    pub image: Text,
    /// Launch time; with the id it pins identity.
    pub launch_time: Option<Timestamp>,
    /// Availability zone.
    pub availability_zone: Option<Text>,
    /// Private address.
    pub private_ip: Option<IpAddr>,
    /// Public address.
    pub public_ip: Option<IpAddr>,
    /// VPC.
    pub vpc: Option<Text>,
    /// Subnet.
    pub subnet: Option<Text>,
    /// Security group ids.
    pub security_groups: Vec<Text>,
    /// CPU cores.
    pub cpu_cores: Option<u32>,
    /// How it was bought.
    pub lifecycle: Lifecycle,
    /// True where the root device is an EBS volume: only then can an AMI be made without agents.
    pub root_on_ebs: bool,
    /// All tags.
    pub tags: Tags,
}
