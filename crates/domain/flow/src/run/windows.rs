//! Windows: who waits for one to open, and who has to step back when it closes.
//!
//! Targets whose window and whose recipe's reserve are the same are admitted together: they are a
//! class. A class is told of the time only by records ([`crate::Event::WindowTurned`]), and only while
//! somebody stands at it, so that a run that waits for something else writes nothing at every hour.
//! Who waits for a window waits for nothing else: places in budgets are set aside once it is open, and
//! given up when it closes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use jiff::Timestamp;

use super::next::Command;
use super::walk::{Course, SkipReason, Wait};
use super::{Illegal, Position, Run};
use crate::admission::Admission;
use crate::plan::{Plan, StepIndex, TargetId, WindowId};

/// A class's place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClassId(u32);

/// Targets with one window and one reserve.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Class {
    window: WindowId,
    reserve_seconds: u32,
    /// As of the last record that told of it.
    admission: Admission,
    /// Targets that wait for it to open.
    waiting: BTreeSet<TargetId>,
    /// Targets it let in, that have not started since.
    inside: BTreeSet<TargetId>,
}

impl Class {
    fn is_stood_at(&self) -> bool {
        !self.waiting.is_empty() || !self.inside.is_empty()
    }
}

/// Every class, and when the next of those that somebody stands at turns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Windows {
    classes: Vec<Class>,
    /// The classes of each window: `classes` is sorted by it.
    starts: Vec<u32>,
    turns: BTreeSet<(Timestamp, ClassId)>,
}

impl Windows {
    /// The classes of a plan, and each target's.
    pub(crate) fn new(plan: &Plan) -> (Self, Vec<Option<ClassId>>) {
        let guarded: Vec<bool> =
            plan.recipes.iter().map(|recipe| recipe.steps.iter().any(|step| step.in_window)).collect();
        let key = |target: &crate::Target| {
            let reserve = plan.recipes[target.recipe.index()].reserve_seconds;
            target.window.filter(|_| guarded[target.recipe.index()]).map(|window| (window, reserve))
        };
        let mut known: BTreeMap<(WindowId, u32), ClassId> =
            plan.targets.iter().filter_map(key).map(|key| (key, ClassId(0))).collect();
        let mut classes = Vec::with_capacity(known.len());
        let mut starts = vec![0; plan.windows.len() + 1];
        for ((window, reserve_seconds), id) in &mut known {
            *id = ClassId(classes.len() as u32);
            starts[window.index() + 1] += 1;
            classes.push(Class {
                window: *window,
                reserve_seconds: *reserve_seconds,
                admission: Admission::Over,
                waiting: BTreeSet::new(),
                inside: BTreeSet::new(),
            });
        }
        for place in 1..starts.len() {
            starts[place] += starts[place - 1];
        }
        let of_targets = plan.targets.iter().map(|target| key(target).map(|key| known[&key])).collect();
        (Self { classes, starts, turns: BTreeSet::new() }, of_targets)
    }

    fn of(&self, window: WindowId) -> impl Iterator<Item = ClassId> + use<> {
        (self.starts[window.index()]..self.starts[window.index() + 1]).map(ClassId)
    }

    fn class(&self, id: ClassId) -> &Class {
        &self.classes[id.0 as usize]
    }

    /// Changes a class, and keeps the list of turns true.
    fn change(&mut self, id: ClassId, change: impl FnOnce(&mut Class)) {
        let class = &mut self.classes[id.0 as usize];
        let turn = |class: &Class| class.admission.turns_at().filter(|_| class.is_stood_at());
        let before = turn(class);
        change(class);
        let after = turn(class);
        if before != after {
            self.turns.extend(after.map(|at| (at, id)));
            if let Some(at) = before {
                self.turns.remove(&(at, id));
            }
        }
    }

    /// How many wait for a window.
    pub(crate) fn waiting(&self, window: WindowId) -> usize {
        self.of(window).map(|id| self.class(id).waiting.len()).sum()
    }

