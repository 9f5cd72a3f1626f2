//! Work that was started and has no end on record.

use std::time::Duration;

use fleetwright_model::Text;
use jiff::Timestamp;

use super::{Run, Wait};
use crate::plan::{PlaceId, StepIndex, TargetId, When};
use crate::record::Direction;

/// An attempt without an end. After a crash the driver re-attaches to its handle, or, in doubt, has
/// the step look for its mark before it acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flight {
    /// The target.
    pub target: TargetId,
    /// Where it lives.
    pub place: PlaceId,
    /// The step.
    pub step: StepIndex,
    /// Which way.
    pub direction: Direction,
    /// From 1.
    pub attempt: u16,
    /// What the other side calls it, where it was accepted.
    pub handle: Option<Text>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it has failed with a time-out: the step's limit after it was accepted, or until then after
    /// it was started. What nobody could begin, because the process was dead, has its whole time once
    /// it was.
    pub deadline: Timestamp,
    /// Whether it, or an attempt before it, may have acted unnoticed: started by an earlier owner and
    /// never accepted, or tried again after an ambiguous failure.
    pub doubt: bool,
}

impl Run {
    /// Every attempt in flight, by target.
    pub fn in_flight(&self) -> impl Iterator<Item = Flight> + '_ {
        self.flights.iter().map(|id| self.flight_of(*id))
    }

    /// Attempts the driver has to cancel after [`crate::Signal::AbortNow`]: all in flight but those
    /// that put something back. Each is then recorded as [`crate::Event::Failed`] of class permanent,
    /// which is final.
    pub fn to_cancel(&self) -> impl Iterator<Item = Flight> + '_ {
        let changes = |id: &&TargetId| self.step_of(**id).when == When::InTurn;
        let ids = self.flights.iter().filter(move |id| self.is_cancelled() && changes(id));
        ids.map(|id| self.flight_of(*id))
    }

    /// The attempt of a target that is in flight.
    pub fn flight(&self, target: TargetId) -> Option<Flight> {
        (self.walk(target).wait == Wait::InFlight).then(|| self.flight_of(target))
    }

    fn flight_of(&self, target: TargetId) -> Flight {
        let walk = self.walk(target);
        let limit = Duration::from_secs(self.step_of(target).timeout_seconds.into());
        let begun = if walk.handle.is_some() { walk.accepted_at } else { walk.since };
        Flight {
            target,
            place: self.plan.target(target).place,
            step: walk.step,
            direction: walk.course.direction(),
            attempt: walk.attempt,
            handle: walk.handle.clone(),
            started_at: walk.since,
            deadline: begun.checked_add(limit).unwrap_or(Timestamp::MAX),
            doubt: self.is_in_doubt(target),
        }
    }

    /// Whether the attempt in flight, or one before it, may have acted unnoticed.
    pub(super) fn is_in_doubt(&self, id: TargetId) -> bool {
        let walk = self.walk(id);
        walk.doubt || (walk.handle.is_none() && walk.epoch < self.epoch)
    }
}
