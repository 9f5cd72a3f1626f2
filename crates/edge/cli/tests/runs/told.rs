//! Scenario files that tell of runs: each is run, and held against what it expects.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use fleetwright::commands::plan::{Continued, Looking};
use fleetwright::driving::Told;
use fleetwright::evidence::Gathered;
use fleetwright::staged_run::{Finished, StagedRun};
use fleetwright::{fleet, report_files};
use fleetwright_engine::AtGates;
use fleetwright_estate::policy::pattern;
use fleetwright_estate::scenario::ScenarioFile;
use fleetwright_estate::world::instance::Instance;
use fleetwright_flow::{GateView, Signal};
use fleetwright_model::{Phase as WorkPhase, code};
use fleetwright_patch::outcome::{HostOutcome, HostResult, tally};
use fleetwright_patch::plan::LeftOut;
use fleetwright_report::plan_text;
use fleetwright_survey::Stop;
use jiff::Timestamp;

use crate::effects::{NAMES, effects};
use crate::expectation::{Expected, Gate, Replan, Stretch};
use crate::invariants::budgets_and_invariants;
use crate::moments;
use crate::order::in_order;
use crate::parity::{self, Driver};
use crate::story::{CONSOLE, planned};

/// The `[expect.run]` of a file.
fn expectation(name: &str) -> Expected {
    let text = fleetwright::files::read_text(&path(name)).expect("the scenario is there");
    let file = ScenarioFile::parse(&text, name).unwrap_or_else(|error| panic!("{error}"));
    let run = file.scenario.expect.get("run").expect("the file says what a run comes to");
    run.clone().try_into().unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../scenarios").join(format!("{name}.toml"))
}

/// Runs the scenario in one go and turn by turn, holds both against its file, and their records against one
/// another.
async fn told(name: &str) {
    let stayed = told_by(Driver::Stay, name).await;
    let turned = told_by(Driver::Turns, name).await;
    let other = parity::difference(&stayed, &turned);
    assert!(
        other.is_empty(),
        "{name}: turn by turn, the record tells something else:\n  {}",
        other.join("\n  ")
    );
}

/// Runs the scenario and holds it against its file; what is on record.
async fn told_by(driver: Driver, name: &str) -> Vec<String> {
    let expected = expectation(name);
    let settings: Vec<(&str, &str)> =
        expected.settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let staged = planned(name, &settings).await;
    let since = staged.stage.clock.now();
    let before = machines(&staged);
    drive(driver, &staged, &expected).await;
    let finished = staged.finished().await;

    let mut wrong = Vec::new();
    whole(&expected, &finished, &mut wrong);
    hosts(&expected, &staged, &finished, &mut wrong);
    the_world(&expected, &staged, since, &mut wrong);
    times(&expected, &staged, since, &mut wrong);
    untouched_hosts_are_untouched(&staged, &finished, since, &mut wrong);
    if driver == Driver::Stay {
        // They name times to the second.
        words(&expected, &staged, &finished, &mut wrong);
    }
    restored_hosts_are_the_same_machines(&staged, &finished, &before, &mut wrong);
    budgets_and_invariants(&staged, since, &expected.most_out, &mut wrong);
    for order in &expected.in_order {
        in_order(&staged, &finished, order, since, &mut wrong);
    }
    if expected.replan == Some(Replan::Nothing) {
        replanned(&staged, &finished, &mut wrong).await;
    }
    assert!(
        wrong.is_empty(),
        "{name}, {driver:?}:\n  {}\n{}",
        wrong.join("\n  "),
        table(&finished, &staged.document.plan().left_out)
    );
    parity::story(name, &staged, &finished.records)
}

async fn drive(driver: Driver, staged: &StagedRun, expected: &Expected) {
    let clock = &staged.stage.clock;
    let decide = async |signal: Signal, reason: Option<&str>| {
        let posted = staged.state.journal.post(&staged.run, clock.now(), signal, "a test", reason).await;
        posted.expect("the run is there");
    };
    let decisions = async {
        if expected.gate == Gate::Reject {
            loop {
                clock.sleep(Duration::from_secs(60)).await;
                let view = staged.finished().await.run.view(clock.now());
                if let Some(waiting) = view.stages.iter().find(|stage| stage.gate == GateView::Waiting) {
                    decide(Signal::Reject(waiting.stage), Some("not tonight")).await;
                    break;
                }
            }
        }
        if let Some(at) = &expected.abort_at {
            let at: Timestamp = at.parse().expect("abort_at is an RFC 3339 time");
            let wait = at.duration_since(clock.now());
            clock.sleep(Duration::try_from(wait).expect("after the scan")).await;
            decide(Signal::Abort, None).await;
        }
        std::future::pending::<()>().await;
    };
    let at_gates = match expected.gate {
        Gate::Approve => AtGates::Approve { by: "a test".into() },
        Gate::Reject | Gate::Nobody => AtGates::Wait,
    };
    tokio::select! {
        () = parity::drive(driver, staged, at_gates) => {}
        () = decisions => {}
    }
}

