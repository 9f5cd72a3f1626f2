//! Whatever is handed in, nothing panics, and a fault points into the text.

use fleetwright_window::{Freeze, Schedule, Shape, WindowTag, Zone, open};
use jiff::SignedDuration;
use proptest::prelude::*;

use crate::{calendar, days};

fn shape() -> Shape {
    Shape { duration: Some(SignedDuration::from_hours(4)), ..Shape::default() }
}

/// Lines as calendars have them, and nearly so.
fn any_line() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "DTSTART",
        "DTEND",
        "DURATION",
        "RRULE",
        "RDATE",
        "EXDATE",
        "RECURRENCE-ID",
        "STATUS",
        "UID",
        "SUMMARY",
        "BEGIN",
        "END",
        "X-A",
        " ",
        "",
    ]);
    let parameter = prop::sample::select(vec![
        "",
        ";VALUE=DATE",
        ";VALUE=DATE-TIME",
        ";TZID=Europe/Berlin",
        ";TZID=\"Asia/Tokyo\"",
        ";TZID=CEST",
        ";X-A=\"",
        ";",
        ";RANGE=THISANDFUTURE",
    ]);
    let value = prop_oneof![
        prop::sample::select(vec![
            "20261224",
            "20261224T180000",
            "20261224T180000Z",
            "19700101",
            "21991231",
            "21991231T235959Z",
            "P1D",
            "PT8H",
            "P10Y",
            "PT999999999S",
            "FREQ=DAILY",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=WEEKLY;INTERVAL=10000;COUNT=10000",
            "FREQ=MONTHLY;BYDAY=-1FR;BYSETPOS=-1;WKST=SU;UNTIL=20301231",
            "FREQ=YEARLY;BYDAY=53MO,-53TU",
            "VEVENT",
            "VALARM",
            "VTIMEZONE",
            "VCALENDAR",
            "CANCELLED",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,20}",
    ];
    (name, parameter, value).prop_map(|(name, parameter, value)| format!("{name}{parameter}:{value}"))
}

proptest! {
    #[test]
    fn a_calendar_of_any_lines_is_read_or_refused(lines in prop::collection::vec(any_line(), 0..12)) {
        let text = calendar(&lines.join("\n"));
        match Freeze::new("any").with_icalendar(&text, &Zone::utc()) {
            Ok(freeze) => {
                let range = days("2026-01-01", "2028-01-01");
                for closed in freeze.closed(range) {
                    prop_assert!(closed.span.overlap(range).is_some());
                }
            }
            Err(faults) => {
                let count = u32::try_from(text.lines().count()).expect("few lines");
                prop_assert!(!faults.is_empty());
                for fault in faults {
                    prop_assert!(fault.line.is_some_and(|line| (1..=count).contains(&line)), "{fault}");
                }
            }
        }
    }

    #[test]
    fn a_calendar_of_any_characters_is_read_or_refused(text in "[\\PC\r\n\t]{0,200}") {
        let _ = Freeze::new("any").with_icalendar(&text, &Zone::utc());
        let _ = Freeze::new("any").with_icalendar(&calendar(&text), &Zone::utc());
    }

    #[test]
    fn a_calendar_cut_off_anywhere_is_refused(at in 0_usize..150) {
        let text = calendar("DTSTART;VALUE=DATE:20261224\nRRULE:FREQ=DAILY;COUNT=3\nSUMMARY:Ünder");
        prop_assume!(text.is_char_boundary(at) && at < text.trim_end().len());
        prop_assert!(Freeze::new("cut").with_icalendar(&text[..at], &Zone::utc()).is_err());
    }

    #[test]
    fn schedules_tags_and_dates_of_any_characters_are_read_or_refused(
        text in prop_oneof![
            "\\PC{0,40}",
            "(cron\\(|at\\(|)[0-9*/,?LW# -]{0,30}\\)?",
            "[0-9*/,#LWA-Z-]{1,5}( [0-9*/,#LWA-Z-]{1,5}){4}",
            "(2nd |last |)(Sun|Mon-Fri|daily) [0-9:]{3,5}-[0-9:]{3,5} (UTC|Asia/Tokyo)( cutoff [0-9hm]{1,5}|)",
            "[0-9T:-]{0,16}(\\.\\.|)[0-9T:-]{0,16}",
        ]
    ) {
        let end = u32::try_from(text.chars().count()).expect("short") + 1;
        match Schedule::parse(&text, shape()) {
            Ok(schedule) => {
                let opening = open(&[schedule], &[], days("2026-02-01", "2026-04-15"));
                prop_assert!(opening.open.len() <= 80 * 24);
            }
            Err(fault) => prop_assert!((1..=end).contains(&fault.column), "{text:?}: {fault}"),
        }
        if let Err(fault) = WindowTag::parse(&text) {
            prop_assert!((1..=end).contains(&fault.column), "{text:?}: {fault}");
        }
        if let Err(fault) = Freeze::new("any").with_dates(&text, &Zone::utc()) {
            prop_assert!((1..=end).contains(&fault.column), "{text:?}: {fault}");
        }
    }
}
