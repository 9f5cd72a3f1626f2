use fleetwright_flow::*;
use fleetwright_model::ErrorClass::Permanent;

use crate::driver::Driver;
use crate::plans::{group, plan, step};

/// patch, then verify; one group.
fn growing(targets: u32, capacity: u32, first: Option<u32>) -> Plan {
    let steps = vec![
        Step { charge: Charge::Take, commits: true, ..step("patch") },
        Step { charge: Charge::Release, ..step("verify") },
    ];
    let mut plan = plan(steps, vec![], targets);
    plan.groups = vec![Group { first, ..group("app", capacity) }];
    plan.targets.iter_mut().for_each(|target| target.groups = vec![GroupId(0)]);
    plan
}

fn flying(driver: &Driver) -> Vec<u32> {
    driver.run.in_flight().map(|flight| flight.target.0).collect()
}

/// Patches and verifies as many as may be out of service now.
fn round(driver: &mut Driver) -> usize {
    driver.go();
    let started = flying(driver);
    started.iter().for_each(|target| driver.succeed(*target));
    driver.go();
    assert_eq!(flying(driver), started, "a place is given back by the proof, not by the patch");
    started.iter().for_each(|target| driver.succeed(*target));
    started.len()
}

#[test]
fn a_group_begins_small_and_grows_with_every_member_that_is_verified() {
    let mut driver = Driver::new(growing(40, 10, Some(1)));
    let rounds: Vec<usize> = std::iter::repeat_with(|| round(&mut driver)).take(6).collect();
    assert_eq!(rounds, [1, 2, 4, 8, 10, 10]);
}

#[test]
fn a_group_whose_first_members_all_failed_never_grows_and_the_others_are_left_as_they_are() {
    let mut driver = Driver::new(growing(5, 4, Some(2)));
    driver.go();
    assert_eq!(flying(&driver), [0, 1]);
    driver.fail(0, Permanent);
    driver.go();
    assert_eq!(driver.run.totals().budget, 3, "1 may still be evidence");
    driver.fail(1, Permanent);
    driver.go();
    assert_eq!(driver.run.end(TargetId(4)), Some(End::Skipped { code: "FW-H0027".into() }));
    assert_eq!(driver.run.ending(), Some(Ending::Complete));
}

#[test]
fn one_that_had_to_be_taken_back_is_no_evidence() {
    let mut plan = growing(3, 3, Some(1));
    plan.recipes[0].steps[1].on_failure = OnFailure::Undo;
    plan.recipes[0].undo = vec![Step { charge: Charge::Release, ..step("restore") }];
    let mut driver = Driver::new(plan);
    driver.go();
    driver.succeed(0);
    driver.go();
    driver.fail(0, Permanent);
    driver.go();
    driver.succeed(0);
    driver.go();
    assert!(!driver.run.holds(TargetId(0)), "it is healthy again");
    assert_eq!(flying(&driver), [1], "and no reason to do two at once");
}

#[test]
fn outages_elsewhere_take_room_from_those_who_have_not_started() {
    let mut driver = Driver::new(growing(6, 3, None));
    let first = driver.run.next(driver.now);
    driver.note(first[0].event());
    assert_eq!((flying(&driver), driver.run.totals().ready), (vec![0], 2));
    driver.observe(0, 1);
    assert_eq!((driver.run.totals().ready, driver.run.totals().budget), (1, 4), "2 joined after 1");
    let begin = first[2].event();
    let refused = driver.run.check(&driver.run.record(driver.now, begin));
    assert!(matches!(refused, Err(Illegal::Waiting { target: TargetId(2), .. })), "{refused:?}");
    driver.go();
    assert_eq!(flying(&driver), [0, 1]);
    let view = driver.run.view(driver.now);
    assert_eq!((view.groups[0].elsewhere, view.groups[0].held, view.groups[0].limit), (1, 2, 3));
    driver.observe(0, 3);
    driver.succeed(0);
    driver.go();
    driver.succeed(0);
    driver.go();
    assert_eq!(flying(&driver), [1], "what was given back is not free");
    assert!(driver.run.waits_for_others());
    driver.observe(0, 1);
    driver.go();
    assert_eq!(flying(&driver), [1, 2], "2 keeps its turn");
}

#[test]
fn an_outage_that_takes_all_room_skips_nobody() {
    let mut driver = Driver::new(growing(2, 1, None));
    driver.observe(0, 5);
    assert!(driver.go().is_empty());
    assert_eq!((driver.run.totals().budget, driver.run.totals().ended()), (2, 0));
    driver.observe(0, 0);
    driver.go();
    assert_eq!(flying(&driver), [0]);
}

#[test]
fn an_outage_in_one_group_holds_up_nobody_of_another() {
    let mut shared = growing(3, 1, None);
    shared.groups.push(group("zone", 2));
    shared.targets[0].groups = vec![GroupId(0), GroupId(1)];
    shared.targets[1].groups = vec![GroupId(1)];
    shared.targets[2].groups = vec![GroupId(1)];
    let mut driver = Driver::new(shared);
    driver.observe(0, 1);
    driver.go();
    assert_eq!(flying(&driver), [1, 2], "nothing is set aside in the zone for 0, which may not start");
    driver.observe(0, 0);
    driver.succeed(1);
    driver.go();
    driver.succeed(1);
    driver.go();
    assert_eq!(flying(&driver), [0, 2]);
}

#[test]
fn who_loses_a_place_to_an_outage_loses_what_it_asked_for_after_it_and_waits_again() {
    let mut shared = growing(3, 1, None);
    shared.groups.push(group("zone", 1));
    shared.targets[0].groups = vec![GroupId(0), GroupId(1)];
    shared.targets[1].groups = vec![GroupId(1)];
    shared.targets[2].groups = vec![GroupId(1)];
    let mut driver = Driver::new(shared);
    assert_eq!(driver.run.totals().ready, 1, "0 has both places");
    driver.observe(0, 1);
    let waits = |driver: &Driver, target| driver.run.state(TargetId(target));
    let on = |group| TargetState::Waiting {
        at: Position { direction: Direction::Do, step: StepIndex(0) },
        on: WaitingFor::Budget(GroupId(group)),
    };
    assert_eq!((waits(&driver, 0), waits(&driver, 2)), (on(0), on(1)));
    driver.go();
    assert_eq!(flying(&driver), [1], "the place in the zone went to the next");
    driver.observe(0, 0);
    assert_eq!(waits(&driver, 0), on(1), "its own group has room again");
}

#[test]
fn a_group_the_plan_does_not_have_is_refused() {
    let driver = Driver::new(growing(1, 1, None));
    let event = Event::Observed { group: GroupId(3), elsewhere: 1 };
    let refused = driver.run.check(&driver.run.record(driver.now, event));
    assert_eq!(refused, Err(Illegal::NoSuchGroup(GroupId(3))));
}
