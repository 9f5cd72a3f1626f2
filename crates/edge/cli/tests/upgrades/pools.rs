//! Node pools of Karpenter and pods on Fargate: waves, what holds them, and what is put back.

use std::time::Duration;

use fleetwright_eks::plan::Action;
use fleetwright_eks::run::outcome::HeldPool;
use fleetwright_engine::{AtGates, Concluded, Control};
use fleetwright_estate::world::eks::Cluster;
use fleetwright_estate::world::eks::node_pools::{NODE_POOLS, POOL};
use fleetwright_estate::world::kube::NODES;
use fleetwright_flow::{Ending, TargetId, Timeline};
use fleetwright_kubernetes::Minor;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::stories::{failed, staged};
use crate::world::{ACCOUNT, REGION, Staged, World};

const BUDGET: &str = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web";

/// A cluster with a group for whoever looks after it and a pool, and a workload on the pool's nodes.
fn pooled(nodes: usize, workload: &str) -> String {
    format!(
        r#"
        [[clusters]]
        name = "shop"
        account = "shop-prod"
        version = "1.33"
        logging = ["audit"]
        node_groups = [{{ name = "system", nodes = 2 }}]
        pools = [{{ name = "general", nodes = {nodes}, budgets = [{{ nodes = "2" }}, {{ nodes = "0", reasons = ["Underutilized"] }}] }}]
        addons = [{{ name = "vpc-cni" }}, {{ name = "coredns" }}, {{ name = "kube-proxy" }}]
        workloads = [{{ name = "web", namespace = "shop", {workload}, node_selector = {{ "karpenter.sh/nodepool" = "general" }} }}]
        "#
    )
}

const ON_FARGATE: &str = r#"
    [[clusters]]
    name = "shop"
    account = "shop-prod"
    version = "1.33"
    logging = ["audit"]
    node_groups = [{ name = "blue", nodes = 3 }]
    fargate_profiles = [{ name = "shop", namespaces = ["shop"] }]
    addons = [{ name = "vpc-cni" }, { name = "coredns" }, { name = "kube-proxy" }]
    workloads = [{ name = "web", namespace = "shop", replicas = 3, max_unavailable = 1 }]
"#;

fn in_cluster<T>(world: &World, look: impl Fn(&Cluster) -> T) -> T {
    world
        .stage
        .world
        .estate
        .with_world(|world| look(&world.accounts[ACCOUNT].regions[REGION].clusters.by_name["shop"]))
}

fn budgets(world: &World) -> Value {
    in_cluster(world, |cluster| {
        let pool = cluster.kube.get(NODE_POOLS, "", "general").expect("the pool");
        pool["spec"]["disruption"]["budgets"].clone()
    })
}

/// What the pool of [`pooled`] has of its own.
fn own() -> Value {
    json!([{ "nodes": "2" }, { "nodes": "0", "reasons": ["Underutilized"] }])
}

/// What a run of the scenario `upgrade-node-pools` may not leave behind: other budgets than before, and nodes that were
/// replaced more than once.
pub(crate) fn left_behind(staged: &Staged) -> Vec<String> {
    let (budgets, launched) =
        (budgets(&staged.world), in_cluster(&staged.world, |cluster| cluster.pools["general"].launched()));
    let mut wrong = Vec::new();
    if budgets != json!([{ "nodes": "2" }]) {
        wrong.push(format!("the pool has the budgets {budgets}"));
    }
    if launched > 8 {
        wrong.push(format!("{launched} nodes were launched for a pool of four"));
    }
    wrong
}

/// When the pool's nodes came, in order.
fn came(world: &World) -> Vec<Timestamp> {
    in_cluster(world, |cluster| {
        let nodes = cluster.kube.list(NODES, None).map(|(_, node)| node);
        let own = nodes.filter(|node| node["metadata"]["labels"][POOL] == "general");
        let at = |node: &Value| node["metadata"]["creationTimestamp"].as_str()?.parse().ok();
        let mut all: Vec<Timestamp> = own.filter_map(at).collect();
        all.sort_unstable();
        all
    })
}

/// When a step of the only target that has it began and ended.
async fn times(staged: &Staged, step: &str) -> (Timestamp, Timestamp) {
    let (flow, records) = (&staged.document.plan().flow, staged.records().await);
    let found = (0..flow.targets.len()).find_map(|index| {
        let target = TargetId(u32::try_from(index).ok()?);
        let at = flow.recipe_of(target).steps.iter().position(|it| *it.name == *step)?;
        let visits = Timeline::of(target, &records).visits;
        let visit = visits.into_iter().rev().find(|visit| visit.step.index() == at)?;
        Some((visit.started_at, visit.ended_at?))
    });
    found.unwrap_or_else(|| panic!("{step} was carried out"))
}

/// Drives the run while somebody changes an object some minutes after its beginning.
async fn driven_while(staged: &Staged, minutes: u64, path: &str, operations: Value) -> Concluded {
    let control = Control::new("the test", AtGates::Approve { by: "ada".into() });
    let changes = async {
        staged.world.stage.clock.sleep(Duration::from_secs(minutes * 60)).await;
        staged.world.patch("shop", path, operations).await;
        std::future::pending::<Concluded>().await
    };
    tokio::select! {
        concluded = staged.drive_with(&control) => concluded,
        never = changes => never,
    }
}

fn lets_nobody_go() -> Value {
    json!([{ "op": "replace", "path": "/spec/maxUnavailable", "value": 0 }])
}

