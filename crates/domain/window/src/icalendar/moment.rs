//! Values of time: DATE, DATE-TIME and DURATION (RFC 5545, 3.3.4 to 3.3.6).

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::line::Line;
use crate::fault::{Fault, quoted};
use crate::freeze::within_bounds;
use crate::zone::Zone;

/// A day, or a time of a day, in a zone.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moment {
    /// What the clock of the wall shows; midnight of a day.
    pub(super) wall: DateTime,
    pub(super) zone: Zone,
    pub(super) kind: MomentKind,
}

/// What a moment was written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MomentKind {
    /// A day: `20261224`.
    Day,
    /// A time of a day: `20261224T180000`.
    Time,
}

impl Moment {
    /// The moment of the world.
    pub(super) fn at(&self) -> Timestamp {
        self.with_wall(self.wall)
    }

    /// The moment at which the wall shows another time.
    pub(super) fn with_wall(&self, wall: DateTime) -> Timestamp {
        match self.kind {
            MomentKind::Day => self.zone.midnight(wall.date()),
            MomentKind::Time => self.zone.moment(wall),
        }
    }
}

/// The moments of a line, with what its parameters say of them. Those without a zone are in `local`.
pub(super) fn moments(line: &Line, local: &Zone) -> Result<Vec<Moment>, Fault> {
    line.only(&["VALUE", "TZID"])?;
    let zone = match line.parameter("TZID")? {
        Some(name) => Some(Zone::named(name).map_err(|reason| line.fault(reason))?),
        None => None,
    };
    let kind = match line.parameter("VALUE")?.map(str::to_ascii_uppercase).as_deref() {
        None | Some("DATE-TIME") => MomentKind::Time,
        Some("DATE") => MomentKind::Day,
        Some(other) => return Err(line.fault(format!("VALUE={} is not understood", quoted(other)))),
    };
    let read = |text: &str| {
        let moment = moment(text.trim(), kind, zone.as_ref(), local);
        moment.ok_or_else(|| {
            let form = match kind {
                MomentKind::Day => "a day such as 20261224",
                MomentKind::Time => "a time such as 20261224T180000; a day needs VALUE=DATE",
            };
            line.fault(format!("{} is not {form}", quoted(text)))
        })
    };
    line.value.split(',').map(read).collect()
}

/// The one moment of a line.
pub(super) fn moment_of(line: &Line, local: &Zone) -> Result<Moment, Fault> {
    let mut moments = moments(line, local)?;
    match (moments.pop(), moments.is_empty()) {
        (Some(moment), true) => Ok(moment),
        _ => Err(line.fault("one time is expected, not several")),
    }
}

fn moment(text: &str, kind: MomentKind, zone: Option<&Zone>, local: &Zone) -> Option<Moment> {
    let local = || zone.unwrap_or(local).clone();
    match kind {
        MomentKind::Day => {
            Some(Moment { wall: date(text)?.to_datetime(Time::midnight()), zone: local(), kind })
        }
        MomentKind::Time => match text.strip_suffix('Z') {
            // A zone beside `Z` contradicts it (3.2.19).
            Some(text) if zone.is_none() => Some(Moment { wall: date_time(text)?, zone: Zone::utc(), kind }),
            Some(_) => None,
            None => Some(Moment { wall: date_time(text)?, zone: local(), kind }),
        },
    }
}

/// `20261224`.
pub(super) fn date(text: &str) -> Option<Date> {
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let part = |from: usize, to: usize| text.get(from..to)?.parse().ok();
    let date = digits.then(|| Date::new(text.get(..4)?.parse().ok()?, part(4, 6)?, part(6, 8)?).ok())??;
    within_bounds(date).then_some(date)
}

/// `20261224T180000`.
pub(super) fn date_time(text: &str) -> Option<DateTime> {
    let (day, time) = text.split_once('T')?;
    let digits = time.len() == 6 && time.bytes().all(|byte| byte.is_ascii_digit());
    let part = |from: usize, to: usize| time.get(from..to)?.parse().ok();
    // A leap second is the second before it, as 3.3.12 has it.
    let time =
        digits.then(|| Time::new(part(0, 2)?, part(2, 4)?, part(4, 6).map(|s: i8| s.min(59))?, 0).ok())??;
    Some(date(day)?.to_datetime(time))
}

