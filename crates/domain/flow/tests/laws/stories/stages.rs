use fleetwright_flow::*;
use fleetwright_model::ErrorClass::Permanent;

use crate::driver::Driver;
use crate::plans::{plan, stage, step};

fn flying(driver: &Driver) -> Vec<u32> {
    driver.run.in_flight().map(|flight| flight.target.0).collect()
}

fn gated() -> Plan {
    let backup = Step { ahead_of_gate: true, ..step("backup") };
    let mut plan = plan(vec![backup, step("patch")], vec![], 3);
    plan.stages = vec![Stage { gate: Gate::Approval, ..stage("canary", 0..2) }, stage("rest", 2..3)];
    plan
}

#[test]
fn a_stage_starts_when_the_one_before_is_over() {
    let mut waves = plan(vec![step("patch")], vec![], 3);
    waves.stages = vec![stage("canary", 0..1), stage("none", 1..1), stage("rest", 1..3)];
    let mut driver = Driver::new(waves);
    driver.go();
    assert_eq!(flying(&driver), [0]);
    assert_eq!(driver.run.state(TargetId(1)), TargetState::NotStarted);
    driver.succeed(0);
    driver.go();
    assert_eq!(flying(&driver), [1, 2]);
}

#[test]
fn preparations_run_ahead_of_the_gate_and_changes_wait_for_approval() {
    let mut driver = Driver::new(gated());
    driver.go();
    driver.succeed(0);
    assert!(driver.go().is_empty(), "not all of the stage is prepared");
    driver.succeed(1);
    assert_eq!(driver.go(), [Command::ReachGate { stage: StageId(0) }], "reached once");
    assert_eq!(driver.run.condition(), Condition::AtGate(StageId(0)));
    assert_eq!(driver.run.view(driver.now).remaining_seconds, None, "nobody knows when a person decides");
    driver.signal(Signal::Approve(StageId(0)));
    driver.go();
    assert_eq!(flying(&driver), [0, 1]);
    assert!(driver.run.view(driver.now).remaining_seconds.is_some());
}

#[test]
fn an_approval_of_what_is_not_prepared_is_refused() {
    let mut driver = Driver::new(gated());
    driver.go();
    for signal in [Signal::Approve(StageId(0)), Signal::Approve(StageId(1)), Signal::Reject(StageId(9))] {
        let event = Event::Signalled { signal, by: "ops".into(), basis: None, reason: None, mail: None };
        assert!(driver.run.check(&driver.run.record(driver.now, event)).is_err(), "{signal:?}");
    }
}

#[test]
fn a_rejected_stage_is_left_as_it_is_and_so_is_all_that_comes_after() {
    let mut driver = Driver::new(gated());
    driver.go();
    driver.succeed(0);
    driver.succeed(1);
    driver.go();
    driver.signal(Signal::Reject(StageId(0)));
    driver.go();
    assert_eq!(driver.run.ending(), Some(Ending::Rejected));
    assert_eq!(driver.run.totals().skipped, 3);
}

#[test]
fn a_target_whose_preparation_failed_does_not_keep_the_gate_from_being_reached() {
    let mut driver = Driver::new(gated());
    driver.go();
    driver.fail(0, Permanent);
    driver.succeed(1);
    assert_eq!(driver.go(), [Command::ReachGate { stage: StageId(0) }]);
}

#[test]
fn a_target_starts_when_those_before_it_ended_well() {
    let mut ordered = plan(vec![step("patch")], vec![], 3);
    ordered.targets[0].after = vec![TargetId(1), TargetId(2)];
    let mut driver = Driver::new(ordered);
    driver.go();
    assert_eq!(flying(&driver), [1, 2]);
    driver.succeed(1);
    driver.go();
    assert_eq!(
        driver.run.state(TargetId(0)),
        TargetState::Waiting {
            at: Position { direction: Direction::Do, step: StepIndex(0) },
            on: WaitingFor::After(TargetId(2))
        }
    );
    driver.succeed(2);
    driver.go();
    assert_eq!(flying(&driver), [0]);
}

#[test]
fn a_target_is_left_as_it_is_when_one_before_it_failed() {
    let mut ordered = plan(vec![step("patch")], vec![], 3);
    ordered.targets[1].after = vec![TargetId(0)];
    ordered.targets[2].after = vec![TargetId(1)];
    let mut driver = Driver::new(ordered);
    driver.go();
    driver.fail(0, Permanent);
    driver.go();
    let left = Some(End::Skipped { code: "FW-H0027".into() });
    assert_eq!((driver.run.end(TargetId(1)), driver.run.end(TargetId(2))), (left.clone(), left));
    assert_eq!(driver.run.ending(), Some(Ending::Complete));
}

#[test]
fn a_target_that_waits_for_one_at_the_gate_does_not_keep_the_gate_from_being_reached() {
    let mut ordered = gated();
    ordered.targets[1].after = vec![TargetId(0)];
    let mut driver = Driver::new(ordered);
    driver.go();
    driver.succeed(0);
    assert_eq!(driver.go(), [Command::ReachGate { stage: StageId(0) }]);
    driver.signal(Signal::Approve(StageId(0)));
    driver.go();
    driver.succeed(0);
    driver.go();
    assert_eq!(flying(&driver), [1]);
}

#[test]
fn an_empty_plan_is_complete_at_once() {
    let mut driver = Driver::new(plan(vec![], vec![], 0));
    assert_eq!(driver.go(), [Command::Close { ending: Ending::Complete }]);
    let mut driver = Driver::new(plan(vec![], vec![], 2));
    assert_eq!(driver.go(), [Command::Close { ending: Ending::Complete }]);
    assert_eq!(driver.run.end(TargetId(1)), Some(End::Done { finding: None }));
}
