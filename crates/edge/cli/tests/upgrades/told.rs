//! Scenario files that tell of upgrades: each is carried out, and held against what it expects.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fleetwright_eks::plan::{Approvals as Asking, PlanDocument, PlanOptions, Standing};
use fleetwright_eks::run::NotRun;
use fleetwright_eks::run::outcome::{ClusterOutcome, StepStanding, way_back};
use fleetwright_engine::{AtGates, Concluded, Conclusion, Control};
use fleetwright_estate::policy::pattern;
use fleetwright_estate::world::eks::update::{Subject, Update};
use fleetwright_flow::{Ending, Event};
use fleetwright_kubernetes::Minor;
use jiff::Timestamp;
use serde::Serialize;

use crate::expectation::{
    Approvals, Blocked, Came, Change, Ends, Expected, ExpectedCluster, FailedStep, Gate, Planned, Rollback,
    Stretch, parse,
};
use crate::world::{Staged, World};

/// The text of a scenario.
pub(crate) fn text(name: &str) -> String {
    fleetwright::files::read_text(&path(name)).expect("the scenario is there")
}

/// The `[expect.upgrade]` of a scenario.
pub(crate) fn expectation(name: &str) -> Expected {
    let found = parse(&text(name), name).unwrap_or_else(|error| panic!("{error}"));
    found.unwrap_or_else(|| panic!("{name} has no [expect.upgrade]"))
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../scenarios").join(format!("{name}.toml"))
}

/// The plans of a scenario's clusters, ring by ring.
type Rings = Vec<(String, Vec<PlanDocument>)>;

/// A scenario with its clusters planned.
async fn planned(name: &str, expected: &Expected) -> (World, Rings) {
    let world = World::of_scenario(&text(name), name, &expected.settings).await;
    let names = world.clusters();
    let rings: Vec<(String, Vec<String>)> = match expected.rings.as_slice() {
        [] => vec![(String::new(), names)],
        rings => rings.iter().map(|ring| (ring.name.clone(), members(&names, &ring.clusters))).collect(),
    };
    let options = PlanOptions {
        approvals: match expected.approvals {
            Approvals::Once => Asking::Once,
            Approvals::EachHop => PlanOptions::default().approvals,
        },
        alarms: expected.alarms.clone(),
        suites: expected.suites.clone(),
        ..PlanOptions::default()
    };
    let mut documents = Vec::new();
    for (ring, names) in rings {
        let mut plans = Vec::new();
        for name in names {
            plans.push(world.planned_with(&name, expected.to.number(), &options).await);
        }
        documents.push((ring, plans));
    }
    (world, documents)
}

/// The run that a scenario tells of, ready to be driven.
pub(crate) async fn staged(name: &str) -> Staged {
    let expected = expectation(name);
    let (world, rings) = planned(name, &expected).await;
    begun(world, &rings, &expected).await.unwrap_or_else(|refused| panic!("{name}: {refused}"))
}

async fn begun(world: World, rings: &Rings, expected: &Expected) -> Result<Staged, NotRun> {
    let rings: Vec<(&str, Vec<PlanDocument>)> =
        rings.iter().map(|(name, plans)| (name.as_str(), plans.clone())).collect();
    world.fleet(&rings, expected.soak_minutes * 60).await
}

/// Carries a scenario out and holds it against its file.
async fn told(name: &str) {
    let expected = expectation(name);
    let (world, rings) = planned(name, &expected).await;
    let mut wrong = Vec::new();
    plans(&expected, &rings, &mut wrong);
    match (begun(world, &rings, &expected).await, &expected.run) {
        (Ok(staged), Some(came)) => {
            let mut story = run(&expected, &staged, came, &mut wrong).await;
            let estate = Arc::clone(&staged.world.stage.world.estate);
            if let Some(rollback) = &expected.rollback {
                story = back(rollback, staged, &mut wrong).await;
            }
            let idle = estate.idle_faults();
            wrong.extend(idle.iter().map(|fault| format!("a fault struck nothing: {fault:?}")));
            assert!(wrong.is_empty(), "{name}:\n  {}\n{story}", wrong.join("\n  "));
        }
        (Err(NotRun::Blocked { .. }), None) => {
            assert!(wrong.is_empty(), "{name}:\n  {}", wrong.join("\n  "));
        }
        (Ok(_), None) => panic!("{name}: the plans can be carried out, and the file says nothing of a run"),
        (Err(refused), _) => panic!("{name}: the run is refused: {refused}\n  {}", wrong.join("\n  ")),
    }
}

