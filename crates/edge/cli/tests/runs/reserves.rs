//! What must be left of a window is learnt from earlier runs, and hosts are prepared for their window
//! when it is near.

use std::time::Duration;

use fleetwright::settings::Flags;
use fleetwright::simulated::Stage;
use fleetwright::staged_run::StagedRun;
use fleetwright::state::State;
use fleetwright_flow::{Direction, Event, Record};
use fleetwright_model::{OsFamily, Phase};
use fleetwright_patch::plan::durations::Basis;
use fleetwright_patch::plan::{PatchPlan, Reserve, Work};
use jiff::{SignedDuration, Timestamp};

use crate::invariants::invariants;
use crate::story::{CONSOLE, approving};

/// Two dozen hosts of which each misses a patch, and one Windows.
const WORLD: &str = r#"
name = "reserves"
description = "Enough hosts to learn from."
seed = 19
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
count = 24
missing = ["openssl", "kernel"]
[instances.tags]
Name = "web"
Application = "shop"

[[instances]]
account = "shop"
platform = "windows-2022"
instance_type = "m5.large"
missing = ["KB5067724"]
[instances.tags]
Name = "win"
Application = "shop"
"#;

async fn planned(world: &str, seed: u64, state: State, settings: &[(&str, &str)]) -> StagedRun {
    let mut flags = Flags::default();
    for (key, value) in settings {
        flags.set("a test", key, *value);
    }
    let stage = Stage::of_text((world, "reserves"), seed, flags, CONSOLE).await.expect("a usable world");
    StagedRun::plan(stage, state, &Phase::ALL, CONSOLE).await.expect("the run can be made")
}

/// The reserve of hosts of a family.
fn reserve(plan: &PatchPlan, os: OsFamily) -> &Reserve {
    let of_family = |work: &Work| work.host().is_some_and(|host| host.os == os);
    let target = plan.work.iter().position(of_family).expect("a host of the family");
    let recipe = plan.flow.targets[target].recipe;
    plan.reserves.iter().find(|reserve| reserve.recipe == recipe).expect("it keeps to a window")
}

/// How long the installation took on each Linux host, by the records, the quickest first.
fn installations(plan: &PatchPlan, records: &[Record]) -> Vec<i64> {
    let at = |wanted: &dyn Fn(&Event) -> bool| {
        records.iter().find(|record| wanted(&record.event)).map(|record| record.at)
    };
    let mut took = Vec::new();
    for (index, work) in plan.work.iter().enumerate() {
        let Some(host) = work.host().filter(|host| host.os == OsFamily::Linux) else { continue };
        let id = fleetwright_flow::TargetId(u32::try_from(index).expect("few"));
        let steps = &plan.flow.recipe_of(id).steps;
        let patch = steps.iter().position(|step| &*step.name == "patch").expect("it is patched");
        let is = |target: &fleetwright_flow::TargetId, step: &fleetwright_flow::StepIndex| {
            *target == id && step.index() == patch
        };
        let begun = at(
            &|event| matches!(event, Event::Started { target, step, direction: Direction::Do, .. } if is(target, step)),
        );
        let ended = at(
            &|event| matches!(event, Event::Succeeded { target, step, direction: Direction::Do, .. } if is(target, step)),
        );
        let (Some(begun), Some(ended)) = (begun, ended) else { panic!("{} was not patched", host.id) };
        took.push(ended.duration_since(begun).as_secs());
    }
    took.sort_unstable();
    took
}

#[tokio::test(start_paused = true)]
async fn a_second_run_keeps_free_what_the_first_took() {
    let directory = tempfile::tempdir().expect("a scratch directory");
    let state = || State::at(directory.path()).expect("a state directory");
    let settings = [("safety.window", "Mon 02:00-06:00 UTC"), ("safety.max_concurrent", "100%")];
    let first = planned(WORLD, 19, state(), &settings).await;
    let plan = first.document.plan();
    assert_eq!(plan.left_out, [], "four hours are enough on the first day");
    let before = reserve(plan, OsFamily::Linux);
    assert_eq!(before.basis(), "defaults, nothing learnt yet");
    first.drive(&approving()).await.expect("driven to an end");
    let took = installations(plan, &first.finished().await.records);
    assert_eq!(took.len(), 24);

    let second = planned(WORLD, 20, state(), &settings).await;
    let after = reserve(second.document.plan(), OsFamily::Linux);
    let patch = after.parts.iter().find(|part| &*part.step == "patch").expect("it is patched");
    assert_eq!(patch.basis, Basis::Learnt { hosts: 24, runs: 1 });
    // Nine of ten of 24 are 22; twice as long, and a minute of company.
    assert_eq!(i64::from(patch.seconds), 2 * took[21] + 60);
    assert!(after.seconds() < before.seconds(), "{} after {}", after.told(), before.told());
    assert!(
        after.basis().starts_with("twice the 90th percentile of 24 hosts over 1 run; defaults for restore")
    );
    let windows = reserve(second.document.plan(), OsFamily::Windows);
    assert_eq!(windows.basis(), "defaults, nothing learnt yet", "one host is no sample");
}

/// The moments of every call of that name.
fn called(staged: &StagedRun, since: Timestamp, action: &str) -> Vec<Timestamp> {
    let calls = staged.stage.world.estate.calls(0, usize::MAX);
    calls.iter().filter(|call| &*call.action == action && call.at >= since).map(|call| call.at).collect()
}

#[tokio::test(start_paused = true)]
async fn an_image_is_made_in_the_hours_before_the_window_and_not_days_before() {
    // Planned on Monday morning, changed in the night to Sunday.
    let settings = [
        ("safety.window", "Sun 00:00-04:00 UTC"),
        ("safety.max_concurrent", "100%"),
        // The others of a canary are prepared when it is over.
        ("safety.canary", "0"),
    ];
    let staged = planned(WORLD, 19, State::in_memory(), &settings).await;
    let since = staged.stage.clock.now();
    let opens: Timestamp = "2026-11-08T00:00:00Z".parse().expect("a time");
    staged.drive(&approving()).await.expect("driven to an end");
    let finished = staged.finished().await;
    assert_eq!(finished.outcome.exit.number(), 0, "{:?}", finished.outcome);

    let images = called(&staged, since, "CreateImage");
    assert_eq!(images.len(), 25);
    let near = opens - SignedDuration::from_hours(12);
    assert!(
        images.iter().all(|at| (near..opens).contains(at)),
        "{:?} to {:?}",
        images.first(),
        images.last()
    );
    let mut wrong = Vec::new();
    invariants(&staged, since, &mut wrong);
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test(start_paused = true)]
async fn a_gate_is_decided_days_before_hosts_are_prepared() {
    let settings = [("safety.window", "Sun 00:00-04:00 UTC"), ("phases.backup.lead", "6h")];
    let staged = planned(WORLD, 19, State::in_memory(), &settings).await;
    let since = staged.stage.clock.now();
    let control = approving();
    let looked = async {
        staged.stage.clock.sleep(Duration::from_secs(3_600)).await;
        let finished = staged.finished().await;
        let approved = |record: &Record| matches!(record.event, Event::Signalled { .. });
        assert!(finished.records.iter().any(approved), "somebody was asked on the first morning");
        assert_eq!(called(&staged, since, "CreateImage"), []);
    };
    tokio::select! {
        driven = staged.drive(&control) => panic!("over before the window: {driven:?}"),
        () = looked => {}
    }
}
