//! Kernels that are wrong on purpose: each law is known to be able to fail.
//!
//! Most mutants are the kernel walking a plan in which the rule is missing, judged by the plan that
//! has it; the others are deaf to a signal, or histories with a record that does not belong there.

use std::collections::BTreeSet;
use std::sync::Arc;

use fleetwright_flow::*;
use fleetwright_model::ErrorClass;
use fleetwright_testkit::referee::{Law, judge};

use crate::driver::{Driver, walk};
use crate::plans::{drawn, group, plan, stage, step};
use crate::tape::Tape;

/// Tapes that are the same every time (Knuth's MMIX generator, upper bits).
pub(crate) fn tapes() -> impl Iterator<Item = Vec<u8>> {
    let mut state = 1u64;
    std::iter::repeat_with(move || {
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..900).map(|_| byte()).collect()
    })
}

/// Every law that is broken when the kernel does not know a rule.
fn broken_without(forget: impl Fn(&mut Plan)) -> BTreeSet<Law> {
    let mut broken = BTreeSet::new();
    for bytes in tapes().take(900) {
        let mut tape = Tape::new(&bytes);
        let honest = drawn(&mut tape);
        let mut forgetful = (*honest).clone();
        forget(&mut forgetful);
        let driver = walk(Arc::new(forgetful), &mut tape);
        broken.extend(judge(&honest, &driver.records));
    }
    broken
}

fn each_step(plan: &mut Plan, change: impl Fn(&mut Step)) {
    for recipe in &mut plan.recipes {
        recipe.steps.iter_mut().chain(&mut recipe.undo).for_each(&change);
    }
}

#[test]
fn a_kernel_that_forgets_nothing_breaks_nothing() {
    assert_eq!(broken_without(|_| {}), BTreeSet::new());
}

#[test]
fn a_kernel_without_budgets_is_caught() {
    let broken = broken_without(|plan| plan.groups.iter_mut().for_each(|group| group.capacity = 99));
    assert!(broken.contains(&Law::Budget), "{broken:?}");
}

#[test]
fn a_kernel_that_gives_back_before_the_target_is_verified_is_caught() {
    let broken = broken_without(|plan| {
        each_step(plan, |step| {
            if step.charge == Charge::None {
                step.charge = Charge::Release;
            }
        });
    });
    assert!(broken.contains(&Law::Budget), "{broken:?}");
}

#[test]
fn a_kernel_that_gives_back_the_place_of_a_failed_target_is_caught() {
    let mut honest = plan(vec![Step { charge: Charge::Take, ..step("patch") }], vec![], 2);
    honest.groups = vec![group("app", 1)];
    honest.targets.iter_mut().for_each(|target| target.groups = vec![GroupId(0)]);
    honest.stages = vec![stage("canary", 0..1), stage("rest", 1..2)];
    // To whom a second place is the one that was given back.
    let mut forgetful = honest.clone();
    forgetful.groups[0].capacity = 2;
    let mut driver = Driver::new(forgetful);
    driver.go();
    driver.fail(0, ErrorClass::Permanent);
    assert_eq!(judge(&honest, &driver.records), BTreeSet::new(), "alone it has room");
    driver.go();
    assert!(driver.run.flight(TargetId(1)).is_some());
    assert_eq!(judge(&honest, &driver.records), [Law::Budget].into());
}

#[test]
fn a_kernel_that_charges_late_is_caught() {
    let broken = broken_without(|plan| {
        for recipe in &mut plan.recipes {
            let takes: Vec<bool> = recipe.steps.iter().map(|step| step.charge == Charge::Take).collect();
            for (step, (place, take)) in recipe.steps.iter_mut().zip(takes.iter().enumerate()) {
                let before = place.checked_sub(1).is_some_and(|before| takes[before]);
                if *take || (before && step.when == When::InTurn) {
                    step.charge = if before { Charge::Take } else { Charge::None };
                }
            }
        }
    });
    assert!(broken.contains(&Law::Budget), "{broken:?}");
}