/// What the plans say.
fn plans(expected: &Expected, rings: &Rings, wrong: &mut Vec<String>) {
    for document in rings.iter().flat_map(|(_, plans)| plans) {
        let cluster = &document.plan().cluster.name;
        let told: Vec<&Planned> =
            expected.plans.iter().filter(|it| pattern::matches(&it.cluster, cluster)).collect();
        if told.is_empty() {
            wrong.push(format!("nothing is said of the plan of {cluster}"));
        }
        for planned in told {
            plan(planned, document, wrong);
        }
    }
}

fn plan(planned: &Planned, document: &PlanDocument, wrong: &mut Vec<String>) {
    let plan = document.plan();
    let cluster = &plan.cluster.name;
    let blocks: BTreeSet<&str> = plan.blockers().map(|finding| finding.code.as_str()).collect();
    let wanted: BTreeSet<&str> = planned.blocks.iter().map(|it| it.code.as_str()).collect();
    let standing = if wanted.is_empty() { Standing::Executable } else { Standing::Blocked };
    if blocks != wanted || plan.standing() != standing {
        wrong.push(format!(
            "{cluster}: {blocks:?} block instead of {wanted:?}, {:?}: {:#?}",
            plan.standing(),
            plan.blockers().collect::<Vec<_>>()
        ));
    }
    for Blocked { code, words } in &planned.blocks {
        let of_code = plan.blockers().filter(|finding| finding.code == *code);
        let said: Vec<String> =
            of_code.map(|it| format!("{} {} {} {}", it.subject, it.what, it.evidence, it.remedy)).collect();
        if !said.iter().any(|said| words.iter().all(|words| said.contains(words.as_str()))) {
            wrong.push(format!("{cluster}: {code} does not say {words:?}: {said:#?}"));
        }
    }
    let rolls: BTreeMap<String, usize> =
        plan.node_rolls().into_iter().map(|(set, times)| (set.to_owned(), times)).collect();
    if planned.rolls.as_ref().is_some_and(|wanted| *wanted != rolls) {
        wrong.push(format!("{cluster}: nodes are replaced {rolls:?} instead of {:?}", planned.rolls));
    }
}

/// Drives the run while what the file says is changed around it.
async fn run(expected: &Expected, staged: &Staged, came: &Came, wrong: &mut Vec<String>) -> String {
    let (before, timed): (Vec<&Change>, Vec<&Change>) =
        expected.changes.iter().partition(|it| it.at.is_none());
    for change in before {
        staged.world.patch(&change.cluster, &change.path, change.patch.clone()).await;
    }
    let at_gates = match expected.gate {
        Gate::Approve => AtGates::Approve { by: "ada".into() },
        Gate::Nobody => AtGates::Leave,
    };
    let control = Control::new("the test", at_gates);
    let earlier = made(staged);
    let changes = async {
        for change in &timed {
            let clock = &staged.world.stage.clock;
            let wait = change.at.expect("it has a time").duration_since(clock.now());
            clock.sleep(Duration::try_from(wait).expect("after the plans were made")).await;
            staged.world.patch(&change.cluster, &change.path, change.patch.clone()).await;
        }
        std::future::pending::<Concluded>().await
    };
    let concluded = tokio::select! {
        concluded = staged.drive_with(&control) => concluded,
        never = changes => never,
    };
    let ended = staged.world.stage.clock.now();
    let late = timed.iter().filter_map(|change| change.at.filter(|at| *at >= ended));
    wrong.extend(late.map(|at| format!("what is changed at {at} comes after the end, {ended}")));
    compare(came, &concluded, staged, &earlier, wrong).await
}

