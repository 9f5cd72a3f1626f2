//! Nobody starves. Two rules make it so, and both are judged at each decision:
//!
//! - *A place stands idle only for somebody.* Whoever may start does, unless each place that is free in one
//!   of its groups is kept for another who asks there too and is held up: by a full group or lane, a pause, or
//!   by somebody of whom the same is true.
//! - *First come, first served.* Of two who ask for places in the same groups, the one who asked first
//!   starts first.
//!
//! Who asks for other groups as well may go ahead of somebody who asked before; each time it takes its
//! places it does so once.

use std::collections::BTreeSet;

use fleetwright_flow::{Charge, Direction, Effect, Gate, StageId, Step, StepIndex, TargetId, When};
use jiff::Timestamp;

use super::{At, Law, Referee};

/// Since which decision a target has asked for the places that one step takes.
pub(super) type Asked = Option<(StepIndex, u32)>;

/// Somebody took its places since the last decision.
pub(super) struct Took {
    id: TargetId,
    asked: Asked,
}

impl Referee<'_> {
    /// Notes a decision: at that moment everything that the run would start is on record.
    pub fn settled(&mut self, now: Timestamp) {
        self.decisions += 1;
        self.no_place_is_idle(now);
        self.who_came_first_was_served_first(now);
    }

    fn no_place_is_idle(&mut self, now: Timestamp) {
        let all = || (0..self.targets.len() as u32).map(TargetId);
        let asking: BTreeSet<TargetId> = all().filter(|id| self.asks(*id, now)).collect();
        let mut passed_over: Vec<TargetId> = all().filter(|id| self.may_start(*id, now)).collect();
        let mut held_up: BTreeSet<TargetId> =
            asking.iter().filter(|id| !passed_over.contains(id)).copied().collect();
        loop {
            let (excused, rest): (Vec<_>, Vec<_>) =
                passed_over.into_iter().partition(|id| asking.contains(id) && self.gives_way(*id, &held_up));
            passed_over = rest;
            if excused.is_empty() {
                break;
            }
            held_up.extend(excused);
        }
        self.law(Law::IdlePlace, passed_over.is_empty());
    }

    /// Whether every free place of one of the target's groups is kept for one of those who are held up.
    fn gives_way(&self, id: TargetId, held_up: &BTreeSet<TargetId>) -> bool {
        self.plan.target(id).groups.iter().any(|group| {
            let kept = held_up.iter().filter(|other| self.plan.target(**other).groups.contains(group));
            kept.count() as i64 >= self.room_of(*group)
        })
    }

    fn who_came_first_was_served_first(&mut self, now: Timestamp) {
        let took = std::mem::take(&mut self.took);
        for index in 0..self.targets.len() {
            let id = TargetId(index as u32);
            let stands = self.stands_at(id).filter(|_| self.asks(id, now));
            let before = self.asked[index].filter(|(step, _)| Some(*step) == stands);
            self.asked[index] = before.or(stands.map(|step| (step, self.decisions)));
            let Some((step, since)) = before else { continue };
            let waits = !self.targets[index].down && self.is_free(id, step, now);
            let mine = &self.plan.target(id).groups;
            let overtaken = took.iter().any(|other| {
                let later = other.asked.is_none_or(|(_, asked)| asked > since);
                later && &self.plan.target(other.id).groups == mine
            });
            self.law(Law::FirstCome, !(waits && overtaken));
        }
    }

    /// Notes that somebody takes the places it asked for.
    pub(super) fn note_taken(&mut self, at: At) {
        let (id, direction, _) = at;
        let asked = self.asked[id.index()].take();
        if direction == Direction::Do && !self.targets[id.index()].down {
            self.took.push(Took { id, asked });
        }
    }

    /// Recipes share the lane of a name: the smallest limit counts.
    fn lane_limit(&self, step: &Step) -> Option<u32> {
        let recipes = self.plan.recipes.iter().flat_map(|recipe| recipe.steps.iter().chain(&recipe.undo));
        recipes.filter(|it| it.name == step.name).filter_map(|it| it.max_in_flight).min()
    }

    /// The step a target stands at on its way forward, where it stands at one.
    fn stands_at(&self, id: TargetId) -> Option<StepIndex> {
        let book = &self.targets[id.index()];
        if self.is_in_flight(id) || book.off || book.left || book.undoing {
            return None;
        }
        let steps = 0..self.plan.recipe_of(id).steps.len() as u8;
        let is_over =
            |step: &StepIndex| self.steps.get(&(id, Direction::Do, *step)).is_some_and(|it| it.over);
        steps.map(StepIndex).find(|step| !is_over(step))
    }

    /// Whether a target stands at a step that it may start or wait for places for: its stage is at work, and
    /// neither gate nor window nor those it comes after are in its way.
    fn has_come_to(&self, id: TargetId, index: StepIndex, now: Timestamp) -> bool {
        let step = &self.plan.recipe_of(id).steps[index.index()];
        let stage = self.stage_of(id);
        // A stage is known to be at work once something of it was started.
        if self.closed || step.when != When::InTurn || stage != self.stage {
            return false;
        }
        let book = &self.targets[id.index()];
        let uncommitted = !book.committed;
        let gated = self.plan.stages[stage].gate == Gate::Approval && !step.ahead_of_gate;
        let well = || self.plan.target(id).after.iter().all(|before| self.is_well(*before));
        (!gated || self.is_approved(StageId(stage as u16)))
            && (!(uncommitted && step.in_window) || self.is_in_window(id, 0, now))
            && (!uncommitted || (self.is_near(id, index, now) && !self.is_given_up(stage)))
            && (book.touched || well())
    }

    /// Whether nothing but places is in the way of a target that has come to a step.
    fn is_free(&self, id: TargetId, index: StepIndex, now: Timestamp) -> bool {
        let step = &self.plan.recipe_of(id).steps[index.index()];
        let uncommitted = !self.targets[id.index()].committed;
        let guarded =
            uncommitted && (step.in_window || (step.effect == Effect::Changes && !step.ahead_of_gate));
        let due = self.steps.get(&(id, Direction::Do, index)).and_then(|it| it.retry_at);
        let held = self.stopped || self.paused || (self.frozen && guarded);
        !held && due.is_none_or(|due| due <= now) && self.has_lane(id, step)
    }

    fn may_start(&self, id: TargetId, now: Timestamp) -> bool {
        let Some(index) = self.stands_at(id).filter(|index| self.has_come_to(id, *index, now)) else {
            return false;
        };
        let step = &self.plan.recipe_of(id).steps[index.index()];
        self.is_free(id, index, now) && (!self.takes(id, step) || self.has_places(id))
    }

    /// Whether a target waits for places, or has them and waits for something else.
    fn asks(&self, id: TargetId, now: Timestamp) -> bool {
        let forward = self.stands_at(id).filter(|index| self.has_come_to(id, *index, now));
        let step = forward.map(|index| &self.plan.recipe_of(id).steps[index.index()]);
        step.or_else(|| self.stands_on_the_way_back_at(id)).is_some_and(|step| self.takes(id, step))
    }

    fn stands_on_the_way_back_at(&self, id: TargetId) -> Option<&Step> {
        let book = &self.targets[id.index()];
        if !book.undoing || book.left || book.lost || self.is_in_flight(id) {
            return None;
        }
        let is_over = |step: usize| {
            let at = (id, Direction::Undo, StepIndex(step as u8));
            self.steps.get(&at).is_some_and(|it| it.over)
        };
        let undo = self.plan.recipe_of(id).undo.iter().enumerate();
        undo.into_iter().find(|(step, _)| !is_over(*step)).map(|(_, step)| step)
    }

    fn is_in_flight(&self, id: TargetId) -> bool {
        self.steps.iter().any(|(at, step)| at.0 == id && step.in_flight)
    }

    /// Whether a step charges the target's groups when it starts.
    fn takes(&self, id: TargetId, step: &Step) -> bool {
        let book = &self.targets[id.index()];
        let takes = step.charge == Charge::Take || (book.owes && step.charge == Charge::None);
        !book.holds && takes
    }

    fn has_lane(&self, id: TargetId, step: &Step) -> bool {
        let Some(limit) = self.lane_limit(step) else { return true };
        let place = self.plan.target(id).place;
        let beside = self.steps.iter().filter(|(at, book)| {
            book.in_flight && self.plan.target(at.0).place == place && self.step(**at).name == step.name
        });
        beside.count() < limit as usize
    }

    fn has_places(&self, id: TargetId) -> bool {
        let down = self.targets[id.index()].down;
        // Who is down already has its place in what others share.
        let mut asked = self
            .plan
            .target(id)
            .groups
            .iter()
            .filter(|group| !down || self.plan.groups[group.index()].shared.is_none());
        asked.all(|group| self.room_of(*group) > 0)
    }
}
