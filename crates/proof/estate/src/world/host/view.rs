//! A host as somebody logged in to it sees it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::accounts::{self, Account};
use super::fault::HostFaultKind;
use super::profile::{Packaging, Profile};
use super::state::{Boot, Host, ServiceState};
use crate::world::Region;
use crate::world::instance::Instance;
use crate::world::instance_types::Architecture;
use crate::world::patch_catalog::{Patch, patches};

/// A mounted file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The device.
    pub device: String,
    /// Where it is mounted.
    pub path: &'static str,
    /// Its type.
    pub filesystem: &'static str,
    /// Size in KiB.
    pub kib: u64,
    /// Used, in KiB.
    pub used_kib: u64,
}

/// A read-only view of a host at one moment.
#[derive(Debug)]
pub struct HostView<'a> {
    /// The region it is in.
    region: &'a Region,
    /// The instance it runs on.
    pub instance: &'a Instance,
    /// What is different about it.
    pub host: Cow<'a, Host>,
    /// What it has in common with others.
    pub profile: &'static Profile,
    /// The moment.
    pub at: Timestamp,
}

impl<'a> HostView<'a> {
    /// The host of an instance as it is at `at`.
    #[must_use]
    pub fn new(region: &'a Region, instance: &'a Instance, at: Timestamp) -> Self {
        let host = match region.hosts.get(instance.id) {
            Some(host) => Cow::Borrowed(host),
            None => Cow::Owned(Host::new(instance, region.hosts.environment())),
        };
        Self { region, instance, host, profile: Profile::of(instance.platform), at }
    }

    /// The code of the region it is in.
    #[must_use]
    pub fn region_code(&self) -> &str {
        self.region.hosts.code()
    }

    /// True where a rule of that kind is in force now, or its effect has come to stay.
    #[must_use]
    pub fn suffers(&self, kind: HostFaultKind) -> bool {
        self.host.afflicted.contains(&kind)
            || self.region.hosts.fault(self.instance, &self.host, kind, self.at).is_some()
    }