#[tokio::test(start_paused = true)]
async fn drifted_nodes_go_in_waves_and_the_pools_own_budgets_are_as_before() {
    let staged = staged(&pooled(5, "replicas = 5, max_unavailable = 1"), 34).await;
    assert_eq!(budgets(&staged.world), own());
    let concluded = staged.drive().await;
    assert_eq!(concluded.ending(), Some(Ending::Complete), "{:#?}", staged.outcome().await.steps);
    assert_eq!(budgets(&staged.world), own());
    let (version, nodes) = staged.world.versions("shop").await;
    assert!(version == Minor::new(34) && nodes.iter().all(|it| *it == version), "{nodes:?}");
    let launched = in_cluster(&staged.world, |cluster| cluster.pools["general"].launched());
    assert_eq!(launched, 10, "each of the five was replaced, once");
    // One node came in the first wave, a tenth of five in the second, and none between waves.
    let came = came(&staged.world);
    let within =
        |(from, until): (Timestamp, Timestamp)| came.iter().filter(|at| (from..until).contains(*at)).count();
    assert_eq!(within(times(&staged, "pool-wave-1").await), 1, "{came:?}");
    assert_eq!(within(times(&staged, "wave-health-1").await), 0, "{came:?}");
    assert_eq!(within(times(&staged, "pool-wave-2").await), 1, "{came:?}");
    assert_eq!(within(times(&staged, "wave-health-2").await), 0, "{came:?}");
    let (from, _) = times(&staged, "release-pool").await;
    assert_eq!(came.iter().filter(|at| **at >= from).count(), 3, "{came:?}");
}

#[tokio::test(start_paused = true)]
async fn pods_that_must_not_be_disrupted_stop_a_wave_and_are_named_with_their_nodes() {
    let annotations = r#"replicas = 4, annotations = { "karpenter.sh/do-not-disrupt" = "true" }"#;
    let staged = staged(&pooled(2, annotations), 34).await;
    assert_eq!(staged.drive().await.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    let (step, code, words) = failed(&outcome);
    assert_eq!((step, code), ("pool-general-1.34", "FW-X0013"), "{words}");
    let pod = words.split("held up by pod shop/web-").nth(1).unwrap_or_else(|| panic!("{words}"));
    assert!(pod.contains(" on ip-") && pod.contains("karpenter.sh/do-not-disrupt"), "{words}");
    assert_eq!(budgets(&staged.world), own(), "put back also after failure");
}

#[tokio::test(start_paused = true)]
async fn a_budget_of_pods_that_never_lets_go_stops_a_wave_and_is_named() {
    let staged = staged(&pooled(2, "replicas = 2, max_unavailable = 1"), 34).await;
    let concluded = driven_while(&staged, 6, BUDGET, lets_nobody_go()).await;
    assert_eq!(concluded.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    let (step, code, words) = failed(&outcome);
    assert_eq!((step, code), ("pool-general-1.34", "FW-X0013"), "{words}");
    assert!(
        words.contains("PodDisruptionBudget shop/web allows no eviction (2 healthy, 2 wanted)"),
        "{words}"
    );
    assert_eq!(budgets(&staged.world), own());
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_a_failed_run_left_held_is_told_and_let_go_by_the_next() {
    let clusters = pooled(3, "replicas = 3, max_unavailable = 1");
    let fails = clusters.replacen("version =", "next_upgrade_fails = \"IpNotAvailable\"\nversion =", 1);
    let first = staged(&fails, 34).await;
    assert_eq!(first.drive().await.ending(), Some(Ending::Halted));
    let outcome = first.outcome().await;
    assert_eq!(failed(&outcome).0, "control-plane-1.34");
    assert_eq!(outcome.held_pools, [HeldPool { pool: "general".into(), certain: true }]);
    let held = budgets(&first.world);
    assert_eq!(held[0], json!({ "nodes": "0", "reasons": ["Drifted"] }), "{held}");

    let document = first.world.planned("shop", 34).await;
    let plan = document.plan();
    let told = plan.findings.iter().find(|finding| finding.code == "EKS-N10").expect("it is told");
    assert!(told.what.contains("or one that ended early left it:"), "{}", told.what);
    let waves = plan.steps.iter().find_map(|step| match &step.action {
        Action::PoolNodes { waves, .. } => Some(waves.clone()),
        _ => None,
    });
    assert_eq!(waves.as_deref(), Some(&["1", "10%", "2"].map(str::to_owned)[..]), "the pool's own is behind");
    let second = first.world.run(document).await.expect("a plan that can be carried out");
    assert_eq!(second.drive().await.ending(), Some(Ending::Complete), "{:#?}", second.outcome().await.steps);
    assert_eq!((budgets(&second.world), second.outcome().await.held_pools), (own(), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn pods_on_fargate_are_evicted_and_come_back_with_the_new_version() {
    let staged = staged(ON_FARGATE, 34).await;
    let concluded = staged.drive().await;
    assert_eq!(concluded.ending(), Some(Ending::Complete), "{:#?}", staged.outcome().await.steps);
    let (version, nodes) = staged.world.versions("shop").await;
    assert!(version == Minor::new(34) && nodes.iter().all(|it| *it == version), "{nodes:?}");
    assert_eq!(nodes.len(), 6, "three of the group, and one for each pod");
    assert_eq!(staged.outcome().await.way_back, None, "evicted pods close it");
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_holds_a_pod_on_fargate_is_named_with_the_pod_and_its_node() {
    let staged = staged(ON_FARGATE, 34).await;
    let concluded = driven_while(&staged, 6, BUDGET, lets_nobody_go()).await;
    assert_eq!(concluded.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    let (step, code, words) = failed(&outcome);
    assert_eq!((step, code), ("fargate-1.34", "FW-X0013"), "{words}");
    let pod = words.split("held up by pod shop/web-").nth(1).unwrap_or_else(|| panic!("{words}"));
    assert!(pod.contains(" on fargate-ip-") && pod.contains("PodDisruptionBudget shop/web"), "{words}");
}
