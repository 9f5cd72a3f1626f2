//! Sessions: whose credentials go where, and when they are renewed.

use fleetwright_model::{Access, ErrorClass};
use fleetwright_ports::{Accounts, InstanceQuery, Machines, Rights};
use futures::future::join_all;

use crate::fake::{Reply, assumed, cell, ec2_error, identity, instances, query_error, stage, zone};

const A: &str = "i-0aaaaaaaaaaaaaaaa";

#[tokio::test(start_paused = true)]
async fn an_external_id_is_sent_to_its_own_account_only() {
    let stage =
        stage(|seen| if seen.action == "sts:AssumeRole" { assumed(seen) } else { instances(&[A], None) })
            .await;
    let zones = [
        zone("111122223333", Some("first-secret")),
        zone("444455556666", None),
        zone("777788889999", Some("third")),
    ];
    for zone in &zones {
        stage.aws.instances(&cell(zone), &InstanceQuery::default()).await;
    }
    let sent: Vec<(String, Option<String>)> = stage
        .fake
        .asked("sts:AssumeRole")
        .iter()
        .map(|seen| (seen.field("RoleArn").expect("there"), seen.field("ExternalId")))
        .collect();
    assert_eq!(
        sent,
        [
            ("arn:aws:iam::111122223333:role/ops/patching".to_owned(), Some("first-secret".to_owned())),
            ("arn:aws:iam::444455556666:role/ops/patching".to_owned(), None),
            ("arn:aws:iam::777788889999:role/ops/patching".to_owned(), Some("third".to_owned())),
        ]
    );
    for (seen, zone) in stage.fake.asked("ec2:DescribeInstances").iter().zip(&zones) {
        assert!(seen.key.contains(zone.account.as_str()), "{} read with {}", zone.account, seen.key);
        assert_eq!(seen.region, "eu-central-1");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_is_assumed_once_however_many_ask_at_the_same_time() {
    let stage =
        stage(|seen| if seen.action == "sts:AssumeRole" { assumed(seen) } else { instances(&[A], None) })
            .await;
    let zone = zone("111122223333", None);
    let cell = cell(&zone);
    let query = InstanceQuery::default();
    join_all((0..20).map(|_| stage.aws.instances(&cell, &query))).await;
    assert_eq!(stage.fake.asked("sts:AssumeRole").len(), 1);
    assert_eq!(stage.fake.asked("ec2:DescribeInstances").len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_renewed_before_it_expires_on_our_clock() {
    let stage =
        stage(|seen| if seen.action == "sts:AssumeRole" { assumed(seen) } else { instances(&[A], None) })
            .await;
    let zone = zone("111122223333", None);
    for minutes in [0, 54, 2] {
        stage.wait_minutes(minutes).await;
        let listed = stage.aws.instances(&cell(&zone), &InstanceQuery::default()).await;
        assert_eq!(listed.failure, None);
    }
    let keys: Vec<String> =
        stage.fake.asked("ec2:DescribeInstances").into_iter().map(|seen| seen.key).collect();
    assert_eq!(keys, ["ASIA111122223333N1", "ASIA111122223333N1", "ASIA111122223333N2"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_aws_calls_expired_is_renewed_once() {
    let stage = stage(|seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        _ if seen.key.ends_with("N1") => ec2_error(400, "ExpiredToken", "The security token is expired"),
        _ => instances(&[A], None),
    })
    .await;
    let zone = zone("111122223333", None);
    let listed = stage.aws.instances(&cell(&zone), &InstanceQuery::default()).await;
    assert_eq!((listed.items.len(), listed.failure), (1, None));
    assert_eq!(stage.fake.asked("sts:AssumeRole").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn sessions_that_are_always_expired_end_in_a_failure_not_in_a_circle() {
    let stage = stage(|seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        _ => ec2_error(400, "RequestExpired", "Request has expired"),
    })
    .await;
    let zone = zone("111122223333", None);
    let listed = stage.aws.instances(&cell(&zone), &InstanceQuery::default()).await;
    assert_eq!(listed.failure.expect("told").code.id, "FW-A0017");

    let stage = crate::fake::stage(|seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        _ => ec2_error(400, "ExpiredToken", "The security token is expired"),
    })
    .await;
    let listed = stage.aws.instances(&cell(&zone), &InstanceQuery::default()).await;
    assert_eq!(listed.failure.expect("told").code.id, "FW-A0002");
    assert_eq!(stage.fake.asked("ec2:DescribeInstances").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_refuses_us_is_asked_once_and_named() {
    let stage =
        stage(|_| query_error(403, "AccessDenied", "User is not authorized to perform: sts:AssumeRole"))
            .await;
    let zone = zone("111122223333", Some("wrong-secret"));
    let failure = stage.aws.enter(&zone).await.expect_err("refused");
    assert_eq!((failure.class, failure.code.id), (ErrorClass::Denied, "FW-A0004"));
    assert!(failure.message.contains("arn:aws:iam::111122223333:role/ops/patching"), "{failure}");
    assert!(!failure.to_string().contains("wrong-secret"));
    let listed = stage.aws.instances(&cell(&zone), &InstanceQuery::default()).await;
    assert_eq!(listed.failure.expect("refused").code.id, "FW-A0004");
    assert_eq!(stage.fake.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_zone_without_a_role_must_be_the_callers_own_account() {
    let stage =
        stage(
            |seen| {
                if seen.action.starts_with("sts:") { identity("111122223333") } else { instances(&[A], None) }
            },
        )
        .await;
    let own = fleetwright_model::Zone { access: Access::default(), ..zone("111122223333", None) };
    let other = fleetwright_model::Zone { access: Access::default(), ..zone("444455556666", None) };
    assert_eq!(stage.aws.instances(&cell(&own), &InstanceQuery::default()).await.items.len(), 1);
    let listed = stage.aws.instances(&cell(&other), &InstanceQuery::default()).await;
    assert!(listed.items.is_empty());
    assert_eq!(listed.failure.expect("told").code.id, "FW-A0005");
    assert_eq!(stage.fake.asked("sts:GetCallerIdentity").len(), 1, "asked once per session");
    assert_eq!(stage.fake.asked("ec2:DescribeInstances").len(), 1, "nothing is read in the wrong account");
}

#[tokio::test(start_paused = true)]
async fn a_region_that_rejects_a_good_session_is_not_enabled() {
    let rejects = |seen: &crate::fake::Seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        "sts:GetCallerIdentity" => identity("111122223333"),
        _ => ec2_error(401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
    };
    let stage = stage(rejects).await;
    let zone = zone("111122223333", None);
    let failure = stage.aws.reach(&zone, &cell(&zone).region).await.expect_err("not enabled");
    assert_eq!(failure.code.id, "FW-A0007");
    assert!(failure.message.contains("eu-central-1"), "{failure}");

    let stage = crate::fake::stage(move |seen| match seen.action.as_str() {
        "sts:GetCallerIdentity" => Reply::Answer(
            403,
            "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>no</Message></Error></ErrorResponse>".into(),
        ),
        _ => rejects(seen),
    })
    .await;
    let failure = stage.aws.reach(&zone, &cell(&zone).region).await.expect_err("rejected");
    assert_eq!(failure.code.id, "FW-A0003");
}

#[tokio::test(start_paused = true)]
async fn secrets_of_a_session_do_not_show_when_its_answer_is_cut_off() {
    let stage = stage(|seen| match assumed(seen) {
        Reply::Answer(status, body) => {
            let end = body.find("<Expiration>").expect("there");
            Reply::Answer(status, body[..end].replace(">secret<", ">canary<"))
        }
        reply => reply,
    })
    .await;
    let failure = stage.aws.enter(&zone("111122223333", Some("canary-external"))).await.expect_err("cut off");
    assert_eq!(failure.code.id, "FW-A0012");
    assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
}
