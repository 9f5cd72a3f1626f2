//! The load test and the organisation's own check.

use std::time::Duration;

use fleetwright_host::{LoadLimits, LoadPace};
use fleetwright_model::{Code, ErrorClass, Failure, code};
use fleetwright_patch::plan::notes::ValidateNote;
use fleetwright_patch::plan::policy::LoadPolicy;
use fleetwright_ports::InvocationStatus;
use fleetwright_step::{Outcome, Slot};
use fleetwright_testkit::{CommandOutcome, Fault, sample};

use crate::stage::{self, Stage, host, note};

const SEND: &str = "ssm:SendCommand";
const DOCUMENT: &str = "Acme-CheckApplication";
const URL: &str = "http://localhost:8080/search";

/// Surveyed hosts whose policy names a check.
async fn checked(hosts: u64) -> Stage {
    let stage = Stage::with(hosts, |_, plan| {
        plan.policy.validate.check_document = Some(DOCUMENT.into());
    });
    let slots = (1..=hosts).map(|number| stage.slot(number)).collect();
    let ends = stage.drive("precheck", slots).await;
    assert!(ends.iter().all(|end| matches!(end, Outcome::Done { .. })));
    stage
}

fn failing(output: &str) -> CommandOutcome {
    let success = CommandOutcome::success(output);
    CommandOutcome { status: InvocationStatus::Failed, exit_code: Some(3), ..success }
}

