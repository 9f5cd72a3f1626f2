use std::time::Duration;

use fleetwright_model::Phase::Patch;

use super::kind::hours;
use super::{Key, Kind, TextForm};

pub(super) static KEYS: &[Key] = &[
    Key::new(
        "windows.*.schedule",
        Kind::List(TextForm::Schedule),
        "[\"cron(0 0 23 ? * SUN *)\"]",
        "When the window opens: AWS's `cron(…)`, five cron fields, once as `at(2026-12-06T23:00)`, or days with \
         opening and closing time such as `Sun 23:00-03:00`. With several it is open whenever one of them is.",
    )
    .phases(&[Patch]),
    Key::new(
        "windows.*.time_zone",
        Kind::Text(TextForm::TimeZone),
        "Europe/Berlin",
        "The time zone of the schedule; UTC without one. On nights on which clocks are set a start that is \
         skipped is the first moment after it, and one that comes twice is the first of the two.",
    )
    .phases(&[Patch]),
    Key::new(
        "windows.*.duration",
        Kind::Duration { min: hours(1), max: hours(24) },
        "4h",
        "How long the window is open, in hours that pass; not beside a schedule with a closing time.",
    )
    .phases(&[Patch]),
    Key::new(
        "windows.*.cutoff",
        Kind::Duration { min: Duration::ZERO, max: hours(23) },
        "30m",
        "Nothing is started in so much of the window's end; shorter than the window.",
    )
    .phases(&[Patch]),
    Key::new(
        "freezes.*.dates",
        Kind::List(TextForm::Dates),
        "[2026-12-20..2027-01-06]",
        "Days on which nothing is changed, whatever the windows say: `2026-12-24`, or two with `..` between \
         them, both included; with times (`2026-12-31T18:00..2027-01-01T06:00`) up to the second.",
    )
    .phases(&[Patch]),
    Key::new(
        "freezes.*.calendars",
        Kind::List(TextForm::Path),
        "[freezes.ics]",
        "iCalendar files (RFC 5545) whose events are times at which nothing is changed. A line that is not \
         understood is an error, never passed over.",
    )
    .phases(&[Patch]),
    Key::new(
        "freezes.*.time_zone",
        Kind::Text(TextForm::TimeZone),
        "Europe/Berlin",
        "The time zone of the dates, and of events that name none; UTC without one.",
    )
    .phases(&[Patch]),
];
