//! Targets that an earlier run left out of service.

use fleetwright_flow::*;
use fleetwright_model::ErrorClass::Permanent;

use crate::driver::Driver;
use crate::plans::{group, plan, step};

/// Prepare, patch, verify; one group that other runs share, and one of the run's own.
fn shared(targets: u32, capacity: u32) -> Plan {
    let steps = vec![
        Step { ahead_of_gate: true, ..step("prepare") },
        Step { charge: Charge::Take, commits: true, ..step("patch") },
        Step { charge: Charge::Release, ..step("verify") },
    ];
    let mut plan = plan(steps, vec![], targets);
    plan.groups = vec![Group { shared: Some("app".into()), ..group("app", capacity) }, group("run", 2)];
    plan.targets.iter_mut().for_each(|target| target.groups = vec![GroupId(0), GroupId(1)]);
    plan
}

fn flying(driver: &Driver) -> Vec<u32> {
    driver.run.in_flight().map(|flight| flight.target.0).collect()
}

fn found(driver: &mut Driver, target: u32) {
    driver.note(Event::FoundDown { target: TargetId(target) });
}

/// Everybody that is in flight ends its step well, and the next are started.
fn on(driver: &mut Driver) -> Vec<u32> {
    driver.go();
    let started = flying(driver);
    started.iter().for_each(|target| driver.succeed(*target));
    started
}

#[test]
fn who_is_down_already_takes_the_place_of_the_group_and_needs_no_other() {
    let mut driver = Driver::new(shared(3, 1));
    found(&mut driver, 2);
    assert_eq!(on(&mut driver), [0, 1, 2], "preparing takes nobody out");
    driver.go();
    assert_eq!(flying(&driver), [2], "the others wait until it is healthy");
    driver.succeed(2);
    driver.go();
    assert_eq!(flying(&driver), [2], "patched is not yet healthy");
    driver.succeed(2);
    driver.go();
    assert_eq!(flying(&driver), [0]);
    assert!(!driver.run.is_down(TargetId(2)));
}

#[test]
fn places_set_aside_for_others_are_taken_back_when_somebody_is_found_down() {
    let mut driver = Driver::new(shared(2, 1));
    on(&mut driver);
    assert_eq!(driver.run.totals().ready, 1, "0 could go");
    found(&mut driver, 1);
    driver.go();
    assert_eq!(flying(&driver), [1]);
}

#[test]
fn of_many_that_are_down_no_more_go_at_once_than_the_run_may_have() {
    let mut driver = Driver::new(shared(5, 1));
    (0..5).for_each(|target| found(&mut driver, target));
    on(&mut driver);
    driver.go();
    assert_eq!(flying(&driver), [0, 1], "the run's own budget holds for them as for everybody");
    let view = driver.run.view(driver.now);
    let app = view.groups.iter().find(|group| &*group.name == "app").expect("it is full");
    assert_eq!((app.held, app.waiting), (5, 3), "all five are out of service, and say so");
}

#[test]
fn who_fails_again_keeps_its_place_and_the_others_are_left_as_they_are() {
    let mut driver = Driver::new(shared(2, 1));
    found(&mut driver, 1);
    on(&mut driver);
    driver.go();
    driver.fail(1, Permanent);
    driver.go();
    assert_eq!(driver.run.ending(), Some(Ending::Complete));
    assert_eq!(driver.run.end(TargetId(0)), Some(End::Skipped { code: "FW-H0027".into() }));
    assert!(driver.run.holds(TargetId(1)));
}

#[test]
fn who_is_left_as_it_is_stays_down_for_everybody_else() {
    let mut driver = Driver::new(shared(2, 1));
    found(&mut driver, 1);
    driver.go();
    driver.succeed(0);
    driver.fail(1, Permanent);
    driver.go();
    assert_eq!(driver.run.end(TargetId(0)), Some(End::Skipped { code: "FW-H0027".into() }));
    assert!(driver.run.is_down(TargetId(1)) && !driver.run.holds(TargetId(1)));
}

#[test]
fn nobody_waits_for_somebody_who_comes_after_it() {
    let mut later = shared(2, 1);
    later.stages = vec![Stage::new("first", 0..1), Stage::new("second", 1..2)];
    let mut driver = Driver::new(later);
    found(&mut driver, 1);
    on(&mut driver);
    driver.go();
    assert_eq!(driver.run.end(TargetId(0)), Some(End::Skipped { code: "FW-H0027".into() }));
    assert_eq!(flying(&driver), [1], "the second stage goes on");
}

#[test]
fn whoever_rests_holds_or_shares_nothing_is_not_found_down() {
    let mut alone = shared(3, 2);
    alone.targets[2].groups = vec![GroupId(1)];
    let mut driver = Driver::new(alone);
    found(&mut driver, 0);
    let refused = |driver: &Driver, target| {
        let event = Event::FoundDown { target: TargetId(target) };
        driver.run.check(&driver.run.record(driver.now, event)).expect_err("refused")
    };
    assert_eq!(refused(&driver, 0), Illegal::NotDown(TargetId(0)), "twice");
    assert_eq!(refused(&driver, 2), Illegal::NotDown(TargetId(2)), "in no shared group");
    assert_eq!(refused(&driver, 9), Illegal::NoSuchTarget(TargetId(9)));
    on(&mut driver);
    driver.go();
    assert_eq!(refused(&driver, 1), Illegal::NotDown(TargetId(1)), "it was taken out by this run");
    driver.fail(1, Permanent);
    assert_eq!(refused(&driver, 1), Illegal::AtRest(TargetId(1)));
}
