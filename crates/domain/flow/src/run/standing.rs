//! What a target that stands at a step waits for, and who is told when that changes.

use fleetwright_model::Text;

use super::lanes::{LaneKey, Rank};
use super::tally::Spot;
use super::{Course, GateState, Run, SkipReason, StageState, Stop, Wait};
use crate::plan::{Charge, Effect, GroupId, StageId, Step, StepIndex, TargetId, When};
use crate::record::{Direction, Ending};

impl Run {
    /// The step a target stands at.
    pub(super) fn step_of(&self, id: TargetId) -> &Step {
        let walk = self.walk(id);
        let recipe = self.plan.recipe_of(id);
        match walk.course.direction() {
            Direction::Do => &recipe.steps[walk.step.index()],
            Direction::Undo => &recipe.undo[walk.step.index()],
        }
    }

    pub(super) fn lane(&self, id: TargetId) -> LaneKey {
        let walk = self.walk(id);
        self.lanes.key(&self.plan, id, walk.course.direction(), walk.step)
    }

    pub(super) fn rank(&self, id: TargetId) -> Rank {
        let walk = self.walk(id);
        match walk.course {
            Course::Undo => Rank::Undo,
            Course::PutBack => Rank::PutBack,
            Course::Forward if walk.committed => Rank::Committed,
            Course::Forward if self.would_change(id) => Rank::Guarded,
            Course::Forward => Rank::Uncommitted,
        }
    }

    /// Whether the step a target stands at is more than a look or a preparation.
    fn would_change(&self, id: TargetId) -> bool {
        let step = self.step_of(id);
        step.in_window || (step.effect == Effect::Changes && !step.ahead_of_gate)
    }

    pub(super) fn spot(&self, id: TargetId) -> Spot {
        let walk = self.walk(id);
        Spot {
            stage: walk.stage,
            place: self.plan.target(id).place,
            recipe: self.plan.target(id).recipe,
            direction: walk.course.direction(),
            step: walk.step,
        }
    }

    /// Puts a target that left its queue into another.
    pub(super) fn enter(&mut self, id: TargetId, wait: Wait) {
        self.operations += 1;
        self.walk_mut(id).wait = wait;
        if stands_at_window(wait) {
            self.come_to_window(id, wait);
        }
        let stage = self.walk(id).stage.index();
        match wait {
            Wait::After => self.stages[stage].after += 1,
            Wait::Gate => {
                self.stages[stage].at_gate.insert(id);
            }
            Wait::Budget => {
                for group in &self.plan.target(id).groups {
                    self.ledgers[group.index()].waiting += 1;
                }
            }
            Wait::Ready => {
                let (key, rank) = (self.lane(id), self.rank(id));
                self.lanes.add_ready(key, rank, id);
            }
            Wait::Retry => {
                self.timers.insert((self.walk(id).since, id));
            }
            Wait::InFlight => {
                let key = self.lane(id);
                self.lanes.take_off(key);
                self.flights.insert(id);
            }
            Wait::Skip(_) => {
                self.to_skip.insert(id);
            }
            Wait::Rest => {
                self.stages[stage].rested += 1;
                return;
            }
            Wait::Window => self.stages[stage].early += u32::from(self.step_of(id).ahead_of_gate),
            Wait::Stage | Wait::Moving => {}
        }
        let spot = self.spot(id);
        self.tally.arrive(spot, wait);
    }

    /// Takes a target out of its queue; what groups set aside for it goes to others.
    pub(super) fn leave(&mut self, id: TargetId) {
        let (wait, reserved) = (self.walk(id).wait, self.walk(id).reserved);
        self.leave_keeping_places(id);
        if wait == Wait::Budget || reserved != 0 {
            self.give_up_places(id);
        }
    }

    pub(super) fn leave_keeping_places(&mut self, id: TargetId) {
        self.operations += 1;
        let wait = self.walk(id).wait;
        if stands_at_window(wait) {
            self.go_from_window(id);
        }
        let spot = self.spot(id);
        let stage = self.walk(id).stage.index();
        match wait {
            Wait::After => self.stages[stage].after -= 1,
            Wait::Gate => {
                self.stages[stage].at_gate.remove(&id);
            }
            Wait::Budget => {
                for group in &self.plan.target(id).groups {
                    self.ledgers[group.index()].waiting -= 1;
                }
            }
            Wait::Ready => {
                let (key, rank) = (self.lane(id), self.rank(id));
                self.lanes.remove_ready(key, rank, id);
            }
            Wait::Retry => {
                self.timers.remove(&(self.walk(id).since, id));
            }
            Wait::InFlight => {
                let key = self.lane(id);
                self.lanes.land(key);
                self.flights.remove(&id);
            }
            Wait::Skip(_) => {
                self.to_skip.remove(&id);
            }
            Wait::Window => self.stages[stage].early -= u32::from(self.step_of(id).ahead_of_gate),
            Wait::Stage | Wait::Rest | Wait::Moving => {}
        }
        self.walk_mut(id).wait = Wait::Moving;
        self.tally.depart(spot, wait);
    }