fn whole(expected: &Expected, finished: &Finished<'_>, wrong: &mut Vec<String>) {
    let outcome = finished.outcome;
    if outcome.exit.number() != expected.exit {
        wrong.push(format!("exit {} instead of {}", outcome.exit.number(), expected.exit));
    }
    let why = outcome.why.map(|code| code.id);
    if why != expected.code.as_deref() {
        wrong.push(format!("code {why:?} instead of {:?}", expected.code));
    }
    if why.and_then(code::find).is_some_and(|code| code.next_step.is_empty()) {
        wrong.push(format!("{why:?} has no next step"));
    }
    let counted: BTreeMap<String, usize> =
        tally(&finished.results).into_iter().map(|(outcome, n)| (outcome.as_str().to_owned(), n)).collect();
    if counted != expected.outcomes {
        wrong.push(format!("outcomes {counted:?} instead of {:?}", expected.outcomes));
    }
    for result in &finished.results {
        let explained = result.code.as_deref().is_none_or(|id| code::find(id).is_some());
        let silent = !matches!(result.outcome, HostOutcome::Success | HostOutcome::RolledBack);
        if !explained || (silent && result.code.is_none()) {
            wrong.push(format!("{} ended as {} with code {:?}", result.host.id, result.outcome, result.code));
        }
    }
}

fn hosts(expected: &Expected, staged: &StagedRun, finished: &Finished<'_>, wrong: &mut Vec<String>) {
    for wanted in &expected.hosts {
        let named = |result: &&HostResult<'_>| {
            let names = [result.host.id.as_str(), result.host.name.as_deref().unwrap_or_default()];
            names.iter().any(|name| pattern::matches(&wanted.host, name))
        };
        let chosen: Vec<&HostResult<'_>> = finished.results.iter().filter(named).collect();
        if chosen.is_empty() {
            wrong.push(format!("no host of the plan is {:?}", wanted.host));
        }
        for result in chosen {
            let is =
                |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
            let state = machine(staged, result.host.id.as_str()).map(|it| it.state.name());
            if wanted.outcome != result.outcome.as_str()
                || !is(&wanted.code, result.code.as_deref())
                || !is(&wanted.step, result.step.as_deref())
                || !is(&wanted.state, state)
            {
                let line = line(result);
                wrong.push(format!("instead of {wanted:?}: {line}, {}", state.unwrap_or("gone")));
            }
        }
    }
}

fn the_world(expected: &Expected, staged: &StagedRun, since: Timestamp, wrong: &mut Vec<String>) {
    let happened = staged.stage.world.estate.with_world(|world| effects(world, since));
    for (name, count) in &expected.effects {
        match happened.get(name.as_str()) {
            None => wrong.push(format!("effects: {name:?} is none of {}", NAMES.join(", "))),
            Some(found) if found != count => wrong.push(format!("{found} {name} instead of {count}")),
            Some(_) => {}
        }
    }
    let idle = staged.stage.world.estate.idle_faults();
    wrong.extend(idle.iter().map(|fault| format!("a fault struck nothing: {fault:?}")));
}

/// When hosts of the world were changed.
fn times(expected: &Expected, staged: &StagedRun, since: Timestamp, wrong: &mut Vec<String>) {
    let (sent, changes) = staged
        .stage
        .world
        .estate
        .with_world(|world| (moments::patches_sent(world, since), moments::changes(world, since)));
    if !expected.begins.is_empty() {
        let outside = sent.iter().filter(|(at, _)| !expected.begins.iter().any(|stretch| stretch.has(*at)));
        wrong.extend(outside.map(|(at, host)| format!("{host} was sent its patches at {at}")));
        let used = |stretch: &&Stretch| sent.iter().any(|(at, _)| stretch.has(*at));
        let unused = expected.begins.iter().filter(|stretch| !used(stretch));
        wrong.extend(unused.map(|it| format!("nobody was sent patches from {} to {}", it.from, it.until)));
    }
    if !expected.changes.is_empty() {
        let outside =
            changes.iter().filter(|(at, ..)| !expected.changes.iter().any(|stretch| stretch.has(*at)));
        wrong.extend(outside.map(|(at, what, host)| format!("{what} of {host} at {at}")));
    }
}

