//! How a plan goes through a fleet: waves, budgets, gates and order, as they are asked for and as
//! they are written down in the plan.

use std::collections::BTreeSet;

use fleetwright_flow as flow;
use fleetwright_model::{AccountId, InstanceId, Region, Text, ZoneName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::calendars::PlannedCalendars;
use super::make::Amount;
use super::policy::{Operation, RebootStrategy};
use crate::inventory::Host;
use crate::pattern::{InvalidPattern, Patterns};

/// What is asked for. The default is one wave without canary, budgets of groups or order.
#[derive(Clone, Debug, Default)]
pub struct RollOut {
    /// Waves, in order; empty is one wave of all.
    pub waves: Vec<WaveRequest>,
    /// Hosts of each operating-system family that go ahead where [`CANARY_FROM`] or more are patched;
    /// 0 has none. Where a wave is a canary itself no other one is chosen.
    pub canary: u32,
    /// Seconds between the end of a wave and the checks of its gate.
    pub bake_seconds: u32,
    /// Whether waves go on one zone at a time.
    pub zone_by_zone: ZoneByZone,
    /// How many zones waves that go on zone by zone change at once; 0 is one.
    pub zones_at_once: u32,
    /// Which faults between waves end the run.
    pub issues: Issues,
    /// Hosts out of service at once in the beginning; none begins with the full budget.
    pub ramp: Option<u32>,
    /// Members of groups out of service at once.
    pub budgets: Budgets,
    /// What is looked at between waves.
    pub gate: GateChecks,
    /// Who approves, and until when; none where any one person does, whenever.
    pub approval: Option<flow::ApprovalRule>,
    /// Sets of hosts that depend on each other, beside those that tags describe.
    pub ordering: Vec<OrderRequest>,
    /// What is allowed though nobody can take over.
    pub waivers: Vec<Waiver>,
    /// Change calendars that are asked while it runs, with what they say now.
    pub calendars: Option<PlannedCalendars>,
}

/// Fleets smaller than this have no canary of their own: it would be most of the run.
pub const CANARY_FROM: usize = 10;

/// One wave as it is asked for; what is not said is as in the rest of the request.
#[derive(Clone, Debug, Default)]
pub struct WaveRequest {
    /// What people call it; without one `wave N`.
    pub name: Option<Text>,
    /// Who may be in it, of those that no earlier wave took.
    pub select: Select,
    /// How many of them, a share of all hosts of the run; none takes all that are left.
    pub size: Option<Amount>,
    /// Whether those whose loss is cheapest are taken; `size` then counts per operating-system family.
    pub canary: bool,
    /// What Patch Manager is asked to do.
    pub operation: Option<Operation>,
    /// Whether hosts are rebooted.
    pub reboot: Option<RebootStrategy>,
    /// Hosts of the wave out of service at once.
    pub max_concurrent: Option<Amount>,
    /// Failures allowed in each of its stages.
    pub max_failures: Option<Tolerance>,
    /// Seconds between its end and the checks of its gate.
    pub bake_seconds: Option<u32>,
    /// Hosts that must be verified healthy before the next wave.
    pub min_verified: Option<Amount>,
    /// Whether a person approves before it.
    pub approval: Option<bool>,
    /// Whether it goes on one zone at a time.
    pub zone_by_zone: Option<ZoneByZone>,
}

/// How much may go wrong: a number of hosts from 0 on, or a share of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// So many.
    Count(u32),
    /// So many of a hundred, rounded down.
    Percent(u32),
}

impl Tolerance {
    /// The number for so many hosts.
    pub fn of(self, hosts: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => {
                u32::try_from(u64::from(hosts) * u64::from(percent) / 100).unwrap_or(u32::MAX)
            }
        }
    }
}

/// Which hosts are meant; everything that is given must hold, empty lists take all.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// Accounts.
    pub accounts: Vec<AccountId>,
    /// Landing zones.
    pub zones: Vec<ZoneName>,
    /// Regions.
    pub regions: Vec<Region>,
    /// Availability zones.
    pub availability_zones: Vec<Text>,
    /// Tags, each with patterns of which one matches.
    pub tags: Vec<(String, Patterns)>,
    /// Operating-system families or distributions.
    pub platforms: Vec<String>,
    /// Instances.
    pub ids: BTreeSet<InstanceId>,
}

