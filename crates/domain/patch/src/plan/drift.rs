//! Whether the fleet still is what the plan was made from.

use std::collections::BTreeMap;

use fleetwright_model::{InstanceId, InstanceState, Region, Text, ZoneName};
use serde::Serialize;

use super::{PatchPlan, Work};
use crate::eligibility::Verdict;
use crate::inventory::{Host, Inventory};

/// One difference between a plan and the fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The instance.
    pub id: InstanceId,
    /// Its `Name` tag when the plan was made. Untrusted text.
    pub name: Option<Text>,
    /// Its landing zone.
    pub zone: ZoneName,
    /// Its region.
    pub region: Region,
    /// What is different.
    pub change: Changed,
}

/// What is different about a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Changed {
    /// It is not there any more.
    Gone,
    /// It could not be looked at: nobody can say whether it changed.
    NotChecked,
    /// It is another launch of that id.
    Relaunched,
    /// It is in another state.
    State {
        /// Planned.
        planned: InstanceState,
        /// Now.
        now: InstanceState,
    },
    /// It can no longer be patched.
    NotEligible {
        /// The codes of the reasons.
        reasons: Vec<Text>,
    },
}

impl Changed {
    /// The difference in a few words.
    pub fn describe(&self) -> String {
        match self {
            Self::Gone => "is gone".to_owned(),
            Self::NotChecked => "could not be looked at".to_owned(),
            Self::Relaunched => "was started or replaced since".to_owned(),
            Self::State { planned, now } => format!("was {planned}, is {now}"),
            Self::NotEligible { reasons } => format!("can no longer be patched: {}", reasons.join(", ")),
        }
    }
}

/// Every difference that matters for carrying the plan out, in the plan's order.
///
/// What a host misses may change from hour to hour and does not matter: the same patches are
/// installed for all of them, from one snapshot.
pub fn drift(plan: &PatchPlan, now: &Inventory) -> Vec<Drift> {
    let hosts: BTreeMap<&InstanceId, &Host> =
        now.hosts.iter().map(|host| (&host.instance.id, host)).collect();
    let mut found = Vec::new();
    for (target, work) in plan.flow.targets.iter().zip(&plan.work) {
        let Work::Host(planned) = work else { continue };
        let place = &plan.flow.places[target.place.index()];
        let change = match hosts.get(&planned.id) {
            None if unread(now, &place.zone, &place.region) => Some(Changed::NotChecked),
            None => Some(Changed::Gone),
            Some(host) => compare(planned, host),
        };
        found.extend(change.map(|change| Drift {
            id: planned.id.clone(),
            name: planned.name.clone(),
            zone: place.zone.clone(),
            region: place.region.clone(),
            change,
        }));
    }
    found
}

fn compare(planned: &super::PlannedHost, host: &Host) -> Option<Changed> {
    if host.instance.state != planned.state {
        return Some(Changed::State { planned: planned.state, now: host.instance.state });
    }
    if host.instance.launch_time != planned.launch_time {
        return Some(Changed::Relaunched);
    }
    match host.judgement.verdict {
        Verdict::Eligible | Verdict::AfterStart => None,
        Verdict::Unknown => Some(Changed::NotChecked),
        Verdict::Blocked => {
            let reasons = host.judgement.findings.iter().map(|finding| finding.code.id.into()).collect();
            Some(Changed::NotEligible { reasons })
        }
    }
}

/// True where a gap covers the region's instances.
fn unread(now: &Inventory, zone: &ZoneName, region: &Region) -> bool {
    let covers = |gap: &fleetwright_model::Gap| {
        gap.zone.as_ref() == Some(zone) && gap.region.as_ref().is_none_or(|gapped| gapped == region)
    };
    now.gaps.iter().any(covers)
}
