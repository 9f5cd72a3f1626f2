use fleetwright_flow::*;
use fleetwright_model::ErrorClass::{Permanent, Transient};

use crate::driver::Driver;
use crate::plans::{group, plan, step};

/// Who is being worked on.
fn flying(driver: &Driver) -> Vec<u32> {
    driver.run.in_flight().map(|flight| flight.target.0).collect()
}

fn patch() -> Step {
    Step { charge: Charge::Take, commits: true, ..step("patch") }
}

fn verify() -> Step {
    Step { charge: Charge::Release, ..step("verify") }
}

/// Targets that share groups: a row per target.
fn sharing(steps: Vec<Step>, capacities: &[u32], groups: &[&[u16]]) -> Plan {
    let mut plan = plan(steps, vec![], groups.len() as u32);
    plan.groups = capacities.iter().map(|capacity| group("app", *capacity)).collect();
    for (target, groups) in plan.targets.iter_mut().zip(groups) {
        target.groups = groups.iter().map(|group| GroupId(*group)).collect();
    }
    plan
}

#[test]
fn a_place_is_taken_with_the_intent_and_given_back_when_verified_healthy() {
    let mut driver = Driver::new(sharing(vec![patch(), verify()], &[1], &[&[0], &[0]]));
    driver.go();
    assert_eq!(flying(&driver), [0]);
    driver.succeed(0);
    driver.go();
    assert_eq!(flying(&driver), [0], "patched is not yet verified");
    driver.succeed(0);
    driver.go();
    assert_eq!(flying(&driver), [1]);
}

#[test]
fn a_target_that_failed_keeps_its_place_to_the_end_of_the_run() {
    let mut driver = Driver::new(sharing(vec![patch(), verify()], &[2], &[&[0], &[0], &[0], &[0]]));
    driver.go();
    assert_eq!(flying(&driver), [0, 1]);
    driver.fail(0, Permanent);
    driver.go();
    assert_eq!(flying(&driver), [1], "one place is gone");
    driver.succeed(1);
    driver.go();
    driver.succeed(1);
    driver.go();
    assert_eq!(flying(&driver), [2], "the other goes round");
    assert!(driver.run.holds(TargetId(0)));
}

#[test]
fn who_waits_for_a_place_that_can_never_become_free_is_left_as_it_is() {
    let mut driver = Driver::new(sharing(vec![patch(), verify()], &[1], &[&[0], &[0]]));
    driver.go();
    driver.fail(0, Permanent);
    driver.go();
    assert_eq!(driver.run.end(TargetId(1)), Some(End::Skipped { code: "FW-H0027".into() }));
    assert_eq!(driver.run.ending(), Some(Ending::Complete));
}

#[test]
fn places_in_all_groups_are_taken_together_and_none_stands_idle_meanwhile() {
    // 0 holds group 0; 1 needs both; 2 needs group 1 only and came later; 3 shares nothing.
    let mut driver = Driver::new(sharing(vec![patch(), verify()], &[1, 1, 1], &[&[0], &[0, 1], &[1], &[2]]));
    driver.go();
    assert_eq!(flying(&driver), [0, 2, 3], "1 could not use the place in group 1 yet");
    assert_eq!(
        driver.run.state(TargetId(1)),
        TargetState::Waiting {
            at: Position { direction: Direction::Do, step: StepIndex(0) },
            on: WaitingFor::Budget(GroupId(0))
        }
    );
    driver.succeed(0);
    driver.go();
    driver.succeed(0);
    driver.go();
    assert_eq!(flying(&driver), [2, 3], "now it has one of two");
    assert!(!driver.run.holds(TargetId(1)), "a place set aside is not a charge");
    driver.succeed(2);
    driver.go();
    driver.succeed(2);
    driver.go();
    assert_eq!(flying(&driver), [1, 3]);
}

/// Who starts after whom where one may be out of service at once.
fn one_by_one(plan: Plan) -> Vec<u32> {
    let mut driver = Driver::new(plan);
    let mut order = Vec::new();
    driver.go();
    while let [target] = flying(&driver)[..] {
        order.push(target);
        for _ in 0..2 {
            driver.succeed(target);
            driver.go();
        }
    }
    assert_eq!(driver.run.ending(), Some(Ending::Complete));
    order
}

#[test]
fn a_place_that_many_want_goes_to_the_group_with_most_left_to_do_and_nobody_starves() {
    // An application of two comes before one of four, each one at a time; one host at once in all.
    let groups: &[&[u16]] = &[&[0, 1], &[0, 1], &[0, 2], &[0, 2], &[0, 2], &[0, 2]];
    let order = one_by_one(sharing(vec![patch(), verify()], &[1, 1, 1], groups));
    assert_eq!(order, [0, 2, 3, 4, 1, 5], "1 is passed until the larger one has no more left than its own");
}

