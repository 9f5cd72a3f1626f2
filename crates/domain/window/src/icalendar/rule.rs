//! Recurrence rules (RFC 5545, 3.3.10): the days they give, period by period.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::{Timestamp, ToSpan};

use super::line::Line;
use super::moment::{self, Moment, MomentKind};
use crate::fault::{Fault, quoted};
use crate::words::{Word, split};

/// Times a rule gives at most, and its largest interval.
const MAX_NUMBER: u32 = 10_000;

/// A rule. Days are looked at one by one; the periods of a rule tell which days.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    frequency: Frequency,
    interval: u32,
    end: End,
    months: Vec<i8>,
    days_of_month: Vec<i8>,
    days: Vec<(i8, Weekday)>,
    positions: Vec<i16>,
    week_start: Weekday,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Never,
    Count(u32),
    /// The last moment that is meant.
    UntilMoment(Timestamp),
    /// The last day or local time that is meant.
    UntilWall(DateTime),
}

impl Rule {
    /// Reads the rule of an event that begins at `start`.
    pub(super) fn parse(line: &Line, start: &Moment) -> Result<Self, Fault> {
        line.only(&[])?;
        let parts: Vec<(String, &str)> = line
            .value
            .split(';')
            .map(|part| match part.split_once('=') {
                Some((name, value)) => Ok((name.trim().to_ascii_uppercase(), value.trim())),
                None => Err(line.fault(format!("{} is not NAME=VALUE", quoted(part)))),
            })
            .collect::<Result<_, Fault>>()?;
        let frequency = parts.iter().find(|(name, _)| name == "FREQ").map(|(_, value)| *value);
        let mut rule = Self::every(match frequency.map(str::to_ascii_uppercase).as_deref() {
            Some("DAILY") => Frequency::Daily,
            Some("WEEKLY") => Frequency::Weekly,
            Some("MONTHLY") => Frequency::Monthly,
            Some("YEARLY") => Frequency::Yearly,
            Some(other) => return Err(line.fault(format!("FREQ={} is not understood", quoted(other)))),
            None => return Err(line.fault("FREQ is missing")),
        });
        for (at, (name, value)) in parts.iter().enumerate() {
            if parts[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(line.fault(format!("{name} is given twice")));
            }
            let wrong = || line.fault(format!("{name}={} is not understood", quoted(value)));
            rule.part(name, value, start).ok_or_else(wrong)?;
        }
        rule.check(line)?;
        Ok(rule)
    }

    fn every(frequency: Frequency) -> Self {
        Self {
            frequency,
            interval: 1,
            end: End::Never,
            months: Vec::new(),
            days_of_month: Vec::new(),
            days: Vec::new(),
            positions: Vec::new(),
            week_start: Weekday::Monday,
        }
    }

    /// Takes one part; `None` where it cannot be understood.
    fn part(&mut self, name: &str, value: &str, start: &Moment) -> Option<()> {
        match name {
            "FREQ" => {}
            "INTERVAL" => self.interval = number(value)?,
            "COUNT" if self.end == End::Never => self.end = End::Count(number(value)?),
            "UNTIL" if self.end == End::Never => self.end = until(value, start)?,
            "WKST" => self.week_start = weekday(value)?,
            "BYMONTH" => self.months = list(value, |month: i8| (1..=12).contains(&month))?,
            "BYMONTHDAY" => {
                self.days_of_month = list(value, |day: i8| day != 0 && (-31..=31).contains(&day))?
            }
            "BYSETPOS" => self.positions = list(value, |at: i16| at != 0 && (-366..=366).contains(&at))?,
            "BYDAY" => {
                let parts: Vec<Word<'_>> = split(value, |c| c == ',');
                self.days = parts.into_iter().map(|part| by_day(part.text)).collect::<Option<_>>()?;
            }
            _ => return None,
        }
        Some(())
    }

