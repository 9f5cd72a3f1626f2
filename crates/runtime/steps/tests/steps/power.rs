//! `start` and `stop-again`.

use std::time::Duration;

use fleetwright_model::{ErrorClass, InstanceState};
use fleetwright_patch::plan::notes::{self, StartNote, step};
use fleetwright_step::{Outcome, Slot};
use fleetwright_testkit::{Fault, sample};
use jiff::SignedDuration;

use crate::stage::{Stage, code, host, note};

const START: &str = "ec2:StartInstances";
const STOP: &str = "ec2:StopInstances";

fn stopped(hosts: u64) -> Stage {
    Stage::with(hosts, |cell, plan| {
        for instance in &mut cell.instances {
            instance.state = InstanceState::Stopped;
        }
        for number in 1..=plan.work.len() {
            host(plan, number).state = InstanceState::Stopped;
        }
    })
}

/// The slot as it is after that start.
fn started(slot: Slot, end: &Outcome) -> Slot {
    let note: StartNote = note(end);
    Slot { notes: vec![(step::START.into(), notes::write(&note))], ..slot }
}

#[tokio::test(start_paused = true)]
async fn stopped_hosts_are_started_in_one_call_and_waited_for() {
    let stage = stopped(40);
    stage.wait(1).await;
    let ends = stage.drive("start", (1..=40).map(|number| stage.slot(number)).collect()).await;
    assert!(ends.iter().all(|end| matches!(end, Outcome::Done { finding: None, .. })), "{ends:?}");
    let second = SignedDuration::from_secs(1);
    assert_eq!(note::<StartNote>(&ends[0]).launch_time, Some(sample::now() + second), "EC2 renews it");
    assert_eq!(stage.hosts.calls(START), 1);
    assert!(stage.hosts.calls("ec2:DescribeInstanceStatus") < 20, "one look for all of them");
}

#[tokio::test(start_paused = true)]
async fn not_more_than_a_hundred_agents_start_at_once() {
    let stage = stopped(150);
    stage.wait(1).await;
    let ends = stage.drive("start", (1..=150).map(|number| stage.slot(number)).collect()).await;
    assert!(ends.iter().all(|end| matches!(end, Outcome::Done { .. })));
    let waves: Vec<usize> = stage.hosts.effects().iter().map(|effect| effect.hosts.len()).collect();
    assert_eq!(waves, [100, 50]);
    let at: Vec<_> = stage.hosts.effects().iter().map(|effect| effect.at).collect();
    assert!(at[1].duration_since(at[0]) > SignedDuration::from_secs(60), "after the first are up");
}

