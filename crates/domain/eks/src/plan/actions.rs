//! Steps of each kind: their calls, what must hold around them, how long they take, their ways back.

use fleetwright_kubernetes::{Hop, Minor};
use serde_json::{Value, json};

use crate::facts::nodes::{SelfManagedGroup, TemplateRef};
use crate::pool_budget::{CLOSED, FRONT, REASONS};
use crate::query::metric::{METRIC_DELAY, METRIC_WINDOW};
use crate::solve::surge::REFRESH_PERCENT_MAX;

use super::nodes::{Kind, PlannedSet};
use super::step::{Action, Basis, Call, Condition, PlanStep, Reversibility, StepId, Verb};

/// Seconds for which EKS takes a hop back. Source: EKS User Guide, "Roll back a cluster's Kubernetes version": 7 days.
pub(super) const ROLLBACK_SECONDS: u32 = 7 * 24 * 3600;
/// Seconds that a hop of the control plane usually takes. Source: EKS User Guide, "Update existing cluster": several
/// minutes.
const CONTROL_PLANE_SECONDS: u32 = 12 * 60;
/// Seconds that an add-on, a refresh of insights and a look at everything usually take.
const ADDON_SECONDS: u32 = 3 * 60;
const INSIGHTS_SECONDS: u32 = 2 * 60;
const GATE_SECONDS: u32 = 60;
const HEALTH_SECONDS: u32 = 3 * 60;
/// Seconds for a batch of nodes: a start, and a drain far below the 15 minutes that EKS gives one.
const BATCH_SECONDS: u32 = 5 * 60;
/// Seconds around the batches of a managed group. Source: EKS User Guide, "Understand each phase of node updates": set-up,
/// scale-up and scale-down.
const GROUP_SECONDS: u32 = 8 * 60;
/// Seconds until an evicted pod is on a node of its own at Fargate.
const FARGATE_SECONDS: u32 = 2 * 60;

fn looks(id: String, action: Action, seconds: u32) -> PlanStep {
    PlanStep {
        id: StepId::new(id),
        action,
        calls: Vec::new(),
        before: Vec::new(),
        after: Vec::new(),
        expected_seconds: seconds,
        basis: Basis::Usual,
        reversibility: Reversibility::NothingToUndo,
        closes: Vec::new(),
        needs: Vec::new(),
    }
}

fn eks(action: &str, parameters: Value) -> Call {
    Call::Aws { service: "eks".to_owned(), action: action.to_owned(), parameters }
}

fn reversible(how: impl Into<String>) -> Reversibility {
    Reversibility::Reversible { how: how.into(), within_seconds: None, remains: String::new() }
}

pub(super) fn refresh_insights(cluster: &str, hop: Hop) -> PlanStep {
    PlanStep {
        calls: vec![eks("StartInsightsRefresh", json!({ "clusterName": cluster }))],
        before: vec![Condition::AtRest],
        ..looks(format!("insights-{}", hop.to), Action::RefreshInsights { hop }, INSIGHTS_SECONDS)
    }
}

pub(super) fn gate(cluster: &str, hop: Hop) -> PlanStep {
    let filter = json!({ "categories": ["UPGRADE_READINESS"], "kubernetesVersions": [hop.to.to_string()] });
    PlanStep {
        calls: vec![eks("ListInsights", json!({ "clusterName": cluster, "filter": filter }))],
        after: vec![
            Condition::InsightsClear,
            Condition::NoBlocker { hop },
            Condition::KubeletsWithin { control_plane: hop.to },
        ],
        ..looks(format!("gate-{}", hop.to), Action::Gate { hop }, GATE_SECONDS)
    }
}

pub(super) fn approval(name: &str, about: Vec<String>) -> PlanStep {
    PlanStep {
        after: vec![Condition::Approved],
        basis: Basis::People,
        ..looks(format!("approve-{name}"), Action::Approval { about }, 0)
    }
}

