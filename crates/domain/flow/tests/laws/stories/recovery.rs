use fleetwright_flow::*;
use fleetwright_model::ErrorClass::{Ambiguous, Throttled};

use crate::driver::Driver;
use crate::plans::{plan, step};

fn retried(name: &str) -> Step {
    Step { retry: Retry { attempts: 5, base_seconds: 10, cap_seconds: 60 }, ..step(name) }
}

#[test]
fn what_was_accepted_before_a_crash_is_attached_to_again_without_doubt() {
    let mut driver = Driver::new(plan(vec![step("patch")], vec![], 2));
    driver.go();
    driver.note(Event::Accepted {
        target: TargetId(0),
        step: StepIndex(0),
        direction: Direction::Do,
        handle: "cmd-1".into(),
    });
    driver.crash();
    let (accepted, sent) = (driver.flight(0), driver.flight(1));
    assert_eq!((accepted.handle.as_deref(), accepted.doubt), (Some("cmd-1"), false));
    assert_eq!((sent.handle, sent.doubt), (None, true), "nobody knows whether it was sent");
    assert!(driver.go().is_empty(), "neither is started a second time");
}

#[test]
fn what_could_only_be_begun_late_has_its_whole_time_from_then_on() {
    let mut driver = Driver::new(plan(vec![step("reboot")], vec![], 1));
    driver.go();
    let limit = driver.flight(0).deadline.duration_since(driver.now);
    driver.crash();
    driver.now += jiff::SignedDuration::from_hours(2);
    let accepted_at = driver.now;
    driver.note(Event::Accepted {
        target: TargetId(0),
        step: StepIndex(0),
        direction: Direction::Do,
        handle: "cmd-1".into(),
    });
    assert_eq!(driver.flight(0).deadline.duration_since(accepted_at), limit);
}

#[test]
fn doubt_stays_until_the_step_is_over() {
    let mut driver = Driver::new(plan(vec![retried("patch"), step("verify")], vec![], 1));
    driver.go();
    driver.fail(0, Ambiguous);
    for class in [Throttled, Throttled] {
        driver.now = driver.run.wake_at().expect("a next attempt");
        let commands = driver.go();
        assert!(matches!(commands[0], Command::Begin { doubt: true, .. }), "{commands:?}");
        driver.fail(0, class);
    }
    driver.now = driver.run.wake_at().expect("a next attempt");
    driver.go();
    assert!(driver.flight(0).doubt);
    driver.succeed(0);
    let commands = driver.go();
    assert!(matches!(commands[0], Command::Begin { doubt: false, .. }), "{commands:?}");
}

#[test]
fn an_attempt_in_doubt_after_a_crash_leaves_its_doubt_to_the_next() {
    let mut driver = Driver::new(plan(vec![retried("patch")], vec![], 1));
    driver.go();
    driver.crash();
    driver.fail(0, Throttled);
    driver.now = driver.run.wake_at().expect("a next attempt");
    driver.go();
    assert!(driver.flight(0).doubt);
}

#[test]
fn a_process_that_lost_the_run_is_refused() {
    let mut driver = Driver::new(plan(vec![step("patch")], vec![], 1));
    driver.go();
    let before = driver.run.epoch();
    driver.crash();
    let event = Event::Succeeded {
        target: TargetId(0),
        step: StepIndex(0),
        direction: Direction::Do,
        note: None,
        finding: None,
    };
    let mut late = driver.run.record(driver.now, event);
    late.epoch = before;
    assert_eq!(
        driver.run.apply(&late),
        Err(Illegal::OtherEpoch { current: driver.run.epoch(), found: before })
    );
}

#[test]
fn an_answer_that_comes_after_the_end_of_its_attempt_changes_nothing() {
    let mut driver = Driver::new(plan(vec![retried("patch")], vec![], 1));
    driver.go();
    driver.fail(0, Throttled);
    let here = Position { direction: Direction::Do, step: StepIndex(0) };
    let late = Event::Accepted {
        target: TargetId(0),
        step: StepIndex(0),
        direction: Direction::Do,
        handle: "cmd-1".into(),
    };
    assert_eq!(
        driver.run.check(&driver.run.record(driver.now, late)),
        Err(Illegal::NotInFlight { target: TargetId(0), at: here })
    );
    driver.now = driver.run.wake_at().expect("a next attempt");
    driver.go();
    driver.succeed(0);
    driver.go();
    assert_eq!(driver.run.ending(), Some(Ending::Complete));
    let late = Event::Succeeded {
        target: TargetId(0),
        step: StepIndex(0),
        direction: Direction::Do,
        note: None,
        finding: None,
    };
    assert_eq!(driver.run.check(&driver.run.record(driver.now, late)), Err(Illegal::Closed));
}

#[test]
fn notes_survive_and_are_found_by_step() {
    let mut driver = Driver::new(plan(vec![step("backup"), step("patch")], vec![], 1));
    driver.go();
    driver.note(Event::Succeeded {
        target: TargetId(0),
        step: StepIndex(0),
        direction: Direction::Do,
        note: Some(r#"{"image":"ami-1"}"#.into()),
        finding: None,
    });
    driver.crash();
    let note = driver.run.note(TargetId(0), Direction::Do, StepIndex(0));
    assert_eq!(note.map(|note| &**note), Some(r#"{"image":"ami-1"}"#));
    assert_eq!(driver.run.note(TargetId(0), Direction::Do, StepIndex(1)), None);
}

#[test]
fn a_note_longer_than_two_kibibytes_is_refused() {
    let mut driver = Driver::new(plan(vec![step("backup")], vec![], 1));
    driver.go();
    let event = Event::Succeeded {
        target: TargetId(0),
        step: StepIndex(0),
        direction: Direction::Do,
        note: Some("x".repeat(2049).into()),
        finding: None,
    };
    assert_eq!(
        driver.run.check(&driver.run.record(driver.now, event)),
        Err(Illegal::NoteTooLong { target: TargetId(0), bytes: 2049 })
    );
}

#[test]
fn a_clock_that_went_back_neither_starts_early_nor_stalls() {
    let mut driver = Driver::new(plan(vec![retried("patch")], vec![], 1));
    driver.wait(3600);
    driver.go();
    driver.fail(0, Throttled);
    driver.wait(-3600);
    assert!(driver.go().is_empty());
    driver.now = driver.run.wake_at().expect("a next attempt");
    driver.go();
    assert_eq!(driver.flight(0).attempt, 2);
}
