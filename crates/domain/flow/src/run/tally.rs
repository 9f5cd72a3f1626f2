//! Counts kept by every transition, so that looking costs nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{End, Wait};
use crate::plan::{PlaceId, Plan, RecipeId, StageId, StepIndex};
use crate::record::Direction;

/// How many targets are where at one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCount {
    /// Stand at it, not in flight.
    pub waiting: u32,
    /// In flight.
    pub in_flight: u32,
    /// Succeeded.
    pub done: u32,
    /// Did not need it.
    pub skipped: u32,
    /// Failed at it for good.
    pub failed: u32,
    /// Attempts that failed and are tried again.
    pub retries: u32,
}

impl StepCount {
    pub(crate) fn add(&mut self, other: &Self) {
        self.waiting += other.waiting;
        self.in_flight += other.in_flight;
        self.done += other.done;
        self.skipped += other.skipped;
        self.failed += other.failed;
        self.retries += other.retries;
    }
}

/// How many targets are in which state. Those before `done` and [`Totals::ended`] add up to
/// all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Wait for their stage.
    pub not_started: u32,
    /// Wait for other targets.
    pub after: u32,
    /// Wait for a gate.
    pub gate: u32,
    /// Wait for their window.
    #[serde(default)]
    pub window: u32,
    /// Wait for room in their groups.
    pub budget: u32,
    /// Wait for their next attempt.
    pub retry: u32,
    /// May start as soon as a lane has room.
    pub ready: u32,
    /// Are in flight.
    pub in_flight: u32,
    /// Are about to be left as they are.
    pub skipping: u32,
    /// Ended well; those with a finding are counted in `findings` as well.
    pub done: u32,
    /// Ended well, with something to look at.
    pub findings: u32,
    /// Failed.
    pub failed: u32,
    /// Were left as they are.
    pub skipped: u32,
    /// Were taken back.
    pub unwound: u32,
    /// Need a person.
    pub stuck: u32,
}

impl Totals {
    /// Targets that rest.
    pub fn ended(&self) -> u32 {
        self.done + self.failed + self.skipped + self.unwound + self.stuck
    }

    fn of(&mut self, wait: Wait) -> Option<&mut u32> {
        Some(match wait {
            Wait::Stage => &mut self.not_started,
            Wait::After => &mut self.after,
            Wait::Gate => &mut self.gate,
            Wait::Window => &mut self.window,
            Wait::Budget => &mut self.budget,
            Wait::Retry => &mut self.retry,
            Wait::Ready => &mut self.ready,
            Wait::InFlight => &mut self.in_flight,
            Wait::Skip(_) => &mut self.skipping,
            Wait::Rest | Wait::Moving => return None,
        })
    }

    pub(crate) fn count_end(&mut self, end: &End) {
        match end {
            End::Done { finding } => {
                self.done += 1;
                self.findings += u32::from(finding.is_some());
            }
            End::Failed { .. } => self.failed += 1,
            End::Skipped { .. } => self.skipped += 1,
            End::Unwound { .. } => self.unwound += 1,
            End::Stuck { .. } => self.stuck += 1,
        }
    }
}

/// Where a target is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    pub(crate) stage: StageId,
    pub(crate) place: PlaceId,
    pub(crate) recipe: RecipeId,
    pub(crate) direction: Direction,
    pub(crate) step: StepIndex,
}

/// The counts of one recipe within one stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RecipeCounts {
    /// Targets that follow it.
    pub(crate) members: u32,
    /// Per step: forward, then the way back.
    pub(crate) steps: [Vec<StepCount>; 2],
}

#[derive(Clone, Debug, PartialEq)]
struct StageCounts {
    totals: Totals,
    recipes: BTreeMap<RecipeId, RecipeCounts>,
}

/// Every count.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tally {
    pub(crate) totals: Totals,
    stages: Vec<StageCounts>,
    /// Targets per place that do not rest yet.
    pub(crate) places: Vec<u32>,
    /// Targets per place and recipe that stand at or are in flight at each step on their way forward.
    standing: BTreeMap<(PlaceId, RecipeId), Vec<u32>>,
}

