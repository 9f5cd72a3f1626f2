//! Schedules of maintenance windows: `cron(…)`, `rate(…)` and `at(…)`.
//!
//! Source: Systems Manager user guide, "Reference: Cron and rate expressions".

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Days looked at for the next date of a cron expression: a leap day comes within eight years.
const DAYS_AHEAD: u32 = 8 * 366;

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// At every civil time that fits.
    Cron(Box<Cron>),
    /// Every so often.
    Rate(SignedDuration),
    /// Once, in civil time.
    At(DateTime),
}

/// A cron expression: minutes, hours, day of month, month, day of week, year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    second: i8,
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    days: Days,
    months: BTreeSet<i16>,
    years: BTreeSet<i16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    /// Of the month.
    OfMonth(BTreeSet<i16>),
    /// The last of the month.
    Last,
    /// The working day nearest to that day of the month.
    NearestWorkingDay(i8),
    /// Of the week, Sunday being 1.
    OfWeek(BTreeSet<i16>),
    /// The last such day of the week in the month.
    LastOfWeek(i8),
    /// The nth such day of the week in the month.
    NthOfWeek(i8, i8),
}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Schedule {
    /// Reads a schedule; none where it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.trim().split_once('(')?;
        let inner = rest.strip_suffix(')')?.trim();
        match kind {
            "cron" => Cron::parse(inner).map(|cron| Self::Cron(Box::new(cron))),
            "rate" => rate(inner).map(Self::Rate),
            "at" => inner.parse().ok().map(Self::At),
            _ => None,
        }
    }

    /// The first time after `after`; `anchor` is what rates count from.
    #[must_use]
    pub fn next(&self, after: Timestamp, zone: &TimeZone, anchor: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(civil) => zone.to_timestamp(*civil).ok().filter(|time| *time > after),
            Self::Rate(rate) => {
                let step = rate.as_secs();
                let passed = after.duration_since(anchor).as_secs();
                let count = if passed < 0 { 1 } else { passed / step + 1 };
                anchor.checked_add(SignedDuration::from_secs(step.checked_mul(count)?)).ok()
            }
            Self::Cron(cron) => cron.next(after, zone),
        }
    }
}

/// `5 minutes`, `1 day`: a number of 1 or more, and a unit that fits it.
fn rate(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_once(' ')?;
    let number: i64 = number.parse().ok().filter(|number| (1..=1_000_000).contains(number))?;
    let seconds = match (unit.trim(), number) {
        ("minute", 1) | ("minutes", _) => 60,
        ("hour", 1) | ("hours", _) => 3_600,
        ("day", 1) | ("days", _) => 86_400,
        _ => return None,
    };
    Some(SignedDuration::from_secs(number * seconds))
}

impl Cron {
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        // The older form begins with the seconds.
        let (second, fields) = match fields.len() {
            6 => (0, fields.as_slice()),
            7 => (fields[0].parse().ok().filter(|second| (0..60).contains(second))?, &fields[1..]),
            _ => return None,
        };
        let [minutes, hours, of_month, months, of_week, years] = fields else { return None };
        Some(Self {
            second,
            minutes: numbers(minutes, (0, 59), &[])?,
            hours: numbers(hours, (0, 23), &[])?,
            days: Days::parse(of_month, of_week)?,
            months: numbers(months, (1, 12), &MONTHS)?,
            years: numbers(years, (1970, 2199), &[])?,
        })
    }

    fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut date = zone.to_datetime(after).date();
        for _ in 0..DAYS_AHEAD {
            if self.fits(date) {
                let times = self.hours.iter().flat_map(|hour| self.minutes.iter().map(move |m| (*hour, *m)));
                for (hour, minute) in times {
                    let civil = date.at(hour as i8, minute as i8, self.second, 0);
                    if let Some(time) = zone.to_timestamp(civil).ok().filter(|time| *time > after) {
                        return Some(time);
                    }
                }
            }
            date = date.checked_add(1.day()).ok()?;
        }
        None
    }

    fn fits(&self, date: Date) -> bool {
        self.months.contains(&i16::from(date.month()))
            && self.years.contains(&date.year())
            && self.days.fit(date)
    }
}

