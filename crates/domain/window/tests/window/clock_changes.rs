//! Nights on which clocks are set, in zones that set them by an hour, by half an hour, and not at all.

use fleetwright_window::{Schedule, Span};

use crate::{days, inline, schedule};

/// The windows of a schedule, with the hours each is open.
fn windows(schedule: &Schedule, range: Span) -> Vec<String> {
    let one = |span: Span| format!("{span} ({}m)", span.length().as_mins());
    schedule.occurrences(range).into_iter().map(|occurrence| one(occurrence.span)).collect()
}

#[test]
fn a_window_over_the_change_lasts_as_many_hours_as_it_says_in_berlin() {
    let sunday_night = schedule("cron(0 0 23 ? * SAT *)", "Europe/Berlin", 4);
    assert_eq!(
        windows(&sunday_night, days("2026-03-21", "2026-04-05")),
        [
            "2026-03-21T22:00:00Z to 2026-03-22T02:00:00Z (240m)",
            "2026-03-28T22:00:00Z to 2026-03-29T02:00:00Z (240m)",
            "2026-04-04T21:00:00Z to 2026-04-05T01:00:00Z (240m)",
        ],
        "closes at 03:00, at 04:00 on the night of the change, at 03:00"
    );
    assert_eq!(
        windows(&sunday_night, days("2026-10-24", "2026-10-26")),
        ["2026-10-24T21:00:00Z to 2026-10-25T01:00:00Z (240m)"],
        "closes at 02:00, the second of the two"
    );
}

#[test]
fn a_closing_time_is_kept_and_makes_the_night_longer_or_shorter() {
    let nights = inline("Sat 23:00-03:00 Europe/Berlin");
    assert_eq!(
        windows(&nights, days("2026-03-28", "2026-03-30")),
        ["2026-03-28T22:00:00Z to 2026-03-29T01:00:00Z (180m)"]
    );
    assert_eq!(
        windows(&nights, days("2026-10-24", "2026-10-26")),
        ["2026-10-24T21:00:00Z to 2026-10-25T02:00:00Z (300m)"]
    );
}

#[test]
fn a_start_that_is_skipped_is_the_first_moment_after_and_one_shown_twice_is_once() {
    let early = schedule("30 2 * * *", "Europe/Berlin", 2);
    assert_eq!(
        windows(&early, days("2026-03-28", "2026-03-31"))[1],
        "2026-03-29T01:00:00Z to 2026-03-29T03:00:00Z (120m)",
        "at 03:00, not at 03:30"
    );
    assert_eq!(
        windows(&early, days("2026-10-25", "2026-10-26")),
        ["2026-10-25T00:30:00Z to 2026-10-25T02:30:00Z (120m)"],
        "once, the first time"
    );
    let twice = schedule("15,45 2 29 3 *", "Europe/Berlin", 1);
    assert_eq!(windows(&twice, days("2026-03-29", "2026-03-30")).len(), 1, "both starts are skipped to one");
}

#[test]
fn a_window_within_the_skipped_hour_does_not_open_that_night() {
    let within = inline("daily 02:00-03:00 Europe/Berlin");
    assert_eq!(
        windows(&within, days("2026-03-28", "2026-03-31")),
        [
            "2026-03-28T01:00:00Z to 2026-03-28T02:00:00Z (60m)",
            "2026-03-30T00:00:00Z to 2026-03-30T01:00:00Z (60m)"
        ]
    );
}

#[test]
fn a_closing_time_shown_twice_is_the_first_of_the_two() {
    let until_half_past = inline("Sat 23:00-02:30 Europe/Berlin");
    assert_eq!(
        windows(&until_half_past, days("2026-10-24", "2026-10-26")),
        ["2026-10-24T21:00:00Z to 2026-10-25T00:30:00Z (210m)"]
    );
}

#[test]
fn new_york_changes_on_its_own_nights() {
    let early = schedule("cron(30 2 ? * SUN *)", "America/New_York", 3);
    assert_eq!(
        windows(&early, days("2026-03-08", "2026-03-09")),
        ["2026-03-08T07:00:00Z to 2026-03-08T10:00:00Z (180m)"],
        "02:30 is skipped; opens at 03:00 EDT"
    );
    let repeated = schedule("cron(30 1 ? * SUN *)", "America/New_York", 3);
    assert_eq!(
        windows(&repeated, days("2026-11-01", "2026-11-02")),
        ["2026-11-01T05:30:00Z to 2026-11-01T08:30:00Z (180m)"],
        "01:30 EDT, not again at 01:30 EST"
    );
}

#[test]
fn lord_howe_sets_its_clocks_by_half_an_hour() {
    let nights = inline("Sun 01:00-04:00 Australia/Lord_Howe");
    assert_eq!(
        windows(&nights, days("2026-10-03", "2026-10-04")),
        ["2026-10-03T14:30:00Z to 2026-10-03T17:00:00Z (150m)"]
    );
    assert_eq!(
        windows(&nights, days("2026-04-04", "2026-04-05")),
        ["2026-04-04T14:00:00Z to 2026-04-04T17:30:00Z (210m)"]
    );
    let skipped = schedule("15 2 * * SUN", "Australia/Lord_Howe", 1);
    assert_eq!(
        windows(&skipped, days("2026-10-03", "2026-10-04")),
        ["2026-10-03T15:30:00Z to 2026-10-03T16:30:00Z (60m)"],
        "02:15 is skipped; opens at 02:30"
    );
}

#[test]
fn where_no_clock_is_set_every_night_is_alike() {
    for (name, opens) in [("Asia/Kolkata", "17:30"), ("UTC", "23:00")] {
        let nights = inline(&format!("daily 23:00-03:00 {name}"));
        let year = windows(&nights, days("2026-01-01", "2027-01-01"));
        assert!((365..=366).contains(&year.len()), "{name}");
        let alike = |night: &String| night.contains(&format!("T{opens}:00Z to")) && night.ends_with("(240m)");
        assert!(year.iter().all(alike), "{name}");
    }
}

#[test]
fn a_day_long_window_over_a_short_day_is_still_seen_on_the_day_after_it() {
    let day_long = schedule("30 23 28 3 *", "Europe/Berlin", 24);
    let whole = "2026-03-28T22:30:00Z to 2026-03-29T22:30:00Z (1440m)";
    let from = crate::at("2026-03-29T22:15:00Z");
    let later = Span::new(from, crate::at("2026-03-30T22:00:00Z")).expect("a range");
    assert_eq!(windows(&day_long, later), [whole], "it is 00:15 of the 30th there");
}