    /// When a window opens to the first of those who wait for it.
    pub(crate) fn opens_at(&self, window: WindowId) -> Option<Timestamp> {
        let waited = self.of(window).filter(|id| !self.class(*id).waiting.is_empty());
        waited.filter_map(|id| self.class(id).admission.turns_at()).min()
    }

    /// Who waits for a window, class by class.
    pub(crate) fn who_waits(&self, window: WindowId) -> impl Iterator<Item = TargetId> + '_ {
        self.of(window).flat_map(|id| self.class(id).waiting.iter().copied())
    }

    /// How many a window lets in, that have not started since.
    pub(crate) fn inside(&self, window: WindowId) -> usize {
        self.of(window).map(|id| self.class(id).inside.len()).sum()
    }

    /// When a window closes to the first of those.
    pub(crate) fn closes_at(&self, window: WindowId) -> Option<Timestamp> {
        let entered = self.of(window).filter(|id| !self.class(*id).inside.is_empty());
        entered.filter_map(|id| self.class(id).admission.turns_at()).min()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        /// An entry of an ordered set with its share of the tree's nodes.
        const ENTRY: usize = 24;
        let members = |class: &Class| (class.waiting.len() + class.inside.len()) * ENTRY;
        let classes: usize = self.classes.iter().map(|class| size_of::<Class>() + members(class)).sum();
        classes + self.starts.len() * size_of::<u32>() + self.turns.len() * ENTRY
    }
}

impl Run {
    /// The class that has a say in whether a target starts where it stands: it is not changed yet, and
    /// the step is one for the window.
    fn class_of(&self, id: TargetId) -> Option<ClassId> {
        let walk = self.walk(id);
        let asks = walk.course == Course::Forward && !walk.committed;
        walk.class.filter(|_| asks && self.step_of(id).in_window)
    }

    fn admission(&self, class: ClassId, at: Timestamp) -> Admission {
        let class = self.windows.class(class);
        self.plan.windows[class.window.index()].admission(class.reserve_seconds, at)
    }

    /// Looks at the window of a target that comes to stand at it, if nobody stood there.
    pub(super) fn look_at_window(&mut self, id: TargetId) {
        let Some(class) = self.class_of(id) else { return };
        if !self.windows.class(class).is_stood_at() {
            let admission = self.admission(class, self.at);
            self.windows.change(class, |class| class.admission = admission);
        }
    }

    /// What the window says to a target where it stands; none where it may go on.
    pub(super) fn wait_for_window(&self, id: TargetId) -> Option<Wait> {
        match self.windows.class(self.class_of(id)?).admission {
            Admission::Open { .. } => None,
            Admission::Closed { .. } => Some(Wait::Window),
            Admission::Over => Some(Wait::Skip(SkipReason::Window)),
        }
    }

    /// Counts a target among those who stand at its window.
    pub(super) fn come_to_window(&mut self, id: TargetId, wait: Wait) {
        let Some(class) = self.class_of(id) else { return };
        self.operations += 1;
        self.windows.change(class, |class| {
            match wait {
                Wait::Window => class.waiting.insert(id),
                _ => class.inside.insert(id),
            };
        });
    }

    pub(super) fn go_from_window(&mut self, id: TargetId) {
        let Some(class) = self.class_of(id) else { return };
        self.operations += 1;
        self.windows.change(class, |class| {
            class.waiting.remove(&id);
            class.inside.remove(&id);
        });
    }

    /// Tells a window's classes of the time, and moves those who stand at them.
    pub(super) fn turn_window(&mut self, window: WindowId) {
        for class in self.windows.of(window) {
            let admission = self.admission(class, self.at);
            self.windows.change(class, |class| class.admission = admission);
            let (waiting, inside) = {
                let class = self.windows.class(class);
                (class.waiting.clone(), class.inside.clone())
            };
            match admission {
                Admission::Open { .. } => {
                    for id in waiting {
                        self.leave(id);
                        self.set_moving(id);
                    }
                }
                Admission::Closed { .. } => {
                    // An attempt that waits for its time goes on waiting for that first.
                    for id in inside {
                        if self.walk(id).wait != Wait::Retry {
                            self.leave(id);
                            self.enter(id, Wait::Window);
                        }
                    }
                }
                Admission::Over => {
                    for id in waiting.into_iter().chain(inside) {
                        self.leave(id);
                        self.enter(id, Wait::Skip(SkipReason::Window));
                    }
                }
            }
        }
    }

