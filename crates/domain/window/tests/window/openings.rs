//! Windows minus freezes, and what is said of closed ones.

use fleetwright_window::{Calendar, Freeze, Schedule, Shape, Standing, Unresolved, open};
use jiff::SignedDuration;

use crate::{at, calendar, days, frozen, inline, schedule, shown, zone};

#[test]
fn a_freeze_closes_the_windows_it_meets_and_is_named() {
    let nights = [inline("Sun 23:00-03:00 Europe/Berlin cutoff 1h")];
    let freeze =
        Freeze::new("year-end").with_dates("2026-12-21..2027-01-03", &zone("Europe/Berlin")).expect("dates");
    let opening = open(&nights, &[freeze], days("2026-12-13", "2027-01-11"));
    assert_eq!(
        shown(&opening.open),
        [
            "2026-12-13T22:00:00Z to 2026-12-14T02:00:00Z",
            "2026-12-20T22:00:00Z to 2026-12-20T23:00:00Z",
            "2027-01-03T23:00:00Z to 2027-01-04T02:00:00Z",
            "2027-01-10T22:00:00Z to 2027-01-11T00:00:00Z",
        ],
        "cut at midnight on both sides; the range cuts the last"
    );
    assert_eq!(
        shown(&opening.starts),
        [
            "2026-12-13T22:00:00Z to 2026-12-14T01:00:00Z",
            "2027-01-03T23:00:00Z to 2027-01-04T01:00:00Z",
            "2027-01-10T22:00:00Z to 2027-01-11T00:00:00Z",
        ],
        "the hour before the freeze is all cutoff; the range's end cuts nothing off"
    );
    let told: Vec<String> = opening.closed.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "closed by freeze year-end (2026-12-21..2027-01-03) from 2026-12-20T23:00:00Z to 2027-01-03T23:00:00Z"
        ]
    );
}

#[test]
fn how_it_stands_is_told_for_every_moment() {
    let nights = [inline("Sun 23:00-03:00 Europe/Berlin cutoff 1h")];
    let freeze = Freeze::new("audit").with_dates("2026-12-14", &zone("Europe/Berlin")).expect("a date");
    let opening = open(&nights, &[freeze], days("2026-12-01", "2026-12-21"));
    let standing = |moment: &str| opening.at(at(moment));
    assert_eq!(standing("2026-12-06T22:00:00Z"), Standing::Open { until: at("2026-12-07T02:00:00Z") });
    assert_eq!(standing("2026-12-07T01:00:00Z"), Standing::CutOff { until: at("2026-12-07T02:00:00Z") });
    let next = Some(at("2026-12-13T22:00:00Z"));
    assert_eq!(standing("2026-12-07T02:00:00Z"), Standing::Closed { by: None, next });
    let Standing::Closed { by: Some(closure), next } = standing("2026-12-14T00:00:00Z") else {
        panic!("closed by the freeze");
    };
    assert_eq!((closure.freeze.as_str(), next), ("audit", Some(at("2026-12-20T22:00:00Z"))));
    assert_eq!(
        standing("2026-12-14T12:00:00Z"),
        Standing::Closed { by: None, next },
        "no window at noon, freeze or not"
    );
}

#[test]
fn windows_that_overlap_or_touch_are_one_and_end_with_the_last() {
    let shape = |cutoff| Shape { cutoff, ..Shape::default() };
    let nights = [
        Schedule::parse("Sat 22:00-02:00 UTC", shape(Some(SignedDuration::from_hours(1)))).expect("valid"),
        Schedule::parse("Sun 01:00-05:00 UTC", shape(Some(SignedDuration::from_mins(30)))).expect("valid"),
        schedule("0 5 * * SUN", "UTC", 2),
    ];
    let opening = open(&nights, &[], days("2026-11-21", "2026-11-23"));
    assert_eq!(shown(&opening.open), ["2026-11-21T22:00:00Z to 2026-11-22T07:00:00Z"]);
    assert_eq!(
        shown(&opening.starts),
        ["2026-11-21T22:00:00Z to 2026-11-22T04:30:00Z", "2026-11-22T05:00:00Z to 2026-11-22T07:00:00Z"]
    );
    assert_eq!(opening.cutoff, SignedDuration::from_hours(1));
}

#[test]
fn a_window_that_is_open_already_is_seen_and_one_that_opens_at_the_end_is_not() {
    let nights = [inline("daily 22:00-02:00 UTC")];
    let opening = open(&nights, &[], days("2026-11-21", "2026-11-22"));
    assert_eq!(
        shown(&opening.open),
        ["2026-11-21T00:00:00Z to 2026-11-21T02:00:00Z", "2026-11-21T22:00:00Z to 2026-11-22T00:00:00Z"]
    );
}

