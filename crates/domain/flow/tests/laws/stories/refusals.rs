//! What cannot follow is refused, and the refusal says why.

use fleetwright_flow::*;
use fleetwright_model::ErrorClass::{Permanent, Transient};

use crate::driver::Driver;
use crate::plans::{group, plan, stage, step};

/// The kernel's answer to an event that is offered now; the run stays as it was.
fn offered(driver: &mut Driver, event: Event) -> Illegal {
    let before = driver.run.clone();
    let record = driver.run.record(driver.now, event);
    let illegal = driver.run.apply(&record).expect_err("refused");
    assert_eq!(driver.run, before, "a refused record changes nothing");
    illegal
}

fn begin(target: u32, step: u8, attempt: u16) -> Event {
    Event::Started { target: TargetId(target), step: StepIndex(step), direction: Direction::Do, attempt }
}

fn at(step: u8) -> Position {
    Position { direction: Direction::Do, step: StepIndex(step) }
}

fn not_yet(target: u32, step: u8) -> Illegal {
    Illegal::Waiting { target: TargetId(target), at: at(step) }
}

fn retried() -> Step {
    Step { retry: Retry { attempts: 2, base_seconds: 60, cap_seconds: 60 }, ..step("patch") }
}

#[test]
fn an_attempt_before_its_time() {
    let mut driver = Driver::new(plan(vec![retried()], vec![], 1));
    driver.go();
    driver.fail(0, Transient);
    assert_eq!(offered(&mut driver, begin(0, 0, 2)), not_yet(0, 0));
    driver.now = driver.run.wake_at().expect("a next attempt");
    let expected = Illegal::OtherAttempt { target: TargetId(0), expected: 2, found: 3 };
    assert_eq!(offered(&mut driver, begin(0, 0, 3)), expected);
    driver.note(begin(0, 0, 2));
}

#[test]
fn a_promise_of_an_attempt_the_step_does_not_have() {
    let mut driver = Driver::new(plan(vec![step("patch")], vec![], 1));
    driver.go();
    let Event::Failed { target, step, direction, mut failure } =
        driver.run.failure(TargetId(0), Transient, "FW-H0010", "no", driver.now)
    else {
        panic!("a failure")
    };
    assert_eq!(failure.retry_at, None);
    failure.retry_at = Some(driver.now);
    let expected = Illegal::NoAttemptLeft { target: TargetId(0), at: at(0) };
    assert_eq!(offered(&mut driver, Event::Failed { target, step, direction, failure }), expected);
}

#[test]
fn an_unchanged_target_in_a_paused_run() {
    let mut driver = Driver::new(plan(vec![step("start"), step("patch")], vec![], 1));
    driver.go();
    driver.signal(Signal::Pause);
    driver.succeed(0);
    assert_eq!(offered(&mut driver, begin(0, 1, 1)), not_yet(0, 1));
}

#[test]
fn one_more_than_a_lane_takes() {
    let mut driver = Driver::new(plan(vec![Step { max_in_flight: Some(1), ..step("patch") }], vec![], 2));
    driver.go();
    let expected = Illegal::LaneFull { target: TargetId(1), at: at(0) };
    assert_eq!(offered(&mut driver, begin(1, 0, 1)), expected);
}

#[test]
fn one_more_than_a_group_has_room_for() {
    let mut crowded = plan(vec![Step { charge: Charge::Take, ..step("patch") }], vec![], 2);
    crowded.groups = vec![group("app", 1)];
    for target in &mut crowded.targets {
        target.groups = vec![GroupId(0)];
    }
    let mut driver = Driver::new(crowded);
    driver.go();
    assert_eq!(offered(&mut driver, begin(1, 0, 1)), not_yet(1, 0));
}

