//! Hosts that go down by themselves while a run is at work in their group.

use std::time::Duration;

use fleetwright::settings::Flags;
use fleetwright::simulated::Stage;
use fleetwright::staged_run::StagedRun;
use fleetwright::state::State;
use fleetwright_estate::world::host::HostEventKind;
use fleetwright_flow::Event;
use fleetwright_model::{Cell, InstanceId, Phase};
use fleetwright_patch::outcome::{HostOutcome, tally};
use fleetwright_ports::Power;
use jiff::Timestamp;

use crate::invariants::invariants;
use crate::story::{CONSOLE, approving};

const WORLD: &str = r#"
name = "outages"
description = "One application; somebody stops a host of it in the middle of the run."
seed = 161
start = "2026-11-02T02:00:00Z"

[[accounts]]
name = "shop"
id = "111122223333"
regions = ["eu-central-1"]
instances_per_region = 0

[fleet.shares]
agent_old = 0.0

[[instances]]
account = "shop"
count = 4
missing = ["openssl", "kernel"]
[instances.tags]
Name = "web"
Application = "shop"

[[instances]]
account = "shop"
missing = []
[instances.tags]
Name = "patched"
Application = "shop"
"#;

const BALANCER: &str = r#"
[[load_balancers]]
name = "shop"
account = "shop"
target_group = "shop-web"
instances = "*"
"#;

async fn planned(more: &str, settings: &[(&str, &str)]) -> StagedRun {
    let mut flags = Flags::default();
    for (key, value) in settings {
        flags.set("a test", key, *value);
    }
    let text = format!("{WORLD}{more}");
    let stage = Stage::of_text((&text, "outages"), 1, flags, CONSOLE).await.expect("a usable scenario");
    StagedRun::plan(stage, State::in_memory(), &Phase::ALL, CONSOLE).await.expect("the run can be made")
}

/// The instances of that name, in the order of the world.
fn named(run: &StagedRun, name: &str) -> Vec<InstanceId> {
    run.stage.world.estate.with_world(|world| {
        let regions = world.accounts.values().flat_map(|account| account.regions.values());
        let all = regions.flat_map(|region| region.instances.iter());
        let all = all.filter(|it| it.tags.get("Name").is_some_and(|it| it == name));
        all.map(|it| it.id.to_string().parse().expect("an instance id")).collect()
    })
}

/// When hosts of that name were changed: patched or rebooted.
fn changes(run: &StagedRun, name: &str) -> Vec<Timestamp> {
    let ids: Vec<String> = named(run, name).iter().map(ToString::to_string).collect();
    run.stage.world.estate.with_world(|world| {
        let regions = world.accounts.values().flat_map(|account| account.regions.values());
        let mut all = Vec::new();
        for region in regions {
            for it in region.instances.iter().filter(|it| ids.contains(&it.id.to_string())) {
                let history = region.host_history(it.id).iter();
                let changed = history.filter(|event| {
                    matches!(event.kind, HostEventKind::Installed { .. } | HostEventKind::Rebooted { .. })
                });
                all.extend(changed.map(|event| event.at));
            }
        }
        all.sort_unstable();
        all
    })
}

/// Somebody stops the host a quarter of an hour after the first change, and starts it again hours later:
/// the first moment at which nobody else may be begun any more, and the last.
async fn stopped_for(run: &StagedRun, id: &InstanceId, hours: u64) -> (Timestamp, Timestamp) {
    let (stage, zone) = (&run.stage, &run.zones[0]);
    let clock = &stage.clock;
    while changes(run, "web").is_empty() {
        clock.sleep(Duration::from_secs(30)).await;
    }
    let somebody = stage.another_adapter().await;
    let cell = Cell { zone, region: run.document.plan().flow.places[0].region.clone() };
    let ids = [id.clone()];
    somebody.stop(&cell, &ids).await.expect("it runs");
    let from = clock.now();
    clock.sleep(Duration::from_secs(hours * 3_600)).await;
    somebody.start(&cell, &ids).await.expect("it is stopped");
    (from, clock.now())
}

