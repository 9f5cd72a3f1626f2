use std::time::Duration;

use fleetwright_model::{HealthCheck, InstanceState, Text};
use fleetwright_patch::plan::Before;
use fleetwright_patch::plan::notes::{self, RestoreNote, ValidateNote, step};
use fleetwright_ports::{Alarm, AlarmState, Artifacts, InvocationStatus};
use fleetwright_step::{Outcome, Slot};
use fleetwright_testkit::{CommandOutcome, Fault, sample};

use crate::model::{Model, survey};
use crate::stage::{Stage, code, host, note};

const SEND: &str = "ssm:SendCommand";
const SCRIPT: &str = "AWS-RunShellScript";

/// A stage whose hosts have been surveyed before.
async fn surveyed(stage: Stage, hosts: u64) -> Stage {
    let slots = (1..=hosts).map(|number| stage.slot(number)).collect();
    let ends = stage.drive("precheck", slots).await;
    assert!(ends.iter().all(|end| matches!(end, Outcome::Done { .. })));
    stage
}

fn without_nginx() -> CommandOutcome {
    let worse = Model { services: vec!["sshd"], ..Model::default() };
    CommandOutcome::success(&survey(&worse, &sample::id(1)))
}

#[tokio::test(start_paused = true)]
async fn a_host_on_which_everything_runs_again_is_well() {
    let stage = surveyed(Stage::of(1), 1).await;
    let done = stage.drive_one("validate", stage.slot(1)).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
    let found: ValidateNote = note(&done);
    assert!(found.checks > 3 && found.worse.is_empty() && found.boot.is_some());
    assert!(stage.file("post", 1, "comparison.json").await.is_some());
    assert!(stage.file("post", 1, "stdout.txt").await.is_some());
}

fn with_users(lines: &[&str]) -> CommandOutcome {
    let more = lines.iter().map(|line| format!("p={line}")).collect();
    CommandOutcome::success(&survey(&Model { more, ..Model::default() }, &sample::id(1)))
}

#[tokio::test(start_paused = true)]
async fn an_account_that_appears_while_a_host_is_patched_is_told_and_does_not_fail_it() {
    let stage = surveyed(Stage::of(1), 1).await;
    let users = with_users(&["users 2", "user yes root 0 root", "user yes sudo 2000 support"]);
    stage.hosts.script(&sample::id(1), |script| script.on(SCRIPT, users));
    let done = stage.drive_one("validate", stage.slot(1)).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
    let kept = stage.file("post", 1, "comparison.json").await.expect("it is kept");
    let kept: fleetwright_host::Comparison = serde_json::from_str(&kept).expect("JSON");
    let told: Vec<String> = kept.changes.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["warn user support: no account before, id 2000, can log in, in sudo now"]);
}

