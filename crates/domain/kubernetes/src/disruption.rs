//! Pod disruption budgets: what they allow, and what the eviction of a pod is answered.

use serde::{Deserialize, Serialize};

use crate::object::ObjectMeta;
use crate::pod::{Phase, Pod};
use crate::selector::LabelSelector;

/// A number, or a share of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IntOrPercent {
    /// So many.
    Count(i32),
    /// So many hundredths.
    Percent(i32),
}

impl IntOrPercent {
    /// Reads a number, or a text such as `50%`.
    pub fn read(value: &serde_json::Value) -> Option<Self> {
        if let Some(number) = value.as_i64() {
            return i32::try_from(number).ok().map(Self::Count);
        }
        let text = value.as_str()?;
        match text.strip_suffix('%') {
            Some(percent) => percent.parse().ok().filter(|percent| *percent >= 0).map(Self::Percent),
            None => text.parse().ok().map(Self::Count),
        }
    }

    /// How many of `total` it is; a share is rounded up, as budgets are.
    ///
    /// Source: Kubernetes, `GetScaledValueFromIntOrPercent` with `roundUp` in the disruption controller.
    pub fn of(self, total: i32) -> i32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => {
                let parts = i64::from(percent) * i64::from(total);
                i32::try_from((parts + 99).div_euclid(100)).unwrap_or(i32::MAX)
            }
        }
    }
}

impl std::fmt::Display for IntOrPercent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// What a budget asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Budget {
    /// At least so many stay healthy.
    MinAvailable(IntOrPercent),
    /// At most so many may be missing.
    MaxUnavailable(IntOrPercent),
}

/// When pods that run but are not healthy may be evicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnhealthyPodEvictionPolicy {
    /// Only while enough others are healthy.
    #[default]
    IfHealthyBudget,
    /// Always.
    AlwaysAllow,
}

/// A pod disruption budget (`policy/v1`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodDisruptionBudget {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// Whose pods; `None` selects none, an empty selector all of the namespace.
    pub selector: Option<LabelSelector>,
    /// What it asks for; `None` leaves it at `minAvailable: 1`.
    pub budget: Option<Budget>,
    /// When unhealthy pods may be evicted.
    pub unhealthy_pod_eviction_policy: UnhealthyPodEvictionPolicy,
    /// What the disruption controller counted.
    pub status: DisruptionStatus,
}

/// Counts of a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DisruptionStatus {
    /// Healthy pods now.
    pub current_healthy: i32,
    /// Healthy pods it wants.
    pub desired_healthy: i32,
    /// Pods that its controllers want, or that it selects where the budget is a plain `minAvailable`.
    pub expected_pods: i32,
    /// Pods that may be evicted now.
    pub disruptions_allowed: i32,
}

/// What the eviction of a pod is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eviction {
    /// It goes, and takes one of the budget's disruptions.
    AllowedFromBudget,
    /// It goes, whatever the budget says.
    Allowed,
    /// 429: the budget forbids it now.
    Refused,
    /// 500: more than one budget covers the pod; no waiting helps.
    RefusedAsAmbiguous,
}

impl DisruptionStatus {
    /// The counts of a budget.
    ///
    /// `selected` is how many pods the selector finds, `wanted` how many replicas their controllers want, and
    /// `healthy` how many of the pods are ready.
    ///
    /// Source: Kubernetes, disruption controller, `getExpectedPodCount` and `updatePdbStatus`.
    pub fn count(budget: Option<Budget>, selected: i32, wanted: i32, healthy: i32) -> Self {
        let (expected, desired) = match budget.unwrap_or(Budget::MinAvailable(IntOrPercent::Count(1))) {
            Budget::MaxUnavailable(most) => (wanted, wanted.saturating_sub(most.of(wanted)).max(0)),
            Budget::MinAvailable(IntOrPercent::Count(least)) => (selected, least),
            Budget::MinAvailable(least) => (wanted, least.of(wanted)),
        };
        let allowed = if expected <= 0 { 0 } else { healthy.saturating_sub(desired).max(0) };
        Self {
            current_healthy: healthy,
            desired_healthy: desired,
            expected_pods: expected,
            disruptions_allowed: allowed,
        }
    }

    /// Whether it allows no disruption even when every expected pod is healthy: no waiting helps.
    pub fn never_allows(&self) -> bool {
        self.expected_pods > 0 && self.desired_healthy >= self.expected_pods
    }
}

impl PodDisruptionBudget {
    /// Whether it covers a pod.
    pub fn covers(&self, pod: &Pod) -> bool {
        pod.metadata.namespace == self.metadata.namespace
            && self.selector.as_ref().is_some_and(|selector| selector.matches(&pod.metadata.labels))
    }
}

/// What the eviction of a pod is answered, by the budgets that cover it.
///
/// Source: Kubernetes, eviction subresource of pods: ended, pending and deleted pods pass any budget; a pod under
/// several budgets is refused; an unhealthy pod goes by `unhealthyPodEvictionPolicy`.
pub fn eviction<'a>(pod: &Pod, budgets: impl IntoIterator<Item = &'a PodDisruptionBudget>) -> Eviction {
    if matches!(pod.phase, Phase::Succeeded | Phase::Failed | Phase::Pending) || pod.metadata.deleting {
        return Eviction::Allowed;
    }
    let mut covering = budgets.into_iter().filter(|budget| budget.covers(pod));
    let Some(budget) = covering.next() else { return Eviction::Allowed };
    if covering.next().is_some() {
        return Eviction::RefusedAsAmbiguous;
    }
    let status = &budget.status;
    if !pod.ready {
        let enough = status.current_healthy >= status.desired_healthy && status.desired_healthy > 0;
        match budget.unhealthy_pod_eviction_policy {
            UnhealthyPodEvictionPolicy::AlwaysAllow => return Eviction::Allowed,
            UnhealthyPodEvictionPolicy::IfHealthyBudget if enough => return Eviction::Allowed,
            UnhealthyPodEvictionPolicy::IfHealthyBudget => {}
        }
    }
    if status.disruptions_allowed > 0 { Eviction::AllowedFromBudget } else { Eviction::Refused }
}

