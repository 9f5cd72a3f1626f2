//! One cluster: what becomes of it, and what is said where something is in the way.

use fleetwright_eks::plan::{Approvals, PlanDocument, PlanOptions, Standing};
use fleetwright_eks::run::NotRun;
use fleetwright_eks::run::outcome::{
    ClusterOutcome, ClusterStanding, NoOpenWayBack, StepOutcome, StepStanding, way_back,
};
use fleetwright_engine::{AtGates, Conclusion, Control};
use fleetwright_flow::Ending;
use fleetwright_kubernetes::{Hop, Minor};
use jiff::SignedDuration;
use serde_json::json;

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

fn hop(from: u16) -> Hop {
    Hop { from: Minor::new(from), to: Minor::new(from + 1) }
}

fn step<'a>(outcome: &'a ClusterOutcome, id: &str) -> &'a StepOutcome {
    outcome.steps.iter().find(|step| step.id == id).unwrap_or_else(|| panic!("{id} in {:?}", outcome.steps))
}

/// The step that failed, its code and what was said.
fn failed(outcome: &ClusterOutcome) -> (&str, &str, &str) {
    let step =
        outcome.steps.iter().find(|step| step.standing == StepStanding::Failed).expect("a step failed");
    (&step.id, step.code.as_deref().unwrap_or_default(), step.message.as_deref().unwrap_or_default())
}

async fn staged(clusters: &str, to: u16) -> Staged {
    let world = World::of(clusters).await;
    let document = world.planned("shop", to).await;
    assert_eq!(document.plan().standing(), Standing::Executable, "{:#?}", document.plan().findings);
    world.run(document).await.expect("a plan that can be carried out")
}