    /// What RFC 5545 forbids together.
    fn check(&self, line: &Line) -> Result<(), Fault> {
        let numbered = self.days.iter().any(|(nth, _)| *nth != 0);
        if numbered && matches!(self.frequency, Frequency::Daily | Frequency::Weekly) {
            return Err(line.fault("a numbered BYDAY belongs to FREQ=MONTHLY or YEARLY"));
        }
        if !self.days_of_month.is_empty() && self.frequency == Frequency::Weekly {
            return Err(line.fault("BYMONTHDAY does not belong to FREQ=WEEKLY"));
        }
        let any = !(self.months.is_empty() && self.days_of_month.is_empty() && self.days.is_empty());
        if !self.positions.is_empty() && !any {
            return Err(line.fault("BYSETPOS chooses from what another BY… gives"));
        }
        Ok(())
    }

    /// The times of the wall the rule gives, in order, up to and with the day `last`; where it is cheap,
    /// those before `first` are left out. The event's own first time always counts, also where the rule
    /// would not give it, which RFC 5545 leaves open: a freeze rather closes too much.
    pub(super) fn times(&self, start: &Moment, first: Date, last: Date) -> Vec<DateTime> {
        let begin = start.wall.date();
        let mut period = match self.end {
            // They have to be counted from the first.
            End::Count(_) => 0,
            _ => self.period_of(begin, first).saturating_sub(1),
        };
        let mut times = if begin <= last { vec![start.wall] } else { Vec::new() };
        while let Some((from, to)) = self.period(begin, period).filter(|(from, _)| *from <= last) {
            for day in self.days_in(begin, from, to).into_iter().filter(|day| *day > begin && *day <= last) {
                let wall = day.to_datetime(start.wall.time());
                let beyond = match self.end {
                    End::Never => false,
                    End::Count(count) => times.len() >= count as usize,
                    End::UntilMoment(until) => start.with_wall(wall) > until,
                    End::UntilWall(until) => wall > until,
                };
                if beyond {
                    return times;
                }
                times.push(wall);
            }
            period += 1;
        }
        times
    }

    /// The first and the last day of a period, counted from the one that `begin` is in; `None` beyond
    /// the calendar.
    fn period(&self, begin: Date, period: u32) -> Option<(Date, Date)> {
        let step = i32::try_from(period.checked_mul(self.interval)?).ok()?;
        match self.frequency {
            Frequency::Daily => begin.checked_add(step.days()).ok().map(|day| (day, day)),
            Frequency::Weekly => {
                let into = begin.weekday().since(self.week_start);
                let from = begin.checked_sub(i32::from(into).days()).ok()?.checked_add(step.weeks()).ok()?;
                Some((from, from.checked_add(6.days()).ok()?))
            }
            Frequency::Monthly => {
                let from = begin.first_of_month().checked_add(step.months()).ok()?;
                Some((from, from.last_of_month()))
            }
            Frequency::Yearly => {
                let from = begin.first_of_year().checked_add(step.years()).ok()?;
                Some((from, from.last_of_year()))
            }
        }
    }

    /// The period a day is in, or one before it.
    fn period_of(&self, begin: Date, day: Date) -> u32 {
        let days = begin.until(day).map_or(0, |span| span.get_days()).max(0);
        let longest = match self.frequency {
            Frequency::Daily => 1,
            Frequency::Weekly => 7,
            Frequency::Monthly => 31,
            Frequency::Yearly => 366,
        };
        u32::try_from(days / longest).unwrap_or(0) / self.interval
    }

    fn days_in(&self, begin: Date, from: Date, to: Date) -> Vec<Date> {
        let days = from.series(1.day()).take_while(|day| *day <= to).filter(|day| self.gives(begin, *day));
        if self.positions.is_empty() {
            return days.collect();
        }
        let days: Vec<Date> = days.collect();
        let count = i32::try_from(days.len()).unwrap_or(i32::MAX);
        let chosen = |at: usize| {
            let place = i32::try_from(at).unwrap_or(i32::MAX);
            self.positions.iter().any(|&wanted| {
                let wanted = i32::from(wanted);
                wanted == place + 1 || wanted == place - count
            })
        };
        days.iter().enumerate().filter(|(at, _)| chosen(*at)).map(|(_, day)| *day).collect()
    }

