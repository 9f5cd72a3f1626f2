//! Freezes: when nothing is changed, whatever the windows say.

use jiff::civil::{Date, DateTime};

use crate::fault::{Fault, quoted};
use crate::icalendar::{self, Event};
use crate::span::Span;
use crate::words::{Word, words};
use crate::zone::Zone;

/// When nothing is changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Freeze {
    name: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    /// From the first to the last day, or from the first to the second moment.
    Range {
        text: String,
        span: Span,
    },
    Event(Box<Event>),
}

/// One time of a freeze.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Closed {
    /// From when until when.
    pub span: Span,
    /// What is said of it: the dates as they were written, or the event's summary.
    pub what: String,
}

impl Freeze {
    /// A freeze that is never, to which parts are added.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), parts: Vec::new() }
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds dates, in the time of a zone: `2026-12-24` is that day, `2026-12-20..2027-01-06` both days
    /// and all between; with times, `2026-12-31T18:00..2027-01-01T06:00`, the second moment is no
    /// longer a part of it.
    ///
    /// # Errors
    /// What is no date, with its column, or a range that ends before it begins.
    pub fn with_dates(mut self, text: &str, zone: &Zone) -> Result<Self, Fault> {
        let span = dates(text, zone)?;
        self.parts.push(Part::Range { text: text.trim().to_owned(), span });
        Ok(self)
    }

    /// Adds the events of an iCalendar text (RFC 5545). Days and times without a zone are read in
    /// `zone`.
    ///
    /// Of an event are understood: DTSTART, DTEND, DURATION; whole days; TZID by IANA name, UTC and
    /// local times; RRULE with FREQ=DAILY, WEEKLY, MONTHLY or YEARLY and INTERVAL, COUNT, UNTIL, WKST,
    /// BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS; RDATE, EXDATE; RECURRENCE-ID of one time; STATUS, where
    /// CANCELLED takes an event out. An event counts whether it is TRANSPARENT or tentative. What only
    /// describes (SUMMARY, ORGANIZER, alarms, `X-…`) is passed over, as are definitions of time zones,
    /// because only IANA names are taken.
    ///
    /// # Errors
    /// Everything else, with its line: a component, a property or a part of a rule that is not known
    /// could move a freeze, and is never passed over.
    pub fn with_icalendar(mut self, text: &str, zone: &Zone) -> Result<Self, Vec<Fault>> {
        let events = icalendar::parse(text, zone)?;
        self.parts.extend(events.into_iter().map(|event| Part::Event(Box::new(event))));
        Ok(self)
    }

    /// The times of the freeze that have something in common with a range, in order.
    pub fn closed(&self, range: Span) -> Vec<Closed> {
        let mut closed = Vec::new();
        for part in &self.parts {
            match part {
                Part::Range { text, span } if span.overlap(range).is_some() => {
                    closed.push(Closed { span: *span, what: text.clone() });
                }
                Part::Range { .. } => {}
                Part::Event(event) => {
                    let what = || event.summary().to_owned();
                    closed.extend(event.spans(range).into_iter().map(|span| Closed { span, what: what() }));
                }
            }
        }
        closed.sort_unstable();
        closed
    }
}

/// A date, or two with `..` between them.
fn dates(text: &str, zone: &Zone) -> Result<Span, Fault> {
    let words = words(text);
    let [word] = words.as_slice() else {
        let column = words.get(1).map_or(1, |word| word.column);
        return Err(Fault::at(column, "write one date, or two with .. between them and no blanks"));
    };
    let Some((first, last)) = word.text.split_once("..") else {
        let of_day = |day: Date| Some((zone.midnight(day), zone.midnight(day.tomorrow().ok()?)));
        let (from, until) = day(word.text).and_then(of_day).ok_or_else(|| not_a_date(*word))?;
        return Span::new(from, until).ok_or_else(|| Fault::at(word.column, "the zone has no such day"));
    };
    let before = u32::try_from(first.chars().count()).unwrap_or(u32::MAX - 2) + 2;
    let last = Word { text: last, column: word.column.saturating_add(before) };
    let first = Word { text: first, column: word.column };
    let span = match (day(first.text), day(last.text)) {
        (Some(from), Some(to)) => {
            let after = to.tomorrow().map_err(|_| not_a_date(last))?;
            Span::new(zone.midnight(from), zone.midnight(after))
        }
        (Some(_), None) if date_time(last.text).is_some() => {
            return Err(Fault::at(
                last.column,
                "has a time and the first date has none; write both or neither",
            ));
        }
        (None, Some(_)) if date_time(first.text).is_some() => {
            return Err(Fault::at(
                first.column,
                "has a time and the second date has none; write both or neither",
            ));
        }
        (Some(_), None) => return Err(not_a_date(last)),
        (None, _) => {
            let from = date_time(first.text).ok_or_else(|| not_a_date(first))?;
            let to = date_time(last.text).ok_or_else(|| not_a_date(last))?;
            Span::new(zone.first_moment(from), zone.first_moment(to))
        }
    };
    span.ok_or_else(|| {
        Fault::at(last.column, format!("{} is not after {}", quoted(last.text), quoted(first.text)))
    })
}

