//! What scenario files cannot say: runs taken up again, the same plan twice, a plan of another cluster.

use fleetwright::roll_out::window;
use fleetwright_eks::plan::{PlanDocument, PlanOptions, Standing};
use fleetwright_eks::run::outcome::{ClusterOutcome, ClusterStanding, StepOutcome, StepStanding};
use fleetwright_engine::{AtGates, Conclusion, Control};
use fleetwright_flow::Ending;

use crate::world::{Staged, World};

/// A cluster that nothing is wrong with.
pub(crate) fn healthy(name: &str, version: &str) -> String {
    format!(
        r#"
        [[clusters]]
        name = "{name}"
        account = "shop-prod"
        version = "{version}"
        logging = ["audit"]
        node_groups = [{{ name = "blue", nodes = 3 }}]
        addons = [{{ name = "vpc-cni" }}, {{ name = "coredns" }}, {{ name = "kube-proxy" }}]
        workloads = [{{ name = "web", namespace = "shop", replicas = 3, max_unavailable = 1 }}]
        "#
    )
}

pub(crate) fn step<'a>(outcome: &'a ClusterOutcome, id: &str) -> &'a StepOutcome {
    outcome.steps.iter().find(|step| step.id == id).unwrap_or_else(|| panic!("{id} in {:?}", outcome.steps))
}

/// The step that failed, its code and what was said.
pub(crate) fn failed(outcome: &ClusterOutcome) -> (&str, &str, &str) {
    let step =
        outcome.steps.iter().find(|step| step.standing == StepStanding::Failed).expect("a step failed");
    (&step.id, step.code.as_deref().unwrap_or_default(), step.message.as_deref().unwrap_or_default())
}

/// The run of the cluster `shop` to a version.
pub(crate) async fn staged(clusters: &str, to: u16) -> Staged {
    let world = World::of(clusters).await;
    let document = world.planned("shop", to).await;
    assert_eq!(document.plan().standing(), Standing::Executable, "{:#?}", document.plan().findings);
    world.run(document).await.expect("a plan that can be carried out")
}

#[tokio::test(start_paused = true)]
async fn each_hop_waits_for_its_approval_and_the_looks_go_ahead_of_it() {
    let world = World::of(&healthy("shop", "1.34")).await;
    let document = world.planned_with("shop", 35, &PlanOptions::default()).await;
    let staged = world.run(document).await.expect("a plan that can be carried out");
    let concluded = staged.drive_with(&Control::new("the test", AtGates::Leave)).await;
    assert!(matches!(concluded.conclusion, Conclusion::WaitsForApproval(_)), "{:?}", concluded.conclusion);
    let outcome = staged.outcome().await;
    assert_eq!(step(&outcome, "gate-1.35").standing, StepStanding::Done);
    assert_eq!(step(&outcome, "baseline").standing, StepStanding::Waiting);
    assert!(staged.effects().is_empty(), "{:?}", staged.effects());
    assert_eq!(staged.drive().await.ending(), Some(Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn what_is_so_already_is_not_done_again() {
    let staged = staged(&healthy("shop", "1.34"), 35).await;
    // Another run of the same plan gets there first.
    staged.drive().await;
    let before = staged.effects();
    let Staged { world, document, .. } = staged;
    let plan = PlanDocument::new(document.plan().clusters[0].plan.clone());
    let again = world.run(plan).await.expect("the plan may be carried out");
    again.drive().await;
    let outcome = again.outcome().await;
    assert_eq!(again.effects(), before, "nothing was changed twice");
    assert_eq!(outcome.standing, ClusterStanding::Done);
    let again = ["gate-1.35", "control-plane-1.35", "nodes-blue-1.35"].map(|id| step(&outcome, id).standing);
    assert_eq!(again, [StepStanding::NotNeeded; 3]);
    // A hop that somebody else made was made at a time that this run does not know.
    assert_eq!(outcome.way_back, None);
}

#[tokio::test(start_paused = true)]
async fn another_cluster_of_the_name_is_not_touched() {
    let world = World::of(&healthy("shop", "1.34")).await;
    let mut plan = world.planned("shop", 35).await.into_plan();
    plan.cluster.endpoint = "https://0000.gr7.eu-central-1.eks.amazonaws.com".to_owned();
    let staged = world.run(PlanDocument::new(plan)).await.expect("a plan that can be carried out");
    assert_eq!(staged.drive().await.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    let failed = outcome.steps.iter().find(|step| step.standing == StepStanding::Failed);
    let failed = failed.expect("a step failed");
    assert_eq!((&*failed.id, failed.code.as_deref()), ("gate-1.35", Some("FW-X0009")));
    assert!(staged.effects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_window_that_cannot_be_used_says_why() {
    let world = World::of(&healthy("shop", "1.34")).await;
    let (settings, now) = (&world.stage.settings, world.stage.clock.now());
    let refused = |name: &str| window(settings, Some(name), now).expect_err("no window").message;
    assert_eq!(
        refused("nightly"),
        "window \"nightly\" cannot be used: there is no window nightly: the configuration describes none"
    );
    let faulty = refused("Sun 23:00-25:00 Europe/Berlin");
    let begins = "window \"Sun 23:00-25:00 Europe/Berlin\" cannot be used: not a window, ";
    assert!(faulty.starts_with(begins) && faulty.len() > begins.len(), "{faulty}");
}
