//! What people see of a run: a picture made from counts that every record keeps up to date.

mod estimate;

use std::collections::BTreeMap;

use fleetwright_model::Text;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::illegal::Position;
use super::tally::{StepCount, Totals};
use super::{End, GateState, Run, Stop, Wait};
use crate::plan::{Gate, GroupId, StageId, StepIndex, TargetId, WindowId};
use crate::record::{Direction, Ending};

/// A run at one moment. Made in time proportional to stages, steps and groups, never to targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    /// What the run as a whole is doing.
    pub condition: Condition,
    /// Whether no unchanged target is changed until the thaw.
    #[serde(default)]
    pub frozen: bool,
    /// Who froze it, why, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze: Option<FreezeView>,
    /// When it was opened.
    pub started_at: Option<Timestamp>,
    /// When it was closed.
    pub ended_at: Option<Timestamp>,
    /// Seconds from opening to the end, or to now.
    pub elapsed_seconds: u64,
    /// All targets.
    pub totals: Totals,
    /// Stage by stage.
    pub stages: Vec<StageView>,
    /// Groups that somebody waits for, that failed targets hold, or with members down elsewhere.
    pub groups: Vec<GroupView>,
    /// Windows that somebody waits for, or may begin in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowView>,
    /// The next moment that is waited for: an attempt's, a window's, the end of a gate's time.
    pub next_retry: Option<Timestamp>,
    /// Targets that came to rest, per minute since the run was opened; none in its first minute.
    pub ended_per_minute: Option<f64>,
    /// Seconds to go by the plan's expected durations, limits and budgets. None where it cannot be
    /// told: a person's decision lies ahead, the run is paused, frozen or stopping, somebody waits for a
    /// window, or the plan expects nothing.
    pub remaining_seconds: Option<u64>,
}

/// What a run as a whole is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Nothing yet.
    NotOpened,
    /// Its targets are walked.
    Running,
    /// Nothing but a decision at this stage's gate can move it.
    AtGate(StageId),
    /// Nothing uncommitted starts.
    Paused,
    /// It is on its way to that ending.
    Stopping(Ending),
    /// It ended.
    Ended(Ending),
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageView {
    /// Its place.
    pub stage: StageId,
    /// What people call it.
    pub name: Text,
    /// Its gate.
    pub gate: GateView,
    /// Who approved so far, where a rule says who decides, where somebody has, or while the gate waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalView>,
    /// Its targets.
    pub totals: Totals,
    /// Targets that failed for good, those included that are still being taken back.
    pub failures: u32,
    /// More than this stop the run.
    pub max_failures: Option<u32>,
    /// Fewer that ended well stop the run.
    #[serde(default)]
    pub min_verified: u32,
    /// Its steps in order, by name; the way back comes last.
    pub steps: Vec<StepView>,
}

/// One step of a stage; recipes that share the name are added up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// The step's name.
    pub name: Text,
    /// Which way.
    pub direction: Direction,
    /// How many targets are where.
    pub count: StepCount,
}

/// A stage's gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateView {
    /// Nothing is to be decided.
    Open,
    /// Preparations are not complete.
    Ahead,
    /// Somebody has to decide.
    Waiting,
    /// It was approved.
    Approved,
    /// Nobody decided in time, and the stage was left as it is.
    Expired,
    /// The run stopped before it was.
    Closed,
}

/// Who froze a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeView {
    /// Who; untrusted text.
    pub by: Text,
    /// Why, and until when as far as that was said; untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// Since when.
    pub since: Timestamp,
}

/// How far a decision has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalView {
    /// Different people who must approve.
    pub needed: u16,
    /// Who did.
    pub given: Vec<Text>,
    /// What the decision is about, once the gate is reached.
    pub basis: Option<Text>,
    /// When the time for deciding is over, while the gate waits.
    pub expires_at: Option<Timestamp>,
}

/// One window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowView {
    /// Its place.
    pub window: WindowId,
    /// What people call it.
    pub name: Text,
    /// Targets that wait for it.
    pub waiting: u32,
    /// When it opens to the first of them.
    pub opens_at: Option<Timestamp>,
    /// The first of them by subject, at most [`WindowView::NAMED_AT_MOST`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first_waiting: Vec<Text>,
    /// Targets that it lets in, and that have not begun.
    #[serde(default)]
    pub inside: u32,
    /// The first moment at which one of these is too late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_at: Option<Timestamp>,
}

impl WindowView {
    /// Targets are named up to this many.
    pub const NAMED_AT_MOST: usize = 5;
}