/// Who is said to be left as it is was neither installed on nor rebooted.
fn untouched_hosts_are_untouched(
    staged: &StagedRun,
    finished: &Finished<'_>,
    since: Timestamp,
    wrong: &mut Vec<String>,
) {
    let codes = [&code::WINDOW_OVER, &code::WINDOW_MISSED, &code::WAIVER_OVER, &code::GATE_EXPIRED];
    let untouched = |result: &&HostResult<'_>| {
        result.code.as_deref().is_some_and(|id| codes.iter().any(|code| code.id == id))
    };
    let changes = staged.stage.world.estate.with_world(|world| moments::changes(world, since));
    for result in finished.results.iter().filter(untouched) {
        let id = result.host.id.as_str();
        let touched =
            changes.iter().filter(|(_, what, whom)| ["installs", "reboots"].contains(what) && whom == id);
        wrong.extend(touched.map(|(at, what, _)| format!("{id} is left as it is, and {what} at {at}")));
    }
}

/// What people are told: the plan, the summary, and who is left out of the plan.
fn words(expected: &Expected, staged: &StagedRun, finished: &Finished<'_>, wrong: &mut Vec<String>) {
    let mut left_out: BTreeMap<String, usize> = BTreeMap::new();
    for reason in staged.document.plan().left_out.iter().filter_map(|left| left.reasons.first()) {
        *left_out.entry(reason.to_string()).or_default() += 1;
    }
    if !expected.left_out.is_empty() && left_out != expected.left_out {
        wrong.push(format!("left out {left_out:?} instead of {:?}", expected.left_out));
    }
    let mut plan = String::new();
    plan_text::write_plan(&mut plan, &staged.document, CONSOLE.width).expect("a string");
    let summary = summary(staged, finished);
    for (wanted, text) in [(&expected.plan, &plan), (&expected.summary, &summary)] {
        let missing = wanted.iter().filter(|words| !text.contains(words.as_str()));
        wrong.extend(missing.map(|words| format!("{words:?} is not said in:\n{text}")));
    }
}

/// `summary.txt` of a run.
pub(crate) fn summary(staged: &StagedRun, finished: &Finished<'_>) -> String {
    let told = Told {
        run: &staged.run,
        document: &staged.document,
        state: &finished.run,
        records: &finished.records,
        now: staged.stage.clock.now(),
    };
    report_files::summary(&told.record(None, Gathered::default())).expect("a string")
}

/// Every instance of the world, by id.
fn machines(staged: &StagedRun) -> BTreeMap<String, Instance> {
    staged.stage.world.estate.with_world(|world| {
        let regions = world.accounts.values().flat_map(|account| account.regions.values());
        regions.flat_map(|region| region.instances.iter()).map(|it| (it.id.to_string(), it.clone())).collect()
    })
}

fn machine(staged: &StagedRun, id: &str) -> Option<Instance> {
    machines(staged).remove(id)
}

/// A host that was put back keeps its id, address, profile and data volumes, and has another root.
fn restored_hosts_are_the_same_machines(
    staged: &StagedRun,
    finished: &Finished<'_>,
    before: &BTreeMap<String, Instance>,
    wrong: &mut Vec<String>,
) {
    let after = machines(staged);
    for result in finished.results.iter().filter(|result| result.outcome == HostOutcome::RolledBack) {
        let id = result.host.id.as_str();
        let (Some(was), Some(is)) = (before.get(id), after.get(id)) else {
            wrong.push(format!("{id} was rolled back and is gone"));
            continue;
        };
        let data = |it: &Instance| it.volumes.iter().skip(1).map(|v| v.volume).collect::<Vec<_>>();
        let root = |it: &Instance| it.volumes.first().map(|v| v.volume);
        let kept = (was.private_ip, was.public_ip, &was.profile, data(was))
            == (is.private_ip, is.public_ip, &is.profile, data(is));
        if !kept || root(was) == root(is) {
            wrong.push(format!("{id} was rolled back and is not what it was"));
        }
    }
}

/// A plan made again has nothing to do for hosts that ended in success.
async fn replanned(staged: &StagedRun, finished: &Finished<'_>, wrong: &mut Vec<String>) {
    let stage = &staged.stage;
    let looking = Looking {
        aws: &stage.aws,
        clock: &stage.clock,
        settings: &stage.settings,
        stop: Stop::never(),
        console: CONSOLE,
    };
    let looked = looking.look(&fleet::scan_request(&stage.settings, stage.fleet.clone())).await;
    let again = looking
        .plan(&looked, &WorkPhase::ALL, stage.world.seed, Continued::default())
        .expect("what is left can be planned");
    let again: BTreeSet<String> =
        again.plan().work.iter().filter_map(|work| Some(work.host()?.id.to_string())).collect();
    for result in finished.results.iter().filter(|result| result.outcome == HostOutcome::Success) {
        if again.contains(result.host.id.as_str()) {
            wrong.push(format!("{} ended in success and is planned again", result.host.id));
        }
    }
}

