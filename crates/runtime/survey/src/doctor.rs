//! The doctor: what will keep a phase from working, found out before it is tried.

use fleetwright_model::{Cell, Failure, InstanceState, Phase, PingStatus, Zone};
use fleetwright_patch::checkup::{AgentCoverage, Checkup, Severity, ZoneCheckup};
use fleetwright_ports::{InstanceQuery, Rights};
use futures::stream::{self, StreamExt};

use crate::Ports;
use crate::stop::{Stop, stopped};
use crate::zones::{Fleet, enter, expand_or_stop};

/// What to examine.
#[derive(Clone, Debug)]
pub struct DoctorRequest {
    /// The landing zones.
    pub fleet: Fleet,
    /// The phases that are meant to work.
    pub phases: Vec<Phase>,
    /// Zones examined at the same time, at least 1.
    pub max_concurrent_zones: usize,
}

/// Examines every zone. Never fails as a whole; what goes wrong is what it is there to find.
pub async fn examine(ports: Ports<'_>, rights: &dyn Rights, request: &DoctorRequest, stop: &Stop) -> Checkup {
    let profile = request.fleet.zones.first().and_then(|zone| zone.access.profile.as_deref());
    let caller = stop
        .or_stop(ports.accounts.caller(profile))
        .await
        .unwrap_or_else(|why| Err(stopped(why, "sts:GetCallerIdentity")));
    let expanded = expand_or_stop(ports, &request.fleet, stop).await;
    let mut zones: Vec<ZoneCheckup> = stream::iter(&expanded.zones)
        .map(|zone| examine_or_stop(ports, rights, zone, &request.phases, stop))
        .buffer_unordered(request.max_concurrent_zones.max(1))
        .collect()
        .await;
    zones.sort_by(|a, b| (&a.zone, &a.account).cmp(&(&b.zone, &b.account)));
    Checkup { caller, organization_gaps: expanded.gaps.into_iter().map(|gap| gap.failure).collect(), zones }
}

async fn examine_or_stop(
    ports: Ports<'_>,
    rights: &dyn Rights,
    zone: &Zone,
    phases: &[Phase],
    stop: &Stop,
) -> ZoneCheckup {
    let mut checkup = ZoneCheckup::of(zone);
    if let Err(why) = stop.or_stop(examine_zone(ports, rights, zone, &mut checkup, phases)).await {
        checkup.not_entered(zone, &stopped(why, "doctor"), Severity::NotChecked);
    }
    checkup.conclude();
    checkup
}

async fn examine_zone(
    ports: Ports<'_>,
    rights: &dyn Rights,
    zone: &Zone,
    checkup: &mut ZoneCheckup,
    phases: &[Phase],
) {
    let regions = match enter(ports, zone).await {
        Ok((identity, regions)) => {
            checkup.identity = Some(identity);
            regions
        }
        Err(gap) => {
            checkup.not_entered(zone, &gap.failure, Severity::Problem);
            return;
        }
    };
    for region in regions {
        if let Err(failure) = rights.reach(zone, &region).await {
            let what = format!("region {region} cannot be used");
            checkup.region_failed(&region, &failure, Severity::Problem, &what);
            continue;
        }
        checkup.permissions(&region, &rights.permissions(zone, &region, phases).await);
        match agent_coverage(ports, &Cell { zone, region: region.clone() }).await {
            Ok(coverage) => checkup.agents(coverage),
            Err(failure) => {
                let what = format!("the agents in {region} could not be counted");
                checkup.region_failed(&region, &failure, Severity::NotChecked, &what);
            }
        }
        checkup.regions.push(region);
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
