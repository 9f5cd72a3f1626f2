use fleetwright_flow::*;
use fleetwright_model::ErrorClass::Transient;

use crate::driver::Driver;
use crate::plans::{at, group, plan, step};

/// precheck, patch (in the window; commits), verify. Each change needs ten minutes of the window.
fn nightly(targets: u32, spans: &[(i64, i64)]) -> Plan {
    let steps = vec![
        Step { effect: Effect::Reads, ..step("precheck") },
        Step { in_window: true, commits: true, charge: Charge::Take, ..step("patch") },
        Step { charge: Charge::Release, in_window: true, ..step("verify") },
    ];
    let mut plan = plan(steps, vec![], targets);
    plan.recipes[0].reserve_seconds = 600;
    plan.windows = vec![window(spans)];
    plan.groups = vec![group("app", 2)];
    for target in &mut plan.targets {
        (target.window, target.groups) = (Some(WindowId(0)), vec![GroupId(0)]);
    }
    plan
}

fn window(spans: &[(i64, i64)]) -> Window {
    let open = spans.iter().map(|(from, until)| Span { from: at(*from), until: at(*until) }).collect();
    Window::new("night", open)
}

fn flying(driver: &Driver) -> Vec<(u32, u8)> {
    driver.run.in_flight().map(|flight| (flight.target.0, flight.step.0)).collect()
}

fn turned(driver: &Driver) -> usize {
    driver.records.iter().filter(|record| matches!(record.event, Event::WindowTurned { .. })).count()
}

#[test]
fn nothing_is_changed_before_the_window_opens_and_looking_is_free() {
    let mut driver = Driver::new(nightly(2, &[(1_000, 4_000)]));
    driver.go();
    assert_eq!(flying(&driver), [(0, 0), (1, 0)]);
    driver.succeed(0);
    assert!(driver.go().is_empty());
    let here = Position { direction: Direction::Do, step: StepIndex(1) };
    let on = WaitingFor::Window(WindowId(0), Some(at(1_000)));
    assert_eq!(driver.run.state(TargetId(0)), TargetState::Waiting { at: here, on });
    let view = driver.run.view(driver.now);
    assert_eq!((view.totals.window, view.totals.budget), (1, 0), "who waits for a window holds no place");
    assert_eq!((view.windows[0].waiting, view.windows[0].opens_at), (1, Some(at(1_000))));
    assert_eq!(driver.run.wake_after(driver.now), Some(at(1_000)));
    driver.now = at(1_000);
    driver.go();
    assert_eq!(flying(&driver), [(0, 1), (1, 0)]);
}

#[test]
fn a_window_that_closes_leaves_nothing_half_done_and_lets_nobody_else_begin() {
    let mut driver = Driver::new(nightly(4, &[(0, 1_000), (90_000, 93_600)]));
    driver.go();
    for target in 0..4 {
        driver.succeed(target);
    }
    driver.go();
    assert_eq!(flying(&driver), [(0, 1), (1, 1)], "two at a time");
    driver.now = at(400);
    driver.succeed(0);
    driver.go();
    driver.succeed(0);
    let ready = driver.run.state(TargetId(2));
    assert!(matches!(ready, TargetState::Waiting { on: WaitingFor::Turn, .. }), "{ready:?}");
    driver.now = at(401);
    assert_eq!(driver.run.next(driver.now), [Command::TurnWindow { window: WindowId(0) }], "alone");
    driver.go();
    assert_eq!(flying(&driver), [(1, 1)], "2 was ready, with less than ten minutes left");
    assert_eq!(driver.run.totals().window, 2);
    driver.now = at(1_500);
    driver.succeed(1);
    driver.go();
    assert_eq!(flying(&driver), [(1, 2)], "what is changed is taken to its end");
    driver.succeed(1);
    driver.go();
    assert_eq!(driver.run.end(TargetId(1)), Some(End::Done { finding: None }));
    driver.now = at(90_000);
    driver.go();
    assert_eq!(flying(&driver), [(2, 1), (3, 1)]);
}

#[test]
fn a_window_says_under_which_code_those_are_left_who_came_too_late_for_it() {
    let mut plan = nightly(3, &[(0, 1_000)]);
    plan.windows[0].over = Some("FW-H0036".into());
    let mut driver = Driver::new(plan);
    driver.go();
    for target in 0..3 {
        driver.succeed(target);
    }
    driver.go();
    assert_eq!(flying(&driver), [(0, 1), (1, 1)], "two at a time");
    let view = &driver.run.view(driver.now).windows[0];
    assert_eq!((view.inside, view.waiting), (1, 0));
    assert!(view.closes_at.is_some_and(|at_last| at(400) < at_last && at_last <= at(401)), "{view:?}");
    driver.now = at(401);
    driver.go();
    assert_eq!(driver.run.end(TargetId(2)), Some(End::Skipped { code: "FW-H0036".into() }));
    assert_eq!(flying(&driver), [(0, 1), (1, 1)], "who was begun is taken to its end");
}

#[test]
fn the_last_moment_is_when_just_the_reserve_is_left() {
    let attempt = |second: i64| {
        let mut driver = Driver::new(nightly(1, &[(0, 1_000)]));
        driver.go();
        driver.succeed(0);
        driver.now = at(second);
        let begin =
            Event::Started { target: TargetId(0), step: StepIndex(1), direction: Direction::Do, attempt: 1 };
        driver.run.check(&driver.run.record(driver.now, begin))
    };
    assert_eq!(attempt(400), Ok(()));
    let here = Position { direction: Direction::Do, step: StepIndex(1) };
    let outside = Illegal::OutsideWindow { target: TargetId(0), at: here };
    assert_eq!(attempt(401), Err(outside), "by the record's own time, whatever was proposed before");
    assert!(outside.to_string().contains("target 0 may not start at step 1"), "{outside}");
}

