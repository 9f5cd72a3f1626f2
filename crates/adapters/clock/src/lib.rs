//! The clocks behind the `Clock` port: the system's, tokio's paused one for virtual time, and one
//! that runs faster than the wall clock.
//!
//! This crate is the one home of the wall clock and of sleeping; everything else is handed a
//! [`Clock`].

use std::time::Duration;

use async_trait::async_trait;
use fleetwright_ports::Clock;
use jiff::{SignedDuration, Timestamp};

/// The machine's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one home of the wall clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the one home of sleeping")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Virtual time: a fixed start plus the time that tokio's clock has moved since.
///
/// In a runtime whose clock is paused, time stands still while there is work and jumps to the next
/// timer when every task waits, so waiting costs nothing and is the same on every run.
#[derive(Clone, Copy, Debug)]
pub struct VirtualClock {
    start: Timestamp,
    origin: tokio::time::Instant,
}

impl VirtualClock {
    /// A clock that shows `start` now. Meant for a tokio runtime with paused time; in any other it
    /// runs at the speed of the wall clock.
    #[expect(clippy::disallowed_methods, reason = "tokio's clock is the source of virtual time")]
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, origin: tokio::time::Instant::now() }
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.origin.elapsed()).unwrap_or(SignedDuration::MAX);
        self.start.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    #[expect(clippy::disallowed_methods, reason = "the one home of sleeping")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A clock that runs `speed` times as fast as the wall clock, to match a simulated estate that does.
#[derive(Clone, Copy, Debug)]
pub struct ScaledClock {
    start: Timestamp,
    origin: tokio::time::Instant,
    speed: f64,
}

impl ScaledClock {
    /// A clock that shows `start` now. `speed` is above 0 and finite; other values count as 1.
    #[expect(clippy::disallowed_methods, reason = "a scaled clock follows the monotonic clock")]
    pub fn starting_at(start: Timestamp, speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        Self { start, origin: tokio::time::Instant::now(), speed }
    }
}

#[async_trait]
impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from_secs_f64(self.origin.elapsed().as_secs_f64() * self.speed);
        let passed = passed.unwrap_or(SignedDuration::MAX);
        self.start.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    #[expect(clippy::disallowed_methods, reason = "the one home of sleeping")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration.div_f64(self.speed)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn virtual_time_jumps_over_waiting() {
        let start: Timestamp = "2026-11-01T02:00:00Z".parse().expect("valid");
        let clock = VirtualClock::starting_at(start);
        assert_eq!(clock.now(), start);
        clock.sleep(Duration::from_secs(86_400)).await;
        assert_eq!(clock.now().to_string(), "2026-11-02T02:00:00Z");
    }

    #[tokio::test(start_paused = true)]
    async fn a_scaled_clock_passes_an_hour_in_a_minute() {
        let start: Timestamp = "2026-11-01T02:00:00Z".parse().expect("valid");
        let clock = ScaledClock::starting_at(start, 60.0);
        let wall = VirtualClock::starting_at(start);
        clock.sleep(Duration::from_secs(3600)).await;
        assert_eq!(clock.now().to_string(), "2026-11-01T03:00:00Z");
        assert_eq!(wall.now().to_string(), "2026-11-01T02:01:00Z");
    }
}
