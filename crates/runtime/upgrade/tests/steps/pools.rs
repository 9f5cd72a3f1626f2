//! Drift is held back, and let through wave by wave.

use fleetwright_eks::plan::step::Verb;
use fleetwright_eks::plan::{Action, Call, Condition, PlanStep};
use fleetwright_kubernetes::Minor;
use fleetwright_ports::KubernetesChanges;
use fleetwright_step::Outcome;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::stage::{Stage, VERSION, failed, step};

const PATH: &str = "/apis/karpenter.sh/v1/nodepools/default";
const FRONT: &str = "/spec/disruption/budgets/0";
const OLD: Minor = Minor::new(34);
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
    let mut calls = vec![open("1"), open("50%"), release()];
    calls.extend(again.then(hold));
    let waves = ["1", "50%", "the pool's own budgets"].map(str::to_owned).into();
    let action = Action::PoolNodes { pool: "default".to_owned(), from: OLD, to: VERSION, waves };
    PlanStep {
        after: vec![Condition::NodesAt { set: "node pool default".to_owned(), version: VERSION }],
        ..step("pool-default-1.35", action, calls)
    }
}

fn stage(again: bool) -> Stage {
    let held = step("hold-default", Action::HoldPool { pool: "default".to_owned() }, vec![hold()]);
    let stage = Stage::of(vec![held, rolled(again)]);
    let own = json!({ "spec": { "disruption": { "budgets": [{ "nodes": "10%" }] } } });
    stage.kubernetes.put(PATH, own);
    (0..4).for_each(|number| node(&stage, number, OLD));
    stage
}

fn node(stage: &Stage, number: usize, version: Minor) {
    stage.node(&format!("node-{number}"), ("karpenter.sh/nodepool", "default"), version);
}

async fn budgets(stage: &Stage) -> Value {
    stage.object(PATH).await.expect("the pool").pointer("/spec/disruption/budgets").expect("budgets").clone()
}

#[tokio::test(start_paused = true)]
async fn drift_is_held_back_once_however_often_it_is_tried() {
    let stage = stage(false);
    let held = json!([{ "nodes": "0", "reasons": ["Drifted"] }, { "nodes": "10%" }]);
    for _ in 0..2 {
        assert_eq!(stage.carried_out("hold-default", "hold-pool").await, DONE);
        assert_eq!(budgets(&stage).await, held);
    }
}

#[tokio::test(start_paused = true)]
async fn waves_open_the_hold_and_the_last_takes_it_away() {
    let stage = stage(false);
    let recipe = stage.recipe("pool-default-1.35");
    let waves =
        ["pool-wave-1", "wave-health-1", "pool-wave-2", "wave-health-2", "pool-wave-3", "wave-health-3"];
    assert_eq!(recipe[..6], waves.map(str::to_owned));
    assert_eq!(recipe[6..], ["confirm"]);
    stage.carried_out("hold-default", "hold-pool").await;
    stage.carried_out("baseline", "baseline").await;
    let front = async || budgets(&stage).await[0].clone();
    for _ in 0..2 {
        assert_eq!(stage.carried_out("pool-default-1.35", "pool-wave-1").await, DONE);
        assert_eq!(front().await["nodes"], "1");
    }
    // Karpenter replaces a node; the wave is over with it.
    node(&stage, 0, VERSION);
    assert_eq!(stage.carried_out("pool-default-1.35", "wave-health-1").await, DONE);
    assert_eq!(stage.carried_out("pool-default-1.35", "pool-wave-2").await, DONE);
    assert_eq!(front().await["nodes"], "50%");
    let late = SignedDuration::from_mins(20);
    let (outcome, waited) = stage.carried_out_within("pool-default-1.35", "wave-health-2", late).await;
    assert_eq!(&*failed(&outcome).0, "FW-X0013");
    assert!(waited[0].contains("2 of 4 nodes at 1.35; 1 are"), "{waited:?}");
    node(&stage, 1, VERSION);
    assert_eq!(stage.carried_out("pool-default-1.35", "wave-health-2").await, DONE);
    for _ in 0..2 {
        assert_eq!(stage.carried_out("pool-default-1.35", "pool-wave-3").await, DONE);
        assert_eq!(budgets(&stage).await, json!([{ "nodes": "10%" }]));
    }
    assert_eq!(stage.carried_out("pool-default-1.35", "wave-health-3").await, DONE);
    let (outcome, waited) = stage.carried_out_within("pool-default-1.35", "confirm", late).await;
    assert_eq!(&*failed(&outcome).0, "FW-X0013");
    assert!(waited[0].contains("node-2 (1.34)"), "{waited:?}");
    (2..4).for_each(|number| node(&stage, number, VERSION));
    assert_eq!(stage.carried_out("pool-default-1.35", "confirm").await, DONE);
}

#[tokio::test(start_paused = true)]
async fn a_wave_that_left_a_node_in_a_bad_way_holds_the_next_back() {
    let stage = stage(false);
    stage.carried_out("baseline", "baseline").await;
    node(&stage, 0, VERSION);
    let sick = json!([
        { "op": "replace", "path": "/status/conditions", "value": [{ "type": "Ready", "status": "False" }] }
    ]);
    stage.kubernetes.patch("/api/v1/nodes/node-3", &sick).await.expect("a patch");
    let late = SignedDuration::from_mins(20);
    let (outcome, waited) = stage.carried_out_within("pool-default-1.35", "wave-health-1", late).await;
    assert_eq!(&*failed(&outcome).0, "FW-X0013");
    assert!(waited[0].contains("node node-3 is not ready"), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn before_a_later_roll_the_pool_is_held_again() {
    let stage = stage(true);
    assert_eq!(stage.recipe("pool-default-1.35").last().map(String::as_str), Some("hold-pool"));
    assert_eq!(stage.carried_out("pool-default-1.35", "hold-pool").await, DONE);
    assert_eq!(budgets(&stage).await[0]["nodes"], "0");
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_somebody_took_away_is_told() {
    let stage = stage(false);
    let (code, words) = failed(&stage.carried_out("pool-default-1.35", "pool-wave-1").await);
    assert_eq!(&*code, "FW-X0011");
    assert!(words.contains("somebody changed the pool"), "{words}");
    stage.kubernetes.remove(PATH);
    let (code, words) = failed(&stage.carried_out("hold-default", "hold-pool").await);
    assert!(&*code == "FW-X0011" && words.contains("there is no"), "{words}");
}
