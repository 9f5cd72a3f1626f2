//! Members of a set and zones of a wave go one after another, and the next one waits for the proof that
//! the one before is well.

use std::collections::BTreeMap;

use fleetwright::staged_run::StagedRun;
use fleetwright_estate::world::host::HostEventKind;
use fleetwright_patch::outcome::HostOutcome;
use jiff::{SignedDuration, Timestamp};

use crate::story::{approving, planned};

/// When patches were really installed, by `Name`, in the order of time.
fn installs(staged: &StagedRun) -> BTreeMap<String, Vec<Timestamp>> {
    staged.stage.world.estate.with_world(|world| {
        let regions = world.accounts.values().flat_map(|account| account.regions.values());
        let mut all: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
        for region in regions {
            for it in region.instances.iter() {
                let name = it.tags.get("Name").unwrap_or_default().to_owned();
                let history = region.host_history(it.id).iter();
                let installed = history.filter(|event| matches!(event.kind, HostEventKind::Installed { .. }));
                all.entry(name).or_default().extend(installed.map(|event| event.at));
            }
        }
        all.values_mut().for_each(|times| times.sort_unstable());
        all
    })
}

/// The cluster of the scenario, one member at a time, the primary last.
fn cluster(probe: &str) -> String {
    format!(
        "[{{name: orders, filters: {{tags: {{Cluster: orders}}}}, mode: one-at-a-time, leaders: {{Part: primary}}{probe}}}]"
    )
}

const HEALTHY_AGAIN: &str = "2026-11-02T04:00:00Z";

#[tokio::test(start_paused = true)]
async fn the_next_member_begins_only_when_the_one_before_answers_again() {
    let asked = cluster(", probe: {http: 'http://localhost:8080/health', timeout: 4h}");
    let staged = planned("run-ordered-probes", &[("ordering.groups", &asked)]).await;
    staged.drive(&approving()).await.expect("driven to an end");
    let (installs, well) = (installs(&staged), HEALTHY_AGAIN.parse::<Timestamp>().expect("a time"));
    let of = |name: &str| *installs[name].first().expect("patched");
    let mut replicas = [of("replica-1"), of("replica-2")];
    replicas.sort_unstable();
    assert!(replicas[0] < well && replicas[1] >= well, "{installs:?}");
    assert!(of("primary") > replicas[1], "{installs:?}");
    let finished = staged.finished().await;
    assert!(finished.results.iter().all(|it| it.outcome == HostOutcome::Success));
}

#[tokio::test(start_paused = true)]
async fn without_a_probe_the_next_member_begins_while_the_one_before_does_not_answer() {
    let staged = planned("run-ordered-probes", &[("ordering.groups", &cluster(""))]).await;
    staged.drive(&approving()).await.expect("driven to an end");
    let (installs, well) = (installs(&staged), HEALTHY_AGAIN.parse::<Timestamp>().expect("a time"));
    assert!(installs.values().flatten().all(|at| *at < well), "{installs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_member_that_does_not_pass_keeps_the_others_from_beginning() {
    let asked = cluster(", probe: {command: 'curl -fs http://localhost:8080/health', timeout: 20m}");
    let staged = planned("run-ordered-probes", &[("ordering.groups", &asked)]).await;
    staged.drive(&approving()).await.expect("driven to an end");
    assert_eq!(installs(&staged).values().flatten().count(), 1, "nobody after the first");
    let finished = staged.finished().await;
    let failed: Vec<_> = finished.results.iter().filter(|it| it.outcome == HostOutcome::Failed).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].step.as_deref(), failed[0].code.as_deref()), (Some("probe"), Some("FW-H0035")));
}

#[tokio::test(start_paused = true)]
async fn the_next_member_begins_only_when_a_metric_of_the_one_before_is_in_its_bounds() {
    let orders = "name: orders, filters: {tags: {Cluster: orders}}, mode: one-at-a-time";
    let begun_late = async |probe: &str| {
        let asked = format!("[{{{orders}{probe}}}]");
        let staged = planned("run-ordered-metric", &[("ordering.groups", &asked)]).await;
        staged.drive(&approving()).await.expect("driven to an end");
        let finished = staged.finished().await;
        assert!(finished.results.iter().all(|it| it.outcome == HostOutcome::Success), "{probe}");
        let (installs, quiet) = (installs(&staged), HEALTHY_AGAIN.parse::<Timestamp>().expect("a time"));
        assert!(installs["broker"][0] < quiet, "{installs:?}");
        installs["broker"].get(1).expect("both") >= &quiet
    };
    assert!(begun_late(", probe: {metric: 'CPUUtilization <= 80', timeout: 4h}").await);
    assert!(!begun_late("").await, "without a probe nobody waits");
}

#[tokio::test(start_paused = true)]
async fn a_zone_begins_after_the_gate_of_the_zone_before_and_not_at_all_where_that_went_wrong() {
    let settings = [("safety.zone_by_zone", "availability-zone"), ("safety.bake", "30m")];
    let staged = planned("run-zone-by-zone", &settings).await;
    staged.drive(&approving()).await.expect("driven to an end");
    let installs = installs(&staged);
    assert_eq!((installs["web-a"].len(), installs["web-c"].len()), (2, 0), "{installs:?}");
    let (last, first) = (installs["web-a"].last().expect("two"), installs["web-b"].first().expect("one"));
    assert!(first.duration_since(*last) >= SignedDuration::from_mins(30), "{installs:?}");
}

#[tokio::test(start_paused = true)]
async fn without_zones_nobody_waits_for_a_zone() {
    let staged = planned("run-zone-by-zone", &[("safety.max_concurrent", "3")]).await;
    staged.drive(&approving()).await.expect("driven to an end");
    let installs = installs(&staged);
    let all: Vec<&Timestamp> = installs.values().flatten().collect();
    let (first, last) = (all.iter().min().expect("some"), all.iter().max().expect("some"));
    assert!(last.duration_since(**first) < SignedDuration::from_mins(30), "{installs:?}");
}
