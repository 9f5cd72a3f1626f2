//! Two runs at work in the same groups at once, each with state and adapter as a process of its own has
//! them. Who is out of service is what the estate noted, not what the runs say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use fleetwright::commands::places;
use fleetwright::commands::plan::{Continued, Looking, run_id};
use fleetwright::console::Console;
use fleetwright::fleet;
use fleetwright::settings::Flags;
use fleetwright::simulated::Stage;
use fleetwright::staged_run::StagedRun;
use fleetwright::state::State;
use fleetwright_estate::checkers::availability::out_of_service;
use fleetwright_estate::world::diary::Event as DiaryEvent;
use fleetwright_estate::world::host::{HostEvent, HostEventKind};
use fleetwright_flow::Event;
use fleetwright_model::{InstanceId, Phase};
use fleetwright_patch::outcome::{HostOutcome, left_behind, tally, was_started, worth_a_retry};
use fleetwright_patch::plan::notes::step;
use fleetwright_patch::plan::{Parent, Relation};
use fleetwright_ports::budgets::Taken;
use fleetwright_survey::Stop;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use crate::invariants::budgets_and_invariants;
use crate::story::{CONSOLE, approving};

/// Eight hosts behind one balancer; each run knows its own half of them.
const WORLD: &str = r#"
name = "together"
description = "Two teams patch the same application in the same night."
seed = 151
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
Name = "left"
Application = "shop"

[[instances]]
account = "shop"
count = 4
missing = ["openssl", "kernel"]
[instances.tags]
Name = "right"
Application = "shop"

[[load_balancers]]
name = "shop"
account = "shop"
target_group = "shop-web"
instances = "*"
deregistration_delay = 60
"#;

const GROUP: &str = "targetgroup/shop-web";

/// What goes wrong on every host of the left half once it was rebooted: nobody knows then how it is.
const SILENT: &str = "[[hosts]]\nkind = \"agent_never_returns\"\ninstance = \"left\"\n";

fn flags(half: &str) -> Flags {
    let mut flags = Flags::default();
    flags.set("a test", "scan.include", half);
    flags.set("a test", "safety.budgets.target_group", "1");
    flags.set("a test", "safety.budgets.application", "100%");
    flags.set("a test", "safety.max_failure_percentage", "100");
    flags
}

/// A run of each half, in these state directories.
async fn two_runs(faults: &str, states: [&Path; 2]) -> (StagedRun, StagedRun) {
    let text = format!("{WORLD}\n{faults}");
    let first = Stage::of_text((&text, "together"), 1, flags("left"), CONSOLE).await;
    let first = first.expect("a usable scenario");
    let mut second = first.beside(flags("right"), CONSOLE).await.expect("usable settings");
    // Runs that begin in the same second are told apart by their seeds.
    second.world.seed = 2;
    let state = |directory| State::at(directory).expect("a state directory");
    let plan = |stage, state| StagedRun::plan(stage, state, &Phase::ALL, CONSOLE);
    let first = plan(first, state(states[0])).await.expect("the run can be made");
    let second = plan(second, state(states[1])).await.expect("the run can be made");
    for run in [&first, &second] {
        let hosts = run.document.plan().work.iter().filter(|work| work.host().is_some()).count();
        assert_eq!(hosts, 4, "each run has its own half");
    }
    (first, second)
}

fn scratch() -> TempDir {
    tempfile::tempdir().expect("a scratch directory")
}

async fn driven(run: &StagedRun) {
    run.drive(&approving()).await.expect("driven to an end");
}

/// The most members out of service at once, by the estate's own notes.
fn most_out(run: &StagedRun, since: Timestamp) -> usize {
    let outages = run.stage.world.estate.with_world(|world| out_of_service(world, since));
    outages.iter().find(|outage| outage.group == GROUP).map_or(0, |outage| outage.most())
}

/// When hosts of that name installed their patches.
fn installs(run: &StagedRun, name: &str, since: Timestamp) -> Vec<Timestamp> {
    run.stage.world.estate.with_world(|world| {
        let regions = world.accounts.values().flat_map(|account| account.regions.values());
        let mut all = Vec::new();
        for region in regions {
            for it in region.instances.iter().filter(|it| it.tags.get("Name").is_some_and(|it| it == name)) {
                let history = region.host_history(it.id).iter().filter(|event| event.at >= since);
                all.extend(history.filter(|event| is_install(event)).map(|event| event.at));
            }
        }
        all
    })
}

fn is_install(event: &HostEvent) -> bool {
    matches!(event.kind, HostEventKind::Installed { .. })
}

async fn taken(run: &StagedRun) -> Vec<Taken> {
    run.state.budgets.taken().await.expect("a working storage")
}

