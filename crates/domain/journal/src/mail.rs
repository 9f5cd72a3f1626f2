//! Decisions that are left for whoever drives a run, and what one driver leaves for the next.

use fleetwright_flow::Signal;
use fleetwright_model::Text;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A decision on its way into a run's mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// When it is left.
    pub at: Timestamp,
    /// The decision.
    pub signal: Signal,
    /// Who; untrusted text.
    pub by: Text,
    /// Why, where they said; untrusted text.
    pub reason: Option<Text>,
    /// What state of the run the decision is about, where it names one: about another it is void.
    pub basis: Option<Text>,
    /// A mark that one letter of the run carries at most, ever: what was to be used once, and was.
    pub once: Option<Text>,
}

/// A decision that waits to be taken up by whoever drives the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Its number in the run's mailbox, from 1.
    pub number: u64,
    /// When it was left.
    pub at: Timestamp,
    /// The decision.
    pub signal: Signal,
    /// Who; untrusted text.
    pub by: Text,
    /// Why, where they said; untrusted text.
    pub reason: Option<Text>,
    /// As [`Letter::basis`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Text>,
    /// As [`Letter::once`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<Text>,
}

impl Mail {
    /// The letter under its number.
    pub fn of(number: u64, letter: Letter) -> Self {
        let Letter { at, signal, by, reason, basis, once } = letter;
        Self { number, at, signal, by, reason, basis, once }
    }
}

/// What an owner that leaves a run in good order leaves for the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    /// The last letter of the mailbox that was read, those that were declined among them.
    pub mail: u64,
}
