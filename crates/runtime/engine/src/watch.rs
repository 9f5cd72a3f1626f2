//! What a driver tells those who look on.

use std::collections::BTreeMap;

use fleetwright_flow::{Direction, Illegal, PlaceId, Record, Run, Signal};
use fleetwright_model::Text;

/// One lane, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneName<'a> {
    /// Where.
    pub place: PlaceId,
    /// Which step.
    pub step: &'a str,
    /// Which way.
    pub direction: Direction,
}

/// Looks on while a run is driven. Called between two decisions, so it must return quickly; nothing
/// it does changes the run.
pub trait Watcher: Send + Sync {
    /// These records are durable, and the run has come to this. Called first, without records, for a
    /// run that others began: it has come to this before.
    fn recorded(&self, _records: &[Record], _run: &Run) {}

    /// What the slots of a lane wait for, in the step's words, and how many wait for it.
    fn waiting(&self, _lane: LaneName<'_>, _for_what: &BTreeMap<Text, usize>) {}

    /// A decision that the run is not at the point for; it was not recorded.
    fn declined(&self, _signal: Signal, _by: &str, _why: Illegal) {}
}

/// Nobody looks on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watcher for Unwatched {}
