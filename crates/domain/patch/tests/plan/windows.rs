//! Windows in plans: admission by arithmetic.

use std::collections::BTreeMap;

use fleetwright_flow::Span;
use fleetwright_model::{InstanceState, code};
use fleetwright_patch::plan::roll_out::RollOut;
use fleetwright_patch::plan::{PlanRequest, Windows};
use fleetwright_testkit::sample;

use crate::samples::{fleet, inventory, make, request, stages, tag};

/// Hours after now.
fn span(from: i64, until: i64) -> Span {
    let at = |hours| sample::now() + jiff::SignedDuration::from_hours(hours);
    Span { from: at(from), until: at(until) }
}

fn with(spans: &[(&str, Vec<Span>)]) -> PlanRequest {
    let spans = spans.iter().map(|(name, open)| ((*name).into(), open.clone())).collect();
    PlanRequest { windows: Windows { spans, ..Windows::default() }, ..request() }
}

#[test]
fn a_tag_puts_a_host_into_its_window_and_others_are_free() {
    let hosts = fleet(1..=2, |number, it| {
        if number == 1 {
            tag(it, &[("Window", "night")]);
        }
    });
    let plan = make(&inventory(hosts), &with(&[("night", vec![span(-48, -40), span(1, 9)])]));
    assert_eq!(plan.flow.windows[0].open, [span(1, 9)], "what is over is left out");
    let windows: Vec<bool> = plan.flow.targets[..2].iter().map(|target| target.window.is_some()).collect();
    assert_eq!(windows, [true, false]);
    let recipe = plan.flow.recipe_of(fleetwright_flow::TargetId(0));
    assert_eq!(&*recipe.name, "running, in a window");
    let inside: Vec<&str> =
        recipe.steps.iter().filter(|step| step.in_window).map(|step| &*step.name).collect();
    assert_eq!(inside, ["patch", "reboot", "verify", "validate"]);
    // Time-outs: 4,500 + 1,200 + 1,800 + 1,200, and back 1,800 + 1,200.
    assert_eq!(recipe.reserve_seconds, 11_700);
    assert_eq!(plan.flow.recipe_of(fleetwright_flow::TargetId(1)).reserve_seconds, 0);
}

#[test]
fn a_stopped_host_is_started_inside_its_window() {
    let hosts = fleet(1..=1, |_, it| {
        tag(it, &[("Window", "night")]);
        it.instance.state = InstanceState::Stopped;
    });
    let plan = make(&inventory(hosts), &with(&[("night", vec![span(1, 9)])]));
    let recipe = plan.flow.recipe_of(fleetwright_flow::TargetId(0));
    let start = recipe.steps.iter().find(|step| &*step.name == "start").expect("started");
    assert!(start.in_window && recipe.reserve_seconds > 11_700);
}

#[test]
fn an_unknown_window_and_one_that_is_too_short_leave_the_host_out() {
    let hosts = fleet(1..=2, |number, it| {
        tag(it, &[("Window", if number == 1 { "nihgt" } else { "short" })]);
    });
    let plan = make(&inventory(hosts), &with(&[("short", vec![span(1, 3), span(25, 27)])]));
    let codes: Vec<&str> = plan.left_out.iter().map(|left| &*left.reasons[0]).collect();
    assert_eq!(codes, [code::WINDOW_UNKNOWN.id, code::WINDOW_TOO_SHORT.id]);
}

#[test]
fn what_earlier_runs_took_makes_room_in_a_short_window() {
    let hosts = || inventory(fleet(1..=1, |_, it| tag(it, &[("Window", "short")])));
    let learnt: BTreeMap<_, _> =
        [("patch", 400), ("reboot", 180), ("verify", 60), ("validate", 30), ("restore", 500)]
            .map(|(step, seconds)| (step.into(), seconds))
            .into();
    let request = with(&[("short", vec![span(1, 3)])]);
    assert_eq!(make(&hosts(), &request).left_out.len(), 1);
    let plan = make(&hosts(), &PlanRequest { learnt, ..request });
    let recipe = plan.flow.recipe_of(fleetwright_flow::TargetId(0));
    assert_eq!(recipe.steps[2].expected_seconds, 400);
    // Twice of each, and the time-out of the proof after restoring, which nobody has seen.
    assert_eq!(recipe.reserve_seconds, 2 * (400 + 180 + 60 + 30 + 500) + 1200);
}

#[test]
fn nothing_starts_in_the_cutoff_of_a_window() {
    let hosts = inventory(fleet(1..=1, |_, it| tag(it, &[("Window", "night")])));
    let mut request = with(&[("night", vec![span(1, 9)])]);
    request.windows.cutoffs.insert("night".into(), 5 * 3600);
    let plan = make(&hosts, &request);
    assert_eq!(plan.flow.recipe_of(fleetwright_flow::TargetId(0)).reserve_seconds, 5 * 3600);
}

#[test]
fn a_canary_is_chosen_from_the_window_that_opens_first() {
    let hosts = fleet(1..=12, |number, it| {
        tag(it, &[("Window", if number <= 6 { "sunday" } else { "tonight" })]);
    });
    let request = with(&[("sunday", vec![span(100, 110)]), ("tonight", vec![span(1, 9)])]);
    let roll_out = RollOut { canary: 1, ..RollOut::default() };
    let plan = make(&inventory(hosts), &PlanRequest { roll_out, ..request });
    assert_eq!(stages(&plan)[0].1, ["web-7"]);
}
