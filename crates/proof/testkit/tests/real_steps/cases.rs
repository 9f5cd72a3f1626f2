//! Every step, every crash point, every aftermath, for every recipe the planner makes.

use std::collections::BTreeSet;

use fleetwright_flow::Direction;
use fleetwright_patch::plan::RollbackWay;
use fleetwright_patch::plan::notes::step;
use fleetwright_testkit::crash::{Case, Violation, World, enumerate, enumerate_where};

use crate::plans::EACH_SHAPE;
use crate::world::PatchWorld;

/// Taking out of service and back; all else is the same for hosts that nobody is served by.
const SERVICE: [&str; 2] = [step::DRAIN, step::RETURN];
/// What is done between two waves; all else is the same as without them.
const GATE: [&str; 3] = [step::BAKE, step::GATE_CHECKS, step::PROMOTE];

/// Asking whether others can rely on a host again.
const PROBES: [&str; 2] = [step::PROBE, step::PROBE_RESTORED];

fn fine(cases: Result<Vec<Case>, Vec<Violation>>) -> Vec<Case> {
    cases.unwrap_or_else(|violations| {
        let lines: Vec<String> = violations.iter().take(60).map(ToString::to_string).collect();
        panic!("{} violations, the first:\n{}", violations.len(), lines.join("\n"))
    })
}

#[tokio::test(start_paused = true)]
async fn no_crash_of_a_real_step_repeats_loses_or_wrongs_anything() {
    let whole = fine(enumerate(async || PatchWorld::whole(&EACH_SHAPE, None).await).await);
    let back = fine(enumerate(async || PatchWorld::back(RollbackWay::ReplaceRoot, None).await).await);
    let anew = fine(enumerate(async || PatchWorld::back(RollbackWay::NewInstance, None).await).await);
    let at_gate = |case: &Case| GATE.contains(&&*case.cut.step);
    let gated = fine(enumerate_where(async || PatchWorld::gated(None).await, at_gate).await);
    let in_service = |case: &Case| SERVICE.contains(&&*case.cut.step);
    let served = fine(enumerate_where(async || PatchWorld::served(None).await, in_service).await);
    let asked = |case: &Case| PROBES.contains(&&*case.cut.step);
    let probed = fine(enumerate_where(async || PatchWorld::probed(None).await, asked).await);
    let count = |direction| whole.iter().filter(|case| case.cut.direction == direction).count();
    println!(
        "{} crash cases of real steps: {} forward, {} on the way back, {} of a rollback, {} of one by new instances, {} at the gate between two waves, {} out of service and back, {} of probes",
        whole.len() + back.len() + anew.len() + gated.len() + served.len() + probed.len(),
        count(Direction::Do),
        count(Direction::Undo),
        back.len(),
        anew.len(),
        gated.len(),
        served.len(),
        probed.len()
    );
    let world = PatchWorld::whole(&EACH_SHAPE, None).await;
    let steps: BTreeSet<&str> = world.steps().iter().map(|step| step.name()).collect();
    let covered: BTreeSet<&str> =
        whole.iter().chain(&gated).chain(&served).chain(&probed).map(|case| &*case.cut.step).collect();
    assert_eq!(covered, steps, "a step without a case is a step nobody has seen crash");
}
