//! What a decision costs does not depend on the size of the fleet.

use std::mem::size_of;

use fleetwright_flow::*;

use crate::driver::Driver;
use crate::plans::{at, group, plan, step};

fn fleet(targets: u32) -> Plan {
    let mut steps: Vec<Step> = (0..8).map(|number| step(&format!("step-{number}"))).collect();
    steps[0].max_in_flight = Some(50);
    steps[3].charge = Charge::Take;
    steps[6].charge = Charge::Release;
    let mut plan = plan(steps, vec![], targets);
    plan.groups = (0..targets.div_ceil(20)).map(|_| group("app", 3)).collect();
    for (number, target) in plan.targets.iter_mut().enumerate() {
        target.groups = vec![GroupId((number / 20) as u16)];
    }
    plan
}

/// Walks everything to its end, one group of answers at a time.
fn walk(targets: u32) -> Driver {
    let mut driver = Driver::new(fleet(targets));
    while driver.run.ending().is_none() {
        driver.go();
        let flights: Vec<u32> = driver.run.in_flight().map(|flight| flight.target.0).collect();
        for target in flights {
            driver.succeed(target);
        }
    }
    driver
}

#[test]
fn the_queue_operations_of_a_whole_run_grow_with_the_fleet_and_not_faster() {
    let per_target = |targets: u32| walk(targets).run.operations() as f64 / f64::from(targets);
    let (small, large) = (per_target(200), per_target(2_000));
    assert!(large < small * 1.05, "{small} operations per target, then {large}");
    assert!(large < 100.0, "{large}");
}

#[test]
fn a_record_costs_the_same_in_a_small_fleet_and_in_a_large_one() {
    let cost = |targets: u32| {
        let mut driver = Driver::new(fleet(targets));
        driver.go();
        let before = driver.run.operations();
        driver.succeed(0);
        driver.go();
        driver.run.operations() - before
    };
    assert_eq!(cost(100), cost(5_000));
}

#[test]
fn a_target_takes_a_few_hundred_bytes() {
    let driver = walk(2_000);
    let bytes = driver.run.memory_bytes() / 2_000;
    assert!(bytes <= 400, "{bytes} bytes per target");
    let open = Run::open(fleet(2_000).into()).memory_bytes() / 2_000;
    assert!(open <= 400, "{open} bytes per target");
    assert!(size_of::<Command>() <= 64, "{}", size_of::<Command>());
}

/// A fleet in 200 windows that are open at other hours for two nights, in budgets of applications of
/// 20, eight zones and the whole run, each of which begins small.
fn windowed(targets: u32) -> Plan {
    let mut plan = plan(
        vec![
            Step { effect: Effect::Reads, ..step("precheck") },
            Step { in_window: true, commits: true, charge: Charge::Take, ..step("patch") },
            Step { in_window: true, charge: Charge::Release, ..step("verify") },
        ],
        vec![],
        targets,
    );
    plan.recipes[0].reserve_seconds = 1_800;
    let night = |day: i64, window: i64| {
        let from = day * 86_400 + window * 300;
        Span { from: at(from), until: at(from + 7_200) }
    };
    let windows = (0..200)
        .map(|window| Window::new(format!("window-{window}"), vec![night(1, window), night(2, window)]));
    plan.windows = windows.collect();
    let share = |of: u32| Group { first: Some(1), ..group("share", of) };
    plan.groups = vec![share(targets / 20)];
    plan.groups.extend((0..8).map(|_| share(targets / 100)));
    plan.groups.extend((0..targets / 20).map(|_| share(4)));
    for (number, target) in plan.targets.iter_mut().enumerate() {
        let app = number / 20;
        target.groups = [0, 1 + app % 8, 9 + app].map(|group| GroupId(group as u16)).to_vec();
        target.window = Some(WindowId((number % 200) as u16));
    }
    plan
}

/// Walks a windowed fleet to its end; each step takes a minute.
fn walk_nights(targets: u32) -> Driver {
    let mut driver = Driver::new(windowed(targets));
    while driver.run.ending().is_none() {
        driver.go();
        let flights: Vec<u32> = driver.run.in_flight().map(|flight| flight.target.0).collect();
        match driver.run.wake_after(driver.now) {
            Some(turn) if flights.is_empty() => driver.now = turn,
            _ => driver.wait(60),
        }
        for target in flights {
            driver.succeed(target);
        }
    }
    driver
}

#[test]
fn what_a_start_costs_among_hundreds_of_windows_and_groups_does_not_grow_with_the_fleet() {
    let per_start = |targets: u32| {
        let driver = walk_nights(targets);
        assert_eq!(driver.run.totals().done, targets, "two nights are enough for {targets}");
        driver.run.operations() as f64 / f64::from(targets)
    };
    let (small, large) = (per_start(10_000), per_start(100_000));
    assert!(large < small * 1.2, "{small} operations per target, then {large}");
    assert!(large < 120.0, "{large}");
}

#[test]
fn a_window_that_turns_moves_those_who_stand_at_it_and_nobody_else() {
    let cost = |targets: u32| {
        let mut driver = Driver::new(windowed(targets));
        driver.go();
        // Five of the first window have come to it, and one of another.
        for target in [0, 200, 400, 600, 800, 1] {
            driver.succeed(target);
        }
        driver.now = driver.run.wake_after(driver.now).expect("a window opens");
        let before = driver.run.operations();
        driver.go();
        driver.run.operations() - before
    };
    assert_eq!(cost(2_000), cost(20_000));
}
