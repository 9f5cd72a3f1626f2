//! Whether what must hold around a step holds.

use fleetwright_eks::plan::{Action, Condition};
use fleetwright_kubernetes::{Skew, version::skew};
use fleetwright_model::Failure;
use fleetwright_ports::clusters::UpdateStatus;

use crate::look::{Sight, listed, serves_with};

/// Whether a condition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// It does.
    Yes,
    /// It does not, and may after a time.
    NotYet(String),
    /// It does not, and waiting does not help.
    No(String),
}

/// Whether all of these hold; the first that does not is told. What other steps prove is passed over: approvals,
/// insights, blockers, health and test suites have steps of their own.
pub(crate) async fn all_hold(
    sight: &mut Sight<'_>,
    action: &Action,
    conditions: &[Condition],
) -> Result<Holds, Failure> {
    for condition in conditions {
        match holds(sight, action, condition).await? {
            Holds::Yes => {}
            other => return Ok(other),
        }
    }
    Ok(Holds::Yes)
}

async fn holds(sight: &mut Sight<'_>, action: &Action, condition: &Condition) -> Result<Holds, Failure> {
    let clusters = &sight.context.ports().clusters;
    let site = sight.site;
    match condition {
        Condition::AtRest => at_rest(sight).await,
        Condition::ControlPlaneAt { version } => {
            let found = sight.described.cluster.version;
            Ok(match found == *version {
                true => Holds::Yes,
                false => Holds::No(format!("the control plane has {found}, not {version}")),
            })
        }
        Condition::AddonAt { name, version } => {
            let addons = clusters.addons(&site.cell, &site.name).await?;
            Ok(match addons.iter().find(|addon| addon.name == *name) {
                None => Holds::No(format!("add-on {name} is not there any more")),
                Some(addon) if addon.version != *version => {
                    Holds::No(format!("add-on {name} has {}, not {version}", addon.version))
                }
                Some(addon) if addon.status != "ACTIVE" => {
                    let issues = listed(&addon.health_issues);
                    Holds::NotYet(format!("add-on {name}, which is {} {issues}", addon.status))
                }
                Some(_) => Holds::Yes,
            })
        }
        Condition::NodesAt { set, version } => {
            if let Some(missing) = not_joined(sight, action).await? {
                return Ok(Holds::NotYet(missing));
            }
            let nodes = sight.nodes_of(action).await?;
            let names = |node: &&&fleetwright_kubernetes::Node| !serves_with(node, *version);
            let missing: Vec<String> = nodes
                .iter()
                .filter(names)
                .map(|node| format!("{} ({}{})", node.metadata.name, node.kubelet, state(node)))
                .collect();
            Ok(match missing.as_slice() {
                [] => Holds::Yes,
                missing => Holds::NotYet(format!("nodes of {set} at {version}: {}", listed(missing))),
            })
        }
        Condition::KubeletsWithin { control_plane } => {
            let out =
                |node: &&fleetwright_kubernetes::Node| skew(node.kubelet, *control_plane) != Skew::Supported;
            let nodes = sight.nodes().await?;
            let out: Vec<String> = nodes
                .iter()
                .filter(out)
                .map(|node| format!("{} ({})", node.metadata.name, node.kubelet))
                .collect();
            Ok(match out.as_slice() {
                [] => Holds::Yes,
                out => Holds::No(format!(
                    "kubelets may not serve beside a control plane {control_plane}: {}",
                    listed(out)
                )),
            })
        }
        // A version of a launch template never changes, and a node class is a person's to change: what comes of either is
        // looked at by its nodes.
        Condition::ImageOf { .. } => Ok(Holds::Yes),
        Condition::InsightsClear
        | Condition::NoBlocker { .. }
        | Condition::Approved
        | Condition::AsHealthyAsBefore
        | Condition::SuitePassed { .. } => Ok(Holds::Yes),
    }
}

/// That instances of a group of one's own have no node yet: Auto Scaling does not wait for kubelets.
async fn not_joined(sight: &mut Sight<'_>, action: &Action) -> Result<Option<String>, Failure> {
    let Action::SelfManagedNodes { group, .. } = action else { return Ok(None) };
    let desired = usize::try_from(sight.group(group).await?.size.1).unwrap_or(usize::MAX);
    let joined = sight.nodes_of(action).await?.len();
    let told = || format!("instances of Auto Scaling group {group} to join: {joined} of {desired} are nodes");
    Ok((joined < desired).then(told))
}

fn state(node: &fleetwright_kubernetes::Node) -> &'static str {
    match (node.ready, node.unschedulable) {
        (false, _) => ", not ready",
        (true, true) => ", cordoned",
        (true, false) => "",
    }
}

async fn at_rest(sight: &Sight<'_>) -> Result<Holds, Failure> {
    let (status, site) = (&sight.described.cluster.status, sight.site);
    if status != "ACTIVE" {
        return Ok(Holds::NotYet(format!("the cluster, which is {status}")));
    }
    let updates = sight.context.ports().clusters.updates(&site.cell, &site.name).await?;
    let going_on = updates.iter().find(|update| update.status == UpdateStatus::InProgress);
    Ok(going_on
        .map_or(Holds::Yes, |update| Holds::NotYet(format!("update {} ({}) to end", update.id, update.kind))))
}
