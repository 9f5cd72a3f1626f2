//! What a host says of itself.
//!
//! Every fact is optional: what the host did not say is `None`, which is neither zero nor healthy.
//!
//! # The answer
//!
//! ```text
//! fleetwright/survey/1
//! os=amzn                             os, os_version, kernel, arch, hostname, boot_id: words
//! uptime_s=864000                     also memory_available_mib, memory_total_mib, load1_milli, cpus
//! disk=root 22 6395 /                 root|boot|var|temp, percent used, MiB free, path
//! package_manager=dnf
//! package_lock=no                     yes|no|unknown, then what says so; also repositories, pending_reboot
//! failed_units=1 backup.service       count, then the first six
//! service=active nginx                state, then the name asked for; also agent
//! health=200 http://localhost/health  HTTP status, 000 (no answer) or unknown
//! database=yes db.internal:5432       yes|no|unknown
//! load=99 1 12 40 713 http://localhost/  good, failed, p50 ms, p95 ms, good per second × 10; or unknown
//! packages=3 26d5…                    count, SHA-256 of the sorted list
//! cut=packages                        lists that did not fit
//! z=H4sI…                             base64 of gzip of the lists, or each of their lines as p=…
//! end=22                              how many lines stand between the first and this one
//! ```
//!
//! The lists: `services NAME…`, `ports tcp/22 udp/323@lo…`, `mounts COUNT` and as many
//! `mount FILE_SYSTEM rw|ro SOURCE TARGET`, `users COUNT|unreadable` and as many
//! `user yes|no|unknown GROUP,…|- ID|- NAME`, `packages COUNT` and as many `package DAY NAME VERSION`.

mod parse;
mod text;
mod users;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::boot::BootId;
use crate::fact::{Judged, Tri, UnitState};
use crate::load::Load;

pub use parse::{KEYS, parse};
pub use users::{PrivilegedGroup, User};

/// What a place on disk is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskRole {
    /// The root file system; the system drive on Windows.
    Root,
    /// Where kernels are installed.
    Boot,
    /// Where package managers keep what they download.
    Var,
    /// Temporary files.
    Temp,
}

impl DiskRole {
    /// The word of the answers and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Boot => "boot",
            Self::Var => "var",
            Self::Temp => "temp",
        }
    }
}

/// Room on the file system that holds a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// What it is for.
    pub role: DiskRole,
    /// How full, in percent, as `df` rounds: up.
    pub used_percent: u8,
    /// Free for programs, in MiB.
    pub free_mib: u64,
    /// The path that was asked about.
    pub path: String,
}

/// The state of a named unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its name as it was asked for.
    pub name: String,
    /// Its state.
    pub state: UnitState,
}

/// What a health endpoint answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The address as it was asked for.
    pub url: String,
    /// The answer.
    pub status: HttpStatus,
}

/// The outcome of one HTTP request, redirects not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpStatus {
    /// A status from 100 to 599.
    Answered(u16),
    /// Nothing answered within five seconds.
    NoAnswer,
    /// The host has no program to ask with.
    Unknown,
}

impl HttpStatus {
    /// Whether the endpoint is well: 200 to 399. `None` where nobody could ask.
    pub fn healthy(self) -> Option<bool> {
        match self {
            Self::Answered(status) => Some((200..400).contains(&status)),
            Self::NoAnswer => Some(false),
            Self::Unknown => None,
        }
    }
}

impl fmt::Display for HttpStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(status) => write!(f, "HTTP {status}"),
            Self::NoAnswer => f.write_str("no answer"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// Whether a database takes connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// `HOST:PORT` as it was asked for.
    pub address: String,
    /// Whether a TCP connection came about within three seconds.
    pub reachable: Tri,
}

/// Units that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedUnits {
    /// How many.
    pub count: u32,
    /// The first six.
    pub names: Vec<String>,
}

/// The installed packages (Windows: the hotfixes) as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageSet {
    /// How many.
    pub count: u32,
    /// SHA-256 of the sorted list, hexadecimal. Comparable on one host only.
    pub sha256: String,
}

/// A package (Windows: a hotfix) installed lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentPackage {
    /// The day, `YYYY-MM-DD`, as the host wrote it down.
    pub day: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// How a file system is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MountMode {
    /// Reading and writing.
    ReadWrite,
    /// Reading only; the kernel does that too when a disk fails.
    ReadOnly,
}

impl MountMode {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadWrite => "read-write",
            Self::ReadOnly => "read-only",
        }
    }
}

