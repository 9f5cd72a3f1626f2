use fleetwright_flow::*;
use fleetwright_model::ErrorClass::Permanent;

use crate::driver::Driver;
use crate::plans::{at, plan, stage, step};

const FIRST: StageId = StageId(0);

/// Two waves of two; the first waits for a decision.
fn decided(rule: ApprovalRule) -> Plan {
    let mut plan = plan(vec![step("patch")], vec![], 4);
    let gated = Stage { gate: Gate::Approval, approval: Some(rule), ..stage("canary", 0..2) };
    plan.stages = vec![gated, stage("rest", 2..4)];
    plan
}

fn rule() -> ApprovalRule {
    ApprovalRule {
        needed: 2,
        approvers: vec!["ann".into(), "bob".into(), "cy".into()],
        expires_seconds: Some(3_600),
        on_expiry: OnExpiry::Reject,
    }
}

fn asked(rule: ApprovalRule) -> Driver {
    let mut driver = Driver::new(decided(rule));
    assert_eq!(driver.go(), [Command::ReachGate { stage: FIRST }]);
    driver
}

fn flying(driver: &Driver) -> Vec<u32> {
    driver.run.in_flight().map(|flight| flight.target.0).collect()
}

#[test]
fn as_many_different_people_must_approve_as_the_rule_says() {
    let mut driver = asked(rule());
    assert_eq!(driver.decide(Signal::Approve(FIRST), "ann", None), Ok(()));
    assert!(driver.go().is_empty());
    let twice = driver.decide(Signal::Approve(FIRST), "ann", None);
    assert_eq!(twice, Err(Illegal::ApprovedAlready(FIRST)));
    let stranger = driver.decide(Signal::Approve(FIRST), "dora", None);
    assert_eq!(stranger, Err(Illegal::NotAnApprover(FIRST)));
    let view = driver.run.view(driver.now).stages[0].approval.clone().expect("somebody approved");
    assert_eq!((view.needed, &view.given[..]), (2, &["ann".into()][..]));
    assert_eq!((view.expires_at, view.basis), (Some(at(3_600)), Some("0000000000000000-2".into())));
    driver.crash();
    assert_eq!(driver.decide(Signal::Approve(FIRST), "bob", None), Ok(()));
    driver.go();
    assert_eq!(flying(&driver), [0, 1]);
}

#[test]
fn one_rejection_is_enough_and_only_of_somebody_who_may() {
    let mut driver = asked(rule());
    assert_eq!(driver.decide(Signal::Reject(FIRST), "dora", None), Err(Illegal::NotAnApprover(FIRST)));
    driver.decide(Signal::Approve(FIRST), "ann", None).expect("she may");
    driver.decide(Signal::Reject(FIRST), "ann", None).expect("she may think better of it");
    driver.go();
    assert_eq!(driver.run.ending(), Some(Ending::Rejected));
}

#[test]
fn a_decision_about_another_plan_or_an_earlier_gate_counts_for_nothing() {
    let mut driver = asked(rule());
    for basis in ["0000000000000001-2", "0000000000000000-1", "0000000000000000-02", ""] {
        let refused = driver.decide(Signal::Approve(FIRST), "ann", Some(basis.into()));
        assert_eq!(refused, Err(Illegal::OtherBasis(FIRST)), "{basis:?}");
    }
    let basis = driver.run.basis(FIRST);
    assert_eq!(driver.decide(Signal::Approve(FIRST), "ann", basis), Ok(()));
    assert_eq!(driver.run.basis(StageId(1)), None, "nothing is to be decided there yet");
}

#[test]
fn a_gate_nobody_decided_about_in_time_ends_the_run_where_the_plan_says_so() {
    let mut driver = asked(rule());
    driver.decide(Signal::Approve(FIRST), "ann", None).expect("she may");
    assert_eq!(driver.run.wake_after(driver.now), Some(at(3_600)));
    let early = driver.run.record(at(3_599), Event::GateExpired { stage: FIRST });
    assert_eq!(driver.run.check(&early), Err(Illegal::Expiry(FIRST)));
    driver.now = at(3_600);
    assert_eq!(driver.decide(Signal::Approve(FIRST), "bob", None), Err(Illegal::Expiry(FIRST)), "too late");
    assert_eq!(driver.run.next(driver.now), [Command::ExpireGate { stage: FIRST }]);
    driver.go();
    assert_eq!(driver.run.ending(), Some(Ending::Rejected));
    assert_eq!(driver.run.totals().skipped, 4);
}

#[test]
fn or_leaves_the_wave_as_it_is_and_goes_on_with_the_next() {
    let mut driver = Driver::new({
        let mut plan = decided(ApprovalRule { on_expiry: OnExpiry::Skip, ..rule() });
        plan.stages[0].min_verified = 2;
        plan.targets[1].after = vec![TargetId(0)];
        plan
    });
    driver.go();
    driver.now = at(3_600);
    driver.go();
    assert_eq!(flying(&driver), [2, 3]);
    assert_eq!(driver.run.end(TargetId(0)), Some(End::Skipped { code: "FW-H0032".into() }));
    assert_eq!(driver.run.end(TargetId(1)), Some(End::Skipped { code: "FW-H0027".into() }));
    assert_eq!(driver.run.view(driver.now).stages[0].gate, GateView::Expired);
    for target in [2, 3] {
        driver.succeed(target);
    }
    driver.go();
    assert_eq!(driver.run.ending(), Some(Ending::Complete));
}

#[test]
fn a_rule_without_a_list_takes_anybody_and_one_without_an_end_waits_for_ever() {
    let mut driver = asked(ApprovalRule {
        needed: 1,
        approvers: vec![],
        expires_seconds: None,
        on_expiry: OnExpiry::Reject,
    });
    driver.wait(100_000_000);
    assert!(driver.go().is_empty());
    assert_eq!(driver.run.wake_after(driver.now), None);
    assert_eq!(driver.decide(Signal::Approve(FIRST), "dora", None), Ok(()));
}

#[test]
fn too_few_that_ended_well_halt_the_run_when_the_last_of_the_wave_rests() {
    let waves = |min_verified| {
        let mut plan = plan(vec![step("patch")], vec![], 3);
        plan.stages = vec![Stage { min_verified, ..stage("canary", 0..2) }, stage("rest", 2..3)];
        let mut driver = Driver::new(plan);
        driver.go();
        driver.fail(0, Permanent);
        driver.go();
        assert_eq!(driver.run.stopping(), None, "1 may still be enough");
        driver.succeed(1);
        driver.go();
        driver
    };
    assert_eq!(flying(&waves(1)), [2]);
    let halted = waves(2);
    assert_eq!(halted.run.ending(), Some(Ending::Halted));
    assert_eq!(halted.run.end(TargetId(2)), Some(End::Skipped { code: "FW-H0026".into() }));
}
