use fleetwright_flow::*;
use fleetwright_model::ErrorClass::{Permanent, Transient};

use crate::driver::Driver;
use crate::plans::{plan, step};

fn flying(driver: &Driver) -> Vec<(u32, u8)> {
    driver.run.in_flight().map(|flight| (flight.target.0, flight.step.0)).collect()
}

/// start, patch (commits), verify, stop again; two patched at a time.
fn fleet(targets: u32, max_failures: u32) -> Plan {
    let steps = vec![
        Step { max_in_flight: Some(2), ..step("start") },
        Step { commits: true, ..step("patch") },
        step("verify"),
        Step { when: When::Finally { of: StepIndex(0) }, ..step("stop") },
    ];
    let mut plan = plan(steps, vec![], targets);
    plan.stages[0].max_failures = Some(max_failures);
    plan
}

#[test]
fn more_failures_than_allowed_halt_the_run_and_changed_targets_are_finished() {
    let mut driver = Driver::new(fleet(6, 0));
    driver.go();
    driver.succeed(0);
    driver.succeed(1);
    driver.go();
    assert_eq!(flying(&driver), [(0, 1), (1, 1), (2, 0), (3, 0)]);
    driver.fail(0, Permanent);
    assert_eq!(driver.run.stopping(), Some(Ending::Halted));
    driver.go();
    assert_eq!(driver.run.end(TargetId(5)), Some(End::Skipped { code: "FW-H0026".into() }));
    driver.succeed(1);
    driver.succeed(2);
    driver.succeed(3);
    driver.go();
    assert_eq!(flying(&driver), [(0, 3), (1, 2), (2, 3), (3, 3)], "1 goes on, 2 and 3 are only put back");
    for target in [0, 1, 2, 3] {
        driver.succeed(target);
    }
    driver.go();
    driver.succeed(1);
    driver.go();
    assert_eq!(driver.run.ending(), Some(Ending::Halted));
    assert_eq!(driver.run.end(TargetId(1)), Some(End::Done { finding: None }));
    assert_eq!((driver.run.totals().failed, driver.run.totals().skipped), (1, 4));
}

#[test]
fn as_many_failures_as_allowed_do_not_halt_the_run() {
    let mut driver = Driver::new(fleet(3, 1));
    driver.go();
    driver.fail(0, Permanent);
    assert_eq!(driver.run.stopping(), None);
    driver.go();
    assert!(flying(&driver).contains(&(2, 0)));
}

#[test]
fn an_uncommitted_attempt_that_failed_is_not_made_again_in_a_halted_run() {
    let mut plan = fleet(2, 0);
    plan.recipes[0].steps[0].retry.attempts = 3;
    let mut driver = Driver::new(plan);
    driver.go();
    driver.fail(0, Permanent);
    driver.fail(1, Transient);
    assert_eq!(driver.run.wake_at(), None);
    let commands = driver.go();
    assert!(matches!(commands[0], Command::Skip { target: TargetId(1), .. }), "{commands:?}");
    assert_eq!(flying(&driver), [(0, 3), (1, 3)], "only put back");
}

#[test]
fn a_paused_run_finishes_changed_targets_and_starts_no_others_until_resumed() {
    let mut driver = Driver::new(fleet(4, 3));
    driver.go();
    driver.succeed(0);
    driver.go();
    driver.signal(Signal::Pause);
    driver.succeed(0);
    driver.succeed(1);
    driver.go();
    assert_eq!(flying(&driver), [(0, 2), (2, 0)], "0 is changed, 1 is not");
    assert_eq!(
        driver.run.state(TargetId(1)),
        TargetState::Waiting {
            at: Position { direction: Direction::Do, step: StepIndex(1) },
            on: WaitingFor::Paused
        }
    );
    driver.signal(Signal::Resume);
    driver.go();
    assert_eq!(flying(&driver), [(0, 2), (1, 1), (2, 0), (3, 0)]);
}

#[test]
fn an_aborted_run_finishes_what_is_in_flight_and_puts_back() {
    let mut driver = Driver::new(fleet(3, 3));
    driver.go();
    driver.signal(Signal::Abort);
    assert_eq!(driver.run.to_cancel().count(), 0, "a graceful stop cancels nothing");
    driver.go();
    assert_eq!(flying(&driver), [(0, 0), (1, 0)]);
    driver.succeed(0);
    driver.succeed(1);
    driver.go();
    assert_eq!(flying(&driver), [(0, 3), (1, 3)]);
    driver.succeed(0);
    driver.succeed(1);
    driver.go();
    assert_eq!(driver.run.ending(), Some(Ending::Aborted));
}

#[test]
fn a_run_aborted_now_cancels_everything_but_what_is_put_back() {
    let mut plan = fleet(3, 3);
    plan.recipes[0].undo = vec![step("restore")];
    plan.recipes[0].steps[1].on_failure = OnFailure::Undo;
    let mut driver = Driver::new(plan);
    driver.go();
    driver.succeed(0);
    driver.fail(1, Permanent);
    driver.go();
    assert_eq!(flying(&driver), [(0, 1), (1, 3), (2, 0)]);
    driver.signal(Signal::AbortNow);
    let cancelled: Vec<u32> = driver.run.to_cancel().map(|flight| flight.target.0).collect();
    assert_eq!(cancelled, [0, 2], "1 is being put back");
    driver.fail(0, Permanent);
    driver.fail(2, Permanent);
    driver.go();
    assert_eq!(flying(&driver), [(0, 3), (1, 3), (2, 3)], "no way back in a cancelled run");
    for target in [0, 1, 2] {
        driver.succeed(target);
    }
    driver.go();
    assert_eq!(driver.run.ending(), Some(Ending::Aborted));
    assert_eq!(driver.run.totals().failed, 3);
}

#[test]
fn a_changed_target_between_two_steps_has_failed_when_the_run_is_aborted_now() {
    let mut driver = Driver::new(fleet(1, 3));
    driver.go();
    driver.succeed(0);
    driver.go();
    driver.succeed(0);
    driver.signal(Signal::AbortNow);
    driver.go();
    driver.succeed(0);
    driver.go();
    let left = End::Failed { step: StepIndex(2), code: "FW-H0006".into() };
    assert_eq!(driver.run.end(TargetId(0)), Some(left));
}

#[test]
fn an_attempt_that_is_due_and_held_up_does_not_hide_a_later_one() {
    let retry = Retry { attempts: 3, base_seconds: 60, cap_seconds: 60 };
    let steps = vec![Step { retry, ..step("start") }, Step { commits: true, retry, ..step("patch") }];
    let mut driver = Driver::new(plan(steps, vec![], 2));
    driver.go();
    driver.succeed(1);
    driver.go();
    driver.fail(0, Transient);
    driver.wait(10);
    driver.fail(1, Transient);
    driver.signal(Signal::Pause);
    let held_up = driver.run.wake_at().expect("an attempt to come");
    let committed = driver.run.wake_after(held_up).expect("a later one");
    driver.now = held_up;
    assert!(driver.go().is_empty(), "an unchanged target waits for the run to be resumed");
    driver.now = committed;
    assert!(matches!(driver.go()[..], [Command::Begin { target: TargetId(1), .. }]));
    assert_eq!(driver.run.wake_after(committed), None);
}
