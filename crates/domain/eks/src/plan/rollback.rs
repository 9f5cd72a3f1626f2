//! The way back of each hop: nodes first, then add-ons that the older version does not know, then, when EKS has
//! looked again, the control plane; then the test suites.
//!
//! Source: EKS User Guide, "Roll back a cluster's Kubernetes version": one minor, within seven days, nodes never newer than
//! the control plane; add-ons and nodes are not taken back with it.

use std::collections::BTreeMap;

use fleetwright_kubernetes::{Hop, Minor, Skew, version::skew};

use super::addons::{AddonMove, Turn};
use super::draft::Draft;
use super::nodes::{PlannedSet, Sets};
use super::step::{Condition, PlanStep};
use super::{Rollback, actions, suites};
use crate::suite::Suite;

/// What ways back are made from.
pub(super) struct WaysBack<'a> {
    pub(super) cluster: &'a str,
    pub(super) sets: &'a Sets<'a>,
    pub(super) addons: &'a [AddonMove],
    pub(super) suites: &'a [Suite],
}

impl WaysBack<'_> {
    /// The way back of every hop, in the order of the hops.
    pub(super) fn of(&self, hops: &[Hop], steps: &[PlanStep]) -> Vec<Rollback> {
        hops.iter().map(|&hop| self.of_hop(hop, steps)).collect()
    }

    fn of_hop(&self, hop: Hop, steps: &[PlanStep]) -> Rollback {
        let cluster = self.cluster;
        let control_plane = actions::control_plane(cluster, hop).id;
        let closed_by = steps.iter().find(|step| step.closes.contains(&control_plane));
        let mut draft = Draft::default();
        for step in nodes(cluster, hop, steps, self.sets) {
            draft.then(step);
        }
        for (name, from, to) in addons_back(hop, self.addons) {
            draft.then(actions::addon_back(cluster, &name, &from, &to));
        }
        draft.then(actions::refresh_insights_back(cluster, hop));
        draft.then(actions::control_plane_back(cluster, hop));
        let after = format!("back-{}", hop.from);
        draft.then(actions::health(&after, hop.from));
        self.suites.iter().for_each(|suite| draft.then(suites::step(suite, &after, hop.from)));
        Rollback {
            hop,
            within_seconds: actions::ROLLBACK_SECONDS,
            closed_by: closed_by.map(|step| step.id.clone()),
            steps: draft.finish(),
        }
    }
}

/// Nodes that got the hop's version, the last of them first. They go back to what they had, where that may serve beside
/// both versions of the control plane.
fn nodes(cluster: &str, hop: Hop, steps: &[PlanStep], sets: &Sets<'_>) -> Vec<PlanStep> {
    let rolled = steps.iter().rev().filter_map(|step| {
        let set = step.after.iter().find_map(|after| match after {
            Condition::NodesAt { set, version } if *version == hop.to => Some(set),
            _ => None,
        })?;
        let set: &PlannedSet<'_> = sets.planned.iter().find(|planned| planned.nodes.name == *set)?;
        let (_, before, _) = step.action.replaced_nodes()?;
        let serves = |minor: Minor| skew(before, minor) == Skew::Supported;
        let to = if serves(hop.to) && serves(hop.from) { before } else { hop.from };
        actions::nodes_back(cluster, set, hop, to)
    });
    rolled.collect()
}

/// Updates of add-ons that followed the hop, undone as far as the older version needs it.
fn addons_back(hop: Hop, addons: &[AddonMove]) -> Vec<(String, String, String)> {
    let mut followed: BTreeMap<&str, Vec<&AddonMove>> = BTreeMap::new();
    for update in addons.iter().filter(|update| update.turn == Turn::After(hop)) {
        followed.entry(&update.name).or_default().push(update);
    }
    let mut back = Vec::new();
    for updates in followed.into_values() {
        let undone = updates.iter().rev().take_while(|update| !update.serves_before);
        back.extend(undone.map(|update| (update.name.clone(), update.to.clone(), update.from.clone())));
    }
    back
}
