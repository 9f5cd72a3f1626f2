//! What may follow: every question is asked before anything changes.

use jiff::Timestamp;

use super::illegal::{Illegal, Position};
use super::{Course, Run, Wait};
use crate::plan::{Plan, StageId, TargetId};
use crate::record::{Event, FailedStep, Record, SkipScope};

/// The longest note a step may leave, in bytes.
const LONGEST_NOTE_BYTES: usize = 2048;

impl Run {
    /// Whether a record may follow, without applying it: a driver asks before it makes a decision
    /// from outside durable.
    ///
    /// # Errors
    /// As [`Run::apply`].
    pub fn check(&self, record: &Record) -> Result<(), Illegal> {
        if self.ended.is_some() {
            return Err(Illegal::Closed);
        }
        if record.seq.0 != self.last.0 + 1 {
            return Err(Illegal::OutOfSequence { last: self.last, found: record.seq });
        }
        match &record.event {
            Event::Opened { .. } if self.opened_at.is_some() => return Err(Illegal::AlreadyOpened),
            Event::Opened { format, .. } if format.major != Plan::FORMAT.major => {
                return Err(Illegal::OtherFormat { found: *format, known: Plan::FORMAT });
            }
            Event::Opened { .. } => return Ok(()),
            _ if self.opened_at.is_none() => return Err(Illegal::NotOpened),
            _ => {}
        }
        self.check_epoch(record)?;
        self.check_event(&record.event, record.at)
    }

    /// An owner brings a newer epoch; only the first, who also opened the run, names itself under
    /// the epoch the run was opened with.
    fn check_epoch(&self, record: &Record) -> Result<(), Illegal> {
        let legal = match record.event {
            Event::Owner { .. } if self.last.0 > 1 => record.epoch > self.epoch,
            Event::Owner { .. } => record.epoch >= self.epoch,
            _ => record.epoch == self.epoch,
        };
        if legal { Ok(()) } else { Err(Illegal::OtherEpoch { current: self.epoch, found: record.epoch }) }
    }

    fn check_event(&self, event: &Event, at: Timestamp) -> Result<(), Illegal> {
        match event {
            Event::Opened { .. } | Event::Owner { .. } => Ok(()),
            Event::Started { target, step, direction, attempt } => {
                let here = self.check_here(*target, Position { direction: *direction, step: *step })?;
                self.check_start(*target, here, *attempt, at)
            }
            Event::Accepted { target, step, direction, .. } => {
                let here = self.check_in_flight(*target, Position { direction: *direction, step: *step })?;
                match self.walk(*target).handle {
                    None => Ok(()),
                    Some(_) => Err(Illegal::AlreadyAccepted { target: *target, at: here }),
                }
            }
            Event::Succeeded { target, step, direction, note, .. } => {
                self.check_in_flight(*target, Position { direction: *direction, step: *step })?;
                match note {
                    Some(note) if note.len() > LONGEST_NOTE_BYTES => {
                        Err(Illegal::NoteTooLong { target: *target, bytes: note.len() })
                    }
                    _ => Ok(()),
                }
            }
            Event::Failed { target, step, direction, failure } => {
                let here = self.check_in_flight(*target, Position { direction: *direction, step: *step })?;
                self.check_failure(*target, here, failure)
            }
            Event::Skipped { target, step, direction, scope, .. } => {
                self.check_here(*target, Position { direction: *direction, step: *step })?;
                match (scope, self.walk(*target).course) {
                    (SkipScope::Target, Course::PutBack) => Err(Illegal::PuttingBack(*target)),
                    _ => Ok(()),
                }
            }
            Event::GateReached { stage, .. } => {
                let due = self.gate_due() == Some(*stage);
                self.check_stage(*stage)?;
                if due { Ok(()) } else { Err(Illegal::OtherGate(*stage)) }
            }
            Event::Signalled { signal, by, basis, .. } => self.check_signal(*signal, by, basis.as_ref(), at),
            Event::WindowTurned { window } => self.check_turn(*window, at),
            Event::Observed { group, .. } if group.index() >= self.ledgers.len() => {
                Err(Illegal::NoSuchGroup(*group))
            }
            Event::Observed { .. } => Ok(()),
            Event::FoundDown { target } => self.check_down(*target),
            Event::GateExpired { stage } => self.check_expiry(*stage, at),
            Event::Closed { ending } => {
                let expected = self.close_due().ok_or(Illegal::NotAtRest)?;
                if *ending == expected {
                    Ok(())
                } else {
                    Err(Illegal::OtherEnding { expected, found: *ending })
                }
            }
        }
    }

    /// The target is under way, counts in a shared group, and does not count as out of service yet.
    fn check_down(&self, id: TargetId) -> Result<(), Illegal> {
        let walk = self.walks.get(id.index()).ok_or(Illegal::NoSuchTarget(id))?;
        match walk.wait {
            Wait::Rest => Err(Illegal::AtRest(id)),
            _ if walk.holds || walk.down || !self.shares_groups(id) => Err(Illegal::NotDown(id)),
            _ => Ok(()),
        }
    }

    /// The target is under way and stands at that step.
    fn check_here(&self, id: TargetId, found: Position) -> Result<Position, Illegal> {
        let walk = self.walks.get(id.index()).ok_or(Illegal::NoSuchTarget(id))?;
        if walk.wait == Wait::Rest {
            return Err(Illegal::AtRest(id));
        }
        let at = Position { direction: walk.course.direction(), step: walk.step };
        if at == found { Ok(at) } else { Err(Illegal::OtherStep { target: id, at, found }) }
    }

    fn check_in_flight(&self, id: TargetId, found: Position) -> Result<Position, Illegal> {
        let at = self.check_here(id, found)?;
        match self.walk(id).wait {
            Wait::InFlight => Ok(at),
            _ => Err(Illegal::NotInFlight { target: id, at }),
        }
    }

    fn check_start(&self, id: TargetId, at: Position, attempt: u16, now: Timestamp) -> Result<(), Illegal> {
        let walk = self.walk(id);
        let ready = match walk.wait {
            Wait::InFlight => return Err(Illegal::InFlight { target: id, at }),
            Wait::Ready => true,
            Wait::Retry => now >= walk.since,
            _ => false,
        };
        if !ready || !self.is_admitted(id) || !self.may_start(self.rank(id)) {
            return Err(Illegal::Waiting { target: id, at });
        }
        self.check_window(id, at, now)?;
        if attempt != walk.attempt + 1 {
            return Err(Illegal::OtherAttempt { target: id, expected: walk.attempt + 1, found: attempt });
        }
        if self.lanes.room(self.lane(id)) == 0 {
            return Err(Illegal::LaneFull { target: id, at });
        }
        Ok(())
    }

    fn check_failure(&self, id: TargetId, at: Position, failure: &FailedStep) -> Result<(), Illegal> {
        let spent = self.walk(id).attempt >= self.step_of(id).retry.attempts;
        if failure.retry_at.is_some() && spent {
            return Err(Illegal::NoAttemptLeft { target: id, at });
        }
        Ok(())
    }

    pub(super) fn check_stage(&self, id: StageId) -> Result<(), Illegal> {
        if id.index() < self.stages.len() { Ok(()) } else { Err(Illegal::NoSuchStage(id)) }
    }
}
