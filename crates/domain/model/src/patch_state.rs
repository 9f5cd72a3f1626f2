//! The patch state of an instance as Patch Manager last reported it.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::Text;
use crate::instance::named;

/// A row of DescribeInstancePatchStates. Counts are patches.
///
/// `RebootOption` is not kept: it is the option of the last operation and says nothing about
/// whether a reboot is due (SSM API reference, InstancePatchState).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PatchFacts {
    /// The baseline used.
    pub baseline: Text,
    /// The baseline's name, where it could be looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline_name: Option<Text>,
    /// The patch group the last operation used.
    pub patch_group: Option<Text>,
    /// `Scan` or `Install`.
    pub operation: Text,
    /// When the last operation ended.
    pub operation_end: Option<Timestamp>,
    /// Installed, from the baseline.
    pub installed: u32,
    /// Installed, outside the baseline.
    pub installed_other: u32,
    /// Installed, waiting for a reboot.
    pub installed_pending_reboot: u32,
    /// Installed though rejected.
    pub installed_rejected: u32,
    /// Missing.
    pub missing: u32,
    /// Failed to install.
    pub failed: u32,
    /// Not compliant, critical severity.
    pub critical_non_compliant: u32,
    /// Not compliant, security patches.
    pub security_non_compliant: u32,
    /// Not compliant, the rest.
    pub other_non_compliant: u32,
}

named! {
    /// What the last operation found of one patch.
    /// Source: SSM API reference, PatchComplianceData, State.
    PatchStatus {
        /// Installed, from the baseline.
        Installed = "INSTALLED",
        /// Installed, outside the baseline.
        InstalledOther = "INSTALLED_OTHER",
        /// Installed, waiting for a reboot.
        InstalledPendingReboot = "INSTALLED_PENDING_REBOOT",
        /// Installed though rejected.
        InstalledRejected = "INSTALLED_REJECTED",
        /// Approved and not installed.
        Missing = "MISSING",
        /// Installing it failed.
        Failed = "FAILED",
        /// Does not apply to this host.
        NotApplicable = "NOT_APPLICABLE",
        /// A security update that the baseline does not approve.
        AvailableSecurityUpdate = "AVAILABLE_SECURITY_UPDATE",
        /// A state this version does not know.
        Unknown = "UNKNOWN",
    }
}

/// One patch on one host: a row of DescribeInstancePatches. All texts are untrusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PatchDetail {
    /// Its title; on Linux the package with its version.
    pub title: Text,
    /// The knowledge-base id, on Linux the package with its architecture.
    pub kb: Text,
    /// E.g. `SecurityUpdates` or `Security`.
    pub classification: Text,
    /// E.g. `Critical`; `Unspecified` where the vendor gives none.
    pub severity: Text,
    /// What was found.
    pub state: PatchStatus,
    /// When it was installed, where it was and the host knows.
    pub installed_at: Option<Timestamp>,
    /// The CVEs it closes.
    pub cves: Vec<Text>,
}
