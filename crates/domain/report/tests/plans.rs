//! Plans for people: waves, gates, budgets, windows, order; one host's story; two plans compared.

use fleetwright_patch::plan::checker::check;
use fleetwright_patch::plan::{PatchPlan, PlanDocument, difference, explain};
use fleetwright_report::{plan_text, plan_told};

/// A canary, zones one after another, budgets, a window, a quorum, a singleton with a waiver.
fn plan() -> PatchPlan {
    let bytes = include_bytes!("../../patch/testdata/formats/1.1/plan.json");
    PlanDocument::read(bytes).expect("a plan").into_plan()
}

fn holds(text: &str, needed: &[&str]) {
    for needed in needed {
        assert!(text.contains(needed), "{needed} in\n{text}");
    }
}

fn explained(name: &str) -> String {
    let plan = plan();
    let mut text = String::new();
    for explanation in explain(&plan, name) {
        plan_told::write_explanation(&mut text, &explanation).expect("written");
    }
    text
}

#[test]
fn the_plan_shows_waves_gates_budgets_windows_and_order() {
    let mut text = String::new();
    plan_text::write_plan(&mut text, &PlanDocument::new(plan()), 160).expect("written");
    holds(
        &text,
        &[
            "stage canary: payments/eu-central-1a: 1 target, after a person's approval; stops at the first failure; \
             goes on with 1 or more verified healthy",
            "gate of canary: payments/eu-central-1a: waits 10 min",
            "out of service at once, fleet: at most 10 of 14; begins with 1, one more with each",
            "out of service at once, set etcd: at most 2 of 5",
            "out of service at once, application shop: at most 2 of 4",
            "window night: 4 targets, open 2026-11-01T03:00:00Z to 2026-11-01T11:00:00Z; nothing starts with less than \
             3 h 15 min left",
            "order, etcd: 5 of 5, quorum; 1 leader last",
            "order, ledger: 1 of 1, singleton; waived until 2026-11-02T02:00:00Z: agreed",
        ],
    );
}

#[test]
fn a_hosts_story_says_wave_stage_budgets_order_and_window() {
    holds(
        &explained("web-5"),
        &[
            "is worked on:",
            "begins when these are over: canary",
            "belongs to etcd (quorum), goes last",
            "waits for i-",
            "counts against set etcd: 2 of 5 out of service at once",
            "window: none, at any time",
        ],
    );
    holds(&explained("web-12"), &["window: night, first", "begun by 2026-11-01T07:45:00Z or not in it"]);
    assert_eq!(explained("nobody"), "");
}

#[test]
fn two_plans_and_broken_rules_are_told() {
    let (before, mut after) = (plan(), plan());
    let mut text = String::new();
    plan_told::write_difference(&mut text, &difference(&before, &after)).expect("written");
    plan_told::write_violations(&mut text, &check(&after)).expect("written");
    holds(&text, &["the same hosts in the same way", "keeps every rule"]);
    after.flow.groups[0].capacity = 99;
    after.policy.backup.retention_days = 7;
    after.flow.stages[0].max_failures = None;
    let mut text = String::new();
    plan_told::write_difference(&mut text, &difference(&before, &after)).expect("written");
    plan_told::write_violations(&mut text, &check(&after)).expect("written");
    holds(
        &text,
        &[
            "fleet: 10 → 99",
            "policy.backup.retention_days: 30 → 7",
            "breaks 1 rule",
            "I12 (gates): wave canary: no number of failures ever stops it",
        ],
    );
}
