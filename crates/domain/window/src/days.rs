//! Days as people write them: `Sun`, `Mon-Fri`, `Sat/Sun`, `daily`, `2nd Tue`, `last Fri`.

use jiff::civil::{Date, Weekday};

use crate::fault::{Fault, quoted};
use crate::words::{Word, split};

/// Days of the week, or one of them in each month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days {
    /// From Monday on.
    of_week: [bool; 7],
    /// The first to fourth of the month; -1 is the last; `None` takes all.
    of_month: Option<i8>,
}

impl Days {
    /// Reads them from the beginning of `words`; how many words they took comes with them.
    pub(crate) fn parse(words: &[Word<'_>]) -> Result<(Self, usize), Fault> {
        let Some(first) = words.first() else {
            return Err(Fault::at(1, "there is nothing; write days, times and a time zone"));
        };
        let Some(of_month) = ordinal(first.text) else {
            return Ok((Self { of_week: of_week(*first)?, of_month: None }, 1));
        };
        let Some(day) = words.get(1) else {
            return Err(Fault::at(
                first.column,
                format!("{} of which day? Write `2nd Tue`", quoted(first.text)),
            ));
        };
        let weekday = weekday(*day)?;
        let mut of_week = [false; 7];
        of_week[index(weekday)] = true;
        Ok((Self { of_week, of_month: Some(of_month) }, 2))
    }

    /// Whether a day is one of them.
    pub(crate) fn include(&self, day: Date) -> bool {
        self.of_week[index(day.weekday())]
            && match self.of_month {
                None => true,
                Some(-1) => day.day() + 7 > day.days_in_month(),
                Some(nth) => (day.day() - 1) / 7 + 1 == nth,
            }
    }
}

fn ordinal(text: &str) -> Option<i8> {
    match text.to_ascii_lowercase().as_str() {
        "1st" | "first" => Some(1),
        "2nd" | "second" => Some(2),
        "3rd" | "third" => Some(3),
        "4th" | "fourth" => Some(4),
        "last" => Some(-1),
        _ => None,
    }
}

fn of_week(word: Word<'_>) -> Result<[bool; 7], Fault> {
    if word.text.eq_ignore_ascii_case("daily") {
        return Ok([true; 7]);
    }
    let mut days = [false; 7];
    for part in split(word.text, |c| matches!(c, ',' | '/')) {
        let ends: Vec<Word<'_>> = split(part.text, |c| c == '-');
        let end = |at: usize| weekday(ends[at]).map_err(|fault| fault.within(part.column));
        let (first, last) = match ends.len() {
            1 => (end(0), end(0)),
            2 => (end(0), end(1)),
            _ => return Err(Fault::at(part.column, not_a_day(part.text)).within(word.column)),
        };
        let within = |fault: Fault| fault.within(word.column);
        let (first, last) = (first.map_err(within)?, last.map_err(within)?);
        let mut day = first;
        days[index(day)] = true;
        while day != last {
            day = day.next();
            days[index(day)] = true;
        }
    }
    Ok(days)
}

/// A day of the week by its English name, or by the first three letters of it.
pub(crate) fn weekday(word: Word<'_>) -> Result<Weekday, Fault> {
    const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let wanted = word.text.to_ascii_lowercase();
    let found = NAMES.iter().position(|name| *name == wanted || name[..3] == wanted);
    let found = found.and_then(|at| Weekday::from_monday_zero_offset(i8::try_from(at).ok()?).ok());
    found.ok_or_else(|| Fault::at(word.column, not_a_day(word.text)))
}

fn not_a_day(text: &str) -> String {
    format!("{} is not a day; write Sun, Mon-Fri, Sat/Sun, daily, 2nd Tue or last Fri", quoted(text))
}

fn index(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::words;

    /// The days of November 2026 (a Sunday is the first) that are meant.
    fn november(text: &str) -> Vec<i8> {
        let (days, _) = Days::parse(&words(text)).expect("days");
        let of_month = (1..=30).map(|day| jiff::civil::date(2026, 11, day));
        of_month.filter(|day| days.include(*day)).map(Date::day).collect()
    }

    #[test]
    fn lists_ranges_and_ordinals_are_understood() {
        assert_eq!(november("sun"), [1, 8, 15, 22, 29]);
        assert_eq!(november("Sat/Sunday"), [1, 7, 8, 14, 15, 21, 22, 28, 29]);
        assert_eq!(november("Fri-Mon,wed")[..6], [1, 2, 4, 6, 7, 8], "over the end of the week");
        assert_eq!(november("daily").len(), 30);
        assert_eq!(november("2nd Tue"), [10]);
        assert_eq!(november("last Mon"), [30]);
        assert_eq!(november("4th Mon"), [23]);
    }

    #[test]
    fn a_day_nobody_knows_is_pointed_at() {
        for (text, column) in [
            ("", 1),
            ("Son", 1),
            ("Mon-Fry", 5),
            ("Mon,", 5),
            ("Sat/Sun/X", 9),
            ("2nd", 1),
            ("2nd Tua", 5),
            ("Mon-Tue-Wed", 1),
        ] {
            assert_eq!(Days::parse(&words(text)).expect_err(text).column, column, "{text}");
        }
    }
}
