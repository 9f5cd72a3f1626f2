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

    /// What the run calls `at`, in the clock's time, which is also that of the steps. A clock that was
    /// set back makes it earlier: who looks for what was done since then rather looks too far back.
    pub(crate) fn to_clock(&self, at: Timestamp) -> Timestamp {
        at.checked_sub(self.ahead).unwrap_or(Timestamp::MIN)
    }

    /// Returns at that time. Cancel-safe.
    pub(crate) async fn sleep_until(&self, at: Timestamp) {
        let left = self.now.duration_until(at);
        self.clock.sleep(left.try_into().unwrap_or_default()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use async_trait::async_trait;

    use super::*;

    struct Adjustable(Mutex<Timestamp>);

    #[async_trait]
    impl Clock for Adjustable {
        fn now(&self) -> Timestamp {
            *self.0.lock().expect("whole")
        }

        async fn sleep(&self, _duration: Duration) {}
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a valid time")
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_take_the_run_back() {
        let clock = Arc::new(Adjustable(Mutex::new(at("2026-11-01T02:00:00Z"))));
        let mut time = RunTime::after(clock.clone(), None);
        *clock.0.lock().expect("whole") = at("2026-11-01T01:00:00Z");
        assert_eq!(time.advance(), at("2026-11-01T02:00:00Z"), "not backwards");
        *clock.0.lock().expect("whole") = at("2026-11-01T01:00:10Z");
        assert_eq!(time.advance(), at("2026-11-01T02:00:10Z"), "and on from there");
        let look_at = time.of_clock(at("2026-11-01T01:00:25Z"));
        assert_eq!(look_at, at("2026-11-01T02:00:25Z"), "what a step says is meant by its clock");
        assert_eq!(time.to_clock(look_at), at("2026-11-01T01:00:25Z"), "and so is what it is told");
    }

    #[test]
    fn a_run_goes_on_after_its_last_record_whatever_the_clock_of_the_next_process_says() {
        let clock = Arc::new(Adjustable(Mutex::new(at("2026-11-01T02:00:00Z"))));
        let behind = RunTime::after(clock.clone(), Some(at("2026-11-01T03:00:00Z")));
        assert_eq!(behind.now(), at("2026-11-01T03:00:00Z"));
        let before = RunTime::after(clock, Some(at("2026-11-01T01:00:00Z")));
        assert_eq!(before.now(), at("2026-11-01T02:00:00Z"));
    }
}
