//! Recurrence rules, held against what python-dateutil makes of them (`fixtures/recurrences.py`).

use fleetwright_window::{Freeze, Span, Zone};
use jiff::civil::Date;

use crate::calendar;

fn day(text: &str) -> Date {
    Date::strptime("%Y%m%d", text).unwrap_or_else(|_| panic!("{text} is a day"))
}

#[test]
fn rules_give_the_days_that_dateutil_gives() {
    let fixture = include_str!("../fixtures/recurrences.txt");
    let mut held = 0;
    for line in fixture.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let [start, rule, since, until, expected] = fields.as_slice() else { panic!("{line}") };
        let text = calendar(&format!("DTSTART;VALUE=DATE:{start}\nRRULE:{rule}"));
        let freeze = Freeze::new("rule")
            .with_icalendar(&text, &Zone::utc())
            .unwrap_or_else(|faults| panic!("{line}: {}", faults[0]));
        let moment = |day: Date| day.in_tz("UTC").expect("a moment").timestamp();
        let range =
            Span::new(moment(day(since)), moment(day(until).tomorrow().expect("a day"))).expect("a range");
        let found: Vec<String> = freeze
            .closed(range)
            .into_iter()
            .map(|closed| closed.span.from().strftime("%Y%m%d").to_string())
            .collect();
        assert_eq!(found.join(" "), *expected, "{line}");
        held += 1;
    }
    assert!(held > 300, "{held} rules");
}
