//! Why a run could not be driven on.

use fleetwright_flow::{Illegal, InvalidPlan, Record, Sequence};
use fleetwright_model::Text;
use fleetwright_model::code::{self, Code};
use fleetwright_ports::JournalError;

/// Why a run could not be driven on. Whatever was durable stays so; nothing was started after it.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// Another process drives the run. Nothing was done.
    #[error("the run is being driven by {owner}")]
    Owned {
        /// Who.
        owner: Text,
    },
    /// Another process took the run over in the meantime; this one stopped at its first refused
    /// append and acted no further.
    #[error("another process took the run over")]
    TakenOver(#[source] JournalError),
    /// The journal could not be read or written. What is in flight goes on outside and is found again
    /// by whoever resumes.
    #[error("the run's journal failed while {doing}")]
    Journal {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: JournalError,
    },
    /// The journal is damaged: what came after its good part is not known, so the run is not driven on.
    #[error("the run's journal is damaged after record {}: {what}", last_good.0)]
    Damaged {
        /// The last record that is whole.
        last_good: Sequence,
        /// What is wrong.
        what: Text,
    },
    /// The plan is not the one the run was opened with.
    #[error("the run was opened with plan {opened}, not with plan {given}")]
    OtherPlan {
        /// The digest in the first record.
        opened: Text,
        /// The digest of the plan handed in.
        given: Text,
    },
    /// The records in the journal cannot have come about.
    #[error("record {} of the journal cannot follow from those before it", seq.0)]
    Impossible {
        /// The record.
        seq: Sequence,
        /// Why not.
        #[source]
        source: Illegal,
    },
    /// The plan cannot be walked. Nothing was done.
    #[error("the plan cannot be walked")]
    InvalidPlan(#[source] InvalidPlan),
    /// A recipe names a step that this program cannot carry out. Nothing was done.
    #[error("the plan has a step `{step}`, which this program does not know")]
    UnknownStep {
        /// Its name.
        step: Text,
    },
    /// A record of our own was refused by the kernel: one of the two is wrong. It was not written.
    #[error("record {} ({:?}) was refused by the kernel", record.seq.0, record.event)]
    Illegal {
        /// The record.
        record: Box<Record>,
        /// Why.
        #[source]
        source: Illegal,
    },
    /// Nothing is in flight, nothing may start, nothing is waited for, and the run is not over.
    #[error("the run stands still at record {}: nothing is in flight, nothing may start, nobody is waited for", last.0)]
    Stalled {
        /// The last record.
        last: Sequence,
    },
}

impl DriveError {
    /// The code with its page, next step and exit code.
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Owned { .. } => &code::RUN_OWNED,
            Self::TakenOver(_) => &code::RUN_TAKEN,
            Self::Journal { source, .. } => source.code(),
            Self::Damaged { .. } | Self::Impossible { .. } => &code::JOURNAL_DAMAGED,
            Self::OtherPlan { .. } | Self::InvalidPlan(_) => &code::PLAN_CHANGED,
            Self::UnknownStep { .. } => &code::PLAN_FORMAT,
            Self::Illegal { .. } | Self::Stalled { .. } => &code::INTERNAL,
        }
    }

    /// What a journal's refusal means for whoever drives.
    pub(crate) fn journal(doing: &'static str, source: JournalError) -> Self {
        match source {
            JournalError::Owned { owner } => Self::Owned { owner },
            JournalError::Fenced { .. } | JournalError::OutOfSequence { .. } => Self::TakenOver(source),
            source => Self::Journal { doing, source },
        }
    }
}