    /// Sends a target that left its queue to the one its new step asks for, at the end of the
    /// transition.
    pub(super) fn set_moving(&mut self, id: TargetId) {
        self.moving.push_back(id);
    }

    /// Lets everything that moved find its place, and opens stages as those before are over.
    pub(super) fn settle(&mut self) {
        loop {
            while let Some(id) = self.moving.pop_front() {
                if self.walk(id).wait == Wait::Moving {
                    self.stand(id);
                }
            }
            let over = self.stages.get(self.stage.index()).is_some_and(StageState::is_over);
            if self.opened_at.is_none() || !over {
                return;
            }
            if self.is_short() {
                self.stop(Stop::Halted);
            }
            self.stage = StageId(self.stage.0 + 1);
            self.open_stage();
        }
    }

    /// Whether too few of the present stage ended well for what comes after it. A stage nobody decided
    /// about was not tried.
    fn is_short(&self) -> bool {
        let stage = &self.stages[self.stage.index()];
        stage.gate != GateState::Expired && stage.well < self.plan.stages[self.stage.index()].min_verified
    }

    /// Lets the targets of the present stage start.
    pub(super) fn open_stage(&mut self) {
        if self.is_at_rest() {
            return;
        }
        for id in self.plan.targets_of(self.stage) {
            if self.walk(id).wait == Wait::Stage {
                self.leave(id);
                self.set_moving(id);
            }
        }
    }

    /// Finds the queue of a target that took a new step.
    fn stand(&mut self, id: TargetId) {
        match self.next_stop(id) {
            None => self.rest(id),
            Some(_) => match self.wait_where_it_stands(id) {
                Wait::Budget => self.join_queues(id),
                // A put-back that was being tried when the run stopped keeps to its back-off.
                Wait::Ready if self.walk(id).attempt > 0 => self.enter(id, Wait::Retry),
                wait => self.enter(id, wait),
            },
        }
    }

    fn wait_where_it_stands(&mut self, id: TargetId) -> Wait {
        self.look_at_window(id);
        self.wait_for(id)
    }

    /// Moves a target to the next step of its course, or on to the next course, and says where it
    /// stands then; none where it is through.
    fn next_stop(&mut self, id: TargetId) -> Option<StepIndex> {
        let plan = self.plan.clone();
        let recipe = plan.recipe_of(id);
        let walk = self.walk_mut(id);
        if walk.course == Course::Undo && walk.step.index() >= recipe.undo.len() {
            walk.fate_mut().unwound = true;
            walk.course = Course::PutBack;
            walk.go_to(StepIndex(walk.left_at.0 + 1));
        }
        if walk.course == Course::PutBack {
            let due = |(_, step): &(usize, &Step)| match step.when {
                When::Finally { of } => walk.was_started(of),
                When::InTurn => false,
            };
            let from = walk.step.index();
            let (found, _) = recipe.steps.iter().enumerate().skip(from).find(due)?;
            if found != from {
                walk.go_to(StepIndex(found as u8));
            }
            return Some(walk.step);
        }
        let length = match walk.course {
            Course::Undo => recipe.undo.len(),
            _ => recipe.steps.len(),
        };
        (walk.step.index() < length).then_some(walk.step)
    }

    /// What a target waits for where it stands, were it not for back-off.
    pub(super) fn wait_for(&self, id: TargetId) -> Wait {
        let walk = self.walk(id);
        match walk.course {
            Course::Forward => self.wait_forward(id),
            Course::Undo if self.is_cancelled() => Wait::Skip(SkipReason::Cancelled),
            Course::Undo => self.wait_for_room(id),
            Course::PutBack => Wait::Ready,
        }
    }

    fn wait_forward(&self, id: TargetId) -> Wait {
        let walk = self.walk(id);
        if let Some(reason) = self.stop_reason(id) {
            return Wait::Skip(reason);
        }
        if self.opened_at.is_none() || walk.stage > self.stage {
            return Wait::Stage;
        }
        if walk.forsaken {
            return Wait::Skip(SkipReason::Dependency);
        }
        if walk.before > 0 {
            return Wait::After;
        }
        let gate = self.stages[walk.stage.index()].gate;
        match gate {
            GateState::Expired => return Wait::Skip(SkipReason::Expired),
            _ if self.step_of(id).ahead_of_gate => {}
            GateState::Passed => {}
            GateState::Ahead | GateState::Reached => return Wait::Gate,
        }
        self.wait_for_window(id).unwrap_or_else(|| self.wait_for_room(id))
    }

    fn wait_for_room(&self, id: TargetId) -> Wait {
        if !self.takes_charge(id) {
            Wait::Ready
        } else if self.is_exhausted_for(id) {
            Wait::Skip(SkipReason::Exhausted)
        } else {
            Wait::Budget
        }
    }