#[test]
fn a_kernel_without_stages_is_caught() {
    let broken = broken_without(|plan| {
        let all = plan.targets.len() as u32;
        plan.stages.truncate(1);
        plan.stages[0].targets = 0..all;
    });
    assert!(broken.contains(&Law::StageOrder), "{broken:?}");
}

#[test]
fn a_kernel_without_gates_is_caught() {
    let broken = broken_without(|plan| plan.stages.iter_mut().for_each(|stage| stage.gate = Gate::Open));
    assert!(broken.contains(&Law::Gate), "{broken:?}");
}

#[test]
fn a_kernel_that_prepares_more_than_preparations_is_caught() {
    let broken = broken_without(|plan| each_step(plan, |step| step.ahead_of_gate = true));
    assert!(broken.contains(&Law::Gate), "{broken:?}");
}

#[test]
fn a_kernel_without_dependencies_is_caught() {
    let broken = broken_without(|plan| plan.targets.iter_mut().for_each(|target| target.after.clear()));
    assert!(broken.contains(&Law::After), "{broken:?}");
}

#[test]
fn a_kernel_that_tries_too_often_is_caught() {
    let broken = broken_without(|plan| each_step(plan, |step| step.retry.attempts += 1));
    assert!(broken.contains(&Law::BackOff), "{broken:?}");
}

#[test]
fn a_kernel_without_lane_limits_is_caught() {
    let broken = broken_without(|plan| each_step(plan, |step| step.max_in_flight = None));
    assert!(broken.contains(&Law::Lane), "{broken:?}");
}

#[test]
fn a_kernel_without_a_stop_rule_is_caught() {
    let broken = broken_without(|plan| plan.stages.iter_mut().for_each(|stage| stage.max_failures = None));
    assert!(broken.contains(&Law::StopRule), "{broken:?}");
}

#[test]
fn a_kernel_that_takes_everything_for_committed_is_caught() {
    let broken = broken_without(|plan| each_step(plan, |step| step.commits = !step.ahead_of_gate));
    assert!(broken.contains(&Law::StopRule), "{broken:?}");
}

#[test]
fn a_kernel_that_puts_nothing_back_is_caught() {
    let broken = broken_without(|plan| each_step(plan, |step| step.when = When::InTurn));
    assert!(broken.contains(&Law::PutBack), "{broken:?}");
}

#[test]
fn a_kernel_that_goes_back_unasked_is_caught() {
    let broken = broken_without(|plan| {
        for recipe in &mut plan.recipes {
            recipe.steps.iter_mut().for_each(|step| step.on_failure = OnFailure::Undo);
        }
    });
    assert!(broken.contains(&Law::WayBack), "{broken:?}");
}

#[test]
fn a_kernel_without_windows_is_caught() {
    let broken = broken_without(|plan| plan.targets.iter_mut().for_each(|target| target.window = None));
    assert!(broken.contains(&Law::Window), "{broken:?}");
}

#[test]
fn a_kernel_that_starts_what_cannot_end_in_the_window_is_caught() {
    let broken = broken_without(|plan| plan.recipes.iter_mut().for_each(|recipe| recipe.reserve_seconds = 1));
    assert!(broken.contains(&Law::Window), "{broken:?}");
}

#[test]
fn a_kernel_that_starts_in_the_cutoff_is_caught() {
    let broken = broken_without(|plan| plan.windows.iter_mut().for_each(|window| window.cutoff_seconds = 0));
    assert!(broken.contains(&Law::Window), "{broken:?}");
}

#[test]
fn a_kernel_that_prepares_days_before_the_window_is_caught() {
    let broken = broken_without(|plan| plan.recipes.iter_mut().for_each(|recipe| recipe.lead_seconds = 0));
    assert!(broken.contains(&Law::Lead), "{broken:?}");
}

#[test]
fn a_kernel_that_takes_changes_for_preparations_is_caught() {
    let broken = broken_without(|plan| each_step(plan, |step| step.in_window = step.commits));
    assert!(broken.contains(&Law::Window), "{broken:?}");
}

#[test]
fn a_kernel_that_does_not_begin_small_is_caught() {
    let broken = broken_without(|plan| plan.groups.iter_mut().for_each(|group| group.first = None));
    assert!(broken.contains(&Law::Budget), "{broken:?}");
}