impl Tally {
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut places = vec![0; plan.places.len()];
        let mut stages = Vec::with_capacity(plan.stages.len());
        for stage in &plan.stages {
            let targets = &plan.targets[stage.targets.start as usize..stage.targets.end as usize];
            let mut members = vec![0; plan.recipes.len()];
            for target in targets {
                places[target.place.index()] += 1;
                members[target.recipe.index()] += 1;
            }
            let mut recipes = BTreeMap::new();
            for (index, members) in members.into_iter().enumerate().filter(|(_, members)| *members > 0) {
                let recipe = &plan.recipes[index];
                let steps =
                    [&recipe.steps, &recipe.undo].map(|steps| vec![StepCount::default(); steps.len()]);
                recipes.insert(RecipeId(index as u16), RecipeCounts { members, steps });
            }
            let totals = Totals { not_started: targets.len() as u32, ..Totals::default() };
            stages.push(StageCounts { totals, recipes });
        }
        Self {
            totals: Totals { not_started: plan.targets.len() as u32, ..Totals::default() },
            stages,
            places,
            standing: BTreeMap::new(),
        }
    }

    /// Targets of a place that stand before the step of that name.
    pub(crate) fn before(&self, plan: &Plan, place: PlaceId, step: &str) -> usize {
        let first = (place, RecipeId(0));
        let here = self.standing.range(first..).take_while(|((of, _), _)| *of == place);
        let before = here.map(|((_, recipe), counts)| {
            let steps = &plan.recipes[recipe.index()].steps;
            let until = steps.iter().position(|it| &*it.name == step).unwrap_or_default();
            counts.iter().take(until).map(|count| *count as usize).sum::<usize>()
        });
        before.sum()
    }

    fn standing(&mut self, spot: Spot) -> Option<&mut u32> {
        let steps = self.stages[spot.stage.index()].recipes.get(&spot.recipe)?.steps[0].len();
        let counts = self.standing.entry((spot.place, spot.recipe)).or_insert_with(|| vec![0; steps]);
        counts.get_mut(spot.step.index()).filter(|_| spot.direction == Direction::Do)
    }

    /// The counts of a step.
    pub(crate) fn at(&mut self, spot: Spot) -> &mut StepCount {
        let recipes = &mut self.stages[spot.stage.index()].recipes;
        let recipe = recipes.get_mut(&spot.recipe).expect("made for every recipe the stage's targets follow");
        let list = match spot.direction {
            Direction::Do => 0,
            Direction::Undo => 1,
        };
        &mut recipe.steps[list][spot.step.index()]
    }

    pub(crate) fn arrive(&mut self, spot: Spot, wait: Wait) {
        for totals in [&mut self.totals, &mut self.stages[spot.stage.index()].totals] {
            if let Some(count) = totals.of(wait) {
                *count += 1;
            }
        }
        match wait {
            Wait::InFlight => self.at(spot).in_flight += 1,
            Wait::Stage | Wait::Rest | Wait::Moving => return,
            _ => self.at(spot).waiting += 1,
        }
        if let Some(count) = self.standing(spot) {
            *count += 1;
        }
    }

    pub(crate) fn depart(&mut self, spot: Spot, wait: Wait) {
        for totals in [&mut self.totals, &mut self.stages[spot.stage.index()].totals] {
            if let Some(count) = totals.of(wait) {
                *count -= 1;
            }
        }
        match wait {
            Wait::InFlight => self.at(spot).in_flight -= 1,
            Wait::Stage | Wait::Rest | Wait::Moving => return,
            _ => self.at(spot).waiting -= 1,
        }
        if let Some(count) = self.standing(spot) {
            *count -= 1;
        }
    }

    pub(crate) fn end(&mut self, stage: StageId, place: PlaceId, end: &End) {
        self.totals.count_end(end);
        self.stages[stage.index()].totals.count_end(end);
        self.places[place.index()] -= 1;
    }

    pub(crate) fn stage_totals(&self, stage: StageId) -> &Totals {
        &self.stages[stage.index()].totals
    }

    pub(crate) fn recipes(&self, stage: StageId) -> &BTreeMap<RecipeId, RecipeCounts> {
        &self.stages[stage.index()].recipes
    }
}
