//! Instances of an Auto Scaling group of one's own are replaced.

use fleetwright_eks::facts::nodes::TemplateRef;
use fleetwright_eks::plan::{Action, Condition, PlanStep};
use fleetwright_kubernetes::Minor;
use fleetwright_model::{Cell, ErrorClass, Failure, code};
use fleetwright_ports::self_managed::RefreshStatus;
use fleetwright_ports::{Clock, InstanceRefreshes};
use fleetwright_step::Outcome;
use fleetwright_testkit::{FakeOwnGroup, Fault, sample};
use jiff::SignedDuration;

use crate::stage::{Stage, VERSION, failed, step};

const OLD: Minor = Minor::new(34);
const TARGET: &str = "instances-batch-1.35";
const STEP: &str = "instance-refresh";
const HOURS: SignedDuration = SignedDuration::from_hours(2);

fn version(version: u32) -> TemplateRef {
    TemplateRef { id: "lt-batch".to_owned(), version }
}

fn refreshed() -> PlanStep {
    let action = Action::SelfManagedNodes {
        group: "batch".to_owned(),
        from: OLD,
        to: VERSION,
        template: Some(version(2)),
    };
    PlanStep {
        before: vec![Condition::ControlPlaneAt { version: VERSION }],
        after: vec![Condition::NodesAt { set: "Auto Scaling group batch".to_owned(), version: VERSION }],
        ..step(TARGET, action, Vec::new())
    }
}

/// A group of two whose template has a second version for the control plane's version.
fn stage() -> Stage {
    let group = FakeOwnGroup {
        instances: ["i-node-0", "i-node-1"].map(str::to_owned).into(),
        minors: vec![OLD, VERSION],
    };
    let stage = Stage::with(vec![refreshed()], |cluster| cluster.with_own_group("batch", group));
    nodes(&stage, OLD);
    stage
}

fn nodes(stage: &Stage, version: Minor) {
    for number in 0..2 {
        stage.node(&format!("node-{number}"), ("group", "own"), version);
    }
    // Somebody else's.
    stage.node("other", ("group", "other"), OLD);
}

/// Somebody begins a refresh with that version.
async fn begun(stage: &Stage, launched: u32) -> String {
    let zone = sample::zone("prod", "111122223333", &["eu-central-1"]);
    let cell = Cell { zone: &zone, region: "eu-central-1".parse().expect("a region") };
    stage.cluster.start_refresh(&cell, "batch", &version(launched)).await.expect("a refresh")
}

