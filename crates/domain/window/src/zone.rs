//! Time zones: where the clock of a wall and the time of the world meet.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

use crate::fault::quoted;

/// The database that is compiled in; the machine's own is not asked.
static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone of the IANA database, such as `Europe/Berlin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The zone of this name, in any case.
    ///
    /// # Errors
    /// A sentence that says what is wrong: abbreviations such as `CEST` are no zones, nor are names of
    /// Windows.
    pub fn named(name: &str) -> Result<Self, String> {
        if name.eq_ignore_ascii_case("utc") {
            return Ok(Self::utc());
        }
        // A name such as `Etc/Unknown` is known, and means that nobody knows.
        match DATABASE.get(name) {
            Ok(zone) if !zone.is_unknown() => Ok(Self(zone)),
            _ => Err(format!(
                "{} is not a time zone; write its IANA name, such as Europe/Berlin",
                quoted(name)
            )),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What the clock of the wall shows at a moment.
    pub(crate) fn wall(&self, at: Timestamp) -> DateTime {
        self.0.to_datetime(at)
    }

    /// The first moment at which the clock of the wall shows this time or a later one: the end of the
    /// gap for a time that is skipped, the first of two for one that is shown twice.
    pub(crate) fn first_moment(&self, wall: DateTime) -> Timestamp {
        let ambiguous = self.0.to_ambiguous_timestamp(wall);
        let (offset, skipped) = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } => (offset, false),
            AmbiguousOffset::Fold { before, .. } => (before, false),
            AmbiguousOffset::Gap { before, .. } => (before, true),
        };
        let Ok(moment) = offset.to_timestamp(wall) else { return end_of_time(wall) };
        if !skipped {
            return moment;
        }
        // Read with the offset before the gap, a skipped time lies at its end or shortly after it.
        let after = moment.checked_add(jiff::SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX);
        self.0.preceding(after).next().map_or(moment, |transition| transition.timestamp())
    }

    /// The moment RFC 5545 means by a local time (3.3.5): the offset before the gap for a time that is
    /// skipped, the first of two for one that is shown twice.
    pub(crate) fn moment(&self, wall: DateTime) -> Timestamp {
        self.0.to_ambiguous_timestamp(wall).compatible().unwrap_or_else(|_| end_of_time(wall))
    }

    /// The first moment of a day.
    pub(crate) fn midnight(&self, day: Date) -> Timestamp {
        self.first_moment(day.to_datetime(jiff::civil::Time::midnight()))
    }
}

/// Times at the ends of the calendar that some offset pushes over them.
fn end_of_time(wall: DateTime) -> Timestamp {
    if wall.year() < 0 { Timestamp::MIN } else { Timestamp::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(zone: &str, wall: &str) -> String {
        let zone = Zone::named(zone).expect("a zone");
        zone.first_moment(wall.parse().expect("a time")).to_string()
    }

    #[test]
    fn a_skipped_time_is_the_end_of_the_gap() {
        for wall in ["2026-03-29T02:00", "2026-03-29T02:30", "2026-03-29T02:59:59", "2026-03-29T03:00"] {
            assert_eq!(first("Europe/Berlin", wall), "2026-03-29T01:00:00Z", "{wall}");
        }
        assert_eq!(first("America/New_York", "2026-03-08T02:30"), "2026-03-08T07:00:00Z");
        assert_eq!(first("Australia/Lord_Howe", "2026-10-04T02:15"), "2026-10-03T15:30:00Z", "half an hour");
        assert_eq!(first("Pacific/Apia", "2011-12-30T12:00"), "2011-12-30T10:00:00Z", "a whole day");
    }

    #[test]
    fn a_time_shown_twice_is_the_first_of_the_two() {
        assert_eq!(first("Europe/Berlin", "2026-10-25T02:30"), "2026-10-25T00:30:00Z");
        assert_eq!(first("America/New_York", "2026-11-01T01:30"), "2026-11-01T05:30:00Z");
        assert_eq!(first("Australia/Lord_Howe", "2026-04-05T01:45"), "2026-04-04T14:45:00Z");
    }

    #[test]
    fn a_day_begins_late_where_midnight_is_skipped() {
        let zone = Zone::named("Africa/Cairo").expect("a zone");
        assert_eq!(zone.midnight(jiff::civil::date(2026, 4, 24)).to_string(), "2026-04-23T22:00:00Z");
    }

    #[test]
    fn only_names_of_the_database_are_zones() {
        assert_eq!(Zone::named("europe/berlin").expect("any case").name(), "Europe/Berlin");
        assert_eq!(Zone::named("UTC").expect("known").name(), "UTC");
        for wrong in ["", "CEST", "Berlin", "W. Europe Standard Time", "+02:00", "Etc/Unknown", "../etc"] {
            assert!(Zone::named(wrong).is_err(), "{wrong}");
        }
    }
}
