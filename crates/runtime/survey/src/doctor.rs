//! The doctor: what will keep a phase from working, found out before it is tried.

use std::collections::BTreeSet;

use fleetwright_model::{
    Cell, Code, Failure, InstanceState, OrganizationScope, Phase, PingStatus, Region, Zone, ZoneName, code,
};
use fleetwright_ports::{Answer, Identity, InstanceQuery, PermissionAnswer, Verified};
use futures::stream::{self, StreamExt};

use crate::Ports;
use crate::stop::Stop;
use crate::zones::{enter, expand_or_stop, interrupted};

/// What to examine.
#[derive(Clone, Debug)]
pub struct DoctorRequest {
    /// Landing zones listed one by one.
    pub zones: Vec<Zone>,
    /// Accounts to find through the organisation.
    pub scopes: Vec<OrganizationScope>,
    /// The phases that are meant to work.
    pub phases: Vec<Phase>,
    /// Zones examined at the same time, at least 1.
    pub max_concurrent_zones: usize,
}

/// Whether something will keep a phase from working.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// It will.
    Problem,
    /// Nobody can tell.
    NotChecked,
    /// It will not, but something will be missing from the result.
    Remark,
}

/// One thing the doctor found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How serious it is.
    pub kind: FindingKind,
    /// Its code.
    pub code: &'static Code,
    /// The region it concerns; `None` for the whole zone.
    pub region: Option<Region>,
    /// The IAM action it concerns.
    pub action: Option<&'static str>,
    /// What was found.
    pub message: String,
    /// What to do, and where.
    pub remedy: String,
}

/// How far the agents of a region reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentCoverage {
    /// The region.
    pub region: Region,
    /// Running instances.
    pub running: usize,
    /// Of those, with an agent that answers.
    pub online: usize,
    /// Of those, with an agent that does not answer.
    pub silent: usize,
    /// Of those, unknown to Systems Manager.
    pub unmanaged: usize,
    /// Of those, not looked up.
    pub not_checked: usize,
}

/// The examination of one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneCheckup {
    /// The zone.
    pub zone: Zone,
    /// Who we are there, if we got in.
    pub identity: Option<Identity>,
    /// Regions that answered.
    pub regions: Vec<Region>,
    /// Actions that are allowed, over all regions examined.
    pub allowed: usize,
    /// How the permissions were checked, where they were.
    pub verified: Option<Verified>,
    /// Agents, region by region.
    pub coverage: Vec<AgentCoverage>,
    /// What was found, worst first.
    pub findings: Vec<Finding>,
}

/// Everything the doctor found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkup {
    /// Who the command runs as, or why it is nobody.
    pub caller: Result<Identity, Failure>,
    /// Organisations that could not be listed.
    pub organization_gaps: Vec<Failure>,
    /// The zones, by name.
    pub zones: Vec<ZoneCheckup>,
}

impl Checkup {
    /// True where nothing will keep the phases from working and everything could be checked.
    pub fn is_well(&self) -> bool {
        self.caller.is_ok()
            && self.organization_gaps.is_empty()
            && self
                .zones
                .iter()
                .flat_map(|zone| &zone.findings)
                .all(|found| found.kind == FindingKind::Remark)
    }
}

/// Examines every zone. Never fails as a whole; what goes wrong is what it is there to find.
pub async fn examine(ports: Ports<'_>, request: &DoctorRequest, stop: &Stop) -> Checkup {
    let profile = request.zones.first().and_then(|zone| zone.access.profile.as_deref());
    let caller = stop
        .or_stop(ports.accounts.caller(profile))
        .await
        .unwrap_or_else(|| Err(interrupted("sts:GetCallerIdentity")));
    let expanded = expand_or_stop(ports, &request.zones, &request.scopes, stop).await;
    let mut zones: Vec<ZoneCheckup> = stream::iter(&expanded.zones)
        .map(|zone| examine_or_stop(ports, zone, &request.phases, stop))
        .buffer_unordered(request.max_concurrent_zones.max(1))
        .collect()
        .await;
    zones.sort_by(|a, b| (&a.zone.name, &a.zone.account).cmp(&(&b.zone.name, &b.zone.account)));
    Checkup { caller, organization_gaps: expanded.gaps.into_iter().map(|gap| gap.failure).collect(), zones }
}

async fn examine_or_stop(ports: Ports<'_>, zone: &Zone, phases: &[Phase], stop: &Stop) -> ZoneCheckup {
    let mut checkup = ZoneCheckup {
        zone: zone.clone(),
        identity: None,
        regions: Vec::new(),
        allowed: 0,
        verified: None,
        coverage: Vec::new(),
        findings: Vec::new(),
    };
    if stop.or_stop(examine_zone(ports, &mut checkup, phases)).await.is_none() {
        checkup.findings.push(not_entered(zone, &interrupted("doctor"), FindingKind::NotChecked));
    }
    checkup.findings.sort_by(|a, b| {
        (a.kind, a.code.id, a.action, &a.region).cmp(&(b.kind, b.code.id, b.action, &b.region))
    });
    checkup
}

