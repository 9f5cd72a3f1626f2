//! The machine's clock is set in the middle of a run. What it says afterwards has nothing to do with
//! what it said before; the run comes to an end all the same, and nothing is done twice.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_model::code;
use fleetwright_patch::outcome::HostOutcome;
use fleetwright_ports::Clock;
use jiff::{SignedDuration, Timestamp};

use crate::invariants::invariants;
use crate::story::{approving, planned};

/// A clock that somebody sets.
struct Set {
    true_time: Arc<dyn Clock>,
    at: Timestamp,
    by: SignedDuration,
}

#[async_trait]
impl Clock for Set {
    fn now(&self) -> Timestamp {
        let now = self.true_time.now();
        if now < self.at { now } else { now + self.by }
    }

    async fn sleep(&self, duration: Duration) {
        self.true_time.sleep(duration).await;
    }
}

/// Drives the fleet while the clock is set a quarter of an hour into the run.
async fn ends(by: SignedDuration) {
    let mut staged = planned("run-stopped-put-back", &[("safety.max_failure_percentage", "100")]).await;
    let true_time = Arc::clone(&staged.stage.clock);
    let since = true_time.now();
    staged.stage.clock =
        Arc::new(Set { at: since + SignedDuration::from_mins(15), by, true_time: Arc::clone(&true_time) });
    staged.drive(&approving()).await.expect("driven to an end");
    let finished = staged.finished().await;
    assert!(finished.run.ending().is_some());
    for result in &finished.results {
        assert_ne!(result.outcome, HostOutcome::Open, "{}", result.host.id);
        let known = result.code.as_deref().is_some_and(|id| code::find(id).is_some());
        assert!(known || result.outcome == HostOutcome::Success, "{}: {:?}", result.host.id, result.code);
    }
    let took = true_time.now().duration_since(since);
    assert!(took < SignedDuration::from_hours(12), "{took:?}");
    let mut wrong = Vec::new();
    invariants(&staged, since, &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_three_hours_ahead_ends_what_is_then_too_late_and_the_run_ends() {
    ends(SignedDuration::from_hours(3)).await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_three_hours_back_does_not_keep_the_run_from_its_end() {
    ends(SignedDuration::from_hours(-3)).await;
}
