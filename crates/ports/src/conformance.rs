//! What every implementation of a port must do, as suites its tests call.

pub mod artifacts;
pub mod audit;
pub mod balancers;
pub mod budgets;
pub mod change_records;
pub mod cluster_changes;
pub mod clusters;
pub mod commands;
pub mod event_rules;
pub mod functions;
pub mod images;
pub mod journal;
pub mod kubernetes;
pub mod kubernetes_changes;
pub mod language_models;
pub mod logs;
pub mod machines;
pub mod maintenance;
pub mod metrics;
pub mod notifier;
pub mod objects;
pub mod parameters;
pub mod power;
pub mod self_managed;
pub mod stacks;
pub mod state_machines;

use std::time::Duration;

use crate::Clock;

/// Between two looks at something that takes its time.
const LOOK: Duration = Duration::from_secs(15);
/// How long a suite waits for what must come about: images of small volumes take minutes.
const PATIENCE: Duration = Duration::from_secs(4 * 3600);

/// Looks every [`LOOK`] until there is an answer.
///
/// # Panics
/// When there is none within [`PATIENCE`].
async fn eventually<T>(clock: &dyn Clock, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looks = PATIENCE.as_secs() / LOOK.as_secs();
    for _ in 0..looks {
        if let Some(found) = look().await {
            return found;
        }
        clock.sleep(LOOK).await;
    }
    panic!("{what}: not within {} h", PATIENCE.as_secs() / 3600);
}
