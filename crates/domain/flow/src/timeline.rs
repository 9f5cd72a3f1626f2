//! What happened to one target, read from the records.

use fleetwright_model::Text;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::plan::{StepIndex, TargetId};
use crate::record::{Direction, Event, FailedStep, Record, SkipScope};

/// What happened to one target, in order. A run does not keep it; it is folded from the journal when
/// somebody asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// The target.
    pub target: TargetId,
    /// Its attempts, and the steps it skipped.
    pub visits: Vec<Visit>,
}

/// One attempt at a step, or a step that was skipped without one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// The step.
    pub step: StepIndex,
    /// Which way.
    pub direction: Direction,
    /// From 1; 0 where the step was skipped before it started.
    pub attempt: u16,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What the other side calls it.
    pub handle: Option<Text>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing yet.
    InFlight,
    /// The step is done.
    Succeeded {
        /// What it left for later steps.
        note: Option<Text>,
        /// The code of what people should look at.
        finding: Option<Text>,
    },
    /// The attempt failed.
    Failed(FailedStep),
    /// It turned out not to be needed, or the target was left as it is.
    Skipped {
        /// How much was skipped.
        scope: SkipScope,
        /// Why.
        code: Text,
    },
}

impl Timeline {
    /// The fold over a run's records; those of other targets are passed over.
    pub fn of<'a>(target: TargetId, records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut timeline = Self { target, visits: Vec::new() };
        for record in records {
            timeline.add(record);
        }
        timeline
    }

    /// Takes one more record.
    pub fn add(&mut self, record: &Record) {
        match &record.event {
            Event::Started { target, step, direction, attempt } if *target == self.target => {
                self.visits.push(Visit {
                    step: *step,
                    direction: *direction,
                    attempt: *attempt,
                    started_at: record.at,
                    ended_at: None,
                    handle: None,
                    outcome: Outcome::InFlight,
                });
            }
            Event::Accepted { target, handle, .. } if *target == self.target => {
                if let Some(visit) = self.visits.last_mut() {
                    visit.handle = Some(handle.clone());
                }
            }
            Event::Succeeded { target, note, finding, .. } if *target == self.target => {
                self.end(record.at, Outcome::Succeeded { note: note.clone(), finding: finding.clone() });
            }
            Event::Failed { target, failure, .. } if *target == self.target => {
                self.end(record.at, Outcome::Failed(failure.clone()));
            }
            Event::Skipped { target, step, direction, scope, code } if *target == self.target => {
                if self.visits.last().is_none_or(|visit| visit.ended_at.is_some()) {
                    self.visits.push(Visit {
                        step: *step,
                        direction: *direction,
                        attempt: 0,
                        started_at: record.at,
                        ended_at: None,
                        handle: None,
                        outcome: Outcome::InFlight,
                    });
                }
                self.end(record.at, Outcome::Skipped { scope: *scope, code: code.clone() });
            }
            _ => {}
        }
    }

    fn end(&mut self, at: Timestamp, outcome: Outcome) {
        if let Some(visit) = self.visits.last_mut() {
            (visit.ended_at, visit.outcome) = (Some(at), outcome);
        }
    }
}
