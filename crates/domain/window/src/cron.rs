//! Cron expressions: five fields, or AWS's `cron(…)` with six or seven.

use croner::Cron as Fields;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{Date, Time};

use crate::fault::{Fault, quoted};
use crate::words::{Word, words};

/// Starts on one day at most. A window is open for an hour at least, so more would run together.
const MOST_STARTS: usize = 24;

/// When something starts, by the clock of the wall.
#[derive(Clone, Debug)]
pub(crate) struct Cron {
    fields: Fields,
    /// Times of day, in order.
    times: Vec<Time>,
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.fields.pattern == other.fields.pattern
    }
}

/// Which fields an expression has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// Minutes, hours, day of month, month, day of week (0 or 7 is Sunday).
    Classic,
    /// AWS's, where 1 is Sunday and one of the two day fields is `?`: minutes, hours, day of month,
    /// month, day of week, year; with seven fields, seconds come first.
    /// Source: Systems Manager, "Cron and rate expressions for Systems Manager".
    Aws,
}

impl Cron {
    /// Reads an expression.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let (inside, start, dialect) = match text.strip_prefix("cron(") {
            Some(rest) => match rest.strip_suffix(')') {
                Some(inside) => (inside, 6, Dialect::Aws),
                None => return Err(Fault::at(1, "`cron(` is not closed with `)`")),
            },
            None => (text, 1, Dialect::Classic),
        };
        Self::read(&words(inside), dialect).map_err(|fault| fault.within(start))
    }

    fn read(given: &[Word<'_>], dialect: Dialect) -> Result<Self, Fault> {
        let fields = seven_fields(given, dialect)?;
        let expression = fields.map(|field| field.text).join(" ");
        let fields = parser(dialect).parse(&expression).map_err(|error| {
            let faulty = faulty_field(&fields, dialect).unwrap_or(fields[1]);
            Fault::at(faulty.column, format!("{} cannot be read: {error}", quoted(faulty.text)))
        })?;
        let cron = Self { times: times(&fields)?, fields };
        if cron.never() {
            return Err(Fault::at(1, "there is no such day in any year"));
        }
        Ok(cron)
    }

    /// The times of day it starts at on a day.
    pub(crate) fn on(&self, day: Date) -> &[Time] {
        if self.includes(day) { &self.times } else { &[] }
    }

    fn includes(&self, day: Date) -> bool {
        let pattern = &self.fields.pattern;
        let (year, month, of_month) = (i32::from(day.year()), number(day.month()), number(day.day()));
        let weekday = weekday(day);
        pattern.year_match(year).unwrap_or(false)
            && pattern.month_match(month).unwrap_or(false)
            && pattern.day_match(year, month, of_month, weekday).unwrap_or(false)
    }

    /// Whether no day of two centuries is meant, such as the 30th of February.
    fn never(&self) -> bool {
        let (first, last) = (jiff::civil::date(1970, 1, 1), jiff::civil::date(2199, 12, 31));
        !first.series(jiff::Span::new().days(1)).take_while(|day| *day <= last).any(|day| self.includes(day))
    }
}

fn parser(dialect: Dialect) -> CronParser {
    let aws = dialect == Dialect::Aws;
    CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Required)
        .alternative_weekdays(aws)
        // AWS counts `0/30` from the first number on.
        .sloppy_ranges(aws)
        .build()
}

/// Seconds, minutes, hours, day of month, month, day of week, year.
fn seven_fields<'t>(given: &[Word<'t>], dialect: Dialect) -> Result<[Word<'t>; 7], Fault> {
    let implied = |text| Word { text, column: 1 };
    let mut fields = given.to_vec();
    match (dialect, given.len()) {
        (Dialect::Classic, 5) => {
            fields.insert(0, implied("0"));
            fields.push(implied("*"));
        }
        (Dialect::Aws, 6) => fields.insert(0, implied("0")),
        (Dialect::Aws, 7) => {}
        (Dialect::Classic, found) => {
            let reason = format!(
                "a cron expression has 5 fields (minutes, hours, day of month, month, day of week), found {found}; \
                 write AWS's form as cron(…)"
            );
            return Err(Fault::at(1, reason));
        }
        (Dialect::Aws, found) => {
            let reason = format!(
                "cron(…) has 6 fields (minutes, hours, day of month, month, day of week, year) or 7 (seconds \
                 first), found {found}"
            );
            return Err(Fault::at(1, reason));
        }
    }
    let fields: [Word<'t>; 7] = fields.try_into().unwrap_or([implied("*"); 7]);
    check_characters(&fields, dialect)?;
    Ok(fields)
}

/// What the two forms allow, before the library reads more than either.
fn check_characters(fields: &[Word<'_>; 7], dialect: Dialect) -> Result<(), Fault> {
    for field in fields {
        if let Some(wrong) = field.text.chars().find(|c| matches!(c, '@' | '+') || !c.is_ascii_graphic()) {
            return Err(Fault::at(field.column, format!("`{}` has no meaning here", wrong.escape_debug())));
        }
    }
    let asks = |field: &&Word<'_>| field.text.contains('?');
    match dialect {
        Dialect::Classic => match fields.iter().find(asks) {
            Some(field) => Err(Fault::at(field.column, "`?` belongs to AWS's form: write cron(…), or `*`")),
            None => Ok(()),
        },
        Dialect::Aws => {
            let days = [fields[3], fields[5]];
            if let Some(field) =
                fields.iter().find(|field| asks(field) && (field.text != "?" || !days.contains(field)))
            {
                return Err(Fault::at(
                    field.column,
                    "`?` stands alone, in the day of month or the day of week",
                ));
            }
            match days.iter().filter(asks).count() {
                1 => Ok(()),
                _ => Err(Fault::at(
                    fields[3].column,
                    "one of day of month and day of week is `?`, the other says the days",
                )),
            }
        }
    }
}

/// The first field that cannot be read even alone.
fn faulty_field<'t>(fields: &[Word<'t>; 7], dialect: Dialect) -> Option<Word<'t>> {
    (0..fields.len())
        .map(|at| (at, fields[at]))
        .find(|(at, field)| {
            let mut alone = ["0", "0", "0", "*", "*", "*", "*"];
            alone[*at] = field.text;
            parser(dialect).parse(&alone.join(" ")).is_err()
        })
        .map(|(_, field)| field)
}