/// One group's budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    /// Its place.
    pub group: GroupId,
    /// What people call it.
    pub name: Text,
    /// Members out of service at once at most.
    pub capacity: u32,
    /// The same by what is known so far: it may still grow with members that are verified healthy.
    #[serde(default)]
    pub limit: u32,
    /// Members out of service on others' account.
    #[serde(default)]
    pub elsewhere: u32,
    /// Members charged.
    pub held: u32,
    /// Of those, the ones that ended badly and keep their place to the end of the run.
    pub kept: u32,
    /// Members that wait.
    pub waiting: u32,
}

/// Where one target is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetState {
    /// Its stage is not walked yet.
    NotStarted,
    /// It stands at a step.
    Waiting {
        /// The step.
        at: Position,
        /// What for.
        on: WaitingFor,
    },
    /// A step is being carried out.
    InFlight {
        /// The step.
        at: Position,
        /// Since when.
        since: Timestamp,
        /// From 1.
        attempt: u16,
    },
    /// It rests.
    Ended(End),
}

/// What a target waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitingFor {
    /// A decision at its stage's gate, or the preparations before it.
    Gate(StageId),
    /// This window, which opens then.
    Window(WindowId, Option<Timestamp>),
    /// Room in this group, and perhaps in others.
    Budget(GroupId),
    /// The time of its next attempt.
    Retry(Timestamp),
    /// This target, and perhaps others.
    After(TargetId),
    /// Its turn: as many as may be are in flight at its step, or it starts at the next decision.
    Turn,
    /// The run to be resumed.
    Paused,
    /// The thaw.
    Frozen,
    /// Nothing more: it is about to be left as it is.
    Leaving,
}

impl Run {
    /// The run as people see it.
    pub fn view(&self, now: Timestamp) -> RunView {
        let end = self.ended.map(|(_, at)| at);
        let seconds = |from: Timestamp| end.unwrap_or(now).duration_since(from).as_secs().max(0) as u64;
        let elapsed_seconds = self.opened_at.map_or(0, seconds);
        let minutes = elapsed_seconds as f64 / 60.0;
        RunView {
            condition: self.condition(),
            frozen: self.is_frozen(),
            freeze: self.freeze.clone(),
            started_at: self.opened_at,
            ended_at: end,
            elapsed_seconds,
            totals: self.tally.totals,
            stages: (0..self.stages.len()).map(|index| self.stage_view(StageId(index as u16))).collect(),
            groups: self.group_views(),
            windows: self.window_views(),
            next_retry: self.wake_after(now),
            ended_per_minute: (minutes >= 1.0).then(|| f64::from(self.tally.totals.ended()) / minutes),
            remaining_seconds: self.remaining_seconds(),
        }
    }

    /// What the run as a whole is doing.
    pub fn condition(&self) -> Condition {
        if let Some((ending, _)) = self.ended {
            Condition::Ended(ending)
        } else if self.opened_at.is_none() {
            Condition::NotOpened
        } else if let Some(stop) = self.stop {
            Condition::Stopping(Stop::ending(stop))
        } else if self.paused {
            Condition::Paused
        } else {
            self.gate_waiting().map_or(Condition::Running, Condition::AtGate)
        }
    }

    /// Where a target is.
    pub fn state(&self, target: TargetId) -> TargetState {
        let walk = self.walk(target);
        let at = Position { direction: walk.course.direction(), step: walk.step };
        let on = match walk.wait {
            Wait::Stage | Wait::Moving => return TargetState::NotStarted,
            Wait::Rest => return TargetState::Ended(walk.end()),
            Wait::InFlight => {
                return TargetState::InFlight { at, since: walk.since, attempt: walk.attempt };
            }
            Wait::After => WaitingFor::After(self.unfinished_before(target)),
            Wait::Gate => WaitingFor::Gate(walk.stage),
            Wait::Window => {
                let window = self.plan.target(target).window;
                let window = window.expect("a target waits for the window it has");
                WaitingFor::Window(window, self.opens_at(target))
            }
            Wait::Budget => WaitingFor::Budget(self.missing_group(target)),
            Wait::Retry => WaitingFor::Retry(walk.since),
            Wait::Ready if self.may_start(self.rank(target)) => WaitingFor::Turn,
            Wait::Ready if self.paused => WaitingFor::Paused,
            Wait::Ready => WaitingFor::Frozen,
            Wait::Skip(_) => WaitingFor::Leaving,
        };
        TargetState::Waiting { at, on }
    }