    pub(super) fn check_turn(&self, window: WindowId, at: Timestamp) -> Result<(), Illegal> {
        if window.index() >= self.plan.windows.len() {
            return Err(Illegal::NoSuchWindow(window));
        }
        let due = |id: ClassId| {
            let class = self.windows.class(id);
            class.is_stood_at() && class.admission.turns_at().is_some_and(|turn| turn <= at)
        };
        if self.windows.of(window).any(due) { Ok(()) } else { Err(Illegal::WindowSteady(window)) }
    }

    /// Whether the window lets a target start where it stands.
    pub(super) fn is_admitted(&self, id: TargetId) -> bool {
        self.wait_for_window(id).is_none()
    }

    /// Whether a target may start at that moment, by the clock and not by what was last recorded.
    pub(super) fn check_window(&self, id: TargetId, here: Position, at: Timestamp) -> Result<(), Illegal> {
        match self.class_of(id) {
            Some(class) if !self.admission(class, at).is_open() => {
                Err(Illegal::OutsideWindow { target: id, at: here })
            }
            _ => Ok(()),
        }
    }

    /// The windows that turned by now.
    pub(super) fn turns(&self, now: Timestamp) -> Vec<Command> {
        let due = self.windows.turns.range(..=(now, ClassId(u32::MAX)));
        let windows: BTreeSet<WindowId> = due.map(|(_, id)| self.windows.class(*id).window).collect();
        windows.into_iter().map(|window| Command::TurnWindow { window }).collect()
    }

    pub(super) fn turn_after(&self, now: Timestamp) -> Option<Timestamp> {
        let later = (Bound::Excluded((now, ClassId(u32::MAX))), Bound::Unbounded);
        self.windows.turns.range(later).next().map(|(at, _)| *at)
    }

    /// When the next window turns that somebody stands at. Unlike [`Run::wake_after`] it tells whether
    /// time alone can move the run.
    pub fn window_turns_at(&self) -> Option<Timestamp> {
        self.windows.turns.first().map(|(at, _)| *at)
    }

    /// Until when an attempt in flight may still make its change, where that is bounded: its window lets
    /// in nobody after that, and no step before it changed the target. `now` where the window lets in
    /// nobody any more. It is asked of an attempt that was started before a crash: what it did not do
    /// then, it does no longer (I11); what it did is taken to its end.
    pub fn may_act_until(&self, target: TargetId, now: Timestamp) -> Option<Timestamp> {
        let walk = self.walk(target);
        let looks = walk.wait != Wait::InFlight || walk.course != Course::Forward;
        if looks || !self.step_of(target).in_window || self.was_changed_before(target) {
            return None;
        }
        match self.admission(walk.class?, now) {
            Admission::Open { until } => Some(until),
            Admission::Closed { .. } | Admission::Over => Some(now),
        }
    }

    /// Whether a committing step before the one it stands at was started.
    fn was_changed_before(&self, target: TargetId) -> bool {
        let walk = self.walk(target);
        let before = self.plan.recipe_of(target).steps[..walk.step.index()].iter();
        (0u8..).zip(before).any(|(index, step)| step.commits && walk.was_started(StepIndex(index)))
    }

    /// When a target's window opens, where it waits for that.
    pub fn opens_at(&self, target: TargetId) -> Option<Timestamp> {
        let class = self.class_of(target).filter(|_| self.walk(target).wait == Wait::Window)?;
        self.windows.class(class).admission.turns_at()
    }
}
