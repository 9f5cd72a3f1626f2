//! Listings: pages, failures in the middle, answers that cannot be read.

use fleetwright_model::{ErrorClass, InstanceId};
use fleetwright_ports::{InstanceQuery, Machines};

use crate::fake::{Reply, Seen, assumed, cell, ec2_error, instances, json_error, stage, zone};

const A: &str = "i-0aaaaaaaaaaaaaaaa";
const B: &str = "i-0bbbbbbbbbbbbbbbb";

fn ids(found: &[fleetwright_model::Instance]) -> Vec<&str> {
    found.iter().map(|instance| instance.id.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_page_that_fails_in_the_middle_is_asked_for_again() {
    let stage = stage(|seen| match (seen.action.as_str(), seen.before) {
        ("sts:AssumeRole", _) => assumed(seen),
        (_, 0) => instances(&[A], Some("t1")),
        (_, 1) => ec2_error(500, "InternalError", "An internal error has occurred"),
        (_, 2) => Reply::Lost,
        _ => instances(&[B], None),
    })
    .await;
    let zone = zone("111122223333", None);
    let listed = stage.aws.instances(&cell(&zone), &InstanceQuery::default()).await;
    assert_eq!(listed.failure, None);
    assert_eq!(ids(&listed.items), [A, B]);
    let tokens: Vec<_> =
        stage.fake.asked("ec2:DescribeInstances").iter().map(|seen| seen.field("NextToken")).collect();
    assert_eq!(tokens, [None, Some("t1".into()), Some("t1".into()), Some("t1".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_never_comes_leaves_what_was_read_and_the_cause() {
    let stage = stage(|seen| match (seen.action.as_str(), seen.before) {
        ("sts:AssumeRole", _) => assumed(seen),
        (_, 0) => instances(&[A], Some("t1")),
        _ => ec2_error(503, "Unavailable", "The service is unavailable"),
    })
    .await;
    let zone = zone("111122223333", None);
    let listed = stage.aws.instances(&cell(&zone), &InstanceQuery::default()).await;
    assert_eq!(ids(&listed.items), [A]);
    let failure = listed.failure.expect("broken off");
    assert_eq!((failure.class, failure.code.id), (ErrorClass::Transient, "FW-A0010"));
    assert_eq!((failure.operation.as_str(), failure.attempts), ("ec2:DescribeInstances", 8));
}

#[tokio::test(start_paused = true)]
async fn a_web_page_in_place_of_an_answer_is_a_service_fault_in_readable_words() {
    let stage = stage(|seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        _ => Reply::Answer(
            500,
            "<!doctype html>\n<html><title>500 Internal  Server Error</title></html>".into(),
        ),
    })
    .await;
    let zone = zone("111122223333", None);
    let listed = stage.aws.instances(&cell(&zone), &InstanceQuery::default()).await;
    let failure = listed.failure.expect("nothing could be read");
    assert_eq!((failure.class, failure.code.id), (ErrorClass::Transient, "FW-A0010"));
    assert!(
        failure.message.contains("HTTP 500") && failure.message.contains("Internal Server Error"),
        "{failure}"
    );

    let id = InstanceId::new(A).expect("valid");
    let agents = stage.aws.agents(&cell(&zone), &[id]).await;
    assert_eq!(agents.unchecked[0].1.code.id, "FW-A0010");
}

#[tokio::test(start_paused = true)]
async fn an_answer_cut_off_in_the_middle_is_not_understood_and_asked_for_again() {
    let stage = stage(|seen| match (seen.action.as_str(), seen.before) {
        ("sts:AssumeRole", _) => assumed(seen),
        (_, 0) => Reply::Answer(200, "<DescribeInstancesResponse><reservationSet><item><instan".into()),
        _ => instances(&[A], None),
    })
    .await;
    let zone = zone("111122223333", None);
    let listed = stage.aws.instances(&cell(&zone), &InstanceQuery::default()).await;
    assert_eq!((ids(&listed.items), listed.failure), (vec![A], None));
    assert_eq!(stage.fake.asked("ec2:DescribeInstances").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_always_cut_off_are_never_taken_for_an_empty_fleet() {
    let stage = stage(|seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        "ec2:DescribeInstances" => Reply::Answer(200, "<DescribeInstancesResponse><reservationSet/>".into()),
        _ => Reply::Answer(200, String::new()),
    })
    .await;
    let zone = zone("111122223333", None);
    let listed = stage.aws.instances(&cell(&zone), &InstanceQuery::default()).await;
    let failure = listed.failure.expect("nothing could be read");
    assert_eq!((failure.class, failure.code.id, failure.attempts), (ErrorClass::Transient, "FW-A0012", 8));
    assert!(failure.message.contains("breaks off after 44 bytes"), "{failure}");
    let agents = stage.aws.agents(&cell(&zone), &[InstanceId::new(A).expect("valid")]).await;
    assert_eq!(agents.unchecked[0].1.code.id, "FW-A0012");
}

#[tokio::test(start_paused = true)]
async fn ids_that_are_none_are_told_beside_the_rest() {
    let stage = stage(|seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        _ => instances(&[A, "i-broken"], None),
    })
    .await;
    let zone = zone("111122223333", None);
    let listed = stage.aws.instances(&cell(&zone), &InstanceQuery::default()).await;
    assert_eq!(ids(&listed.items), [A]);
    assert!(listed.failure.expect("told").message.contains("i-broken"));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_loses_its_own_ids_only() {
    let stage = stage(|seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        // Fifty ids a batch: the second batch holds numbers 50 to 99.
        _ if seen.body.contains("i-00000032") => json_error(400, "ValidationException", "no"),
        _ => agents_of(seen),
    })
    .await;
    let zone = zone("111122223333", None);
    let ids: Vec<InstanceId> =
        (0..120).map(|n| InstanceId::new(format!("i-{n:08x}")).expect("valid")).collect();
    let answers = stage.aws.agents(&cell(&zone), &ids).await;
    assert_eq!(stage.fake.asked("ssm:DescribeInstanceInformation").len(), 3);
    assert_eq!(answers.found.len(), 70);
    assert_eq!(answers.unchecked.len(), 1);
    assert_eq!(answers.unchecked[0].0, ids[50..100]);
    assert_eq!(answers.unchecked[0].1.service_code.as_deref(), Some("ValidationException"));
}

/// An agent for every id asked about.
fn agents_of(seen: &Seen) -> Reply {
    let rows: Vec<String> = seen
        .body
        .split('"')
        .filter(|text| text.starts_with("i-"))
        .map(|id| {
            format!("{{\"InstanceId\":\"{id}\",\"PingStatus\":\"Online\",\"LastPingDateTime\":1.7932e9}}")
        })
        .collect();
    Reply::Answer(200, format!("{{\"InstanceInformationList\":[{}]}}", rows.join(",")))
}

#[tokio::test(start_paused = true)]
async fn instance_types_are_asked_for_once_whoever_asks() {
    let stage = stage(|seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        _ => Reply::Answer(
            200,
            "<DescribeInstanceTypesResponse><instanceTypeSet><item><instanceType>m6i.large</instanceType>\
             <vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo><memoryInfo><sizeInMiB>8192</sizeInMiB></memoryInfo>\
             <networkInfo><networkPerformance>Up to 12.5 Gigabit</networkPerformance>\
             <ipv4AddressesPerInterface>10</ipv4AddressesPerInterface></networkInfo></item></instanceTypeSet></DescribeInstanceTypesResponse>"
                .into(),
        ),
    })
    .await;
    let (one, two) = (zone("111122223333", None), zone("444455556666", None));
    let types = ["m6i.large".into(), "x9.huge".into(), "m6i.large".into()];
    let (one, two) = (cell(&one), cell(&two));
    let (first, second) =
        futures::future::join(stage.aws.hardware(&one, &types), stage.aws.hardware(&two, &types)).await;
    assert_eq!(first, second);
    assert_eq!(first.items.len(), 1);
    let (name, size) = &first.items[0];
    assert_eq!(
        (&**name, size.memory_mib, size.vcpus, size.addresses_per_interface),
        ("m6i.large", 8192, 2, 10)
    );
    assert_eq!(stage.fake.asked("ec2:DescribeInstanceTypes").len(), 1);
}
