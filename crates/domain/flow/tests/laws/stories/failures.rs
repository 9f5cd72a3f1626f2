use fleetwright_flow::*;
use fleetwright_model::ErrorClass::{
    self, Ambiguous, Conflict, Denied, NotFound, Permanent, Throttled, Transient,
};

use crate::driver::Driver;
use crate::plans::{plan, step};

fn at(step: u8) -> Position {
    Position { direction: Direction::Do, step: StepIndex(step) }
}

/// start, drain, patch, return (of drain), stop again (of start).
fn recipe(on_failure: OnFailure) -> Vec<Step> {
    let of = |step| When::Finally { of: StepIndex(step) };
    vec![
        step("start"),
        step("drain"),
        Step { commits: true, on_failure, ..step("patch") },
        Step { when: of(1), ..step("return") },
        Step { when: of(0), ..step("stop") },
    ]
}

fn names(commands: &[Command]) -> Vec<(Direction, u8)> {
    let mut names = Vec::new();
    for command in commands {
        if let Command::Begin { direction, step, .. } = command {
            names.push((*direction, step.0));
        }
    }
    names
}

#[test]
fn that_nobody_could_look_is_no_reason_to_take_a_target_back() {
    for class in [Throttled, Transient, Ambiguous, Denied] {
        let mut driver = Driver::new(plan(recipe(OnFailure::Undo), vec![step("restore")], 1));
        for _ in ["start", "drain"] {
            driver.go();
            driver.succeed(0);
        }
        driver.go();
        driver.fail(0, class);
        let next = names(&driver.go());
        assert_eq!(next, [(Direction::Do, 3)], "{class}: put back in service, not restored");
    }
}

#[test]
fn after_a_failure_what_was_taken_out_is_put_back_and_nothing_else_is_done() {
    let mut driver = Driver::new(plan(recipe(OnFailure::Fail), vec![], 1));
    driver.go();
    driver.succeed(0);
    driver.go();
    driver.succeed(0);
    driver.go();
    driver.fail(0, Permanent);
    assert_eq!(names(&driver.go()), [(Direction::Do, 3)]);
    driver.succeed(0);
    assert_eq!(names(&driver.go()), [(Direction::Do, 4)]);
    driver.succeed(0);
    driver.go();
    assert_eq!(
        driver.run.end(TargetId(0)),
        Some(End::Failed { step: StepIndex(2), code: "FW-H0010".into() })
    );
}

#[test]
fn what_was_never_taken_out_is_not_put_back() {
    let mut driver = Driver::new(plan(recipe(OnFailure::Fail), vec![], 1));
    driver.go();
    driver.fail(0, Permanent);
    assert_eq!(names(&driver.go()), [(Direction::Do, 4)], "start was tried, drain was not");
}

#[test]
fn a_failure_with_a_way_back_walks_it_and_then_puts_back() {
    let undo = vec![step("restore"), step("validate")];
    let mut driver = Driver::new(plan(recipe(OnFailure::Undo), undo, 1));
    for _ in 0..2 {
        driver.go();
        driver.succeed(0);
    }
    driver.go();
    driver.fail(0, Permanent);
    for expected in [(Direction::Undo, 0), (Direction::Undo, 1), (Direction::Do, 3), (Direction::Do, 4)] {
        assert_eq!(names(&driver.go()), [expected]);
        driver.succeed(0);
    }
    driver.go();
    assert_eq!(
        driver.run.end(TargetId(0)),
        Some(End::Unwound { step: StepIndex(2), code: "FW-H0010".into() })
    );
}

#[test]
fn a_way_back_that_fails_is_stuck_there_and_still_puts_back() {
    let undo = vec![step("restore"), step("validate")];
    let mut driver = Driver::new(plan(recipe(OnFailure::Undo), undo, 1));
    for _ in 0..2 {
        driver.go();
        driver.succeed(0);
    }
    driver.go();
    driver.fail(0, Permanent);
    driver.go();
    driver.fail(0, Permanent);
    assert_eq!(names(&driver.go()), [(Direction::Do, 3)]);
    driver.succeed(0);
    driver.go();
    driver.succeed(0);
    driver.go();
    assert_eq!(driver.run.end(TargetId(0)), Some(End::Stuck { step: StepIndex(0), code: "FW-H0010".into() }));
    let stuck = driver.run.stuck_at(TargetId(0)).expect("stuck");
    assert_eq!(stuck, Position { direction: Direction::Undo, step: StepIndex(0) });
}