    /// True where somebody could log in.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.host.boot == Boot::Up
    }

    /// The host's own name.
    #[must_use]
    pub fn hostname(&self) -> String {
        match &self.instance.agent {
            Some(agent) => agent.computer_name.to_string(),
            None => format!("ip-{}", self.instance.private_ip.to_string().replace('.', "-")),
        }
    }

    /// Seconds since the boot was done; 0 where it is in the future.
    #[must_use]
    pub fn uptime_seconds(&self) -> i64 {
        self.at.duration_since(self.host.booted_at).as_secs().max(0)
    }

    /// The kernel that runs: the new one once its patch is installed and booted.
    #[must_use]
    pub fn kernel(&self) -> String {
        let of_kernel = |patch: &Patch| matches!(patch.title, "kernel" | "linux-image-aws");
        let waits = self.host.pending_reboot.iter().any(|patch| of_kernel(patch));
        let missing = self.host.software.missing.iter().any(|patch| of_kernel(patch));
        self.built(if waits || missing { self.profile.kernel } else { self.profile.patched_kernel })
    }

    /// The kernel that the next boot may bring.
    #[must_use]
    pub fn next_kernel(&self) -> String {
        self.built(self.profile.patched_kernel)
    }

    fn built(&self, kernel: &str) -> String {
        match self.instance.instance_type.architecture {
            Architecture::X86 => kernel.to_owned(),
            Architecture::Arm => kernel.replace("x86_64", "aarch64"),
        }
    }

    /// The application's service, and the ports it listens on with what they speak.
    #[must_use]
    pub fn application(&self) -> (&'static str, u16) {
        match (self.instance.tags.get("Tier"), self.instance.platform.is_windows()) {
            (_, true) => ("W3SVC", 80),
            (Some("web"), _) => ("nginx", 80),
            (Some("db"), _) => ("postgresql", 5432),
            (Some("worker"), _) => ("celery", 9540),
            _ => ("tomcat", 8080),
        }
    }

    /// Every service and how it is, by name.
    #[must_use]
    pub fn services(&self) -> BTreeMap<&str, ServiceState> {
        let application = self.application().0;
        let mut all: BTreeMap<&str, ServiceState> =
            self.profile.services.iter().map(|name| (*name, ServiceState::Active)).collect();
        all.insert(application, ServiceState::Active);
        all.extend(self.host.software.services.iter().map(|(name, state)| (&**name, *state)));
        let down = self.region.hosts.fault(self.instance, &self.host, HostFaultKind::ServiceDown, self.at);
        if let Some((_, rule)) = down {
            all.insert(rule.service.as_deref().unwrap_or(application), ServiceState::Failed);
        }
        all
    }

    /// Every account, those of the image first.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        accounts::of_image(self.profile.packaging)
            .chain(self.host.software.accounts.iter().cloned())
            .collect()
    }

    /// The HTTP status of the application's health endpoint; `None` where nothing listens.
    #[must_use]
    pub fn health_status(&self) -> Option<u16> {
        let services = self.services();
        if services.get(self.application().0) != Some(&ServiceState::Active) {
            return None;
        }
        Some(if self.suffers(HostFaultKind::AppUnhealthy) { 503 } else { 200 })
    }

    /// How long the application takes to answer, in milliseconds: always the same in the same state.
    #[must_use]
    pub fn app_latency_ms(&self) -> u32 {
        let usual = 4;
        let slow = if self.suffers(HostFaultKind::AppSlow) { 50 } else { 1 };
        let busy = if self.suffers(HostFaultKind::LoadHigh) { 10 } else { 1 };
        let ill = if self.suffers(HostFaultKind::AppUnhealthy) { 5 } else { 1 };
        usual * slow.max(busy).max(ill)
    }

    /// The ports something listens on, in order.
    #[must_use]
    pub fn ports(&self) -> Vec<u16> {
        let services = self.services();
        let up = |name: &str| services.get(name) == Some(&ServiceState::Active);
        let mut ports = Vec::new();
        if up("sshd") || up("ssh") {
            ports.push(22);
        }
        if up(self.application().0) {
            ports.push(self.application().1);
        }
        if self.instance.platform.is_windows() {
            ports.extend([135, 3389, 5985]);
        }
        ports.sort_unstable();
        ports
    }

    /// The mounted file systems, the root first.
    #[must_use]
    pub fn mounts(&self) -> Vec<Mount> {
        let facts = self.instance.platform.facts();
        let mut mounts = Vec::new();
        for attached in &self.instance.volumes {
            let root = attached.device.as_ref() == facts.root_device;
            let gib = self.region.volumes.get(&attached.volume).map_or(facts.root_gib, |volume| volume.gib);
            // The same share everywhere: hosts in the same state are what scripts are remembered by.
            let (path, percent) = if root { ("/", 37) } else { ("/data", 52) };
            mounts.push(self.mount(path, gib, percent, mounts.len()));
        }
        if !mounts.iter().any(|mount| mount.path == "/") {
            mounts.insert(0, self.mount("/", facts.root_gib, 40, 0));
        }
        mounts.truncate(2);
        mounts
    }

    fn mount(&self, path: &'static str, gib: u32, percent_used: u64, place: usize) -> Mount {
        let partition = if path == "/" { "p1" } else { "" };
        let kib = u64::from(gib) * 1_024 * 1_024 - 262_144;
        let full = path == "/" && self.suffers(HostFaultKind::DiskFull);
        let used_kib = if full { kib / 100 * 99 } else { kib / 100 * percent_used };
        let device = format!("/dev/nvme{place}n1{partition}");
        Mount { device, path, filesystem: self.profile.filesystem, kib, used_kib }
    }

    /// Memory in KiB: in all, and available.
    #[must_use]
    pub fn memory_kib(&self) -> (u64, u64) {
        let total = self.instance.instance_type.memory_mib * 1_000;
        let available = if self.suffers(HostFaultKind::MemoryLow) { total / 50 } else { total / 5 * 3 };
        (total, available)
    }

    /// The load averages, in hundredths.
    #[must_use]
    pub fn load_hundredths(&self) -> [u64; 3] {
        let cpus = u64::from(self.instance.instance_type.vcpus);
        match self.suffers(HostFaultKind::LoadHigh) {
            true => [400 * cpus, 390 * cpus, 350 * cpus],
            false => [12, 10, 9],
        }
    }

    /// The share of the processors in use, in percent.
    #[must_use]
    pub fn cpu_percent(&self) -> f64 {
        if self.host.patched_at.is_some() && self.suffers(HostFaultKind::CpuHighAfterPatch) {
            return 97.0;
        }
        if self.suffers(HostFaultKind::LoadHigh) { 99.0 } else { 14.0 }
    }

    /// True where the host itself says that it must be rebooted.
    #[must_use]
    pub fn reboot_required(&self) -> bool {
        self.host.pending_reboot.iter().any(|patch| patch.needs_reboot())
            || (self.suffers(HostFaultKind::NeedsReboot) && self.host.rebooted_at.is_none())
    }

    /// The packages that want the reboot.
    #[must_use]
    pub fn reboot_packages(&self) -> Vec<&'static str> {
        let mut packages: Vec<&str> =
            self.host.pending_reboot.iter().filter(|patch| patch.needs_reboot()).map(|p| p.title).collect();
        if packages.is_empty() && self.reboot_required() {
            packages.push(match self.profile.packaging {
                Packaging::Debian => "libc6",
                _ => "glibc",
            });
        }
        packages
    }

    /// True where the package manager's lock is held by somebody else.
    #[must_use]
    pub fn package_lock(&self) -> bool {
        self.host.locked_until.is_some_and(|until| self.at < until)
            || self.suffers(HostFaultKind::PackageLock)
    }

    /// True where the package repositories answer.
    #[must_use]
    pub fn repositories_reachable(&self) -> bool {
        !self.suffers(HostFaultKind::RepositoryUnreachable)
    }

    /// Every installed package with its version, by name.
    #[must_use]
    pub fn packages(&self) -> BTreeMap<&'static str, String> {
        let mut all: BTreeMap<&str, String> =
            self.profile.packages.iter().map(|(name, version)| (*name, (*version).to_owned())).collect();
        for patch in patches(self.instance.platform) {
            let [old, new] = patch.versions(self.instance.platform);
            let missing = self.host.software.missing.contains(&patch);
            all.insert(patch.title, if missing { old } else { new });
        }
        all
    }
}