#[test]
fn a_target_of_a_later_stage_behind_a_gate_or_behind_another() {
    let mut waves = plan(vec![step("patch")], vec![], 4);
    waves.stages = vec![stage("canary", 0..2), Stage { gate: Gate::Approval, ..stage("rest", 2..4) }];
    waves.targets[1].after = vec![TargetId(0)];
    let mut driver = Driver::new(waves);
    driver.go();
    for target in [1, 2] {
        assert_eq!(offered(&mut driver, begin(target, 0, 1)), not_yet(target, 0));
    }
    for target in [0, 1] {
        driver.succeed(target);
        driver.go();
    }
    assert_eq!(offered(&mut driver, begin(2, 0, 1)), not_yet(2, 0));
    assert_eq!(
        offered(&mut driver, Event::GateReached { stage: StageId(1), mail: None }),
        Illegal::OtherGate(StageId(1))
    );
}

#[test]
fn anything_uncommitted_once_the_run_is_stopping() {
    let mut driver = Driver::new(plan(vec![step("start"), step("patch")], vec![], 1));
    driver.go();
    driver.signal(Signal::Abort);
    driver.succeed(0);
    assert_eq!(offered(&mut driver, begin(0, 1, 1)), not_yet(0, 1));
}

#[test]
fn a_second_start_and_a_second_handle() {
    let mut driver = Driver::new(plan(vec![step("patch")], vec![], 1));
    driver.go();
    let twice = Illegal::InFlight { target: TargetId(0), at: at(0) };
    assert_eq!(offered(&mut driver, begin(0, 0, 2)), twice);
    let accepted = Event::Accepted {
        target: TargetId(0),
        step: StepIndex(0),
        direction: Direction::Do,
        handle: "cmd-1".into(),
    };
    driver.note(accepted.clone());
    let twice = Illegal::AlreadyAccepted { target: TargetId(0), at: at(0) };
    assert_eq!(offered(&mut driver, accepted), twice);
}

#[test]
fn leaving_out_as_a_whole_what_is_being_put_back() {
    let back = Step { when: When::Finally { of: StepIndex(0) }, ..step("stop") };
    let mut driver = Driver::new(plan(vec![step("start"), step("patch"), back], vec![], 1));
    driver.go();
    driver.fail(0, Permanent);
    driver.go();
    let event = Event::Skipped {
        target: TargetId(0),
        step: StepIndex(2),
        direction: Direction::Do,
        scope: SkipScope::Target,
        code: "FW-H0018".into(),
    };
    assert_eq!(offered(&mut driver, event), Illegal::PuttingBack(TargetId(0)));
}

#[test]
fn an_end_before_the_end_or_another_than_it_is() {
    let mut driver = Driver::new(plan(vec![step("patch")], vec![], 1));
    driver.go();
    let close = |ending| Event::Closed { ending };
    assert_eq!(offered(&mut driver, close(Ending::Complete)), Illegal::NotAtRest);
    driver.succeed(0);
    let expected = Illegal::OtherEnding { expected: Ending::Complete, found: Ending::Halted };
    assert_eq!(offered(&mut driver, close(Ending::Halted)), expected);
    assert_eq!(offered(&mut driver, begin(0, 0, 1)), Illegal::AtRest(TargetId(0)));
}

#[test]
fn records_before_the_first_and_of_another_major() {
    let mut run = Run::open(plan(vec![step("patch")], vec![], 1).into());
    let now = crate::plans::at(0);
    let early = run.record(now, begin(0, 0, 1));
    assert_eq!(run.apply(&early), Err(Illegal::NotOpened));
    let format = Format { major: 2, minor: 0 };
    let other = run.record(now, Event::Opened { format, plan: "0".into() });
    assert_eq!(run.apply(&other), Err(Illegal::OtherFormat { found: format, known: Plan::FORMAT }));
    assert!(run.next(now).is_empty(), "nothing may start before the run is opened");
}

#[test]
fn a_refusal_names_the_target_the_step_and_both_values() {
    let mut driver = Driver::new(plan(vec![step("patch")], vec![], 1));
    driver.go();
    let illegal = offered(&mut driver, begin(0, 1, 1));
    assert_eq!(illegal.to_string(), "target 0 is at step 0, not at step 1");
    let illegal = offered(&mut driver, begin(7, 0, 1));
    assert_eq!(illegal.to_string(), "the plan has no target 7");
}