pub(super) fn health(after: &str, at: Minor) -> PlanStep {
    PlanStep {
        after: vec![Condition::AsHealthyAsBefore],
        ..looks(format!("health-{after}"), Action::HealthGate { at }, HEALTH_SECONDS)
    }
}

/// A look at the cluster's health waits for metrics of the time behind what was done: on average half a window until one
/// begins, the window, and until its values are there.
pub(super) fn settles(step: &mut PlanStep) {
    if matches!(step.action, Action::HealthGate { .. }) {
        let waits = METRIC_WINDOW.as_secs() * 3 / 2 + METRIC_DELAY.as_secs();
        step.expected_seconds = HEALTH_SECONDS.max(u32::try_from(waits).unwrap_or(u32::MAX));
    }
}

pub(super) fn control_plane(cluster: &str, hop: Hop) -> PlanStep {
    let remains = "what was written to etcd since, and versions in which objects are stored";
    PlanStep {
        calls: vec![update_cluster(cluster, hop.to)],
        before: vec![
            Condition::AtRest,
            Condition::ControlPlaneAt { version: hop.from },
            Condition::KubeletsWithin { control_plane: hop.to },
        ],
        after: vec![Condition::AtRest, Condition::ControlPlaneAt { version: hop.to }],
        reversibility: Reversibility::Reversible {
            how: format!(
                "eks:UpdateClusterVersion to {} (VersionRollback), after nodes and add-ons",
                hop.from
            ),
            within_seconds: Some(ROLLBACK_SECONDS),
            remains: remains.to_owned(),
        },
        ..looks(
            format!("control-plane-{}", hop.to),
            Action::ControlPlane { from: hop.from, to: hop.to },
            CONTROL_PLANE_SECONDS,
        )
    }
}

/// EKS looks again before the control plane goes back: what it saw while nodes and add-ons were newer would block that.
pub(super) fn refresh_insights_back(cluster: &str, hop: Hop) -> PlanStep {
    let back = Hop { from: hop.to, to: hop.from };
    PlanStep { id: StepId::new(format!("back-insights-{}", hop.from)), ..refresh_insights(cluster, back) }
}

/// The control plane goes back over a hop.
pub(super) fn control_plane_back(cluster: &str, hop: Hop) -> PlanStep {
    PlanStep {
        calls: vec![update_cluster(cluster, hop.from)],
        before: vec![
            Condition::AtRest,
            Condition::ControlPlaneAt { version: hop.to },
            Condition::KubeletsWithin { control_plane: hop.from },
        ],
        after: vec![Condition::AtRest, Condition::ControlPlaneAt { version: hop.from }],
        reversibility: reversible(format!("eks:UpdateClusterVersion to {}, as before", hop.to)),
        ..looks(
            format!("back-control-plane-{}", hop.from),
            Action::ControlPlane { from: hop.to, to: hop.from },
            CONTROL_PLANE_SECONDS,
        )
    }
}

fn update_cluster(cluster: &str, version: Minor) -> Call {
    eks("UpdateClusterVersion", json!({ "name": cluster, "version": version, "force": false }))
}

/// An add-on goes to a version. With `NONE` a field that somebody else changed stops the update rather than being lost.
pub(super) fn addon(cluster: &str, name: &str, from: &str, to: &str) -> PlanStep {
    let parameters = json!({
        "clusterName": cluster, "addonName": name, "addonVersion": to, "resolveConflicts": "NONE",
    });
    PlanStep {
        calls: vec![eks("UpdateAddon", parameters)],
        before: vec![
            Condition::AtRest,
            Condition::AddonAt { name: name.to_owned(), version: from.to_owned() },
        ],
        after: vec![Condition::AddonAt { name: name.to_owned(), version: to.to_owned() }],
        reversibility: reversible(format!("eks:UpdateAddon to {from}")),
        ..looks(
            format!("addon-{name}-{to}"),
            Action::Addon { name: name.to_owned(), from: from.to_owned(), to: to.to_owned() },
            ADDON_SECONDS,
        )
    }
}

