//! Members of a set are asked whether the others can rely on them before the next one begins.

use fleetwright_flow::TargetId;
use fleetwright_patch::plan::PlannedSet;
use fleetwright_patch::plan::notes::ProbeNote;
use fleetwright_patch::plan::roll_out::{MetricLimit, OrderMode, Probe, Side};
use fleetwright_ports::{Clock, InvocationStatus};
use fleetwright_step::{Outcome, Slot};
use fleetwright_testkit::{CommandOutcome, sample};

use crate::stage::{Stage, code, note};

const SEND: &str = "ssm:SendCommand";
const SCRIPT: &str = "AWS-RunShellScript";

fn command() -> Probe {
    Probe { command: Some("pg_isready -q".into()), http: None, metric: None, seconds: 900 }
}

fn metric() -> Probe {
    let limit = MetricLimit { name: "CPUUtilization".into(), side: Side::AtMost, number: 50.0 };
    Probe { command: None, metric: Some(limit), ..command() }
}

/// Hosts that are all of one set.
fn probed(hosts: u64, probe: Probe) -> Stage {
    Stage::with(hosts, |_, plan| {
        plan.roll_out.sets.push(PlannedSet {
            name: "db".into(),
            mode: OrderMode::OneAtATime,
            size: 2,
            members: (0..u32::try_from(hosts).expect("few")).map(TargetId).collect(),
            leaders: Vec::new(),
            after: Vec::new(),
            probe: Some(probe),
            group: None,
            waiver: None,
        });
    })
}

#[tokio::test(start_paused = true)]
async fn a_host_whose_command_ends_with_0_has_passed() {
    let stage = probed(1, command());
    let done = stage.drive_one("probe", stage.slot(1)).await;
    assert_eq!(note::<ProbeNote>(&done), ProbeNote { passed: 1 });
    let requests = stage.models.requests.lock().expect("no test panicked");
    let (_, lines) = requests[0].parameters.iter().find(|(name, _)| &**name == "commands").expect("a script");
    assert!(lines.contains(&"export FW_COMMAND_1='pg_isready -q'".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_probe_is_asked_again_until_it_passes() {
    let stage = probed(1, command());
    stage.hosts.script(&sample::id(1), |script| {
        script.on(SCRIPT, CommandOutcome::failure(1, "probe: exit code 2 of pg_isready -q"));
        script.on(SCRIPT, CommandOutcome::failure(1, "probe: exit code 1 of pg_isready -q"));
        script.on(SCRIPT, CommandOutcome::success("probe: passed"));
    });
    let done = stage.drive_one("probe", stage.slot(1)).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
    assert_eq!(stage.effects(SEND), 3);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_never_passes_fails_with_what_it_said_last() {
    let stage = probed(1, command());
    stage.hosts.script(&sample::id(1), |script| {
        for _ in 0..40 {
            script.on(SCRIPT, CommandOutcome::failure(1, "probe: exit code 2 of pg_isready -q"));
        }
    });
    let began = stage.clock.now();
    let failed = stage.drive_one("probe", stage.slot(1)).await;
    assert_eq!(code(&failed), "FW-H0035");
    let Outcome::Failed(failure) = &failed else { panic!("{failed:?}") };
    assert!(failure.to_string().contains("exit code 2 of pg_isready"), "{failure}");
    let waited = stage.clock.now().duration_since(began).as_secs();
    assert!((900..1_100).contains(&waited), "as long as it was given, not {waited} s");
}

#[tokio::test(start_paused = true)]
async fn a_command_that_nobody_received_is_no_verdict() {
    let stage = probed(1, command());
    stage.hosts.script(&sample::id(1), |script| {
        script.on(SCRIPT, CommandOutcome::not_run(InvocationStatus::Undeliverable));
    });
    assert_eq!(code(&stage.drive_one("probe", stage.slot(1)).await), "FW-H0003");
}

#[tokio::test(start_paused = true)]
async fn a_metric_alone_sends_nothing_and_one_that_was_not_measured_does_not_pass() {
    let stage = probed(2, metric());
    stage.hosts.script(&sample::id(1), |script| script.mean = Some(40.0));
    stage.hosts.script(&sample::id(2), |script| script.mean = None);
    let ends = stage.drive("probe", vec![stage.slot(1), stage.slot(2)]).await;
    assert_eq!(note::<ProbeNote>(&ends[0]).passed, 1);
    assert_eq!(code(&ends[1]), "FW-H0035");
    assert_eq!(stage.effects(SEND), 0);

    let stage = probed(1, metric());
    stage.hosts.script(&sample::id(1), |script| script.mean = Some(60.0));
    assert_eq!(code(&stage.drive_one("probe", stage.slot(1)).await), "FW-H0035");
}

#[tokio::test(start_paused = true)]
async fn a_crash_around_sending_asks_once() {
    let mut stage = probed(1, command());
    let slot = stage.slot(1);
    stage.turn("probe", std::slice::from_ref(&slot)).await;
    stage.restart();
    let done = stage.drive_one("probe", Slot { doubt: true, ..slot }).await;
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
    assert_eq!(stage.effects(SEND), 1);
}
