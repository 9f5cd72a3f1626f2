//! Where one target is on its way.

use std::mem::size_of;

use fleetwright_model::Text;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::plan::{StageId, StepIndex};
use crate::record::{Direction, Epoch};
use crate::run::windows::ClassId;

/// Which list of steps a target is walking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// The recipe's steps, in turn.
    Forward,
    /// The way back.
    Undo,
    /// What is left of the finally-steps after the forward course was left.
    PutBack,
}

impl Course {
    /// Which list its step index is of.
    pub(crate) fn direction(self) -> Direction {
        match self {
            Self::Forward | Self::PutBack => Direction::Do,
            Self::Undo => Direction::Undo,
        }
    }
}

/// Why the kernel takes a target no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SkipReason {
    /// The run is stopping.
    Stopping,
    /// The run is cancelled, and the target was changed already.
    Cancelled,
    /// A target it comes after did not end well.
    Dependency,
    /// Hosts that did not end well hold a budget it needs, for good.
    Exhausted,
    /// Its window does not open again for as long as it needs.
    Window,
    /// Its stage's gate was not decided in time.
    Expired,
}

/// What a target waits for. Every queue of the run is the set of targets with one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Its stage.
    Stage,
    /// Other targets.
    After,
    /// Its stage's gate.
    Gate,
    /// Its window.
    Window,
    /// Room in its groups.
    Budget,
    /// Nothing: a lane may take it.
    Ready,
    /// The time of its next attempt.
    Retry,
    /// The end of an attempt.
    InFlight,
    /// The record that it is not taken further.
    Skip(SkipReason),
    /// Nothing ever again.
    Rest,
    /// Between two of these, inside one transition only.
    Moving,
}

/// What became of a target so far, where that is not simply "well".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    /// The step whose final failure decided it.
    pub(crate) failed: Option<(StepIndex, Text)>,
    /// The step of the way back, or of putting back, that failed for good.
    pub(crate) stuck: Option<(Direction, StepIndex, Text)>,
    /// Why it was left as it is.
    pub(crate) skipped: Option<Text>,
    /// The first finding of a step that succeeded.
    pub(crate) finding: Option<Text>,
    /// Whether the way back was walked to its end.
    pub(crate) unwound: bool,
}

/// What a step left for later ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) direction: Direction,
    pub(crate) step: StepIndex,
    pub(crate) text: Text,
}

/// One target's state. Small: a run keeps one for each of 100,000 targets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Walk {
    pub(crate) stage: StageId,
    pub(crate) course: Course,
    pub(crate) wait: Wait,
    /// The step it stands at.
    pub(crate) step: StepIndex,
    /// Where the forward course was left; putting back goes on after it.
    pub(crate) left_at: StepIndex,
    /// Attempts started of the step it stands at.
    pub(crate) attempt: u16,
    /// The groups, by place in its list, that have set a place aside for it.
    pub(crate) reserved: u16,
    /// Its place in the groups' waiting lists: who joined earlier has a lower one.
    pub(crate) ticket: u32,
    /// What its window and its recipe's reserve make of it; none where neither matters.
    pub(crate) class: Option<ClassId>,
    /// Targets before it that have not ended well yet.
    pub(crate) before: u32,
    /// Forward steps ever started, one bit each.
    pub(crate) started: u64,
    /// The epoch of the attempt in flight.
    pub(crate) epoch: Epoch,
    /// When the attempt in flight was started, or when the next may start.
    pub(crate) since: Timestamp,
    /// Whether its groups are charged.
    pub(crate) holds: bool,
    /// Whether it was out of service already, and takes its places in shared groups for that.
    pub(crate) down: bool,
    /// Whether a step that takes was skipped before it started: the next one takes instead.
    pub(crate) owes: bool,
    /// Whether a committing step was started.
    pub(crate) committed: bool,
    /// Whether an attempt at this step may have acted unnoticed.
    pub(crate) doubt: bool,
    /// Whether its groups grew by it: it was held, and was verified healthy.
    pub(crate) proven: bool,
    /// Whether it is counted among its stage's failures.
    pub(crate) counted: bool,
    /// Whether a target before it ended badly.
    pub(crate) forsaken: bool,
    /// What the other side calls the attempt in flight.
    pub(crate) handle: Option<Text>,
    /// When the other side accepted it; without meaning while there is no handle.
    pub(crate) accepted_at: Timestamp,
    pub(crate) notes: Vec<Note>,
    pub(crate) fate: Option<Box<Fate>>,
}

