//! What no run may do, judged by the estate.

use fleetwright::staged_run::StagedRun;
use fleetwright_estate::checkers::{Phase, Purpose, Run};
use fleetwright_patch::plan::Backup;
use jiff::{SignedDuration, Timestamp};

/// Holds a run that is over against every invariant the estate checks.
pub(crate) fn invariants(staged: &StagedRun, since: Timestamp, wrong: &mut Vec<String>) {
    let plan = staged.document.plan();
    let planned = plan.work.iter().filter_map(|work| work.host());
    let run = Run {
        since,
        without_backup: planned
            .clone()
            .filter(|host| matches!(host.backup, Backup::None { .. }))
            .map(|host| host.id.to_string())
            .collect(),
        retention: SignedDuration::from_hours(24 * i64::from(plan.policy.backup.retention_days)),
        planned: planned.filter_map(|host| Some((host.id.to_string(), host.launch_time?))).collect(),
        stops: Vec::new(),
        most_out: [].into(),
        phase: Phase::Ended,
    };
    let estate = &staged.stage.world.estate;
    let verdict = estate.check(Purpose::Real);
    for finding in verdict.findings.into_iter().chain(estate.check_run(&run)) {
        wrong.push(format!("{:?}: {}", finding.invariant, finding.detail));
    }
}
