//! Change calendars: documents of Systems Manager that say when changes may happen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::policy::pattern;

/// Whether changes may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CalendarState {
    /// They may.
    #[default]
    Open,
    /// They may not.
    Closed,
}

impl CalendarState {
    /// Systems Manager's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Closed => "CLOSED",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Open => Self::Closed,
            Self::Closed => Self::Open,
        }
    }
}

/// A time when a calendar is not as it is by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarEvent {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end, which is no longer part of it.
    pub until: Timestamp,
}

/// A change calendar; a `[[calendars]]` table of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// Its name.
    pub name: String,
    /// Accounts by id; `*` and `?` are wildcards.
    #[serde(default = "any")]
    pub account: String,
    /// Regions by code, with wildcards.
    #[serde(default = "any")]
    pub region: String,
    /// What it is outside its events.
    #[serde(default)]
    pub default: CalendarState,
    /// When it is the opposite.
    #[serde(default)]
    pub events: Vec<CalendarEvent>,
}

fn any() -> String {
    "*".to_owned()
}

impl Calendar {
    /// What makes no sense about the calendar, with what to give instead.
    ///
    /// # Errors
    /// The field and the problem, in one sentence.
    pub fn check(&self) -> Result<(), String> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        if !(3..=128).contains(&self.name.len()) || !self.name.bytes().all(plain) {
            return Err(format!(
                "name: \"{}\" must be 3 to 128 letters, digits, `_`, `-` and `.`",
                self.name
            ));
        }
        match self.events.iter().find(|event| event.from >= event.until) {
            Some(event) => Err(format!("until: {} must be after from, {}", event.until, event.from)),
            None => Ok(()),
        }
    }

    /// True where an account has it in a region.
    #[must_use]
    pub fn is_in(&self, account: &str, region: &str) -> bool {
        pattern::matches(&self.account, account) && pattern::matches(&self.region, region)
    }

    /// What it is at a moment.
    #[must_use]
    pub fn state(&self, at: Timestamp) -> CalendarState {
        let within = self.events.iter().any(|event| event.from <= at && at < event.until);
        if within { self.default.other() } else { self.default }
    }
}

/// What several calendars come to: open where all are.
#[must_use]
pub fn state(calendars: &[&Calendar], at: Timestamp) -> CalendarState {
    let closed = calendars.iter().any(|calendar| calendar.state(at) == CalendarState::Closed);
    if closed { CalendarState::Closed } else { CalendarState::Open }
}

/// When that changes next, after `at`; none where it never does.
#[must_use]
pub fn next_transition(calendars: &[&Calendar], at: Timestamp) -> Option<Timestamp> {
    let now = state(calendars, at);
    let events = calendars.iter().flat_map(|calendar| &calendar.events);
    let mut edges: Vec<Timestamp> =
        events.flat_map(|event| [event.from, event.until]).filter(|edge| *edge > at).collect();
    edges.sort_unstable();
    edges.into_iter().find(|edge| state(calendars, *edge) != now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_calendars_are_open_where_both_are_and_the_next_transition_is_of_both() {
        let read = |text: &str| toml::from_str::<Calendar>(text).expect("a calendar");
        let freeze = read(
            "name = \"freeze\"\nevents = [{ from = \"2026-12-20T00:00:00Z\", until = \"2027-01-04T00:00:00Z\" }]",
        );
        let nights = read(
            "name = \"nights\"\ndefault = \"closed\"\nevents = [{ from = \"2026-12-19T22:00:00Z\", until = \"2026-12-20T04:00:00Z\" }]",
        );
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let both = [&freeze, &nights];
        assert_eq!(state(&both, at("2026-12-19T12:00:00Z")), CalendarState::Closed);
        assert_eq!(next_transition(&both, at("2026-12-19T12:00:00Z")), Some(at("2026-12-19T22:00:00Z")));
        assert_eq!(state(&both, at("2026-12-19T23:00:00Z")), CalendarState::Open);
        assert_eq!(next_transition(&both, at("2026-12-19T23:00:00Z")), Some(at("2026-12-20T00:00:00Z")));
        assert_eq!(next_transition(&both, at("2026-12-20T00:00:00Z")), None, "the night ends in the freeze");
        assert_eq!(next_transition(&[&freeze], at("2027-01-04T00:00:00Z")), None);
    }
}