#[test]
fn a_window_may_be_once() {
    assert_eq!(Schedule::check("at(2026-12-06T23:00)"), Ok(()), "its duration is given beside it");
    let once = [schedule("at(2026-12-06T23:00)", "Europe/Berlin", 4)];
    let opening = open(&once, &[], days("2026-11-01", "2027-11-01"));
    assert_eq!(shown(&opening.open), ["2026-12-06T22:00:00Z to 2026-12-07T02:00:00Z"]);
}

#[test]
fn an_event_of_a_calendar_is_named_by_its_summary() {
    let text = calendar(
        "SUMMARY:Quarter end\\, all regions\nDTSTART;VALUE=DATE:20261231\nDTEND;VALUE=DATE:20270102",
    );
    let opening =
        open(&[inline("daily 00:00-24:00 UTC")], &[frozen(&text)], days("2026-12-30", "2027-01-03"));
    assert_eq!(
        shown(&opening.open),
        ["2026-12-30T00:00:00Z to 2026-12-30T23:00:00Z", "2027-01-01T23:00:00Z to 2027-01-03T00:00:00Z"]
    );
    assert!(
        opening.closed[0]
            .to_string()
            .starts_with("closed by freeze calendar (Quarter end, all regions) from")
    );
}

#[test]
fn a_schedule_without_what_it_needs_is_refused() {
    let refused = |text: &str, shape: Shape| Schedule::parse(text, shape).expect_err(text).to_string();
    let hours = |hours| Some(SignedDuration::from_hours(hours));
    let bare = Shape::default();
    assert!(refused("0 23 * * SUN", bare.clone()).contains("needs a duration"));
    assert!(refused("rate(7 days)", bare.clone()).contains("when it begins"));
    assert!(refused("at(tomorrow)", bare.clone()).starts_with("column 4"));
    let with = |duration, cutoff| Shape { duration, cutoff, ..Shape::default() };
    assert!(refused("0 23 * * SUN", with(hours(25), None)).contains("1h to 24h, found 25h"));
    assert!(refused("0 23 * * SUN", with(hours(0), None)).contains("1h to 24h"));
    assert!(refused("0 23 * * SUN", with(hours(2), hours(2))).contains("shorter than the window"));
    assert!(refused("Sun 23:00-03:00 UTC", with(hours(4), None)).contains("take one of them out"));
    let zoned = Shape { zone: Some(zone("Europe/Berlin")), ..Shape::default() };
    assert!(refused("Sun 23:00-03:00 UTC", zoned).contains("zone is given twice"));
    assert_eq!(schedule("0 23 * * SUN", "Europe/Berlin", 4).to_string(), "0 23 * * SUN for 4h Europe/Berlin");
    assert_eq!(inline("Sun 23:00-03:00 UTC").to_string(), "Sun 23:00-03:00 UTC");
}

#[test]
fn the_tag_of_a_host_leads_to_its_window_or_says_why_not() {
    let windows = [("sunday-night".to_owned(), vec![inline("Sun 23:00-03:00 Europe/Berlin")])].into();
    let calendar = Calendar { windows, freezes: Vec::new() };
    let range = days("2026-12-01", "2026-12-08");
    let named = calendar.opening("sunday-night", range).expect("known");
    assert_eq!(calendar.opening("Sun 23:00-03:00 Europe/Berlin", range), Ok(named));
    let unknown = calendar.opening("monday-night", range).expect_err("unknown");
    assert_eq!(unknown, Unresolved::Unknown("monday-night".to_owned()));
    let faulty = calendar.opening("Son 23:00-03:00 Europe/Berlin", range).expect_err("faulty").to_string();
    assert!(faulty.starts_with("not a window, column 1: `Son` is not a day"), "{faulty}");
}

#[test]
fn a_freeze_just_behind_the_horizon_already_keeps_starts_from_its_cutoff() {
    let nights = [inline("daily 22:00-02:00 UTC cutoff 1h")];
    let freeze =
        Freeze::new("audit").with_dates("2026-12-02T00:30..2026-12-03T00:00", &zone("UTC")).expect("dates");
    let opening = open(&nights, &[freeze], days("2026-12-01", "2026-12-02"));
    assert_eq!(
        shown(&opening.starts)[1..],
        ["2026-12-01T22:00:00Z to 2026-12-01T23:30:00Z"],
        "an hour before the window ends, which is when the freeze begins"
    );
    assert_eq!(shown(&opening.open)[1..], ["2026-12-01T22:00:00Z to 2026-12-02T00:00:00Z"]);
}
