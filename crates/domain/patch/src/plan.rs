//! The patch plan: an immutable document that says who is worked on, how, and in which order.
//!
//! [`PatchPlan`] is what `plan` writes and `apply` follows. It holds the kernel's plan and, beside
//! each of its targets, what the steps need to know of it.

pub mod calendars;
pub mod checker;
pub mod checks;
pub mod difference;
pub mod document;
mod draft;
pub mod drift;
pub mod durations;
pub mod estimate;
pub mod explain;
pub mod gates;
mod groups;
pub mod make;
pub mod notes;
mod ordering;
pub mod policy;
pub mod recipes;
pub mod roll_out;
pub mod rollback;
mod waves;
pub mod windows;

pub use calendars::{CalendarQuestion, CalendarsHeard, CalendarsSaid, PlannedCalendars};
pub use difference::{PlanDifference, difference};
pub use document::{PlanDocument, PlanError};
pub use drift::{Changed, Drift, drift};
pub use durations::{Learnt, Reserve};
pub use explain::{Explanation, explain};
pub use gates::GateWork;
pub use make::{Amount, Earlier, Hold, Limits, PlanRequest, Refused, make};
pub use policy::{Policy, RollbackWay};
pub use roll_out::{PlannedGroup, PlannedRollOut, PlannedSet, PlannedWave, RollOut};
pub use rollback::{RollbackRequest, rollback};
pub use windows::Windows;

use std::collections::BTreeMap;

use fleetwright_flow as flow;
use fleetwright_model::{
    AccountId, GapSubject, InstanceId, InstanceState, OsFamily, Phase, Region, RoleArn, Text, ZoneName,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Everything a run does, decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatchPlan {
    /// The version of this format.
    pub format: flow::Format,
    /// The fleetwright that made it.
    pub program: Text,
    /// The phases it carries out, in order.
    pub phases: Vec<Phase>,
    /// The run it continues, where it does.
    pub parent: Option<Parent>,
    /// When the fleet was read.
    pub scanned: Scanned,
    /// The landing zones it works in.
    pub zones: Vec<PlannedZone>,
    /// How each phase is carried out.
    pub policy: Policy,
    /// What the kernel walks.
    pub flow: flow::Plan,
    /// What each of the kernel's targets is, in the same order.
    pub work: Vec<Work>,
    /// How it goes through the fleet.
    #[serde(default, skip_serializing_if = "PlannedRollOut::is_empty")]
    pub roll_out: PlannedRollOut,
    /// What must be left of a window before a host is begun, by recipe, and what that rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reserves: Vec<Reserve>,
    /// Hosts of the selection that are not worked on, and why.
    pub left_out: Vec<LeftOut>,
    /// What could not be read: hosts there are not in the plan.
    pub gaps: Vec<PlannedGap>,
    /// What it will take.
    pub estimate: Estimate,
}

impl PatchPlan {
    /// What Patch Manager is asked to do on a host: what its wave says, else the policy.
    pub fn operation_of(&self, host: &PlannedHost) -> policy::Operation {
        host.operation.unwrap_or(self.policy.patch.operation)
    }

    /// Whether and how a host is rebooted: as its wave says, else as the policy does.
    pub fn reboot_of(&self, host: &PlannedHost) -> policy::RebootStrategy {
        host.reboot.unwrap_or(self.policy.reboot.strategy)
    }
}

/// The run a plan continues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Its name.
    pub run: Text,
    /// How it is continued.
    pub relation: Relation,
}

/// How a plan continues another run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The failed, not started and unknown are taken again.
    Retry,
    /// Hosts are put back to their backups.
    Rollback,
    /// Later phases use what earlier ones left.
    Phase,
}

/// When the fleet was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanned {
    /// The scan's beginning.
    pub started: Timestamp,
    /// Its end.
    pub finished: Timestamp,
}

/// A landing zone of the plan. How it is entered is not in the plan: that stays in the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedZone {
    /// Its name.
    pub name: ZoneName,
    /// Its account.
    pub account: AccountId,
    /// The role it is entered with; none where it is entered with the caller's own credentials.
    pub role: Option<RoleArn>,
}

