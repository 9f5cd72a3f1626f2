//! How many calls a hundred hosts of one cell take: the figures of the physical limit, polling apart.

use fleetwright_step::{Outcome, Slot};
use fleetwright_testkit::sample;
use jiff::SignedDuration;

use crate::stage::Stage;

const HOSTS: u64 = 100;

fn all(stage: &Stage) -> Vec<Slot> {
    (1..=HOSTS).map(|number| stage.prepared(number)).collect()
}

fn stage() -> Stage {
    Stage::with(HOSTS, |cell, _| {
        for state in cell.patches.values_mut() {
            state.operation_end = Some(sample::now() + SignedDuration::from_hours(5));
            state.missing = 0;
        }
    })
}

async fn counts(stage: &Stage, step: &str) -> (usize, usize) {
    let calls = || (stage.hosts.calls("ssm:SendCommand"), stage.hosts.calls("ssm:ListCommandInvocations"));
    let before = calls();
    let ends = stage.drive(step, all(stage)).await;
    assert!(ends.iter().all(|end| matches!(end, Outcome::Done { .. })), "{step}: {:?}", ends[0]);
    let after = calls();
    (after.0 - before.0, after.1 - before.1)
}

#[tokio::test(start_paused = true)]
async fn commands_take_two_calls_for_fifty_hosts() {
    let stage = stage();
    for step in ["precheck", "patch", "reboot", "validate"] {
        assert_eq!(counts(&stage, step).await, (2, 2), "{step}");
    }
    assert_eq!(counts(&stage, "verify").await, (2, 0), "the state it leaves tells that a rescan is over");
    assert_eq!(stage.hosts.calls("ssm:GetCommandInvocation"), 0);
}

#[tokio::test(start_paused = true)]
async fn images_take_one_call_each_and_one_look_for_all_of_them() {
    let stage = stage();
    let ends = stage.drive("backup", all(&stage)).await;
    assert!(ends.iter().all(|end| matches!(end, Outcome::Done { .. })));
    assert_eq!(stage.hosts.calls("ec2:CreateImage"), 100);
    let looks = stage.hosts.calls("ec2:DescribeImages") + stage.hosts.calls("ec2:DescribeSnapshots");
    assert!(looks <= 90, "{looks} looks in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn polling_a_command_is_one_listing_per_tick_whatever_the_number_of_hosts() {
    let many = stage();
    many.drive("patch", all(&many)).await;
    let one = stage();
    one.drive("patch", vec![one.prepared(1)]).await;
    assert_eq!(many.hosts.calls("ssm:ListCommands"), one.hosts.calls("ssm:ListCommands"));
}
