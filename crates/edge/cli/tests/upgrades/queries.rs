//! Queries of Prometheus, metrics of CloudWatch and endpoints as conditions of an upgrade.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fleetwright_eks::endpoint::{Endpoint, Unwell};
use fleetwright_eks::plan::{Approvals, PlanOptions};
use fleetwright_eks::query::Query;
use fleetwright_eks::run::outcome::StepStanding;
use fleetwright_estate::estate::Estate;
use fleetwright_flow::Ending;
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::{Endpoints, Figure, FigureSink, FigureUnit, Queries};
use jiff::SignedDuration;

use crate::stories::{failed, healthy, step};
use crate::world::{ACCOUNT, REGION, Staged, World};

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

/// An upgrade of a cluster at 1.34 with what must hold meanwhile.
async fn holding(options: PlanOptions, to: u16) -> Staged {
    let world = World::of(&healthy("shop", "1.34")).await;
    let options = PlanOptions { approvals: Approvals::Once, ..options };
    let document = world.planned_with("shop", to, &options).await;
    world.run(document).await.expect("a plan that can be carried out")
}

async fn staged(query: &str, answers: Option<&[Option<f64>]>) -> Staged {
    let queries = vec![Query::of_prometheus(query).expect("a query")];
    let mut staged = holding(PlanOptions { queries, ..PlanOptions::default() }, 35).await;
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

fn metric(text: &str) -> PlanOptions {
    let queries = vec![Query::of_cloudwatch(text).expect("a metric")];
    PlanOptions { queries, ..PlanOptions::default() }
}

/// The shop counts its errors: one in five minutes for an hour until now, and these from then on.
async fn count_errors(world: &World, later: impl Fn(i32) -> f64) {
    let now = world.stage.clock.now();
    for minutes in (-60..480).step_by(5) {
        let value = if minutes < 0 { 1.0 } else { later(minutes) };
        let at = now + SignedDuration::from_mins(minutes.into());
        let errors = Figure { name: "errors", value, unit: FigureUnit::Count };
        world.stage.aws.put(&world.cell(), "Shop", &[errors], at).await.expect("it is counted");
    }
}

#[tokio::test(start_paused = true)]
async fn a_metric_that_holds_holds_nothing_up_but_for_the_time_that_it_takes_to_know() {
    let staged = holding(metric("errors=Shop:errors Sum <= before +10%"), 35).await;
    count_errors(&staged.world, |_| 1.0).await;
    assert_eq!(staged.drive().await.ending(), Some(Ending::Complete));
    let outcome = staged.outcome().await;
    let health = step(&outcome, "health-control-plane-1.35");
    let (began, ended) = (health.started_at.expect("it began"), health.ended_at.expect("it ended"));
    assert!(ended.duration_since(began) >= SignedDuration::from_mins(7), "{began} {ended}");
}

#[tokio::test(start_paused = true)]
async fn a_metric_that_turns_bad_after_the_first_hop_stops_the_run_before_the_second() {
    let staged = holding(metric("errors=Shop:errors Sum <= before +10%"), 36).await;
    count_errors(&staged.world, |minutes| if minutes < TURNS_BAD { 1.0 } else { 50.0 }).await;
    assert_eq!(staged.drive().await.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    assert_eq!(step(&outcome, "control-plane-1.35").standing, StepStanding::Done);
    assert_eq!(step(&outcome, "control-plane-1.36").standing, StepStanding::Left);
    let (id, code, words) = failed(&outcome);
    assert!(id.starts_with("health-"), "{id}: {words}");
    assert_eq!(code, fleetwright_model::code::CLUSTER_WORSE.id);
    assert!(words.contains("metric errors is 50, 1 before; it must be <= before +10%"), "{words}");
}

/// Minutes after the begin at which the first hop is made, and what comes behind it is not.
const TURNS_BAD: i32 = 15;

#[tokio::test(start_paused = true)]
async fn a_metric_without_data_is_never_healthy_unless_no_data_count_as_none() {
    let staged = holding(metric("errors=Shop:errors Sum <= 5"), 35).await;
    assert_eq!(staged.drive().await.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    let (id, _, words) = failed(&outcome);
    assert!(
        id == "baseline" && words.contains("metric errors: Shop:errors Sum has no data in"),
        "{id}: {words}"
    );
    assert!(staged.effects().is_empty());
    let staged = holding(metric("errors=Shop:errors Sum or 0 <= 5"), 35).await;
    assert_eq!(staged.drive().await.ending(), Some(Ending::Complete));
}

/// Answers 503 for every endpoint as soon as the cluster is no more at a version.
struct DownBehind(Arc<Estate>, &'static str);

#[async_trait]
impl Endpoints for DownBehind {
    async fn unwell(&self, endpoints: &[Endpoint]) -> Result<BTreeMap<String, Unwell>, Failure> {
        let is_up = self.0.with_world(|world| {
            let clusters = &world.accounts[ACCOUNT].regions[REGION].clusters.by_name;
            clusters["shop"].version.to_string() == self.1
        });
        let down = endpoints.iter().filter(|_| !is_up);
        Ok(down.map(|endpoint| (endpoint.name().to_owned(), Unwell::Status(503))).collect())
    }
}

fn endpoint() -> PlanOptions {
    let endpoints = vec!["shop=https://shop.example.com/health?token=s3cr3t".parse().expect("an endpoint")];
    PlanOptions { endpoints, ..PlanOptions::default() }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_down_after_the_first_hop_stops_the_run_before_the_second() {
    let mut staged = holding(endpoint(), 36).await;
    staged.endpoints = Arc::new(DownBehind(Arc::clone(&staged.world.stage.world.estate), "1.34"));
    assert_eq!(staged.drive().await.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    let (id, code, words) = failed(&outcome);
    assert_eq!((id, code), ("health-control-plane-1.35", fleetwright_model::code::CLUSTER_WORSE.id));
    assert!(words.contains("endpoint shop answers 503"), "{words}");
    assert_eq!(step(&outcome, "control-plane-1.36").standing, StepStanding::Left);
    let records = format!("{:?}", staged.records().await);
    assert!(!records.contains("s3cr3t"), "the record says nothing of what may be a secret");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_was_down_before_stops_nothing_and_one_that_cannot_be_asked_is_never_healthy() {
    let mut staged = holding(endpoint(), 35).await;
    staged.endpoints = Arc::new(DownBehind(Arc::clone(&staged.world.stage.world.estate), "never"));
    assert_eq!(staged.drive().await.ending(), Some(Ending::Complete));

    let mut staged = holding(endpoint(), 35).await;
    staged.endpoints = Arc::new(Unasked);
    assert_eq!(staged.drive().await.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    let (id, _, words) = failed(&outcome);
    assert!(id == "baseline" && words.contains("shop: nobody knows its name"), "{id}: {words}");
    assert!(staged.effects().is_empty());
}

/// Asks nobody.
struct Unasked;

#[async_trait]
impl Endpoints for Unasked {
    async fn unwell(&self, _: &[Endpoint]) -> Result<BTreeMap<String, Unwell>, Failure> {
        let words = "nobody knows its name";
        Err(Failure::new(ErrorClass::Transient, &code::GATE_UNKNOWN, "endpoint:Get", words))
    }
}
