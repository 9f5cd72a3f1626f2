//! The record of a scan: every host with what is known of it, and what could not be read.

use fleetwright_model::{
    AccountId, AgentFacts, Code, Exit, Gap, Hardware, Instance, LabelKeys, Observed, PatchFacts, Region,
    Storage, SystemHealth, Text, Zone, ZoneName, code,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::eligibility::{Facts, Judgement, Rules, judge};
use crate::labels::Labels;
use crate::platform::Platform;

/// One instance with everything known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The landing zone it was found in.
    pub zone: ZoneName,
    /// Its account.
    pub account: AccountId,
    /// Its region.
    pub region: Region,
    /// EC2's facts.
    pub instance: Instance,
    /// The agent.
    pub agent: Observed<AgentFacts>,
    /// The patch state.
    pub patches: Observed<PatchFacts>,
    /// The status checks; absent for instances that are not running.
    pub health: Observed<SystemHealth>,
    /// The attached volumes.
    pub storage: Observed<Storage>,
    /// Memory and network of its type.
    pub hardware: Observed<Hardware>,
    /// The target groups of load balancers it is registered with, by ARN.
    pub target_groups: Observed<Vec<Text>>,
    /// Those of them that send it no requests, because they find it unhealthy.
    pub ill_in: Vec<Text>,
    /// What its tags say.
    pub labels: Labels,
    /// Its platform.
    pub platform: Platform,
    /// Whether it can be patched.
    pub judgement: Judgement,
}

/// The facts of one instance, before they are judged.
#[derive(Clone, Debug)]
pub struct Observations {
    /// EC2's facts.
    pub instance: Instance,
    /// The agent.
    pub agent: Observed<AgentFacts>,
    /// The patch state.
    pub patches: Observed<PatchFacts>,
    /// The status checks.
    pub health: Observed<SystemHealth>,
    /// The attached volumes.
    pub storage: Observed<Storage>,
    /// Memory and network of its type.
    pub hardware: Observed<Hardware>,
}

impl Host {
    /// Joins the facts, reads the labels and judges.
    pub fn new(
        zone: &Zone,
        region: &Region,
        observed: Observations,
        keys: &LabelKeys,
        rules: &Rules,
        now: Timestamp,
    ) -> Self {
        let Observations { instance, agent, patches, health, storage, hardware } = observed;
        let mut labels = Labels::read(&instance.tags, keys);
        if labels.environment.is_none() {
            labels.environment = zone.environment.as_deref().map(Into::into);
        }
        let platform = Platform::of(&instance, &agent);
        let facts = Facts {
            instance: &instance,
            agent: &agent,
            patches: &patches,
            health: &health,
            labels: &labels,
            platform: &platform,
        };
        let judgement = judge(facts, rules, now);
        Self {
            zone: zone.name.clone(),
            account: zone.account.clone(),
            region: region.clone(),
            instance,
            agent,
            patches,
            health,
            storage,
            hardware,
            target_groups: Observed::NotChecked,
            ill_in: Vec::new(),
            labels,
            platform,
            judgement,
        }
    }

    /// The Auto Scaling group it belongs to.
    /// Source: EC2 Auto Scaling user guide, "Tag Auto Scaling groups and instances".
    pub fn auto_scaling_group(&self) -> Option<&Text> {
        self.instance.tags.get("aws:autoscaling:groupName")
    }
}

/// How much of a region's listing of instances was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// All of it: what is not in the inventory is not there.
    Complete,
    /// It broke off: there may be more.
    Partial,
    /// Nothing: nobody knows what is there.
    NotRead,
}

/// One region of one landing zone that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CellRead {
    /// The landing zone.
    #[serde(rename = "landing_zone")]
    pub zone: ZoneName,
    /// The account.
    #[serde(rename = "account_id")]
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// How much of its listing was read.
    pub listing: Listing,
    /// Hosts in the inventory.
    #[serde(rename = "instances")]
    pub hosts: usize,
    /// Instances that were listed and left out by name or platform filters.
    pub filtered: usize,
}

/// A landing zone that was left out on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SkippedZone {
    /// Its name.
    #[serde(rename = "landing_zone")]
    pub zone: ZoneName,
    /// Its account.
    #[serde(rename = "account_id")]
    pub account: AccountId,
    /// Why, in a few words.
    pub reason: &'static str,
}

/// Everything a scan found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// When the scan began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// The hosts, by landing zone, region and id.
    pub hosts: Vec<Host>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// The regions that were looked at.
    pub cells: Vec<CellRead>,
    /// Landing zones left out on purpose.
    pub skipped: Vec<SkippedZone>,
}

/// How a scan ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The exit code.
    pub exit: Exit,
    /// Why it is not [`Exit::Success`].
    pub why: Option<&'static Code>,
}

impl Inventory {
    /// How the scan ended: stopped early, completely, with gaps, with nothing there, or - where not
    /// one region could be read - with the cause of the first gap, because "partial" would promise
    /// that something was seen.
    pub fn outcome(&self) -> Outcome {
        let stopped = [&code::INTERRUPTED, &code::SCAN_TIMEOUT]
            .into_iter()
            .find(|why| self.gaps.iter().any(|gap| gap.failure.code == *why));
        let why = match (stopped, self.gaps.first()) {
            (Some(why), _) => why,
            (None, Some(gap)) if self.is_blind() => gap.failure.code,
            (None, Some(_)) => &code::PARTIAL_SCAN,
            (None, None) if self.hosts.is_empty() => &code::NOTHING_FOUND,
            (None, None) => return Outcome { exit: Exit::Success, why: None },
        };
        Outcome { exit: why.exit.unwrap_or(Exit::Partial), why: Some(why) }
    }

    /// True where there are gaps and nothing but gaps: not one region's listing was read.
    pub fn is_blind(&self) -> bool {
        let unread = |cell: &CellRead| cell.listing == Listing::NotRead;
        !self.gaps.is_empty() && self.hosts.is_empty() && self.cells.iter().all(unread)
    }

    /// Puts everything in its lasting order, so that equal fleets give equal reports.
    pub fn sort(&mut self) {
        self.hosts.sort_unstable_by(|a, b| {
            (&a.zone, &a.account, &a.region, &a.instance.id).cmp(&(
                &b.zone,
                &b.account,
                &b.region,
                &b.instance.id,
            ))
        });
        self.gaps.sort_by(|a, b| {
            (&a.zone, &a.account, &a.region, a.subject, a.failure.code.id, &a.failure.operation).cmp(&(
                &b.zone,
                &b.account,
                &b.region,
                b.subject,
                b.failure.code.id,
                &b.failure.operation,
            ))
        });
        self.cells.sort_by(|a, b| (&a.zone, &a.account, &a.region).cmp(&(&b.zone, &b.account, &b.region)));
        self.skipped.sort_by(|a, b| (&a.zone, &a.account).cmp(&(&b.zone, &b.account)));
    }
}
