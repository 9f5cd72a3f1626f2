//! What waits for a decision, and everything a person should see before deciding.

use std::sync::Arc;

use fleetwright_approval::Expected;
use fleetwright_flow::{Event, GateView, OnExpiry, Record, Run, StageId, Totals, Walked};
use fleetwright_model::{Code, Text, code};
use fleetwright_ports::{LoadedRun, RunId};
use jiff::Timestamp;

/// A gate that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct GateFacts {
    /// The run.
    pub run: RunId,
    /// SHA-256 of the plan, hexadecimal.
    pub digest: Text,
    /// The stage behind the gate.
    pub stage: StageId,
    /// What people call it.
    pub name: Text,
    /// Its targets.
    pub targets: u32,
    /// When the gate was reached.
    pub reached_at: Timestamp,
    /// What a decision rests on now.
    pub basis: Text,
    /// The stages before, in order, with what became of them.
    pub earlier: Vec<StageResult>,
    /// Different people who must approve.
    pub needed: u16,
    /// Who may decide; empty is anybody.
    pub approvers: Vec<Text>,
    /// Who approved so far, each once, in order.
    pub approved_by: Vec<Text>,
    /// When the decision is due, and what happens then; none where it is waited for without end.
    pub due: Option<(Timestamp, OnExpiry)>,
}

/// What became of a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageResult {
    /// What people call it.
    pub name: Text,
    /// Its targets.
    pub totals: Totals,
    /// Targets that failed for good.
    pub failures: u32,
}

/// Why nobody can tell what waits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// The plan document cannot be used.
    #[error("the plan of {run} cannot be used: {cause}")]
    Plan {
        /// The run.
        run: RunId,
        /// Why.
        cause: String,
        /// Its code.
        code: &'static Code,
    },
    /// The records cannot be trusted: what a decision would rest on is not known.
    #[error("the journal of {run} is damaged: {cause}")]
    Damaged {
        /// The run.
        run: RunId,
        /// Where, and what.
        cause: String,
    },
}

impl GateError {
    /// The code with its page and next step.
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Plan { code, .. } => code,
            Self::Damaged { .. } => &code::JOURNAL_DAMAGED,
        }
    }
}

/// Every gate of the run that waits now, in the order of the stages.
///
/// # Errors
/// [`GateError`]; nothing is guessed.
pub fn waiting(run: &RunId, loaded: &LoadedRun, now: Timestamp) -> Result<Vec<GateFacts>, GateError> {
    let damaged = |cause: String| GateError::Damaged { run: run.clone(), cause };
    let walked = Walked::read(&loaded.plan).map_err(|error| GateError::Plan {
        run: run.clone(),
        cause: error.to_string(),
        code: error.code(),
    })?;
    if let Some(damage) = &loaded.damage {
        return Err(damaged(format!("after record {}: {}", damage.last_good.0, damage.what)));
    }
    let mut state = Run::open(Arc::new(walked.flow.clone()));
    for record in &loaded.records {
        state
            .apply(record)
            .map_err(|illegal| damaged(format!("record {} cannot be: {illegal}", record.seq.0)))?;
    }
    if state.ending().is_some() {
        return Ok(Vec::new());
    }
    let view = state.view(now);
    let mut gates = Vec::new();
    for (index, stage) in view.stages.iter().enumerate() {
        let reached = last_reached(&loaded.records, stage.stage);
        let (GateView::Waiting, Some(reached), Some(basis)) = (stage.gate, reached, state.basis(stage.stage))
        else {
            continue;
        };
        if !walked.digest.starts_with(basis.split('-').next().unwrap_or_default()) {
            return Err(damaged("its plan is not the one it was opened with".to_owned()));
        }
        let expires_at = state.gate_expires_at();
        if expires_at.is_some_and(|end| end <= now) {
            continue;
        }
        let planned = &walked.flow.stages[stage.stage.index()];
        let rule = planned.approval.as_ref();
        let earlier = view.stages[..index].iter().map(|stage| StageResult {
            name: stage.name.clone(),
            totals: stage.totals,
            failures: stage.failures,
        });
        gates.push(GateFacts {
            run: run.clone(),
            digest: walked.digest.clone(),
            stage: stage.stage,
            name: stage.name.clone(),
            targets: planned.targets.end - planned.targets.start,
            reached_at: reached.at,
            basis,
            earlier: earlier.collect(),
            needed: rule.map_or(1, |rule| rule.needed),
            approvers: rule.map(|rule| rule.approvers.clone()).unwrap_or_default(),
            approved_by: state.approved_by(stage.stage).to_vec(),
            due: expires_at.zip(rule.map(|rule| rule.on_expiry)),
        });
    }
    Ok(gates)
}

fn last_reached(records: &[Record], stage: StageId) -> Option<&Record> {
    let reached =
        |record: &&Record| matches!(record.event, Event::GateReached { stage: at, .. } if at == stage);
    records.iter().rev().find(reached)
}

impl GateFacts {
    /// What a token must be for to decide here.
    pub fn expected(&self, decision: fleetwright_approval::Decision) -> Expected<'_> {
        Expected { run: self.run.as_str(), stage: self.stage.0, decision, basis: &self.basis }
    }

    /// Whether that person has approved already.
    pub fn has_approved(&self, name: &str) -> bool {
        self.approved_by.iter().any(|approver| **approver == *name)
    }

    /// Whether that person may decide here.
    pub fn may_decide(&self, name: &str) -> bool {
        self.approvers.is_empty() || self.approvers.iter().any(|approver| **approver == *name)
    }
}
