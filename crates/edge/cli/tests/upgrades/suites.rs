//! Test suites of the user's own as conditions of an upgrade.

use fleetwright_eks::plan::{Approvals, PlanOptions};
use fleetwright_eks::run::outcome::{ClusterOutcome, ClusterStanding, StepStanding};
use fleetwright_flow::Ending;
use fleetwright_kubernetes::{Hop, Minor};

use crate::stories::{failed, healthy};
use crate::world::{Staged, World};

/// A cluster with a test suite, and what is said of the suite beside its name.
async fn staged(version: &str, to: u16, suite: &str) -> Staged {
    let suites = format!("suites = [{{ namespace = \"shop\", name = \"smoke\", {suite} }}]");
    let world = World::of(&format!("{}\n{suites}", healthy("shop", version))).await;
    let suites = vec!["shop/smoke".parse().expect("a suite")];
    let options = PlanOptions { approvals: Approvals::Once, suites, ..PlanOptions::default() };
    let document = world.planned_with("shop", to, &options).await;
    world.run(document).await.expect("a plan that can be carried out")
}

fn standing(outcome: &ClusterOutcome, id: &str) -> StepStanding {
    let found = outcome.steps.iter().find(|step| step.id == id);
    found.unwrap_or_else(|| panic!("{id} in {:?}", outcome.steps)).standing
}

#[tokio::test(start_paused = true)]
async fn a_suite_that_passes_is_run_once_at_each_of_its_places() {
    let staged = staged("1.34", 35, "seconds = 90").await;
    assert_eq!(staged.drive().await.ending(), Some(Ending::Complete));
    let outcome = staged.outcome().await;
    assert_eq!(outcome.standing, ClusterStanding::Done);
    for id in ["suite-before-shop-smoke", "suite-1.35-shop-smoke", "suite-nodes-1.35-shop-smoke"] {
        assert_eq!(standing(&outcome, id), StepStanding::Done, "{id}");
    }
    let jobs = staged.jobs();
    assert!(jobs.len() == 3 && jobs.values().all(|ended| ended == "Complete"), "{jobs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_suite_that_fails_already_stops_the_run_before_the_first_change() {
    let staged = staged("1.34", 35, "fails_from = \"1.30\", says = \"no stock\"").await;
    assert_eq!(staged.drive().await.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    let (id, code, words) = failed(&outcome);
    assert_eq!((id, code), ("suite-before-shop-smoke", "FW-X0019"));
    assert!(words.contains("no stock") && words.contains("pod smoke-"), "{words}");
    assert!(staged.effects().is_empty(), "{:?}", staged.effects());
}

#[tokio::test(start_paused = true)]
async fn a_suite_that_takes_too_long_stops_the_run() {
    let staged = staged("1.34", 35, "seconds = 7200").await;
    assert_eq!(staged.drive().await.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    let (id, code, words) = failed(&outcome);
    assert_eq!((id, code), ("suite-before-shop-smoke", "FW-X0019"));
    assert!(words.contains("was not done after") && words.contains("is Running"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn after_the_way_back_the_suite_passes_again() {
    let staged = staged("1.34", 35, "fails_from = \"1.35\", says = \"checkout answers 500\"").await;
    assert_eq!(staged.drive().await.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    let (id, _, words) = failed(&outcome);
    assert!(id == "suite-1.35-shop-smoke" && words.contains("checkout answers 500"), "{id}: {words}");
    let hop = Hop { from: Minor::new(34), to: Minor::new(35) };
    let back = staged.back("shop", hop).await;
    assert_eq!(back.drive().await.ending(), Some(Ending::Complete));
    let outcome = back.outcome().await;
    assert_eq!(standing(&outcome, "suite-back-1.34-shop-smoke"), StepStanding::Done);
    assert_eq!(back.jobs().values().filter(|ended| *ended == "Failed").count(), 1);
}
