//! Queries of Prometheus as conditions of an upgrade.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fleetwright_eks::plan::{Approvals, PlanOptions};
use fleetwright_flow::Ending;
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::Queries;

use crate::stories::{failed, healthy};
use crate::world::{Staged, World};

/// Answers one value after the other, and the last one from then on.
struct Answers(Mutex<VecDeque<Option<f64>>>);

#[async_trait]
impl Queries for Answers {
    async fn value(&self, _: &str) -> Result<f64, Failure> {
        let mut left = self.0.lock().expect("nobody panicked");
        let next = if left.len() > 1 { left.pop_front() } else { left.front().copied() };
        let broken =
            || Failure::new(ErrorClass::Transient, &code::GATE_UNKNOWN, "prometheus:Query", "broken");
        next.flatten().ok_or_else(broken)
    }
}

async fn staged(query: &str, answers: Option<&[Option<f64>]>) -> Staged {
    let world = World::of(&healthy("shop", "1.34")).await;
    let queries = vec![query.parse().expect("a query")];
    let options = PlanOptions { approvals: Approvals::Once, queries, ..PlanOptions::default() };
    let document = world.planned_with("shop", 35, &options).await;
    let mut staged = world.run(document).await.expect("a plan that can be carried out");
    staged.queries = answers
        .map(|answers| Arc::new(Answers(Mutex::new(answers.iter().copied().collect()))) as Arc<dyn Queries>);
    staged
}

#[tokio::test(start_paused = true)]
async fn a_query_that_holds_holds_nothing_up_and_one_that_nobody_answers_for_a_while_is_asked_again() {
    let staged = staged("errors=sum(failed) <= 0.01", Some(&[Some(0.001), None, Some(0.002)])).await;
    assert_eq!(staged.drive().await.ending(), Some(Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn a_query_whose_value_goes_beyond_its_tolerance_stops_the_run() {
    let staged = staged("p99=latency <= before +10%", Some(&[Some(100.0), Some(150.0)])).await;
    assert_eq!(staged.drive().await.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    let (id, code, words) = failed(&outcome);
    assert_ne!(id, "baseline");
    assert_eq!(code, fleetwright_model::code::CLUSTER_WORSE.id);
    assert!(words.contains("query p99 is 150, 100 before; it must be <= before +10%"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn a_query_that_nobody_can_be_asked_is_never_healthy() {
    for (answers, why) in [(None, "telemetry.prometheus_url"), (Some(&[None][..]), "broken")] {
        let staged = staged("errors=sum(failed) <= 0.01", answers).await;
        assert_eq!(staged.drive().await.ending(), Some(Ending::Halted), "{why}");
        let outcome = staged.outcome().await;
        let (id, _, words) = failed(&outcome);
        assert!(id == "baseline" && words.contains(why), "{id}: {words}");
        assert!(staged.effects().is_empty());
    }
}
