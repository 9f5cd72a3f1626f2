//! What Patch Manager knows: baselines, and the patch state of each instance.

use std::sync::Arc;

use jiff::Timestamp;

use super::ids::BaselineId;
use super::patch_catalog::Patch;
use super::platform::Platform;

/// How urgent a missing patch is for compliance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Reported as critical.
    Critical,
    /// A security update below critical.
    Security,
    /// Everything else.
    Other,
}

/// What Patch Manager was last asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchOperation {
    /// Look.
    Scan,
    /// Install what is missing.
    Install,
}

impl PatchOperation {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scan => "Scan",
            Self::Install => "Install",
        }
    }
}

/// The reboot option *used* by the last operation; it does not say that a reboot is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebootOption {
    /// Reboot after installing.
    RebootIfNeeded,
    /// Leave it to somebody else.
    NoReboot,
}

impl RebootOption {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RebootIfNeeded => "RebootIfNeeded",
            Self::NoReboot => "NoReboot",
        }
    }
}

/// The last report of Patch Manager about an instance.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchState {
    /// The patch group it was patched under; empty where it has none.
    pub patch_group: Arc<str>,
    /// The baseline it was judged by.
    pub baseline: BaselineId,
    /// The snapshot of that baseline.
    pub snapshot: u128,
    /// What was done.
    pub operation: PatchOperation,
    /// The reboot option used.
    pub reboot_option: RebootOption,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// When an install last ran with [`RebootOption::NoReboot`].
    pub last_no_reboot_install: Option<Timestamp>,
    /// Installed and part of the baseline.
    pub installed: u32,
    /// Installed though not part of it.
    pub installed_other: u32,
    /// Installed since the last boot, in effect only after the next.
    pub pending_reboot: Vec<&'static Patch>,
    /// Installed, but rejected by the baseline.
    pub rejected: Vec<&'static Patch>,
    /// Applicable and not installed.
    pub missing: Vec<&'static Patch>,
    /// Tried without success.
    pub failed: Vec<&'static Patch>,
    /// Of no concern to this instance.
    pub not_applicable: u32,
}

impl PatchState {
    /// How many patches of this severity leave the instance non-compliant: missing, failed,
    /// rejected, or waiting for a reboot (`InstancePatchState` in the Systems Manager reference).
    pub fn non_compliant(&self, severity: Severity) -> usize {
        [&self.missing, &self.failed, &self.rejected, &self.pending_reboot]
            .into_iter()
            .flatten()
            .filter(|patch| patch.severity == severity)
            .count()
    }
}

/// Who made a baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaselineOwner {
    /// AWS; its id is given as an ARN.
    Aws,
    /// The account.
    Account,
}

/// A set of rules that says which patches count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// Its id.
    pub id: BaselineId,
    /// Its name.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// Patch Manager's name of the operating system.
    pub operating_system: &'static str,
    /// Who made it.
    pub owner: BaselineOwner,
    /// Whether instances without a patch group are judged by it.
    pub default: bool,
}

/// The account that owns the predefined baselines; AWS uses another one in each region, the estate
/// this one everywhere.
pub const AWS_BASELINE_ACCOUNT: &str = "075727635805";

/// The predefined default baselines: name and operating system
/// (Systems Manager user guide, "Predefined and custom patch baselines").
pub const PREDEFINED_BASELINES: &[(&str, &str, &str)] = &[
    ("AWS-AlmaLinuxDefaultPatchBaseline", "ALMA_LINUX", "Alma Linux"),
    ("AWS-AmazonLinux2022DefaultPatchBaseline", "AMAZON_LINUX_2022", "Amazon Linux 2022"),
    ("AWS-AmazonLinux2023DefaultPatchBaseline", "AMAZON_LINUX_2023", "Amazon Linux 2023"),
    ("AWS-AmazonLinux2DefaultPatchBaseline", "AMAZON_LINUX_2", "Amazon Linux 2"),
    ("AWS-AmazonLinuxDefaultPatchBaseline", "AMAZON_LINUX", "Amazon Linux"),
    ("AWS-CentOSDefaultPatchBaseline", "CENTOS", "CentOS"),
    ("AWS-DebianDefaultPatchBaseline", "DEBIAN", "Debian"),
    ("AWS-DefaultPatchBaseline", "WINDOWS", "Windows Server"),
    ("AWS-MacOSDefaultPatchBaseline", "MACOS", "macOS"),
    ("AWS-OracleLinuxDefaultPatchBaseline", "ORACLE_LINUX", "Oracle Linux"),
    ("AWS-RaspbianDefaultPatchBaseline", "RASPBIAN", "Raspbian"),
    ("AWS-RedHatDefaultPatchBaseline", "REDHAT_ENTERPRISE_LINUX", "Red Hat Enterprise Linux"),
    ("AWS-RockyLinuxDefaultPatchBaseline", "ROCKY_LINUX", "Rocky Linux"),
    ("AWS-SuseDefaultPatchBaseline", "SUSE", "SUSE Linux Enterprise Server"),
    ("AWS-UbuntuDefaultPatchBaseline", "UBUNTU", "Ubuntu Server"),
];

/// The name of the predefined default baseline for a platform.
pub fn predefined_baseline(platform: Platform) -> &'static str {
    match platform {
        Platform::AmazonLinux2023 => "AWS-AmazonLinux2023DefaultPatchBaseline",
        Platform::Ubuntu2204 | Platform::Ubuntu2404 => "AWS-UbuntuDefaultPatchBaseline",
        Platform::Rhel8 | Platform::Rhel9 => "AWS-RedHatDefaultPatchBaseline",
        Platform::WindowsServer2019 | Platform::WindowsServer2022 => "AWS-DefaultPatchBaseline",
    }
}
