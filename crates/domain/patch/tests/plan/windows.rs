//! Windows in plans: admission by arithmetic.

use fleetwright_flow::{Span, TargetId};
use fleetwright_model::{InstanceState, OsFamily, code};
use fleetwright_patch::plan::checker::{self, Invariant};
use fleetwright_patch::plan::durations::{LearntStep, Measure};
use fleetwright_patch::plan::policy::RebootStrategy;
use fleetwright_patch::plan::roll_out::{RollOut, WaveRequest};
use fleetwright_patch::plan::{Explanation, Learnt, PatchPlan, PlanRequest, Reserve, Windows, explain};
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
    let recipe = plan.flow.recipe_of(TargetId(0));
    assert_eq!(&*recipe.name, "running, in a window");
    let inside: Vec<&str> =
        recipe.steps.iter().filter(|step| step.in_window).map(|step| &*step.name).collect();
    assert_eq!(inside, ["patch", "reboot", "verify", "validate"]);
    // Nothing learnt yet: 30 + 10 + 5 + 5 min, back 20 + 5 min, and a minute of company at all but the
    // restoration.
    assert_eq!(recipe.reserve_seconds, (75 + 5) * 60);
    assert_eq!(plan.flow.recipe_of(TargetId(1)).reserve_seconds, 0);
}

#[test]
fn a_stopped_host_is_started_inside_its_window() {
    let hosts = fleet(1..=1, |_, it| {
        tag(it, &[("Window", "night")]);
        it.instance.state = InstanceState::Stopped;
    });
    let plan = make(&inventory(hosts), &with(&[("night", vec![span(1, 9)])]));
    let recipe = plan.flow.recipe_of(TargetId(0));
    let start = recipe.steps.iter().find(|step| &*step.name == "start").expect("started");
    assert!(start.in_window && recipe.reserve_seconds > (75 + 5) * 60);
}

#[test]
fn an_unknown_window_and_one_that_is_too_short_leave_the_host_out() {
    let hosts = fleet(1..=2, |number, it| {
        tag(it, &[("Window", if number == 1 { "nihgt" } else { "short" })]);
    });
    let plan = make(&inventory(hosts), &with(&[("short", vec![span(1, 2), span(25, 26)])]));
    let codes: Vec<&str> = plan.left_out.iter().map(|left| &*left.reasons[0]).collect();
    assert_eq!(codes, [code::WINDOW_UNKNOWN.id, code::WINDOW_TOO_SHORT.id]);
    assert_eq!(plan.left_out[0].detail, None);
    assert_eq!(
        plan.left_out[1].detail.as_deref(),
        Some(
            "window short is open for 1 h at most; needs 1 h 20 min: patch 31 min, reboot 11 min, verify 6 min, \
             validate 6 min; way back: restore 20 min, validate-restored 6 min; defaults, nothing learnt yet"
        )
    );
}

#[test]
fn on_the_first_day_everybody_fits_into_four_hours_and_not_everybody_into_two() {
    let hosts = || {
        inventory(fleet(1..=2, |number, it| {
            tag(it, &[("Window", "night")]);
            if number == 2 {
                it.instance.os = OsFamily::Windows;
            }
        }))
    };
    let four = make(&hosts(), &with(&[("night", vec![span(1, 5)])]));
    assert_eq!(four.left_out, []);
    let reserves: Vec<u32> = four.reserves.iter().map(Reserve::seconds).collect();
    assert_eq!(reserves, [80 * 60, 135 * 60]);
    let two = make(&hosts(), &with(&[("night", vec![span(1, 3)])]));
    let out: Vec<&str> = two.left_out.iter().map(|left| &*left.reasons[0]).collect();
    assert_eq!(out, [code::WINDOW_TOO_SHORT.id], "Windows");
    assert_eq!(two.work.len(), 1 + 1, "the other, and the clean-up");
}

#[test]
fn who_wants_time_outs_for_a_reserve_has_them() {
    let hosts = inventory(fleet(1..=1, |_, it| tag(it, &[("Window", "night")])));
    let mut request = with(&[("night", vec![span(1, 9)])]);
    request.windows.reserve = Measure::TimeOuts;
    let plan = make(&hosts, &request);
    // 4,500 + 1,200 + 1,800 + 1,200, back 1,800 + 1,200, and a minute at all but the restoration.
    assert_eq!(plan.flow.recipe_of(TargetId(0)).reserve_seconds, 11_700 + 5 * 60);
    assert_eq!(plan.reserves[0].basis(), "time-outs");
}

