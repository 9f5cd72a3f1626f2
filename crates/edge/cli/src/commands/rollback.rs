//! `fleetwright rollback`: which hosts of a run are put back, each with its image.

use fleetwright_flow::{Record, Run};
use fleetwright_model::{InstanceId, Text, code};
use fleetwright_patch::PatchPlan;
use fleetwright_patch::outcome::{HostOutcome, HostResult, results, was_started};
use fleetwright_patch::plan::Backup;
use fleetwright_patch::plan::notes::step;
use fleetwright_ports::RunId;

use crate::args::RollbackArgs;
use crate::failure::CommandError;

/// Which hosts of a run are put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// These instances.
    Instances(Vec<String>),
    /// Every patched host of a landing zone.
    Zone(String),
    /// Every patched host in an availability zone.
    AvailabilityZone(String),
    /// Every patched host that did not end well.
    Failed,
}

/// What the arguments choose.
///
/// # Errors
/// They choose nothing, or in more than one way.
pub fn which(args: &RollbackArgs) -> Result<Which, CommandError> {
    let instances = Some(&args.instance_ids).filter(|ids| !ids.is_empty()).cloned().map(Which::Instances);
    let ways = [
        instances,
        args.zone.clone().map(Which::Zone),
        args.availability_zone.clone().map(Which::AvailabilityZone),
        args.failed.then_some(Which::Failed),
    ];
    let mut chosen = ways.into_iter().flatten();
    match (chosen.next(), chosen.next()) {
        (Some(which), None) => Ok(which),
        _ => {
            let message = "say what is put back: exactly one of --instance-ids, --zone, --availability-zone and --failed";
            Err(CommandError::new(&code::USAGE, message))
        }
    }
}

/// The hosts that are put back, each with its image. Of a zone these are the hosts that were patched and
/// have not been put back already.
///
/// # Errors
/// The run has no such host, or no image of one.
pub fn hosts(
    name: &RunId,
    plan: &PatchPlan,
    run: &Run,
    records: &[Record],
    which: &Which,
) -> Result<Vec<(InstanceId, Text)>, CommandError> {
    let results = results(plan, run, records);
    if let Which::Instances(ids) = which {
        let is_known = |id: &&String| results.iter().any(|result| result.host.id.as_str() == id.as_str());
        if let Some(id) = ids.iter().find(|id| !is_known(id)) {
            return Err(CommandError::new(&code::NO_PLAN_FOR, format!("{name} has no instance {id}")));
        }
    }
    let patched = |result: &HostResult<'_>| {
        let changed = was_started(plan, run, result.target, step::PATCH);
        changed && result.outcome != HostOutcome::RolledBack
    };
    let meant = |result: &&HostResult<'_>| match which {
        Which::Instances(ids) => ids.iter().any(|id| id == result.host.id.as_str()),
        Which::Zone(zone) => result.place.zone.as_str() == zone && patched(result),
        Which::AvailabilityZone(zone) => {
            result.host.availability_zone.as_deref() == Some(zone.as_str()) && patched(result)
        }
        Which::Failed => patched(result) && result.outcome != HostOutcome::Success,
    };
    let mut hosts = Vec::new();
    for result in results.iter().filter(meant) {
        match image(result) {
            Some(image) => hosts.push((result.host.id.clone(), image)),
            None => {
                let message = format!("{name} has no image of {}", result.host.id);
                return Err(CommandError::new(&code::NO_BACKUP, message));
            }
        }
    }
    match hosts.is_empty() {
        true => Err(CommandError::new(&code::NOTHING_TO_DO, format!("{name} has no such host"))),
        false => Ok(hosts),
    }
}

fn image(result: &HostResult<'_>) -> Option<Text> {
    match (&result.image, &result.host.backup) {
        (Some(image), _) | (None, Backup::Existing { image }) => Some(image.clone()),
        _ => None,
    }
}
