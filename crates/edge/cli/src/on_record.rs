//! A run's audit log: in whose name its steps change things, and on whose word.

use std::collections::HashMap;
use std::sync::Arc;

use fleetwright_audit::record::FORMAT;
use fleetwright_audit::{Approval, Opening, Writer};
use fleetwright_aws::{Approvals, Behalf};
use fleetwright_flow::{Plan, StageId};
use fleetwright_model::Text;
use fleetwright_ports::audit::COMMANDS;
use fleetwright_ports::{AuditLog, RunId};
use jiff::Timestamp;

use crate::failure::CommandError;
use crate::planning::program;
use crate::run_plan::Decided;
use crate::state::{State, refused};

/// A run's log, and the person in whose name it is written.
#[derive(Clone)]
pub struct OnRecord {
    /// The run.
    pub run: RunId,
    /// The log.
    pub log: Arc<dyn AuditLog>,
    /// Who started this process.
    pub person: Text,
    /// Whether this process signs it: a hub's functions alone hold the key of its logs.
    signs: bool,
}

impl OnRecord {
    /// The log of a run of this plan, written by `process`.
    pub fn of(state: &State, run: &RunId, digest: &Text, process: &Text, person: Text) -> Self {
        let opening = Opening { format: FORMAT, plan: Some(digest.clone()) };
        let writer = Writer { process: process.clone(), person: person.clone(), torn_bytes: 0 };
        Self { run: run.clone(), log: state.audit.log(run, opening, writer), person, signs: true }
    }

    /// The log of commands outside of runs, written by this process.
    pub fn of_commands(state: &State, person: Text) -> Self {
        let run: RunId = COMMANDS.parse().expect("a name as runs have them");
        let process = format!("{}, process {}", program(), std::process::id()).into();
        let writer = Writer { process, person: person.clone(), torn_bytes: 0 };
        let log = state.audit.log(&run, Opening { format: FORMAT, plan: None }, writer);
        Self { run, log, person, signs: state.hub.is_none() }
    }

    /// Signs what was recorded so far, where that is for this process to do.
    ///
    /// # Errors
    /// What was recorded cannot be kept.
    pub async fn sign(&self, at: Timestamp) -> Result<(), CommandError> {
        if self.signs {
            self.log.sign(at).await.map_err(|error| refused(&error))?;
        }
        Ok(())
    }

    /// What that step does is done in this name.
    pub fn behalf(&self, step: &str, approvals: &Approvals) -> Behalf {
        Behalf {
            log: Arc::clone(&self.log),
            person: self.person.clone(),
            reason: step.into(),
            approvals: Arc::clone(approvals),
        }
    }
}

/// Whoever calls a command outside of runs needs nobody's word.
pub fn nobody_approves() -> Approvals {
    Arc::new(|_| Vec::new())
}

/// The decisions that let changes of a run go: those at the gates of the stages that the targets are in.
/// What is no target of the plan - an image, a command, a cluster - goes by every decision there was.
pub fn approvals(flow: &Plan, decided: &Arc<Decided>) -> Approvals {
    let stages: Vec<(StageId, Text)> =
        (0..).map(StageId).zip(flow.stages.iter().map(|stage| stage.name.clone())).collect();
    let mut stage_of: HashMap<Text, usize> = HashMap::new();
    for (index, (stage, _)) in stages.iter().enumerate() {
        for target in flow.targets_of(*stage) {
            stage_of.insert(flow.target(target).subject.clone(), index);
        }
    }
    let decisions = Arc::clone(decided);
    Arc::new(move |targets: &[Text]| {
        let mut meant: Vec<usize> = targets.iter().filter_map(|id| stage_of.get(id).copied()).collect();
        meant.sort_unstable();
        meant.dedup();
        if meant.is_empty() {
            meant = (0..stages.len()).collect();
        }
        let decided = |index: &usize| {
            let (stage, name) = &stages[*index];
            let approved = decisions.approved(*stage).into_iter();
            approved.map(|(by, record)| Approval { stage: name.clone(), by, record }).collect::<Vec<_>>()
        };
        meant.iter().flat_map(decided).collect()
    })
}
