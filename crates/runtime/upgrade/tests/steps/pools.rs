//! Drift is held back, and let through wave by wave.

use fleetwright_eks::plan::step::Verb;
use fleetwright_eks::plan::{Action, Call, Condition, PlanStep};
use fleetwright_kubernetes::Minor;
use fleetwright_ports::KubernetesChanges;
use fleetwright_step::Outcome;
use fleetwright_testkit::Fault;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::stage::{Stage, VERSION, failed, step};

const PATH: &str = "/apis/karpenter.sh/v1/nodepools/default";
const FRONT: &str = "/spec/disruption/budgets/0";
const OLD: Minor = Minor::new(34);
const ROLL: &str = "pool-default-1.35";
const DONE: Outcome = Outcome::Done { note: None, finding: None };

fn patch(operations: Value) -> Call {
    Call::Kubernetes { verb: Verb::Patch, path: PATH.to_owned(), body: operations }
}

fn hold() -> Call {
    patch(json!([{ "op": "add", "path": FRONT, "value": { "nodes": "0", "reasons": ["Drifted"] } }]))
}

fn open(nodes: &str) -> Call {
    patch(json!([
        { "op": "test", "path": format!("{FRONT}/reasons"), "value": ["Drifted"] },
        { "op": "replace", "path": format!("{FRONT}/nodes"), "value": nodes },
    ]))
}

fn release() -> Call {
    patch(json!([
        { "op": "test", "path": format!("{FRONT}/reasons"), "value": ["Drifted"] },
        { "op": "remove", "path": FRONT },
    ]))
}

fn rolled(again: bool) -> PlanStep {
    let mut calls = vec![open("1"), open("0"), open("50%"), open("0"), release()];
    calls.extend(again.then(hold));
    let waves = ["1", "50%", "the pool's own budgets"].map(str::to_owned).into();
    let action = Action::PoolNodes { pool: "default".to_owned(), from: OLD, to: VERSION, waves };
    PlanStep {
        after: vec![Condition::NodesAt { set: "node pool default".to_owned(), version: VERSION }],
        ..step(ROLL, action, calls)
    }
}

/// Four old nodes, and a pool with budgets of its own.
fn stage_with(again: bool, own: Value) -> Stage {
    let held = step("hold-default", Action::HoldPool { pool: "default".to_owned() }, vec![hold()]);
    let stage = Stage::of(vec![held, rolled(again)]);
    stage.kubernetes.put(PATH, json!({ "spec": { "disruption": { "budgets": own } } }));
    (0..4).for_each(|number| node(&stage, &format!("old-{number}"), OLD));
    stage
}

fn stage(again: bool) -> Stage {
    stage_with(again, own())
}

/// A held pool, of a cluster whose health is kept.
async fn held() -> Stage {
    let stage = stage(false);
    assert_eq!(stage.carried_out("hold-default", "hold-pool").await, DONE);
    assert!(matches!(stage.carried_out("baseline", "baseline").await, Outcome::Done { .. }));
    stage
}

fn own() -> Value {
    json!([{ "nodes": "10%" }, { "nodes": "0", "reasons": ["Underutilized"] }])
}

fn node(stage: &Stage, name: &str, version: Minor) {
    stage.node(name, ("karpenter.sh/nodepool", "default"), version);
}

async fn patched(stage: &Stage, path: &str, operations: Value) {
    stage.kubernetes.patch(path, &operations).await.expect("a patch");
}

/// Karpenter begins to take a node away.
async fn begun(stage: &Stage, name: &str) {
    let taint = json!([{ "key": "karpenter.sh/disrupted", "effect": "NoSchedule" }]);
    let operations = json!([{ "op": "add", "path": "/spec/taints", "value": taint }]);
    patched(stage, &format!("/api/v1/nodes/{name}"), operations).await;
}

/// A node is there in the place of an old one.
fn replaced(stage: &Stage, number: usize) {
    stage.kubernetes.remove(&format!("/api/v1/nodes/old-{number}"));
    node(stage, &format!("new-{number}"), VERSION);
}

async fn sick(stage: &Stage, name: &str) {
    let status = json!([{ "type": "Ready", "status": "False" }]);
    let operations = json!([{ "op": "replace", "path": "/status/conditions", "value": status }]);
    patched(stage, &format!("/api/v1/nodes/{name}"), operations).await;
}

async fn budgets(stage: &Stage) -> Value {
    stage.object(PATH).await.expect("the pool").pointer("/spec/disruption/budgets").expect("budgets").clone()
}

#[tokio::test(start_paused = true)]
async fn drift_is_held_back_once_however_often_it_is_tried() {
    let stage = stage(false);
    let mut held = vec![json!({ "nodes": "0", "reasons": ["Drifted"] })];
    held.extend(own().as_array().expect("a list").iter().cloned());
    for _ in 0..2 {
        assert_eq!(stage.carried_out("hold-default", "hold-pool").await, DONE);
        assert_eq!(budgets(&stage).await, json!(held));
    }
}