/// Whether the run's record says that others had the group's place when it wanted one.
async fn waited_for_others(run: &StagedRun) -> bool {
    let records = run.finished().await.records;
    records.iter().any(|record| matches!(record.event, Event::Observed { elsewhere: 1.., .. }))
}

async fn succeeded(run: &StagedRun) -> usize {
    tally(&run.finished().await.results).get(&HostOutcome::Success).copied().unwrap_or(0)
}

fn judged(runs: [&StagedRun; 2], since: Timestamp) -> Vec<String> {
    let most = BTreeMap::from([(GROUP.to_owned(), 1)]);
    let mut wrong = Vec::new();
    for (run, other) in [(runs[0], runs[1]), (runs[1], runs[0])] {
        let mut found = Vec::new();
        budgets_and_invariants(run, since, &most, &mut found);
        // What the other run does to its own hosts is not what this one's plan is about.
        let theirs: Vec<&str> =
            other.document.plan().work.iter().filter_map(|work| Some(work.host()?.id.as_str())).collect();
        found.retain(|finding| !finding.starts_with("I23:") || !theirs.iter().any(|id| finding.contains(id)));
        wrong.extend(found);
    }
    wrong
}

#[tokio::test(start_paused = true)]
async fn two_runs_at_once_never_break_a_groups_budget() {
    for minutes in [0, 7, 23] {
        let directory = scratch();
        let (one, two) = two_runs("", [directory.path(), directory.path()]).await;
        let since = one.stage.clock.now();
        let later = async {
            two.stage.clock.sleep(Duration::from_secs(60 * minutes)).await;
            driven(&two).await;
        };
        tokio::join!(driven(&one), later);
        assert_eq!((succeeded(&one).await, succeeded(&two).await), (4, 4), "{minutes} min");
        let waited = waited_for_others(&one).await || waited_for_others(&two).await;
        assert!(waited, "they were at work at the same time, {minutes} min");
        assert_eq!(most_out(&one, since), 1, "{minutes} min");
        assert_eq!(taken(&one).await, [], "{minutes} min");
        let wrong = judged([&one, &two], since);
        assert!(wrong.is_empty(), "{minutes} min: {wrong:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn runs_that_know_nothing_of_each_other_do_break_it() {
    let (here, there) = (scratch(), scratch());
    let (one, two) = two_runs("", [here.path(), there.path()]).await;
    let since = one.stage.clock.now();
    tokio::join!(driven(&one), driven(&two));
    assert!(most_out(&one, since) > 1, "what the stories here would see");
    assert!(judged([&one, &two], since).iter().any(|wrong| wrong.starts_with("I1:")));
}

#[tokio::test(start_paused = true)]
async fn the_places_of_a_process_that_died_are_taken_until_somebody_goes_on_with_its_run() {
    let directory = scratch();
    let (one, two) = two_runs("", [directory.path(), directory.path()]).await;
    let (since, clock) = (one.stage.clock.now(), one.stage.clock.clone());
    let holds = async {
        while taken(&one).await.is_empty() {
            clock.sleep(Duration::from_secs(30)).await;
        }
    };
    tokio::select! {
        () = driven(&one) => panic!("it dies on the way"),
        () = holds => {}
    }
    let died_at = clock.now();
    let held = taken(&one).await;
    let resumed_at = async {
        clock.sleep(Duration::from_secs(4 * 3_600)).await;
        let now = clock.now();
        assert_eq!(taken(&one).await, held, "nobody gives back what a dead process took");
        driven(&one).await;
        now
    };
    let (resumed_at, ()) = tokio::join!(resumed_at, driven(&two));
    let early = installs(&two, "right", since).into_iter().filter(|at| *at > died_at && *at < resumed_at);
    assert_eq!(early.count(), 0, "the other run waits for the host nobody looks after");
    assert_eq!((succeeded(&one).await, succeeded(&two).await), (4, 4));
    assert_eq!(most_out(&one, since), 1);
    assert_eq!(taken(&one).await, []);
    let wrong = judged([&one, &two], since);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_run_left_unknown_counts_until_a_person_says_otherwise() {
    let directory = scratch();
    let (one, two) = two_runs(SILENT, [directory.path(), directory.path()]).await;
    let (since, clock) = (one.stage.clock.now(), one.stage.clock.clone());
    driven(&one).await;
    let results = tally(&one.finished().await.results);
    assert_eq!(results.get(&HostOutcome::Success), None, "{results:?}");
    let kept = taken(&one).await;
    let members: BTreeSet<_> = kept.iter().map(|taken| &taken.member).collect();
    assert!(kept.iter().all(|taken| taken.kept) && members.len() == 1, "{kept:?}");

    let quiet = Console { quiet: true, ..CONSOLE };
    let cleared_at = async {
        clock.sleep(Duration::from_secs(6 * 3_600)).await;
        let now = clock.now();
        places::clear(&two.state, one.run.as_str(), &[], quiet).await.expect("the run is over");
        now
    };
    let (cleared_at, ()) = tokio::join!(cleared_at, driven(&two));
    let right = installs(&two, "right", since);
    assert_eq!(right.len(), 4, "{right:?}");
    assert!(right.iter().all(|at| *at >= cleared_at), "{right:?} before {cleared_at}");
    let until = cleared_at + SignedDuration::from_mins(5);
    assert!(right.iter().any(|at| *at < until), "it goes on soon: {right:?}, cleared at {cleared_at}");
    assert_eq!(taken(&two).await, []);
}

/// The hosts of a run that did not end well, planned anew as `fleetwright retry` does.
async fn tried_again(of: &StagedRun, directory: &Path) -> StagedRun {
    let mut stage = of.stage.beside(flags("left"), CONSOLE).await.expect("usable settings");
    stage.world.seed = 3;
    let state = State::at(directory).expect("a state directory");
    let (plan, finished) = (of.document.plan(), of.finished().await);
    let mut request = fleet::scan_request(&stage.settings, stage.fleet.clone());
    request.query.ids = worth_a_retry(&finished.results);
    let mut earlier = left_behind(plan, &finished.run, of.run.as_str());
    let changed =
        finished.results.iter().filter(|it| was_started(plan, &finished.run, it.target, step::PATCH));
    let changed: BTreeSet<InstanceId> = changed.map(|result| result.host.id.clone()).collect();
    earlier.retain(|id, _| changed.contains(id));
    let parent = Some(Parent { run: of.run.as_str().into(), relation: Relation::Retry });
    let looking = Looking {
        aws: &stage.aws,
        clock: &stage.clock,
        settings: &stage.settings,
        stop: Stop::never(),
        console: CONSOLE,
    };
    let looked = looking.look(&request).await;
    let document =
        looking.plan(&looked, &Phase::ALL, 3, Continued { parent, earlier, ..Continued::default() });
    let document = document.expect("it can be planned");
    let run = run_id(stage.clock.as_ref(), 3);
    let created = state.journal.create(&run, &document.write(), stage.clock.now()).await;
    created.expect("a new run");
    StagedRun { stage, state, run, document, zones: looked.zones }
}

/// Patches fail until somebody repairs the repository.
const REPAIRED_AT: &str = "2026-11-02T06:00:00Z";

#[tokio::test(start_paused = true)]
async fn a_host_that_is_tried_again_counts_as_down_until_it_is_verified_healthy() {
    let faults = format!(
        "[[hosts]]\nkind = \"patch_fails\"\ninstance = \"left\"\npatch = \"openssl\"\nuntil = {REPAIRED_AT:?}\n"
    );
    let directory = scratch();
    let (one, two) = two_runs(&faults, [directory.path(), directory.path()]).await;
    let (since, clock) = (one.stage.clock.now(), one.stage.clock.clone());
    driven(&one).await;
    let (failed, ended_at) = (taken(&one).await, clock.now());
    assert!(!failed.is_empty() && failed.iter().all(|taken| taken.kept), "{failed:?}");

    let repaired: Timestamp = REPAIRED_AT.parse().expect("a time");
    let again = async {
        let wait = repaired.duration_since(clock.now()) + SignedDuration::from_mins(10);
        clock.sleep(Duration::try_from(wait).expect("in the future")).await;
        let again = tried_again(&one, directory.path()).await;
        assert!(taken(&one).await == failed, "planning it gives nothing back");
        driven(&again).await;
        again
    };
    let (again, ()) = tokio::join!(again, driven(&two));
    assert_eq!((succeeded(&again).await, succeeded(&two).await), (4, 4));
    let healthy = verified(&again, &failed[0].member).await;
    let right = installs(&two, "right", since);
    assert!(right.iter().all(|at| *at >= healthy), "{right:?} before {healthy}");
    assert_eq!(most_out(&one, since), 1);
    assert_eq!(taken(&one).await, []);
    let wrong = judged([&again, &two], ended_at);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// When the status checks of that host passed after its last boot.
async fn verified(run: &StagedRun, member: &str) -> Timestamp {
    let wanted = member.rsplit('/').next().expect("an id");
    run.stage.world.estate.with_world(|world| {
        let regions = world.accounts.values().flat_map(|account| account.regions.values());
        let entries = regions.flat_map(|region| region.diary.entries());
        let passed = entries
            .filter(|(_, event)| matches!(event, DiaryEvent::ChecksPassed(id) if id.to_string() == wanted));
        passed.map(|(at, _)| *at).max().expect("it was rebooted")
    })
}