/// Every step took so many seconds, on 240 hosts of 3 runs.
fn took(seconds: &[(&str, u32)]) -> Learnt {
    seconds.iter().fold(Learnt::default(), |learnt, (step, most_seconds)| {
        let usual_seconds = most_seconds / 2;
        learnt.with(
            OsFamily::Linux,
            step,
            LearntStep { usual_seconds, most_seconds: *most_seconds, hosts: 240, runs: 3 },
        )
    })
}

#[test]
fn what_earlier_runs_took_makes_room_in_a_short_window() {
    let hosts = || inventory(fleet(1..=1, |_, it| tag(it, &[("Window", "short")])));
    let learnt = took(&[("patch", 400), ("reboot", 180), ("verify", 60), ("validate", 30), ("restore", 300)]);
    let request = with(&[("short", vec![span(1, 2)])]);
    assert_eq!(make(&hosts(), &request).left_out.len(), 1);
    let plan = make(&hosts(), &PlanRequest { learnt, ..request });
    let recipe = plan.flow.recipe_of(TargetId(0));
    assert_eq!(recipe.steps[2].expected_seconds, 200, "half of them were quicker");
    // Twice of each, and the default of the proof after restoring, which nobody has seen.
    assert_eq!(recipe.reserve_seconds, 2 * (400 + 180 + 60 + 30 + 300) + 300 + 5 * 60);
    assert_eq!(
        plan.reserves[0].basis(),
        "twice the 90th percentile of 240 hosts over 3 runs; defaults for validate-restored"
    );
}

#[test]
fn what_was_learnt_of_linux_says_nothing_of_windows() {
    let hosts = inventory(fleet(1..=1, |_, it| {
        tag(it, &[("Window", "night")]);
        it.instance.os = OsFamily::Windows;
    }));
    let learnt = took(&[("patch", 10), ("restore", 10)]);
    let plan = make(&hosts, &PlanRequest { learnt, ..with(&[("night", vec![span(1, 5)])]) });
    assert_eq!(plan.reserves[0].basis(), "defaults, nothing learnt yet");
}

#[test]
fn planner_kernel_and_checker_agree_to_the_second() {
    let hosts = || inventory(fleet(1..=1, |_, it| tag(it, &[("Window", "night")])));
    let from = span(1, 9).from;
    let lasting = |seconds: i64| {
        with(&[("night", vec![Span { from, until: from + jiff::SignedDuration::from_secs(seconds) }])])
    };
    let reserve: i64 = 80 * 60;
    assert_eq!(make(&hosts(), &lasting(reserve - 1)).left_out.len(), 1, "a second short");
    let plan = make(&hosts(), &lasting(reserve));
    assert_eq!(plan.left_out, [], "to the second; the checker of `make` agrees");
    let open = |plan: &PatchPlan, second: i64| {
        let at = from + jiff::SignedDuration::from_secs(second);
        plan.flow.windows[0].admission(plan.flow.recipes[0].reserve_seconds, at).is_open()
    };
    assert!(!open(&plan, -1) && open(&plan, 0) && !open(&plan, 1));

    // The same with a cutoff longer than the reserve.
    let with_cutoff = |seconds: i64| {
        let mut request = lasting(seconds);
        request.windows.cutoffs.insert("night".into(), 7_200);
        request
    };
    assert_eq!(make(&hosts(), &with_cutoff(7_199)).left_out.len(), 1);
    let plan = make(&hosts(), &with_cutoff(7_200));
    assert!(!open(&plan, -1) && open(&plan, 0) && !open(&plan, 1));
    let mut short = plan.clone();
    short.flow.windows[0].open[0].until -= jiff::SignedDuration::from_secs(1);
    let broken: Vec<Invariant> = checker::check(&short).iter().map(|found| found.invariant).collect();
    assert_eq!(broken, [Invariant::I11]);
}