impl Select {
    /// Compiles patterns on tags.
    ///
    /// # Errors
    /// A pattern that cannot be understood.
    pub fn tags<'a>(
        tags: impl IntoIterator<Item = (&'a String, &'a Vec<String>)>,
    ) -> Result<Vec<(String, Patterns)>, InvalidPattern> {
        tags.into_iter()
            .map(|(key, values)| Ok((key.clone(), Patterns::new(values.iter().map(String::as_str))?)))
            .collect()
    }

    /// Whether the host is meant.
    pub fn takes(&self, host: &Host) -> bool {
        let zone = host.instance.availability_zone.as_deref();
        let tagged = |(key, values): &(String, Patterns)| {
            host.instance.tags.get(key.as_str()).is_some_and(|value| values.matches(value))
        };
        (self.accounts.is_empty() || self.accounts.contains(&host.account))
            && (self.zones.is_empty() || self.zones.contains(&host.zone))
            && (self.regions.is_empty() || self.regions.contains(&host.region))
            && (self.availability_zones.is_empty()
                || zone.is_some_and(|zone| self.availability_zones.iter().any(|wanted| **wanted == *zone)))
            && (self.platforms.is_empty() || self.platforms.iter().any(|it| host.platform.may_be(it)))
            && (self.ids.is_empty() || self.ids.contains(&host.instance.id))
            && self.tags.iter().all(tagged)
    }
}

/// Whether a wave goes on one zone at a time, and what a zone is then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneByZone {
    /// All at once, within the budgets.
    #[default]
    Off,
    /// One landing zone after another.
    LandingZone,
    /// One region of one landing zone after another.
    Region,
    /// One availability zone after another.
    AvailabilityZone,
}

/// Which faults between waves end the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Issues {
    /// None.
    Ignore,
    /// A check of the gate that fails.
    #[default]
    Gate,
    /// As well every host of the wave that did not end well.
    Any,
}

/// Members of a group out of service at once; none is no budget of that kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budgets {
    /// Of one region of a landing zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Amount>,
    /// Of one application in one environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Amount>,
    /// Of one availability zone of an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<Amount>,
    /// Of one Auto Scaling group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scaling_group: Option<Amount>,
    /// Of one target group of a load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group: Option<Amount>,
}

impl Budgets {
    /// The budget of groups of that kind, where there is one.
    pub fn of(&self, kind: GroupKind) -> Option<Amount> {
        match kind {
            GroupKind::Zone => self.zone,
            GroupKind::Application => self.application,
            GroupKind::AvailabilityZone => self.availability_zone,
            GroupKind::AutoScalingGroup => self.auto_scaling_group,
            GroupKind::TargetGroup => self.target_group,
            GroupKind::Run | GroupKind::Wave | GroupKind::Set => None,
        }
    }
}

/// What a budget is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// The run.
    Run,
    /// One wave.
    Wave,
    /// One region of a landing zone.
    Zone,
    /// One application in one environment.
    Application,
    /// One availability zone of an account.
    AvailabilityZone,
    /// One Auto Scaling group.
    AutoScalingGroup,
    /// One target group of a load balancer.
    TargetGroup,
    /// Hosts that depend on each other.
    Set,
}

impl GroupKind {
    /// The kinds that hosts belong to by what they are.
    pub const OF_HOSTS: [Self; 5] =
        [Self::Zone, Self::Application, Self::AvailabilityZone, Self::AutoScalingGroup, Self::TargetGroup];

    /// The kind in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Wave => "wave",
            Self::Zone => "zone",
            Self::Application => "application",
            Self::AvailabilityZone => "availability zone",
            Self::AutoScalingGroup => "Auto Scaling group",
            Self::TargetGroup => "target group",
            Self::Set => "set",
        }
    }
}

/// What is looked at between waves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateChecks {
    /// CloudWatch alarms that must not be in alarm.
    pub alarms: Vec<Text>,
    /// Whether target groups must be healthy.
    pub target_groups: bool,
    /// Whether the hosts must be compliant.
    pub compliance: bool,
    /// Whether nothing may be worse than before.
    pub differences: bool,
    /// The bucket that carries the first wave's patches to the others; none installs what the baseline
    /// approves.
    pub patch_list_bucket: Option<Text>,
}

/// A set of hosts that depend on each other, as it is asked for.
#[derive(Clone, Debug)]
pub struct OrderRequest {
    /// What people call it.
    pub name: Text,
    /// Who is in it.
    pub select: Select,
    /// Tag keys whose values cut it into sets of their own.
    pub per: Vec<String>,
    /// How many may be out of service at once.
    pub mode: OrderMode,
    /// Tags of those that go last; without any the tag of the role decides.
    pub leaders: Vec<(String, Patterns)>,
    /// Sets whose members must have ended well before.
    pub after: Vec<Text>,
    /// What must hold on a member before the next one begins.
    pub probe: Option<Probe>,
}

