//! What a step leaves for later steps and for reports: small, typed, JSON in the journal.

pub use fleetwright_flow::note::{read, write};
use fleetwright_host::Tri;
use fleetwright_model::Text;
use serde::{Deserialize, Serialize};

/// The names of the steps, as recipes and records use them.
pub mod step {
    /// Making an image and proving it usable.
    pub const BACKUP: &str = "backup";
    /// Starting a stopped instance.
    pub const START: &str = "start";
    /// Evidence and readiness before patching.
    pub const PRECHECK: &str = "precheck";
    /// Taking out of load balancers and of service in an Auto Scaling group.
    pub const DRAIN: &str = "drain";
    /// Installing patches without a reboot.
    pub const PATCH: &str = "patch";
    /// Rebooting where it is needed, once.
    pub const REBOOT: &str = "reboot";
    /// Rescanning: compliance per patch.
    pub const VERIFY: &str = "verify";
    /// Evidence after patching, compared with before.
    pub const VALIDATE: &str = "validate";
    /// Asking a member of a set whether the others can rely on it again.
    pub const PROBE: &str = "probe";
    /// The same after restoring.
    pub const PROBE_RESTORED: &str = "probe-restored";
    /// Putting back what draining took out.
    pub const RETURN: &str = "return";
    /// Putting back to stopped.
    pub const STOP_AGAIN: &str = "stop-again";
    /// Restoring from the backup.
    pub const RESTORE: &str = "restore";
    /// Evidence after restoring, compared with before.
    pub const VALIDATE_RESTORED: &str = "validate-restored";
    /// Deleting images past their retention in one region.
    pub const CLEAN_UP: &str = "clean-up";
    /// Waiting after a wave, with an eye on the alarms.
    pub const BAKE: &str = "bake";
    /// Looking whether the next wave may begin.
    pub const GATE_CHECKS: &str = "gate-checks";
    /// Leaving the exact patches of a wave for the later ones.
    pub const PROMOTE: &str = "promote";
}

/// Of `backup`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupNote {
    /// The image.
    pub image: Text,
    /// Its snapshots.
    pub snapshots: u32,
}

/// Of `start`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartNote {
    /// The launch time after the start: it changes with every start, and pins identity from here on.
    pub launch_time: Option<jiff::Timestamp>,
}

/// Of `precheck`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrecheckNote {
    /// The boot id, where it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Text>,
    /// Whether a reboot was due already.
    pub reboot_pending: Tri,
    /// Checks that warned, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Text>,
}

/// Of `drain`; the whole of it is in the host's file `out-of-service.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainNote {
    /// Pools of load balancers it was taken out of.
    pub pools: u32,
    /// The Auto Scaling group it does not serve in meanwhile, or whose processes are suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Text>,
}

/// Of `return`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnNote {
    /// Pools of load balancers it is back in.
    pub pools: u32,
    /// Those in which it is not healthy, as before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ill_as_before: u32,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Of `patch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchNote {
    /// The command.
    pub command: Text,
    /// True where the host's own report was lost.
    #[serde(default)]
    pub report_lost: bool,
}

/// Of `reboot`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RebootNote {
    /// The boot id before.
    pub before: Text,
    /// The boot id after; the same where the operating system said that no reboot is needed.
    pub after: Text,
    /// What said that a reboot was needed, or that it was not.
    pub evidence: Text,
}

impl RebootNote {
    /// True where the host was rebooted.
    pub fn rebooted(&self) -> bool {
        self.before != self.after
    }
}

/// Of `verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyNote {
    /// Installed from the baseline.
    pub installed: u32,
    /// Missing.
    pub missing: u32,
    /// Failed to install.
    pub failed: u32,
    /// Installed, waiting for a reboot.
    pub pending_reboot: u32,
    /// Installed though rejected.
    pub rejected: u32,
    /// Not compliant with critical severity.
    pub critical: u32,
    /// How the host differs from the list it was to install; none where it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftNote>,
}

impl VerifyNote {
    /// Patches that are missing though they were to be installed: those that a list held back are not.
    pub fn missed(&self) -> u32 {
        let held_back = self.drift.as_ref().map_or(0, |drift| drift.held_back);
        self.missing.saturating_sub(held_back)
    }
}

/// How a host differs from the list of exact patches it was to install.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftNote {
    /// On the list, and not installed.
    pub lacking: u32,
    /// Installed since the fleet was read, and not on the list.
    pub beyond: u32,
    /// Missing and not on the list: left for another run on purpose.
    pub held_back: u32,
    /// The first of those that differ, in a few words each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<Text>,
}

impl DriftNote {
    /// True where the host has exactly what the list says.
    pub fn is_none(&self) -> bool {
        self.lacking == 0 && self.beyond == 0
    }
}

/// Of `validate` and `validate-restored`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidateNote {
    /// Checks that were made.
    pub checks: u32,
    /// What is worse than before, in a few words each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub worse: Vec<Text>,
    /// What could not be compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<Text>,
    /// What there was nothing to compare with, because of what the host was before: it speaks neither
    /// for nor against the host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Text>,
    /// The boot id, where it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Text>,
}

/// Of `probe` and `probe-restored`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeNote {
    /// Probes that passed.
    pub passed: u32,
}

/// Of `restore`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreNote {
    /// The image it was restored from.
    pub image: Text,
    /// The new instance, where the old one could not be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<Text>,
    /// Seconds from the intent until the host was back.
    pub seconds: u64,
}

/// Of `clean-up`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanUpNote {
    /// Images deregistered.
    pub images: u32,
    /// Snapshots deleted.
    pub snapshots: u32,
    /// Images past their retention that were kept, because an instance may need them.
    pub kept: u32,
}

/// Of `bake`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BakeNote {
    /// Seconds that were waited.
    pub seconds: u32,
    /// Alarms that were watched meanwhile.
    pub alarms: u32,
}

/// Of `gate-checks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateNote {
    /// Hosts that ended well and were judged.
    pub hosts: u32,
    /// Hosts that did not end well: they are the matter of the wave's budget of failures.
    pub not_judged: u32,
    /// Alarms that were found in order.
    pub alarms: u32,
    /// Target groups that were found healthy.
    pub target_groups: u32,
}

/// Of `promote`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromoteNote {
    /// The bucket.
    pub bucket: Text,
    /// What the lists' keys begin with.
    pub prefix: Text,
    /// One list per platform of the wave's hosts in the place.
    pub lists: Vec<PromotedList>,
}

/// One list of patches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotedList {
    /// The platform, as it stands in the key.
    pub platform: Text,
    /// How many patches are on it.
    pub patches: u32,
}

impl PromoteNote {
    /// Where the list for that platform is, where there is one, as the patch document takes it.
    pub fn list(&self, platform: &str) -> Option<String> {
        let found = self.lists.iter().find(|list| &*list.platform == platform)?;
        Some(format!("s3://{}/{}/{}.yaml", self.bucket, self.prefix, found.platform))
    }
}
