//! Why a record was refused.

use std::fmt;

use crate::plan::{Format, GroupId, StageId, StepIndex, TargetId, WindowId};
use crate::record::{Direction, Ending, Epoch, Sequence};

/// A step and the way it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which way.
    pub direction: Direction,
    /// The step.
    pub step: StepIndex,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.direction {
            Direction::Do => write!(f, "step {}", self.step.0),
            Direction::Undo => write!(f, "undo step {}", self.step.0),
        }
    }
}

/// A record that cannot follow from those before it. The run it was given to is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// A gap, or a record given twice.
    #[error("record {} does not follow record {}", found.0, last.0)]
    OutOfSequence {
        /// The last record applied.
        last: Sequence,
        /// The record's place.
        found: Sequence,
    },
    /// Written by a process that no longer owns the run, or that never said it does.
    #[error("record of epoch {} in a run of epoch {}", found.0, current.0)]
    OtherEpoch {
        /// The run's.
        current: Epoch,
        /// The record's.
        found: Epoch,
    },
    /// The first record is something other than `opened`.
    #[error("the run is not opened yet")]
    NotOpened,
    /// `opened` again.
    #[error("the run is opened already")]
    AlreadyOpened,
    /// Anything after `closed`.
    #[error("the run is closed")]
    Closed,
    /// The records are of a format this version does not read.
    #[error("records of format {found}; this version reads {}.x", known.major)]
    OtherFormat {
        /// Theirs.
        found: Format,
        /// Ours.
        known: Format,
    },
    /// The plan has no such target.
    #[error("the plan has no target {}", .0.0)]
    NoSuchTarget(TargetId),
    /// The plan has no such stage.
    #[error("the plan has no stage {}", .0.0)]
    NoSuchStage(StageId),
    /// The plan has no such window.
    #[error("the plan has no window {}", .0.0)]
    NoSuchWindow(WindowId),
    /// The plan has no such group.
    #[error("the plan has no group {}", .0.0)]
    NoSuchGroup(GroupId),
    /// The target counts as out of service already, or in no group that others share.
    #[error("target {} is not to be counted as out of service", .0.0)]
    NotDown(TargetId),
    /// Nobody stands at the window for whom it opens or closes by then.
    #[error("window {} has not turned by then", .0.0)]
    WindowSteady(WindowId),
    /// The record's time is not in the target's window, or too late in it for the recipe's reserve. A
    /// driver that took too long asks [`crate::Run::next`] again.
    #[error("target {} may not start at {at} then: its window is not open, or not for long enough", target.0)]
    OutsideWindow {
        /// The target.
        target: TargetId,
        /// Where it stands.
        at: Position,
    },
    /// The target rests: nothing that comes late changes what is known of it.
    #[error("target {} rests, nothing happens to it any more", .0.0)]
    AtRest(TargetId),
    /// The target stands at another step.
    #[error("target {} is at {at}, not at {found}", target.0)]
    OtherStep {
        /// The target.
        target: TargetId,
        /// Where it stands.
        at: Position,
        /// Where the record says it is.
        found: Position,
    },
    /// The attempt the record speaks of is over, or was never started.
    #[error("target {} is not in flight at {at}", target.0)]
    NotInFlight {
        /// The target.
        target: TargetId,
        /// Where it stands.
        at: Position,
    },
    /// The attempt before is not over.
    #[error("target {} is in flight at {at} already", target.0)]
    InFlight {
        /// The target.
        target: TargetId,
        /// Where it stands.
        at: Position,
    },
    /// The attempt has another number.
    #[error("target {} comes to attempt {expected}, not {found}", target.0)]
    OtherAttempt {
        /// The target.
        target: TargetId,
        /// The attempt that comes next.
        expected: u16,
        /// The record's.
        found: u16,
    },
    /// The target still waits: for its stage, a gate, other targets, its budgets, its next attempt's
    /// time, or for the run to be resumed.
    #[error("target {} may not start at {at} yet", target.0)]
    Waiting {
        /// The target.
        target: TargetId,
        /// Where it stands.
        at: Position,
    },
    /// As many of its place are in flight at that step as may be.
    #[error("no further target may be in flight beside target {} at {at}", target.0)]
    LaneFull {
        /// The target.
        target: TargetId,
        /// Where it stands.
        at: Position,
    },
    /// The attempt has a handle.
    #[error("target {} was accepted at {at} already", target.0)]
    AlreadyAccepted {
        /// The target.
        target: TargetId,
        /// Where it stands.
        at: Position,
    },
    /// A further attempt is promised, and the step has no more.
    #[error("target {} has no attempt left at {at}", target.0)]
    NoAttemptLeft {
        /// The target.
        target: TargetId,
        /// Where it stands.
        at: Position,
    },
    /// What is put back may be skipped step by step only.
    #[error("target {} is putting back what was taken out, which is not left out as a whole", .0.0)]
    PuttingBack(TargetId),
    /// A note is longer than 2 KiB.
    #[error("the note of target {} has {bytes} bytes, more than 2048", target.0)]
    NoteTooLong {
        /// The target.
        target: TargetId,
        /// Its length.
        bytes: usize,
    },
    /// The stage's gate does not wait for that.
    #[error("the gate of stage {} is not at that point", .0.0)]
    OtherGate(StageId),
    /// Whoever decided is not among those who may.
    #[error("the gate of stage {} is not theirs to decide", .0.0)]
    NotAnApprover(StageId),
    /// The same person approved before; as many different people as the rule says are needed.
    #[error("the same person approved stage {} already", .0.0)]
    ApprovedAlready(StageId),
    /// The decision was made about another plan, or about an earlier point of the run.
    #[error("what was decided of stage {} is not what stands to be decided", .0.0)]
    OtherBasis(StageId),
    /// The decision came too late, or the record that says so too early.
    #[error("the time for deciding of stage {} is over, or not over yet", .0.0)]
    Expiry(StageId),
    /// Something does not rest yet.
    #[error("the run is not over: something does not rest yet")]
    NotAtRest,
    /// The run ends otherwise.
    #[error("the run ends as {expected:?}, not as {found:?}")]
    OtherEnding {
        /// How it ends.
        expected: Ending,
        /// The record's.
        found: Ending,
    },
}
