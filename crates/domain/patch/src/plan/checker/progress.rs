//! I2 and I12: zones one at a time, and a gate between each stage and the next.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_flow::{PlaceId, StageId};

use super::{Invariant, Violation, hosts_of, violated};
use crate::plan::notes::step;
use crate::plan::roll_out::{PlannedWave, ZoneByZone};
use crate::plan::{GateWork, PatchPlan, Work};

pub(super) fn check(plan: &PatchPlan, found: &mut Vec<Violation>) {
    let stages: Vec<(usize, StageId)> = plan
        .roll_out
        .waves
        .iter()
        .enumerate()
        .flat_map(|(index, wave)| wave.stages.iter().map(move |stage| (index, *stage)))
        .collect();
    check_stages(plan, &stages, found);
    for pair in stages.windows(2) {
        let [(wave, judged), (_, next)] = pair else { continue };
        check_gate(plan, &plan.roll_out.waves[*wave], *judged, *next, found);
    }
    for (index, wave) in plan.roll_out.waves.iter().enumerate() {
        if wave.canary
            && plan.roll_out.waves[..index].iter().any(|before| !before.stages.is_empty() && !before.canary)
        {
            violated(found, Invariant::I12, format!("wave {}", wave.name), "the canary does not go first");
        }
        check_thresholds(plan, wave, found);
        check_zones(plan, wave, found);
    }
}

/// Waves share the hosts' stages out, in order.
fn check_stages(plan: &PatchPlan, stages: &[(usize, StageId)], found: &mut Vec<Violation>) {
    for pair in stages.windows(2) {
        if pair[0].1 >= pair[1].1 {
            let name = &plan.roll_out.waves[pair[1].0].name;
            violated(found, Invariant::I12, format!("wave {name}"), "does not come after the one before");
        }
    }
    let known: BTreeSet<StageId> = stages.iter().map(|(_, stage)| *stage).collect();
    for (index, stage) in plan.flow.stages.iter().enumerate() {
        let id = StageId(index as u16);
        if !known.contains(&id) && hosts_of(plan, id).next().is_some() {
            let what = "has hosts and belongs to no wave";
            violated(found, Invariant::I12, format!("stage {}", stage.name), what);
        }
    }
}

/// Between the two stages every place of the first is judged.
fn check_gate(
    plan: &PatchPlan,
    wave: &PlannedWave,
    judged: StageId,
    next: StageId,
    found: &mut Vec<Violation>,
) {
    let mut open: BTreeSet<PlaceId> = hosts_of(plan, judged).map(|(target, _)| target.place).collect();
    let between = judged.index() + 1..next.index().max(judged.index() + 1);
    let name = plan.flow.stages.get(judged.index()).map_or("?", |stage| &stage.name);
    for stage in plan.flow.stages.get(between).unwrap_or_default() {
        for index in stage.targets.clone() {
            let Some(Work::Gate(gate)) = plan.work.get(index as usize) else { continue };
            if gate.stage != judged {
                continue;
            }
            let target = &plan.flow.targets[index as usize];
            open.remove(&target.place);
            if let Some(what) = lacks(gate, wave, &plan.flow.recipes[target.recipe.index()]) {
                violated(found, Invariant::I12, format!("gate of {name}"), what);
            }
        }
    }
    if !open.is_empty() {
        let what = format!("no gate judges {} of its places before the next stage", open.len());
        violated(found, Invariant::I12, format!("stage {name}"), what);
    }
}

fn lacks(gate: &GateWork, wave: &PlannedWave, recipe: &fleetwright_flow::Recipe) -> Option<String> {
    let step = |name: &str| recipe.steps.iter().find(|step| &*step.name == name);
    if gate.bake_seconds < wave.bake_seconds {
        return Some(format!("waits {} s, the wave asks for {} s", gate.bake_seconds, wave.bake_seconds));
    }
    if gate.bake_seconds > 0 && step(step::BAKE).is_none_or(|bake| bake.timeout_seconds < gate.bake_seconds) {
        return Some("has no step that waits that long".to_owned());
    }
    step(step::GATE_CHECKS).is_none().then(|| "looks at nothing".to_owned())
}

/// What a wave may lose, and what it must prove, is what its stages say together.
fn check_thresholds(plan: &PatchPlan, wave: &PlannedWave, found: &mut Vec<Violation>) {
    let mut wrong = |what: String| violated(found, Invariant::I12, format!("wave {}", wave.name), what);
    let stages = || wave.stages.iter().filter_map(|id| plan.flow.stages.get(id.index()));
    if stages().any(|stage| stage.max_failures.is_none()) {
        wrong("no number of failures ever stops it".to_owned());
    }
    let failures: u32 = stages().filter_map(|stage| stage.max_failures).fold(0, u32::saturating_add);
    if failures > wave.max_failures {
        wrong(format!("its stages allow {failures} failures, the wave {}", wave.max_failures));
    }
    let verified: u32 = stages().map(|stage| stage.min_verified).fold(0, u32::saturating_add);
    if verified < wave.min_verified {
        wrong(format!("its stages prove {verified} hosts, the wave asks for {}", wave.min_verified));
    }
    for stage in stages().filter(|stage| stage.min_verified as usize > stage.targets.len()) {
        wrong(format!("stage {} must prove more hosts than it has", stage.name));
    }
}

/// Each stage is of one zone, or of as many as may be changed at once.
fn check_zones(plan: &PatchPlan, wave: &PlannedWave, found: &mut Vec<Violation>) {
    if wave.zone_by_zone == ZoneByZone::Off {
        return;
    }
    for stage in &wave.stages {
        let mut zones: BTreeMap<String, usize> = BTreeMap::new();
        for (target, host) in hosts_of(plan, *stage) {
            let place = &plan.flow.places[target.place.index()];
            let zone = match wave.zone_by_zone {
                ZoneByZone::Off => String::new(),
                ZoneByZone::LandingZone => place.zone.to_string(),
                ZoneByZone::Region => format!("{}/{}", place.zone, place.region),
                ZoneByZone::AvailabilityZone => {
                    format!("{}/{}", place.zone, host.availability_zone.as_deref().unwrap_or("unknown"))
                }
            };
            *zones.entry(zone).or_default() += 1;
        }
        if zones.len() > wave.zones_at_once as usize {
            let names: Vec<String> = zones.into_keys().collect();
            let stage = plan.flow.stages.get(stage.index()).map_or("?", |stage| &stage.name);
            let what = format!("changes {} at once", names.join(", "));
            violated(found, Invariant::I2, format!("stage {stage}"), what);
        }
    }
}
