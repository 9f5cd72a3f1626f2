//! Decisions at gates: who may make them, how many it takes, and until when.

use fleetwright_model::Text;
use jiff::{SignedDuration, Timestamp};

use super::{GateState, Illegal, Run, Stop};
use crate::plan::{ApprovalRule, OnExpiry, StageId};
use crate::record::{Sequence, Signal};

/// What a stage's gate has come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Deciding {
    /// When and with which record the gate was reached.
    pub(crate) reached: Option<(Timestamp, Sequence)>,
    /// Who approved so far.
    pub(crate) approved_by: Vec<Text>,
}

/// How much of a plan's digest stands in a basis, in characters.
const DIGEST_CHARACTERS: usize = 16;

impl Run {
    /// What a decision at a stage's gate is about: the beginning of the plan's digest and the number of
    /// the record that says the gate was reached, `<16 digits>-<number>`. Everything up to that record
    /// was there to be looked at. None before the gate is reached.
    pub fn basis(&self, stage: StageId) -> Option<Text> {
        let (_, Sequence(seq)) = self.stages.get(stage.index())?.deciding.reached?;
        let digest: String = self.digest.as_ref()?.chars().take(DIGEST_CHARACTERS).collect();
        Some(format!("{digest}-{seq}").into())
    }

    /// Who approved a stage so far.
    pub fn approved_by(&self, stage: StageId) -> &[Text] {
        &self.stages[stage.index()].deciding.approved_by
    }

    /// When the time for deciding at the gate that waits is over; none where it never is, or no gate
    /// waits.
    pub fn gate_expires_at(&self) -> Option<Timestamp> {
        let stage = self.gate_waiting()?;
        let (reached, _) = self.stages[stage.index()].deciding.reached?;
        let seconds = self.rule(stage)?.expires_seconds?;
        let end = reached.checked_add(SignedDuration::from_secs(seconds.into()));
        Some(end.unwrap_or(Timestamp::MAX))
    }

    /// The stage whose gate was not decided by now.
    pub(super) fn expiry_due(&self, now: Timestamp) -> Option<StageId> {
        self.gate_expires_at().filter(|end| *end <= now).and_then(|_| self.gate_waiting())
    }

    fn rule(&self, stage: StageId) -> Option<&ApprovalRule> {
        self.plan.stages[stage.index()].approval.as_ref()
    }

    pub(super) fn check_expiry(&self, stage: StageId, at: Timestamp) -> Result<(), Illegal> {
        self.check_waits(stage)?;
        if self.expiry_due(at) == Some(stage) { Ok(()) } else { Err(Illegal::Expiry(stage)) }
    }

    /// A decision at a gate needs the gate to wait for one, and for that of this person. The others may
    /// always be said, and said again.
    pub(super) fn check_signal(
        &self,
        signal: Signal,
        by: &Text,
        basis: Option<&Text>,
        at: Timestamp,
    ) -> Result<(), Illegal> {
        let (Signal::Approve(stage) | Signal::Reject(stage)) = signal else { return Ok(()) };
        self.check_waits(stage)?;
        if basis.is_some() && basis != self.basis(stage).as_ref() {
            return Err(Illegal::OtherBasis(stage));
        }
        if self.expiry_due(at).is_some() {
            return Err(Illegal::Expiry(stage));
        }
        let Some(rule) = self.rule(stage) else { return Ok(()) };
        if !rule.approvers.is_empty() && !rule.approvers.contains(by) {
            return Err(Illegal::NotAnApprover(stage));
        }
        match signal {
            Signal::Approve(_) if self.approved_by(stage).contains(by) => {
                Err(Illegal::ApprovedAlready(stage))
            }
            _ => Ok(()),
        }
    }

    fn check_waits(&self, stage: StageId) -> Result<(), Illegal> {
        self.check_stage(stage)?;
        if self.gate_waiting() == Some(stage) { Ok(()) } else { Err(Illegal::OtherGate(stage)) }
    }

    pub(super) fn reach_gate(&mut self, stage: StageId) {
        let reached = Some((self.at, self.last));
        let stage = &mut self.stages[stage.index()];
        (stage.gate, stage.deciding.reached) = (GateState::Reached, reached);
    }

    /// One more approval; the last that was needed opens the gate.
    pub(super) fn approve(&mut self, stage: StageId, by: &Text) {
        let needed = self.rule(stage).map_or(1, |rule| usize::from(rule.needed));
        let given = &mut self.stages[stage.index()].deciding.approved_by;
        given.push(by.clone());
        if given.len() >= needed {
            self.pass_gate(stage, GateState::Passed);
        }
    }

    /// Nobody decided in time.
    pub(super) fn expire(&mut self, stage: StageId) {
        match self.rule(stage).map(|rule| rule.on_expiry) {
            Some(OnExpiry::Skip) => self.pass_gate(stage, GateState::Expired),
            Some(OnExpiry::Reject) | None => self.stop(Stop::Rejected),
        }
    }

    /// Sends those who stand at a gate on, to change or to be left as they are.
    fn pass_gate(&mut self, stage: StageId, to: GateState) {
        self.stages[stage.index()].gate = to;
        if to == GateState::Expired {
            // Those who have not come to it yet, because their window is far, have nothing to prepare for.
            self.plan.clone().targets_of(stage).for_each(|id| self.skip_if_it_must(id));
            return;
        }
        for id in self.stages[stage.index()].at_gate.clone() {
            self.leave(id);
            self.set_moving(id);
        }
    }
}
