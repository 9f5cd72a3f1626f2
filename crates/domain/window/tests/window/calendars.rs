//! iCalendar texts: what is understood, and what is refused with its line.

use fleetwright_window::{Freeze, Zone};

use crate::{calendar, days, frozen, zone};

/// The times of a calendar in 2026 and 2027.
fn closed(text: &str) -> Vec<String> {
    frozen(text)
        .closed(days("2026-01-01", "2028-01-01"))
        .into_iter()
        .map(|one| one.span.to_string())
        .collect()
}

fn event(lines: &str) -> Vec<String> {
    closed(&calendar(lines))
}

#[test]
fn days_times_zones_and_lengths_are_understood() {
    assert_eq!(
        event("DTSTART;VALUE=DATE:20261224"),
        ["2026-12-23T23:00:00Z to 2026-12-24T23:00:00Z"],
        "one day"
    );
    assert_eq!(
        event("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227"),
        ["2026-12-23T23:00:00Z to 2026-12-26T23:00:00Z"],
        "the day of DTEND is no longer a part of it"
    );
    assert_eq!(
        event("DTSTART:20261224T180000Z\nDURATION:PT36H"),
        ["2026-12-24T18:00:00Z to 2026-12-26T06:00:00Z"]
    );
    assert_eq!(
        event("DTSTART:20261224T180000\nDTEND:20261226T060000"),
        ["2026-12-24T17:00:00Z to 2026-12-26T05:00:00Z"],
        "without a zone it is the freeze's own"
    );
    assert_eq!(
        event("DTSTART;TZID=America/New_York:20261224T180000\nDTEND;TZID=\"Europe/Berlin\":20261226T060000"),
        ["2026-12-24T23:00:00Z to 2026-12-26T05:00:00Z"]
    );
}

#[test]
fn a_rule_keeps_the_time_of_the_wall_over_a_change_of_clocks() {
    assert_eq!(
        event("DTSTART;TZID=Europe/Berlin:20261018T013000\nDURATION:PT2H\nRRULE:FREQ=WEEKLY;COUNT=3"),
        [
            "2026-10-17T23:30:00Z to 2026-10-18T01:30:00Z",
            "2026-10-24T23:30:00Z to 2026-10-25T01:30:00Z",
            "2026-11-01T00:30:00Z to 2026-11-01T02:30:00Z",
        ]
    );
    assert_eq!(
        event("DTSTART;TZID=Europe/Berlin:20260322T023000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=2")[1],
        "2026-03-29T01:30:00Z to 2026-03-29T02:30:00Z",
        "a skipped time is read with the offset before it (RFC 5545, 3.3.5)"
    );
    assert_eq!(
        event("DTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:P1D"),
        ["2026-03-28T11:00:00Z to 2026-03-29T10:00:00Z"],
        "a day in DURATION is one of the calendar, here of 23 hours"
    );
}

#[test]
fn a_long_event_is_still_seen_weeks_after_it_began() {
    let text = calendar("DTSTART;VALUE=DATE:20260101\nDURATION:P50D\nRRULE:FREQ=DAILY;INTERVAL=60");
    let late = frozen(&text).closed(days("2026-04-18", "2026-04-19"));
    assert_eq!(late.len(), 1, "the second, from March 2nd to April 20th");
}