#[tokio::test(start_paused = true)]
async fn users_that_cannot_be_read_are_not_a_pass() {
    let stage = surveyed(Stage::of(1), 1).await;
    stage.hosts.script(&sample::id(1), |script| script.on(SCRIPT, with_users(&["users unreadable"])));
    let done = stage.drive_one("validate", stage.slot(1)).await;
    assert_eq!(code(&done), "FW-H0017");
    let found: ValidateNote = note(&done);
    assert_eq!(found.not_compared, ["not_evaluated user users: known before, could not be read now".into()]);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_come_up_is_worse_after_a_bounded_wait() {
    let stage = surveyed(Stage::of(1), 1).await;
    stage.hosts.script(&sample::id(1), |script| script.on(SCRIPT, without_nginx()));
    let failed = stage.drive_one("validate", stage.slot(1)).await;
    assert_eq!(code(&failed), "FW-H0016");
    assert!(matches!(&failed, Outcome::Failed(it) if it.message.contains("nginx")));
    assert!((2..=7).contains(&stage.effects(SEND)), "asked {} times", stage.effects(SEND));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_comes_up_late_is_well() {
    let stage = surveyed(Stage::of(1), 1).await;
    stage.hosts.script(&sample::id(1), |script| {
        script.on(SCRIPT, without_nginx());
        script.on(SCRIPT, CommandOutcome::success(&survey(&Model::default(), &sample::id(1))));
    });
    let done = stage.drive_one("validate", stage.slot(1)).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_state_from_before_it_is_not_a_pass() {
    let stage = Stage::of(1);
    assert_eq!(code(&stage.drive_one("validate", stage.slot(1)).await), "FW-H0017");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_fails_is_worse_even_without_a_state_from_before() {
    let url = "http://localhost:8080/health";
    let stage = Stage::with(1, |_, plan| host(plan, 1).checks.health = vec![url.into()]);
    stage.models.change(&sample::id(1), |model| model.more = vec![format!("health=503 {url}")]);
    let failed = stage.drive_one("validate", stage.slot(1)).await;
    assert_eq!(code(&failed), "FW-H0016");
    assert!(matches!(&failed, Outcome::Failed(it) if it.message.contains("HTTP 503")));
}

#[tokio::test(start_paused = true)]
async fn the_evidence_of_an_earlier_run_is_compared_with() {
    let before = Before { run: "run-earlier".into(), boot: None };
    let stage = surveyed(Stage::of(1), 1).await;
    let kept = stage.file("pre", 1, "survey.json").await.unwrap();
    let earlier = Stage::with(1, |_, plan| host(plan, 1).before = Some(before));
    let key = format!("pre/account-111122223333/region-eu-central-1/linux/{}/survey.json", sample::id(1));
    earlier.files.put(&"run-earlier".parse().unwrap(), &key, kept.as_bytes()).await.unwrap();
    let done = earlier.drive_one("validate", earlier.slot(1)).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_fails_and_one_that_does_not_exist_is_not_a_pass() {
    let asks =
        |name: &'static str| Stage::with(1, move |_, plan| plan.policy.validate.alarms = vec![name.into()]);
    let stage = surveyed(asks("errors"), 1).await;
    stage.hosts.set_alarm(&stage.cell(), Alarm { name: "errors".into(), state: AlarmState::Alarm });
    assert_eq!(code(&stage.drive_one("validate", stage.slot(1)).await), "FW-H0022");

    let stage = surveyed(asks("nobody-made-it"), 1).await;
    assert_eq!(code(&stage.drive_one("validate", stage.slot(1)).await), "FW-H0017");
}

#[tokio::test(start_paused = true)]
async fn cpu_that_was_not_measured_is_waited_for_and_then_not_a_pass() {
    let stage = Stage::with(1, |_, plan| plan.policy.validate.cpu_rise_points = Some(20));
    let stage = surveyed(stage, 1).await;
    stage.hosts.script(&sample::id(1), |script| script.mean = None);
    assert_eq!(code(&stage.drive_one("validate", stage.slot(1)).await), "FW-H0017");
}

#[tokio::test(start_paused = true)]
async fn cpu_is_judged_by_a_whole_period_since_validation_began_and_by_nothing_before() {
    let stage = Stage::with(1, |_, plan| {
        plan.policy.validate.cpu_rise_points = Some(20);
        plan.policy.validate.wait_seconds = 1_200;
    });
    let stage = surveyed(stage, 1).await;
    let slot = stage.slot(1);
    let begun = slot.started_at.as_second();
    // What was measured until then is of the host as it was.
    let done = stage.drive_one("validate", slot).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
    let now = stage.ports().clock.now();
    let whole = (begun + 299).div_euclid(300) * 300;
    assert!(now.as_second() > whole, "{now} is not after {whole}");
}

#[tokio::test(start_paused = true)]
async fn the_cpu_of_a_host_that_was_stopped_before_is_no_difference() {
    let stage = Stage::with(1, |_, plan| {
        plan.policy.validate.cpu_rise_points = Some(20);
        host(plan, 1).state = InstanceState::Stopped;
    });
    let stage = surveyed(stage, 1).await;
    stage.hosts.script(&sample::id(1), |script| script.mean = None);
    let done = stage.drive_one("validate", stage.slot(1)).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
    let found: ValidateNote = note(&done);
    assert_eq!(found.not_compared, Vec::<Text>::new());
    assert_eq!(found.facts, ["CPU: not compared, it was stopped before the run".into()]);
}

#[tokio::test(start_paused = true)]
async fn status_checks_that_stay_impaired_are_worse() {
    let stage = surveyed(Stage::of(1), 1).await;
    stage.hosts.script(&sample::id(1), |script| script.checks = HealthCheck::Impaired);
    assert_eq!(code(&stage.drive_one("validate", stage.slot(1)).await), "FW-H0016");
    assert_eq!(stage.effects(SEND), 2, "asking the host again would not change that");
}

#[tokio::test(start_paused = true)]
async fn a_crash_around_sending_asks_once() {
    let mut stage = surveyed(Stage::of(1), 1).await;
    let slot = stage.slot(1);
    stage.turn("validate", std::slice::from_ref(&slot)).await;
    stage.restart();
    let done = stage.drive_one("validate", Slot { doubt: true, ..slot }).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
    assert_eq!(stage.effects(SEND), 2, "the survey before and the one after");

    let stage = surveyed(Stage::of(1), 1).await;
    let done = stage.drive_one("validate", Slot { doubt: true, ..stage.slot(1) }).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
    assert_eq!(stage.effects(SEND), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_is_no_pass_and_a_command_not_received_may_be_repeated() {
    let stage = surveyed(Stage::of(2), 2).await;
    stage.hosts.script(&sample::id(1), |script| script.on(SCRIPT, CommandOutcome::success("hello")));
    stage.hosts.script(&sample::id(2), |script| {
        script.on(SCRIPT, CommandOutcome::not_run(InvocationStatus::Undeliverable));
    });
    let ends = stage.drive("validate", vec![stage.slot(1), stage.slot(2)]).await;
    assert_eq!(ends.iter().map(code).collect::<Vec<_>>(), ["FW-H0020", "FW-H0003"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_replacement_the_new_instance_is_asked() {
    let stage = surveyed(Stage::of(2), 1).await;
    let restored =
        RestoreNote { image: "ami-1".into(), replacement: Some(sample::id(2).as_str().into()), seconds: 60 };
    let notes = vec![(Text::from(step::RESTORE), notes::write(&restored))];
    stage.wait(1).await;
    let slot = Slot { notes, ..stage.slot(1) };
    let done = stage.drive_one("validate-restored", slot).await;
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
    let asked = stage.hosts.effects().pop().unwrap().hosts;
    assert_eq!(asked, [sample::id(2)]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_not_compared() {
    let stage = surveyed(Stage::of(1), 1).await;
    let endless = CommandOutcome { takes: Duration::from_secs(90_000), ..CommandOutcome::success("") };
    stage.hosts.script(&sample::id(1), |script| script.on(SCRIPT, endless));
    let failed = stage.drive_one("validate", stage.slot(1)).await;
    assert!(matches!(failed, Outcome::Failed(_)));
    assert_eq!(code(&failed), "FW-H0017");
}

#[tokio::test(start_paused = true)]
async fn a_host_is_not_condemned_for_how_it_was_before_the_process_died() {
    let mut stage = surveyed(Stage::of(1), 1).await;
    stage.hosts.script(&sample::id(1), |script| {
        script.on(SCRIPT, without_nginx());
        script.on(SCRIPT, CommandOutcome::success(&survey(&Model::default(), &sample::id(1))));
    });
    let slot = stage.slot(1);
    let Outcome::Accepted { handle, .. } =
        stage.turn("validate", std::slice::from_ref(&slot)).await.remove(0)
    else {
        panic!("accepted")
    };
    stage.restart();
    stage.wait(5 * 3600).await;
    let done = stage.drive_one("validate", Slot { handle: Some(handle), ..slot }).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_fails_for_a_moment_is_waited_out() {
    let stage = surveyed(Stage::of(1), 1).await;
    stage.hosts.fail_next("ec2:DescribeInstanceStatus", Fault::LostReply);
    let done = stage.drive_one("validate", stage.slot(1)).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn where_the_earlier_run_kept_nothing_this_runs_own_evidence_will_do() {
    let before = Before { run: "run-earlier".into(), boot: None };
    let stage = surveyed(Stage::with(1, |_, plan| host(plan, 1).before = Some(before)), 1).await;
    let done = stage.drive_one("validate", stage.slot(1)).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
}
