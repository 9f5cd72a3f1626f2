//! Changes that may help, the smallest first, each tried out.

use fleetwright_kubernetes::{ObjectRef, UnhealthyPodEvictionPolicy};

use super::simulation::{Stuck, simulate};
use super::{Cause, Change, DrainQuestion};

/// Disruptions that are asked for beside those allowed, at most: more is no small change.
const ALLOW_MORE_MAX: i32 = 5;
/// The grace period that is tried in place of one that is too long: what Kubernetes sets by itself, in seconds.
const GRACE_SECONDS: i64 = 30;

/// The first change after which none of these pods, which are blocked for the same cause, blocks any more.
pub(super) fn smallest(question: &DrainQuestion<'_>, group: &[&Stuck]) -> Option<Change> {
    let pods: Vec<usize> = group.iter().map(|stuck| stuck.pod).collect();
    candidates(group.first()?).into_iter().find(|change| {
        let changed = apply(question, &pods, change);
        !simulate(&changed).1.iter().any(|still| pods.contains(&still.pod))
    })
}

fn candidates(stuck: &Stuck) -> Vec<Change> {
    let more = |budget: &ObjectRef| {
        (1..=ALLOW_MORE_MAX).map(|by| Change::AllowMore { budget: budget.clone(), by }).collect::<Vec<_>>()
    };
    let node = || Change::AddNode { like: stuck.node.clone() };
    match &stuck.cause {
        Cause::SeveralBudgets(budgets) => budgets.iter().cloned().map(Change::KeepOneBudget).collect(),
        Cause::NeverAllowed(budget) | Cause::TooSlow(budget) => more(budget),
        Cause::UnhealthyPods(budget) => [vec![Change::AllowUnhealthy(budget.clone())], more(budget)].concat(),
        Cause::PodsWithoutPlace { budget, .. } => [vec![node()], more(budget)].concat(),
        Cause::GraceTooLong { .. } => vec![Change::ShortenGrace { to_seconds: GRACE_SECONDS }],
        Cause::ComesBack => vec![Change::NarrowToleration],
        Cause::NoPlace { .. } => vec![node()],
    }
}

/// The question with a change made.
fn apply<'a>(question: &DrainQuestion<'a>, pods: &[usize], change: &Change) -> DrainQuestion<'a> {
    let mut changed = question.clone();
    let is = |budget: &fleetwright_kubernetes::PodDisruptionBudget, reference: &ObjectRef| {
        budget.metadata.reference("PodDisruptionBudget") == *reference
    };
    match change {
        Change::KeepOneBudget(kept) => {
            // Budgets of one name in one namespace are one budget; the first is kept.
            let mut found = false;
            for budget in changed.budgets.to_mut() {
                let keep = is(budget, kept) && !found;
                found |= keep;
                if !keep && pods.iter().any(|&pod| budget.covers(&question.pods[pod])) {
                    budget.selector = None;
                }
            }
        }
        Change::AllowMore { budget: meant, by } => {
            for budget in changed.budgets.to_mut().iter_mut().filter(|budget| is(budget, meant)) {
                let status = &mut budget.status;
                status.desired_healthy = status.desired_healthy.saturating_sub(*by).max(0);
                let allowed = status.current_healthy.saturating_sub(status.desired_healthy);
                status.disruptions_allowed = allowed.max(0);
            }
        }
        Change::AllowUnhealthy(meant) => {
            for budget in changed.budgets.to_mut().iter_mut().filter(|budget| is(budget, meant)) {
                budget.unhealthy_pod_eviction_policy = UnhealthyPodEvictionPolicy::AlwaysAllow;
            }
        }
        Change::AddNode { like } => changed.surge.push(like.clone()),
        Change::ShortenGrace { to_seconds } => {
            let all = changed.pods.to_mut();
            pods.iter().for_each(|&pod| all[pod].grace_seconds = *to_seconds);
        }
        Change::NarrowToleration => {
            let all = changed.pods.to_mut();
            pods.iter().for_each(|&pod| all[pod].tolerations.retain(|of| !of.tolerates_everything()));
        }
    }
    changed
}
