//! Window tags: how a host says when it may be changed.

use crate::fault::{Fault, quoted};
use crate::schedule::{Schedule, Shape};
use crate::zone::Zone;

/// The value of a host's window tag.
///
/// ```text
/// tag     = name | inline
/// name    = 1 to 64 letters, digits, "-" and "_"; a window of the configuration
/// inline  = days " " time "-" time " " zone [ " cutoff " length ]
/// days    = "daily" | list | ordinal " " day
/// list    = range { ( "," | "/" ) range }     a tag takes "/" everywhere, "," not in every service
/// range   = day [ "-" day ]                   Sat-Mon goes over the week's end
/// day     = Mon Tue Wed Thu Fri Sat Sun, or the whole name; in any case
/// ordinal = 1st 2nd 3rd 4th last              in the month: "2nd Tue"
/// time    = HH ":" MM, 00:00 to 23:59; 24:00 as the closing time
/// zone    = an IANA name, or UTC
/// length  = hours and minutes: 30m, 1h, 1h30m
/// ```
///
/// `Sun 23:00-03:00 Europe/Berlin` opens on Sundays at 23:00 and closes on Mondays at 03:00. A closing
/// time that is not later than the opening time is the next day's.
#[derive(Clone, Debug, PartialEq)]
pub enum WindowTag {
    /// A window of the configuration, by its name; whether there is one is the caller's to see.
    Named(String),
    /// A schedule of the host's own.
    Inline(Schedule),
}

impl WindowTag {
    /// Reads the value of a tag.
    ///
    /// # Errors
    /// What is wrong, with its column. A zone must be named: a tag stands far from any default.
    pub fn parse(value: &str) -> Result<Self, Fault> {
        let trimmed = value.trim();
        if !trimmed.contains(char::is_whitespace) {
            return if is_window_name(trimmed) {
                Ok(Self::Named(trimmed.to_owned()))
            } else {
                let reason = format!(
                    "{} is neither the name of a window (1 to 64 letters, digits, - and _) nor a schedule \
                     such as Sun 23:00-03:00 Europe/Berlin",
                    quoted(trimmed)
                );
                Err(Fault::at(1, reason))
            };
        }
        let schedule = Schedule::inline_only(value)?;
        Ok(Self::Inline(schedule))
    }
}

/// Whether a text can be a window's name.
pub fn is_window_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

impl Schedule {
    /// Days, times and zone; the other forms have characters that tags do not take.
    fn inline_only(value: &str) -> Result<Self, Fault> {
        let schedule = Self::parse(value, Shape::default())?;
        if value.split_whitespace().any(|word| Zone::named(word).is_ok()) {
            return Ok(schedule);
        }
        let end = u32::try_from(value.trim_end().chars().count()).unwrap_or(u32::MAX - 1) + 1;
        Err(Fault::at(end, "the time zone is missing; write for example Sun 23:00-03:00 Europe/Berlin"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_is_a_name_and_several_are_a_schedule() {
        assert_eq!(WindowTag::parse(" sunday-night "), Ok(WindowTag::Named("sunday-night".to_owned())));
        let Ok(WindowTag::Inline(schedule)) = WindowTag::parse("Sun 23:00-03:00 Europe/Berlin cutoff 30m")
        else {
            panic!("a schedule");
        };
        assert_eq!(schedule.zone().name(), "Europe/Berlin");
        assert_eq!(schedule.cutoff(), jiff::SignedDuration::from_mins(30));
        for zone in ["utc", "Etc/UTC", "GMT", "us/eastern", "Asia/Calcutta"] {
            assert!(WindowTag::parse(&format!("Sun 23:00-03:00 {zone}")).is_ok(), "{zone}");
        }
    }

    #[test]
    fn a_faulty_tag_is_pointed_at() {
        for (value, column, says) in [
            ("", 1, "neither"),
            ("sunday.night", 1, "neither"),
            ("Son 23:00-03:00 Europe/Berlin", 1, "not a day"),
            ("Sun 23:00 Europe/Berlin", 5, "time of day"),
            ("Sun 23:00-25:00 Europe/Berlin", 11, "`25:00`"),
            ("Sun 24:00-03:00 Europe/Berlin", 5, "`24:00`"),
            ("Sun 23:00-03:00 Europe/Berlyn", 17, "not a time zone"),
            ("Sun 23:00-03:00 Europe/Berlin UTC", 31, "twice"),
            ("Sun 23:00-03:00", 16, "zone is missing"),
            ("Sun UTC", 5, "time of day"),
            ("Sun 23:00-03:00 UTC cutoff", 27, "length is missing"),
            ("Sun 23:00-03:00 UTC cutoff 4x", 28, "length of time"),
            ("Sun 23:00-03:00 UTC cutoff 4h", 1, "shorter than the window"),
            ("  Sun 23:00-23:30 UTC", 3, "1h to 24h"),
            ("0 23 * * SUN", 1, "duration"),
        ] {
            let fault = WindowTag::parse(value).expect_err(value);
            assert_eq!(fault.column, column, "{value}: {fault}");
            assert!(fault.reason.contains(says), "{value}: {fault}");
        }
    }
}