fn checks_sent(stage: &Stage) -> Vec<usize> {
    let effects = stage.hosts.effects();
    let of_check = effects.iter().filter(|it| it.action == SEND && it.mark.contains(" check "));
    of_check.map(|it| it.hosts.len()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_check_runs_on_hosts_that_are_well_fifty_to_a_command_and_without_parameters() {
    let stage = checked(60).await;
    let ends = stage.drive("validate", (1..=60).map(|number| stage.slot(number)).collect()).await;
    assert!(ends.iter().all(|end| matches!(end, Outcome::Done { finding: None, .. })));
    let mut sent = checks_sent(&stage);
    sent.sort_unstable();
    assert_eq!(sent, [10, 50]);
    let requests = stage.models.requests.lock().unwrap();
    let check = requests.iter().find(|request| &*request.document == DOCUMENT).expect("it was sent");
    assert_eq!(check.parameters, []);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_fails_is_tried_again_and_then_worse_with_its_last_line() {
    let stage = checked(1).await;
    stage.hosts.script(&sample::id(1), |script| {
        script.on(DOCUMENT, failing("cart: ok\ncheckout: no stock service\u{1b}[2J\n\n"));
    });
    let failed = stage.drive_one("validate", stage.slot(1)).await;
    assert_eq!(stage::code(&failed), "FW-H0016");
    let Outcome::Failed(failure) = &failed else { panic!("{failed:?}") };
    assert!(
        failure.message.contains("check Acme-CheckApplication: exit code 3: checkout: no stock service[2J"),
        "{}",
        failure.message
    );
    assert!((2..=6).contains(&checks_sent(&stage).len()), "{:?}", checks_sent(&stage));
    let kept = stage.file("post", 1, "check.txt").await.expect("the check's words are kept");
    assert!(kept.contains("cart: ok") && kept.contains("exit code 3"), "{kept}");
}

#[tokio::test(start_paused = true)]
async fn a_check_that_passes_at_the_second_try_is_well() {
    let stage = checked(1).await;
    stage.hosts.script(&sample::id(1), |script| {
        script.on(DOCUMENT, failing("warming up"));
        script.on(DOCUMENT, CommandOutcome::success("ok"));
    });
    let done = stage.drive_one("validate", stage.slot(1)).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
    assert_eq!(checks_sent(&stage).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_was_not_delivered_is_not_a_pass() {
    let stage = checked(1).await;
    stage.hosts.script(&sample::id(1), |script| {
        script.on(DOCUMENT, CommandOutcome::not_run(InvocationStatus::Undeliverable));
    });
    let done = stage.drive_one("validate", stage.slot(1)).await;
    assert_eq!(stage::code(&done), "FW-H0017");
    let found: ValidateNote = note(&done);
    assert!(found.not_compared.iter().any(|it| it.contains(DOCUMENT)), "{found:?}");
}

/// The survey is accepted, and then the sending of the check goes wrong.
async fn sending_goes_wrong(fault: Fault) -> (Stage, Outcome) {
    let stage = checked(1).await;
    let slot = stage.slot(1);
    let Outcome::Accepted { handle, .. } =
        stage.turn("validate", std::slice::from_ref(&slot)).await.remove(0)
    else {
        panic!("accepted")
    };
    stage.hosts.fail_next(SEND, fault);
    let done = stage.drive_one("validate", Slot { handle: Some(handle), ..slot }).await;
    (stage, done)
}

fn refused(class: ErrorClass, code: &'static Code) -> Fault {
    Fault::Refused(Failure::new(class, code, SEND, "no such document"))
}

#[tokio::test(start_paused = true)]
async fn a_check_that_is_refused_is_not_a_pass() {
    let (stage, done) = sending_goes_wrong(refused(ErrorClass::Permanent, &code::INTERNAL)).await;
    assert_eq!(stage::code(&done), "FW-H0017");
    let found: ValidateNote = note(&done);
    assert!(found.not_compared.iter().any(|it| it.contains("was not accepted")), "{found:?}");
    assert_eq!(checks_sent(&stage), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_check_whose_sending_fails_for_a_moment_is_sent_later() {
    for fault in [refused(ErrorClass::Throttled, &code::INTERNAL), Fault::LostReply] {
        let (stage, done) = sending_goes_wrong(fault).await;
        assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
        assert_eq!(checks_sent(&stage).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn no_check_is_made_of_a_host_that_is_worse_and_none_where_none_is_named() {
    let stage = checked(1).await;
    stage.models.change(&sample::id(1), |model| model.services = vec!["sshd"]);
    assert_eq!(stage::code(&stage.drive_one("validate", stage.slot(1)).await), "FW-H0016");
    assert_eq!(checks_sent(&stage), [0; 0]);

    let stage = Stage::of(1);
    stage.drive_one("precheck", stage.slot(1)).await;
    stage.drive_one("validate", stage.slot(1)).await;
    assert_eq!(checks_sent(&stage), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_the_check_was_sent_finds_it_again() {
    let mut stage = checked(1).await;
    let slow = CommandOutcome { takes: Duration::from_secs(120), ..CommandOutcome::success("ok") };
    stage.hosts.script(&sample::id(1), |script| script.on(DOCUMENT, slow));
    let slot = stage.slot(1);
    let Outcome::Accepted { handle, .. } =
        stage.turn("validate", std::slice::from_ref(&slot)).await.remove(0)
    else {
        panic!("accepted")
    };
    let slot = Slot { handle: Some(handle), ..slot };
    while checks_sent(&stage).is_empty() {
        stage.wait(5).await;
        stage.turn("validate", std::slice::from_ref(&slot)).await;
    }
    stage.wait(60).await;
    stage.restart();
    let done = stage.drive_one("validate", slot).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
    assert_eq!(checks_sent(&stage).len(), 1);
}

/// A host with an endpoint, which has been under load before.
async fn loaded(before: &str) -> Stage {
    let stage = Stage::with(1, |_, plan| {
        host(plan, 1).checks.load = vec![URL.into()];
        plan.policy.validate.load =
            Some(LoadPolicy { requests: 50, pace: LoadPace::default(), limits: LoadLimits::default() });
    });
    stage.models.change(&sample::id(1), |model| model.more = vec![format!("load={before} {URL}")]);
    stage.drive_one("precheck", stage.slot(1)).await;
    stage
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_slower_under_load_than_before_is_worse() {
    let stage = loaded("50 0 20 40 450").await;
    stage.models.change(&sample::id(1), |model| model.more = vec![format!("load=50 0 80 190 110 {URL}")]);
    let failed = stage.drive_one("validate", stage.slot(1)).await;
    assert_eq!(stage::code(&failed), "FW-H0016");
    assert!(
        matches!(&failed, Outcome::Failed(it) if it.message.contains("p95 40 ms before, p95 190 ms now"))
    );
    let asked = stage.models.requests.lock().unwrap();
    let line = format!("export FW_LOAD='50 {URL}'");
    assert!(asked.iter().all(|it| it.parameters.iter().any(|(_, lines)| lines.contains(&line))));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_as_fast_as_before_is_well_and_one_that_was_not_measured_is_not_a_pass() {
    let stage = loaded("50 0 20 40 450").await;
    let done = stage.drive_one("validate", stage.slot(1)).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");

    let stage = loaded("unknown").await;
    assert_eq!(stage::code(&stage.drive_one("validate", stage.slot(1)).await), "FW-H0017");
}