impl Days {
    /// One of the two must be `?`, and only one.
    fn parse(of_month: &str, of_week: &str) -> Option<Self> {
        match (of_month, of_week) {
            ("?", "?") => None,
            (day, "?") => {
                if day == "L" {
                    return Some(Self::Last);
                }
                if let Some(number) = day.strip_suffix('W') {
                    let number = number.parse().ok().filter(|number| (1..=31).contains(number))?;
                    return Some(Self::NearestWorkingDay(number));
                }
                numbers(day, (1, 31), &[]).map(Self::OfMonth)
            }
            ("?", day) => {
                let one = |text: &str| -> Option<i8> {
                    let found = numbers(text, (1, 7), &WEEKDAYS)?;
                    found.first().filter(|_| found.len() == 1).map(|number| *number as i8)
                };
                if let Some((day, nth)) = day.split_once('#') {
                    let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth))?;
                    return Some(Self::NthOfWeek(one(day)?, nth));
                }
                match day.strip_suffix('L') {
                    Some("") => Some(Self::OfWeek([7].into())),
                    Some(day) => one(day).map(Self::LastOfWeek),
                    None => numbers(day, (1, 7), &WEEKDAYS).map(Self::OfWeek),
                }
            }
            _ => None,
        }
    }

    fn fit(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_one_offset();
        let last = date.days_in_month();
        match self {
            Self::OfMonth(days) => days.contains(&i16::from(date.day())),
            Self::Last => date.day() == last,
            Self::NearestWorkingDay(day) => nearest_working_day(date, *day) == Some(date.day()),
            Self::OfWeek(days) => days.contains(&i16::from(weekday)),
            Self::LastOfWeek(day) => weekday == *day && date.day() + 7 > last,
            Self::NthOfWeek(day, nth) => weekday == *day && (date.day() - 1) / 7 + 1 == *nth,
        }
    }
}

/// The working day of that month nearest to `day`, without leaving the month.
fn nearest_working_day(month: Date, day: i8) -> Option<i8> {
    let last = month.days_in_month();
    let wanted = Date::new(month.year(), month.month(), day).ok()?;
    Some(match wanted.weekday() {
        Weekday::Saturday if day == 1 => 3,
        Weekday::Saturday => day - 1,
        Weekday::Sunday if day == last => day - 2,
        Weekday::Sunday => day + 1,
        _ => day,
    })
}

/// A list of numbers, names, ranges and steps within two bounds; none where it is not one.
fn numbers(text: &str, (least, most): (i16, i16), names: &[&str]) -> Option<BTreeSet<i16>> {
    let number = |text: &str| -> Option<i16> {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let number = match named {
            Some(place) => i16::try_from(place).ok()? + 1,
            None => text.parse().ok()?,
        };
        (least..=most).contains(&number).then_some(number)
    };
    let mut all = BTreeSet::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<usize>().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (number(from)?, number(to)?),
            None if step.is_some() => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        if from > to {
            return None;
        }
        all.extend((from..=to).step_by(step.unwrap_or(1)));
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(schedule: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let zone = TimeZone::get(zone).expect("a time zone");
        let start: Timestamp = after.parse().expect("a time");
        let schedule = Schedule::parse(schedule).expect("a schedule");
        let mut at = start;
        let mut all = Vec::new();
        while let Some(next) = schedule.next(at, &zone, start).filter(|_| all.len() < count) {
            all.push(next.to_string());
            at = next;
        }
        all
    }

    const NOVEMBER: &str = "2026-11-01T12:00:00Z";

    #[test]
    fn patch_tuesday_and_the_last_sunday_are_found() {
        assert_eq!(
            times("cron(0 2 ? * TUE#2 *)", "UTC", NOVEMBER, 2),
            ["2026-11-10T02:00:00Z", "2026-12-08T02:00:00Z"]
        );
        assert_eq!(times("cron(30 23 ? * SUNL *)", "UTC", NOVEMBER, 1), ["2026-11-29T23:30:00Z"]);
        assert_eq!(times("cron(0 2 L * ? *)", "UTC", NOVEMBER, 1), ["2026-11-30T02:00:00Z"]);
        assert_eq!(
            times("cron(0 2 1W * ? *)", "UTC", NOVEMBER, 2),
            ["2026-11-02T02:00:00Z", "2026-12-01T02:00:00Z"]
        );
        assert_eq!(times("cron(0 0 2 ? * MON-WED *)", "UTC", NOVEMBER, 1), ["2026-11-02T02:00:00Z"]);
    }

    #[test]
    fn civil_time_follows_the_clock_change() {
        let before = "2026-10-24T12:00:00Z";
        assert_eq!(
            times("cron(0 4 * * ? *)", "Europe/Berlin", before, 2),
            ["2026-10-25T03:00:00Z", "2026-10-26T03:00:00Z"]
        );
        assert_eq!(
            times("cron(0 4 24 10 ? 2026)", "Europe/Berlin", "2026-10-23T12:00:00Z", 3),
            ["2026-10-24T02:00:00Z"]
        );
    }

    #[test]
    fn rates_count_from_their_anchor_and_at_comes_once() {
        assert_eq!(
            times("rate(7 days)", "UTC", NOVEMBER, 2),
            ["2026-11-08T12:00:00Z", "2026-11-15T12:00:00Z"]
        );
        assert_eq!(times("at(2026-11-02T03:00:00)", "UTC", NOVEMBER, 2), ["2026-11-02T03:00:00Z"]);
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "daily",
            "cron(0 2 * * SUN *)",
            "cron(0 2 ? * ? *)",
            "cron(60 2 ? * SUN *)",
            "cron(0 2 ? * SUN)",
            "rate(0 days)",
            "rate(1 days)x",
            "rate(2 day)",
            "at(tomorrow)",
            "cron(0 2 ? * SUN#6 *)",
        ] {
            assert_eq!(Schedule::parse(text), None, "{text}");
        }
    }
}