#[test]
fn who_has_the_last_place_of_a_small_group_keeps_nobody_of_a_large_one_waiting() {
    // Ten hosts of one application, one at a time, and ten on their own; two at once in all.
    let mut groups: Vec<&[u16]> = vec![&[0, 1]; 10];
    groups.extend(vec![&[0][..]; 10]);
    let mut driver = Driver::new(sharing(vec![patch(), verify()], &[2, 1], &groups));
    driver.go();
    while driver.run.ending().is_none() {
        let two = flying(&driver);
        assert_eq!(two.len(), 2, "no place stands idle: {two:?}");
        for _ in 0..2 {
            two.iter().for_each(|target| driver.succeed(*target));
            driver.go();
        }
    }
}

#[test]
fn a_step_that_takes_and_is_skipped_before_it_starts_leaves_the_charge_to_the_next() {
    let drain = Step { charge: Charge::Take, ..step("drain") };
    let install = Step { commits: true, ..step("install") };
    let mut driver = Driver::new(sharing(vec![drain, install, verify()], &[1], &[&[0], &[0]]));
    for target in [0, 1] {
        driver.note(Event::Skipped {
            target: TargetId(target),
            step: StepIndex(0),
            direction: Direction::Do,
            scope: SkipScope::Step,
            code: "FW-H0025".into(),
        });
    }
    driver.go();
    assert_eq!(flying(&driver), [0]);
    assert!(driver.run.holds(TargetId(0)), "install takes it out of service all the same");
}

#[test]
fn a_step_that_takes_and_finds_nothing_to_do_keeps_its_charge_for_what_follows() {
    let drain = Step { charge: Charge::Take, ..step("drain") };
    let mut driver = Driver::new(sharing(vec![drain, step("reboot"), verify()], &[1], &[&[0], &[0]]));
    driver.go();
    driver.skip(0, SkipScope::Step);
    driver.go();
    assert_eq!(flying(&driver), [0]);
    assert!(driver.run.holds(TargetId(0)));
}

#[test]
fn a_target_that_ends_well_without_a_verifying_step_gives_its_place_back() {
    let mut driver = Driver::new(sharing(vec![patch()], &[1], &[&[0], &[0]]));
    driver.go();
    driver.succeed(0);
    driver.go();
    assert_eq!(flying(&driver), [1]);
}

#[test]
fn a_lane_takes_as_many_of_a_place_as_its_step_allows() {
    let mut lane = plan(vec![Step { max_in_flight: Some(2), ..step("backup") }], vec![], 6);
    for target in &mut lane.targets[3..] {
        target.place = PlaceId(1);
    }
    let mut driver = Driver::new(lane);
    driver.go();
    assert_eq!(flying(&driver), [0, 1, 3, 4]);
    driver.succeed(3);
    driver.go();
    assert_eq!(flying(&driver), [0, 1, 4, 5]);
}

#[test]
fn waiting_for_the_next_attempt_frees_the_lane_but_not_the_budget() {
    let retried = Retry { attempts: 2, base_seconds: 10, cap_seconds: 60 };
    let patch = Step { max_in_flight: Some(1), retry: retried, ..patch() };
    let mut driver = Driver::new(sharing(vec![patch, verify()], &[1, 1], &[&[0], &[0], &[1]]));
    driver.go();
    assert_eq!(flying(&driver), [0]);
    driver.fail(0, Transient);
    driver.go();
    assert_eq!(flying(&driver), [2], "the lane is free for another application");
    assert!(driver.run.holds(TargetId(0)));
}

#[test]
fn a_target_that_joins_the_waiting_lists_anew_stands_behind_those_who_wait_already() {
    // 0 and 1 hold group 0, 2 holds group 1, 3 waits for both; its step is left out, and the next
    // takes its charge instead.
    let steps = vec![patch(), step("reboot"), verify()];
    let groups: &[&[u16]] = &[&[0], &[0], &[1], &[0, 1], &[0]];
    let mut driver = Driver::new(sharing(steps, &[2, 1], groups));
    driver.go();
    assert_eq!(flying(&driver), [0, 1, 2]);
    driver.note(Event::Skipped {
        target: TargetId(3),
        step: StepIndex(0),
        direction: Direction::Do,
        scope: SkipScope::Step,
        code: "FW-H0025".into(),
    });
    for _ in 0..3 {
        driver.succeed(0);
        driver.go();
    }
    assert_eq!(flying(&driver), [1, 2, 4], "the place that 0 gave back goes to 4");
}