    /// Whether the step a target stands at charges its groups when it starts. Where the step that
    /// takes was skipped before it started, the next one that is no put-back takes in its place:
    /// what is left of the recipe still takes the target out of service.
    pub fn takes_charge(&self, id: TargetId) -> bool {
        let walk = self.walk(id);
        if walk.holds || self.plan.target(id).groups.is_empty() {
            return false;
        }
        let step = self.step_of(id);
        match step.charge {
            Charge::Take => true,
            Charge::Release => false,
            Charge::None => walk.owes && walk.course == Course::Forward && step.when == When::InTurn,
        }
    }

    /// Members of a group that are out of service on others' account, as was last observed.
    pub fn elsewhere(&self, group: GroupId) -> u32 {
        self.ledgers[group.index()].elsewhere
    }

    /// Why a target on its forward course is not taken further, where the run is stopping.
    fn stop_reason(&self, id: TargetId) -> Option<SkipReason> {
        let stop = self.stop?;
        match self.walk(id).committed {
            false => Some(SkipReason::Stopping),
            true if stop.cancels() => Some(SkipReason::Cancelled),
            true => None,
        }
    }

    /// A target is through.
    fn rest(&mut self, id: TargetId) {
        let end = self.walk(id).end();
        let (stage, place) = (self.walk(id).stage, self.plan.target(id).place);
        self.enter(id, Wait::Rest);
        self.tally.end(stage, place, &end);
        for group in &self.plan.target(id).groups {
            self.ledgers[group.index()].open -= 1;
        }
        if end.is_well() {
            self.stages[stage.index()].well += 1;
            self.discharge(id);
        } else if self.walk(id).holds {
            self.keep_charge(id);
        }
        if self.walk(id).down {
            self.keep_down(id);
        }
        for place in self.dependents.of(id) {
            self.operations += 1;
            let dependent = self.dependents.list[place];
            let walk = self.walk_mut(dependent);
            if end.is_well() {
                walk.before -= 1;
            } else {
                walk.forsaken = true;
            }
            if walk.wait == Wait::After && (walk.forsaken || walk.before == 0) {
                self.leave(dependent);
                self.set_moving(dependent);
            }
        }
    }

    /// Counts a target among its stage's failures, once, and stops the run when they are too many.
    pub(super) fn count_failure(&mut self, id: TargetId) {
        if std::mem::replace(&mut self.walk_mut(id).counted, true) {
            return;
        }
        let stage = self.walk(id).stage.index();
        self.stages[stage].failures += 1;
        let limit = self.plan.stages[stage].max_failures;
        if limit.is_some_and(|limit| self.stages[stage].failures > limit) {
            self.stop(Stop::Halted);
        }
    }

    /// Starts nothing further: whatever stands and may not go on is left as it is. What is in flight
    /// finishes its step and is judged then. A person's word outranks a count.
    pub(super) fn stop(&mut self, stop: Stop) {
        if self.stop >= Some(stop) {
            return;
        }
        self.stop = Some(stop);
        for index in 0..self.walks.len() {
            self.skip_if_it_must(TargetId(index as u32));
        }
    }

    /// Leaves a target that stands somewhere as it is, where it has come to have to.
    pub(super) fn skip_if_it_must(&mut self, id: TargetId) {
        let walk = self.walk(id);
        let stands = !matches!(walk.wait, Wait::InFlight | Wait::Rest | Wait::Moving | Wait::Skip(_));
        if !stands || self.plan.recipe_of(id).steps.is_empty() {
            return;
        }
        if let Wait::Skip(reason) = self.wait_for(id) {
            self.leave(id);
            self.enter(id, Wait::Skip(reason));
        }
    }

    /// The stage whose gate is to be recorded as reached.
    pub(super) fn gate_due(&self) -> Option<StageId> {
        let stage = self.stages.get(self.stage.index())?;
        let due = self.opened_at.is_some()
            && self.stop.is_none()
            && stage.gate == GateState::Ahead
            && stage.is_prepared();
        due.then_some(self.stage)
    }

    /// How the run is to be closed, once everything rests.
    pub(super) fn close_due(&self) -> Option<Ending> {
        let over = self.opened_at.is_some() && self.ended.is_none() && self.is_at_rest();
        over.then(|| self.stop.map_or(Ending::Complete, Stop::ending))
    }

    /// The code under which a target is left as it is.
    pub(super) fn skip_code(&self, id: TargetId, reason: SkipReason) -> Text {
        use fleetwright_model::code;
        let window = self.plan.target(id).window.filter(|_| reason == SkipReason::Window);
        if let Some(over) = window.and_then(|window| self.plan.windows[window.index()].over.as_ref()) {
            return over.clone();
        }
        let code = match reason {
            SkipReason::Stopping => &code::RUN_STOPPED,
            SkipReason::Cancelled => &code::CANCELLED,
            SkipReason::Dependency | SkipReason::Exhausted => &code::DEPENDENCY,
            SkipReason::Window => &code::WINDOW_OVER,
            SkipReason::Expired => &code::GATE_EXPIRED,
        };
        code.id.into()
    }
}

/// Whether a target in that queue has come to the step it stands at, and has not started it.
fn stands_at_window(wait: Wait) -> bool {
    matches!(wait, Wait::Window | Wait::Budget | Wait::Ready | Wait::Retry)
}