#[tokio::test(start_paused = true)]
async fn every_wave_has_its_health_and_what_was_opened_is_put_back_also_after_failure() {
    let stage = stage(false);
    let waves = ["pool-wave-1", "wave-health-1", "pool-wave-2", "wave-health-2", "release-pool", "confirm"];
    assert_eq!(stage.recipe(ROLL), waves);
    assert_eq!(stage.put_back(ROLL), ["release-pool"]);
}

#[tokio::test(start_paused = true)]
async fn a_wave_closes_its_budget_when_it_has_its_nodes_and_ends_when_the_old_ones_are_gone() {
    let stage = held().await;
    let mut wave = stage.begin(ROLL, "pool-wave-1");
    let front = async || budgets(&stage).await[0]["nodes"].clone();
    wave.look().await;
    assert_eq!(front().await, "0", "what the wave leaves is on record before anything is opened");
    assert!(wave.look().await.contains("Karpenter to begin with 1 of 4 nodes that drifted, of 4 in all"));
    assert_eq!(front().await, "1");
    begun(&stage, "old-0").await;
    assert!(wave.look().await.contains("old nodes to go: old-0"));
    assert_eq!(front().await, "0", "another node would be one too many");
    replaced(&stage, 0);
    sick(&stage, "new-0").await;
    assert!(wave.look().await.contains("new nodes to be ready: new-0"));
    node(&stage, "new-0", VERSION);
    assert_eq!(wave.end().await, DONE);
    assert_eq!(front().await, "0");
    assert_eq!(stage.carried_out(ROLL, "wave-health-1").await, DONE);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_karpenter_let_be_again_opens_the_wave_again() {
    let stage = held().await;
    let mut wave = stage.begin(ROLL, "pool-wave-1");
    wave.look().await;
    wave.look().await;
    begun(&stage, "old-0").await;
    wave.look().await;
    assert_eq!(budgets(&stage).await[0]["nodes"], "0");
    node(&stage, "old-0", OLD);
    wave.look().await;
    assert_eq!(budgets(&stage).await[0]["nodes"], "1");
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_on_after_a_crash_replaces_no_more_than_the_wave_had() {
    let stage = held().await;
    let mut wave = stage.begin(ROLL, "pool-wave-1");
    wave.look().await;
    wave.look().await;
    replaced(&stage, 0);
    // The process dies here; the budget is open, and another goes on with what is on record.
    let mut next = stage.begin(ROLL, "pool-wave-1").with_handle(wave.handle());
    assert_eq!(next.end().await, DONE);
    assert_eq!(budgets(&stage).await[0]["nodes"], "0");
    let mut second = stage.begin(ROLL, "pool-wave-2");
    second.look().await;
    assert!(second.look().await.contains("2 of 3 nodes that drifted, of 4 in all"), "half of the pool");
}

#[tokio::test(start_paused = true)]
async fn a_wave_without_old_nodes_opens_nothing() {
    let stage = held().await;
    (0..4).for_each(|number| replaced(&stage, number));
    assert_eq!(stage.carried_out(ROLL, "pool-wave-1").await, DONE);
    assert_eq!(budgets(&stage).await[0]["nodes"], "0");
}

#[tokio::test(start_paused = true)]
async fn a_wave_that_nothing_comes_of_is_closed_and_says_what_holds_it() {
    let stage = held().await;
    let pod = json!({
        "metadata": { "annotations": { "karpenter.sh/do-not-disrupt": "true" } },
        "spec": { "nodeName": "old-2", "containers": [{ "name": "it", "image": "it:1" }] },
        "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] },
    });
    stage.kubernetes.put("/api/v1/namespaces/shop/pods/batch", pod);
    let late = SignedDuration::from_mins(20);
    let (outcome, waited) = stage.carried_out_within(ROLL, "pool-wave-1", late).await;
    let (code, words) = failed(&outcome);
    assert_eq!(&*code, "FW-X0013");
    let holds =
        "held up by pod shop/batch on old-2: its annotation karpenter.sh/do-not-disrupt keeps the node";
    assert!(words.contains(holds), "{words}");
    assert!(waited.iter().any(|it| it.contains(holds)) && !waited[0].contains("held up"), "{waited:?}");
    assert_eq!(budgets(&stage).await[0]["nodes"], "0");
    assert_eq!(stage.carried_out(ROLL, "release-pool").await, DONE);
    assert_eq!(budgets(&stage).await, own(), "a cluster as well as before has its own budgets again");
}

#[tokio::test(start_paused = true)]
async fn the_pools_own_budgets_are_put_back_as_they_were_once() {
    // Its own first budget looks as ours does.
    let own = json!([{ "nodes": "1", "reasons": ["Drifted"] }, { "nodes": "10%" }]);
    let stage = stage_with(false, own.clone());
    stage.carried_out("hold-default", "hold-pool").await;
    stage.carried_out("baseline", "baseline").await;
    let mut release = stage.begin(ROLL, "release-pool");
    release.look().await;
    assert_eq!(release.end().await, DONE);
    assert_eq!(budgets(&stage).await, own);
    // The reply was lost, and another process looks whether it was done.
    let mut again = stage.begin(ROLL, "release-pool").with_handle(release.handle());
    assert_eq!(again.end().await, DONE);
    assert_eq!(budgets(&stage).await, own);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_to_the_release_is_looked_at_and_not_repeated() {
    let own = json!([{ "nodes": "1", "reasons": ["Drifted"] }]);
    let stage = stage_with(false, own.clone());
    stage.carried_out("hold-default", "hold-pool").await;
    stage.carried_out("baseline", "baseline").await;
    stage.kubernetes.fail_next("patch nodepools", Fault::LostReply);
    assert_eq!(stage.carried_out(ROLL, "release-pool").await, DONE);
    assert_eq!(budgets(&stage).await, own);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_worse_keeps_the_pool_closed_and_is_told_how_to_open_it() {
    let stage = held().await;
    let mut wave = stage.begin(ROLL, "pool-wave-1");
    wave.look().await;
    wave.look().await;
    assert_eq!(budgets(&stage).await[0]["nodes"], "1");
    sick(&stage, "old-3").await;
    let late = SignedDuration::from_mins(20);
    let (code, words) = failed(&stage.carried_out_within(ROLL, "release-pool", late).await.0);
    assert_eq!(&*code, "FW-X0014");
    assert!(
        words.contains("node old-3 is not ready") && words.contains("kubectl patch nodepools"),
        "{words}"
    );
    assert_eq!(budgets(&stage).await[0], json!({ "nodes": "0", "reasons": ["Drifted"] }));
    // What is mended is let go.
    node(&stage, "old-3", OLD);
    assert_eq!(stage.carried_out(ROLL, "release-pool").await, DONE);
    assert_eq!(budgets(&stage).await, self::own());
}

#[tokio::test(start_paused = true)]
async fn a_wave_that_left_a_node_in_a_bad_way_holds_the_next_back() {
    let stage = held().await;
    replaced(&stage, 0);
    sick(&stage, "old-3").await;
    let late = SignedDuration::from_mins(20);
    let (code, words) = failed(&stage.carried_out_within(ROLL, "wave-health-1", late).await.0);
    assert_eq!(&*code, "FW-X0014");
    assert!(words.contains("node old-3 is not ready"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn nodes_that_stay_behind_are_waited_for_at_the_end_with_what_holds_them() {
    let stage = held().await;
    (0..3).for_each(|number| replaced(&stage, number));
    let kept = json!([{ "op": "add", "path": "/metadata/annotations",
                        "value": { "karpenter.sh/do-not-disrupt": "true" } }]);
    patched(&stage, "/api/v1/nodes/old-3", kept).await;
    let late = SignedDuration::from_mins(20);
    let (outcome, waited) = stage.carried_out_within(ROLL, "confirm", late).await;
    let (code, words) = failed(&outcome);
    assert_eq!(&*code, "FW-X0013");
    assert!(waited[0].contains("old-3 (1.34)"), "{waited:?}");
    assert!(words.contains("node old-3: its annotation karpenter.sh/do-not-disrupt keeps it"), "{words}");
    replaced(&stage, 3);
    assert_eq!(stage.carried_out(ROLL, "confirm").await, DONE);
}

#[tokio::test(start_paused = true)]
async fn before_a_later_roll_the_pool_is_held_again() {
    let stage = stage(true);
    assert_eq!(stage.recipe(ROLL).last().map(String::as_str), Some("hold-pool"));
    assert_eq!(stage.carried_out(ROLL, "hold-pool").await, DONE);
    assert_eq!(budgets(&stage).await[0]["nodes"], "0");
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_somebody_took_away_is_told_and_nothing_else_is_touched() {
    let stage = stage(false);
    let (code, words) = failed(&stage.carried_out(ROLL, "pool-wave-1").await);
    assert_eq!(&*code, "FW-X0011");
    assert!(words.contains("somebody changed the pool"), "{words}");
    assert_eq!(stage.carried_out(ROLL, "release-pool").await, DONE);
    assert_eq!(budgets(&stage).await, own());
    stage.kubernetes.remove(PATH);
    let (code, words) = failed(&stage.carried_out("hold-default", "hold-pool").await);
    assert!(&*code == "FW-X0011" && words.contains("there is no"), "{words}");
}
