//! What holds nodes that are waited for: looked at where a step waits for long, and told behind what it waits for.

use fleetwright_eks::facts::Facts;
use fleetwright_eks::held::{Drainer, Held, held, held_pool, is_disrupted, unplanned};
use fleetwright_eks::maker::{Maker, maker};
use fleetwright_eks::plan::Action;
use fleetwright_kubernetes::Node;
use fleetwright_step::Slot;
use jiff::Timestamp;

use crate::context::{Context, Site};
use crate::look::listed;

/// Seconds after which it is looked what a replacement of nodes waits for: a batch of nodes has usually gone by then.
const LOOKED_AFTER: i64 = 5 * 60;

/// Whether a step waits for so long that it is looked what holds it.
pub(crate) fn is_due(slot: &Slot, now: Timestamp) -> bool {
    now.duration_since(slot.started_at).as_secs() >= LOOKED_AFTER
}

/// What `find` finds in everything that is known of a cluster. That nobody could look is told in the log and changes
/// nothing.
pub(crate) async fn found(
    context: &Context,
    site: &Site<'_>,
    find: impl FnOnce(&Facts) -> Vec<Held>,
) -> Vec<Held> {
    match context.facts(site, &[]).await {
        Ok(facts) => find(&facts),
        Err(failure) => {
            tracing::warn!(%failure, cluster = %site.name, "nobody could look what holds the nodes up");
            Vec::new()
        }
    }
}

/// What stands behind that which is waited for: nothing where nothing holds.
pub(crate) fn told(held: &[Held]) -> String {
    match held {
        [] => String::new(),
        held => {
            let lines: Vec<String> = held.iter().map(ToString::to_string).collect();
            format!("; held up by {}", listed(&lines))
        }
    }
}

/// What holds the nodes that an action replaces and that are still there.
pub(crate) fn by(facts: &Facts, action: &Action) -> Vec<Held> {
    match action {
        Action::PoolNodes { pool, to, .. } => {
            let is_old = |node: &Node| maker(node) == Maker::Pool(pool) && node.kubelet != *to;
            [held_pool(facts, pool, *to), held(facts, Drainer::Karpenter, is_old)].concat()
        }
        Action::FargatePods { pods, to, .. } => {
            let is_old = |node: &Node| maker(node) == Maker::Fargate && node.kubelet != *to;
            [unplanned(facts, pods, *to), held(facts, Drainer::Evictions, is_old)].concat()
        }
        Action::ManagedNodes { group, to, .. } => held(facts, Drainer::Evictions, |node| {
            maker(node) == Maker::ManagedGroup(group) && node.kubelet != *to
        }),
        _ => Vec::new(),
    }
}

/// What holds the nodes of a pool that Karpenter has begun to take away.
pub(crate) fn disrupted(facts: &Facts, of: &str) -> Vec<Held> {
    held(facts, Drainer::Karpenter, |node| maker(node) == Maker::Pool(of) && is_disrupted(node))
}