fn not_a_date(word: Word<'_>) -> Fault {
    let reason = format!("{} is not a date such as 2026-12-24 or 2026-12-24T18:00", quoted(word.text));
    Fault::at(word.column, reason)
}

/// `2026-12-24`.
fn day(text: &str) -> Option<Date> {
    let plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    text.parse().ok().filter(|day: &Date| plain && within_bounds(*day))
}

/// `2026-12-24T18:00`, seconds if one likes.
pub(crate) fn date_time(text: &str) -> Option<DateTime> {
    let plain = matches!(text.len(), 16 | 19)
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| byte.is_ascii_digit() || matches!((at, byte), (10, b'T') | (_, b'-' | b':')));
    text.parse().ok().filter(|wall: &DateTime| plain && within_bounds(wall.date()))
}

/// Dates people can mean; the calendar's ends are kept away from arithmetic.
pub(crate) fn within_bounds(day: Date) -> bool {
    (1970..=2199).contains(&day.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(text: &str) -> Vec<String> {
        let zone = Zone::named("Europe/Berlin").expect("a zone");
        let freeze =
            Freeze::new("year-end").with_dates(text, &zone).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        let at = |text: &str| text.parse().expect("a moment");
        let range = Span::new(at("2026-01-01T00:00:00Z"), at("2027-12-31T00:00:00Z")).expect("a range");
        freeze.closed(range).into_iter().map(|closed| format!("{}: {}", closed.what, closed.span)).collect()
    }

    #[test]
    fn days_are_whole_days_of_the_zone_and_both_ends_belong_to_it() {
        assert_eq!(closed("2026-12-24"), ["2026-12-24: 2026-12-23T23:00:00Z to 2026-12-24T23:00:00Z"]);
        assert_eq!(
            closed("2026-12-20..2027-01-06"),
            ["2026-12-20..2027-01-06: 2026-12-19T23:00:00Z to 2027-01-06T23:00:00Z"]
        );
        let short = "2026-03-29: 2026-03-28T23:00:00Z to 2026-03-29T22:00:00Z";
        assert_eq!(closed("2026-03-29"), [short], "a day of 23 hours");
        let moments = "2026-12-31T18:00..2027-01-01T06:00";
        assert_eq!(closed(moments), [format!("{moments}: 2026-12-31T17:00:00Z to 2027-01-01T05:00:00Z")]);
    }

    #[test]
    fn what_is_no_date_is_pointed_at() {
        for (text, column) in [
            ("", 1),
            ("24.12.2026", 1),
            ("2026-12-24 2026-12-26", 12),
            ("2026-13-01", 1),
            ("2026-12-24..", 13),
            ("..2026-12-24", 1),
            ("2026-12-24..2026-12-23", 13),
            ("2026-12-24T18:00", 1),
            ("2026-12-24..2026-12-24T18:00", 13),
            ("2026-12-24T18:00..2026-12-26", 1),
            ("2026-12-24T18:00..2026-12-24T18:00", 19),
            ("-02026-12-24", 1),
        ] {
            let fault = Freeze::new("x").with_dates(text, &Zone::utc()).expect_err(text);
            assert_eq!(fault.column, column, "{text}: {fault}");
        }
    }
}
