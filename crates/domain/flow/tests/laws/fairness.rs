//! Nobody starves: with a driver that starts whatever may start, a place is free only for somebody who
//! waits for another one as well, and who asks first for the same places has them first.

use std::collections::BTreeSet;
use std::sync::Arc;

use fleetwright_flow::*;
use fleetwright_testkit::referee::{Law, Referee};
use proptest::prelude::*;

use crate::driver::{Driver, end, interfere, wake};
use crate::mutants::tapes;
use crate::plans::{drawn, group, plan, stage, step};
use crate::tape::Tape;

/// A target that is passed over as long as anybody else has something to do.
type Victim = Option<TargetId>;

/// Walks `plan`; after each decision one thing ends. Judged by `honest`, which is the same plan where
/// the kernel is to be right, who says which laws it broke.
fn walk(plan: Arc<Plan>, honest: &Plan, victim: Victim, tape: &mut Tape) -> BTreeSet<Law> {
    let mut driver = Driver::shared(plan);
    let mut referee = Referee::new(honest);
    let mut read = 0;
    for _ in 0..20_000 {
        interfere(&mut driver, tape);
        start_all(&mut driver, victim);
        driver.records[read..].iter().for_each(|record| referee.read(record));
        read = driver.records.len();
        if driver.run.ending().is_some() {
            return referee.found().clone();
        }
        referee.settled(driver.now);
        driver.wait(tape.pick(8) as i64);
        let cancelled: Vec<Flight> = driver.run.to_cancel().collect();
        let flights: Vec<Flight> = driver.run.in_flight().collect();
        if let Some(flight) = cancelled.first() {
            driver.fail(flight.target.0, fleetwright_model::ErrorClass::Permanent);
        } else if flights.is_empty() {
            let waits = victim.is_none() || driver.run.next(driver.now).is_empty();
            if waits {
                wake(&mut driver, tape);
            }
        } else {
            let chosen = tape.pick(flights.len());
            end(&mut driver, tape, flights[chosen].clone());
        }
    }
    panic!("the run does not come to rest: {:#?}", driver.run.totals());
}

/// Records all that may start, but what the victim would while anybody else has something to do.
fn start_all(driver: &mut Driver, victim: Victim) {
    loop {
        let mut commands = driver.run.next(driver.now);
        let is_victims = |command: &Command| match command {
            Command::Begin { target, .. } => Some(*target) == victim,
            _ => false,
        };
        if driver.run.in_flight().next().is_some() || !commands.iter().all(is_victims) {
            commands.retain(|command| !is_victims(command));
        }
        if commands.is_empty() {
            return;
        }
        commands.into_iter().for_each(|command| driver.note(command.event()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn places_are_kept_for_somebody_and_given_in_turn(bytes in proptest::collection::vec(any::<u8>(), 0..1_200)) {
        let mut tape = Tape::new(&bytes);
        let plan = drawn(&mut tape);
        prop_assert_eq!(walk(plan.clone(), &plan, None, &mut tape), BTreeSet::new());
    }
}

/// Forty targets in groups of four, in a budget of the whole run and one of each group.
fn crowd() -> Plan {
    let steps = vec![
        step("backup"),
        Step { charge: Charge::Take, ..step("patch") },
        Step { charge: Charge::Release, ..step("verify") },
        step("report"),
    ];
    let mut crowd = plan(steps, vec![], 40);
    crowd.groups = (0..10).map(|index| group(&format!("app-{index}"), 2)).collect();
    crowd.stages = vec![stage("all", 0..40)];
    for (index, target) in crowd.targets.iter_mut().enumerate() {
        target.groups = vec![GroupId((index % 10) as u16)];
    }
    crowd
}

#[test]
fn in_a_crowd_each_starts_in_its_turn() {
    let crowd = Arc::new(crowd());
    for bytes in tapes().take(20) {
        assert_eq!(walk(crowd.clone(), &crowd, None, &mut Tape::new(&bytes)), BTreeSet::new());
    }
}

#[test]
fn a_kernel_that_passes_one_over_for_all_others_is_caught() {
    let crowd = Arc::new(crowd());
    let found = walk(crowd.clone(), &crowd, Some(TargetId(7)), &mut Tape::new(&[]));
    assert_eq!(found, [Law::IdlePlace].into());
}

#[test]
fn a_kernel_that_takes_one_last_of_all_is_caught() {
    let honest = crowd();
    let mut last = honest.clone();
    last.targets[39].after = (0..39).map(TargetId).collect();
    let found = walk(Arc::new(last), &honest, None, &mut Tape::new(&[]));
    assert_eq!(found, [Law::IdlePlace].into());
}

#[test]
fn a_kernel_that_prefers_some_who_came_later_is_caught() {
    let mut honest = crowd();
    honest.groups = vec![group("app", 1), group("others", 1)];
    honest.targets.truncate(8);
    honest.stages = vec![stage("all", 0..8)];
    honest.targets.iter_mut().for_each(|target| target.groups = vec![GroupId(0)]);
    // Half of them have more left to do elsewhere, as far as this kernel knows.
    let mut prefers = honest.clone();
    prefers.targets[4..].iter_mut().for_each(|target| target.groups.push(GroupId(1)));
    let prefers = Arc::new(prefers);
    let found = tapes().take(20).map(|bytes| walk(prefers.clone(), &honest, None, &mut Tape::new(&bytes)));
    assert_eq!(found.flatten().collect::<BTreeSet<_>>(), [Law::FirstCome].into());
}

/// One has its place in a small group and waits for the large one; meanwhile that place is free for nobody.
#[test]
fn a_place_may_be_kept_while_others_take_as_many_steps_as_they_like() {
    let steps =
        vec![Step { charge: Charge::Take, ..step("patch") }, step("look"), step("verify"), step("report")];
    let mut kept = plan(steps, vec![], 4);
    kept.groups = vec![group("small", 1), group("large", 1)];
    let groups: [&[u16]; 4] = [&[1], &[0, 1], &[0], &[1]];
    for (target, groups) in kept.targets.iter_mut().zip(groups) {
        target.groups = groups.iter().copied().map(GroupId).collect();
    }
    let mut driver = Driver::new(kept.clone());
    let mut referee = Referee::new(&kept);
    let mut read = 0;
    for _ in 0..4 {
        driver.go();
        driver.records[read..].iter().for_each(|record| referee.read(record));
        read = driver.records.len();
        referee.settled(driver.now);
        assert_eq!(referee.found(), &BTreeSet::new());
        let busy: Vec<TargetId> = driver.run.in_flight().map(|flight| flight.target).collect();
        assert_eq!(busy, [TargetId(0)]);
        driver.succeed(0);
    }
    assert_eq!(driver.go().len(), 1);
    assert_eq!(driver.flight(1).step, StepIndex(0));
}