fn handle(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { handle, .. } => handle.to_string(),
        other => panic!("not accepted: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_is_begun_once_and_followed_to_its_end() {
    let stage = stage();
    assert_eq!(stage.recipe(TARGET), [STEP, "confirm"]);
    let (outcome, waited) = stage.carried_out_within(TARGET, STEP, HOURS).await;
    let [refresh] = &stage.cluster.refreshed("batch")[..] else { panic!("one refresh") };
    assert!(refresh.launches(&version(2)), "{refresh:?}");
    let Outcome::Done { note: Some(note), .. } = &outcome else { panic!("{outcome:?}") };
    assert!(note.contains(&refresh.id), "{note}");
    assert!(waited[0].contains("0 % done (InProgress) to end"), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn it_is_confirmed_when_every_instance_is_a_ready_node_of_the_version() {
    let stage = stage();
    let late = SignedDuration::from_mins(10);
    let (outcome, waited) = stage.carried_out_within(TARGET, "confirm", late).await;
    assert_eq!(&*failed(&outcome).0, "FW-X0013");
    assert!(waited[0].contains("node-0 (1.34)"), "{waited:?}");
    assert!(!waited[0].contains("other"), "{waited:?}");
    nodes(&stage, VERSION);
    assert_eq!(stage.carried_out(TARGET, "confirm").await, Outcome::Done { note: None, finding: None });
    // An instance whose kubelet never came is no node.
    stage.kubernetes.remove("/api/v1/nodes/node-1");
    let (_, waited) = stage.carried_out_within(TARGET, "confirm", late).await;
    assert!(waited[0].contains("1 of 2 are nodes"), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn nodes_that_are_so_already_are_not_replaced() {
    let stage = stage();
    nodes(&stage, VERSION);
    assert!(matches!(stage.carried_out(TARGET, STEP).await, Outcome::NotNeeded { .. }));
    assert!(stage.cluster.refreshed("batch").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_of_the_same_version_that_goes_on_is_taken_up() {
    let stage = stage();
    let id = begun(&stage, 2).await;
    assert_eq!(handle(&stage.turned(STEP, &stage.slot(TARGET, HOURS)).await), id);
    assert_eq!(stage.cluster.refreshed("batch").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_of_somebody_else_is_waited_for() {
    let stage = stage();
    begun(&stage, 1).await;
    let (_, waited) = stage.carried_out_within(TARGET, STEP, HOURS).await;
    assert!(waited[0].contains("of somebody else to end (InProgress)"), "{waited:?}");
    let launched: Vec<bool> =
        stage.cluster.refreshed("batch").iter().map(|it| it.launches(&version(2))).collect();
    assert_eq!(launched, [false, true], "then ours is begun");
}

#[tokio::test(start_paused = true)]
async fn one_whose_answer_was_lost_is_found_and_not_begun_again() {
    let stage = stage();
    stage.cluster.fail_next("autoscaling:StartInstanceRefresh", Fault::LostReply);
    let mut slot = stage.slot(TARGET, HOURS);
    let lost = stage.turned(STEP, &slot).await;
    assert!(matches!(&lost, Outcome::Failed(failure) if failure.class == ErrorClass::Ambiguous), "{lost:?}");
    slot.doubt = true;
    let id = handle(&stage.turned(STEP, &slot).await);
    assert_eq!(id, stage.cluster.refreshed("batch")[0].id);
    assert_eq!(stage.cluster.refreshed("batch").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_a_dead_process_began_and_that_has_failed_is_told_as_failed() {
    let stage = stage();
    stage.cluster.fail_refresh("no capacity");
    let mut slot = stage.slot(TARGET, HOURS);
    begun(&stage, 2).await;
    stage.clock.sleep(std::time::Duration::from_secs(3600)).await;
    slot.doubt = true;
    let (outcome, _) = stage.driven(STEP, &slot).await;
    let (code, words) = failed(&outcome);
    assert!(&*code == "FW-X0012" && words.contains("Failed: no capacity"), "{words}");
    assert_eq!(stage.cluster.refreshed("batch").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_with_its_words() {
    let stage = stage();
    let words = "You must use a valid fully-formed launch template";
    let refusal = Failure::new(ErrorClass::Permanent, &code::REQUEST_REFUSED, STEP, words);
    stage.cluster.fail_next("autoscaling:StartInstanceRefresh", Fault::Refused(refusal));
    assert!(failed(&stage.carried_out(TARGET, STEP).await).1.contains(words));
}

#[tokio::test(start_paused = true)]
async fn what_is_called_off_is_cancelled_and_what_is_somebody_elses_goes_on() {
    let stage = stage();
    let mut slot = stage.slot(TARGET, HOURS);
    slot.handle = Some("another".into());
    begun(&stage, 1).await;
    stage.called_off(STEP, &slot).await;
    assert_eq!(stage.cluster.refreshed("batch")[0].status, RefreshStatus::Active);
    stage.clock.sleep(std::time::Duration::from_secs(3600)).await;
    slot.handle = None;
    let ours = Some(handle(&stage.turned(STEP, &slot).await).as_str().into());
    slot.handle = ours;
    stage.called_off(STEP, &slot).await;
    let (outcome, _) = stage.driven(STEP, &slot).await;
    let (code, words) = failed(&outcome);
    assert!(&*code == "FW-X0012" && words.contains("Cancelled"), "{words}");
}
