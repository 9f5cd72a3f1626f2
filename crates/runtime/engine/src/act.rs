//! What a round hands out, and what is called back.

use std::collections::BTreeSet;
use std::time::Duration;

use fleetwright_flow::{Direction, Effect, Flight, Run, Step, StepIndex, TargetId, When};
use fleetwright_model::{Text, code};
use fleetwright_step::Slot;
use futures::StreamExt;
use jiff::Timestamp;

use crate::company::Company;
use crate::dispatcher::Dispatcher;
use crate::error::DriveError;
use crate::lane::{LaneKey, NewSlot, later, whole_second};
use crate::lanes::LaneIndex;

/// How long a step may be late with its own time-out before the driver gives up on it.
pub(crate) const GRACE: Duration = Duration::from_secs(600);

/// How long a slot in doubt is held back before its step looks for the mark of what may have been done.
/// What the process before did last, it may have done just before it died, and AWS shows what is new
/// only after a while (EC2, "Eventual consistency"): who looks too early finds nothing and does it
/// again.
const SETTLING: Duration = Duration::from_secs(30);

/// How long cancellations may take when the process is to leave.
const CANCELLING: Duration = Duration::from_secs(10);

/// Who may still come to a lane, as one of its slots has it. On a way back everybody goes at once.
pub(crate) fn company(run: &Run, lane: &LaneKey, slot: TargetId) -> Company {
    let behind = match lane.direction {
        Direction::Do => run.behind(lane.place, &lane.step),
        Direction::Undo => 0,
    };
    Company { behind, haste: run.haste(slot) }
}

impl Dispatcher<'_> {
    /// Hands durable work to the lanes and starts the turns that are due. A process that was stopped
    /// for a while between its append and here may have lost the run: it asks before it acts.
    pub(crate) async fn hand_out(&mut self) -> Result<(), DriveError> {
        self.admit_begun();
        let now = self.time.now();
        let run = &self.run;
        self.lanes.weigh(|lane, first| company(run, lane, first));
        if self.lanes.has_due_turns(now) && !self.is_leaving() {
            self.prove_ownership().await?;
            self.lanes.start_turns(now);
        }
        Ok(())
    }

    fn admit_begun(&mut self) {
        let now = self.time.now();
        for target in std::mem::take(&mut self.begun) {
            let Some(flight) = self.run.flight(target) else { continue };
            let Some(lane) = self.lane_of(&flight) else { continue };
            let backstop = later(flight.deadline.max(now), GRACE);
            let held_until = self.held_until(&flight, now);
            // Who comes for a visit goes on waiting for company where another left off.
            let since = flight.started_at.min(now);
            let new = NewSlot { index: flight.step, slot: self.slot(flight), backstop, held_until };
            self.lanes.admit(lane, new, since);
        }
    }

    /// Until when a slot is in no turn, where it is not one that waits for company.
    fn held_until(&self, flight: &Flight, now: Timestamp) -> Option<Timestamp> {
        let changes = self.step_of(flight).effect == Effect::Changes;
        match flight.handle {
            Some(_) => Some(now),
            None => (flight.doubt && changes)
                .then(|| whole_second(later(flight.started_at.max(self.owned_since), SETTLING))),
        }
    }

    fn step_of(&self, flight: &Flight) -> &Step {
        let recipe = self.run.plan().recipe_of(flight.target);
        match flight.direction {
            Direction::Do => &recipe.steps[flight.step.index()],
            Direction::Undo => &recipe.undo[flight.step.index()],
        }
    }

    fn lane_of(&mut self, flight: &Flight) -> Option<LaneIndex> {
        let name = self.step_of(flight).name.clone();
        let step = self.ports.steps.get(&name)?;
        let key = LaneKey { place: flight.place, step: name, direction: flight.direction };
        Some(self.lanes.find_or_add(key, step))
    }

    fn slot(&self, flight: Flight) -> Slot {
        let Flight { target, direction, attempt, handle, started_at, deadline, doubt, .. } = flight;
        let plan = self.run.plan();
        let recipe = plan.recipe_of(target);
        let notes = [(Direction::Do, &recipe.steps), (Direction::Undo, &recipe.undo)];
        let notes = notes.into_iter().flat_map(|(way, steps)| {
            (0u8..).zip(steps).filter_map(move |(index, step)| {
                let note = self.run.note(target, way, StepIndex(index))?;
                Some((step.name.clone(), note.clone()))
            })
        });
        let notes: Vec<(Text, Text)> = notes.collect();
        let subject = plan.target(target).subject.clone();
        let until = self.run.may_act_until(target, self.time.now()).filter(|_| doubt && handle.is_none());
        let may_act_until = until.map(|until| self.time.to_clock(until));
        let known_since = self.time.to_clock(started_at.max(self.owned_since));
        let (started_at, deadline) = (self.time.to_clock(started_at), self.time.to_clock(deadline));
        Slot {
            target,
            subject,
            direction,
            attempt,
            handle,
            doubt,
            started_at,
            known_since,
            may_act_until,
            deadline,
            notes,
        }
    }

    /// After a decision to end the run at once, cancels what is in flight and ends it on record.
    /// True where there was something to cancel.
    pub(crate) async fn cancel_where_asked(&mut self) -> Result<bool, DriveError> {
        let flights: Vec<Flight> = self.run.to_cancel().collect();
        if flights.is_empty() {
            return Ok(false);
        }
        self.admit_begun();
        let targets = flights.iter().map(|flight| flight.target).collect();
        self.cancel(&targets).await;
        self.time.advance();
        for flight in flights {
            self.fail(flight.target, code::CANCELLED.id, "cancelled, because the run was aborted at once")?;
            if let Some(lane) = self.lane_of(&flight) {
                self.lanes.give_up(lane, flight.target);
            }
        }
        Ok(true)
    }

    /// The process is to leave: asks that what is in flight be cancelled, but for what puts something
    /// back. On record it stays in flight, and whoever resumes looks what became of it.
    pub(crate) async fn cancel_and_leave(&mut self) {
        self.admit_begun();
        self.lanes.abort();
        let in_turn = |flight: &Flight| self.step_of(flight).when == When::InTurn;
        let targets = self.run.in_flight().filter(in_turn).map(|flight| flight.target).collect();
        self.cancel(&targets).await;
    }

    /// Asks for cancellation and waits for the answers, not for long.
    async fn cancel(&self, targets: &BTreeSet<TargetId>) {
        let cancellations = self.lanes.cancellations(targets).collect::<()>();
        tokio::select! {
            biased;
            () = cancellations => {}
            () = self.ports.clock.sleep(CANCELLING) => {
                tracing::warn!("not everything that was in flight answered to its cancellation in time");
            }
        }
    }
}