/// Takes the hop back that the file names; the run that was told of is used up.
async fn back(rollback: &Rollback, staged: Staged, wrong: &mut Vec<String>) -> String {
    let clock = &staged.world.stage.clock;
    clock.sleep(Duration::from_secs(rollback.after_days * 24 * 3600)).await;
    let outcomes = staged.outcomes().await;
    let index =
        outcomes.iter().position(|it| it.name == rollback.cluster).expect("the cluster is in the run");
    let open = way_back(staged.document.plan(), index, &outcomes[index].steps, clock.now());
    match (&open, &rollback.closed) {
        (Ok(_), None) => {}
        (Err(why), Some(words)) if why.to_string().contains(words.as_str()) => {}
        _ => wrong.push(format!("the way back is {open:?} instead of {:?}", rollback.closed)),
    }
    let plan = &staged.document.plan().clusters[index].plan;
    let hop = plan.rollbacks.last().expect("a plan with a hop").hop;
    let staged = staged.back(&rollback.cluster, hop).await;
    let earlier = made(&staged);
    let concluded = staged.drive().await;
    compare(&rollback.run, &concluded, &staged, &earlier, wrong).await
}

/// Updates that EKS made, by cluster, kind and what they are of.
type Made = BTreeMap<String, BTreeMap<String, usize>>;

fn made(staged: &Staged) -> Made {
    staged.world.stage.world.estate.with_world(|world| {
        let regions = world.accounts.values().flat_map(|account| account.regions.values());
        let clusters = regions.flat_map(|region| region.clusters.by_name.values());
        let counted = |updates: &[Update]| {
            let mut counted = BTreeMap::new();
            for update in updates {
                let what = match &update.subject {
                    Subject::Cluster => update.kind.to_owned(),
                    Subject::NodeGroup(name) | Subject::Addon(name) => format!("{} {name}", update.kind),
                };
                *counted.entry(what).or_default() += 1;
            }
            counted
        };
        clusters.map(|cluster| (cluster.name.clone(), counted(&cluster.updates))).collect()
    })
}

async fn compare(
    came: &Came,
    concluded: &Concluded,
    staged: &Staged,
    earlier: &Made,
    wrong: &mut Vec<String>,
) -> String {
    let ends = match &concluded.conclusion {
        Conclusion::Closed(Ending::Complete) => Some(Ends::Complete),
        Conclusion::Closed(Ending::Halted) => Some(Ends::Halted),
        Conclusion::WaitsForApproval(_) => Some(Ends::Waits),
        _ => None,
    };
    if ends != Some(came.ends) {
        wrong.push(format!("it ends as {:?} instead of {:?}", concluded.conclusion, came.ends));
    }
    let asked = |it: &&fleetwright_flow::Record| matches!(it.event, Event::GateReached { .. });
    let asked = staged.records().await.iter().filter(asked).count();
    if came.asked.is_some_and(|wanted| wanted != asked) {
        wrong.push(format!("approval was asked for {asked} times instead of {:?}", came.asked));
    }
    let twice = staged.effects().into_iter().filter(|(_, times)| *times > 1);
    wrong.extend(twice.map(|(what, times)| format!("{what} was made {times} times")));
    let (outcomes, now) = (staged.outcomes().await, made(staged));
    for outcome in &outcomes {
        let told: Vec<&ExpectedCluster> =
            came.clusters.iter().filter(|it| pattern::matches(&it.cluster, &outcome.name)).collect();
        if told.is_empty() {
            wrong.push(format!("nothing is said of {}", outcome.name));
        }
        for wanted in told {
            cluster(wanted, outcome, wrong);
            since(wanted, outcome, &outcomes, wrong);
            times(wanted, outcome, wrong);
            in_the_world(wanted, &outcome.name, staged, wrong).await;
            effects(wanted, &outcome.name, (earlier, &now), wrong);
        }
    }
    table(&outcomes)
}