    /// Whether a day of one of its periods is meant. What no part says is taken from the first time.
    fn gives(&self, begin: Date, day: Date) -> bool {
        let month = match (self.frequency, self.months.is_empty()) {
            (_, false) => self.months.contains(&day.month()),
            (Frequency::Yearly, true) if self.days_of_month.is_empty() && self.days.is_empty() => {
                day.month() == begin.month()
            }
            _ => true,
        };
        if !month {
            return false;
        }
        if self.days.is_empty() && self.days_of_month.is_empty() {
            return match self.frequency {
                Frequency::Daily => true,
                Frequency::Weekly => day.weekday() == begin.weekday(),
                Frequency::Monthly | Frequency::Yearly => day.day() == begin.day(),
            };
        }
        let of_month = self.days_of_month.is_empty()
            || self
                .days_of_month
                .iter()
                .any(|&wanted| wanted == day.day() || wanted == day.day() - day.days_in_month() - 1);
        of_month && (self.days.is_empty() || self.days.iter().any(|(nth, of)| self.is_nth(*nth, *of, day)))
    }

    fn is_nth(&self, nth: i8, weekday: Weekday, day: Date) -> bool {
        if nth == 0 || day.weekday() != weekday {
            return nth == 0 && day.weekday() == weekday;
        }
        let of_year = self.frequency == Frequency::Yearly && self.months.is_empty();
        let (at, length) = if of_year {
            (day.day_of_year(), day.days_in_year())
        } else {
            (i16::from(day.day()), i16::from(day.days_in_month()))
        };
        i16::from(nth) == (at - 1) / 7 + 1 || i16::from(nth) == -((length - at) / 7 + 1)
    }
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?.filter(|number| (1..=MAX_NUMBER).contains(number))
}

fn list<T: std::str::FromStr + Copy>(text: &str, fits: impl Fn(T) -> bool) -> Option<Vec<T>> {
    text.split(',').map(|part| part.parse().ok().filter(|number| fits(*number))).collect()
}

fn until(text: &str, start: &Moment) -> Option<End> {
    match (start.kind, text.strip_suffix('Z')) {
        (MomentKind::Time, Some(utc)) => {
            let wall = moment::date_time(utc)?;
            Some(End::UntilMoment(crate::zone::Zone::utc().moment(wall)))
        }
        (MomentKind::Time, None) => match moment::date(text) {
            // Not allowed beside a time (3.3.10), and common: the whole day is meant.
            Some(day) => Some(End::UntilWall(day.to_datetime(jiff::civil::time(23, 59, 59, 0)))),
            None => moment::date_time(text).map(End::UntilWall),
        },
        (MomentKind::Day, _) => moment::date(text).map(|day| End::UntilWall(day.into())),
    }
}

fn weekday(text: &str) -> Option<Weekday> {
    match text.to_ascii_uppercase().as_str() {
        "MO" => Some(Weekday::Monday),
        "TU" => Some(Weekday::Tuesday),
        "WE" => Some(Weekday::Wednesday),
        "TH" => Some(Weekday::Thursday),
        "FR" => Some(Weekday::Friday),
        "SA" => Some(Weekday::Saturday),
        "SU" => Some(Weekday::Sunday),
        _ => None,
    }
}

/// `SU`, `2TU`, `-1FR`; 0 stands for every one.
fn by_day(text: &str) -> Option<(i8, Weekday)> {
    let at = text.len().checked_sub(2)?;
    let (nth, day) = (text.get(..at)?, text.get(at..)?);
    let nth = match nth {
        "" => 0,
        nth => nth.parse().ok().filter(|nth: &i8| *nth != 0 && (-53..=53).contains(nth))?,
    };
    Some((nth, weekday(day)?))
}
