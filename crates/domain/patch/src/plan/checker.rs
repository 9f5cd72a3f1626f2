//! Whether a plan keeps the rules, found out from the document alone.
//!
//! Nothing here is shared with the planner but the document's types: what a host belongs to, how much
//! of a group may be down, what must come before what is derived once more, so that a fault of the
//! planner, or a plan from elsewhere, is seen before anything is changed. `SAFETY` numbers the rules;
//! I14 is about Kubernetes and not of these plans.

mod capacity;
mod order;
mod progress;
mod recovery;
mod windows;

use std::fmt;

use fleetwright_flow::{Charge, Recipe, StageId, Target, TargetId};
use fleetwright_model::Phase;

use super::notes::step;
use super::{PatchPlan, PlannedHost, Relation, Work};

/// A rule of SAFETY that a plan can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// Never more members of a group down than its budget.
    I1,
    /// Never two zones at once in a wave that goes zone by zone.
    I2,
    /// A quorum keeps its majority, and its leader goes last.
    I3,
    /// A singleton is touched with a waiver only.
    I4,
    /// Nothing is patched without a way back, unless the plan says so.
    I7,
    /// Nothing is changed outside its window.
    I11,
    /// A wave starts after the gates of the one before.
    I12,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::I1 => "I1 (budgets)",
            Self::I2 => "I2 (zone by zone)",
            Self::I3 => "I3 (quorum and order)",
            Self::I4 => "I4 (singletons)",
            Self::I7 => "I7 (way back)",
            Self::I11 => "I11 (windows)",
            Self::I12 => "I12 (gates)",
        })
    }
}

/// A rule that a plan breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{invariant}: {place}: {what}")]
pub struct Violation {
    /// The rule.
    pub invariant: Invariant,
    /// Where, as people name it: a host, a stage, a group, a set.
    pub place: String,
    /// What is wrong there.
    pub what: String,
}

/// Every rule the plan breaks, in the order of the rules. The plan is expected to be one that can be
/// walked ([`fleetwright_flow::Plan::check`]).
pub fn check(plan: &PatchPlan) -> Vec<Violation> {
    let mut found = Vec::new();
    capacity::check(plan, &mut found);
    recovery::check(plan, &mut found);
    windows::check(plan, &mut found);
    // What a rollback puts back is not rolled out, and format 1.0 says nothing of waves.
    let rolls_back = plan.parent.as_ref().is_some_and(|parent| parent.relation == Relation::Rollback);
    if !rolls_back && !plan.roll_out.is_empty() && plan.phases.contains(&Phase::Patch) {
        progress::check(plan, &mut found);
        order::check(plan, &mut found);
    }
    found.sort_by_key(|violation| violation.invariant);
    found
}

fn violated(
    found: &mut Vec<Violation>,
    invariant: Invariant,
    place: impl fmt::Display,
    what: impl Into<String>,
) {
    found.push(Violation { invariant, place: place.to_string(), what: what.into() });
}

/// The hosts with their targets.
fn hosts(plan: &PatchPlan) -> impl Iterator<Item = (TargetId, &Target, &PlannedHost)> {
    plan.flow.targets.iter().zip(&plan.work).enumerate().filter_map(|(index, (target, work))| {
        let id = TargetId(u32::try_from(index).ok()?);
        Some((id, target, work.host()?))
    })
}

/// The hosts of a stage.
fn hosts_of(plan: &PatchPlan, stage: StageId) -> impl Iterator<Item = (&Target, &PlannedHost)> {
    let range = plan.flow.stages.get(stage.index()).map(|stage| stage.targets.clone()).unwrap_or_default();
    range.filter_map(|index| {
        let host = plan.work.get(index as usize).and_then(Work::host)?;
        Some((plan.flow.targets.get(index as usize)?, host))
    })
}

/// The first step after which users may notice: taking it out of service, the reboot, the restoration,
/// or the installation where none of them is.
fn disrupts(recipe: &Recipe) -> Option<usize> {
    let position = |name: &str| recipe.steps.iter().position(|step| &*step.name == name);
    let named = position(step::DRAIN).or_else(|| position(step::REBOOT));
    named.or_else(|| position(step::RESTORE)).or_else(|| position(step::PATCH))
}

/// The places of the steps that take and give back.
fn charges(recipe: &Recipe, charge: Charge) -> Vec<usize> {
    (0..recipe.steps.len()).filter(|index| recipe.steps[*index].charge == charge).collect()
}
