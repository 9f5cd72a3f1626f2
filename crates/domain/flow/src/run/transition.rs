//! What a legal record changes.

use fleetwright_model::{ErrorClass, Text};
use jiff::Timestamp;

use super::walk::Note;
use super::{Course, FreezeView, Run, Stop, Wait};
use crate::plan::{Charge, OnFailure, StepIndex, TargetId};
use crate::record::{Event, FailedStep, Record, Signal, SkipScope};

impl Run {
    /// Applies a record that was checked.
    pub(super) fn transition(&mut self, record: &Record) {
        (self.last, self.at) = (record.seq, record.at);
        self.operations += 1;
        self.ripen(record.at);
        match &record.event {
            Event::Opened { plan, .. } => {
                self.digest = Some(plan.clone());
                self.epoch = record.epoch;
                self.opened_at = Some(record.at);
                self.open_stage();
            }
            Event::Owner { .. } => self.epoch = record.epoch,
            Event::Started { target, attempt, .. } => self.start(*target, *attempt, record.at),
            Event::Accepted { target, handle, .. } => {
                let walk = self.walk_mut(*target);
                (walk.handle, walk.accepted_at) = (Some(handle.clone()), record.at);
            }
            Event::Succeeded { target, note, finding, .. } => self.succeed(*target, note, finding),
            Event::Failed { target, failure, .. } => self.fail(*target, failure),
            Event::Skipped { target, scope, code, .. } => self.skip(*target, *scope, code),
            Event::GateReached { stage, .. } => self.reach_gate(*stage),
            Event::Signalled { signal, by, reason, .. } => self.signal(*signal, by, reason.as_ref()),
            Event::WindowTurned { window } => self.turn_window(*window),
            Event::Observed { group, elsewhere } => self.observe(*group, *elsewhere),
            Event::FoundDown { target } => self.find_down(*target),
            Event::GateExpired { stage } => self.expire(*stage),
            Event::Closed { ending } => self.ended = Some((*ending, record.at)),
        }
        self.settle();
    }

    /// Attempts whose time has come are ready like any other, so that [`Run::next`] looks at timers
    /// of the last moments only.
    fn ripen(&mut self, now: Timestamp) {
        while let Some((due, id)) = self.timers.first().copied() {
            if due > now {
                return;
            }
            let wait = self.wait_for_window(id).unwrap_or(Wait::Ready);
            self.leave(id);
            self.enter(id, wait);
        }
    }

    fn start(&mut self, id: TargetId, attempt: u16, at: Timestamp) {
        if self.takes_charge(id) {
            self.charge(id);
        }
        self.leave(id);
        let epoch = self.epoch;
        let commits = self.step_of(id).commits;
        let walk = self.walk_mut(id);
        walk.attempt = attempt;
        walk.since = at;
        walk.epoch = epoch;
        if walk.course != Course::Undo {
            walk.started |= 1 << walk.step.0;
            walk.committed |= commits;
        }
        self.enter(id, Wait::InFlight);
    }

    fn succeed(&mut self, id: TargetId, note: &Option<Text>, finding: &Option<Text>) {
        self.count(id, |count| count.done += 1);
        let release = self.step_of(id).charge == Charge::Release && self.walk(id).gives_back();
        self.leave(id);
        let walk = self.walk_mut(id);
        walk.handle = None;
        let (direction, step) = (walk.course.direction(), walk.step);
        if let Some(text) = note {
            walk.notes.push(Note { direction, step, text: text.clone() });
        }
        if let Some(code) = finding {
            walk.fate_mut().finding.get_or_insert_with(|| code.clone());
        }
        walk.go_to(StepIndex(step.0 + 1));
        if release {
            self.discharge(id);
        }
        self.set_moving(id);
    }

    fn fail(&mut self, id: TargetId, failure: &FailedStep) {
        let unseen = self.is_in_doubt(id);
        self.leave(id);
        let walk = self.walk_mut(id);
        walk.handle = None;
        match failure.retry_at {
            Some(due) => {
                walk.doubt = unseen || failure.class == ErrorClass::Ambiguous;
                self.count(id, |count| count.retries += 1);
                self.back_off(id, due);
            }
            None => {
                self.count(id, |count| count.failed += 1);
                self.fail_for_good(id, failure);
            }
        }
    }

