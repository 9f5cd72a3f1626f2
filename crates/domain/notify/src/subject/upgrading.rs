//! Runs that upgrade clusters.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_eks::run::outcome::{ClusterStanding, outcomes, why};
use fleetwright_eks::run::{Task, UpgradeRun};
use fleetwright_flow::{End, FailedStep, Plan, Run, StageId, TargetId};
use fleetwright_model::{AccountId, ZoneName};
use jiff::Timestamp;

use super::{Clean, Subject, Summary, TargetEnd};
use crate::notice::{Counts, Kind, Severity};

impl Subject for UpgradeRun {
    fn flow(&self) -> &Plan {
        &self.flow
    }

    fn zones(&self) -> Vec<(ZoneName, AccountId)> {
        let places = self.flow.places.iter().map(|place| (place.zone.clone(), place.account.clone()));
        places.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn shown_by(&self) -> &'static str {
        "fleetwright eks status"
    }

    /// What is looked at is a cluster's, and so is what is found.
    fn is_gate(&self, _: TargetId) -> bool {
        false
    }

    fn asked_at(&self, stage: StageId) -> &[String] {
        Self::asked_at(self, stage)
    }

    /// The end of a step that failed. What was left behind it is told with the run's end.
    fn ended(
        &self,
        run: &Run,
        target: TargetId,
        failure: Option<&FailedStep>,
        clean: Clean<'_>,
    ) -> Option<TargetEnd> {
        let (severity, code) = match run.end(target)? {
            End::Done { .. } | End::Skipped { .. } => return None,
            End::Failed { code, .. } | End::Unwound { code, .. } => (Severity::Error, Some(code)),
            End::Stuck { .. } => (Severity::Critical, failure.map(|failure| failure.code.clone())),
        };
        let cluster = clean(&self.cluster_of(target)?.plan.cluster.name);
        let step = match (self.step_of(target), &self.work.get(target.index())?.task) {
            (Some(step), _) => step.id.as_str(),
            (None, Task::Soak { .. }) => "soak",
            (None, _) => "baseline",
        };
        let title = format!("cluster {cluster}: failed at {}", clean(step));
        Some(TargetEnd { kind: Kind::ClusterFailed, severity, title, host: None, phase: None, code })
    }

    fn summary(&self, run: &Run, at: Timestamp) -> Summary {
        let clusters = outcomes(self, run, &[], at);
        let mut outcomes = BTreeMap::new();
        for cluster in &clusters {
            *outcomes.entry(word(cluster.standing)).or_default() += 1;
        }
        let counts = Counts { hosts: 0, clusters: clusters.len(), outcomes };
        Summary { why: why(run, &clusters), counts }
    }
}

fn word(standing: ClusterStanding) -> &'static str {
    match standing {
        ClusterStanding::NotBegun => "not_begun",
        ClusterStanding::UnderWay => "under_way",
        ClusterStanding::Done => "done",
        ClusterStanding::Failed => "failed",
        ClusterStanding::Left => "left",
    }
}
