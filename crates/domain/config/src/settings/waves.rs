//! Waves, as the configuration or the input of a run gives them.

use std::collections::BTreeMap;
use std::time::Duration;

use fleetwright_model::{AccountId, InstanceId, Region};
use jiff::Timestamp;

use super::{Amount, PatchOperation, Reboot};

/// One wave: who is in it, and how it is walked. What is not said is as in the rest of the settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WaveSettings {
    /// What people call it; without one `wave N`.
    pub name: Option<String>,
    /// Who may be in it, of those that no earlier wave took.
    pub select: WaveSelection,
    /// How many of them, as a number or a share of the whole run; none takes all that are left.
    pub size: Option<Amount>,
    /// Whether those whose loss is cheapest are taken, spread over platforms and zones; `size` then
    /// counts per operating-system family.
    pub canary: bool,
    /// What Patch Manager is asked to do.
    pub operation: Option<PatchOperation>,
    /// Whether instances are rebooted.
    pub reboot: Option<Reboot>,
    /// Instances of one place under installation at once.
    pub max_concurrent: Option<Amount>,
    /// Failures allowed before nothing further is started.
    pub max_errors: Option<Tolerance>,
    /// How long to wait after it before the gate's checks.
    pub bake: Option<Duration>,
    /// Instances that must be verified healthy before the next wave.
    pub min_verified: Option<Amount>,
    /// Whether a person approves before it.
    pub approval: Option<bool>,
    /// Whether it goes on one zone at a time.
    pub zone_by_zone: Option<ZoneByZone>,
}

/// Who may be in a wave; everything that is given must hold, empty lists take all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WaveSelection {
    /// Accounts.
    pub accounts: Vec<AccountId>,
    /// Landing zones.
    pub landing_zones: Vec<String>,
    /// Regions.
    pub regions: Vec<Region>,
    /// Availability zones.
    pub availability_zones: Vec<String>,
    /// Tags an instance must carry, each with one of the values.
    pub tags: BTreeMap<String, Vec<String>>,
    /// Operating-system families or distributions.
    pub platforms: Vec<String>,
    /// Exactly these instances.
    pub instance_ids: Vec<InstanceId>,
}

/// How much may go wrong: a number of instances from 0 on, or a share of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// So many.
    Count(u32),
    /// So many of a hundred, 0 to 100.
    Percent(u32),
}

impl Tolerance {
    /// Reads `0` or `10%`; nothing else.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let digits =
            |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        match text.strip_suffix('%') {
            Some(percent) => digits(percent).filter(|it| *it <= 100).map(Self::Percent),
            None => digits(text).map(Self::Count),
        }
    }
}

super::words! {
    /// Whether a wave goes on one zone at a time, and what a zone is then.
    ZoneByZone {
        /// All at once, within the budgets.
        None = "none",
        /// One landing zone after another.
        LandingZone = "landing-zone",
        /// One region of one landing zone after another.
        Region = "region",
        /// One availability zone after another.
        AvailabilityZone = "availability-zone",
    }
}

super::words! {
    /// Which faults between two waves end the run.
    AbortOnIssues {
        /// None: the gate's findings are told, and the next wave begins.
        Never = "never",
        /// A gate's check that fails.
        Gate = "gate",
        /// As `gate`, and every instance of a wave that did not end well.
        Any = "any",
    }
}

super::words! {
    /// What happens when a decision was not made in time.
    Expiry {
        /// The run ends.
        Reject = "reject",
        /// The wave is left out.
        Skip = "skip",
    }
}

/// `safety.budgets`: how many members of a group may be out of service at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BudgetSettings {
    /// Of one region of a landing zone.
    pub zone: Option<Amount>,
    /// Of one application in one environment.
    pub application: Option<Amount>,
    /// Of one availability zone of a landing zone.
    pub availability_zone: Option<Amount>,
    /// Of one Auto Scaling group.
    pub auto_scaling_group: Option<Amount>,
    /// Of one target group of a load balancer.
    pub target_group: Option<Amount>,
}

