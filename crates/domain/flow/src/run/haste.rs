//! Whether time that a target loses is time the run loses.

use super::{Run, Wait};
use crate::plan::{Charge, Recipe, TargetId};

/// What it costs the run when a target in flight waits a little.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Haste {
    /// Nothing, as long as others come after it.
    #[default]
    None,
    /// What decides how long the run takes has room, and nobody to use it: the target is expected there.
    Expected,
    /// Others wait for what the target takes up: a place in its lane, or in a group charged for it.
    InTheWay,
}

/// Something that lets only so many targets through at once.
#[derive(Clone, Copy, Debug)]
struct Strait {
    /// Seconds it takes, as the plan expects, until everybody is through.
    seconds: u64,
    /// Whether it lies before the target, has room, and nobody waits for it.
    is_idle: bool,
}

impl Run {
    /// What it costs the run when a target in flight waits a little.
    pub fn haste(&self, target: TargetId) -> Haste {
        let walk = self.walk(target);
        let groups = &self.plan.target(target).groups;
        let holds_up =
            (walk.holds || walk.down) && groups.iter().any(|group| self.ledgers[group.index()].waiting > 0);
        if holds_up || self.lanes.is_crowded(self.lane(target)) {
            return Haste::InTheWay;
        }
        let recipe = self.plan.recipe_of(target);
        let whole: u64 = recipe.steps.iter().map(|step| u64::from(step.expected_seconds)).sum();
        // Of equals the last counts: what comes before it only delays it.
        match self.straits(target, recipe).max_by_key(|strait| strait.seconds) {
            Some(strait) if strait.is_idle && strait.seconds > whole => Haste::Expected,
            _ => Haste::None,
        }
    }

    fn straits(&self, target: TargetId, recipe: &Recipe) -> impl Iterator<Item = Strait> {
        let walk = self.walk(target);
        let stage = &self.stages[walk.stage.index()];
        let open = u64::from(stage.size - stage.rested);
        let here = u64::from(self.tally.places[self.plan.target(target).place.index()]).min(open);
        let ahead = |step: usize| walk.wait == Wait::InFlight && step > walk.step.index();
        let lanes = recipe.steps.iter().enumerate().filter_map(move |(index, step)| {
            let limit = step.max_in_flight?.max(1);
            let key = self.lanes.key(&self.plan, target, crate::Direction::Do, crate::StepIndex(index as u8));
            let is_idle = ahead(index) && self.lanes.room(key) > 0 && !self.lanes.is_crowded(key);
            Some(Strait {
                seconds: here.div_ceil(u64::from(limit)) * u64::from(step.expected_seconds),
                is_idle,
            })
        });
        let take = recipe.steps.iter().position(|step| step.charge == Charge::Take);
        let held: u64 = recipe.steps[take.unwrap_or(recipe.steps.len())..]
            .iter()
            .map(|step| u64::from(step.expected_seconds))
            .sum();
        let groups = self.plan.target(target).groups.iter().map(move |group| {
            let ledger = &self.ledgers[group.index()];
            let members = u64::from(ledger.open).min(open);
            let is_idle = take.is_some_and(ahead) && !walk.holds && ledger.waiting == 0 && !ledger.is_full();
            Strait { seconds: members.div_ceil(u64::from(ledger.capacity.max(1))) * held, is_idle }
        });
        lanes.chain(groups)
    }
}
