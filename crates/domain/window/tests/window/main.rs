//! Windows, freezes and calendars as people write them, and what becomes of them.

mod any_text;
mod calendars;
mod clock_changes;
mod laws;
mod openings;
mod recurrences;

use fleetwright_window::{Freeze, Schedule, Shape, Span, Zone};
use jiff::{SignedDuration, Timestamp};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|_| panic!("{text} is a moment"))
}

/// From one day of UTC to another.
fn days(from: &str, until: &str) -> Span {
    Span::new(at(&format!("{from}T00:00:00Z")), at(&format!("{until}T00:00:00Z"))).expect("not empty")
}

fn zone(name: &str) -> Zone {
    Zone::named(name).expect("a zone")
}

/// A schedule that is open for some hours.
fn schedule(text: &str, zone_name: &str, hours: i64) -> Schedule {
    let shape = Shape {
        zone: Some(zone(zone_name)),
        duration: Some(SignedDuration::from_hours(hours)),
        cutoff: None,
    };
    Schedule::parse(text, shape).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

/// A schedule that says everything itself.
fn inline(text: &str) -> Schedule {
    Schedule::parse(text, Shape::default()).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

/// A calendar with these lines in one event, in the time of Berlin.
fn calendar(lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//fleetwright//test//EN\r\nBEGIN:VEVENT\r\nUID:1@example.com\r\n{}END:VEVENT\r\nEND:VCALENDAR\r\n",
        lines.lines().map(|line| format!("{line}\r\n")).collect::<String>()
    )
}

fn frozen(text: &str) -> Freeze {
    let berlin = zone("Europe/Berlin");
    Freeze::new("calendar").with_icalendar(text, &berlin).unwrap_or_else(|faults| panic!("{}", faults[0]))
}

fn shown(spans: &[Span]) -> Vec<String> {
    spans.iter().map(Span::to_string).collect()
}
