//! What happened, append-only: the one truth about a run.

use fleetwright_model::{ErrorClass, Text};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::plan::{Format, GroupId, StageId, StepIndex, TargetId, WindowId};

/// A record's place in the journal, from 1 without gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

/// The ownership a record was written under. A record of an older epoch than the journal's newest
/// is refused: a late process loses cleanly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u32);

/// One record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its place in the journal.
    pub seq: Sequence,
    /// The ownership it was written under.
    pub epoch: Epoch,
    /// The driver's time.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

impl Record {
    /// The format of the records this version writes. 1.1 added `mail` to `gate_reached` and `signalled`.
    pub const FORMAT: Format = Format { major: 1, minor: 1 };
}

/// Which way a target is going.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Along [`crate::Recipe::steps`].
    #[default]
    Do,
    /// Along [`crate::Recipe::undo`].
    Undo,
}

impl Direction {
    /// True for [`Direction::Do`], which formats leave out.
    pub fn is_do(&self) -> bool {
        *self == Self::Do
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first record: the run exists and follows the plan with this digest.
    Opened {
        /// The version of the record format.
        format: Format,
        /// SHA-256 of the plan document's canonical form, hexadecimal.
        plan: Text,
    },
    /// A process took the run over. The record's epoch is the new one.
    Owner {
        /// Who, for people: program version, process and start time.
        name: Text,
    },
    /// Intent: a step is about to be carried out. Nothing is done before this is durable.
    Started {
        /// The target.
        target: TargetId,
        /// The step.
        step: StepIndex,
        /// Which way.
        #[serde(default, skip_serializing_if = "Direction::is_do")]
        direction: Direction,
        /// From 1.
        attempt: u16,
    },
    /// The other side has accepted: resume re-attaches to this handle instead of acting again.
    Accepted {
        /// The target.
        target: TargetId,
        /// The step.
        step: StepIndex,
        /// Which way.
        #[serde(default, skip_serializing_if = "Direction::is_do")]
        direction: Direction,
        /// The id of what was started: a command, an image, a task.
        handle: Text,
    },
    /// The step is done.
    Succeeded {
        /// The target.
        target: TargetId,
        /// The step.
        step: StepIndex,
        /// Which way.
        #[serde(default, skip_serializing_if = "Direction::is_do")]
        direction: Direction,
        /// What later steps need of it: compact JSON of the step's own type, at most 2 KiB.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Text>,
        /// The code of something that people should look at although the step succeeded: the target
        /// then ends as partial.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        finding: Option<Text>,
    },
    /// The attempt failed.
    Failed {
        /// The target.
        target: TargetId,
        /// The step.
        step: StepIndex,
        /// Which way.
        #[serde(default, skip_serializing_if = "Direction::is_do")]
        direction: Direction,
        /// What failed, how, and what the kernel may do about it.
        #[serde(flatten)]
        failure: FailedStep,
    },
    /// Steps that are not needed, or a target that is not taken further.
    Skipped {
        /// The target.
        target: TargetId,
        /// The step it stands at.
        step: StepIndex,
        /// Which way.
        #[serde(default, skip_serializing_if = "Direction::is_do")]
        direction: Direction,
        /// How much is skipped.
        scope: SkipScope,
        /// The code that says why.
        code: Text,
    },
    /// A stage's preparations are complete and its gate waits for a decision.
    GateReached {
        /// The stage.
        stage: StageId,
        /// The last letter that was read before; see [`Event::Signalled`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mail: Option<u64>,
    },
    /// A person, or whoever they left word with, decided something.
    Signalled {
        /// What.
        signal: Signal,
        /// Who; untrusted text.
        by: Text,
        /// What a decision at a gate was made about ([`crate::Run::basis`]): of a plan or a gate that
        /// is no longer the run's, it counts for nothing. None where they did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        basis: Option<Text>,
        /// Why, where they said; untrusted text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Text>,
        /// The last letter of the run's mailbox that was read by then, this one where it was a letter; 0
        /// before the first. Whoever goes on with the run reads on after it: a letter that was declined
        /// leaves no record, and what it asked for must not come to be when the run has got further.
        /// None in records of format 1.0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mail: Option<u64>,
    },
    /// A window opened, closed, or opened for the last time, as far as targets stand at it.
    WindowTurned {
        /// The window.
        window: WindowId,
    },
    /// Somebody looked how many members of a group are out of service on others' account: outages
    /// nobody planned, and other runs.
    Observed {
        /// The group.
        group: GroupId,
        /// How many; those this run holds a place for are not among them.
        elsewhere: u32,
    },
    /// The target is out of service already, because an earlier run left it in a bad way. From here on
    /// it takes a place in each of its shared groups, with or without room, until it is verified healthy;
    /// it needs no other one there, and nobody takes its place before it.
    FoundDown {
        /// The target.
        target: TargetId,
    },
    /// A gate was not decided in its time; the plan says what that means.
    GateExpired {
        /// The stage.
        stage: StageId,
    },
    /// Nothing is left to do.
    Closed {
        /// How it ended.
        ending: Ending,
    },
}

impl Event {
    /// The target that it is about; none where it is about the run.
    pub fn target(&self) -> Option<TargetId> {
        match self {
            Self::Started { target, .. }
            | Self::Accepted { target, .. }
            | Self::Succeeded { target, .. }
            | Self::Failed { target, .. }
            | Self::Skipped { target, .. } => Some(*target),
            _ => None,
        }
    }
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedStep {
    /// What kind of failure.
    pub class: ErrorClass,
    /// The code with its page and next step.
    pub code: Text,
    /// What happened, one line; untrusted text of at most 600 characters.
    pub message: Text,
    /// When the next attempt may start; none where this failure is final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
}

/// How much is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipScope {
    /// This step alone.
    Step,
    /// The rest of the recipe but for its finally-steps: the target is left as it is.
    Target,
}

/// A decision from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// The stage may go past its gate.
    Approve(StageId),
    /// The stage is not to be changed; the run ends after what is in flight.
    Reject(StageId),
    /// Start nothing further until resumed; targets already changed are taken to their end.
    Pause,
    /// Go on.
    Resume,
    /// No unchanged target is changed until the thaw: a calendar closed in the middle of the run. Looking
    /// and preparing go on, and so do targets already changed.
    Freeze,
    /// The calendar opened again.
    Thaw,
    /// End the run: start nothing further, finish what is in flight.
    Abort,
    /// End the run now: what is in flight is cancelled.
    AbortNow,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Every target went its way.
    Complete,
    /// More failures than the plan allows.
    Halted,
    /// A person rejected.
    Rejected,
    /// A person aborted.
    Aborted,
}
