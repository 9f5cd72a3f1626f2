//! I11: who has a window is changed inside it only, with room for the worst.

use fleetwright_flow::{Recipe, Step};

use super::{Invariant, Violation, hosts, violated};
use crate::plan::PatchPlan;
use crate::plan::notes::step;

pub(super) fn check(plan: &PatchPlan, found: &mut Vec<Violation>) {
    for (_, target, host) in hosts(plan) {
        let Some(window) = target.window else { continue };
        let recipe = &plan.flow.recipes[target.recipe.index()];
        let Some(first) = first_change(recipe) else { continue };
        let commits = recipe.steps.iter().position(|step| step.commits).unwrap_or(recipe.steps.len());
        let free = recipe
            .steps
            .iter()
            .enumerate()
            .find(|(index, step)| (*index == first || *index >= commits) && !step.in_window);
        if let Some((_, step)) = free {
            let what = format!("its step {} may start outside the window", step.name);
            violated(found, Invariant::I11, &host.id, what);
        }
        let needs = least_seconds(recipe, first);
        if recipe.reserve_seconds < needs {
            let what = format!("reserves {} s of the window and takes {needs} s", recipe.reserve_seconds);
            violated(found, Invariant::I11, &host.id, what);
        }
        let Some(window) = plan.flow.windows.get(window.index()) else {
            violated(found, Invariant::I11, &host.id, "has a window that the plan does not have");
            continue;
        };
        // The cutoff is the window's, whatever a host needs.
        let least = recipe.reserve_seconds.max(window.cutoff_seconds);
        let fits = window.open.iter().any(|span| {
            let from = span.from.max(plan.flow.created_at);
            span.until.as_nanosecond() - from.as_nanosecond() >= i128::from(least) * 1_000_000_000
        });
        if !fits {
            let what = format!("no opening of the window {} leaves its {least} s", window.name);
            violated(found, Invariant::I11, &host.id, what);
        }
    }
}

/// Starting a stopped host, or the first step that cannot be left half done.
fn first_change(recipe: &Recipe) -> Option<usize> {
    recipe.steps.iter().position(|step| step.commits || &*step.name == step::START)
}

/// Seconds for which a host may be held back at a step, so that several share a call; restorations go
/// one by one.
const HELD_BACK_SECONDS: u32 = 60;

/// What the steps from there on, and the way back, take even when all goes as usual.
fn least_seconds(recipe: &Recipe, first: usize) -> u32 {
    let steps = recipe.steps[first..].iter().chain(&recipe.undo);
    let least = |step: &Step| {
        let held_back = if &*step.name == step::RESTORE { 0 } else { HELD_BACK_SECONDS };
        step.expected_seconds.min(step.timeout_seconds).saturating_add(held_back)
    };
    steps.map(least).fold(0, u32::saturating_add)
}
