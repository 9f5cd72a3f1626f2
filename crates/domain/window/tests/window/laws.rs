//! What holds of every opening, whatever the schedules and freezes.

use fleetwright_window::{Freeze, Opening, Schedule, Span, Standing, open};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::{at, calendar, days, inline, schedule, zone};

const ZONES: [&str; 5] = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"];

fn any_zone() -> impl Strategy<Value = &'static str> {
    prop::sample::select(ZONES.to_vec())
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let day = prop::sample::select(vec!["Sun", "Mon-Fri", "daily", "Sat/Sun", "last Sun", "2nd Tue"]);
    let by_clock =
        (day, 0_u32..24, 1_u32..24, 0_u32..60, any_zone()).prop_map(|(day, from, hours, minute, zone)| {
            let until = (from + hours) % 24;
            inline(&format!("{day} {from:02}:{minute:02}-{until:02}:{minute:02} {zone} cutoff 20m"))
        });
    let by_cron = (0_u32..60, 0_u32..24, 0_u32..7, 1_i64..25, any_zone()).prop_map(
        |(minute, hour, day, hours, zone)| schedule(&format!("{minute} {hour} * * {day}"), zone, hours),
    );
    prop_oneof![by_clock, by_cron]
}

fn any_freeze() -> impl Strategy<Value = Freeze> {
    let dates = (1_i8..29, 0_i64..12, 1_i8..13, any_zone()).prop_map(|(day, length, month, name)| {
        let first = jiff::civil::date(2026, month, day);
        let last = first.checked_add(jiff::Span::new().days(length)).expect("a day");
        Freeze::new("dates").with_dates(&format!("{first}..{last}"), &zone(name)).expect("dates")
    });
    let rule = prop::sample::select(vec![
        "FREQ=DAILY;INTERVAL=5",
        "FREQ=MONTHLY;BYDAY=-1SU",
        "FREQ=WEEKLY;BYDAY=SU,TU",
    ]);
    let events = (rule, 0_u32..24, 1_u32..600, any_zone()).prop_map(|(rule, hour, hours, name)| {
        let text = calendar(&format!(
            "DTSTART;TZID={name}:20260101T{hour:02}3000\nDURATION:PT{hours}H\nRRULE:{rule}"
        ));
        Freeze::new("events").with_icalendar(&text, &zone("UTC")).expect("a calendar")
    });
    prop_oneof![dates, events]
}

fn any_world() -> impl Strategy<Value = (Vec<Schedule>, Vec<Freeze>)> {
    (prop::collection::vec(any_schedule(), 0..4), prop::collection::vec(any_freeze(), 0..4))
}

/// Up to this many hours of 2026 after a moment of it.
fn any_range() -> impl Strategy<Value = Span> {
    (0_i64..8_000, 1_i64..2_000).prop_map(|(from, hours)| {
        let from = at("2026-01-01T00:00:00Z") + SignedDuration::from_hours(from);
        Span::new(from, from + SignedDuration::from_hours(hours)).expect("not empty")
    })
}

fn in_order_and_apart(spans: &[Span]) -> bool {
    spans.windows(2).all(|pair| pair[0].until() < pair[1].from())
}

/// The part of spans before a moment.
fn before(spans: &[Span], end: Timestamp) -> Vec<Span> {
    spans.iter().filter_map(|span| Span::new(span.from(), span.until().min(end))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn spans_are_in_order_apart_and_within_the_range((schedules, freezes) in any_world(), range in any_range()) {
        let opening = open(&schedules, &freezes, range);
        for spans in [&opening.open, &opening.starts, &opening.windows] {
            prop_assert!(in_order_and_apart(spans));
            prop_assert!(spans.iter().all(|span| span.overlap(range) == Some(*span)));
        }
    }

    #[test]
    fn nothing_is_open_in_a_freeze_and_nothing_starts_while_closed(
        (schedules, freezes) in any_world(),
        range in any_range(),
    ) {
        let opening = open(&schedules, &freezes, range);
        for freeze in &freezes {
            for closed in freeze.closed(range) {
                prop_assert!(opening.open.iter().all(|span| span.overlap(closed.span).is_none()));
            }
        }
        for start in &opening.starts {
            prop_assert!(opening.open.iter().any(|open| open.overlap(*start) == Some(*start)));
        }
    }

    #[test]
    fn what_is_not_open_is_closed_by_a_freeze_that_is_named((schedules, freezes) in any_world(), range in any_range()) {
        let opening = open(&schedules, &freezes, range);
        for window in &opening.windows {
            for moment in [window.from(), window.until() - SignedDuration::from_secs(1)] {
                let named = !matches!(opening.at(moment), Standing::Closed { by: None, .. });
                prop_assert!(named, "{moment}");
            }
        }
    }

    #[test]
    fn a_longer_horizon_only_adds((schedules, freezes) in any_world(), range in any_range(), more in 1_i64..500) {
        let short = open(&schedules, &freezes, range);
        let until = range.until() + SignedDuration::from_hours(more);
        let long = open(&schedules, &freezes, Span::new(range.from(), until).expect("longer"));
        let cut = |opening: &Opening| {
            [&opening.windows, &opening.open, &opening.starts].map(|spans| before(spans, range.until()))
        };
        prop_assert_eq!(cut(&short), cut(&long));
    }

    #[test]
    fn a_length_in_hours_is_hours_that_pass(hour in 0_u32..24, minute in 0_u32..60, hours in 1_i64..25, name in any_zone()) {
        let daily = schedule(&format!("{minute} {hour} * * *"), name, hours);
        let year = daily.occurrences(days("2026-01-01", "2027-01-01"));
        prop_assert!((365..=368).contains(&year.len()), "{} windows", year.len());
        prop_assert!(year.iter().all(|window| window.span.length() == SignedDuration::from_hours(hours)));
    }

    #[test]
    fn a_part_of_the_year_is_told_as_when_the_whole_is_asked_for(
        schedule in any_schedule(),
        freeze in any_freeze(),
        range in any_range(),
    ) {
        let wide = days("2025-06-01", "2028-01-01");
        let meets = |span: Span| span.overlap(range).is_some();
        let mut all = schedule.occurrences(wide);
        all.retain(|one| meets(one.span));
        prop_assert_eq!(schedule.occurrences(range), all);
        let mut all = freeze.closed(wide);
        all.retain(|one| meets(one.span));
        prop_assert_eq!(freeze.closed(range), all);
    }
}