fn line(result: &HostResult<'_>) -> String {
    let name = result.host.name.as_deref().unwrap_or("–");
    let (code, step) = (result.code.as_deref().unwrap_or("–"), result.step.as_deref().unwrap_or("–"));
    let message = result.message.as_deref().unwrap_or_default();
    format!("{} {name}: {} {code} at {step} {message}", result.host.id, result.outcome)
}

/// What to look at when a story goes otherwise: every host, and the record.
fn table(finished: &Finished<'_>, left_out: &[LeftOut]) -> String {
    let mut text = String::new();
    for result in &finished.results {
        let _ = writeln!(text, "    {}", line(result));
    }
    for left in left_out {
        let _ = writeln!(text, "    {} left out: {}", left.id, left.reasons.join(", "));
    }
    for record in &finished.records {
        let _ = writeln!(text, "    {} {} {:?}", record.seq.0, record.at, record.event);
    }
    text
}

macro_rules! runs {
    ($($test:ident: $name:literal;)+) => {
        $(#[tokio::test(start_paused = true)] async fn $test() { told($name).await; })+

        #[test]
        fn every_scenario_of_a_run_is_told() {
            let told = BTreeSet::from([$($name.to_owned()),+]);
            assert_eq!(told, scenario_files());
        }
    };
}

/// Every file with an `[expect.run]`.
#[expect(clippy::disallowed_methods, reason = "the test looks at the scenario directory")]
fn scenario_files() -> BTreeSet<String> {
    let entries = std::fs::read_dir(path("x").parent().expect("a directory")).expect("the scenarios");
    let paths = entries.map(|entry| entry.expect("readable").path());
    let scenarios = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    scenarios
        .filter(|path| std::fs::read_to_string(path).expect("readable").contains("\n[expect.run]"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect()
}

runs! {
    agent_never_returns: "run-agent-never-returns";
    agent_never_returns_restored: "run-agent-never-returns-restored";
    clean_up: "run-clean-up";
    commands_not_received: "run-commands-not-received";
    credentials_refused: "run-credentials-refused";
    image_fails: "run-image-fails";
    image_of_20_hours: "run-image-of-20-hours";
    image_too_late: "run-image-too-late";
    instance_replaced: "run-instance-replaced";
    instance_store: "run-instance-store";
    instance_terminated: "run-instance-terminated";
    load_expected: "run-load-expected";
    load_slower: "run-load-slower";
    lost_replies: "run-lost-replies";
    metric_beyond_tolerance: "run-metric-beyond-tolerance";
    mixed_platforms: "run-mixed-platforms";
    not_ready: "run-not-ready";
    patch_bricks_boot: "run-patch-bricks-boot";
    patch_fails: "run-patch-fails";
    drained_host_returns: "run-drained-host-returns";
    auto_scaling_standby: "run-auto-scaling-standby";
    report_lost: "run-report-lost";
    same_patches: "run-same-patches";
    service_breaks: "run-service-breaks";
    service_breaks_restored: "run-service-breaks-restored";
    short_sessions: "run-short-sessions";
    stale_reads: "run-stale-reads";
    stopped_aborted: "run-stopped-aborted";
    stopped_put_back: "run-stopped-put-back";
    stopped_rejected: "run-stopped-rejected";
    threshold: "run-threshold";
    approval_expires_rejected: "run-approval-expires-rejected";
    approval_expires_skipped: "run-approval-expires-skipped";
    change_calendar: "run-change-calendar";
    change_calendar_closed: "run-change-calendar-closed";
    change_calendar_taken_for_open: "run-change-calendar-taken-for-open";
    change_calendar_unknown: "run-change-calendar-unknown";
    dst_autumn_berlin: "run-dst-autumn-berlin";
    dst_autumn_new_york: "run-dst-autumn-new-york";
    dst_spring_berlin: "run-dst-spring-berlin";
    dst_spring_new_york: "run-dst-spring-new-york";
    freeze_dates: "run-freeze-dates";
    freeze_icalendar: "run-freeze-icalendar";
    rollback_zone: "run-rollback-zone";
    waiver_expires: "run-waiver-expires";
    window_closes: "run-window-closes";
    throttled: "run-throttled";
    user_appears: "run-user-appears";
    waves_alarm_at_gate: "run-waves-alarm-at-gate";
    waves_bad_patch_at_canary: "run-waves-bad-patch-at-canary";
    waves_bad_patch_shows_late: "run-waves-bad-patch-shows-late";
    waves_correlated_failures: "run-waves-correlated-failures";
    waves_outage_takes_room: "run-waves-outage-takes-room";
    waves_primary_last: "run-waves-primary-last";
}
