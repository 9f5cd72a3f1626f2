//! Schedules: when a window opens, for how long, and until when something may start in it.

use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, ToSpan};

use crate::cron::Cron;
use crate::days::Days;
use crate::fault::{Fault, quoted};
use crate::length;
use crate::span::Span;
use crate::words::{Word, words};
use crate::zone::Zone;

/// The shortest window; Systems Manager's maintenance windows have the same bounds
/// (CreateMaintenanceWindow, `Duration`).
pub const SHORTEST: SignedDuration = SignedDuration::from_hours(1);
/// The longest window.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// When a window opens and closes, in a time zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    text: String,
    starts: Starts,
    end: End,
    zone: Zone,
    cutoff: SignedDuration,
}

#[derive(Clone, Debug, PartialEq)]
enum Starts {
    Cron(Box<Cron>),
    Weekly(Days, Time),
    Once(DateTime),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// After so much time has passed.
    After(SignedDuration),
    /// When the clock of the wall next shows this time.
    At(Time),
}

/// What stands beside a schedule's text.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// The time zone; UTC where neither this nor the text names one.
    pub zone: Option<Zone>,
    /// How long the window is open, [`SHORTEST`] to [`LONGEST`]; texts with a closing time have it in them.
    pub duration: Option<SignedDuration>,
    /// Nothing starts in so much of the window's end; shorter than the window, 0 where neither this nor
    /// the text says.
    pub cutoff: Option<SignedDuration>,
}

/// One time a window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// From its opening to its closing.
    pub span: Span,
    /// Nothing starts in so much of its end.
    pub cutoff: SignedDuration,
}

impl Occurrence {
    /// When something may start in it; `None` where a night is shorter than the cutoff.
    pub fn starts(&self) -> Option<Span> {
        self.span.without_last(self.cutoff)
    }
}

impl Schedule {
    /// Reads a schedule in one of its forms, all in the time of its zone:
    ///
    /// - `cron(0 0 23 ? * SUN *)`: AWS's six or seven fields;
    /// - `0 23 * * SUN`: five fields;
    /// - `at(2026-12-06T23:00)`: once;
    /// - `Sun 23:00-03:00 Europe/Berlin cutoff 30m`: days, opening and closing time, and if one likes
    ///   zone and cutoff (the grammar is [`WindowTag`](crate::WindowTag)'s).
    ///
    /// # Errors
    /// What cannot be read, with its column; a time zone, duration or cutoff that is missing, given
    /// twice or out of bounds. `rate(…)` is refused: it does not say when it begins.
    pub fn parse(text: &str, shape: Shape) -> Result<Self, Fault> {
        let trimmed = text.trim();
        let leading = text.chars().take_while(|c| c.is_whitespace()).count();
        let column = u32::try_from(leading).unwrap_or(u32::MAX - 1) + 1;
        Self::read(trimmed, shape).map_err(|fault| fault.within(column))
    }

    /// Whether a text is a schedule, leaving aside what stands beside it.
    ///
    /// # Errors
    /// As for [`Self::parse`].
    pub fn check(text: &str) -> Result<(), Fault> {
        let duration = (!is_inline(text.trim())).then_some(LONGEST);
        Self::parse(text, Shape { duration, ..Shape::default() }).map(|_| ())
    }

    fn read(text: &str, shape: Shape) -> Result<Self, Fault> {
        if text.starts_with("rate(") {
            return Err(Fault::at(1, "rate(…) does not say when it begins; write cron(…) or days and times"));
        }
        let starts = match text.strip_prefix("at(") {
            Some(rest) => Starts::Once(once(rest)?),
            None if is_inline(text) => return Self::inline(text, shape),
            None => Starts::Cron(Box::new(Cron::parse(text)?)),
        };
        let Some(duration) = shape.duration else {
            return Err(Fault::at(1, format!("{} needs a duration", quoted(text))));
        };
        Self::checked(text, starts, End::After(duration), shape.zone, shape.cutoff)
    }

    /// Days, opening and closing time, zone, cutoff.
    fn inline(text: &str, shape: Shape) -> Result<Self, Fault> {
        let words = words(text);
        let (days, taken) = Days::parse(&words)?;
        let mut rest = words[taken..].iter().copied();
        let end_of_text = u32::try_from(text.chars().count()).unwrap_or(u32::MAX - 1) + 1;
        let hours = rest.next().ok_or_else(|| {
            Fault::at(end_of_text, "the times are missing; write for example Sun 23:00-03:00 Europe/Berlin")
        })?;
        let (from, until) = opening_hours(hours)?;
        if let Some(duration) = shape.duration {
            let reason = format!(
                "{} closes at {}, and has a duration of {} as well; take one of them out",
                quoted(text),
                show_time(until),
                length::show(duration)
            );
            return Err(Fault::at(hours.column, reason));
        }
        let (mut zone, mut cutoff) = (shape.zone.clone(), shape.cutoff);
        while let Some(word) = rest.next() {
            if word.text.eq_ignore_ascii_case("cutoff") {
                let length = rest.next().ok_or_else(|| {
                    Fault::at(end_of_text, "the cutoff's length is missing; write for example cutoff 30m")
                })?;
                if cutoff.replace(length::parse(length)?).is_some() {
                    return Err(Fault::at(word.column, "the cutoff is given twice"));
                }
            } else {
                let named = Zone::named(word.text).map_err(|reason| Fault::at(word.column, reason))?;
                if zone.replace(named).is_some() {
                    return Err(Fault::at(word.column, "the time zone is given twice"));
                }
            }
        }
        Self::checked(text, Starts::Weekly(days, from), End::At(until), zone, cutoff)
    }

