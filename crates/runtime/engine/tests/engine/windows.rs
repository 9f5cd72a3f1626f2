//! Windows, freezes and decisions that take several people, as the driver lives through them.

use std::time::Duration;

use fleetwright_engine::{AtGates, Conclusion, Control};
use fleetwright_flow::{
    ApprovalRule, Ending, Event, Gate, OnExpiry, Plan, Record, Signal, Span, StageId, Window, WindowId,
};
use fleetwright_ports::Journal;
use fleetwright_testkit::flow::plans::{patching, plan};
use fleetwright_testkit::sample;
use jiff::{SignedDuration, Timestamp};

use crate::world::{World, waiting};

fn after(hours: i64) -> Timestamp {
    sample::now().checked_add(SignedDuration::from_hours(hours)).expect("in range")
}

/// Everything from the drain on belongs into the window, two hours of it.
fn nightly(targets: u32, budget: u32, hours: &[(i64, i64)]) -> Plan {
    let mut plan = plan(patching(), targets, budget);
    plan.recipes[0].reserve_seconds = 7_200;
    plan.recipes[0].steps[2..].iter_mut().for_each(|step| step.in_window = true);
    let open = hours.iter().map(|(from, until)| Span { from: after(*from), until: after(*until) }).collect();
    plan.windows = vec![Window::new("night", open)];
    plan.targets.iter_mut().for_each(|target| target.window = Some(WindowId(0)));
    plan
}

fn decided(rule: ApprovalRule) -> Plan {
    let mut plan = plan(patching(), 2, 2);
    (plan.stages[0].gate, plan.stages[0].approval) = (Gate::Approval, Some(rule));
    plan
}

/// When a step was started, each time.
fn starts(records: &[Record], of: u8) -> Vec<Timestamp> {
    let started = |record: &&Record| matches!(record.event, Event::Started { step, direction, .. } if step.0 == of && direction.is_do());
    records.iter().filter(started).map(|record| record.at).collect()
}

async fn post(world: &World, signal: Signal, by: &str) {
    world.memory.post(&world.run, world.clock.now(), signal, by, None).await.expect("a run");
}

#[tokio::test(start_paused = true)]
async fn the_driver_sleeps_until_the_window_opens_and_backups_are_ready_by_then() {
    let world = World::of(nightly(3, 3, &[(5, 9)])).await;
    let concluded = world.finish().await;
    assert_eq!(concluded.conclusion, Conclusion::Closed(Ending::Complete));
    let records = world.records().await;
    assert!(starts(&records, 0).iter().all(|at| *at < after(1)), "backups wait for no window");
    assert_eq!(starts(&records, 2).first().copied(), Some(after(5)));
    world.assert_nothing_twice();
}

#[tokio::test(start_paused = true)]
async fn who_does_not_fit_into_one_night_is_changed_in_the_next() {
    let world = World::of(nightly(40, 1, &[(5, 8), (29, 32), (53, 56), (77, 120)])).await;
    let concluded = world.finish().await;
    assert_eq!(concluded.run.totals().done, 40);
    let drains = starts(&world.records().await, 2);
    let nights = [(5, 6), (29, 30), (53, 54), (77, 118)];
    let inside =
        |at: &Timestamp| nights.iter().any(|(from, last)| (after(*from)..=after(*last)).contains(at));
    assert!(drains.iter().all(inside), "{drains:?}");
    assert!(drains.iter().any(|at| *at >= after(29)), "one night was not enough");
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_process_does_not_wait_for_the_window() {
    let world = World::of(nightly(2, 2, &[(5, 9)])).await;
    let control = waiting();
    let meanwhile = async {
        world.clock.sleep(Duration::from_secs(7_200)).await;
        control.interrupt();
    };
    let (left, ()) = tokio::join!(world.drive(&control), meanwhile);
    assert_eq!(left.expect("a drive without trouble").conclusion, Conclusion::Interrupted);
    assert!(world.clock.now() < after(3));
    assert_eq!(world.finish().await.conclusion, Conclusion::Closed(Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn a_freeze_by_mail_holds_changes_until_the_thaw() {
    let world = World::of(plan(patching(), 2, 1)).await;
    post(&world, Signal::Freeze, "calendar").await;
    let meanwhile = async {
        world.clock.sleep(Duration::from_secs(36_000)).await;
        post(&world, Signal::Thaw, "calendar").await;
    };
    let (ended, ()) = tokio::join!(world.finish(), meanwhile);
    assert_eq!(ended.conclusion, Conclusion::Closed(Ending::Complete));
    let records = world.records().await;
    assert!(starts(&records, 2).iter().all(|at| *at >= after(10)));
    assert_eq!(starts(&records, 1).iter().filter(|at| **at < after(10)).count(), 2, "looking goes on");
}

#[tokio::test(start_paused = true)]
async fn one_who_approves_everything_is_one_person() {
    let rule = ApprovalRule {
        needed: 2,
        approvers: vec![],
        expires_seconds: Some(36_000),
        on_expiry: OnExpiry::Reject,
    };
    let control = Control::new("test", AtGates::Approve { by: "--auto-approve".into() });
    let expired = World::of(decided(rule.clone())).await;
    let ended = expired.drive(&control).await.expect("a drive without trouble");
    assert_eq!(ended.conclusion, Conclusion::Closed(Ending::Rejected));
    assert!(starts(&expired.records().await, 2).is_empty());

    let approved = World::of(decided(rule)).await;
    let meanwhile = async {
        approved.clock.sleep(Duration::from_secs(7_200)).await;
        post(&approved, Signal::Approve(StageId(0)), "ann").await;
    };
    let (ended, ()) = tokio::join!(approved.drive(&control), meanwhile);
    assert_eq!(ended.expect("a drive without trouble").ending(), Some(Ending::Complete));
}