fn times(fields: &Fields) -> Result<Vec<Time>, Fault> {
    let pattern = &fields.pattern;
    let (hours, minutes, seconds) =
        (pattern.hours.values(), pattern.minutes.values(), pattern.seconds.values());
    let count = hours.len() * minutes.len() * seconds.len();
    if count > MOST_STARTS {
        let reason = format!("starts {count} times a day; a window opens {MOST_STARTS} times a day at most");
        return Err(Fault::at(1, reason));
    }
    let mut times = Vec::with_capacity(count);
    for hour in &hours {
        for minute in &minutes {
            for second in &seconds {
                let part = |number: u16| i8::try_from(number).unwrap_or_default();
                times.extend(Time::new(part(*hour), part(*minute), part(*second), 0).ok());
            }
        }
    }
    Ok(times)
}

fn number(part: i8) -> u32 {
    u32::try_from(part).unwrap_or_default()
}

fn weekday(day: Date) -> croner::Weekday {
    use croner::Weekday;
    use jiff::civil::Weekday as Of;
    match day.weekday() {
        Of::Sunday => Weekday::Sunday,
        Of::Monday => Weekday::Monday,
        Of::Tuesday => Weekday::Tuesday,
        Of::Wednesday => Weekday::Wednesday,
        Of::Thursday => Weekday::Thursday,
        Of::Friday => Weekday::Friday,
        Of::Saturday => Weekday::Saturday,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The starts of November 2026 (a Sunday is the first).
    fn november(text: &str) -> Vec<String> {
        let cron = Cron::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        let days = (1..=30).map(|day| jiff::civil::date(2026, 11, day));
        days.flat_map(|day| cron.on(day).iter().map(move |time| format!("{} {time}", day.day()))).collect()
    }

    #[test]
    fn aws_counts_days_from_sunday_as_1_and_the_classic_form_from_0() {
        let sundays = ["1 23:00:00", "8 23:00:00", "15 23:00:00", "22 23:00:00", "29 23:00:00"];
        for text in [
            "cron(0 0 23 ? * SUN *)",
            "cron(0 23 ? * SUN *)",
            "cron(0 23 ? * 1 *)",
            "0 23 * * 0",
            "0 23 * * 7",
            "0 23 * * sun",
        ] {
            assert_eq!(november(text), sundays, "{text}");
        }
    }

    #[test]
    fn patch_tuesday_last_days_and_lists_are_understood() {
        assert_eq!(november("cron(30 2 ? * TUE#2 *)"), ["10 02:30:00"]);
        assert_eq!(november("cron(0 2 ? * 6L 2026)"), ["27 02:00:00"], "the last Friday");
        assert_eq!(november("cron(0 2 L * ? *)"), ["30 02:00:00"]);
        assert_eq!(november("cron(0 2 15W * ? *)"), ["16 02:00:00"], "the weekday nearest to a Sunday");
        assert_eq!(november("cron(0 0/12 10 * ? *)"), ["10 00:00:00", "10 12:00:00"]);
        assert_eq!(november("0 22 * * SAT,SUN").len(), 9);
        assert_eq!(november("0 22 * * MON-FRI").len(), 21);
        assert_eq!(november("0 22 13 * FRI"), ["6 22:00:00", "13 22:00:00", "20 22:00:00", "27 22:00:00"]);
        assert_eq!(november("cron(0 2 ? * SUN 2030)"), [""; 0]);
    }

    #[test]
    fn a_faulty_field_is_pointed_at() {
        for (text, column, says) in [
            ("", 1, "5 fields"),
            ("0 23 * *", 1, "found 4"),
            ("0 24 * * SUN", 3, "`24`"),
            ("0 23 * * SUM", 10, "`SUM`"),
            ("0 23 ? * SUN", 6, "AWS"),
            ("@daily", 1, "5 fields"),
            ("cron(0 23 ? * SUN)", 6, "found 5"),
            ("cron(0 23 ? * SUN *", 1, "closed"),
            ("cron(0 23 * * SUN *)", 11, "`?`"),
            ("cron(0 23 ? * ? *)", 11, "`?`"),
            ("cron(0 ? * * SUN *)", 8, "`?`"),
            ("cron(0 23 ? * SUN 26x)", 19, "`26x`"),
            ("0 23 30 2 *", 1, "no such day"),
            ("* 23 * * *", 1, "60 times"),
            ("0 23 * * \u{661}", 10, "no meaning"),
        ] {
            let fault = Cron::parse(text).expect_err(text);
            assert_eq!(fault.column, column, "{text}: {fault}");
            assert!(fault.reason.contains(says), "{text}: {fault}");
        }
    }
}