/// What must hold on a member of a set before the next one begins: everything that is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// A command that must end with 0 on the host. One line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Text>,
    /// An address as the host sees it, which must answer with 200 to 399.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Text>,
    /// What a metric of the host must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<MetricLimit>,
    /// Seconds until all of it must hold.
    pub seconds: u32,
}

/// A bound of the mean of a metric over the last ten minutes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricLimit {
    /// Its name in the namespace `AWS/EC2`.
    pub name: Text,
    /// The side of the number on which it must be.
    pub side: Side,
    /// The number, which is still well. Finite.
    pub number: f64,
}

/// A side of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// At it or below.
    AtMost,
    /// At it or above.
    AtLeast,
}

impl MetricLimit {
    /// Whether so much is well.
    pub fn holds(&self, mean: f64) -> bool {
        match self.side {
            Side::AtMost => mean <= self.number,
            Side::AtLeast => mean >= self.number,
        }
    }
}

/// How many members of a set may be out of service at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderMode {
    /// As many as the budgets allow.
    Together,
    /// One.
    OneAtATime,
    /// Fewer than half: ⌊(n−1)/2⌋.
    Quorum,
    /// None without a waiver.
    Singleton,
}

impl OrderMode {
    /// The mode in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Together => "together",
            Self::OneAtATime => "one at a time",
            Self::Quorum => "quorum",
            Self::Singleton => "singleton",
        }
    }

    /// Members of so many that may be out of service at once; none where the mode does not say.
    pub fn capacity(self, members: u32) -> Option<u32> {
        match self {
            Self::Together => None,
            Self::OneAtATime => Some(1),
            Self::Quorum => Some(members.saturating_sub(1) / 2),
            Self::Singleton => Some(0),
        }
    }
}

/// What is allowed though a rule speaks against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// The group it is for.
    pub group: Text,
    /// The first moment at which it no longer holds.
    pub until: Timestamp,
    /// Why it was given.
    pub reason: Text,
}

/// How the plan goes through the fleet. A plan of format 1.0 says nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlannedRollOut {
    /// The waves, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<PlannedWave>,
    /// The budgets that were asked for.
    #[serde(default, skip_serializing_if = "no_budgets")]
    pub budgets: Budgets,
    /// What each of the kernel's groups is, in the same order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<PlannedGroup>,
    /// Sets of hosts that depend on each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<PlannedSet>,
    /// What was allowed though nobody can take over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver>,
    /// Change calendars that are asked while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendars: Option<PlannedCalendars>,
}

fn no_budgets(budgets: &Budgets) -> bool {
    *budgets == Budgets::default()
}

impl PlannedRollOut {
    /// True where nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One wave of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedWave {
    /// What people call it.
    pub name: Text,
    /// Its stages in the kernel's plan, gates left out; none where nobody is in it.
    pub stages: Vec<flow::StageId>,
    /// Whether it is the canary.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub canary: bool,
    /// Whether it goes on one zone at a time.
    pub zone_by_zone: ZoneByZone,
    /// How many zones it changes at once, where it goes on by zones.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub zones_at_once: u32,
    /// Seconds between its end and the checks of its gate.
    pub bake_seconds: u32,
    /// Hosts that must be verified healthy in each of its stages.
    pub min_verified: u32,
    /// Failures allowed in the wave, over all its stages.
    pub max_failures: u32,
}

/// One budget of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedGroup {
    /// What it is of.
    pub kind: GroupKind,
    /// Its members in service when the fleet was read, those that are not worked on included.
    pub members: u32,
    /// Members that were out of service already.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub down: u32,
}

/// Plans of before there was a choice change one zone at a time.
fn one() -> u32 {
    1
}

fn is_one(count: &u32) -> bool {
    *count == 1
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// A set of hosts that depend on each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedSet {
    /// What people call it.
    pub name: Text,
    /// How many may be out of service at once.
    pub mode: OrderMode,
    /// All members, those that are not worked on included.
    pub size: u32,
    /// The members that are worked on.
    pub members: Vec<flow::TargetId>,
    /// Those of them that go last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaders: Vec<flow::TargetId>,
    /// Sets that come before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Text>,
    /// What must hold on a member before the next one begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// Its budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<flow::GroupId>,
    /// What allows it to be touched though nobody can take over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waiver>,
}
