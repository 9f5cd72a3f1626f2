//! How a run is steered from the process that drives it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleetwright_flow::Signal;
use fleetwright_model::Text;
use jiff::Timestamp;
use tokio::sync::Notify;

/// What happens when a stage's gate waits for a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AtGates {
    /// The process stays and waits for the decision.
    Wait,
    /// Once nothing else is left to do, the process ends; the run is resumed after the decision.
    Leave,
    /// The gate is approved as soon as it waits.
    Approve {
        /// In whose name; what the record then says.
        by: Text,
    },
}

/// A stay that is over before the run is: the process does what is due, and comes back when more is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// How long it waits for what falls due rather than leave.
    pub patience: Duration,
    /// From when on it begins nothing and leaves as soon as it can, by the clock.
    pub leave_by: Timestamp,
    /// Slots that one turn of a lane takes at most, of the 1,000 of one who stays: a turn that has begun is
    /// finished, so that together with the rates of AWS this is how long leaving takes.
    pub longest_turn: usize,
}

/// How far a person at this process wants it to stop. None of it is part of the run's record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Interrupt {
    /// Not at all.
    #[default]
    None,
    /// Changed targets are taken to their end, nothing else is started.
    Finish,
    /// What is in flight is asked to stop, and the process leaves.
    Leave,
}

/// A decision made in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) signal: Signal,
    pub(crate) by: Text,
    /// What a decision at a gate was made about, where they said.
    pub(crate) basis: Option<Text>,
    pub(crate) reason: Option<Text>,
}

#[derive(Debug, Default)]
struct State {
    interrupt: Interrupt,
    decisions: VecDeque<Decision>,
}

#[derive(Debug)]
struct Shared {
    at_gates: AtGates,
    owner: Text,
    visit: Option<Visit>,
    state: Mutex<State>,
    changed: Notify,
}

/// Steers a run from the process that drives it. Cheap to clone: one goes to the driver, others to
/// the handler of Ctrl-C and to whatever else takes decisions.
#[derive(Clone, Debug)]
pub struct Control(Arc<Shared>);

impl Control {
    /// A control for one drive. `owner` names the process for people: version, process, start time.
    pub fn new(owner: impl Into<Text>, at_gates: AtGates) -> Self {
        Self::of(owner.into(), at_gates, None)
    }

    /// A control for one visit.
    pub fn visiting(owner: impl Into<Text>, at_gates: AtGates, visit: Visit) -> Self {
        Self::of(owner.into(), at_gates, Some(visit))
    }

    fn of(owner: Text, at_gates: AtGates, visit: Option<Visit>) -> Self {
        Self(Arc::new(Shared { at_gates, owner, visit, state: Mutex::default(), changed: Notify::new() }))
    }

    /// Stops the process, not the run. The first time, targets that are not changed yet start nothing
    /// further and the others are taken to their end. The second time, what is in flight is asked to
    /// stop and the process leaves; the run stays resumable either way.
    pub fn interrupt(&self) {
        let mut state = self.state();
        state.interrupt = match state.interrupt {
            Interrupt::None => Interrupt::Finish,
            Interrupt::Finish | Interrupt::Leave => Interrupt::Leave,
        };
        drop(state);
        self.0.changed.notify_one();
    }

    /// A decision about the run, as if it had come by mail. It is recorded, or declined where the run
    /// is not at that point.
    pub fn signal(&self, signal: Signal, by: impl Into<Text>, reason: Option<Text>) {
        self.state().decisions.push_back(Decision { signal, by: by.into(), basis: None, reason });
        self.0.changed.notify_one();
    }

    /// What happens at gates.
    pub fn at_gates(&self) -> &AtGates {
        &self.0.at_gates
    }

    /// When the process leaves although the run is not over; none where it stays.
    pub fn visit(&self) -> Option<&Visit> {
        self.0.visit.as_ref()
    }

    /// Who drives.
    pub fn owner(&self) -> &Text {
        &self.0.owner
    }

    pub(crate) fn interrupted(&self) -> Interrupt {
        self.state().interrupt
    }

    pub(crate) fn take_decisions(&self) -> VecDeque<Decision> {
        std::mem::take(&mut self.state().decisions)
    }

    /// Returns when something was said since the last call. Cancel-safe.
    pub(crate) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// A panic elsewhere leaves whole values behind.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
