//! What a decision costs does not depend on the size of the fleet.

use std::mem::size_of;

use fleetwright_flow::*;

use crate::driver::Driver;
use crate::plans::{group, plan, step};

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
