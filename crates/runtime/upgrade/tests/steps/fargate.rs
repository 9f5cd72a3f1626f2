//! Pods of Fargate are evicted, as their budgets let them go.

use fleetwright_eks::plan::{Action, Condition, PlanStep};
use fleetwright_kubernetes::Minor;
use fleetwright_step::Outcome;
use jiff::SignedDuration;
use serde_json::json;

use crate::stage::{Stage, VERSION, failed, step};

const OLD: Minor = Minor::new(34);
const LABEL: (&str, &str) = ("eks.amazonaws.com/compute-type", "fargate");

fn path(pod: &str) -> String {
    format!("/api/v1/namespaces/shop/pods/{pod}")
}

fn evicted() -> PlanStep {
    let pods = ["shop/a", "shop/b", "shop/gone"].map(str::to_owned).into();
    step("fargate-1.35", Action::FargatePods { from: OLD, to: VERSION, pods }, Vec::new())
}

fn stage() -> Stage {
    let stage = Stage::of(vec![evicted()]);
    for pod in ["a", "b", "other"] {
        stage.node(&format!("fargate-{pod}"), LABEL, OLD);
        let spec = json!({ "nodeName": format!("fargate-{pod}"), "containers": [{ "name": "app", "image": "app:1" }] });
        stage.kubernetes.put(&path(pod), json!({ "spec": spec, "status": { "phase": "Running" } }));
    }
    stage
}

#[tokio::test(start_paused = true)]
async fn pods_of_the_plan_are_evicted_and_no_others() {
    let stage = stage();
    let outcome = stage.carried_out("fargate-1.35", "fargate").await;
    assert_eq!(outcome, Outcome::Done { note: None, finding: None });
    for (pod, goes) in [("a", true), ("b", true), ("other", false)] {
        let found = stage.object(&path(pod)).await;
        let is_going = found.is_none_or(|it| it["metadata"]["deletionTimestamp"].is_string());
        assert_eq!(is_going, goes, "{pod}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_does_not_let_a_pod_go_is_waited_for_and_named() {
    let stage = stage();
    stage.kubernetes.hold(&path("b"), Some("web"));
    let late = SignedDuration::from_mins(10);
    let (outcome, waited) = stage.carried_out_within("fargate-1.35", "fargate", late).await;
    assert_eq!(&*failed(&outcome).0, "FW-X0013");
    let holds =
        "held up by pod shop/b on fargate-b: its eviction is refused: the budget web allows no disruption";
    assert!(waited.iter().any(|it| it.contains(holds)), "{waited:?}");
    stage.kubernetes.hold(&path("b"), None);
    let outcome = stage.carried_out("fargate-1.35", "fargate").await;
    assert_eq!(outcome, Outcome::Done { note: None, finding: None });
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_came_back_on_a_new_node_is_let_be() {
    let stage = stage();
    stage.node("fargate-new", LABEL, VERSION);
    for pod in ["a", "b"] {
        stage.kubernetes.put(&path(pod), json!({ "spec": { "nodeName": "fargate-new" } }));
    }
    stage.carried_out("fargate-1.35", "fargate").await;
    let pod = stage.object(&path("a")).await.expect("it is still there");
    assert!(pod["metadata"]["deletionTimestamp"].is_null(), "{pod}");
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_never_lets_a_pod_go_is_told_with_its_counts() {
    let stage = stage();
    let running = json!({
        "metadata": { "labels": { "app": "web" }, "ownerReferences":
            [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "1", "controller": true }] },
        "spec": { "nodeName": "fargate-b", "containers": [{ "name": "web", "image": "web:1" }] },
        "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] },
    });
    stage.kubernetes.put(&path("b"), running);
    let budget = json!({
        "spec": { "maxUnavailable": 0, "selector": { "matchLabels": { "app": "web" } } },
        "status": { "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1, "disruptionsAllowed": 0 },
    });
    stage.kubernetes.put("/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web", budget);
    stage.kubernetes.hold(&path("b"), Some("web"));
    let late = SignedDuration::from_mins(20);
    let (code, words) = failed(&stage.carried_out_within("fargate-1.35", "fargate", late).await.0);
    assert_eq!(&*code, "FW-X0013");
    let holds = "pod shop/b on fargate-b: PodDisruptionBudget shop/web allows no eviction (1 healthy, 1 wanted), and \
                 never does: let it allow one more";
    assert!(words.contains(holds), "{words}");
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_came_back_under_its_name_is_not_evicted_before_it_has_a_node() {
    let stage = stage();
    stage.kubernetes.put(&path("a"), json!({ "spec": {}, "status": { "phase": "Pending" } }));
    let late = SignedDuration::from_mins(10);
    let (outcome, waited) = stage.carried_out_within("fargate-1.35", "fargate", late).await;
    assert_eq!(&*failed(&outcome).0, "FW-X0013");
    assert!(waited.iter().any(|it| it.contains("1 pods to come back on new nodes")), "{waited:?}");
    let pod = stage.object(&path("a")).await.expect("it is still there");
    assert!(pod["metadata"]["deletionTimestamp"].is_null(), "{pod}");
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_came_after_the_plan_is_named_where_its_node_is_waited_for() {
    let mut step = evicted();
    step.after = vec![Condition::NodesAt { set: "Fargate".to_owned(), version: VERSION }];
    let stage = Stage::of(vec![step]);
    stage.node("fargate-later", LABEL, OLD);
    let pod = json!({
        "spec": { "nodeName": "fargate-later", "containers": [{ "name": "it", "image": "it:1" }] },
        "status": { "phase": "Running" },
    });
    stage.kubernetes.put(&path("later"), pod);
    let late = SignedDuration::from_mins(20);
    let (code, words) = failed(&stage.carried_out_within("fargate-1.35", "confirm", late).await.0);
    assert_eq!(&*code, "FW-X0013");
    assert!(words.contains("pod shop/later on fargate-later: it came after the plan was made"), "{words}");
}
