//! A Job is made of a suite's CronJob, once, and waited for.

use std::time::Duration;

use fleetwright_eks::plan::{Action, PlanStep};
use fleetwright_eks::suite::Suite;
use fleetwright_model::ErrorClass;
use fleetwright_ports::Clock;
use fleetwright_step::Outcome;
use fleetwright_testkit::Fault;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::stage::{Stage, VERSION, failed, step};

const JOBS: &str = "/apis/batch/v1/namespaces/shop/jobs";
const CRON_JOB: &str = "/apis/batch/v1/namespaces/shop/cronjobs/smoke";
const STEP: &str = "suite-1.35-shop-smoke";
const DONE: Outcome = Outcome::Done { note: None, finding: None };

fn suite() -> Suite {
    "shop/smoke".parse().expect("a suite")
}

fn stage() -> Stage {
    let run: PlanStep = step(STEP, Action::Suite { suite: suite(), at: VERSION }, Vec::new());
    let stage = Stage::of(vec![run]);
    let pod = json!({ "spec": { "restartPolicy": "Never", "containers": [{ "name": "suite" }] } });
    let template = json!({ "spec": { "backoffLimit": 0, "template": pod } });
    stage.kubernetes.put(CRON_JOB, json!({ "spec": { "suspend": true, "jobTemplate": template } }));
    stage
}

/// The name of the Job of this run.
fn job() -> String {
    suite().job_name(&["run-1", "digest", STEP])
}

fn condition(kind: &str) -> Value {
    json!({ "type": kind, "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has reached its limit" })
}

/// A pod of the Job, as it ended.
fn put_pod(stage: &Stage, phase: &str, state: Value) {
    let statuses = json!([{ "name": "suite", "state": state }]);
    let labels = json!({ "batch.kubernetes.io/job-name": job() });
    stage.kubernetes.put(
        "/api/v1/namespaces/shop/pods/smoke-x7",
        json!({ "metadata": { "labels": labels }, "status": { "phase": phase, "containerStatuses": statuses } }),
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_is_made_of_the_cron_job_and_waited_for_until_it_is_complete() {
    let stage = stage();
    stage.kubernetes.end_jobs(Duration::from_secs(300), condition("Complete"));
    let (outcome, waited) = stage.carried_out_within(STEP, "suite", SignedDuration::from_mins(30)).await;
    assert_eq!(outcome, DONE);
    assert!(waited.iter().any(|it| it.contains(&format!("Job shop/{} to end", job()))), "{waited:?}");
    let made = stage.object(&format!("{JOBS}/{}", job())).await.expect("the Job");
    assert_eq!(made["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"], "manual");
    let cron_job = stage.object(CRON_JOB).await.expect("the CronJob");
    assert_eq!(made["metadata"]["ownerReferences"][0]["uid"], cron_job["metadata"]["uid"]);
}

#[tokio::test(start_paused = true)]
async fn a_suite_that_fails_is_told_with_its_pods_and_what_they_said() {
    let stage = stage();
    stage.kubernetes.end_jobs(Duration::from_secs(60), condition("Failed"));
    let ended = json!({ "exitCode": 1, "reason": "Error", "message": "checkout answers 500" });
    put_pod(&stage, "Failed", json!({ "terminated": ended }));
    let (code, words) = failed(&stage.carried_out(STEP, "suite").await);
    assert_eq!(&*code, "FW-X0019");
    for part in ["BackoffLimitExceeded", "pod smoke-x7 is Failed", "checkout answers 500"] {
        assert!(words.contains(part), "{part}: {words}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_suite_that_is_not_done_in_time_is_told_with_what_its_pods_wait_for() {
    let stage = stage();
    put_pod(&stage, "Pending", json!({ "waiting": { "reason": "ImagePullBackOff" } }));
    let (outcome, _) = stage.carried_out_within(STEP, "suite", SignedDuration::from_mins(30)).await;
    let Outcome::Failed(failure) = &outcome else { panic!("{outcome:?}") };
    assert_eq!(failure.class, ErrorClass::Permanent, "a suite that takes too long is not run again");
    let words = failure.to_string();
    assert!(words.contains("was not done after 1800 s") && words.contains("ImagePullBackOff"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_between_the_job_and_its_record_leaves_one_job() {
    let stage = stage();
    stage.kubernetes.end_jobs(Duration::from_secs(60), condition("Complete"));
    stage.kubernetes.fail_next("kubernetes:create jobs", Fault::LostReply);
    let outcome = stage.carried_out(STEP, "suite").await;
    let Outcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
    assert_eq!(failure.class, ErrorClass::Ambiguous, "{failure}");
    // Each time another process, which knows of nothing.
    for _ in 0..2 {
        assert_eq!(stage.carried_out(STEP, "suite").await, DONE);
    }
    assert_eq!(stage.kubernetes.count(JOBS), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_somebody_deleted_has_not_passed() {
    let stage = stage();
    let path = format!("{JOBS}/{}", job());
    let deleted = async {
        stage.clock.sleep(Duration::from_secs(100)).await;
        stage.kubernetes.remove(&path);
        std::future::pending::<Outcome>().await
    };
    let outcome = tokio::select! {
        outcome = stage.carried_out(STEP, "suite") => outcome,
        never = deleted => never,
    };
    let (code, words) = failed(&outcome);
    assert_eq!(&*code, "FW-X0019");
    assert!(words.contains("is not there any more"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn a_cron_job_that_is_gone_or_means_nothing_makes_no_job() {
    for (cron_job, said) in [
        (None, "there is no CronJob shop/smoke any more"),
        (Some(json!({ "spec": {} })), "CronJob shop/smoke has no template"),
    ] {
        let stage = stage();
        stage.kubernetes.remove(CRON_JOB);
        if let Some(cron_job) = cron_job {
            stage.kubernetes.put(CRON_JOB, cron_job);
        }
        let (code, words) = failed(&stage.carried_out(STEP, "suite").await);
        assert_eq!(&*code, "FW-X0019");
        assert!(words.contains(said), "{words}");
        assert_eq!(stage.kubernetes.count(JOBS), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_waited_for_and_is_no_success() {
    let stage = stage();
    stage.kubernetes.end_jobs(Duration::from_secs(60), condition("Complete"));
    for _ in 0..3 {
        stage.kubernetes.fail_next("kubernetes:get", Fault::LostReply);
    }
    assert_eq!(stage.carried_out(STEP, "suite").await, DONE);
    for _ in 0..1000 {
        stage.kubernetes.fail_next("kubernetes:get", Fault::LostReply);
    }
    let late = SignedDuration::from_mins(30);
    let (code, _) = failed(&stage.carried_out_within(STEP, "suite", late).await.0);
    assert_eq!(&*code, "FW-X0005");
}
