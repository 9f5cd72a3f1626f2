//! A world in which things are done once or twice, and somebody counts.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleetwright_flow::{Direction, TargetId};
use fleetwright_model::{ErrorClass, Text};
use jiff::{SignedDuration, Timestamp};

/// How one attempt of a step goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Well.
    Succeed,
    /// Refused before anything was done.
    Fail(ErrorClass),
    /// Done, but the answer is lost.
    LoseAnswer,
    /// Accepted, and then never done.
    Forever,
    /// The turn never ends.
    Hang,
    /// The step panics.
    Panic,
    /// The step says nothing.
    Silent,
    /// Not needed for this target.
    NotNeeded,
    /// The target is not to be taken further.
    LeaveTarget,
}

/// A turn as it was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnTaken {
    /// Which step.
    pub step: &'static str,
    /// Which way.
    pub direction: Direction,
    /// When.
    pub at: Timestamp,
    /// For whom.
    pub targets: Vec<TargetId>,
}

/// Something that was done.
#[derive(Clone, Debug)]
struct Done {
    handle: Text,
    at: Timestamp,
}

#[derive(Debug, Default)]
struct State {
    done: BTreeMap<String, Vec<Done>>,
    count: usize,
    scripts: BTreeMap<(Text, String), VecDeque<Behaviour>>,
    always: BTreeMap<String, Behaviour>,
    turns: Vec<TurnTaken>,
    cancelled: Vec<Text>,
    unseen_for: Duration,
}

/// The world: what was done under which mark, and how attempts are to go.
#[derive(Debug, Default)]
pub struct Effects(Mutex<State>);

impl Effects {
    /// The mark of a step for a subject: what a step that is in doubt looks for.
    pub fn mark(subject: &str, step: &str, direction: Direction) -> String {
        match direction {
            Direction::Do => format!("{subject} {step}"),
            Direction::Undo => format!("{subject} undo {step}"),
        }
    }

    /// How the next attempts of a step for a subject go; all later ones go well.
    pub fn script(&self, subject: &str, step: &str, attempts: &[Behaviour]) {
        let script = attempts.iter().copied().collect();
        self.state().scripts.insert((subject.into(), step.to_owned()), script);
    }

    /// How every attempt of a step goes that is not scripted.
    pub fn always(&self, step: &str, behaviour: Behaviour) {
        self.state().always.insert(step.to_owned(), behaviour);
    }

    /// For so long after it was done, nobody who looks for a mark finds it.
    pub fn hide_new_marks_for(&self, unseen: Duration) {
        self.state().unseen_for = unseen;
    }

    /// How often something was done, by mark.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        self.state().done.iter().map(|(mark, done)| (mark.clone(), done.len())).collect()
    }

    /// How often anything was done.
    pub fn count(&self) -> usize {
        self.state().count
    }

    /// Every turn so far.
    pub fn turns(&self) -> Vec<TurnTaken> {
        self.state().turns.clone()
    }

    /// Handles whose cancellation was asked for.
    pub fn cancelled(&self) -> Vec<Text> {
        self.state().cancelled.clone()
    }

    pub(crate) fn note_turn(&self, turn: TurnTaken) {
        self.state().turns.push(turn);
    }

    pub(crate) fn note_cancelled(&self, handle: Text) {
        self.state().cancelled.push(handle);
    }

    pub(crate) fn behaviour(&self, subject: &Text, step: &str) -> Behaviour {
        let mut state = self.state();
        let scripted = state.scripts.get_mut(&(subject.clone(), step.to_owned()));
        let next = scripted.and_then(VecDeque::pop_front);
        next.or_else(|| state.always.get(step).copied()).unwrap_or(Behaviour::Succeed)
    }

    /// Does something under a mark, whether or not it was done before.
    pub(crate) fn perform(&self, mark: &str, at: Timestamp) -> Text {
        let mut state = self.state();
        state.count += 1;
        let done = state.done.entry(mark.to_owned()).or_default();
        let handle: Text = format!("{mark} #{}", done.len() + 1).into();
        done.push(Done { handle: handle.clone(), at });
        handle
    }

    /// What was done under a mark, as far as it can be seen.
    pub(crate) fn find(&self, mark: &str, now: Timestamp) -> Option<Text> {
        let state = self.state();
        let unseen = SignedDuration::try_from(state.unseen_for).unwrap_or(SignedDuration::MAX);
        let seen = |done: &&Done| done.at.duration_until(now) >= unseen;
        state.done.get(mark)?.iter().rev().find(seen).map(|done| done.handle.clone())
    }

    /// When what has that handle was done.
    pub(crate) fn done_at(&self, mark: &str, handle: &Text) -> Option<Timestamp> {
        let state = self.state();
        state.done.get(mark)?.iter().find(|done| done.handle == *handle).map(|done| done.at)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
