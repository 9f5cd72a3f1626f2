//! `fleetwright apply`: does exactly what a plan says, or says why not.

use std::collections::BTreeSet;
use std::path::Path;

use fleetwright_model::{Regions, Zone, code};
use fleetwright_patch::PatchPlan;
use fleetwright_patch::plan::{PlanDocument, drift};
use fleetwright_ports::InstanceQuery;
use fleetwright_report::{plan_text, safe};
use fleetwright_survey::{Fleet, ScanRequest};

use crate::commands::plan::Looked;
use crate::failure::CommandError;
use crate::files;

/// Reads a plan file.
///
/// # Errors
/// It cannot be read, is not a plan, was edited, is of another version, or cannot be walked.
pub fn read(path: &Path) -> Result<PlanDocument, CommandError> {
    let bytes = files::read_bytes(path)?;
    PlanDocument::read(&bytes)
        .map_err(|error| CommandError::new(error.code(), format!("{}: {error}", path.display())))
}

/// The landing zones of the plan as the inventory has them.
///
/// # Errors
/// The inventory lacks one, or has it with another account or role.
pub fn zones_of(plan: &PatchPlan, zones: &[Zone]) -> Result<Vec<Zone>, CommandError> {
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for planned in &plan.zones {
        let name = safe::line(planned.name.as_str()).into_owned();
        match zones.iter().find(|zone| zone.name == planned.name) {
            None => wrong.push(format!("{name} (account {}) is not in the inventory", planned.account)),
            Some(zone) if zone.account != planned.account => wrong.push(format!(
                "{name} is account {} in the plan and {} in the inventory",
                planned.account, zone.account
            )),
            Some(zone) if zone.access.role != planned.role => {
                let role = |role: &Option<_>| {
                    role.as_ref()
                        .map_or("no role".to_owned(), |role: &fleetwright_model::RoleArn| role.to_string())
                };
                wrong.push(format!(
                    "{name} is entered by {} in the plan and by {} in the inventory",
                    role(&planned.role),
                    role(&zone.access.role)
                ));
            }
            Some(zone) => found.push(zone.clone()),
        }
    }
    if wrong.is_empty() {
        return Ok(found);
    }
    Err(CommandError {
        details: wrong,
        ..CommandError::new(&code::PLAN_ELSEWHERE, "the plan was made for other landing zones")
    })
}

/// The scan that shows whether the fleet still is as the plan has it: the plan's own regions, without
/// filters.
pub fn rescan(plan: &PatchPlan, zones: &[Zone], request: ScanRequest) -> ScanRequest {
    let only = |zone: &Zone| {
        let places = plan.flow.places.iter().filter(|place| place.zone == zone.name);
        let regions: BTreeSet<_> = places.map(|place| place.region.clone()).collect();
        Zone {
            regions: Regions::Listed(regions.into_iter().collect()),
            tags: Default::default(),
            include: Vec::new(),
            exclude: Vec::new(),
            ..zone.clone()
        }
    };
    ScanRequest {
        fleet: Fleet { zones: zones.iter().map(only).collect(), ..Fleet::default() },
        query: InstanceQuery::default(),
        filters: Default::default(),
        ..request
    }
}

/// Refuses where the fleet drifted from the plan.
///
/// # Errors
/// `FW-R0005` with every difference.
pub fn refuse_drift(plan: &PatchPlan, looked: &Looked) -> Result<(), CommandError> {
    let drift = drift(plan, &looked.inventory);
    if drift.is_empty() {
        return Ok(());
    }
    let mut text = String::new();
    plan_text::write_drift(&mut text, &drift)
        .map_err(|error| CommandError::new(&code::INTERNAL, error.to_string()))?;
    let message = format!("{} of the plan's instances are not as they were planned", drift.len());
    Err(CommandError { details: vec![text], ..CommandError::new(&code::DRIFT, message) })
}