const ONE_AT_A_TIME: [(&str, &str); 1] = [("safety.budgets.application", "1")];

async fn succeeded(run: &StagedRun) -> usize {
    tally(&run.finished().await.results).get(&HostOutcome::Success).copied().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_for_a_host_that_went_down_by_itself_and_goes_on_when_it_is_back() {
    for name in ["patched", "web"] {
        let run = planned("", &ONE_AT_A_TIME).await;
        let since = run.stage.clock.now();
        // The last of the plan is the last in line.
        let ids = named(&run, name);
        let planned = run.document.plan().work.iter().rev().filter_map(|work| Some(work.host()?.id.clone()));
        let id = planned.chain(ids.clone()).find(|id| ids.contains(id)).expect("there is one");
        let control = approving();
        let (ended, (from, until)) = tokio::join!(run.drive(&control), stopped_for(&run, &id, 5));
        ended.expect("driven to an end");
        // What a stop and a start made of the host itself is not this story.
        let finished = run.finished().await;
        let others = finished.results.iter().filter(|result| result.host.id != id);
        let failed: Vec<_> = others.filter(|result| result.outcome != HostOutcome::Success).collect();
        assert!(failed.is_empty(), "{name}: {failed:?}");
        // Who was being changed when it happened is taken to the end; an hour is plenty.
        let settled = from + jiff::SignedDuration::from_hours(1);
        let late: Vec<Timestamp> =
            changes(&run, "web").into_iter().filter(|at| (settled..until).contains(at)).collect();
        assert_eq!(late, [], "{name} was down from {from} to {until}");
        let changed = changes(&run, "web");
        assert!(
            changed.iter().any(|at| *at < settled) && changed.iter().any(|at| *at > until),
            "{changed:?}"
        );
        let records = run.finished().await.records;
        let told = records.iter().any(|it| matches!(it.event, Event::Observed { elsewhere: 1, .. }));
        assert!(told, "the record says why it waited");
        let mut wrong = Vec::new();
        invariants(&run, since, &mut wrong);
        // What somebody else did to that host is no affair of the run's.
        wrong.retain(|finding| !finding.contains(id.as_str()));
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_budget_nobody_waits() {
    let run = planned("", &[("safety.budgets.application", "100%")]).await;
    let id = named(&run, "patched").pop().expect("there is one");
    let control = approving();
    let ended = async {
        run.drive(&control).await.expect("driven to an end");
        run.stage.clock.now()
    };
    let (ended_at, (_, until)) = tokio::join!(ended, stopped_for(&run, &id, 5));
    assert!(ended_at < until, "what the story above would see");
}

/// Nobody may ask the balancer for hours. Draining is off: only the budget asks.
#[tokio::test(start_paused = true)]
async fn where_nobody_can_look_nobody_further_is_taken_out() {
    let denied = r#"
[[faults]]
kind = "denied"
service = "elasticloadbalancing"
action = "DescribeTargetHealth"
from = "2026-11-02T02:05:00Z"
until = "2026-11-02T07:00:00Z"
"#;
    let settings = [
        ("safety.budgets.application", "100%"),
        ("safety.budgets.target_group", "1"),
        ("safety.gate.target_groups", "false"),
        ("phases.drain.enabled", "false"),
    ];
    let run = planned(&format!("{BALANCER}{denied}"), &settings).await;
    run.drive(&approving()).await.expect("driven to an end");
    assert_eq!(succeeded(&run).await, 4);
    let allowed: Timestamp = "2026-11-02T07:00:00Z".parse().expect("a time");
    let changed = changes(&run, "web");
    assert!(changed.iter().all(|at| *at >= allowed), "{changed:?}");
    let soon = allowed + jiff::SignedDuration::from_mins(15);
    assert!(changed.iter().any(|at| *at < soon), "it goes on by itself: {changed:?}");
}
