//! Runs that patch hosts.

use fleetwright_flow::{FailedStep, Plan, Run, StageId, TargetId};
use fleetwright_model::{AccountId, Phase, ZoneName};
use fleetwright_patch::outcome::{HostOutcome, ending_of, results, run_outcome, tally};
use fleetwright_patch::plan::notes::step;
use fleetwright_patch::plan::{PatchPlan, Work};
use jiff::Timestamp;

use super::{Clean, Subject, Summary, TargetEnd};
use crate::notice::{Counts, HostNamed, Kind, Severity};

impl Subject for PatchPlan {
    fn flow(&self) -> &Plan {
        &self.flow
    }

    fn zones(&self) -> Vec<(ZoneName, AccountId)> {
        self.zones.iter().map(|zone| (zone.name.clone(), zone.account.clone())).collect()
    }

    fn shown_by(&self) -> &'static str {
        "fleetwright status"
    }

    fn is_gate(&self, target: TargetId) -> bool {
        matches!(self.work.get(target.index()), Some(Work::Gate(_)))
    }

    fn asked_at(&self, _: StageId) -> &[String] {
        &[]
    }

    /// The end of a host or of a region's clean-up.
    fn ended(
        &self,
        run: &Run,
        target: TargetId,
        _: Option<&FailedStep>,
        clean: Clean<'_>,
    ) -> Option<TargetEnd> {
        let (outcome, step, why) = ending_of(self, run, target);
        let (kind, severity) = match outcome {
            HostOutcome::Success | HostOutcome::Skipped | HostOutcome::Open => return None,
            HostOutcome::Partial | HostOutcome::NotReady => (Kind::HostFailed, Severity::Warning),
            HostOutcome::RolledBack => (Kind::HostRolledBack, Severity::Warning),
            HostOutcome::Failed | HostOutcome::Unreachable => (Kind::HostFailed, Severity::Error),
            HostOutcome::Stuck => (Kind::HostStuck, Severity::Critical),
        };
        let work = self.work.get(target.index())?;
        let host = work.host().map(|host| HostNamed {
            id: host.id.clone(),
            name: host.name.as_deref().map(|name| clean(name).into()),
            application: host.application.as_deref().map(|name| clean(name).into()),
        });
        let (kind, severity) = match work {
            Work::Host(_) => (kind, severity),
            Work::Region => (Kind::CleanUpFailed, Severity::Warning),
            Work::Gate(_) => return None,
        };
        // A rollback puts back what it was asked to: that is told when it is over.
        if outcome == HostOutcome::RolledBack && why.is_none() {
            return None;
        }
        let place = self.flow.place_of(target);
        let named = match &host {
            Some(HostNamed { id, name: Some(name), .. }) => format!("{id} ({name})"),
            Some(HostNamed { id, name: None, .. }) => id.to_string(),
            None => format!("clean-up of {} in {}", place.region, place.account),
        };
        let at = step.as_deref().map(|step| format!(" at {step}")).unwrap_or_default();
        let title = format!("{named}: {}{at}", outcome.as_str().replace('_', " "));
        let phase = step.as_deref().and_then(phase_of);
        Some(TargetEnd { kind, severity, title, host, phase, code: why })
    }

    fn summary(&self, run: &Run, _: Timestamp) -> Summary {
        let results = results(self, run, &[]);
        let outcomes = tally(&results).into_iter().map(|(outcome, count)| (outcome.as_str(), count));
        let counts = Counts { hosts: results.len(), clusters: 0, outcomes: outcomes.collect() };
        Summary { why: run_outcome(self, run, &results).why, counts }
    }
}

/// The phase that a step belongs to.
fn phase_of(name: &str) -> Option<Phase> {
    match name {
        step::BACKUP | step::CLEAN_UP => Some(Phase::Backup),
        step::START => Some(Phase::Start),
        step::PRECHECK => Some(Phase::Precheck),
        step::DRAIN
        | step::PATCH
        | step::REBOOT
        | step::VERIFY
        | step::RETURN
        | step::STOP_AGAIN
        | step::RESTORE => Some(Phase::Patch),
        step::VALIDATE
        | step::PROBE
        | step::PROBE_RESTORED
        | step::VALIDATE_RESTORED
        | step::BAKE
        | step::GATE_CHECKS
        | step::PROMOTE => Some(Phase::Validate),
        _ => None,
    }
}