    fn unfinished_before(&self, target: TargetId) -> TargetId {
        let before = &self.plan.target(target).after;
        let unfinished = before.iter().find(|before| self.walk(**before).wait != Wait::Rest);
        *unfinished.expect("a target waits for others while one of them does not rest")
    }

    fn missing_group(&self, target: TargetId) -> GroupId {
        self.next_group(target).expect("a target waits for room while a group has not set any aside")
    }

    fn stage_view(&self, id: StageId) -> StageView {
        let (stage, state) = (&self.plan.stages[id.index()], &self.stages[id.index()]);
        let gate = match (stage.gate, state.gate) {
            (Gate::Open, _) => GateView::Open,
            (Gate::Approval, GateState::Passed) => GateView::Approved,
            (Gate::Approval, GateState::Expired) => GateView::Expired,
            (Gate::Approval, _) if self.stop.is_some() => GateView::Closed,
            (Gate::Approval, GateState::Ahead) => GateView::Ahead,
            (Gate::Approval, GateState::Reached) => GateView::Waiting,
        };
        StageView {
            stage: id,
            name: stage.name.clone(),
            gate,
            approval: self.approval_view(id),
            totals: *self.tally.stage_totals(id),
            failures: state.failures,
            max_failures: stage.max_failures,
            min_verified: stage.min_verified,
            steps: self.step_views(id),
        }
    }

    fn approval_view(&self, id: StageId) -> Option<ApprovalView> {
        let (rule, given) = (self.plan.stages[id.index()].approval.as_ref(), self.approved_by(id));
        let waits = self.gate_waiting() == Some(id);
        (rule.is_some() || !given.is_empty() || waits).then(|| ApprovalView {
            needed: rule.map_or(1, |rule| rule.needed),
            given: given.to_vec(),
            basis: self.basis(id),
            expires_at: self.gate_expires_at().filter(|_| waits),
        })
    }

    fn window_views(&self) -> Vec<WindowView> {
        let ids = (0..self.plan.windows.len()).map(|index| WindowId(index as u16));
        let used = ids.filter(|id| self.windows.waiting(*id) + self.windows.inside(*id) > 0);
        let subject = |target: TargetId| self.plan.target(target).subject.clone();
        used.map(|window| WindowView {
            window,
            name: self.plan.windows[window.index()].name.clone(),
            waiting: self.windows.waiting(window) as u32,
            opens_at: self.windows.opens_at(window),
            first_waiting: self
                .windows
                .who_waits(window)
                .take(WindowView::NAMED_AT_MOST)
                .map(subject)
                .collect(),
            inside: self.windows.inside(window) as u32,
            closes_at: self.windows.closes_at(window),
        })
        .collect()
    }

    /// Steps of several recipes are merged by name, in the order in which they come first.
    fn step_views(&self, stage: StageId) -> Vec<StepView> {
        let mut views: Vec<StepView> = Vec::new();
        for (list, direction) in [(0, Direction::Do), (1, Direction::Undo)] {
            let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
            for (recipe, counts) in self.tally.recipes(stage) {
                let recipe = &self.plan.recipes[recipe.index()];
                let steps = [&recipe.steps, &recipe.undo][list];
                for (step, count) in steps.iter().zip(&counts.steps[list]) {
                    let place = *seen.entry(&step.name).or_insert_with(|| {
                        let count = StepCount::default();
                        views.push(StepView { name: step.name.clone(), direction, count });
                        views.len() - 1
                    });
                    views[place].count.add(count);
                }
            }
        }
        views
    }

    fn group_views(&self) -> Vec<GroupView> {
        let busy = self
            .ledgers
            .iter()
            .enumerate()
            .filter(|(_, ledger)| ledger.waiting > 0 || ledger.kept > 0 || ledger.elsewhere > 0);
        busy.map(|(index, ledger)| GroupView {
            group: GroupId(index as u16),
            name: self.plan.groups[index].name.clone(),
            capacity: ledger.capacity,
            limit: ledger.limit(),
            elsewhere: ledger.elsewhere,
            held: ledger.held + ledger.down.len() as u32,
            kept: ledger.kept,
            waiting: ledger.waiting,
        })
        .collect()
    }

    /// The name of a step of a target, for people.
    pub fn step_name(&self, target: TargetId, at: Position) -> &Text {
        let recipe = self.plan.recipe_of(target);
        let StepIndex(step) = at.step;
        match at.direction {
            Direction::Do => &recipe.steps[usize::from(step)].name,
            Direction::Undo => &recipe.undo[usize::from(step)].name,
        }
    }
}