/// A mounted file system that holds data; the kernel's own are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Where.
    pub target: String,
    /// The device, share or volume.
    pub source: String,
    /// `ext4`, `xfs`, `nfs4`, `NTFS` ….
    pub file_system: String,
    /// How.
    pub mode: MountMode,
}

/// Who can reach a listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Other hosts too, as far as the socket is concerned.
    Any,
    /// This host only.
    Loopback,
}

/// The transport of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// TCP, listening.
    Tcp,
    /// UDP, bound.
    Udp,
}

/// A listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Port {
    /// TCP or UDP.
    pub transport: Transport,
    /// The number.
    pub number: u16,
    /// Who can reach it.
    pub scope: Scope,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        };
        let scope = match self.scope {
            Scope::Any => "",
            Scope::Loopback => "@lo",
        };
        write!(f, "{transport}/{}{scope}", self.number)
    }
}

/// A long list of a survey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// Running services.
    Services,
    /// Listening ports.
    Ports,
    /// Mounts.
    Mounts,
    /// Local users.
    Users,
    /// Packages installed lately.
    Packages,
}

impl List {
    /// Every list.
    pub const ALL: [Self; 5] = [Self::Services, Self::Ports, Self::Mounts, Self::Users, Self::Packages];

    /// The word of the answers and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Ports => "ports",
            Self::Mounts => "mounts",
            Self::Users => "users",
            Self::Packages => "packages",
        }
    }
}

/// The answer of the survey script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SurveyReport {
    /// The operating system's id: `amzn`, `ubuntu`, `rhel`, `windows` ….
    pub os: Option<String>,
    /// Its version.
    pub os_version: Option<String>,
    /// The running kernel; the build on Windows.
    pub kernel: Option<String>,
    /// The processor architecture as the host names it.
    pub arch: Option<String>,
    /// The host's name.
    pub hostname: Option<String>,
    /// Which boot this is.
    pub boot_id: Option<BootId>,
    /// Seconds since the boot.
    pub uptime_s: Option<u64>,
    /// Room on disks; several places may share a file system.
    pub disks: Vec<Disk>,
    /// Memory that programs can have without swapping, in MiB.
    pub memory_available_mib: Option<u64>,
    /// Memory in all, in MiB.
    pub memory_total_mib: Option<u64>,
    /// Load average over one minute, in thousandths (Windows: processors in use, in thousandths).
    pub load1_milli: Option<u64>,
    /// Logical processors.
    pub cpus: Option<u32>,
    /// `apt`, `dnf`, `yum`, `zypper`, `windows-update`.
    pub package_manager: Option<String>,
    /// Whether somebody else holds the package manager's lock.
    pub package_lock: Option<Judged>,
    /// Whether the package repositories answer.
    pub repositories: Option<Judged>,
    /// Whether the operating system waits for a reboot.
    pub pending_reboot: Option<Judged>,
    /// Units that failed.
    pub failed_units: Option<FailedUnits>,
    /// The services that were asked about.
    pub services: Vec<Unit>,
    /// The security agents that were asked about.
    pub agents: Vec<Unit>,
    /// The health endpoints that were asked about.
    pub health: Vec<Health>,
    /// The databases that were asked about.
    pub databases: Vec<Database>,
    /// The endpoints that were put under load.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub load: Vec<Load>,
    /// The installed packages as a whole.
    pub packages: Option<PackageSet>,
    /// Running services, without `.service`.
    pub running_services: Option<BTreeSet<String>>,
    /// Listening ports.
    pub ports: Option<BTreeSet<Port>>,
    /// Mounts.
    pub mounts: Option<Vec<Mount>>,
    /// Local users, and whoever else the privileged groups name. None also where an older program asked,
    /// which did not ask for them.
    pub users: Option<Vec<User>>,
    /// What was installed lately.
    pub recent_packages: Option<Vec<RecentPackage>>,
    /// Lists that the host left out because they did not fit.
    pub cut: Vec<List>,
    /// What the host said and could not be read: keys, and why where that is not the value itself.
    pub unread: Vec<String>,
}

impl SurveyReport {
    /// The disk with this role, if the host spoke of it.
    pub fn disk(&self, role: DiskRole) -> Option<&Disk> {
        self.disks.iter().find(|disk| disk.role == role)
    }

    /// Load per processor, in percent.
    pub fn load_per_cpu_percent(&self) -> Option<u64> {
        let cpus = u64::from(self.cpus.filter(|&cpus| cpus > 0)?);
        Some(self.load1_milli?.div_ceil(10 * cpus))
    }
}
