//! Throttling, time limits, and how long it all takes.

use std::time::Duration;

use fleetwright_aws::AwsOptions;
use fleetwright_model::{ErrorClass, InstanceId};
use fleetwright_ports::{Accounts, InstanceQuery, Machines};

use crate::fake::{Reply, assumed, cell, ec2_error, instances, json_error, stage, stage_with, zone};

fn ids(count: usize) -> Vec<InstanceId> {
    (0..count).map(|n| InstanceId::new(format!("i-{n:08x}")).expect("valid")).collect()
}

fn nothing() -> Reply {
    Reply::Answer(200, "{\"InstanceInformationList\":[],\"InstancePatchStates\":[]}".into())
}

#[tokio::test(start_paused = true)]
async fn throttling_on_every_second_call_slows_down_but_loses_nothing() {
    let stage = stage(|seen| match (seen.action.as_str(), seen.before % 2) {
        ("sts:AssumeRole", _) => assumed(seen),
        (_, 1) => json_error(400, "ThrottlingException", "Rate exceeded"),
        _ => nothing(),
    })
    .await;
    let zone = zone("111122223333", None);
    let answers = stage.aws.agents(&cell(&zone), &ids(1_000)).await;
    assert!(answers.unchecked.is_empty(), "{:?}", answers.unchecked);
    let usage = stage.aws.usage().operations["ssm:DescribeInstanceInformation"];
    assert_eq!((usage.calls, usage.failures), (20, 0));
    assert_eq!((usage.attempts, usage.throttles), (39, 19));
    assert!(stage.seconds() < 300.0, "{} s", stage.seconds());
}

#[tokio::test(start_paused = true)]
async fn throttling_without_end_is_given_up_and_named() {
    let stage = stage(|seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        _ => ec2_error(503, "RequestLimitExceeded", "Request limit exceeded."),
    })
    .await;
    let zone = zone("111122223333", None);
    let listed = stage.aws.instances(&cell(&zone), &InstanceQuery::default()).await;
    let failure = listed.failure.expect("given up");
    assert_eq!((failure.class, failure.code.id, failure.attempts), (ErrorClass::Throttled, "FW-A0009", 8));
    assert_eq!(failure.request_id.as_deref(), Some("req-1"));
}

#[tokio::test(start_paused = true)]
async fn unpublished_rates_are_kept_and_calls_stay_few() {
    let stage = stage(|seen| if seen.action == "sts:AssumeRole" { assumed(seen) } else { nothing() }).await;
    let zone = zone("111122223333", None);
    let ids = ids(1_000);
    stage.aws.agents(&cell(&zone), &ids).await;
    stage.aws.patch_states(&cell(&zone), &ids).await;
    assert_eq!(stage.fake.asked("ssm:DescribeInstanceInformation").len(), 20);
    assert_eq!(stage.fake.asked("ssm:DescribeInstancePatchStates").len(), 20);
    for action in ["ssm:DescribeInstanceInformation", "ssm:DescribeInstancePatchStates"] {
        let times: Vec<f64> = stage.fake.asked(action).iter().map(|seen| seen.at).collect();
        for (n, end) in times.iter().enumerate() {
            let within = times[..=n].iter().filter(|start| end - **start < 1.0).count();
            assert!(within <= 10 + 5, "{within} calls of {action} within a second");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_answers_is_left_after_the_time_limit() {
    let options = AwsOptions { timeout: Duration::from_secs(30), max_attempts: 2, ..AwsOptions::default() };
    let stage = stage_with(options, |_| Reply::Silence).await;
    let failure = stage.aws.caller(None).await.expect_err("no answer");
    assert_eq!((failure.class, failure.code.id, failure.attempts), (ErrorClass::Transient, "FW-A0011", 2));
    assert!((60.0..61.0).contains(&stage.seconds()), "{} s", stage.seconds());
}

#[tokio::test(start_paused = true)]
async fn a_run_repeats_itself_to_the_millisecond() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let stage = stage(|seen| match (seen.action.as_str(), seen.before % 3) {
            ("sts:AssumeRole", _) => assumed(seen),
            ("ec2:DescribeInstances", _) => instances(&[], None),
            (_, 1) => json_error(500, "InternalServerError", "oops"),
            _ => nothing(),
        })
        .await;
        let zone = zone("111122223333", None);
        stage.aws.instances(&cell(&zone), &InstanceQuery::default()).await;
        stage.aws.agents(&cell(&zone), &ids(700)).await;
        let seen: Vec<String> = stage
            .fake
            .seen()
            .iter()
            .map(|seen| format!("{} {:.3} {}", seen.action, seen.at, seen.body))
            .collect();
        runs.push(seen);
    }
    assert_eq!(runs[0], runs[1]);
}