    /// Waits for the next attempt, unless the run has come to be stopping meanwhile.
    fn back_off(&mut self, id: TargetId, due: Timestamp) {
        self.walk_mut(id).since = due;
        self.look_at_window(id);
        match self.wait_for(id) {
            Wait::Skip(reason) => self.enter(id, Wait::Skip(reason)),
            _ => self.enter(id, Wait::Retry),
        }
    }

    fn fail_for_good(&mut self, id: TargetId, failure: &FailedStep) {
        let code = &failure.code;
        let plan = self.plan.clone();
        let cancelled = self.is_cancelled();
        let recipe = plan.recipe_of(id);
        let walk = self.walk_mut(id);
        let step = walk.step;
        match walk.course {
            Course::Forward => {
                let fate = walk.fate_mut();
                fate.failed.get_or_insert_with(|| (step, code.clone()));
                match recipe.steps[step.index()].on_failure {
                    OnFailure::Continue => walk.go_to(StepIndex(step.0 + 1)),
                    OnFailure::Undo
                        if failure.class.is_verdict() && !recipe.undo.is_empty() && !cancelled =>
                    {
                        walk.course = Course::Undo;
                        walk.left_at = step;
                        walk.go_to(StepIndex(0));
                    }
                    OnFailure::Fail | OnFailure::Undo => self.put_back_from(id, StepIndex(step.0 + 1)),
                }
            }
            Course::Undo => self.strand(id, code),
            Course::PutBack => {
                let direction = walk.course.direction();
                walk.fate_mut().stuck.get_or_insert_with(|| (direction, step, code.clone()));
                walk.go_to(StepIndex(step.0 + 1));
            }
        }
        self.set_moving(id);
        self.count_failure(id);
    }

    /// The way back ends here, in the middle.
    fn strand(&mut self, id: TargetId, code: &Text) {
        let walk = self.walk_mut(id);
        let (direction, step, left_at) = (walk.course.direction(), walk.step, walk.left_at);
        walk.fate_mut().stuck.get_or_insert_with(|| (direction, step, code.clone()));
        self.put_back_from(id, StepIndex(left_at.0 + 1));
    }

    fn put_back_from(&mut self, id: TargetId, step: StepIndex) {
        let walk = self.walk_mut(id);
        let same = walk.course == Course::Forward && walk.step == step;
        walk.course = Course::PutBack;
        if !same {
            walk.go_to(step);
        }
    }

    fn skip(&mut self, id: TargetId, scope: SkipScope, code: &Text) {
        let was = self.walk(id).wait;
        self.count(id, |count| count.skipped += 1);
        let takes = self.takes_charge(id);
        let cancels = self.is_cancelled();
        self.leave(id);
        let walk = self.walk_mut(id);
        walk.handle = None;
        let step = walk.step;
        let after = StepIndex(step.0 + 1);
        match (scope, walk.course) {
            (SkipScope::Step, _) | (_, Course::PutBack) => {
                walk.owes |= takes;
                walk.go_to(after);
            }
            (SkipScope::Target, Course::Undo) => {
                self.strand(id, code);
                self.count_failure(id);
            }
            (SkipScope::Target, Course::Forward) => {
                // A changed target that a cancelled run leaves behind is no target left as it was.
                let failed = cancels && walk.committed;
                let fate = walk.fate_mut();
                if failed {
                    fate.failed.get_or_insert_with(|| (step, code.clone()));
                } else {
                    fate.skipped.get_or_insert_with(|| code.clone());
                }
                self.put_back_from(id, if was == Wait::InFlight { after } else { step });
                if failed {
                    self.count_failure(id);
                }
            }
        }
        self.set_moving(id);
    }

    fn signal(&mut self, signal: Signal, by: &Text, reason: Option<&Text>) {
        match signal {
            Signal::Approve(stage) => self.approve(stage, by),
            Signal::Reject(_) => self.stop(Stop::Rejected),
            Signal::Pause => self.paused = true,
            Signal::Resume => self.paused = false,
            Signal::Freeze => {
                self.freeze = Some(FreezeView { by: by.clone(), reason: reason.cloned(), since: self.at });
            }
            Signal::Thaw => self.freeze = None,
            Signal::Abort => self.stop(Stop::Aborted),
            Signal::AbortNow => self.stop(Stop::AbortedNow),
        }
    }

    fn count(&mut self, id: TargetId, add: impl FnOnce(&mut super::StepCount)) {
        let spot = self.spot(id);
        add(self.tally.at(spot));
    }
}
