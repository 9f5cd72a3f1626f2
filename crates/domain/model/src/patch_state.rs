//! The patch state of an instance as Patch Manager last reported it.

use jiff::Timestamp;
use serde::Serialize;

use crate::Text;

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