async fn examine_zone(ports: Ports<'_>, checkup: &mut ZoneCheckup, phases: &[Phase]) {
    let zone = checkup.zone.clone();
    let regions = match enter(ports, &zone).await {
        Ok((identity, regions)) => {
            checkup.identity = Some(identity);
            regions
        }
        Err(gap) => {
            checkup.findings.push(not_entered(&zone, &gap.failure, FindingKind::Problem));
            return;
        }
    };
    for region in regions {
        if let Err(failure) = ports.accounts.reach(&zone, &region).await {
            checkup.findings.push(Finding {
                kind: FindingKind::Problem,
                code: failure.code,
                region: Some(region.clone()),
                action: None,
                message: format!("region {region} cannot be used: {failure}"),
                remedy: failure.code.next_step.to_owned(),
            });
            continue;
        }
        let answers = ports.accounts.permissions(&zone, &region, phases).await;
        judge_permissions(checkup, &region, &answers);
        let coverage = agent_coverage(ports, &Cell { zone: &zone, region: region.clone() }).await;
        match coverage {
            Ok(coverage) => {
                checkup.findings.extend(coverage_finding(&coverage));
                checkup.coverage.push(coverage);
            }
            Err(failure) => checkup.findings.push(Finding {
                kind: FindingKind::NotChecked,
                code: failure.code,
                region: Some(region.clone()),
                action: None,
                message: format!("the agents in {region} could not be counted: {failure}"),
                remedy: failure.code.next_step.to_owned(),
            }),
        }
        checkup.regions.push(region);
    }
}

fn not_entered(zone: &Zone, failure: &Failure, kind: FindingKind) -> Finding {
    let role = zone.access.role.as_ref();
    let remedy = match role {
        Some(role) if failure.code == &code::ROLE_REFUSED => format!(
            "In account {}, let the trust policy of {role} allow sts:AssumeRole to the caller{}; in the caller's \
             account, allow the caller sts:AssumeRole on {role}.",
            zone.account,
            if zone.access.external_id.is_some() { " with this zone's sts:ExternalId" } else { "" },
        ),
        _ => failure.code.next_step.to_owned(),
    };
    Finding {
        kind,
        code: failure.code,
        region: None,
        action: None,
        message: format!("account {} cannot be entered: {failure}", zone.account),
        remedy,
    }
}

fn judge_permissions(checkup: &mut ZoneCheckup, region: &Region, answers: &[PermissionAnswer]) {
    let place = match &checkup.zone.access.role {
        Some(role) => format!("{role} (account {})", checkup.zone.account),
        None => format!("the caller's own policies in account {}", checkup.zone.account),
    };
    for answer in answers {
        checkup.verified = Some(answer.verified);
        let action = answer.required.action;
        let phases: Vec<&str> = answer.required.phases.iter().map(|phase| phase.as_str()).collect();
        let (kind, code, message) = match &answer.answer {
            Answer::Allowed => {
                checkup.allowed += 1;
                continue;
            }
            Answer::Denied(by) => (
                if answer.required.optional { FindingKind::Remark } else { FindingKind::Problem },
                &code::DENIED,
                format!(
                    "{action} is not allowed ({by}); {} needs it: {}",
                    phases.join(", "),
                    answer.required.purpose
                ),
            ),
            Answer::NotChecked(failure) => (
                if answer.required.optional { FindingKind::Remark } else { FindingKind::NotChecked },
                failure.code,
                format!("{action} could not be checked: {failure}"),
            ),
        };
        let remedy = format!("Allow {action} in a policy of {place}.");
        checkup.findings.push(Finding {
            kind,
            code,
            region: Some(region.clone()),
            action: Some(action),
            message,
            remedy,
        });
    }
}

async fn agent_coverage(ports: Ports<'_>, cell: &Cell<'_>) -> Result<AgentCoverage, Failure> {
    let running = InstanceQuery {
        states: vec![InstanceState::Running],
        tags: cell.zone.tags.clone(),
        ..InstanceQuery::default()
    };
    let listing = ports.machines.instances(cell, &running).await;
    if let Some(failure) = listing.failure {
        return Err(failure);
    }
    let ids: Vec<_> = listing.items.into_iter().map(|instance| instance.id).collect();
    let answers = ports.machines.agents(cell, &ids).await;
    let online = answers.found.iter().filter(|(_, agent)| agent.ping == PingStatus::Online).count();
    let not_checked = answers.unchecked.iter().map(|(ids, _)| ids.len()).sum();
    let silent = answers.found.len() - online;
    Ok(AgentCoverage {
        region: cell.region.clone(),
        running: ids.len(),
        online,
        silent,
        unmanaged: ids.len() - online - silent - not_checked,
        not_checked,
    })
}

fn coverage_finding(coverage: &AgentCoverage) -> Option<Finding> {
    let AgentCoverage { region, running, silent, unmanaged, not_checked, .. } = coverage;
    let (kind, code) = match (silent, unmanaged, not_checked) {
        (0, 0, 0) => return None,
        (0, 0, _) => (FindingKind::NotChecked, &code::AGENT_UNCHECKED),
        (_, 0, _) => (FindingKind::Remark, &code::AGENT_LOST),
        _ => (FindingKind::Remark, &code::NO_AGENT),
    };
    let mut parts = Vec::new();
    for (count, what) in [
        (*unmanaged, "are not managed by Systems Manager"),
        (*silent, "have an agent that does not answer"),
        (*not_checked, "could not be looked up"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    Some(Finding {
        kind,
        code,
        region: Some(region.clone()),
        action: None,
        message: format!("of {running} running instances {}", parts.join(", ")),
        remedy: code.next_step.to_owned(),
    })
}

/// The names of zones that cannot be worked with, for a one-line verdict.
pub fn unusable_zones(checkup: &Checkup) -> BTreeSet<ZoneName> {
    let problem = |zone: &&ZoneCheckup| zone.findings.iter().any(|found| found.kind == FindingKind::Problem);
    checkup.zones.iter().filter(problem).map(|zone| zone.zone.name.clone()).collect()
}