/// What a target of the kernel is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// A host.
    Host(Box<PlannedHost>),
    /// A region whose images past their retention are deleted.
    Region,
    /// The gate between two stages, for the hosts of one place.
    Gate(GateWork),
}

impl Work {
    /// The host, where it is one.
    pub fn host(&self) -> Option<&PlannedHost> {
        match self {
            Self::Host(host) => Some(host),
            Self::Region | Self::Gate(_) => None,
        }
    }
}

/// A host as it was when the plan was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedHost {
    /// The instance.
    pub id: InstanceId,
    /// Its `Name` tag. Untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// Operating-system family: decides documents and scripts.
    pub os: OsFamily,
    /// The platform as reports name it.
    pub platform: Text,
    /// Launch time: with the id it pins identity. Another one means another instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_time: Option<Timestamp>,
    /// The state it was in, to which it is put back.
    pub state: InstanceState,
    /// Where it is placed in its region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<Text>,
    /// The application it belongs to. Untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Text>,
    /// The environment of that application. Untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Text>,
    /// The Auto Scaling group it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scaling_group: Option<Text>,
    /// The target groups it is registered with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_groups: Vec<Text>,
    /// What Patch Manager is asked to do, where its wave differs from the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<policy::Operation>,
    /// Whether it is rebooted, where its wave differs from the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reboot: Option<policy::RebootStrategy>,
    /// Size of its volumes together, in GiB, where it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_gib: Option<u64>,
    /// Missing patches the plan was made with, where Patch Manager had said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<u32>,
    /// The way back.
    pub backup: Backup,
    /// What must hold on it beside the policy's defaults: services, endpoints, thresholds by tag.
    #[serde(default, skip_serializing_if = "HostChecks::is_empty")]
    pub checks: HostChecks,
    /// Where the evidence from before patching is, when another run collected it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
}

/// A host's way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backup {
    /// An image is made by this run.
    Make,
    /// An image of an earlier run is there; it is proven usable before patching.
    Existing {
        /// The image.
        image: Text,
    },
    /// None, and this is said for this host.
    None {
        /// Why: the code of the reason.
        code: Text,
    },
}

/// What must hold on one host, from its tags.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostChecks {
    /// Services that must be active.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Text>,
    /// Addresses on the host itself that must answer with 2xx, e.g. `http://localhost:8080/health`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health: Vec<Text>,
    /// `host:port` of databases that must be reachable from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub databases: Vec<Text>,
    /// Addresses on the host itself that are put under load, where the policy has a load test.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load: Vec<Text>,
    /// Thresholds that differ from the policy's, by name (`root_disk_percent` …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub thresholds: BTreeMap<Text, u64>,
}

impl HostChecks {
    /// True where nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Where the evidence from before patching is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// The run that collected it.
    pub run: Text,
    /// The host's boot id then, where it was read.
    pub boot: Option<Text>,
}

/// A host of the selection that is not worked on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The instance.
    pub id: InstanceId,
    /// Its `Name` tag. Untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// Its landing zone.
    pub zone: ZoneName,
    /// Its region.
    pub region: Region,
    /// The codes of the reasons, heaviest first.
    pub reasons: Vec<Text>,
    /// What the codes do not say: the arithmetic of a window that is too short. Untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text>,
    /// The budgets it counts against all the same: it was a member when the fleet was read, and is missed
    /// when it is down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<flow::GroupId>,
}

/// Something that could not be read when the plan was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedGap {
    /// The landing zone, where the gap belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<ZoneName>,
    /// The region, where the gap is not the whole landing zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// What could not be read.
    pub subject: GapSubject,
    /// The code of the cause.
    pub code: Text,
    /// The cause in words. Untrusted text.
    pub message: Text,
}

/// What a run will take; estimates, said to be such.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Seconds from start to end when nothing goes wrong and every gate is decided at once.
    pub seconds: u64,
    /// Calls by `service:Action`, polling left out.
    pub calls: BTreeMap<Text, u64>,
    /// GiB of volumes that are imaged.
    pub backup_gib: u64,
    /// What keeping the images costs at most for a month, in US dollars, were every block copied.
    pub backup_usd_per_month: f64,
    /// Hosts whose volumes' size is not known and not in the figures.
    pub backup_unknown_hosts: u64,
}