#[test]
fn putting_back_that_fails_needs_a_person_and_does_not_keep_the_rest_from_being_put_back() {
    let mut driver = Driver::new(plan(recipe(OnFailure::Fail), vec![], 1));
    for _ in 0..2 {
        driver.go();
        driver.succeed(0);
    }
    driver.go();
    driver.fail(0, Permanent);
    driver.go();
    driver.fail(0, Permanent);
    assert_eq!(names(&driver.go()), [(Direction::Do, 4)]);
    driver.succeed(0);
    driver.go();
    assert_eq!(driver.run.stuck_at(TargetId(0)), Some(at(3)));
}

#[test]
fn a_failure_that_continues_tells_the_rest_of_the_story_and_ends_failed() {
    let mut driver = Driver::new(plan(recipe(OnFailure::Continue), vec![], 1));
    for _ in 0..2 {
        driver.go();
        driver.succeed(0);
    }
    driver.go();
    driver.fail(0, Permanent);
    for _ in 0..2 {
        driver.go();
        driver.succeed(0);
    }
    driver.go();
    assert_eq!(
        driver.run.end(TargetId(0)),
        Some(End::Failed { step: StepIndex(2), code: "FW-H0010".into() })
    );
}

#[test]
fn attempts_that_may_succeed_are_made_again_later_and_later_within_the_cap() {
    let retry = Retry { attempts: 5, base_seconds: 10, cap_seconds: 40 };
    let mut driver = Driver::new(plan(vec![Step { retry, ..step("backup") }], vec![], 1));
    for (attempt, longest) in [(1, 10), (2, 20), (3, 40), (4, 40)] {
        driver.go();
        assert_eq!(driver.flight(0).attempt, attempt);
        driver.fail(0, Transient);
        assert!(driver.go().is_empty(), "not before its time");
        let due = driver.run.wake_at().expect("a next attempt");
        let wait = due.duration_since(driver.now).as_millis();
        assert!((longest * 500..=longest * 1000).contains(&wait), "attempt {attempt}: {wait} ms");
        driver.now = due;
    }
    driver.go();
    driver.fail(0, Transient);
    assert_eq!(driver.run.wake_at(), None, "the fifth was the last");
}

#[test]
fn which_failures_are_tried_again_depends_on_their_class_alone() {
    let again = |class: ErrorClass| {
        let retry = Retry { attempts: 2, base_seconds: 10, cap_seconds: 40 };
        let mut driver = Driver::new(plan(vec![Step { retry, ..step("backup") }], vec![], 1));
        driver.go();
        driver.fail(0, class);
        driver.run.wake_at().is_some()
    };
    assert!([Throttled, Transient, Ambiguous, Conflict].into_iter().all(again));
    assert!(![Denied, NotFound, Permanent].into_iter().any(again));
}

#[test]
fn neighbours_that_fail_together_do_not_come_back_together() {
    let retry = Retry { attempts: 2, base_seconds: 60, cap_seconds: 60 };
    let mut driver = Driver::new(plan(vec![Step { retry, ..step("backup") }], vec![], 20));
    driver.go();
    let mut times = std::collections::BTreeSet::new();
    for target in 0..20 {
        driver.fail(target, Throttled);
        let TargetState::Waiting { on: WaitingFor::Retry(due), .. } = driver.run.state(TargetId(target))
        else {
            panic!("it waits for its next attempt")
        };
        times.insert(due);
    }
    assert!(times.len() > 18, "{times:?}");
}

#[test]
fn a_message_is_one_line_of_bounded_length() {
    let mut driver = Driver::new(plan(vec![step("backup")], vec![], 1));
    driver.go();
    let message = format!("line\nline{}", "x".repeat(1000));
    let event = driver.run.failure(TargetId(0), Permanent, "FW-B0001", &message, driver.now);
    let Event::Failed { failure, .. } = event else { panic!("a failure") };
    assert_eq!(failure.message.chars().count(), 600);
    assert!(failure.message.starts_with("line line"));
}