#[test]
fn half_a_second_that_is_missing_is_missing() {
    let hosts = inventory(fleet(1..=1, |_, it| tag(it, &[("Window", "night")])));
    let mut request = with(&[("night", vec![span(-1, 4)])]);
    let half = jiff::SignedDuration::from_millis(500);
    request.now = span(0, 4).until - jiff::SignedDuration::from_secs(80 * 60) + half;
    let plan = make(&hosts, &request);
    assert_eq!(plan.left_out.len(), 1, "the kernel would let nobody in");
}

#[test]
fn the_reserve_has_room_for_the_company_that_lanes_gather() {
    let hosts = inventory(fleet(1..=1, |_, it| tag(it, &[("Window", "night")])));
    let mut plan = make(&hosts, &with(&[("night", vec![span(1, 9)])]));
    let recipe = &mut plan.flow.recipes[0];
    let expected: u32 = recipe.steps[2..].iter().chain(&recipe.undo).map(|step| step.expected_seconds).sum();
    recipe.reserve_seconds = expected + 5 * 60;
    assert_eq!(checker::check(&plan), []);
    plan.flow.recipes[0].reserve_seconds -= 1;
    let broken: Vec<Invariant> = checker::check(&plan).iter().map(|found| found.invariant).collect();
    assert_eq!(broken, [Invariant::I11]);
}

#[test]
fn nothing_starts_in_the_cutoff_of_a_window() {
    let hosts = inventory(fleet(1..=1, |_, it| tag(it, &[("Window", "night")])));
    let mut request = with(&[("night", vec![span(1, 9)])]);
    request.windows.cutoffs.insert("night".into(), 5 * 3600);
    let plan = make(&hosts, &request);
    assert_eq!(plan.flow.windows[0].cutoff_seconds, 5 * 3600);
    let open = |hour: i64| plan.flow.windows[0].admission(1, span(hour, 9).from).is_open();
    assert!(open(4) && !open(5));
    let explained = explain(&plan, "web-1");
    let Explanation::Planned(told) = &explained[0] else { panic!("{explained:?}") };
    let window = told.window.as_ref().expect("it has one");
    assert_eq!((window.reserve_seconds, window.last_start), (5 * 3600, Some(span(4, 9).from)));
}

#[test]
fn hosts_are_prepared_when_their_window_is_near() {
    let hosts = || {
        inventory(fleet(1..=2, |number, it| {
            if number == 1 {
                tag(it, &[("Window", "sunday")]);
            }
        }))
    };
    let mut request = with(&[("sunday", vec![span(100, 104)])]);
    request.windows.lead_seconds = 12 * 3600;
    let plan = make(&hosts(), &request);
    assert_eq!(plan.flow.recipe_of(TargetId(0)).lead_seconds, 12 * 3600);
    assert_eq!(plan.flow.recipe_of(TargetId(1)).lead_seconds, 0, "it has no window to wait for");
    let explained = explain(&plan, "web-1");
    let Explanation::Planned(told) = &explained[0] else { panic!("{explained:?}") };
    let window = told.window.as_ref().expect("it has one");
    assert_eq!(window.prepared_from, Some(span(88, 100).from));

    // An hour is not enough for 400 images, twenty at a time.
    let many = inventory(fleet(1..=400, |_, it| tag(it, &[("Window", "sunday")])));
    request.windows.lead_seconds = 3600;
    let plan = make(&many, &request);
    assert_eq!(plan.flow.recipe_of(TargetId(0)).lead_seconds, 2 * (20 * 600 + 30) + 900);
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

#[test]
fn who_fits_a_window_fits_it_whatever_its_wave_makes_of_its_recipe() {
    let hosts = inventory(fleet(1..=1, |_, it| tag(it, &[("Window", "night")])));
    // Without a reboot 68 min would do; the wave reboots.
    let from = span(1, 2).from;
    let until = from + jiff::SignedDuration::from_mins(75);
    let mut request = with(&[("night", vec![Span { from, until }])]);
    request.policy.reboot.strategy = RebootStrategy::Skip;
    assert_eq!(make(&hosts, &request).left_out, []);
    let wave = WaveRequest { reboot: Some(RebootStrategy::Force), ..WaveRequest::default() };
    request.roll_out.waves = vec![wave];
    let left_out = make(&hosts, &request).left_out;
    assert_eq!(&*left_out[0].reasons[0], code::WINDOW_TOO_SHORT.id);
}