#[tokio::test(start_paused = true)]
async fn a_running_host_needs_no_start() {
    let stage = Stage::of(1);
    assert!(matches!(stage.drive_one("start", stage.slot(1)).await, Outcome::NotNeeded { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_starts_nothing_twice() {
    let stage = stopped(1);
    stage.wait(1).await;
    stage.hosts.fail_next(START, Fault::LostReply);
    let done = stage.drive_one("start", stage.slot(1)).await;
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
    assert_eq!(stage.effects(START), 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_on_either_side_of_the_effect_the_host_is_started_once() {
    for acted in [false, true] {
        let mut stage = stopped(1);
        stage.wait(1).await;
        let slot = stage.slot(1);
        if acted {
            stage.turn("start", std::slice::from_ref(&slot)).await;
            stage.wait(60).await;
        }
        stage.restart();
        let done = stage.drive_one("start", Slot { doubt: true, ..slot }).await;
        assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
        assert_eq!(stage.effects(START), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_started_is_left_running() {
    let stage = stopped(1);
    stage.hosts.edit(|fleet| {
        let cell = fleet.cells.values_mut().next().unwrap();
        cell.instances[0].launch_time = Some(sample::now() - SignedDuration::from_mins(30));
    });
    fleetwright_ports::Power::start(&*stage.hosts, &stage.cell(), &[sample::id(1)]).await.unwrap();
    stage.wait(60).await;
    assert_eq!(code(&stage.drive_one("start", stage.slot(1)).await), "FW-H0018");
    let left = stage.drive_one("stop-again", stage.slot(1)).await;
    assert!(matches!(left, Outcome::NotNeeded { .. }));
    assert_eq!(stage.effects(STOP), 0);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_come_up_and_one_whose_agent_is_silent_are_told_apart() {
    let stage = stopped(2);
    stage.wait(1).await;
    let never = Duration::from_secs(90_000);
    stage.hosts.script(&sample::id(1), |script| script.checks_take = never);
    stage.hosts.script(&sample::id(2), |script| script.agent_takes = never);
    let ends = stage.drive("start", vec![stage.slot(1), stage.slot(2)]).await;
    assert_eq!(ends.iter().map(code).collect::<Vec<_>>(), ["FW-H0019", "FW-H0001"]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_concerns_all_is_not_split() {
    let stage = stopped(8);
    stage.hosts.fail_next(START, Fault::Refused(sample::denied(START)));
    let ends = stage.drive("start", (1..=8).map(|number| stage.slot(number)).collect()).await;
    assert!(ends.iter().all(|end| code(end) == "FW-A0008"));
    assert_eq!(stage.hosts.calls(START), 1);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_started_and_stopped_since_it_was_planned_is_left_alone() {
    let stage = stopped(1);
    stage.wait(60).await;
    stage.hosts.edit(|fleet| {
        let cell = fleet.cells.values_mut().next().expect("one cell");
        cell.instances[0].launch_time = Some(sample::now() + SignedDuration::from_secs(30));
    });
    assert_eq!(code(&stage.drive_one("start", stage.slot(1)).await), "FW-H0018");
    assert_eq!(stage.hosts.calls(START), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_start_does_not_keep_back_the_others() {
    let stage = stopped(8);
    stage.wait(1).await;
    let words = "Client.InvalidKMSKey.InvalidState";
    let refused = || {
        fleetwright_model::Failure::new(
            ErrorClass::Permanent,
            &fleetwright_model::code::REQUEST_REFUSED,
            START,
            words,
        )
    };
    // All eight, the first four, the first two, the first alone.
    (0..4).for_each(|_| stage.hosts.fail_next(START, Fault::Refused(refused())));
    let ends = stage.drive("start", (1..=8).map(|number| stage.slot(number)).collect()).await;
    assert_eq!(code(&ends[0]), "FW-H0019");
    assert!(matches!(&ends[0], Outcome::Failed(it) if it.message.contains(words)));
    assert!(ends[1..].iter().all(|end| matches!(end, Outcome::Done { .. })));
}

#[tokio::test(start_paused = true)]
async fn what_was_started_is_stopped_again_in_one_call() {
    let stage = stopped(3);
    stage.wait(1).await;
    let starts = stage.drive("start", (1..=3).map(|number| stage.slot(number)).collect()).await;
    let slots = (1..=3).zip(&starts).map(|(number, end)| started(stage.slot(number), end)).collect();
    let ends = stage.drive("stop-again", slots).await;
    assert!(ends.iter().all(|end| matches!(end, Outcome::Done { .. })), "{ends:?}");
    assert_eq!(stage.hosts.calls(STOP), 1);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_failed_is_put_back_as_well() {
    let stage = stopped(1);
    fleetwright_ports::Power::start(&*stage.hosts, &stage.cell(), &[sample::id(1)]).await.unwrap();
    stage.wait(60).await;
    let done = stage.drive_one("stop-again", stage.slot(1)).await;
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
    assert_eq!(stage.effects(STOP), 1);
}

/// As where the run is aborted right after the request.
#[tokio::test(start_paused = true)]
async fn a_start_that_does_not_show_yet_is_put_back_as_well() {
    let stage = stopped(1);
    stage.hosts.set_lag(Duration::from_secs(20));
    fleetwright_ports::Power::start(&*stage.hosts, &stage.cell(), &[sample::id(1)]).await.unwrap();
    stage.wait(3).await;
    let done = stage.drive_one("stop-again", stage.slot(1)).await;
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
    assert_eq!(stage.effects(STOP), 1);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_ran_before_is_never_stopped() {
    let stage = Stage::of(1);
    assert!(matches!(stage.drive_one("stop-again", stage.slot(1)).await, Outcome::NotNeeded { .. }));
    assert_eq!(stage.effects(STOP), 0);
}

#[tokio::test(start_paused = true)]
async fn a_crash_around_stopping_stops_once_and_one_that_does_not_stop_is_named() {
    let mut stage = stopped(1);
    stage.wait(1).await;
    let start = stage.drive_one("start", stage.slot(1)).await;
    let slot = started(stage.slot(1), &start);
    stage.turn("stop-again", std::slice::from_ref(&slot)).await;
    stage.restart();
    let done = stage.drive_one("stop-again", Slot { doubt: true, ..slot }).await;
    assert!(matches!(done, Outcome::Done { .. }));
    assert_eq!(stage.effects(STOP), 1);

    let stage = stopped(1);
    stage.wait(1).await;
    let start = stage.drive_one("start", stage.slot(1)).await;
    stage.hosts.script(&sample::id(1), |script| script.stop_takes = Duration::from_secs(90_000));
    assert_eq!(code(&stage.drive_one("stop-again", started(stage.slot(1), &start)).await), "FW-H0023");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_started_anew_since_is_not_stopped() {
    let stage = stopped(1);
    stage.wait(1).await;
    let start = stage.drive_one("start", stage.slot(1)).await;
    stage.hosts.edit(|fleet| {
        let cell = fleet.cells.values_mut().next().expect("a cell");
        cell.instances[0].launch_time = Some(sample::now() + SignedDuration::from_mins(30));
    });
    assert_eq!(code(&stage.drive_one("stop-again", started(stage.slot(1), &start)).await), "FW-H0018");
    assert_eq!(stage.effects(STOP), 0);
}
