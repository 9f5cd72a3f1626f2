//! What format 1.1 added — windows, growing and shared budgets, samples, decisions — is read for ever.

use fleetwright_flow::format::{Unreadable, read_plan, read_record};
use fleetwright_flow::*;

const PLAN: &str = include_str!("../testdata/formats/1.1/plan.json");
const RECORDS: &str = include_str!("../testdata/formats/1.1/waves.jsonl");

fn plan() -> Plan {
    read_plan(PLAN.as_bytes()).expect("readable")
}

#[test]
fn a_plan_of_format_1_1_reads_as_what_it_meant() {
    let plan = plan();
    assert_eq!(plan.format, Format { major: 1, minor: 1 });
    let group = &plan.groups[0];
    assert_eq!((group.capacity, group.first, group.shared.as_deref()), (3, Some(1), Some("prod/shop")));
    let night = plan.windows[0].open[0];
    assert_eq!((&*plan.windows[0].name, plan.windows[0].open.len()), ("night", 2));
    assert_eq!(night.from.duration_until(night.until).as_hours(), 4);
    let recipe = plan.recipe_of(TargetId(0));
    assert_eq!(recipe.reserve_seconds, 10_800);
    assert_eq!(recipe.steps.iter().map(|step| step.in_window).collect::<Vec<_>>(), [false, true, true, true]);
    assert_eq!(plan.target(TargetId(3)).window, Some(WindowId(0)));
    let [canary, second, rest] = &plan.stages[..] else { panic!("three stages") };
    assert_eq!((canary.min_verified, canary.approval.is_none()), (1, true));
    let rule = |stage: &Stage| stage.approval.clone().expect("a rule");
    assert_eq!((rule(second).expires_seconds, rule(second).on_expiry), (Some(600), OnExpiry::Skip));
    assert_eq!((rule(rest).needed, rule(rest).on_expiry), (2, OnExpiry::Reject));
    assert_eq!(rule(rest).approvers, ["ann".into(), "bob".into(), "cy".into()]);
}

#[test]
fn records_of_format_1_1_bring_their_run_back() {
    let mut run = Run::open(plan().into());
    for line in RECORDS.lines() {
        let record = read_record(line.as_bytes()).expect("readable");
        run.apply(&record).unwrap_or_else(|illegal| panic!("{illegal}: {line}"));
    }
    assert_eq!(run.ending(), Some(Ending::Complete));
    assert_eq!(run.end(TargetId(0)), Some(End::Done { finding: None }));
    assert_eq!(run.end(TargetId(1)), Some(End::Skipped { code: "FW-H0032".into() }));
    assert_eq!(run.end(TargetId(3)), Some(End::Unwound { step: StepIndex(2), code: "FW-H0010".into() }));
    assert_eq!(run.approved_by(StageId(2)), ["ann".into(), "cy".into()]);
}

#[test]
fn what_was_written_is_written_again_letter_for_letter() {
    for line in RECORDS.lines() {
        let record = read_record(line.as_bytes()).expect("readable");
        assert_eq!(serde_json::to_string(&record).expect("serialises"), line);
    }
    assert_eq!(serde_json::to_string_pretty(&plan()).expect("serialises"), PLAN.trim_end());
    for part in
        ["window_turned", "observed", "gate_expired", "freeze", "thaw", r#""basis":"9f86d081884c7d65-21""#]
    {
        assert!(RECORDS.contains(part), "{part}");
    }
}

#[test]
fn a_plan_that_can_never_go_its_way_is_refused_with_the_place() {
    let broken = |change: &dyn Fn(&mut Plan)| {
        let mut plan = plan();
        change(&mut plan);
        let json = serde_json::to_string(&plan).expect("serialises");
        match read_plan(json.as_bytes()) {
            Err(Unreadable::Invalid(invalid)) => invalid.to_string(),
            other => panic!("{other:?}"),
        }
    };
    fn rule(plan: &mut Plan) -> &mut ApprovalRule {
        plan.stages[2].approval.as_mut().expect("it has one")
    }
    type Change<'a> = &'a dyn Fn(&mut Plan);
    let cases: [(Change<'_>, &str); 14] = [
        (&|plan| plan.groups[0].first = Some(0), "groups[0].first: 0: nothing"),
        (&|plan| plan.windows[0].open.swap(0, 1), "windows[0].open[1]: it begins at 2026-09-21T14:43:20Z"),
        (
            &|plan| plan.windows[0].open[1].from = plan.windows[0].open[0].until,
            "windows[0].open[1]: it begins at",
        ),
        (
            &|plan| plan.windows[0].open[1].until = plan.windows[0].open[1].from,
            "windows[0].open[1]: from 2026-09-22T14:43:20Z until 2026-09-22T14:43:20Z is no time",
        ),
        (&|plan| plan.targets[2].window = Some(WindowId(1)), "targets[2].window: there is no window 1"),
        (&|plan| plan.recipes[0].reserve_seconds = 0, "targets[0].window: recipe 0: nothing is kept"),
        (
            &|plan| plan.recipes[0].steps[2].in_window = false,
            "targets[0].window: recipe 0: it changes its targets whether",
        ),
        (&|plan| plan.stages[0].min_verified = 2, "stages[0].min_verified: 2 of 1 targets"),
        (&|plan| plan.stages[2].gate = Gate::Open, "stages[2].approval: a rule for a gate that is open"),
        (&|plan| rule(plan).needed = 0, "stages[2].approval.needed: 0: nobody"),
        (&|plan| rule(plan).needed = 4, "stages[2].approval.needed: 4 of 3 people"),
        (&|plan| rule(plan).approvers[1] = "ann".into(), "stages[2].approval.approvers: somebody"),
        (&|plan| rule(plan).expires_seconds = Some(0), "stages[2].approval.expires_seconds: 0: nobody"),
        (&|plan| plan.groups[0].capacity = 0, "groups[0].capacity: 0: nothing"),
    ];
    for (change, expected) in cases {
        let found = broken(change);
        assert!(found.starts_with(expected), "{found}, not {expected}");
    }
}

#[test]
fn a_window_says_when_it_is_open_for_long_enough() {
    let plan = plan();
    let [first, second] = plan.windows[0].open[..] else { panic!("two nights") };
    let says = |reserve, at| plan.windows[0].admission(reserve, at);
    assert_eq!(says(3_600, plan.created_at), Admission::Closed { until: first.from });
    assert!(says(3_600, first.from).is_open());
    assert_eq!(says(4 * 3_600, first.from).turns_at().map(|at| at.subsec_nanosecond()), Some(1));
    let closed = says(3_600, first.from).turns_at().expect("it closes");
    assert_eq!(says(3_600, closed), Admission::Closed { until: second.from });
    assert_eq!(says(4 * 3_600 + 1, first.from), Admission::Over, "no night is that long");
    assert_eq!(says(0, second.until), Admission::Over, "its end is not part of it");
    assert_eq!(Admission::Over.turns_at(), None);
}
