//! The contract between a driver and the steps of any domain.
//!
//! A driver hands a [`Step`] the slots of one place in [`Turn`]s and is told an [`Outcome`] for each; it knows nothing of
//! what the steps do, and the steps know nothing of journals, lanes or timers. [`Pace`] says when to look again.

mod pace;

use std::time::Duration;

use async_trait::async_trait;
use fleetwright_flow::{Direction, PlaceId, TargetId, note};
use fleetwright_model::{Code, ErrorClass, Failure, Text};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use pace::{Late, Pace, not_begun};

/// One target at one step, as the driver hands it in, again and again until the step has reported
/// an end for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// The target.
    pub target: TargetId,
    /// Its identifier, e.g. the instance id.
    pub subject: Text,
    /// Which way it goes.
    pub direction: Direction,
    /// From 1.
    pub attempt: u16,
    /// What the other side gave when it accepted; the step then looks instead of acting.
    pub handle: Option<Text>,
    /// True where the step may have acted before and nobody knows: it looks for its mark first.
    pub doubt: bool,
    /// When this attempt was started, as the journal has it.
    pub started_at: Timestamp,
    /// From when on whoever acts for it knows what it did: before, a process that died may have acted.
    pub known_since: Timestamp,
    /// From when on it may look for what was done and no longer act, where that is bounded: the window
    /// closes meanwhile, or did while the process was dead.
    pub may_act_until: Option<Timestamp>,
    /// When it is too late; the step reports the failure itself, with the code that fits.
    pub deadline: Timestamp,
    /// What earlier steps of this target left for later ones: step name and note, in order.
    pub notes: Vec<(Text, Text)>,
}

impl Slot {
    /// What that step left, as the type it writes; none where it left nothing or something unreadable.
    pub fn read_note<T: DeserializeOwned>(&self, step: &str) -> Option<T> {
        self.note(step).and_then(note::read)
    }

    /// The newest note of that step.
    pub fn note(&self, step: &str) -> Option<&str> {
        self.notes.iter().rev().find(|(name, _)| &**name == step).map(|(_, note)| &**note)
    }
}

/// What a step says of one slot.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was started, and this is the id of what was started. The slot stays with the step, which
    /// is asked again at `look_at`.
    Accepted {
        /// Recorded durably; handed back in [`Slot::handle`].
        handle: Text,
        /// When to look.
        look_at: Timestamp,
    },
    /// Not done yet.
    LookAgain {
        /// When.
        at: Timestamp,
        /// What is waited for, for people.
        waiting_for: Text,
    },
    /// Done.
    Done {
        /// What later steps need of it: compact JSON, at most 2 KiB.
        note: Option<Text>,
        /// Something people should look at although the step succeeded.
        finding: Option<&'static Code>,
    },
    /// The step has nothing to do for this target.
    NotNeeded {
        /// Why.
        code: &'static Code,
    },
    /// The target is not to be taken further, and that is not a failure of the step.
    LeaveTarget {
        /// Why.
        code: &'static Code,
    },
    /// The attempt failed. The kernel decides by the class whether it is tried again; `doubt` is set
    /// on the next attempt after [`ErrorClass::Ambiguous`].
    Failed(Failure),
}

impl Outcome {
    /// The attempt failed, in our own words.
    pub fn failed(class: ErrorClass, code: &'static Code, step: &str, message: &str) -> Self {
        Self::Failed(Failure::new(class, code, format!("step:{step}"), message))
    }

    /// Done, with nothing that people should look at.
    pub fn done<T: Serialize>(note: &T) -> Self {
        Self::Done { note: Some(note::write(note)), finding: None }
    }

    /// The same with something people should look at, where it succeeded.
    #[must_use]
    pub fn with_finding(self, finding: Option<&'static Code>) -> Self {
        match self {
            Self::Done { note, .. } => Self::Done { note, finding },
            other => other,
        }
    }

    /// True where the slot stays with the step.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Accepted { .. } | Self::LookAgain { .. })
    }
}

/// Where outcomes go, one by one as they become known, so that a handle is durable long before
/// the whole batch is through.
pub trait Reports: Send + Sync {
    /// Takes an outcome.
    fn report(&self, target: TargetId, outcome: Outcome);
}

/// One turn of a lane: the slots of one place at one step that are new or due.
pub struct Turn<'a> {
    /// The place.
    pub place: PlaceId,
    /// The slots; each gets at least one outcome before the turn ends, of which the last counts.
    pub slots: &'a [Slot],
    /// Where outcomes go.
    pub reports: &'a dyn Reports,
}

/// What a step does.
///
/// A turn never waits for the world: it acts on slots without a handle, looks at those with one,
/// reports an outcome for each and returns.
#[async_trait]
pub trait Step: Send + Sync {
    /// The name recipes use.
    fn name(&self) -> &'static str;

    /// How long new slots may be held back at most so that more can share a call. The driver holds them
    /// back only as long as that costs the run nothing.
    fn gathers_for(&self) -> Duration {
        Duration::ZERO
    }

    /// Slots that share a call; a full batch is not held back any longer.
    fn batch_size(&self) -> usize {
        1
    }

    /// Acts and looks.
    async fn turn(&self, turn: Turn<'_>);

    /// Asks that what is in flight for these slots (all with handles) be cancelled; best effort, for
    /// hard stops. Their outcomes are not waited for.
    async fn cancel(&self, _place: PlaceId, _slots: &[Slot]) {}
}