#[test]
fn single_times_are_added_taken_out_and_replaced() {
    let master = "DTSTART:20261201T200000Z\nDURATION:PT2H\nRRULE:FREQ=DAILY;UNTIL=20261204T200000Z";
    assert_eq!(event(master).len(), 4, "the time of UNTIL is a part of it");
    let with = |more: &str| event(&format!("{master}\n{more}"));
    assert_eq!(
        with("EXDATE:20261202T200000Z,20261203T200000Z\nRDATE;TZID=Europe/Berlin:20261224T210000"),
        [
            "2026-12-01T20:00:00Z to 2026-12-01T22:00:00Z",
            "2026-12-04T20:00:00Z to 2026-12-04T22:00:00Z",
            "2026-12-24T20:00:00Z to 2026-12-24T22:00:00Z",
        ]
    );
    let moved = "END:VEVENT\nBEGIN:VEVENT\nUID:1@example.com\nRECURRENCE-ID:20261203T200000Z\nDTSTART:20261203T220000Z\nDURATION:PT1H";
    assert_eq!(with(moved)[2], "2026-12-03T22:00:00Z to 2026-12-03T23:00:00Z");
    assert_eq!(with(moved).len(), 4);
    let dropped = format!("{moved}\nSTATUS:CANCELLED");
    assert_eq!(with(&dropped).len(), 3);
    assert_eq!(event(&format!("{master}\nSTATUS:CANCELLED")), [""; 0]);
}

#[test]
fn what_only_describes_is_passed_over() {
    let described = "DTSTAMP:20260101T000000Z\nSUMMARY;LANGUAGE=en:Freeze\nDESCRIPTION:two\n  lines\nTRANSP:TRANSPARENT\n\
        ORGANIZER;CN=\"Ops: team\":mailto:ops@example.com\nX-ANYTHING:1\nDTSTART;VALUE=DATE:20261224\n\
        BEGIN:VALARM\nTRIGGER:-PT15M\nACTION:DISPLAY\nEND:VALARM\nDTEND;VALUE=DATE:20261225";
    assert_eq!(event(described).len(), 1);
    let zoned = "BEGIN:VCALENDAR\nVERSION:2.0\nX-CALENDAR-TYPE:DEFAULT_OPEN\nBEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\n\
        DTSTART:19701025T030000\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\n\
        END:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=Europe/Berlin:20261224T000000\nDURATION:P1D\nEND:VEVENT\nEND:VCALENDAR\n";
    assert_eq!(closed(zoned), ["2026-12-23T23:00:00Z to 2026-12-24T23:00:00Z"]);
}

