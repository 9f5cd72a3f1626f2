//! What people are told of a run of upgrades.

use std::sync::{Arc, Mutex};

use fleetwright_engine::{AtGates, Control, Watcher};
use fleetwright_flow::{Record, Run};
use fleetwright_kubernetes::{Hop, Minor};
use fleetwright_model::code;
use fleetwright_model::redaction::Redactor;
use fleetwright_notify::{Kind, Notice, Severity, Teller};

use crate::told::staged;
use crate::world::Staged;

/// Somebody who is told everything.
struct Listener {
    teller: Mutex<Teller>,
    heard: Mutex<Vec<Notice>>,
}

impl Watcher for Listener {
    fn recorded(&self, records: &[Record], run: &Run) {
        let notices = self.teller.lock().expect("no test panicked").notices(records, run);
        self.heard.lock().expect("no test panicked").extend(notices);
    }
}

/// Drives a run, and answers with what was told.
async fn told(staged: &Staged, at_gates: AtGates) -> Vec<Notice> {
    let plan = Arc::new(staged.document.plan().clone());
    let teller = Mutex::new(Teller::new(staged.run.as_str(), plan, Redactor::default()));
    let listener = Listener { teller, heard: Mutex::default() };
    staged.watched(&Control::new("the test", at_gates), &listener).await;
    listener.heard.into_inner().expect("no test panicked")
}

fn approved() -> AtGates {
    AtGates::Approve { by: "ada".into() }
}

fn kinds(notices: &[Notice]) -> Vec<Kind> {
    notices.iter().map(|notice| notice.kind).collect()
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_is_told_from_its_beginning_over_its_gate_to_its_end() {
    let staged = staged("upgrade-three-hops").await;
    let waiting = told(&staged, AtGates::Leave).await;
    assert_eq!(kinds(&waiting), [Kind::RunStarted, Kind::GateWaits]);
    let gate = &waiting[1];
    assert_eq!(gate.severity, Severity::Warning);
    let next = gate.next_step.as_deref().unwrap_or_default();
    assert!(
        next.contains("fleetwright eks status run-1") && next.contains("fleetwright approve run-1"),
        "{next}"
    );
    let asked = gate.message.as_deref().unwrap_or_default();
    assert!(asked.contains("1.33"), "what is decided is said: {asked}");
    let rest = told(&staged, approved()).await;
    assert_eq!(kinds(&rest), [Kind::RunStarted, Kind::GateDecided, Kind::RunEnded]);
    let end = &rest[2];
    assert_eq!((end.severity, end.title.as_str()), (Severity::Info, "run complete: 1 done"));
    let counts = end.counts.as_ref().expect("a summary counts");
    assert_eq!((counts.clusters, counts.hosts, counts.outcomes.get("done")), (1, 0, Some(&1)));
    assert_eq!(end.scope.accounts.len(), 1, "{:?}", end.scope);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_is_told_once_with_its_cluster_reason_and_place() {
    let staged = staged("upgrade-update-fails").await;
    let notices = told(&staged, approved()).await;
    let failed: Vec<&Notice> = notices.iter().filter(|it| it.kind == Kind::ClusterFailed).collect();
    let [failed] = failed.as_slice() else { panic!("{:?}", kinds(&notices)) };
    assert_eq!(failed.severity, Severity::Error);
    assert_eq!(failed.title, "cluster shop: failed at control-plane-1.35");
    assert_eq!(failed.code.as_deref(), Some("FW-X0012"));
    assert!(failed.message.as_deref().is_some_and(|it| it.contains("IpNotAvailable")), "{failed:?}");
    assert_eq!(failed.scope.region.as_ref().map(|region| region.as_str()), Some("eu-central-1"));
    let end = notices.last().expect("it ended");
    assert_eq!((end.kind, end.severity), (Kind::RunEnded, Severity::Error));
    assert_eq!(end.title, "run halted by failures: 1 failed");
    assert_eq!(end.code.as_deref(), Some(code::RUN_HALTED.id));
    let again = told(&staged, approved()).await;
    assert_eq!(kinds(&again), [], "a run that is over tells nothing again");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_fleet_counts_its_clusters() {
    let notices = told(&staged("upgrade-fleet-bad-canary").await, approved()).await;
    let end = notices.last().expect("it ended");
    assert_eq!(end.title, "run halted by failures: 1 failed, 40 not begun");
    assert_eq!(notices.iter().filter(|it| it.kind == Kind::ClusterFailed).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_way_back_is_told_like_any_run() {
    let staged = staged("upgrade-rollback-within-seven-days").await;
    staged.drive().await;
    let hop = Hop { from: Minor::new(34), to: Minor::new(35) };
    let notices = told(&staged.back("shop", hop).await, approved()).await;
    assert_eq!(kinds(&notices).last(), Some(&Kind::RunEnded));
    assert_eq!(notices.last().map(|it| it.title.as_str()), Some("run complete: 1 done"));
}
