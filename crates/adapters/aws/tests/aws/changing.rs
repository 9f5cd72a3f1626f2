//! Calls that change something: what is sent, and that nothing is done twice.

use std::time::Duration;

use fleetwright_aws::AwsOptions;
use fleetwright_model::{ErrorClass, InstanceId, InstanceState, Tags, code};
use fleetwright_ports::{
    CommandRequest, HostCommands, ImageRequest, Images, InstanceQuery, Machines, Power, Replacement,
};

use crate::fake::{Reply, Seen, assumed, cell, ec2_error, instances, json_error, stage, stage_with, zone};

const ACCOUNT: &str = "111122223333";

fn id(number: u32) -> InstanceId {
    InstanceId::new(format!("i-{number:017x}")).expect("valid")
}

fn command() -> CommandRequest {
    CommandRequest {
        document: "AWS-RunShellScript".into(),
        parameters: vec![("commands".into(), vec!["true".to_owned()])],
        hosts: vec![id(1), id(2)],
        mark: "fw:r-1/patch/3".into(),
        delivery_timeout: Duration::from_secs(600),
    }
}

fn image() -> ImageRequest {
    ImageRequest {
        instance: id(1),
        name: "fleetwright-r-1-web".into(),
        description: "before patching".into(),
        tags: Tags::from([("fleetwright:run".into(), "r-1".into())]),
        reboot: false,
    }
}

fn ec2(name: &str, content: &str) -> Reply {
    let body = format!(
        "<{name}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>{content}\
         </{name}Response>"
    );
    Reply::Answer(200, body)
}

/// Lets everybody in and answers the rest with `script`.
fn entered(
    script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    move |seen| if seen.action == "sts:AssumeRole" { assumed(seen) } else { script(seen) }
}

