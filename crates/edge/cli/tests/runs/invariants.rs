//! What no run may do, judged by the estate.

use std::collections::BTreeMap;

use fleetwright::staged_run::StagedRun;
use fleetwright_estate::checkers::{Phase, Purpose, Run};
use fleetwright_patch::plan::{Backup, PatchPlan};
use jiff::{SignedDuration, Timestamp};

use crate::audited::audited;

/// Holds a run that is over against every invariant the estate checks.
pub(crate) fn invariants(staged: &StagedRun, since: Timestamp, wrong: &mut Vec<String>) {
    budgets_and_invariants(staged, since, &BTreeMap::new(), wrong);
}

/// As [`invariants`], and members of these groups out of service at once at most.
pub(crate) fn budgets_and_invariants(
    staged: &StagedRun,
    since: Timestamp,
    most: &BTreeMap<String, usize>,
    wrong: &mut Vec<String>,
) {
    audited(staged, wrong);
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
        most_out: most_out(plan).into_iter().chain(most.clone()).collect(),
        phase: Phase::Ended,
    };
    let estate = &staged.stage.world.estate;
    let verdict = estate.check(Purpose::Real);
    for finding in verdict.findings.into_iter().chain(estate.check_run(&run)) {
        wrong.push(format!("{:?}: {}", finding.invariant, finding.detail));
    }
}

/// How many of a group the plan's budgets let be out of service at once, as the estate names groups.
fn most_out(plan: &PatchPlan) -> BTreeMap<String, usize> {
    let mut most = BTreeMap::new();
    for (target, work) in plan.flow.targets.iter().zip(&plan.work) {
        let Some(host) = work.host() else { continue };
        let budget = |end: &str| {
            let groups = target.groups.iter().map(|id| &plan.flow.groups[id.index()]);
            // The first is of the whole run.
            let whole = target.groups.first().map(|id| plan.flow.groups[id.index()].capacity);
            let own = groups.filter(|group| group.name.ends_with(end)).map(|group| group.capacity);
            own.chain(whole).min().map_or(usize::MAX, |capacity| capacity as usize)
        };
        for arn in &host.target_groups {
            let name = arn.rsplit(':').next().unwrap_or_default();
            let mut parts = name.split('/');
            let name: Vec<&str> = parts.by_ref().take(2).collect();
            most.insert(name.join("/"), budget(arn));
        }
        if let Some(group) = &host.auto_scaling_group {
            most.insert(format!("autoscaling/{group}"), budget(&format!("/{group}")));
        }
    }
    most
}
