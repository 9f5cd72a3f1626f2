//! The inventory in numbers.

use std::collections::BTreeMap;

use fleetwright_model::{Code, Observed};
use serde::Serialize;

use crate::eligibility::Verdict;
use crate::inventory::{Host, Inventory, Listing};

/// Missing and waiting patches of the hosts that have a patch state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PatchTotals {
    /// Hosts with a patch state.
    #[serde(rename = "instances_with_state")]
    pub hosts_with_state: usize,
    /// Hosts without one: never scanned.
    #[serde(rename = "instances_never_scanned")]
    pub hosts_never_scanned: usize,
    /// Hosts whose patch state could not be read.
    #[serde(rename = "instances_not_checked")]
    pub hosts_not_checked: usize,
    /// Hosts that miss at least one patch.
    #[serde(rename = "instances_missing_patches")]
    pub hosts_missing_patches: usize,
    /// Patches missing, over all hosts.
    pub missing: u64,
    /// Patches that failed to install.
    pub failed: u64,
    /// Hosts where patches wait for a reboot.
    #[serde(rename = "instances_pending_reboot")]
    pub hosts_pending_reboot: usize,
    /// Critical patches not compliant.
    pub critical_non_compliant: u64,
    /// Security patches not compliant.
    pub security_non_compliant: u64,
}

/// Counts over an inventory. Maps are keyed by the names reports use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Hosts in the inventory.
    pub hosts: usize,
    /// Instances left out by filters.
    pub filtered: usize,
    /// Regions looked at, over all landing zones.
    pub cells: usize,
    /// Of those, regions whose listing of instances was not read to its end.
    pub cells_incomplete: usize,
    /// Landing zones with at least one region looked at.
    pub zones: usize,
    /// Hosts by verdict; every verdict is there.
    pub verdicts: BTreeMap<Verdict, usize>,
    /// Hosts by finding.
    pub findings: BTreeMap<&'static str, (&'static Code, usize)>,
    /// Hosts by life-cycle state.
    pub states: BTreeMap<&'static str, usize>,
    /// Hosts by platform.
    pub platforms: BTreeMap<&'static str, usize>,
    /// Hosts by agent: a ping status, `not_managed` or `not_checked`.
    pub agents: BTreeMap<&'static str, usize>,
    /// Hosts by landing zone.
    pub by_zone: BTreeMap<String, usize>,
    /// Patches.
    pub patches: PatchTotals,
    /// Gaps.
    pub gaps: usize,
}

/// How a host's agent is named in reports.
pub fn agent_status(host: &Host) -> &'static str {
    match &host.agent {
        Observed::Known(agent) => agent.ping.as_str(),
        Observed::Absent => "not_managed",
        Observed::NotChecked => "not_checked",
    }
}

impl Summary {
    /// Counts.
    pub fn of(inventory: &Inventory) -> Self {
        let mut summary = Self {
            hosts: inventory.hosts.len(),
            filtered: inventory.cells.iter().map(|cell| cell.filtered).sum(),
            cells: inventory.cells.len(),
            cells_incomplete: inventory.cells.iter().filter(|cell| cell.listing != Listing::Complete).count(),
            verdicts: Verdict::ALL.into_iter().map(|verdict| (verdict, 0)).collect(),
            gaps: inventory.gaps.len(),
            ..Self::default()
        };
        for cell in &inventory.cells {
            *summary.by_zone.entry(cell.zone.to_string()).or_default() += cell.hosts;
        }
        summary.zones = summary.by_zone.len();
        for host in &inventory.hosts {
            summary.count(host);
        }
        summary
    }

    fn count(&mut self, host: &Host) {
        *self.verdicts.entry(host.judgement.verdict).or_default() += 1;
        *self.states.entry(host.instance.state.as_str()).or_default() += 1;
        *self.platforms.entry(host.platform.name()).or_default() += 1;
        *self.agents.entry(agent_status(host)).or_default() += 1;
        for finding in &host.judgement.findings {
            self.findings.entry(finding.code.id).or_insert((finding.code, 0)).1 += 1;
        }
        self.count_patches(host);
    }

    fn count_patches(&mut self, host: &Host) {
        let totals = &mut self.patches;
        match &host.patches {
            Observed::NotChecked => totals.hosts_not_checked += 1,
            Observed::Absent => totals.hosts_never_scanned += 1,
            Observed::Known(state) => {
                totals.hosts_with_state += 1;
                totals.hosts_missing_patches += usize::from(state.missing > 0);
                totals.hosts_pending_reboot += usize::from(state.installed_pending_reboot > 0);
                totals.missing += u64::from(state.missing);
                totals.failed += u64::from(state.failed);
                totals.critical_non_compliant += u64::from(state.critical_non_compliant);
                totals.security_non_compliant += u64::from(state.security_non_compliant);
            }
        }
    }
}