fn codes(document: &PlanDocument) -> Vec<&str> {
    document.plan().blockers().map(|finding| finding.code.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn three_hops_replace_the_nodes_once() {
    let staged = staged(&healthy("shop", "1.33"), 36).await;
    assert_eq!(
        staged.document.plan().clusters[0].plan.node_rolls().values().copied().collect::<Vec<_>>(),
        [1]
    );
    let concluded = staged.drive().await;
    assert_eq!(concluded.ending(), Some(Ending::Complete));
    let outcome = staged.outcome().await;
    assert_eq!(outcome.standing, ClusterStanding::Done, "{:#?}", outcome.steps);
    let new = Minor::new(36);
    assert_eq!(staged.world.versions("shop").await, (new, vec![new; 3]));
    let rolls = staged.effects().into_iter().filter(|(what, _)| what.contains("NodeGroup"));
    assert_eq!(rolls.map(|(_, times)| times).collect::<Vec<_>>(), [1]);
    assert_eq!(outcome.way_back.map(|back| back.hop), Some(hop(35)));
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
async fn a_budget_that_lets_nobody_go_is_named_when_the_upgrade_is_planned() {
    let clusters = healthy("shop", "1.34").replace("max_unavailable = 1", "min_available = 3");
    let world = World::of(&clusters).await;
    let document = world.planned("shop", 35).await;
    assert_eq!(document.plan().standing(), Standing::Blocked);
    let named =
        document.plan().blockers().any(|it| format!("{} {}", it.subject, it.what).contains("shop/web"));
    assert!(named, "{:#?}", document.plan().findings);
    let refused = world.run(document).await.err().expect("refused");
    assert_eq!(refused, NotRun::Blocked { cluster: "shop".to_owned() });
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_nobody_answers_blocks() {
    let clusters = format!(
        r#"{}
        [[clusters.objects]]
        resource = "admissionregistration.k8s.io/validatingwebhookconfigurations"
        [clusters.objects.object]
        apiVersion = "admissionregistration.k8s.io/v1"
        kind = "ValidatingWebhookConfiguration"
        metadata = {{ name = "image-policy" }}
        [[clusters.objects.object.webhooks]]
        name = "images.policy.example"
        failurePolicy = "Fail"
        sideEffects = "None"
        admissionReviewVersions = ["v1"]
        clientConfig = {{ service = {{ namespace = "policy", name = "image-policy" }} }}
        rules = [{{ apiGroups = [""], apiVersions = ["v1"], operations = ["CREATE"], resources = ["pods"] }}]
        "#,
        healthy("shop", "1.34")
    );
    let world = World::of(&clusters).await;
    let document = world.planned("shop", 35).await;
    assert!(codes(&document).iter().any(|code| code.starts_with("EKS-W")), "{:?}", codes(&document));
}

#[tokio::test(start_paused = true)]
async fn subnets_without_room_for_the_surge_block() {
    let clusters = format!(
        r#"{}
        [[subnets]]
        account = "shop-prod"
        region = "eu-central-1"
        zone = 0
        free_addresses = 1
        [[subnets]]
        account = "shop-prod"
        region = "eu-central-1"
        zone = 1
        free_addresses = 1
        [[subnets]]
        account = "shop-prod"
        region = "eu-central-1"
        zone = 2
        free_addresses = 1
        "#,
        healthy("shop", "1.34")
    );
    let world = World::of(&clusters).await;
    let document = world.planned("shop", 35).await;
    let wanted = ["EKS-C2", "EKS-S1"];
    assert!(
        codes(&document).iter().any(|code| wanted.contains(code) || code.starts_with("EKS-S")),
        "{:?}",
        codes(&document)
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_budget_holds_up_at_run_time_is_named_with_the_budget() {
    let staged = staged(&healthy("shop", "1.34"), 35).await;
    // Somebody tightens it after the plan was made.
    let path = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web";
    let tight = json!([{ "op": "replace", "path": "/spec/maxUnavailable", "value": 0 }]);
    staged.world.patch("shop", path, tight).await;
    let concluded = staged.drive().await;
    assert_eq!(concluded.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    let (id, code, words) = failed(&outcome);
    assert_eq!((id, code), ("gate-1.35", "FW-X0004"), "{words}");
    assert!(words.contains("shop/web"), "{words}");
    assert!(staged.effects().is_empty(), "nothing was begun");
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_gets_stuck_is_told_with_the_pod_and_the_budget() {
    let world = World::of(&healthy("shop", "1.34")).await;
    let document = world.planned_with("shop", 35, &PlanOptions::default()).await;
    let staged = world.run(document).await.expect("a plan that can be carried out");
    // The gate was passed; what is tightened from then on is met by the drain.
    staged.drive_with(&Control::new("the test", AtGates::Leave)).await;
    let path = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web";
    let tight = json!([{ "op": "replace", "path": "/spec/maxUnavailable", "value": 0 }]);
    staged.world.patch("shop", path, tight).await;
    assert_eq!(staged.drive().await.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    let (id, code, words) = failed(&outcome);
    assert_eq!((id, code), ("nodes-blue-1.35", "FW-X0012"), "{words}");
    assert!(
        words.contains("PodEvictionFailure") && words.contains("PodDisruptionBudget shop/web"),
        "{words}"
    );
    assert_eq!(step(&outcome, "health-nodes-1.35-wave-1").standing, StepStanding::Left);
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_does_not_answer_for_two_minutes_is_waited_for() {
    let staged = staged(&healthy("shop", "1.34"), 35).await;
    let from = staged.world.stage.clock.now() + SignedDuration::from_mins(10);
    let until = from + SignedDuration::from_mins(2);
    let fault = format!(
        r#"{{"kind": "server_error", "service": "eks", "action": "kubernetes:*", "from": "{from}", "until": "{until}"}}"#
    );
    staged.world.add_faults(&[&fault]);
    assert_eq!(staged.drive().await.ending(), Some(Ending::Complete));
    assert_eq!(staged.outcome().await.standing, ClusterStanding::Done);
    assert!(staged.effects().values().all(|times| *times == 1), "{:?}", staged.effects());
}

#[tokio::test(start_paused = true)]
async fn an_update_that_eks_cannot_make_stops_the_run_with_its_words() {
    let clusters =
        healthy("shop", "1.34").replace("logging =", "next_upgrade_fails = \"IpNotAvailable\"\nlogging =");
    let staged = staged(&clusters, 35).await;
    assert_eq!(staged.drive().await.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    let (id, code, words) = failed(&outcome);
    assert_eq!((id, code), ("control-plane-1.35", "FW-X0012"), "{words}");
    assert!(words.contains("IpNotAvailable"), "{words}");
    assert_eq!(outcome.reached, Minor::new(34));
    assert_eq!(staged.world.versions("shop").await.0, Minor::new(34));
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
async fn within_seven_days_a_hop_is_taken_back() {
    let staged = staged(&healthy("shop", "1.34"), 35).await;
    staged.drive().await;
    let back = staged.back("shop", hop(34)).await;
    assert_eq!(back.drive().await.ending(), Some(Ending::Complete));
    let outcome = back.outcome().await;
    assert_eq!(outcome.standing, ClusterStanding::Done, "{:#?}", outcome.steps);
    let old = Minor::new(34);
    assert_eq!(back.world.versions("shop").await, (old, vec![old; 3]));
    assert_eq!(outcome.way_back, None, "a way back has none of its own");
}

#[tokio::test(start_paused = true)]
async fn after_seven_days_nobody_takes_it_back() {
    let staged = staged(&healthy("shop", "1.34"), 35).await;
    staged.drive().await;
    let outcome = staged.outcome().await;
    let until = outcome.way_back.as_ref().expect("open at first").until;
    staged.world.stage.clock.sleep(std::time::Duration::from_secs(7 * 24 * 3600)).await;
    let now = staged.world.stage.clock.now();
    let closed = way_back(staged.document.plan(), 0, &outcome.steps, now);
    assert_eq!(closed, Err(NoOpenWayBack::Over { hop: hop(34), until }));
    // And EKS refuses whoever tries all the same.
    let back = staged.back("shop", hop(34)).await;
    assert_eq!(back.drive().await.ending(), Some(Ending::Halted));
    let outcome = back.outcome().await;
    assert_eq!(failed(&outcome).0, "back-control-plane-1.34", "{:?}", outcome.steps);
}

#[tokio::test(start_paused = true)]
async fn what_blocks_eks_from_going_back_stops_the_way_back() {
    let clusters = healthy("shop", "1.34")
        .replace("logging =", "blocks_rollback = [\"VolumeAttributesClass\"]\nlogging =");
    let staged = staged(&clusters, 35).await;
    staged.drive().await;
    let back = staged.back("shop", hop(34)).await;
    assert_eq!(back.drive().await.ending(), Some(Ending::Halted));
    let outcome = back.outcome().await;
    assert_eq!(failed(&outcome).0, "back-control-plane-1.34");
}

#[tokio::test(start_paused = true)]
async fn kubelets_that_do_not_start_leave_the_cluster_with_its_old_nodes_and_stop_the_run() {
    let clusters = healthy("shop", "1.34").replace("nodes = 3", "nodes = 3, kubelets_fail = true");
    let staged = staged(&clusters, 35).await;
    assert_eq!(staged.drive().await.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    let (id, code, words) = failed(&outcome);
    assert_eq!((id, code), ("nodes-blue-1.35", "FW-X0012"), "{words}");
    assert!(words.contains("NodeCreationFailure"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn another_cluster_of_the_name_is_not_touched() {
    let world = World::of(&healthy("shop", "1.34")).await;
    let mut plan = world.planned("shop", 35).await.into_plan();
    plan.cluster.endpoint = "https://0000.gr7.eu-central-1.eks.amazonaws.com".to_owned();
    let staged = world.run(PlanDocument::new(plan)).await.expect("a plan that can be carried out");
    assert_eq!(staged.drive().await.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    assert_eq!(failed(&outcome).1, "FW-X0009");
    assert!(staged.effects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_approval_covers_all_hops_where_the_plan_says_so() {
    let world = World::of(&healthy("shop", "1.33")).await;
    let options = PlanOptions { approvals: Approvals::Once, ..PlanOptions::default() };
    let document = world.planned_with("shop", 35, &options).await;
    let staged = world.run(document).await.expect("a plan that can be carried out");
    staged.drive().await;
    let asked = staged
        .records()
        .await
        .iter()
        .filter(|record| matches!(record.event, fleetwright_flow::Event::GateReached { .. }))
        .count();
    assert_eq!(asked, 1);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_nobody_has_is_no_silence() {
    let world = World::of(&healthy("shop", "1.34")).await;
    let options = PlanOptions {
        approvals: Approvals::Once,
        alarms: vec!["errors".to_owned()],
        ..PlanOptions::default()
    };
    let document = world.planned_with("shop", 35, &options).await;
    let staged = world.run(document).await.expect("a plan that can be carried out");
    assert_eq!(staged.drive().await.ending(), Some(Ending::Halted));
    let outcome = staged.outcome().await;
    let (id, _, words) = failed(&outcome);
    assert!(id == "baseline" && words.contains("no alarm errors"), "{id}: {words}");
    assert!(staged.effects().is_empty());
}

/// A release of Helm as it lies in its Secret: JSON, gzip, base64, and base64 once more. Its one manifest is a FlowSchema of
/// flowcontrol.apiserver.k8s.io/v1beta3, which 1.32 does not serve.
const RELEASE: &str = "\
SDRzSUFBQUFBQUFDQTEyUFFZckRNQXhGcjJMVWJlSTB6R2J3QWVZQ2hhNjhVUjJGbU5weXNOV1dVbkwzMmkwRHBUdnhwZi8xL2dN\
WUk0R0I0S09YQWgxNG5oT1lCeFJCdVpTNm1XZ042VTRUYkIyNEJiTzBiU1RCQ1FYYi9KMXdwVng4NGlxTmVxLzNzRlZqUlBZemxl\
cUZ2dTh0NzlRaFhiSWpvOTYyUVNpdUFZWEtNSWQwMDNlTXdUS3UvdmdPTTZySkxySGtGSFRWQytYNlI1OS9pL1pwdUk2bkN2Umor\
ZXg1TXVxdjNoN2NRaEV0LzVNYXkwbzFWS05PS0c2eC9JazZkcThhWlVYWHVqU1VPZVVJMnhNMWdQck1JUUVBQUE9PQ==";

#[tokio::test(start_paused = true)]
async fn an_api_that_goes_in_a_helm_release_blocks_with_the_release() {
    let clusters = format!(
        r#"{}
        [[clusters.objects]]
        resource = "secrets"
        [clusters.objects.object]
        apiVersion = "v1"
        kind = "Secret"
        type = "helm.sh/release.v1"
        metadata = {{ name = "sh.helm.release.v1.limits.v1", namespace = "platform", labels = {{ owner = "helm", status = "deployed", name = "limits", version = "1" }} }}
        data = {{ release = "{RELEASE}" }}
        "#,
        healthy("shop", "1.31")
    );
    let world = World::of(&clusters).await;
    let document = world.planned("shop", 32).await;
    assert_eq!(document.plan().standing(), Standing::Blocked);
    let named = document.plan().blockers().find(|it| it.code.starts_with("EKS-A")).expect("an API blocks");
    let words = format!("{} {} {}", named.subject, named.what, named.evidence);
    assert!(words.contains("limits") && words.contains("flowcontrol.apiserver.k8s.io/v1beta3"), "{words}");
}
