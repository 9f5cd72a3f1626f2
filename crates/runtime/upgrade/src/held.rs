//! What keeps nodes that are to be drained from being empty.

use fleetwright_eks::health::held_up;
use fleetwright_kubernetes::Node;

use crate::context::{Context, Site};
use crate::look::listed;

/// Seconds after which an update of nodes is asked what it waits for: a batch of nodes has usually gone by then.
pub(crate) const DIAGNOSED_AFTER: i64 = 5 * 60;

/// The pods that a replacement of nodes waits for. That nobody could look at them is told in the log and changes nothing.
pub(crate) async fn held(
    context: &Context,
    site: &Site<'_>,
    is_drained: impl Fn(&Node) -> bool,
) -> Vec<String> {
    match context.facts(site, &[]).await {
        Ok(facts) => held_up(&facts, is_drained),
        Err(failure) => {
            tracing::warn!(%failure, cluster = %site.name, "nobody could look what holds the nodes up");
            Vec::new()
        }
    }
}

/// The same as the end of a sentence.
pub(crate) fn told(held: &[String]) -> String {
    match held {
        [] => String::new(),
        held => format!("; held up by {}", listed(held)),
    }
}