#[tokio::test(start_paused = true)]
async fn a_command_says_who_when_and_what_for_and_leaves_the_counting_of_errors_to_us() {
    let stage = stage(entered(|_| Reply::Answer(200, "{\"Command\":{\"CommandId\":\"c-1\"}}".into()))).await;
    let zone = zone(ACCOUNT, None);
    let sent = stage.aws.send(&cell(&zone), &command()).await.expect("sent");
    assert_eq!(&*sent, "c-1");
    let body = &stage.fake.asked("ssm:SendCommand")[0].body;
    for part in [
        "\"DocumentName\":\"AWS-RunShellScript\"",
        "\"Comment\":\"fw:r-1/patch/3\"",
        "\"TimeoutSeconds\":600",
        "\"MaxConcurrency\":\"100%\"",
        "\"MaxErrors\":\"100%\"",
        "\"Parameters\":{\"commands\":[\"true\"]}",
    ] {
        assert!(body.contains(part), "{part} in {body}");
    }
    assert!(!body.contains("CloudWatch") && !body.contains("S3"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn a_command_whose_reply_was_lost_is_not_sent_again_and_is_in_doubt() {
    for (name, lost) in [("connection lost", 0), ("silence", 1), ("server error", 2), ("cut off", 3)] {
        let stage = stage(entered(move |_| match lost {
            0 => Reply::Lost,
            1 => Reply::Silence,
            2 => json_error(500, "InternalServerError", "oops"),
            _ => Reply::Answer(200, "{\"Command\":{\"CommandId\":".into()),
        }))
        .await;
        let zone = zone(ACCOUNT, None);
        let failure = stage.aws.send(&cell(&zone), &command()).await.expect_err("no reply");
        assert_eq!((failure.class, failure.code), (ErrorClass::Ambiguous, &code::REPLY_LOST), "{name}");
        assert_eq!((failure.attempts, stage.fake.asked("ssm:SendCommand").len()), (1, 1), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_was_throttled_was_sent_to_nobody_and_is_tried_again() {
    let stage = stage(entered(|seen| match seen.before {
        0 | 1 => json_error(400, "ThrottlingException", "Rate exceeded"),
        _ => Reply::Answer(200, "{\"Command\":{\"CommandId\":\"c-1\"}}".into()),
    }))
    .await;
    let zone = zone(ACCOUNT, None);
    stage.aws.send(&cell(&zone), &command()).await.expect("sent in the end");
    assert_eq!(stage.fake.asked("ssm:SendCommand").len(), 3);
    let usage = stage.aws.usage();
    assert_eq!((usage.mutating().calls, usage.mutating().attempts), (1, 3));
    assert_eq!(usage.mutating().attempts + usage.reading().attempts, usage.total().attempts);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_host_keeps_the_services_words_so_that_the_step_can_leave_it_out() {
    let words = "Instances [[i-00000000000000002]] not in a valid state for account 111122223333";
    let stage = stage(entered(move |_| json_error(400, "InvalidInstanceId", words))).await;
    let zone = zone(ACCOUNT, None);
    let failure = stage.aws.send(&cell(&zone), &command()).await.expect_err("refused");
    assert_eq!((failure.class, failure.message.as_str()), (ErrorClass::NotFound, words));
    assert_eq!(failure.service_code.as_deref(), Some("InvalidInstanceId"));
}

#[tokio::test(start_paused = true)]
async fn an_image_is_tagged_by_the_call_that_makes_it_and_leaves_the_instance_running() {
    let stage = stage(entered(|_| ec2("CreateImage", "<imageId>ami-1</imageId>"))).await;
    let zone = zone(ACCOUNT, None);
    let made = stage.aws.create(&cell(&zone), &image()).await.expect("made");
    assert_eq!(&*made, "ami-1");
    let seen = &stage.fake.asked("ec2:CreateImage")[0];
    for (field, value) in [
        ("Name", "fleetwright-r-1-web"),
        ("NoReboot", "true"),
        ("TagSpecification.1.ResourceType", "image"),
        ("TagSpecification.2.ResourceType", "snapshot"),
        ("TagSpecification.2.Tag.1.Key", "fleetwright:run"),
        ("TagSpecification.2.Tag.1.Value", "r-1"),
    ] {
        assert_eq!(seen.field(field).as_deref(), Some(value), "{field}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_exists_is_a_conflict_and_a_lost_reply_is_in_doubt() {
    let words = "AMI name fleetwright-r-1-web is already in use by AMI ami-1";
    let stage = stage(entered(move |seen| match seen.before {
        0 => ec2_error(400, "InvalidAMIName.Duplicate", words),
        _ => Reply::Lost,
    }))
    .await;
    let zone = zone(ACCOUNT, None);
    let known = stage.aws.create(&cell(&zone), &image()).await.expect_err("the name is taken");
    assert_eq!((known.class, known.code), (ErrorClass::Conflict, &code::IMAGE_EXISTS));
    let lost = stage.aws.create(&cell(&zone), &image()).await.expect_err("no reply");
    assert_eq!((lost.class, lost.code), (ErrorClass::Ambiguous, &code::REPLY_LOST));
    assert_eq!(stage.fake.asked("ec2:CreateImage").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_whose_reply_was_lost_is_done_when_the_second_finds_nothing() {
    let stage = stage(entered(|seen| match (seen.action.as_str(), seen.before) {
        (_, 0) => Reply::Lost,
        ("ec2:DeregisterImage", _) => ec2_error(400, "InvalidAMIID.Unavailable", "no longer available"),
        _ => ec2_error(400, "InvalidSnapshot.NotFound", "does not exist"),
    }))
    .await;
    let zone = zone(ACCOUNT, None);
    assert_eq!(stage.aws.deregister(&cell(&zone), "ami-1").await, Ok(()));
    assert_eq!(stage.aws.delete_snapshot(&cell(&zone), "snap-1").await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_start_is_repeated_after_a_lost_reply_and_in_doubt_only_when_all_are_lost() {
    let stage = stage(entered(|seen| match (seen.action.as_str(), seen.before) {
        ("ec2:StartInstances", 1..) => ec2("StartInstances", "<instancesSet/>"),
        _ => Reply::Lost,
    }))
    .await;
    let zone = zone(ACCOUNT, None);
    assert_eq!(stage.aws.start(&cell(&zone), &[id(1)]).await, Ok(()));
    assert_eq!(stage.fake.asked("ec2:StartInstances").len(), 2);
    let failure = stage.aws.stop(&cell(&zone), &[id(1)]).await.expect_err("all are lost");
    assert_eq!((failure.class, failure.attempts), (ErrorClass::Ambiguous, 8));
}

#[tokio::test(start_paused = true)]
async fn one_instance_that_is_gone_keeps_no_other_from_starting_and_the_caller_is_told_to_look() {
    let stage = stage(entered(|seen| match seen.field("InstanceId.2") {
        Some(_) if seen.body.contains("i-00000000000000002") => ec2_error(
            400,
            "InvalidInstanceID.NotFound",
            "The instance ID 'i-00000000000000002' does not exist",
        ),
        _ => ec2("StartInstances", "<instancesSet/>"),
    }))
    .await;
    let zone = zone(ACCOUNT, None);
    let ids = [id(1), id(2), id(3)];
    let failure = stage.aws.start(&cell(&zone), &ids).await.expect_err("one is gone");
    assert_eq!(failure.class, ErrorClass::Ambiguous, "{failure}");
    assert!(failure.message.contains("i-00000000000000002"), "{failure}");
    let asked = stage.fake.asked("ec2:StartInstances");
    assert_eq!(asked.len(), 2);
    assert!(!asked[1].body.contains("i-00000000000000002"), "{}", asked[1].body);
}

#[tokio::test(start_paused = true)]
async fn more_instances_than_a_region_starts_at_once_are_started_as_fast_as_it_allows() {
    let stage = stage(entered(|_| ec2("StartInstances", "<instancesSet/>"))).await;
    let zone = zone(ACCOUNT, None);
    let ids: Vec<InstanceId> = (0..1_200).map(id).collect();
    assert_eq!(stage.aws.start(&cell(&zone), &ids).await, Ok(()));
    let times: Vec<f64> = stage.fake.asked("ec2:StartInstances").iter().map(|seen| seen.at.round()).collect();
    // 950 of the bucket's 1,000, and two a second after that.
    assert_eq!(times, [0.0, 0.0, 0.0, 0.0, 25.0, 125.0]);
    assert_eq!(stage.aws.usage().total().throttles, 0);
}

#[tokio::test(start_paused = true)]
async fn a_reboot_is_sent_once_whatever_comes_back() {
    let stage = stage(entered(|_| Reply::Silence)).await;
    let zone = zone(ACCOUNT, None);
    let failure = stage.aws.reboot(&cell(&zone), &[id(1)]).await.expect_err("no answer");
    assert_eq!(failure.class, ErrorClass::Ambiguous, "{failure}");
    assert_eq!(stage.fake.asked("ec2:RebootInstances").len(), 1);
}

/// An instance with a role, in the words of DescribeInstances.
const OLD: &str = "<reservationSet><item><instancesSet><item><instanceId>i-00000000000000001</instanceId>\
    <instanceType>m6i.large</instanceType><subnetId>subnet-1</subnetId><keyName>ops</keyName>\
    <groupSet><item><groupId>sg-1</groupId></item><item><groupId>sg-2</groupId></item></groupSet>\
    <iamInstanceProfile><arn>arn:aws:iam::111122223333:instance-profile/web</arn></iamInstanceProfile>\
    <metadataOptions><httpTokens>required</httpTokens><httpPutResponseHopLimit>2</httpPutResponseHopLimit>\
    </metadataOptions><tagSet><item><key>Name</key><value>web</value></item>\
    <item><key>aws:autoscaling:groupName</key><value>g</value></item></tagSet></item></instancesSet></item></reservationSet>";

#[tokio::test(start_paused = true)]
async fn a_replacement_is_like_the_old_one_and_a_lost_reply_is_repeated_with_its_token() {
    let stage = stage(entered(|seen| match (seen.action.as_str(), seen.before) {
        ("ec2:DescribeInstances", _) => ec2("DescribeInstances", OLD),
        (_, 0) => Reply::Lost,
        _ => {
            let new =
                "<instancesSet><item><instanceId>i-00000000000000009</instanceId></item></instancesSet>";
            ec2("RunInstances", new)
        }
    }))
    .await;
    let zone = zone(ACCOUNT, None);
    let replacement = Replacement {
        like: id(1),
        image: "ami-1".into(),
        token: "fw-r-1-web".into(),
        tags: Tags::from([("fleetwright:run".into(), "r-1".into())]),
    };
    let new = stage.aws.replace(&cell(&zone), &replacement).await.expect("launched");
    assert_eq!(new, id(9));
    let asked = stage.fake.asked("ec2:RunInstances");
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].body, asked[1].body, "another request under the same token would be refused");
    for (field, value) in [
        ("ClientToken", "fw-r-1-web"),
        ("MaxCount", "1"),
        ("ImageId", "ami-1"),
        ("InstanceType", "m6i.large"),
        ("SubnetId", "subnet-1"),
        ("SecurityGroupId.2", "sg-2"),
        ("KeyName", "ops"),
        ("IamInstanceProfile.Arn", "arn:aws:iam::111122223333:instance-profile/web"),
        ("MetadataOptions.HttpTokens", "required"),
        ("MetadataOptions.HttpPutResponseHopLimit", "2"),
        ("TagSpecification.1.Tag.1.Key", "Name"),
        ("TagSpecification.1.Tag.2.Key", "fleetwright:run"),
    ] {
        assert_eq!(asked[0].field(field).as_deref(), Some(value), "{field}");
    }
    assert!(!asked[0].body.contains("autoscaling"), "{}", asked[0].body);
}

#[tokio::test(start_paused = true)]
async fn pulses_of_a_hundred_and_one_are_two_calls_and_the_missing_one_is_left_out() {
    let stage = stage(entered(|seen| {
        let gone = "i-00000000000000005";
        if seen.body.contains(gone) {
            let words = format!("The instance ID '{gone}' does not exist");
            return ec2_error(400, "InvalidInstanceID.NotFound", &words);
        }
        let id = seen.field("InstanceId.1").unwrap_or_default();
        let row = format!(
            "<instanceStatusSet><item><instanceId>{id}</instanceId><instanceState><name>stopped</name>\
             </instanceState></item></instanceStatusSet>"
        );
        ec2("DescribeInstanceStatus", &row)
    }))
    .await;
    let zone = zone(ACCOUNT, None);
    let ids: Vec<InstanceId> = (0..101).map(id).collect();
    let pulses = stage.aws.pulses(&cell(&zone), &ids).await;
    assert_eq!(pulses.failure, None);
    let found: Vec<_> = pulses.items.into_iter().map(|pulse| (pulse.id, pulse.state, pulse.health)).collect();
    let stopped = InstanceState::Stopped;
    assert_eq!(found, [(id(0), stopped, None), (id(100), stopped, None)]);
    assert_eq!(stage.fake.asked("ec2:DescribeInstanceStatus").len(), 3, "one of the two is asked again");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_reads_and_sends_nothing_that_changes_anything() {
    let options = AwsOptions { dry_run: true, ..AwsOptions::default() };
    let stage = stage_with(options, entered(|_| instances(&["i-00000000000000001"], None))).await;
    let zone = zone(ACCOUNT, None);
    let cell = cell(&zone);
    let failures = [
        stage.aws.send(&cell, &command()).await.map(|_| ()),
        stage.aws.create(&cell, &image()).await.map(|_| ()),
        stage.aws.start(&cell, &[id(1)]).await,
        stage.aws.reboot(&cell, &[id(1)]).await,
        stage.aws.restore(&cell, &id(1), "ami-1", "t", &Tags::new()).await.map(|_| ()),
        stage.aws.deregister(&cell, "ami-1").await,
    ];
    for failure in failures {
        let failure = failure.expect_err("held back");
        assert_eq!((failure.class, failure.code), (ErrorClass::Permanent, &code::INTERNAL), "{failure}");
        assert_eq!(failure.attempts, 0, "{failure}");
    }
    assert_eq!(stage.aws.instances(&cell, &InstanceQuery::default()).await.items.len(), 1);
    assert_eq!(stage.aws.usage().mutating(), Default::default());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_changes_something_is_not_begun_with_credentials_that_end_before_its_answer() {
    // Sessions last an hour and are renewed in time; waiting for a full bucket may outlast them.
    let options = AwsOptions { timeout: Duration::from_secs(3_600), ..AwsOptions::default() };
    let stage = stage_with(options, entered(|_| ec2("RebootInstances", "<return>true</return>"))).await;
    let zone = zone(ACCOUNT, None);
    let failure = stage.aws.reboot(&cell(&zone), &[id(1)]).await.expect_err("too late");
    assert_eq!((failure.class, failure.code), (ErrorClass::Denied, &code::EXPIRED_CREDENTIALS), "{failure}");
    assert!(stage.fake.asked("ec2:RebootInstances").is_empty());
}