pub(super) fn hold_pool(pool: &str) -> PlanStep {
    let closed = json!({ "nodes": CLOSED, "reasons": REASONS });
    let hold = json!([{ "op": "add", "path": FRONT, "value": closed }]);
    PlanStep {
        calls: vec![patch_pool(pool, hold)],
        reversibility: reversible("the budget that was put in front is taken out again"),
        ..looks(format!("hold-{pool}"), Action::HoldPool { pool: pool.to_owned() }, GATE_SECONDS)
    }
}

fn patch_pool(pool: &str, body: Value) -> Call {
    let path = format!("/apis/karpenter.sh/v1/nodepools/{pool}");
    Call::Kubernetes { verb: Verb::Patch, path, body }
}

/// The held budget lets drift through wave by wave, is closed when a wave has the nodes that it may replace, and is gone
/// with the last: then the pool's own budgets hold.
fn release_pool(pool: &str, waves: usize) -> Vec<Call> {
    let test = json!({ "op": "test", "path": format!("{FRONT}/reasons"), "value": REASONS });
    let set = |nodes: &str| {
        let replace = json!({ "op": "replace", "path": format!("{FRONT}/nodes"), "value": nodes });
        patch_pool(pool, json!([test.clone(), replace]))
    };
    let limited = super::nodes::POOL_WAVES.iter().take(waves.saturating_sub(1));
    let mut calls: Vec<Call> = limited.flat_map(|nodes| [set(nodes), set(CLOSED)]).collect();
    calls.push(patch_pool(pool, json!([test, { "op": "remove", "path": FRONT }])));
    calls
}

/// Instances come before others go, a tenth of the group at once; those of the version already stay. How long one takes
/// to count is the group's own setting. Members that are protected or in standby are waited for: nobody lets go of them
/// but who holds them.
fn start_refresh(group: &SelfManagedGroup, template: Option<&TemplateRef>) -> Call {
    let preferences = json!({
        "MinHealthyPercentage": 100, "MaxHealthyPercentage": REFRESH_PERCENT_MAX, "SkipMatching": true,
        "ScaleInProtectedInstances": "Wait", "StandbyInstances": "Wait",
    });
    let mut parameters = json!({
        "AutoScalingGroupName": group.name, "Strategy": "Rolling", "Preferences": preferences,
    });
    if let Some(TemplateRef { id, version }) = template {
        let named = json!({ "LaunchTemplateId": id, "Version": version.to_string() });
        let mixed = group.template().is_some_and(|template| template.mixed.is_some());
        parameters["DesiredConfiguration"] = match mixed {
            false => json!({ "LaunchTemplate": named }),
            true => json!({
                "MixedInstancesPolicy": { "LaunchTemplate": { "LaunchTemplateSpecification": named } },
            }),
        };
    }
    Call::Aws { service: "autoscaling".to_owned(), action: "StartInstanceRefresh".to_owned(), parameters }
}

/// The nodes of a set are replaced by nodes of this version.
pub(super) fn nodes(cluster: &str, set: &PlannedSet<'_>, from: Minor, to: Minor) -> PlanStep {
    let (id, action, calls) = match &set.kind {
        Kind::Managed(group) => {
            let parameters = json!({
                "clusterName": cluster, "nodegroupName": group.name, "version": to, "force": false,
            });
            let action = Action::ManagedNodes {
                group: group.name.clone(),
                from,
                to,
                strategy: group.strategy,
                at_once: set.at_once,
            };
            (format!("nodes-{}-{to}", group.name), action, vec![eks("UpdateNodegroupVersion", parameters)])
        }
        Kind::SelfManaged(group) => {
            let template = group.version_for(to);
            let call = start_refresh(group, template.as_ref());
            let action = Action::SelfManagedNodes { group: group.name.clone(), from, to, template };
            (format!("instances-{}-{to}", group.name), action, vec![call])
        }
        Kind::Pool { pool, waves } => {
            let action = Action::PoolNodes { pool: pool.name.clone(), from, to, waves: waves.clone() };
            let calls = if waves.is_empty() { Vec::new() } else { release_pool(&pool.name, waves.len()) };
            (format!("pool-{}-{to}", pool.name), action, calls)
        }
        Kind::Fargate { pods } => {
            let names = pods.iter().map(|pod| format!("{}/{}", pod.namespace, pod.name)).collect();
            let calls = pods.iter().map(|pod| evict(&pod.namespace, &pod.name)).collect();
            (format!("fargate-{to}"), Action::FargatePods { from, to, pods: names }, calls)
        }
    };
    let mut before = vec![Condition::ControlPlaneAt { version: to }];
    if matches!(set.kind, Kind::SelfManaged(_)) {
        before.push(Condition::ImageOf { set: set.nodes.name.clone(), version: to });
    }
    let (seconds, basis) = duration(set);
    PlanStep {
        calls,
        before,
        after: vec![Condition::NodesAt { set: set.nodes.name.clone(), version: to }],
        reversibility: way_back(set, from),
        basis,
        ..looks(id, action, seconds)
    }
}

