//! Kubernetes versions on EKS, and until when each is supported.
//!
//! Dates: EKS user guide, "Understand the Kubernetes version lifecycle on EKS".

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

/// A minor version of Kubernetes 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minor(pub u32);

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

impl FromStr for Minor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix("1.").filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
        number
            .and_then(|it| it.parse().ok())
            .map(Self)
            .ok_or_else(|| format!("\"{text}\" is no minor version such as 1.33"))
    }
}

impl Minor {
    /// The minor version of a release such as `v1.33.4-eks-0123456` or `1.33.4-20260801`.
    #[must_use]
    pub fn of_release(text: &str) -> Option<Self> {
        let mut parts = text.trim_start_matches('v').split(['.', '-']);
        let (major, minor) = (parts.next()?, parts.next()?);
        (major == "1").then(|| minor.parse().ok().map(Self))?
    }

    /// The version before; none before 1.0.
    #[must_use]
    pub fn before(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }

    /// What the kubelet of EKS's image of this version says that it is.
    #[must_use]
    pub fn kubelet(self) -> String {
        format!("v{self}.{}-eks-0123456", self.patch())
    }

    /// The latest release of EKS's image of this version.
    #[must_use]
    pub fn image_release(self) -> String {
        format!("{self}.{}-20260801", self.patch())
    }

    /// The patch version that is offered; drops towards newer minors, as it does on EKS.
    #[must_use]
    pub const fn patch(self) -> u32 {
        40_u32.saturating_sub(self.0) + 1
    }
}

/// A version that EKS offers or has offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The version.
    pub version: Minor,
    /// When it came to EKS.
    pub released: Date,
    /// When standard support ends.
    pub standard_until: Date,
    /// When extended support ends.
    pub extended_until: Date,
}

const fn offered(minor: u32, released: Date, standard_until: Date, extended_until: Date) -> Offered {
    Offered { version: Minor(minor), released, standard_until, extended_until }
}

/// The calendar, the oldest version first.
pub const CALENDAR: [Offered; 7] = [
    offered(30, date(2024, 5, 23), date(2025, 7, 23), date(2026, 7, 23)),
    offered(31, date(2024, 9, 26), date(2025, 11, 26), date(2026, 11, 26)),
    offered(32, date(2025, 1, 23), date(2026, 3, 23), date(2027, 3, 23)),
    offered(33, date(2025, 5, 29), date(2026, 7, 29), date(2027, 7, 29)),
    offered(34, date(2025, 10, 2), date(2026, 12, 2), date(2027, 12, 2)),
    offered(35, date(2026, 1, 27), date(2027, 3, 27), date(2028, 3, 27)),
    offered(36, date(2026, 6, 2), date(2027, 8, 2), date(2028, 8, 2)),
];

/// How a version is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// By the usual price.
    Standard,
    /// For an extra price.
    Extended,
    /// Not any more.
    Unsupported,
}

impl Support {
    /// The API's words: the newer spelling, and the older one.
    #[must_use]
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Standard => ("STANDARD_SUPPORT", "standard-support"),
            Self::Extended => ("EXTENDED_SUPPORT", "extended-support"),
            Self::Unsupported => ("UNSUPPORTED", "unsupported"),
        }
    }
}

/// The beginning of a day, UTC.
#[must_use]
pub fn midnight(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MIN, |it| it.timestamp())
}

impl Offered {
    /// How the version is supported at a moment.
    #[must_use]
    pub fn support(&self, now: Timestamp) -> Support {
        match () {
            () if now < midnight(self.standard_until) => Support::Standard,
            () if now < midnight(self.extended_until) => Support::Extended,
            () => Support::Unsupported,
        }
    }
}

/// The versions that have come to EKS by a moment, the oldest first. The estate's calendar does not reach into the
/// past of a scenario that begins before it: the first version is always there.
pub fn released(now: Timestamp) -> impl Iterator<Item = &'static Offered> {
    CALENDAR
        .iter()
        .enumerate()
        .filter(move |(nth, it)| *nth == 0 || midnight(it.released) <= now)
        .map(|it| it.1)
}

/// The entry of a version that can be had at a moment.
#[must_use]
pub fn available(version: Minor, now: Timestamp) -> Option<&'static Offered> {
    released(now).find(|it| it.version == version && it.support(now) != Support::Unsupported)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_all_that_carries_them() {
        assert_eq!("1.33".parse(), Ok(Minor(33)));
        for text in ["1", "2.1", "1.", "1.x", "v1.33", "1.33.1"] {
            assert!(text.parse::<Minor>().is_err(), "{text}");
        }
        for text in [Minor(33).kubelet(), Minor(33).image_release(), "v1.33.0".to_owned()] {
            assert_eq!(Minor::of_release(&text), Some(Minor(33)), "{text}");
        }
    }

    #[test]
    fn support_goes_by_the_calendar_to_the_day() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a moment");
        let support = |text: &str| CALENDAR[3].support(at(text));
        assert_eq!(support("2026-07-28T23:59:59Z"), Support::Standard);
        assert_eq!(support("2026-07-29T00:00:00Z"), Support::Extended);
        assert_eq!(support("2027-07-29T00:00:00Z"), Support::Unsupported);
        assert!(available(Minor(36), at("2026-06-01T23:00:00Z")).is_none(), "not yet released");
        assert!(available(Minor(36), at("2026-06-02T00:00:00Z")).is_some());
        assert!(available(Minor(30), at("2026-08-01T00:00:00Z")).is_none(), "not any more");
    }
}