#[test]
fn a_kernel_that_is_content_with_too_few_is_caught() {
    let broken = broken_without(|plan| plan.stages.iter_mut().for_each(|stage| stage.min_verified = 0));
    assert!(broken.contains(&Law::MinSample), "{broken:?}");
}

/// Every law that is broken when the kernel reads the rules of decisions in another way.
fn broken_with_rules(change: impl Fn(&mut ApprovalRule)) -> BTreeSet<Law> {
    broken_without(|plan| {
        plan.stages.iter_mut().filter_map(|stage| stage.approval.as_mut()).for_each(&change)
    })
}

#[test]
fn a_kernel_that_is_content_with_one_approval_is_caught() {
    let broken = broken_with_rules(|rule| rule.needed = 1);
    assert!(broken.contains(&Law::Gate), "{broken:?}");
}

#[test]
fn a_kernel_that_lets_anybody_approve_is_caught() {
    let broken = broken_with_rules(|rule| rule.approvers.clear());
    assert!(broken.contains(&Law::Gate), "{broken:?}");
}

#[test]
fn a_kernel_for_which_no_approval_is_too_late_is_caught() {
    let broken = broken_with_rules(|rule| rule.expires_seconds = None);
    assert!(broken.contains(&Law::Gate), "{broken:?}");
}

#[test]
fn a_kernel_that_goes_on_when_it_should_have_stopped_for_want_of_a_decision_is_caught() {
    let mut broken = BTreeSet::new();
    for bytes in tapes().take(900) {
        let mut tape = Tape::new(&bytes);
        // Hardly anybody decides within a second.
        let mut honest = (*drawn(&mut tape)).clone();
        let hasty = ApprovalRule {
            needed: 1,
            approvers: Vec::new(),
            expires_seconds: Some(1),
            on_expiry: OnExpiry::Reject,
        };
        honest.stages[0].gate = Gate::Approval;
        honest.stages[0].approval = Some(hasty);
        let mut forgetful = honest.clone();
        forgetful.stages[0].approval.iter_mut().for_each(|rule| rule.on_expiry = OnExpiry::Skip);
        let driver = walk(Arc::new(forgetful), &mut tape);
        broken.extend(judge(&honest, &driver.records));
    }
    assert!(broken.contains(&Law::StopRule), "{broken:?}");
}

#[test]
fn a_kernel_that_does_not_count_outages_is_caught() {
    let mut shared = plan(vec![Step { charge: Charge::Take, ..step("patch") }], vec![], 2);
    shared.groups = vec![crate::plans::group("app", 2)];
    shared.targets.iter_mut().for_each(|target| target.groups = vec![GroupId(0)]);
    let mut driver = Driver::new(shared);
    let outage = driver.run.record(driver.now, Event::Observed { group: GroupId(0), elsewhere: 1 });
    driver.records.push(outage);
    driver.go();
    assert_eq!(judge(driver.run.plan(), &driver.records), [Law::Budget].into());
}

#[test]
fn a_kernel_that_forgets_who_was_down_already_is_caught() {
    let mut shared = plan(vec![Step { charge: Charge::Take, ..step("patch") }], vec![], 2);
    shared.groups = vec![Group { shared: Some("app".into()), ..crate::plans::group("app", 1) }];
    shared.targets.iter_mut().for_each(|target| target.groups = vec![GroupId(0)]);
    let mut driver = Driver::new(shared);
    let found = driver.run.record(driver.now, Event::FoundDown { target: TargetId(1) });
    driver.records.push(found);
    driver.go();
    assert_eq!(judge(driver.run.plan(), &driver.records), [Law::Budget].into());
}