/// What is refused in an event whose first line is line 6 of the text.
fn refused(lines: &str) -> Vec<String> {
    let faults = Freeze::new("x").with_icalendar(&calendar(lines), &zone("Europe/Berlin")).expect_err(lines);
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn what_could_move_a_freeze_is_refused_with_its_line() {
    const DAY: &str = "DTSTART;VALUE=DATE:20261224";
    const TIME: &str = "DTSTART:20261224T180000Z\nDURATION:PT1H";
    for (lines, line, says) in [
        (String::new(), 4, "no DTSTART"),
        ("DTSTART:20261224T180000Z".to_owned(), 4, "neither DTEND nor DURATION"),
        ("DTSTART:20261224".to_owned(), 6, "VALUE=DATE"),
        ("DTSTART;TZID=W. Europe Standard Time:20261224T180000".to_owned(), 6, "IANA"),
        ("DTSTART;TZID=Europe/Berlin:20261224T180000Z".to_owned(), 6, "is not a time"),
        ("DTSTART;VALUE=DATE:20261224,20261225".to_owned(), 6, "not several"),
        (format!("{DAY}\nDTEND;VALUE=DATE:20261224"), 7, "not after DTSTART"),
        (format!("{DAY}\nDTEND:20261225T000000Z"), 7, "is a day where"),
        (format!("{DAY}\nDURATION:PT8H"), 7, "has hours"),
        (format!("{DAY}\nDURATION:-P1D"), 7, "length of time"),
        (format!("{DAY}\nDTEND;VALUE=DATE:20261225\nDURATION:P1D"), 8, "beside DTEND"),
        (format!("{DAY}\n{DAY}"), 7, "twice"),
        (format!("{DAY}\nEXDATE:20261224T000000Z"), 7, "is a day where"),
        (format!("{TIME}\nRDATE;VALUE=PERIOD:20261224T180000Z/PT1H"), 8, "VALUE=`PERIOD`"),
        (format!("{DAY}\nEXRULE:FREQ=DAILY"), 7, "not understood"),
        (format!("{DAY}\nSTATUS:DONE"), 7, "`DONE`"),
        (format!("{DAY}\nRRULE:INTERVAL=2"), 7, "FREQ is missing"),
        (format!("{DAY}\nRRULE:FREQ=HOURLY"), 7, "`HOURLY`"),
        (format!("{DAY}\nRRULE:FREQ=DAILY;BYHOUR=3"), 7, "BYHOUR"),
        (format!("{DAY}\nRRULE:FREQ=YEARLY;BYWEEKNO=20"), 7, "BYWEEKNO"),
        (format!("{DAY}\nRRULE:FREQ=DAILY;COUNT=2;UNTIL=20261231"), 7, "UNTIL"),
        (format!("{DAY}\nRRULE:FREQ=DAILY;COUNT=2;COUNT=3"), 7, "twice"),
        (format!("{DAY}\nRRULE:FREQ=DAILY;INTERVAL=0"), 7, "INTERVAL"),
        (format!("{DAY}\nRRULE:FREQ=WEEKLY;BYDAY=2TU"), 7, "numbered BYDAY"),
        (format!("{DAY}\nRRULE:FREQ=WEEKLY;BYMONTHDAY=2"), 7, "BYMONTHDAY"),
        (format!("{DAY}\nRRULE:FREQ=MONTHLY;BYSETPOS=1"), 7, "BYSETPOS"),
        (format!("{DAY}\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261224T180000Z"), 7, "`RANGE`"),
        (format!("{DAY}\nBEGIN:VTODO\nEND:VTODO"), 7, "`VTODO`"),
    ] {
        let faults = refused(&lines);
        assert!(faults[0].starts_with(&format!("line {line}, ")), "{lines}: {faults:?}");
        assert!(faults[0].contains(says), "{lines}: {faults:?}");
    }
}

#[test]
fn a_fault_of_every_event_is_told_at_once() {
    let faults = refused("DTSTART:x\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20261224\nDUE:20261224");
    assert_eq!(faults.len(), 2, "{faults:?}");
}

#[test]
fn what_is_no_calendar_is_refused() {
    for (text, line, says) in [
        ("", 1, "no BEGIN:VCALENDAR"),
        ("<html>", 1, "a line begins"),
        ("BEGIN:VEVENT\nEND:VEVENT\n", 1, "`VEVENT`"),
        ("BEGIN:VCALENDAR\nVERSION:2.0\n", 1, "not closed"),
        ("BEGIN:VCALENDAR\nEND:VEVENT\n", 2, "does not close"),
        ("BEGIN:VCALENDAR\nVERSION:1.0\nEND:VCALENDAR", 2, "only 2.0"),
        ("BEGIN:VCALENDAR\nCALSCALE:JULIAN\nEND:VCALENDAR", 2, "GREGORIAN"),
        ("BEGIN:VCALENDAR\nX-CALENDAR-TYPE:DEFAULT_CLOSED\nEND:VCALENDAR", 2, "DEFAULT_OPEN"),
        ("BEGIN:VCALENDAR\nBEGIN:VJOURNAL\nEND:VJOURNAL\nEND:VCALENDAR", 2, "`VJOURNAL`"),
        ("BEGIN:VCALENDAR\nFREEZE:all\nEND:VCALENDAR", 2, "`FREEZE`"),
        ("VERSION:2.0\nBEGIN:VCALENDAR\nEND:VCALENDAR", 1, "outside"),
        ("END:VCALENDAR", 1, "without BEGIN"),
    ] {
        let faults = Freeze::new("x").with_icalendar(text, &Zone::utc()).expect_err(text);
        assert_eq!(faults[0].line, Some(line), "{text}: {}", faults[0]);
        assert!(faults[0].reason.contains(says), "{text}: {}", faults[0]);
    }
}
