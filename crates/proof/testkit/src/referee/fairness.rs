//! Nobody starves: whoever may start, with a place free, does so after a bounded number of decisions.
//!
//! Places may be kept for somebody who still waits for another one, and of those who ask, others may go
//! first: each of them once. So nobody is passed over at more decisions in a row than there are others
//! who want the same places.

use fleetwright_flow::{Charge, Direction, Effect, Gate, StageId, Step, StepIndex, TargetId, When};
use jiff::Timestamp;

use super::{Law, Referee};

impl Referee<'_> {
    /// Notes a decision: at that moment everything that the run would start is on record.
    pub fn settled(&mut self, now: Timestamp) {
        for index in 0..self.targets.len() {
            let id = TargetId(index as u32);
            if !self.may_start(id, now) {
                self.passed_over[index] = 0;
                continue;
            }
            self.passed_over[index] += 1;
            self.longest = self.longest.max(self.passed_over[index]);
            self.law(Law::Starvation, self.passed_over[index] <= self.rivals(id));
        }
    }

    /// The most decisions in a row at which one target was passed over so far.
    pub fn longest_wait(&self) -> u32 {
        self.longest
    }

    /// Others who want a place that the target wants: of one of its groups, or in one of its lanes.
    fn rivals(&self, id: TargetId) -> u32 {
        let mine = self.plan.target(id);
        let shares = |other: &TargetId| {
            let theirs = self.plan.target(*other);
            let group = theirs.groups.iter().any(|group| mine.groups.contains(group));
            group || (mine.place == theirs.place && self.shares_lane(id, *other))
        };
        let all = (0..self.targets.len() as u32).map(TargetId);
        all.filter(|other| *other != id && shares(other)).count() as u32
    }

    fn shares_lane(&self, id: TargetId, other: TargetId) -> bool {
        let theirs = &self.plan.recipe_of(other).steps;
        let limited = self.plan.recipe_of(id).steps.iter().filter(|step| self.lane_limit(step).is_some());
        limited.into_iter().any(|step| theirs.iter().any(|it| it.name == step.name))
    }

    /// Recipes share the lane of a name: the smallest limit counts.
    fn lane_limit(&self, step: &Step) -> Option<u32> {
        let recipes = self.plan.recipes.iter().flat_map(|recipe| recipe.steps.iter().chain(&recipe.undo));
        recipes.filter(|it| it.name == step.name).filter_map(|it| it.max_in_flight).min()
    }

    /// The step a target stands at on its way forward, where it stands at one.
    fn stands_at(&self, id: TargetId) -> Option<StepIndex> {
        let book = &self.targets[id.index()];
        let in_flight = self.steps.iter().any(|(at, step)| at.0 == id && step.in_flight);
        if in_flight || book.off || book.left || book.undoing {
            return None;
        }
        let steps = 0..self.plan.recipe_of(id).steps.len() as u8;
        let is_over =
            |step: &StepIndex| self.steps.get(&(id, Direction::Do, *step)).is_some_and(|it| it.over);
        steps.map(StepIndex).find(|step| !is_over(step))
    }

    fn may_start(&self, id: TargetId, now: Timestamp) -> bool {
        let Some(index) = self.stands_at(id) else { return false };
        let step = &self.plan.recipe_of(id).steps[index.index()];
        let stage = self.stage_of(id);
        // A stage is known to be at work once something of it was started.
        if self.closed || self.stopped || self.paused || step.when != When::InTurn || stage != self.stage {
            return false;
        }
        let book = &self.targets[id.index()];
        let uncommitted = !book.committed;
        let guarded =
            uncommitted && (step.in_window || (step.effect == Effect::Changes && !step.ahead_of_gate));
        let due = self.steps.get(&(id, Direction::Do, index)).and_then(|it| it.retry_at);
        let gated = self.plan.stages[stage].gate == Gate::Approval && !step.ahead_of_gate;
        let well = || self.plan.target(id).after.iter().all(|before| self.is_well(*before));
        due.is_none_or(|due| due <= now)
            && !(self.frozen && guarded)
            && (!gated || self.is_approved(StageId(stage as u16)))
            && (!(uncommitted && step.in_window) || self.is_in_window(id, 0, now))
            && (!uncommitted || (self.is_near(id, index, now) && !self.is_given_up(stage)))
            && (book.touched || well())
            && self.has_lane(id, step)
            && self.has_places(id, step)
    }

    fn has_lane(&self, id: TargetId, step: &Step) -> bool {
        let Some(limit) = self.lane_limit(step) else { return true };
        let place = self.plan.target(id).place;
        let beside = self.steps.iter().filter(|(at, book)| {
            book.in_flight && self.plan.target(at.0).place == place && self.step(**at).name == step.name
        });
        beside.count() < limit as usize
    }

    fn has_places(&self, id: TargetId, step: &Step) -> bool {
        let book = &self.targets[id.index()];
        let takes = step.charge == Charge::Take || (book.owes && step.charge == Charge::None);
        // Who is down already has its place in what others share.
        let mut asked = self
            .plan
            .target(id)
            .groups
            .iter()
            .filter(|group| !book.down || self.plan.groups[group.index()].shared.is_none());
        book.holds || !takes || asked.all(|group| self.room_of(*group) > 0)
    }
}