    fn checked(
        text: &str,
        starts: Starts,
        end: End,
        zone: Option<Zone>,
        cutoff: Option<SignedDuration>,
    ) -> Result<Self, Fault> {
        let length = match (end, &starts) {
            (End::After(length), _) => length,
            (End::At(until), Starts::Weekly(_, from)) => by_the_clock(*from, until),
            (End::At(_), _) => LONGEST,
        };
        if !(SHORTEST..=LONGEST).contains(&length) {
            let bounds = format!("{} to {}", length::show(SHORTEST), length::show(LONGEST));
            return Err(Fault::at(
                1,
                format!("a window is open for {bounds}, found {}", length::show(length)),
            ));
        }
        let cutoff = cutoff.unwrap_or(SignedDuration::ZERO);
        if cutoff.is_negative() || cutoff >= length {
            let reason = format!(
                "the cutoff is shorter than the window, found {} of {}",
                length::show(cutoff),
                length::show(length)
            );
            return Err(Fault::at(1, reason));
        }
        Ok(Self { text: text.to_owned(), starts, end, zone: zone.unwrap_or_else(Zone::utc), cutoff })
    }

    /// The times it is open that have something in common with a range, in order, whole. The module's
    /// documentation tells what happens on nights on which clocks are set.
    pub fn occurrences(&self, range: Span) -> Vec<Occurrence> {
        // A window that opened on the day before yesterday is closed, whatever the clocks did.
        let first = self.zone.wall(range.from()).date().saturating_sub(2.days());
        let last = self.zone.wall(range.until()).date().saturating_add(1.day());
        let mut found: Vec<Occurrence> = Vec::new();
        let mut add = |start: DateTime| {
            let occurrence = self.occurrence(start).filter(|it| it.span.overlap(range).is_some());
            // Two starts in the hour that is skipped are one.
            found.extend(occurrence.filter(|it| found.last() != Some(it)));
        };
        if let Starts::Once(start) = &self.starts {
            add(*start);
            return found;
        }
        let mut day = first;
        loop {
            self.starts_on(day).iter().for_each(|time| add(day.to_datetime(*time)));
            match day.tomorrow() {
                Ok(next) if next <= last => day = next,
                _ => return found,
            }
        }
    }

    fn starts_on(&self, day: Date) -> &[Time] {
        match &self.starts {
            Starts::Cron(cron) => cron.on(day),
            Starts::Weekly(days, time) if days.include(day) => std::slice::from_ref(time),
            Starts::Weekly(..) | Starts::Once(_) => &[],
        }
    }

    fn occurrence(&self, start: DateTime) -> Option<Occurrence> {
        let from = self.zone.first_moment(start);
        let until = match self.end {
            End::After(length) => from.checked_add(length).ok()?,
            End::At(time) => {
                let day = if time > start.time() { start.date() } else { start.date().tomorrow().ok()? };
                self.zone.first_moment(day.to_datetime(time))
            }
        };
        Some(Occurrence { span: Span::new(from, until)?, cutoff: self.cutoff })
    }

    /// Its time zone.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Nothing starts in so much of a window's end.
    pub fn cutoff(&self) -> SignedDuration {
        self.cutoff
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if let End::After(length) = self.end {
            write!(f, " for {}", length::show(length))?;
        }
        if !self.text.contains(self.zone.name()) {
            write!(f, " {}", self.zone.name())?;
        }
        Ok(())
    }
}

/// Whether a text begins as days and times do. Cron fields begin with digits, `*` or `cron(`, a single
/// time with `at(`, and no ordinal is a field.
fn is_inline(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let ordinal = first.len() > 2
        && first.starts_with(|c: char| c.is_ascii_digit())
        && first.ends_with(char::is_alphabetic);
    let other = ["cron(", "at("].iter().any(|form| text.starts_with(form));
    ordinal || (first.starts_with(char::is_alphabetic) && !other)
}

/// `2026-12-06T23:00)`.
fn once(rest: &str) -> Result<DateTime, Fault> {
    const START: u32 = 4;
    let Some(inside) = rest.strip_suffix(')') else {
        return Err(Fault::at(1, "`at(` is not closed with `)`"));
    };
    let reason = || format!("{} is not a date and time such as 2026-12-06T23:00", quoted(inside));
    crate::freeze::date_time(inside).ok_or_else(|| Fault::at(START, reason()))
}

/// `23:00-03:00`.
fn opening_hours(word: Word<'_>) -> Result<(Time, Time), Fault> {
    let fault = |column: u32, text: &str| {
        let reason = format!("{} is not a time of day such as 23:00-03:00", quoted(text));
        Fault::at(column, reason).within(word.column)
    };
    let Some((from, until)) = word.text.split_once('-') else { return Err(fault(1, word.text)) };
    let until_column = u32::try_from(from.chars().count()).unwrap_or(u32::MAX - 2) + 2;
    Ok((
        time_of_day(from).ok_or_else(|| fault(1, from))?,
        // Midnight at the end of a day is the next one's beginning.
        time_of_day(if until == "24:00" { "00:00" } else { until })
            .ok_or_else(|| fault(until_column, until))?,
    ))
}

fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

fn show_time(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// From one time to the next other, on a day on which no clock is set.
fn by_the_clock(from: Time, until: Time) -> SignedDuration {
    let length = until.duration_since(from);
    if length.is_positive() { length } else { length + LONGEST }
}
