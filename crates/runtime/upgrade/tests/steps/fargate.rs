//! Pods of Fargate are evicted, as their budgets let them go.

use fleetwright_eks::plan::{Action, PlanStep};
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
        stage.kubernetes.put(&path(pod), json!({ "spec": { "nodeName": format!("fargate-{pod}") } }));
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
    assert!(waited.iter().any(|it| it.contains("shop/b: the budget web")), "{waited:?}");
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