/// The nodes of a set go back to the version that they had, before the control plane does. `None` for those that EKS
/// makes by the control plane's version.
pub(super) fn nodes_back(cluster: &str, set: &PlannedSet<'_>, hop: Hop, to: Minor) -> Option<PlanStep> {
    let mut step = nodes(cluster, set, hop.to, to);
    step.before = vec![Condition::ControlPlaneAt { version: hop.to }];
    match &set.kind {
        Kind::Managed(_) => {}
        Kind::SelfManaged(_) => {
            step.before.push(Condition::ImageOf { set: set.nodes.name.clone(), version: to });
        }
        Kind::Pool { waves, .. } if waves.is_empty() => return None,
        Kind::Pool { .. } => {
            step.calls.clear();
            step.before.push(Condition::ImageOf { set: set.nodes.name.clone(), version: to });
        }
        Kind::Fargate { .. } => return None,
    }
    step.id = StepId::new(format!("back-{}", step.id));
    Some(step)
}

/// An add-on goes back to a version that serves the older control plane.
pub(super) fn addon_back(cluster: &str, name: &str, from: &str, to: &str) -> PlanStep {
    let mut step = addon(cluster, name, from, to);
    step.id = StepId::new(format!("back-{}", step.id));
    step
}

fn evict(namespace: &str, name: &str) -> Call {
    let metadata = json!({ "namespace": namespace, "name": name });
    Call::Kubernetes {
        verb: Verb::Create,
        path: format!("/api/v1/namespaces/{namespace}/pods/{name}/eviction"),
        body: json!({ "apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata }),
    }
}

fn duration(set: &PlannedSet<'_>) -> (u32, Basis) {
    let each = if matches!(set.kind, Kind::Fargate { .. }) { FARGATE_SECONDS } else { BATCH_SECONDS };
    let around = if matches!(set.kind, Kind::Managed(_)) { GROUP_SECONDS } else { 0 };
    let at_once = set.at_once.max(1);
    let seconds = set.count.div_ceil(at_once).saturating_mul(each).saturating_add(around);
    (seconds, Basis::Batches { nodes: set.count, at_once, seconds: each })
}

fn way_back(set: &PlannedSet<'_>, from: Minor) -> Reversibility {
    match &set.kind {
        Kind::Managed(_) => reversible(format!("eks:UpdateNodegroupVersion to {from}")),
        Kind::SelfManaged(group) => match group.version_for(from) {
            Some(template) => {
                reversible(format!("an instance refresh with {template}, whose image is of {from}"))
            }
            None => reversible(format!(
                "an instance refresh with a version of the launch template for {from}, which somebody has to make"
            )),
        },
        Kind::Pool { waves, .. } if waves.is_empty() => {
            reversible("Auto Mode replaces the nodes again when the control plane goes back")
        }
        Kind::Pool { .. } => {
            reversible(format!("drift to the image for {from}, when the node class names it"))
        }
        Kind::Fargate { .. } => Reversibility::Irreversible {
            lost:
                "evicted pods come back with the control plane's version only: it cannot go back beneath them"
                    .to_owned(),
        },
    }
}