/// `safety.gate`: what is looked at between two waves.
#[derive(Clone, Debug, PartialEq)]
pub struct GateSettings {
    /// CloudWatch alarms that must not be in alarm.
    pub alarms: Vec<String>,
    /// Whether the target groups of the wave's instances must be healthy.
    pub target_groups: bool,
    /// Whether the wave's instances must be compliant.
    pub compliance: bool,
    /// Whether nothing may be worse than before on the wave's instances.
    pub differences: bool,
    /// Bucket that carries the patches of the first wave to the others.
    pub patch_list_bucket: Option<String>,
}

/// `safety.approvals`: who decides, and until when.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovalSettings {
    /// Different people who must approve; at least 1.
    pub needed: u32,
    /// Who may decide; empty is anybody.
    pub approvers: Vec<String>,
    /// How long a decision may take; none waits for ever.
    pub expires: Option<Duration>,
    /// What happens then.
    pub on_expiry: Expiry,
}

/// `ordering`: what stands in which order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OrderingSettings {
    /// Sets of instances that depend on each other.
    pub groups: Vec<OrderGroup>,
    /// What is allowed all the same, by whom and until when.
    pub waivers: Vec<Waiver>,
}

/// Instances that depend on each other.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderGroup {
    /// What people call it.
    pub name: String,
    /// Who is in it.
    pub select: WaveSelection,
    /// Tag keys whose values cut it into sets of their own, e.g. one per cluster.
    pub per: Vec<String>,
    /// How many may be out of service at once.
    pub mode: OrderMode,
    /// Tags of those that go last, e.g. the primary of a database.
    pub leaders: BTreeMap<String, Vec<String>>,
    /// Groups whose members must have ended well before.
    pub after: Vec<String>,
    /// What must hold on a member before the next one begins.
    pub probe: Option<ProbeSettings>,
}

/// What must hold on a member of a group before the next one begins: everything that is given.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeSettings {
    /// A command on the instance that must end with 0.
    pub command: Option<String>,
    /// An address that must answer on the instance, with 200 to 399.
    pub http: Option<String>,
    /// What a metric of the instance must be.
    pub metric: Option<MetricLimit>,
    /// How long it may take until it holds.
    pub timeout: Duration,
}

/// A bound of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricLimit {
    /// Its name in the namespace `AWS/EC2`.
    pub name: String,
    /// On which side of the number it must be.
    pub side: MetricSide,
    /// The number, which is still well.
    pub number: f64,
}

/// A side of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricSide {
    /// At it or below.
    AtMost,
    /// At it or above.
    AtLeast,
}

impl MetricLimit {
    /// Reads `CPUUtilization <= 80`; none where it is not one.
    pub fn read(text: &str) -> Option<Self> {
        let below = text.split_once("<=").map(|parts| (MetricSide::AtMost, parts));
        let (side, (name, number)) =
            below.or_else(|| text.split_once(">=").map(|parts| (MetricSide::AtLeast, parts)))?;
        let number: f64 = number.trim().parse().ok().filter(|number: &f64| number.is_finite())?;
        let name = name.trim();
        let named =
            (1..=255).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        named.then(|| Self { name: name.to_owned(), side, number })
    }
}

super::words! {
    /// How many members of a set may be out of service at once.
    OrderMode {
        /// As many as the budgets allow.
        Together = "together",
        /// One.
        OneAtATime = "one-at-a-time",
        /// Fewer than half, so that the others keep a majority.
        Quorum = "quorum",
        /// None without a waiver: there is nobody to take over.
        Singleton = "singleton",
    }
}

/// What is allowed though a rule speaks against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// The group it is for.
    pub group: String,
    /// The first moment at which it no longer holds.
    pub until: Timestamp,
    /// Why it was given.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::Tolerance;

    #[test]
    fn a_tolerance_begins_at_zero() {
        assert_eq!(Tolerance::read("0"), Some(Tolerance::Count(0)));
        assert_eq!(Tolerance::read("0%"), Some(Tolerance::Percent(0)));
        for wrong in ["", "%", "-1", "101%", "1.5", "10 %"] {
            assert_eq!(Tolerance::read(wrong), None, "{wrong:?}");
        }
    }
}