/// What the run says of a cluster.
fn cluster(wanted: &ExpectedCluster, outcome: &ClusterOutcome, wrong: &mut Vec<String>) {
    let name = &outcome.name;
    if word(outcome.standing) != wanted.standing {
        wrong.push(format!("{name} is {} instead of {}", word(outcome.standing), wanted.standing));
    }
    for (id, standing) in &wanted.steps {
        let found = outcome.steps.iter().find(|step| step.id == *id).map(|step| word(step.standing));
        if found.as_ref() != Some(standing) {
            wrong.push(format!("{name}: {id} is {found:?} instead of {standing}"));
        }
    }
    let failed = outcome.steps.iter().find(|step| step.standing == StepStanding::Failed);
    let is = |FailedStep { step, code, words }: &FailedStep| {
        let failed = failed.filter(|it| it.id == *step && it.code.as_deref() == Some(code));
        let said = failed.and_then(|it| it.message.as_deref());
        said.is_some_and(|said| words.iter().all(|words| said.contains(words.as_str())))
    };
    let agrees = wanted.failed.as_ref().map_or(failed.is_none(), is);
    if !agrees {
        wrong.push(format!("{name}: failed is {failed:?} instead of {:?}", wanted.failed));
    }
    let way_back = outcome.way_back.as_ref().map(|back| back.hop.to_string()).unwrap_or_default();
    if wanted.way_back.as_ref().is_some_and(|wanted| *wanted != way_back) {
        wrong.push(format!("{name}: {way_back:?} can be taken back instead of {:?}", wanted.way_back));
    }
}

/// How long after the ring before it a cluster was begun.
fn since(
    wanted: &ExpectedCluster,
    outcome: &ClusterOutcome,
    all: &[ClusterOutcome],
    wrong: &mut Vec<String>,
) {
    let Some(hours) = wanted.begun_after_hours else { return };
    let first = all.iter().position(|it| it.ring == outcome.ring).unwrap_or_default();
    let before = all[..first].iter().flat_map(|it| &it.steps).filter(|step| step.id != "soak");
    let ended = before.filter_map(|step| step.ended_at).max();
    let begun = outcome.steps.iter().filter_map(|step| step.started_at).min();
    let apart = |(ended, begun): (Timestamp, Timestamp)| begun.duration_since(ended).as_hours();
    if ended.zip(begun).map(apart).is_none_or(|apart| apart < hours) {
        wrong.push(format!("{} was begun at {begun:?}, the ring before it ended at {ended:?}", outcome.name));
    }
}

/// When steps that EKS has an update of were begun.
fn times(wanted: &ExpectedCluster, outcome: &ClusterOutcome, wrong: &mut Vec<String>) {
    if wanted.begins.is_empty() {
        return;
    }
    let steps = outcome.steps.iter().filter(|step| step.update.is_some());
    let begun: Vec<(&str, Timestamp)> =
        steps.filter_map(|step| Some((&*step.id, step.started_at?))).collect();
    let within = |at: Timestamp, stretch: &Stretch| stretch.from <= at && at < stretch.until;
    let outside = begun.iter().filter(|(_, at)| !wanted.begins.iter().any(|stretch| within(*at, stretch)));
    wrong.extend(outside.map(|(step, at)| format!("{}: {step} was begun at {at}", outcome.name)));
    let unused = wanted.begins.iter().filter(|stretch| !begun.iter().any(|(_, at)| within(*at, stretch)));
    wrong.extend(
        unused.map(|it| format!("{}: no step was begun from {} to {}", outcome.name, it.from, it.until)),
    );
}

/// What the cluster itself says.
async fn in_the_world(wanted: &ExpectedCluster, name: &str, staged: &Staged, wrong: &mut Vec<String>) {
    let (version, nodes) = staged.world.versions(name).await;
    if version != wanted.version {
        wrong.push(format!("{name} is at {version} instead of {}", wanted.version));
    }
    let all = |wanted: Minor| !nodes.is_empty() && nodes.iter().all(|it| *it == wanted);
    if wanted.nodes.is_some_and(|wanted| !all(wanted)) {
        wrong.push(format!("{name} has nodes {nodes:?} instead of {:?}", wanted.nodes));
    }
}

/// What EKS was made to do.
fn effects(wanted: &ExpectedCluster, name: &str, (before, now): (&Made, &Made), wrong: &mut Vec<String>) {
    let Some(wanted) = &wanted.effects else { return };
    let count = |made: &Made, what: &str| made.get(name).and_then(|it| it.get(what)).copied().unwrap_or(0);
    let all = now.get(name).into_iter().flatten();
    let new = all.map(|(what, times)| (what.clone(), times - count(before, what)));
    let new: BTreeMap<String, usize> = new.filter(|(_, times)| *times > 0).collect();
    if new != *wanted {
        wrong.push(format!("{name}: EKS made {new:?} instead of {wanted:?}"));
    }
}

