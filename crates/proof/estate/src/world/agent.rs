//! What Systems Manager knows of the agent on an instance.

use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// Seconds between an agent's health pings: SSM Agent's `HealthFrequencyMinutes`, 5 by default.
pub const PING_INTERVAL_SECONDS: i64 = 300;

/// Seconds without a ping after which the service calls a connection lost: it waits a little longer
/// than one interval.
pub const SILENCE_SECONDS: i64 = PING_INTERVAL_SECONDS + 30;

/// The newest agent the estate's Systems Manager offers.
pub const LATEST_AGENT_VERSION: &str = "3.3.3050.0";

/// Whether the service hears from an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ping {
    /// It does: every five minutes, this many seconds after the full interval.
    Online {
        /// Seconds into the interval, less than [`PING_INTERVAL_SECONDS`].
        phase_seconds: i64,
    },
    /// It fell silent a moment ago, with its last ping then; the service notices five minutes after.
    Silent(Timestamp),
    /// The last ping was then.
    ConnectionLost(Timestamp),
    /// The last ping was then, and the service has written the agent off.
    Inactive(Timestamp),
}

impl Ping {
    /// Systems Manager's name of this status at `now`.
    pub fn status(self, now: Timestamp) -> &'static str {
        match self {
            Self::Online { .. } => "Online",
            Self::Silent(last) if now.duration_since(last).as_secs() < SILENCE_SECONDS => "Online",
            Self::Silent(_) | Self::ConnectionLost(_) => "ConnectionLost",
            Self::Inactive(_) => "Inactive",
        }
    }

    /// True where commands reach the agent.
    #[must_use]
    pub const fn listens(self) -> bool {
        matches!(self, Self::Online { .. })
    }

    /// An agent that pings at `now`, and so every five minutes from then on.
    #[must_use]
    pub fn since(now: Timestamp) -> Self {
        Self::Online { phase_seconds: now.as_second().rem_euclid(PING_INTERVAL_SECONDS) }
    }

    /// The same agent fallen silent at `now`.
    #[must_use]
    pub fn silenced(self, now: Timestamp) -> Self {
        match self {
            Self::Online { .. } => Self::Silent(self.last(now)),
            other => other,
        }
    }

    /// The last ping, seen from `now`.
    pub fn last(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Online { phase_seconds } => {
                let since = (now.as_second() - phase_seconds).rem_euclid(PING_INTERVAL_SECONDS);
                Timestamp::from_second(now.as_second() - since).unwrap_or(now)
            }
            Self::Silent(at) | Self::ConnectionLost(at) | Self::Inactive(at) => at,
        }
    }
}

/// A registered agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Whether it is heard from.
    pub ping: Ping,
    /// Its version, three or four numbers.
    pub version: Arc<str>,
    /// The host's own name.
    pub computer_name: Arc<str>,
    /// The address it reported.
    pub ip: Ipv4Addr,
    /// When State Manager last ran an association on it.
    pub last_association: Option<Timestamp>,
}

impl Agent {
    /// True where no newer agent exists.
    pub fn is_latest(&self) -> bool {
        self.version.as_ref() == LATEST_AGENT_VERSION
    }
}

/// The time `hours` before `moment`.
pub fn hours_before(moment: Timestamp, hours: i64) -> Timestamp {
    moment.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_online_agent_pings_every_five_minutes() {
        let ping = Ping::Online { phase_seconds: 40 };
        let at = |second| ping.last(Timestamp::from_second(second).expect("in range")).as_second();
        assert_eq!(at(3_040), 3_040);
        assert_eq!(at(3_339), 3_040);
        assert_eq!(at(3_340), 3_340);
    }
}
