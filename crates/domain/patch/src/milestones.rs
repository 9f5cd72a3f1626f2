//! What held a run, and who let it go on: freezes, decisions at gates, and what gates between waves said.

use fleetwright_flow::{Direction, Event, Record, Signal, StageId};
use fleetwright_model::{Region, Text, ZoneName};
use jiff::Timestamp;
use serde::Serialize;

use crate::plan::{PatchPlan, Work};

/// Everything that held a run, in the order it happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Milestones {
    /// When no host was begun because somebody, or a calendar, had frozen the run.
    pub freezes: Vec<FreezePeriod>,
    /// What was decided at gates.
    pub decisions: Vec<DecisionMade>,
    /// What gates between waves had to say against going on.
    pub gates: Vec<GateWords>,
}

impl Milestones {
    /// True where nothing held the run and nobody decided anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A time in which no unchanged host was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FreezePeriod {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end; none while it lasts.
    pub until: Option<Timestamp>,
    /// Who froze the run. Untrusted text.
    pub by: Text,
    /// Why. Untrusted text.
    pub reason: Option<Text>,
}

/// A decision at the gate of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DecisionMade {
    /// When.
    pub at: Timestamp,
    /// The stage.
    pub stage: Text,
    /// What.
    pub decision: Decided,
    /// Who; none where nobody decided in time. Untrusted text.
    pub by: Option<Text>,
    /// Why, where they said. Untrusted text.
    pub reason: Option<Text>,
    /// What it was made about, where they said.
    pub basis: Option<Text>,
}

/// What was decided at a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// One approval of those it takes.
    Approved,
    /// The stage is not to be changed.
    Rejected,
    /// Nothing, in the time there was.
    Expired,
}

impl Decided {
    /// The decision in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "not decided in time",
        }
    }
}

/// Why a gate between two waves did not let the run go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GateWords {
    /// When.
    pub at: Timestamp,
    /// The gate, as the plan names its stage.
    pub stage: Text,
    /// The landing zone whose part of the wave was looked at.
    pub zone: ZoneName,
    /// The region.
    pub region: Region,
    /// The step that failed.
    pub step: Text,
    /// The code.
    pub code: Text,
    /// What it found. Untrusted text.
    pub message: Text,
    /// When it is tried again; none where that was the last word.
    pub retry_at: Option<Timestamp>,
}

/// Reads what held a run out of its records.
pub fn milestones(plan: &PatchPlan, records: &[Record]) -> Milestones {
    let mut found = Milestones::default();
    let name = |stage: StageId| plan.flow.stages.get(stage.index()).map_or("?".into(), |it| it.name.clone());
    for record in records {
        match &record.event {
            Event::Signalled { signal, by, basis, reason, .. } => {
                let decided = match signal {
                    Signal::Approve(stage) => Some((*stage, Decided::Approved)),
                    Signal::Reject(stage) => Some((*stage, Decided::Rejected)),
                    _ => None,
                };
                found.decisions.extend(decided.map(|(stage, decision)| DecisionMade {
                    at: record.at,
                    stage: name(stage),
                    decision,
                    by: Some(by.clone()),
                    reason: reason.clone(),
                    basis: basis.clone(),
                }));
                match signal {
                    Signal::Freeze => {
                        thaw(&mut found.freezes, record.at);
                        let (by, reason) = (by.clone(), reason.clone());
                        found.freezes.push(FreezePeriod { from: record.at, until: None, by, reason });
                    }
                    Signal::Thaw => thaw(&mut found.freezes, record.at),
                    _ => {}
                }
            }
            Event::GateExpired { stage } => found.decisions.push(DecisionMade {
                at: record.at,
                stage: name(*stage),
                decision: Decided::Expired,
                by: None,
                reason: None,
                basis: None,
            }),
            Event::Failed { .. } => found.gates.extend(gate_words(plan, record)),
            _ => {}
        }
    }
    found
}

/// Ends the freeze that lasts, if one does.
fn thaw(freezes: &mut [FreezePeriod], at: Timestamp) {
    if let Some(last) = freezes.last_mut() {
        last.until.get_or_insert(at);
    }
}

/// What a failed attempt says, where it is a gate's.
fn gate_words(plan: &PatchPlan, record: &Record) -> Option<GateWords> {
    let Event::Failed { target, step, direction: Direction::Do, failure } = &record.event else {
        return None;
    };
    let Work::Gate(_) = plan.work.get(target.index())? else { return None };
    let stage = plan.flow.stages.iter().find(|stage| stage.targets.contains(&target.0))?;
    let place = plan.flow.place_of(*target);
    let step = plan.flow.recipe_of(*target).steps.get(step.index())?;
    Some(GateWords {
        at: record.at,
        stage: stage.name.clone(),
        zone: place.zone.clone(),
        region: place.region.clone(),
        step: step.name.clone(),
        code: failure.code.clone(),
        message: failure.message.clone(),
        retry_at: failure.retry_at,
    })
}
