//! How long it will still take, from what the plan expects.

use crate::plan::{Charge, Recipe, StageId, Step};
use crate::run::budget::Ledger;
use crate::run::tally::RecipeCounts;
use crate::run::{GateState, Run};

impl Run {
    /// The larger of two bounds: stage after stage, each as long as its longest way or its tightest
    /// lane; and the fullest group, its members one batch after another. Waiting for retries is not
    /// foreseen.
    pub(super) fn remaining_seconds(&self) -> Option<u64> {
        let undecided = self.stages.iter().any(|stage| stage.gate != GateState::Passed && !stage.is_over());
        let held_up = self.paused || self.is_frozen() || self.tally.totals.window > 0;
        if self.opened_at.is_none() || self.ended.is_some() || self.stop.is_some() || held_up || undecided {
            return None;
        }
        let stages = self.stage.index()..self.stages.len();
        let walked: u64 = stages.map(|index| self.stage_seconds(StageId(index as u16))).sum();
        let seconds = walked.max(self.group_seconds());
        let expected = self.plan.recipes.iter().flat_map(|recipe| &recipe.steps);
        expected.map(|step| step.expected_seconds).any(|seconds| seconds > 0).then_some(seconds)
    }

    fn stage_seconds(&self, stage: StageId) -> u64 {
        let open = self.stages[stage.index()].size - self.stages[stage.index()].rested;
        if open == 0 {
            return 0;
        }
        let fullest = self.tally.places.iter().copied().max().unwrap_or(0).min(open);
        let not_started = self.tally.stage_totals(stage).not_started;
        let mut longest = 0;
        for (id, counts) in self.tally.recipes(stage) {
            let recipe = &self.plan.recipes[id.index()];
            longest = longest.max(way_seconds(recipe, counts, not_started)).max(lane_seconds(
                recipe,
                counts,
                not_started,
                fullest,
            ));
        }
        longest
    }

    /// Every member of a group is out of service for about the time its recipe holds a place.
    fn group_seconds(&self) -> u64 {
        let held = self.plan.recipes.iter().map(held_seconds).max().unwrap_or(0);
        let batches = self.ledgers.iter().filter(|ledger| !ledger.is_exhausted()).map(batches);
        batches.max().unwrap_or(0) * held
    }
}

/// A group that still grows does as many more at once as were verified in the batch before.
fn batches(ledger: &Ledger) -> u64 {
    let room = u64::from(ledger.capacity - ledger.kept);
    let (mut open, mut at_once) = (u64::from(ledger.open), u64::from(ledger.limit() - ledger.kept));
    let mut growing = 0;
    while open > 0 && at_once < room {
        open = open.saturating_sub(at_once);
        at_once *= 2;
        growing += 1;
    }
    growing + open.div_ceil(room)
}

fn seconds(steps: &[Step]) -> u64 {
    steps.iter().map(|step| u64::from(step.expected_seconds)).sum()
}

/// What lies before the target that is furthest behind.
fn way_seconds(recipe: &Recipe, counts: &RecipeCounts, not_started: u32) -> u64 {
    let forward = match first_busy(counts, 0) {
        _ if not_started > 0 => seconds(&recipe.steps),
        Some(step) => seconds(&recipe.steps[step..]),
        None => 0,
    };
    let back = first_busy(counts, 1).map_or(0, |step| seconds(&recipe.undo[step..]));
    forward.max(back)
}

fn first_busy(counts: &RecipeCounts, list: usize) -> Option<usize> {
    counts.steps[list].iter().position(|count| count.waiting + count.in_flight > 0)
}

/// What has still to pass the tightest lane, were all of it in the fullest place.
fn lane_seconds(recipe: &Recipe, counts: &RecipeCounts, not_started: u32, fullest: u32) -> u64 {
    let mut coming = not_started.min(counts.members);
    let mut longest = 0;
    for (step, count) in recipe.steps.iter().zip(&counts.steps[0]) {
        coming += count.waiting + count.in_flight;
        if let Some(limit) = step.max_in_flight {
            let batches = coming.min(fullest).div_ceil(limit);
            longest = longest.max(u64::from(batches) * u64::from(step.expected_seconds));
        }
    }
    longest
}

/// From the step that takes to the step that gives back, or to the end.
fn held_seconds(recipe: &Recipe) -> u64 {
    let Some(take) = recipe.steps.iter().position(|step| step.charge == Charge::Take) else { return 0 };
    let from = &recipe.steps[take..];
    let until = from.iter().position(|step| step.charge == Charge::Release).map_or(from.len(), |end| end + 1);
    seconds(&from[..until])
}
