//! Windows and freezes in a configuration.

use fleetwright_config::SourceText;
use fleetwright_window::{Span, open};

use crate::{lines, resolve_file};

const GOOD: &str = "\
safety:
  window: sunday-night
windows:
  sunday-night:
    schedule: cron(0 0 23 ? * SUN *)
    time_zone: Europe/Berlin
    duration: 4h
    cutoff: 30m
  weekdays:
    schedule: [\"Mon-Thu 22:00-02:00\", 'Fri 23:00-03:00']
    time_zone: America/New_York
freezes:
  year-end:
    dates: [2026-12-20..2027-01-06, 2026-11-27]
    calendars: freezes.ics
    time_zone: Europe/Berlin
";

fn faults(text: &str) -> Vec<String> {
    lines(&resolve_file(SourceText::new("windows.yaml", text)).expect_err("faulty"))
}

#[test]
fn windows_and_freezes_reach_the_settings_as_schedules() {
    let settings = resolve_file(SourceText::new("windows.yaml", GOOD)).expect("valid").settings;
    assert_eq!(settings.safety.window.as_deref(), Some("sunday-night"));
    assert_eq!(settings.windows["weekdays"].len(), 2);
    let freeze = &settings.freezes["year-end"];
    assert_eq!(
        (freeze.calendars.as_slice(), freeze.time_zone.name()),
        (["freezes.ics".to_owned()].as_slice(), "Europe/Berlin")
    );

    let at = |text: &str| text.parse().expect("a moment");
    let december = Span::new(at("2026-12-01T00:00:00Z"), at("2027-01-01T00:00:00Z")).expect("a range");
    let opening = open(&settings.windows["sunday-night"], std::slice::from_ref(&freeze.freeze), december);
    let starts: Vec<String> = opening.starts.iter().map(Span::to_string).collect();
    assert_eq!(
        starts,
        ["2026-12-06T22:00:00Z to 2026-12-07T01:30:00Z", "2026-12-13T22:00:00Z to 2026-12-14T01:30:00Z"]
    );
}

#[test]
fn an_environment_may_change_a_part_of_a_window() {
    let text = format!(
        "environment: prod\n{GOOD}environments:\n  prod:\n    windows:\n      sunday-night:\n        duration: 2h\n"
    );
    let settings = resolve_file(SourceText::new("windows.yaml", text)).expect("valid").settings;
    assert_eq!(
        settings.windows["sunday-night"][0].to_string(),
        "cron(0 0 23 ? * SUN *) for 2h Europe/Berlin"
    );
}

#[test]
fn a_text_nobody_understands_is_pointed_at() {
    let text = "\
windows:
  a:
    schedule: [0 25 * * SUN]
    time_zone: CEST
    duration: 30m
  b.c:
    schedule: 0 23 * * SUN
freezes:
  x:
    dates: [2026-12-24, 24.12.2026]
  y:
    date: 2026-12-24
safety:
  window: Son 23:00-03:00 Europe/Berlin
";
    let found = faults(text);
    let expected = [
        ("3:16 FW-C0020", "`windows.a.schedule`: `0 25 * * SUN`, column 3: `25` cannot be read"),
        ("4:16 FW-C0020", "`windows.a.time_zone`: `CEST`, `CEST` is not a time zone"),
        ("5:15 FW-C0005", "`windows.a.duration` must be 1h to 1d, found 30m"),
        ("6:3 FW-C0003", "unknown key `windows.b.c`"),
        ("10:25 FW-C0020", "`freezes.x.dates`: `24.12.2026`, column 1"),
        ("12:5 FW-C0003", "did you mean `freezes.y.dates`?"),
        ("14:11 FW-C0020", "`safety.window`: `Son 23:00-03:00 Europe/Berlin`, column 1: `Son` is not a day"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (fault, (place, says)) in found.iter().zip(expected) {
        assert!(fault.starts_with(place) && fault.contains(says), "{fault}");
    }
}

#[test]
fn parts_that_do_not_fit_each_other_are_told_where_they_stand() {
    let text = "\
windows:
  no-schedule:
    duration: 2h
  no-duration:
    schedule: 0 23 * * SUN
  twice:
    schedule: Sun 23:00-03:00 UTC
    time_zone: Europe/Berlin
  all-cutoff:
    schedule: 0 23 * * SUN
    duration: 1h
    cutoff: 1h
freezes:
  nothing:
    time_zone: UTC
safety:
  window: twise
";
    let found = faults(text);
    let expected = [
        ("3:5 FW-C0011", "`windows.no-schedule` has no `schedule`"),
        ("5:5 FW-C0020", "needs a duration"),
        ("7:5 FW-C0020", "the time zone is given twice"),
        ("10:5 FW-C0020", "the cutoff is shorter than the window, found 1h of 1h"),
        ("15:5 FW-C0011", "`freezes.nothing` has neither `dates` nor `calendars`"),
        ("17:3 FW-C0022", "there is no window `twise`; did you mean `twice`?"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (fault, (place, says)) in found.iter().zip(expected) {
        assert!(fault.starts_with(place) && fault.contains(says), "{fault}");
    }
}