/// The names that one of the patterns fits.
fn members(names: &[String], patterns: &[String]) -> Vec<String> {
    let fits = |name: &&String| patterns.iter().any(|it| pattern::matches(it, name));
    names.iter().filter(fits).cloned().collect()
}

fn word(standing: impl Serialize) -> String {
    let word = serde_json::to_value(standing).expect("a word");
    word.as_str().expect("a word").to_owned()
}

/// What to look at when a story goes otherwise: every cluster, step by step.
fn table(outcomes: &[ClusterOutcome]) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let _ = writeln!(text, "    {} {}", outcome.name, word(outcome.standing));
        for step in &outcome.steps {
            let (code, message) = (step.code.as_deref().unwrap_or(""), step.message.as_deref().unwrap_or(""));
            let at = step.started_at.map(|at| at.to_string()).unwrap_or_default();
            let _ = writeln!(text, "      {} {} {at} {code} {message}", step.id, word(step.standing));
        }
    }
    text
}

macro_rules! upgrades {
    ($($test:ident: $name:literal;)+) => {
        $(#[tokio::test(start_paused = true)] async fn $test() { told($name).await; })+

        #[test]
        fn every_scenario_of_an_upgrade_is_told() {
            let told = BTreeSet::from([$($name.to_owned()),+]);
            assert_eq!(told, scenario_files());
        }
    };
}

/// Every file with an `[expect.upgrade]`, and every file that is named as one.
#[expect(clippy::disallowed_methods, reason = "the test looks at the scenario directory")]
fn scenario_files() -> BTreeSet<String> {
    let entries = std::fs::read_dir(path("x").parent().expect("a directory")).expect("the scenarios");
    let paths = entries.map(|entry| entry.expect("readable").path());
    let scenarios = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let names = scenarios.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned());
    let tells = |name: &String| {
        let told = parse(&text(name), name).unwrap_or_else(|error| panic!("{error}"));
        name.starts_with("upgrade-") || told.is_some()
    };
    names.filter(tells).collect()
}

upgrades! {
    three_hops_replace_the_nodes_once: "upgrade-three-hops";
    a_budget_that_lets_nobody_go_is_named_when_the_upgrade_is_planned: "upgrade-budget-never-satisfied";
    an_api_that_goes_in_a_helm_release_blocks_with_the_release: "upgrade-api-in-helm-release";
    a_webhook_that_nobody_answers_blocks: "upgrade-webhook-unanswered";
    an_add_on_without_a_version_for_the_second_hop_blocks: "upgrade-addon-without-version";
    subnets_without_room_for_the_surge_block: "upgrade-subnets-full";
    what_a_budget_holds_up_at_run_time_is_named_with_the_budget: "upgrade-budget-tightened";
    a_drain_that_gets_stuck_is_told_with_the_pod_and_the_budget: "upgrade-eviction-stuck";
    an_api_server_that_does_not_answer_for_two_minutes_is_waited_for: "upgrade-api-server-errors";
    an_update_that_eks_cannot_make_stops_the_run_with_its_words: "upgrade-update-fails";
    kubelets_that_do_not_start_leave_the_old_nodes_and_stop_the_run: "upgrade-kubelets-fail";
    a_test_suite_that_fails_at_the_second_hop_stops_the_upgrade_there: "upgrade-suite-fails";
    an_alarm_that_nobody_has_is_no_silence: "upgrade-alarm-missing";
    what_processes_die_over_goes_well_where_none_does: "upgrade-crash-at-every-step";
    a_group_of_ones_own_is_refreshed_and_taken_back: "upgrade-own-groups";
    within_seven_days_a_hop_is_taken_back: "upgrade-rollback-within-seven-days";
    after_seven_days_nobody_takes_it_back: "upgrade-rollback-after-seven-days";
    what_blocks_eks_from_going_back_stops_the_way_back: "upgrade-rollback-refused";
    a_bad_canary_keeps_forty_clusters_as_they_are: "upgrade-fleet-bad-canary";
    a_ring_proves_itself_before_the_next_begins: "upgrade-rings-soak";
    a_change_calendar_that_closes_meanwhile_holds_the_next_step_up: "upgrade-change-calendar";
    a_pool_that_drifts_is_replaced_in_waves_and_has_its_own_budgets_back: "upgrade-node-pools";
}
