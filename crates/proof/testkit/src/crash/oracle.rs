//! What must hold, whatever happened.

use std::collections::BTreeMap;

use fleetwright_flow::{End, Ending, Event, GroupId, Plan, Record, Run, StepIndex, TargetId, When};
use std::sync::Arc;

use super::World;
use crate::referee::Referee;

/// How a run ended, and what was done in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Result {
    pub(super) ending: Option<Ending>,
    pub(super) ends: Vec<Option<End>>,
    pub(super) effects: BTreeMap<String, usize>,
    pub(super) records: Vec<Record>,
}

impl Result {
    /// The result as the world and its journal have it.
    pub(super) async fn of<W: World>(world: &W) -> std::result::Result<Self, String> {
        let loaded = world.journal().load(&world.run()).await.map_err(|error| error.to_string())?;
        let plan = world.plan();
        let run = check_records(&plan, &loaded.records)?;
        let ends = (0u32..).map(TargetId).take(plan.targets.len()).map(|target| run.end(target)).collect();
        Ok(Self { ending: run.ending(), ends, effects: world.effects(), records: loaded.records })
    }

    /// What differs from the run that nothing happened to.
    pub(super) fn differences(&self, unharmed: &Self) -> Vec<String> {
        let mut differences = self.repeated();
        if self.ending != unharmed.ending {
            differences.push(format!("the run ended as {:?}, not as {:?}", self.ending, unharmed.ending));
        }
        for (target, (end, expected)) in self.ends.iter().zip(&unharmed.ends).enumerate() {
            if end != expected {
                differences.push(format!("target {target} ended as {end:?}, not as {expected:?}"));
            }
        }
        for mark in unharmed.effects.keys().filter(|mark| !self.effects.contains_key(*mark)) {
            differences.push(format!("`{mark}` was never done"));
        }
        for mark in self.effects.keys().filter(|mark| !unharmed.effects.contains_key(*mark)) {
            differences.push(format!("`{mark}` was done, and should not have been"));
        }
        differences
    }

    /// What was done more than once (I9, I19).
    pub(super) fn repeated(&self) -> Vec<String> {
        let repeated = self.effects.iter().filter(|(_, count)| **count > 1);
        repeated.map(|(mark, count)| format!("`{mark}` was done {count} times")).collect()
    }
}

/// Folds records over a plan and checks the run after each: budgets are kept (I1, I5, I13), owners
/// follow one another (I17), and at the end everything rests (I18, I20) and was put back (I33). A
/// referee that knows nothing of the kernel judges them as well, by every [`Law`](crate::referee::Law).
///
/// # Errors
/// What does not hold, with the record after which it does not.
pub fn check_records(plan: &Arc<Plan>, records: &[Record]) -> std::result::Result<Run, String> {
    let mut run = Run::open(plan.clone());
    let mut referee = Referee::new(plan);
    let mut closed = false;
    for record in records {
        let seq = record.seq.0;
        run.apply(record).map_err(|illegal| format!("record {seq} is illegal: {illegal}"))?;
        referee.read(record);
        if let Some(law) = referee.found().first() {
            return Err(format!("record {seq} breaks a law: {law:?}"));
        }
        check_budgets(&run).map_err(|what| format!("after record {seq}: {what}"))?;
        closed = matches!(record.event, Event::Closed { .. });
    }
    if closed {
        check_rest(&run)?;
    }
    Ok(run)
}

fn targets(run: &Run) -> impl Iterator<Item = TargetId> + use<> {
    (0u32..).map(TargetId).take(run.plan().targets.len())
}

fn check_budgets(run: &Run) -> std::result::Result<(), String> {
    let plan = run.plan();
    let mut held = vec![0u32; plan.groups.len()];
    for target in targets(run).filter(|target| run.holds(*target)) {
        plan.target(target).groups.iter().for_each(|GroupId(group)| held[usize::from(*group)] += 1);
    }
    let over = held.iter().zip(&plan.groups).find(|(held, group)| **held > group.capacity);
    over.map_or(Ok(()), |(held, group)| {
        Err(format!("{held} members of {} are out of service, {} may be (I1)", group.name, group.capacity))
    })
}

fn check_rest(run: &Run) -> std::result::Result<(), String> {
    if let Some(flight) = run.in_flight().next() {
        return Err(format!("the run is closed, and {flight:?} is in flight (I18)"));
    }
    for target in targets(run) {
        if run.end(target).is_none() {
            return Err(format!("the run is closed, and target {} does not rest (I20)", target.0));
        }
        let steps = &run.plan().recipe_of(target).steps;
        for (index, step) in (0u8..).map(StepIndex).zip(steps) {
            if let When::Finally { of } = step.when
                && run.was_started(target, of)
                && !run.was_started(target, index)
            {
                return Err(format!("{} was never carried out for target {} (I33)", step.name, target.0));
            }
        }
    }
    Ok(())
}