#[test]
fn an_approval_of_another_plan_is_caught() {
    let mut gated = plan(vec![step("patch")], vec![], 1);
    gated.stages[0].gate = Gate::Approval;
    let mut driver = Driver::new(gated);
    driver.go();
    let basis = driver.run.basis(StageId(0));
    driver.decide(Signal::Approve(StageId(0)), "ann", basis).expect("it is the one");
    assert_eq!(judge(driver.run.plan(), &driver.records), BTreeSet::new());
    let Some(Record { event: Event::Signalled { basis, .. }, .. }) = driver.records.last_mut() else {
        panic!("the decision is on record");
    };
    *basis = Some("ffffffffffffffff-2".into());
    assert_eq!(judge(driver.run.plan(), &driver.records), [Law::Gate].into());
}

/// A kernel that never hears of a signal, although it is on record.
fn broken_when_deaf_to(signal: Signal) -> BTreeSet<Law> {
    let mut driver = Driver::new(plan(vec![step("start"), step("patch")], vec![], 2));
    driver.go();
    driver.records.push(Record {
        seq: Sequence(0),
        epoch: driver.run.epoch(),
        at: driver.now,
        event: Event::Signalled { signal, by: "ops".into(), basis: None, reason: None, mail: None },
    });
    driver.succeed(0);
    driver.go();
    judge(driver.run.plan(), &driver.records)
}

#[test]
fn a_kernel_that_is_deaf_to_signals_is_caught() {
    assert_eq!(broken_when_deaf_to(Signal::Pause), [Law::Pause].into());
    assert_eq!(broken_when_deaf_to(Signal::Freeze), [Law::Freeze].into());
    assert_eq!(broken_when_deaf_to(Signal::Abort), [Law::StopRule].into());
    assert_eq!(broken_when_deaf_to(Signal::AbortNow), [Law::StopRule, Law::Cancel].into());
}

/// A short history that keeps every law.
fn history() -> Driver {
    let mut driver = Driver::new(plan(vec![step("start"), step("patch")], vec![], 1));
    driver.go();
    driver.succeed(0);
    driver.crash();
    driver.go();
    driver.succeed(0);
    driver.go();
    assert_eq!(judge(driver.run.plan(), &driver.records), BTreeSet::new());
    driver
}

#[test]
fn a_step_that_is_carried_out_twice_is_caught() {
    let mut driver = history();
    let first = driver.records.iter().position(|record| matches!(record.event, Event::Started { .. }));
    let again = driver.records[first.expect("something was started")].clone();
    let close = driver.records.len() - 1;
    driver.records.insert(close, Record { epoch: driver.run.epoch(), ..again });
    let broken = judge(driver.run.plan(), &driver.records);
    assert!(broken.contains(&Law::Once), "{broken:?}");
}

#[test]
fn a_record_of_an_owner_that_lost_the_run_is_caught() {
    let mut driver = history();
    driver.records.last_mut().expect("records").epoch = Epoch(0);
    assert_eq!(judge(driver.run.plan(), &driver.records), [Law::Epoch].into());
}

#[test]
fn a_run_that_is_closed_over_something_in_flight_is_caught() {
    let mut driver = history();
    let last = driver.records.len() - 2;
    assert!(matches!(driver.records[last].event, Event::Succeeded { .. }));
    driver.records.remove(last);
    assert_eq!(judge(driver.run.plan(), &driver.records), [Law::Rest].into());
}

#[test]
fn a_run_that_is_closed_before_a_target_has_come_to_its_end_is_caught() {
    let mut driver = history();
    let last = driver.records.len() - 3;
    assert!(matches!(driver.records[last].event, Event::Started { .. }));
    driver.records.drain(last..last + 2);
    assert_eq!(judge(driver.run.plan(), &driver.records), [Law::Rest].into());
}

#[test]
fn the_kernel_itself_refuses_what_the_referee_would_catch() {
    let driver = history();
    let refused = |records: &[Record]| {
        let mut run = Run::open(driver.run.plan().clone());
        records.iter().map(|record| run.apply(record)).any(|answer| answer.is_err())
    };
    assert!(!refused(&driver.records));
    for left_out in 0..driver.records.len() - 1 {
        let mut records = driver.records.clone();
        records.remove(left_out);
        for (index, record) in records.iter_mut().enumerate() {
            record.seq = Sequence(index as u64 + 1);
        }
        assert!(refused(&records), "without record {}", left_out + 1);
    }
}