#[test]
fn who_never_has_window_enough_is_left_as_it_is() {
    let mut driver = Driver::new(nightly(2, &[(100, 500), (1_000, 1_800)]));
    driver.go();
    driver.succeed(0);
    driver.go();
    assert_eq!(driver.run.opens_at(TargetId(0)), Some(at(1_000)), "the first is too short for anybody");
    driver.now = at(1_201);
    driver.go();
    let left = Some(End::Skipped { code: "FW-H0031".into() });
    assert_eq!(driver.run.end(TargetId(0)), left);
    driver.succeed(1);
    driver.go();
    assert_eq!((driver.run.end(TargetId(1)), driver.run.ending()), (left, Some(Ending::Complete)));
    assert_eq!(turned(&driver), 1, "whoever comes later needs no record to see it");
}

#[test]
fn recipes_that_take_longer_are_shut_out_earlier() {
    let mut plan = nightly(2, &[(0, 3_600)]);
    plan.recipes.push(Recipe { reserve_seconds: 3_000, ..plan.recipes[0].clone() });
    plan.targets[1].recipe = RecipeId(1);
    let mut driver = Driver::new(plan);
    driver.go();
    driver.now = at(601);
    driver.succeed(0);
    driver.succeed(1);
    driver.go();
    assert_eq!(flying(&driver), [(0, 1)]);
}

#[test]
fn an_attempt_that_comes_after_the_close_waits_for_the_next_night() {
    let mut plan = nightly(1, &[(0, 1_000), (90_000, 93_600)]);
    let patch = &mut plan.recipes[0].steps[1];
    (patch.commits, patch.retry) = (false, Retry { attempts: 3, base_seconds: 60, cap_seconds: 60 });
    plan.recipes[0].steps[2].commits = true;
    let mut driver = Driver::new(plan);
    driver.go();
    driver.succeed(0);
    driver.go();
    driver.now = at(390);
    driver.fail(0, Transient);
    driver.now = at(500);
    driver.go();
    assert_eq!(driver.run.opens_at(TargetId(0)), Some(at(90_000)));
    assert!(driver.run.holds(TargetId(0)), "it may be out of service");
    driver.now = at(90_000);
    assert!(matches!(driver.go()[..], [Command::TurnWindow { .. }, Command::Begin { attempt: 2, .. }]));
}

#[test]
fn a_window_nobody_stands_at_writes_nothing() {
    let nights: Vec<(i64, i64)> = (0..50).map(|night| (night * 86_400, night * 86_400 + 3_600)).collect();
    let mut gated = nightly(1, &nights);
    gated.stages[0].gate = Gate::Approval;
    gated.recipes[0].steps[0].ahead_of_gate = true;
    let mut driver = Driver::new(gated);
    driver.go();
    driver.succeed(0);
    driver.go();
    assert_eq!(driver.run.wake_after(driver.now), None, "only a person can move it");
    driver.now = at(40 * 86_400 + 10);
    driver.signal(Signal::Approve(StageId(0)));
    driver.go();
    assert_eq!((flying(&driver), turned(&driver)), (vec![(0, 1)], 0));
}

#[test]
fn a_run_that_slept_through_a_night_goes_by_the_next() {
    let mut driver = Driver::new(nightly(1, &[(1_000, 4_600), (90_000, 93_600)]));
    driver.go();
    driver.succeed(0);
    driver.now = at(50_000);
    driver.crash();
    driver.go();
    assert_eq!((flying(&driver), driver.run.opens_at(TargetId(0))), (vec![], Some(at(90_000))));
}

#[test]
fn a_window_turns_when_it_does_and_not_before() {
    let mut driver = Driver::new(nightly(1, &[(1_000, 4_000)]));
    driver.go();
    driver.succeed(0);
    let turn = |driver: &Driver, window| {
        driver.run.check(&driver.run.record(driver.now, Event::WindowTurned { window: WindowId(window) }))
    };
    driver.now = at(999);
    assert_eq!(turn(&driver, 0), Err(Illegal::WindowSteady(WindowId(0))));
    assert_eq!(turn(&driver, 7), Err(Illegal::NoSuchWindow(WindowId(7))));
    driver.now = at(1_000);
    assert_eq!(turn(&driver, 0), Ok(()));
}

#[test]
fn a_frozen_run_looks_and_prepares_and_finishes_what_is_changed() {
    let mut driver = Driver::new(nightly(3, &[(0, 100_000)]));
    driver.go();
    driver.succeed(0);
    driver.succeed(1);
    driver.go();
    assert_eq!(flying(&driver), [(0, 1), (1, 1), (2, 0)]);
    driver.signal(Signal::Freeze);
    for target in [0, 1, 2] {
        driver.succeed(target);
    }
    driver.go();
    driver.succeed(0);
    driver.go();
    assert_eq!(flying(&driver), [(1, 2)], "2 has room and may not");
    assert!(driver.run.view(driver.now).frozen && !driver.run.is_paused());
    let here = Position { direction: Direction::Do, step: StepIndex(1) };
    let state = driver.run.state(TargetId(2));
    assert_eq!(state, TargetState::Waiting { at: here, on: WaitingFor::Frozen });
    driver.signal(Signal::Thaw);
    driver.go();
    assert_eq!(flying(&driver), [(1, 2), (2, 1)]);
}