impl Walk {
    pub(crate) fn new(stage: StageId) -> Self {
        Self {
            stage,
            course: Course::Forward,
            wait: Wait::Stage,
            step: StepIndex(0),
            left_at: StepIndex(0),
            attempt: 0,
            reserved: 0,
            ticket: 0,
            class: None,
            before: 0,
            started: 0,
            epoch: Epoch(0),
            since: Timestamp::UNIX_EPOCH,
            holds: false,
            down: false,
            owes: false,
            committed: false,
            doubt: false,
            proven: false,
            counted: false,
            forsaken: false,
            handle: None,
            accepted_at: Timestamp::UNIX_EPOCH,
            notes: Vec::new(),
            fate: None,
        }
    }

    pub(crate) fn fate_mut(&mut self) -> &mut Fate {
        self.fate.get_or_insert_default()
    }

    pub(crate) fn was_started(&self, step: StepIndex) -> bool {
        self.started & (1 << step.0) != 0
    }

    /// Takes its stand at another step, with a clean slate of attempts.
    pub(crate) fn go_to(&mut self, step: StepIndex) {
        self.step = step;
        self.attempt = 0;
        self.doubt = false;
    }

    /// Whether a releasing step that succeeds gives its charge back. That a failed target was put back
    /// to where it was does not make it healthy, unless what failed was undone.
    pub(crate) fn gives_back(&self) -> bool {
        let mended = |fate: &Fate| fate.stuck.is_none() && (fate.failed.is_none() || fate.unwound);
        self.course != Course::PutBack || self.fate.as_deref().is_none_or(mended)
    }

    /// How it ended, or would if it rested now.
    pub(crate) fn end(&self) -> End {
        let Some(fate) = &self.fate else { return End::Done { finding: None } };
        if let Some((_, step, code)) = &fate.stuck {
            return End::Stuck { step: *step, code: code.clone() };
        }
        match (&fate.failed, &fate.skipped) {
            (Some((step, code)), _) if fate.unwound => End::Unwound { step: *step, code: code.clone() },
            (Some((step, code)), _) => End::Failed { step: *step, code: code.clone() },
            (None, Some(code)) => End::Skipped { code: code.clone() },
            (None, None) => End::Done { finding: fate.finding.clone() },
        }
    }

    /// Bytes on the heap, as far as they are its own.
    pub(crate) fn heap_bytes(&self) -> usize {
        /// Reference counts in front of shared text.
        const ARC_HEADER: usize = 16;
        let texts: usize = self.notes.iter().map(|note| note.text.len() + ARC_HEADER).sum();
        let handle = self.handle.as_ref().map_or(0, |handle| handle.len() + ARC_HEADER);
        let fate = self.fate.as_ref().map_or(0, |_| size_of::<Fate>());
        self.notes.capacity() * size_of::<Note>() + texts + handle + fate
    }
}

/// How a target ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum End {
    /// It went its way.
    Done {
        /// The code of the first thing people should look at although all steps succeeded.
        finding: Option<Text>,
    },
    /// A step failed for good.
    Failed {
        /// The step.
        step: StepIndex,
        /// Its code.
        code: Text,
    },
    /// It was left as it is.
    Skipped {
        /// Why.
        code: Text,
    },
    /// A step failed for good, and the way back was walked to its end.
    Unwound {
        /// The step that failed.
        step: StepIndex,
        /// Its code.
        code: Text,
    },
    /// Neither forward nor back: a person has to look.
    Stuck {
        /// The step of the way back, or of putting back, that failed; see [`crate::Run::stuck_at`]
        /// for the direction.
        step: StepIndex,
        /// Its code.
        code: Text,
    },
}

impl End {
    /// Whether what comes after it may start.
    pub fn is_well(&self) -> bool {
        matches!(self, Self::Done { .. })
    }

    /// Whether it counts towards [`crate::Stage::max_failures`].
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Unwound { .. } | Self::Stuck { .. })
    }
}
