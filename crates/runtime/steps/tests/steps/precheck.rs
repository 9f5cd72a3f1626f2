use std::time::Duration;

use fleetwright_model::PingStatus;
use fleetwright_patch::plan::notes::PrecheckNote;
use fleetwright_ports::InvocationStatus;
use fleetwright_step::{Outcome, Slot};
use fleetwright_steps::evidence::{PrecheckResult, PrecheckVerdict};
use fleetwright_testkit::{CommandOutcome, Fault, sample};

use crate::model::{Model, boot_id, survey};
use crate::stage::{Stage, code, host, note};

const SEND: &str = "ssm:SendCommand";
const SCRIPT: &str = "AWS-RunShellScript";

async fn result(stage: &Stage, host: u64) -> PrecheckResult {
    serde_json::from_str(&stage.file("pre", host, "precheck.json").await.expect("a judgement"))
        .expect("readable")
}

#[tokio::test(start_paused = true)]
async fn a_ready_host_leaves_its_boot_id_and_its_evidence() {
    let stage = Stage::of(1);
    let done = stage.drive_one("precheck", stage.slot(1)).await;
    assert_eq!(note::<PrecheckNote>(&done).boot.as_deref(), Some(&*boot_id(&sample::id(1), 1)));
    assert_eq!(result(&stage, 1).await.verdict, PrecheckVerdict::Ready);
    for file in ["stdout.txt", "stderr.txt", "meta.json", "survey.json", "answer.txt"] {
        assert!(stage.file("pre", 1, file).await.is_some(), "{file}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_leaves_the_host_alone_with_the_reason_kept() {
    let stage = Stage::of(2);
    stage.models.change(&sample::id(1), |model| model.root_percent = 95);
    let ends = stage.drive("precheck", vec![stage.slot(1), stage.slot(2)]).await;
    assert!(matches!(ends[0], Outcome::LeaveTarget { .. }) && code(&ends[0]) == "FW-H0002");
    assert!(matches!(ends[1], Outcome::Done { .. }));
    let found = result(&stage, 1).await;
    assert_eq!(found.verdict, PrecheckVerdict::NotReady);
    assert!(found.reason.expect("says why").contains("root_disk"));
}

#[tokio::test(start_paused = true)]
async fn thresholds_of_the_hosts_own_tags_count() {
    let stage = Stage::with(1, |_, plan| {
        host(plan, 1).checks.thresholds = [("root_disk_percent".into(), 97)].into();
    });
    stage.models.change(&sample::id(1), |model| model.root_percent = 95);
    assert!(matches!(stage.drive_one("precheck", stage.slot(1)).await, Outcome::Done { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_phase_that_is_left_out_collects_evidence_and_gives_no_verdict() {
    let stage = Stage::with(1, |_, plan| plan.policy.precheck.judge = false);
    stage.models.change(&sample::id(1), |model| model.root_percent = 95);
    assert!(matches!(stage.drive_one("precheck", stage.slot(1)).await, Outcome::Done { .. }));
    assert!(stage.file("pre", 1, "survey.json").await.is_some());
    assert!(stage.file("pre", 1, "precheck.json").await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_silent_agent_is_given_one_ping_interval_and_is_sent_nothing() {
    let stage = Stage::with(2, |cell, _| {
        cell.agents.get_mut(&sample::id(1)).unwrap().ping = PingStatus::ConnectionLost;
        cell.agents.remove(&sample::id(2));
    });
    let ends = stage.drive("precheck", vec![stage.slot(1), stage.slot(2)]).await;
    assert_eq!(ends.iter().map(code).collect::<Vec<_>>(), ["FW-H0001", "FW-H0001"]);
    assert_eq!(stage.effects(SEND), 0);
    assert!(result(&stage, 1).await.reason.unwrap().contains("lost"));
    assert!(result(&stage, 2).await.reason.unwrap().contains("never registered"));
}

#[tokio::test(start_paused = true)]
async fn an_old_agent_is_updated_once_and_then_found_too_old() {
    let stage = Stage::with(1, |_, plan| plan.policy.precheck.min_agent_version = "9.0.0.0".into());
    let left = stage.drive_one("precheck", stage.slot(1)).await;
    assert_eq!(code(&left), "FW-H0002");
    assert_eq!(stage.effects(SEND), 1, "one update, no survey");
    assert!(result(&stage, 1).await.reason.unwrap().contains("9.0.0.0"));
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_comes_back_newer_is_asked() {
    let mut stage = Stage::with(1, |_, plan| plan.policy.precheck.min_agent_version = "9.0.0.0".into());
    let slot = stage.slot(1);
    assert!(stage.turn("precheck", std::slice::from_ref(&slot)).await[0].is_open());
    stage.hosts.edit(|fleet| {
        let cell = fleet.cells.values_mut().next().unwrap();
        cell.agents.get_mut(&sample::id(1)).unwrap().version = Some("9.1.0.0".into());
    });
    stage.restart();
    let done = stage.drive_one("precheck", Slot { doubt: true, ..slot }).await;
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
    assert_eq!(stage.effects(SEND), 2, "one update, one survey");
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_the_agent_is_not_updated_a_second_time() {
    let mut stage = Stage::with(1, |_, plan| plan.policy.precheck.min_agent_version = "9.0.0.0".into());
    let slot = stage.slot(1);
    stage.turn("precheck", std::slice::from_ref(&slot)).await;
    stage.restart();
    stage.drive_one("precheck", Slot { doubt: true, ..slot }).await;
    assert_eq!(stage.effects(SEND), 1);
}

#[tokio::test(start_paused = true)]
async fn a_crash_around_sending_asks_each_host_once() {
    let mut stage = Stage::of(1);
    let done = stage.drive_one("precheck", Slot { doubt: true, ..stage.slot(1) }).await;
    assert!(matches!(done, Outcome::Done { .. }));
    assert_eq!(stage.effects(SEND), 1);

    stage = Stage::of(1);
    let slot = stage.slot(1);
    stage.turn("precheck", std::slice::from_ref(&slot)).await;
    stage.restart();
    let done = stage.drive_one("precheck", Slot { doubt: true, ..slot }).await;
    assert!(matches!(done, Outcome::Done { .. }));
    assert_eq!(stage.effects(SEND), 1);
}

#[tokio::test(start_paused = true)]
async fn a_survey_that_was_cut_off_is_read_in_its_long_form() {
    let stage = Stage::of(1);
    let filler: Vec<String> = (0..40).map(|number| format!("x{number}={}", "y".repeat(70))).collect();
    stage.models.change(&sample::id(1), |model| model.more = filler);
    let done = stage.drive_one("precheck", stage.slot(1)).await;
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
    assert_eq!(stage.hosts.calls("ssm:GetCommandInvocation"), 1);
    assert!(stage.file("pre", 1, "meta.json").await.unwrap().contains(r#""whole": true"#));
}

#[tokio::test(start_paused = true)]
async fn hosts_with_questions_of_their_own_are_asked_apart() {
    let stage = Stage::with(3, |_, plan| host(plan, 2).checks.services = vec!["app".into()]);
    stage.models.change(&sample::id(2), |model| model.more = vec!["service=active app".into()]);
    let ends = stage.drive("precheck", (1..=3).map(|number| stage.slot(number)).collect()).await;
    assert!(ends.iter().all(|end| matches!(end, Outcome::Done { .. })), "{ends:?}");
    assert_eq!(stage.effects(SEND), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_an_answer_is_unreadable_and_a_command_that_was_not_received_may_be_tried_again() {
    let stage = Stage::of(2);
    stage.hosts.script(&sample::id(1), |script| {
        script.on(SCRIPT, CommandOutcome::failure(127, "sh: not found"));
    });
    stage.hosts.script(&sample::id(2), |script| {
        script.on(SCRIPT, CommandOutcome::not_run(InvocationStatus::DeliveryTimedOut));
    });
    let ends = stage.drive("precheck", vec![stage.slot(1), stage.slot(2)]).await;
    assert_eq!(ends.iter().map(code).collect::<Vec<_>>(), ["FW-H0020", "FW-H0004"]);
    assert!(stage.file("pre", 1, "stderr.txt").await.unwrap().contains("not found"));
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_not_listed_right_after_sending_is_looked_for_again() {
    let stage = Stage::of(1);
    stage.hosts.set_lag(Duration::from_secs(25));
    let done = stage.drive_one("precheck", stage.slot(1)).await;
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_is_reported_for_every_host_with_its_cause() {
    let stage = Stage::of(2);
    stage.hosts.fail_next(SEND, Fault::Refused(sample::denied(SEND)));
    let ends = stage.drive("precheck", vec![stage.slot(1), stage.slot(2)]).await;
    assert_eq!(ends.iter().map(code).collect::<Vec<_>>(), ["FW-A0008", "FW-A0008"]);
}

#[test]
fn the_model_answers_in_the_form_the_parser_takes() {
    let text = survey(&Model::default(), &sample::id(1));
    assert!(matches!(fleetwright_host::survey::parse(&text), Ok(fleetwright_host::Reading::Whole(_))));
}

#[tokio::test(start_paused = true)]
async fn windows_and_linux_are_asked_in_their_own_shells_and_others_not_at_all() {
    let stage = Stage::with(3, |_, plan| {
        host(plan, 2).os = fleetwright_model::OsFamily::Windows;
        host(plan, 3).os = fleetwright_model::OsFamily::MacOs;
    });
    let ends = stage.drive("precheck", (1..=3).map(|number| stage.slot(number)).collect()).await;
    assert_eq!(code(&ends[2]), "FW-H0009");
    let requests = stage.models.requests.lock().expect("no test panicked");
    let mut documents: Vec<&str> = requests.iter().map(|request| &*request.document).collect();
    documents.sort_unstable();
    assert_eq!(documents, ["AWS-RunPowerShellScript", "AWS-RunShellScript"]);
}