#[cfg(test)]
mod tests {
    use super::IntOrPercent::{Count, Percent};
    use super::*;

    #[test]
    fn shares_are_rounded_up_on_either_side() {
        let allowed = |budget, wanted| DisruptionStatus::count(Some(budget), wanted, wanted, wanted);
        let cases = [
            (Budget::MaxUnavailable(Percent(50)), 7, 4),
            (Budget::MaxUnavailable(Percent(1)), 3, 1),
            (Budget::MaxUnavailable(Count(0)), 3, 0),
            (Budget::MaxUnavailable(Percent(0)), 3, 0),
            (Budget::MaxUnavailable(Count(9)), 3, 3),
            (Budget::MinAvailable(Percent(50)), 7, 3),
            (Budget::MinAvailable(Percent(90)), 3, 0),
            (Budget::MinAvailable(Count(2)), 3, 1),
            (Budget::MinAvailable(Count(3)), 3, 0),
        ];
        for (budget, wanted, expected) in cases {
            assert_eq!(allowed(budget, wanted).disruptions_allowed, expected, "{budget:?} of {wanted}");
        }
    }

    #[test]
    fn a_plain_minimum_counts_the_pods_and_a_share_the_replicas() {
        let of = |budget| DisruptionStatus::count(Some(budget), 2, 4, 2);
        assert_eq!(of(Budget::MinAvailable(Count(1))).expected_pods, 2);
        assert_eq!(of(Budget::MinAvailable(Percent(50))).expected_pods, 4);
        assert_eq!(of(Budget::MaxUnavailable(Count(1))).disruptions_allowed, 0);
        assert_eq!(DisruptionStatus::count(None, 0, 0, 0).disruptions_allowed, 0);
    }

    #[test]
    fn a_budget_that_no_health_satisfies_is_told_from_one_that_waits() {
        let never = DisruptionStatus::count(Some(Budget::MinAvailable(Count(1))), 1, 1, 1);
        assert!(never.never_allows());
        let waits = DisruptionStatus::count(Some(Budget::MaxUnavailable(Count(1))), 3, 3, 2);
        assert!(!waits.never_allows() && waits.disruptions_allowed == 0);
        assert!(!DisruptionStatus::default().never_allows());
    }

    fn budget(status: DisruptionStatus) -> PodDisruptionBudget {
        PodDisruptionBudget {
            metadata: ObjectMeta::named("shop", "web"),
            selector: Some(LabelSelector::default()),
            budget: None,
            unhealthy_pod_eviction_policy: UnhealthyPodEvictionPolicy::default(),
            status,
        }
    }

    fn pod(ready: bool) -> Pod {
        Pod { metadata: ObjectMeta::named("shop", "web-1"), phase: Phase::Running, ready, ..Pod::default() }
    }

    #[test]
    fn an_eviction_takes_a_disruption_or_is_refused() {
        let status = |healthy| DisruptionStatus::count(None, 3, 3, healthy);
        assert_eq!(eviction(&pod(true), [&budget(status(3))]), Eviction::AllowedFromBudget);
        assert_eq!(eviction(&pod(true), [&budget(status(1))]), Eviction::Refused);
        assert_eq!(eviction(&pod(true), []), Eviction::Allowed);
        let twice = [&budget(status(3)), &budget(status(3))];
        assert_eq!(eviction(&pod(true), twice), Eviction::RefusedAsAmbiguous);
        let mut elsewhere = budget(status(0));
        elsewhere.metadata.namespace = "other".into();
        assert_eq!(eviction(&pod(true), [&elsewhere]), Eviction::Allowed);
        elsewhere = budget(status(0));
        elsewhere.selector = None;
        assert_eq!(eviction(&pod(true), [&elsewhere]), Eviction::Allowed);
    }

    #[test]
    fn unhealthy_pods_go_by_the_policy_and_ended_ones_always() {
        let status = |healthy| DisruptionStatus::count(None, 3, 3, healthy);
        assert_eq!(eviction(&pod(false), [&budget(status(2))]), Eviction::Allowed);
        assert_eq!(eviction(&pod(false), [&budget(status(0))]), Eviction::Refused);
        let always = UnhealthyPodEvictionPolicy::AlwaysAllow;
        let permissive = PodDisruptionBudget { unhealthy_pod_eviction_policy: always, ..budget(status(0)) };
        assert_eq!(eviction(&pod(false), [&permissive]), Eviction::Allowed);
        let pending = Pod { phase: Phase::Pending, ..pod(false) };
        assert_eq!(eviction(&pending, [&budget(status(0))]), Eviction::Allowed);
    }

    #[test]
    fn counts_and_shares_are_read_from_numbers_and_texts() {
        let read = |value: serde_json::Value| IntOrPercent::read(&value);
        assert_eq!(read(1.into()), Some(Count(1)));
        assert_eq!(read("2".into()), Some(Count(2)));
        assert_eq!(read("50%".into()), Some(Percent(50)));
        assert_eq!(read("-5%".into()), None);
        assert_eq!(read("x".into()), None);
    }
}
