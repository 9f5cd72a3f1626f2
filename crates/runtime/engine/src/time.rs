//! The run's time: the clock's, but never backwards.

use std::sync::Arc;

use fleetwright_ports::Clock;
use jiff::{SignedDuration, Timestamp};

/// The time a run is recorded in. A clock that is set back, or that of a second process that is
/// behind the first one's, does not take the run back with it: from then on the run is ahead of it.
pub(crate) struct RunTime {
    clock: Arc<dyn Clock>,
    ahead: SignedDuration,
    now: Timestamp,
}

impl RunTime {
    /// The time of a run whose last record was written then.
    pub(crate) fn after(clock: Arc<dyn Clock>, last: Option<Timestamp>) -> Self {
        let now = last.unwrap_or_else(|| clock.now());
        let mut time = Self { clock, ahead: SignedDuration::ZERO, now };
        time.advance();
        time
    }

    /// Looks at the clock; answers with the time now.
    pub(crate) fn advance(&mut self) -> Timestamp {
        let now = self.of_clock(self.clock.now());
        if now < self.now {
            self.ahead += now.duration_until(self.now);
        } else {
            self.now = now;
        }
        self.now
    }

    /// The time when the clock was looked at last.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// What the clock calls `at`, in the run's time.
    pub(crate) fn of_clock(&self, at: Timestamp) -> Timestamp {
        at.checked_add(self.ahead).unwrap_or(Timestamp::MAX)
    }

    /// Returns at that time. Cancel-safe.
    pub(crate) async fn sleep_until(&self, at: Timestamp) {
        let left = self.now.duration_until(at);
        self.clock.sleep(left.try_into().unwrap_or_default()).await;
    }
}