/// How long an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length {
    /// Days as the calendar counts them, which are 23 to 25 hours long.
    pub(super) days: i32,
    /// Time that passes, after them.
    pub(super) time: SignedDuration,
}

/// The longest event: about ten years.
const MAX_DAYS: i32 = 3_660;

impl Length {
    /// The first moment after an event that begins when the wall shows this; `None` beyond the calendar.
    pub(super) fn after(self, start: &Moment, wall: DateTime) -> Option<Timestamp> {
        let later = wall.checked_add(self.days.days()).ok()?;
        start.with_wall(later).checked_add(self.time).ok()
    }

    /// Days it reaches at most, for those who look back.
    pub(super) fn days_at_most(self) -> i32 {
        let days = i32::try_from(self.time.as_hours() / 24).unwrap_or(MAX_DAYS);
        self.days.saturating_add(days).saturating_add(2)
    }

    /// `P15DT5H0M20S`, `PT8H`, `P7W`; longer than nothing, ten years at most.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('+').unwrap_or(text).strip_prefix('P')?;
        let (dates, times) = match rest.split_once('T') {
            Some((dates, times)) if !times.is_empty() => (dates, times),
            Some(_) => return None,
            None => (rest, ""),
        };
        let mut days = 0_i32;
        let mut time = SignedDuration::ZERO;
        for (count, unit) in counts(dates, &['W', 'D'])? {
            days =
                days.checked_add(i32::try_from(count).ok()?.checked_mul(if unit == 'W' { 7 } else { 1 })?)?;
        }
        for (count, unit) in counts(times, &['H', 'M', 'S'])? {
            let seconds = match unit {
                'H' => 3600,
                'M' => 60,
                _ => 1,
            };
            time = time.checked_add(SignedDuration::from_secs(count.checked_mul(seconds)?))?;
        }
        let length = Self { days, time };
        ((days > 0 || time.is_positive()) && length.days_at_most() <= MAX_DAYS).then_some(length)
    }

    /// From one moment to a later one of the same kind; `None` where it is not later, or too late.
    pub(super) fn between(from: &Moment, until: &Moment) -> Option<Self> {
        let length = match from.kind {
            MomentKind::Day => {
                let days = from.wall.date().until(until.wall.date()).ok()?.get_days();
                Self { days, time: SignedDuration::ZERO }
            }
            MomentKind::Time => Self { days: 0, time: until.at().duration_since(from.at()) },
        };
        let positive = length.days > 0 || length.time.is_positive();
        (positive && length.days_at_most() <= MAX_DAYS).then_some(length)
    }
}

/// Numbers with their units, each unit once and in order.
fn counts(text: &str, units: &[char]) -> Option<Vec<(i64, char)>> {
    let mut units = units.iter();
    let (mut found, mut digits) = (Vec::new(), String::new());
    for c in text.chars() {
        if c.is_ascii_digit() && digits.len() < 9 {
            digits.push(c);
            continue;
        }
        units.find(|unit| **unit == c)?;
        found.push((digits.parse().ok()?, c));
        digits.clear();
    }
    digits.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_rfc_5545_writes_them() {
        let length = |days, seconds| Some(Length { days, time: SignedDuration::from_secs(seconds) });
        assert_eq!(Length::parse("P15DT5H0M20S"), length(15, 5 * 3600 + 20));
        assert_eq!(Length::parse("P7W"), length(49, 0));
        assert_eq!(Length::parse("+PT8H"), length(0, 8 * 3600));
        for wrong in [
            "",
            "P",
            "PT",
            "P1DT",
            "-P1D",
            "P1H",
            "PT1D",
            "P0D",
            "PT1M1H",
            "P1D1D",
            "P99999D",
            "P1",
            "1D",
            "PT999999999999H",
        ] {
            assert_eq!(Length::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn days_and_times_outside_the_bounds_are_none() {
        assert!(date("20261224").is_some() && date_time("20261224T235960").is_some());
        for wrong in
            ["2026122", "202612240", "20261324", "20260229", "00010101", "99991231", "2026-1-1", "ä0261224"]
        {
            assert_eq!(date(wrong), None, "{wrong}");
        }
        for wrong in ["20261224", "20261224T18", "20261224T246000", "20261224t180000", "20261224T18000ä"] {
            assert_eq!(date_time(wrong), None, "{wrong}");
        }
    }
}
