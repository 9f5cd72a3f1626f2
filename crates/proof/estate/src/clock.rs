//! The estate's time: real, scaled, moved by hand, or somebody else's.

#![expect(
    clippy::disallowed_methods,
    reason = "this module is the one home of the wall clock and of waiting in the estate"
)]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Which time the estate runs on.
#[derive(Clone)]
pub enum ClockMode {
    /// The wall clock.
    Real,
    /// Runs `speed` times as fast as the wall clock, from `start` (default: now).
    Scaled {
        /// Estate seconds per real second; above 0.
        speed: f64,
        /// The estate's time at the beginning.
        start: Option<Timestamp>,
    },
    /// Stands still until it is advanced.
    Virtual {
        /// The estate's time at the beginning.
        start: Timestamp,
    },
    /// Another clock in the same process rules, e.g. a test's virtual time that the client reads
    /// as well.
    External(Arc<dyn Fn() -> Timestamp + Send + Sync>),
}

impl std::fmt::Debug for ClockMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Real => f.write_str("Real"),
            Self::Scaled { speed, start } => {
                f.debug_struct("Scaled").field("speed", speed).field("start", start).finish()
            }
            Self::Virtual { start } => f.debug_struct("Virtual").field("start", start).finish(),
            Self::External(_) => f.write_str("External"),
        }
    }
}

/// Why a clock cannot be made or moved.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ClockError {
    /// The speed is not a positive finite number.
    #[error("the clock's speed {0} must be above 0 and finite")]
    Speed(f64),
    /// Only a virtual clock moves by hand.
    #[error("only a virtual clock can be advanced; this estate runs on {0} time")]
    NotVirtual(&'static str),
    /// The step is negative or leads out of the calendar.
    #[error("the clock cannot be advanced by {0} seconds; give a number from 0 to 3153600000")]
    Step(f64),
}

/// The estate's clock.
#[derive(Debug)]
pub struct Clock {
    mode: Running,
}

enum Running {
    Real,
    Scaled {
        speed: f64,
        start: Timestamp,
        began: Instant,
    },
    Virtual {
        now: watch::Sender<Timestamp>,
        /// Held while the time is moved, so that two advances add up.
        moving: Mutex<()>,
    },
    External(Arc<dyn Fn() -> Timestamp + Send + Sync>),
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Real => "real",
            Self::Scaled { .. } => "scaled",
            Self::Virtual { .. } => "virtual",
            Self::External(_) => "external",
        })
    }
}

impl Clock {
    /// Starts a clock.
    ///
    /// # Errors
    /// The speed of a scaled clock is not above 0 and finite.
    pub fn new(mode: ClockMode) -> Result<Self, ClockError> {
        let mode = match mode {
            ClockMode::Real => Running::Real,
            ClockMode::Scaled { speed, .. } if !(speed.is_finite() && speed > 0.0) => {
                return Err(ClockError::Speed(speed));
            }
            ClockMode::Scaled { speed, start } => {
                Running::Scaled { speed, start: start.unwrap_or_else(Timestamp::now), began: Instant::now() }
            }
            ClockMode::Virtual { start } => {
                Running::Virtual { now: watch::Sender::new(start), moving: Mutex::new(()) }
            }
            ClockMode::External(now) => Running::External(now),
        };
        Ok(Self { mode })
    }

    /// The estate's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.mode {
            Running::Real => Timestamp::now(),
            Running::Scaled { speed, start, began } => {
                let seconds = began.elapsed().as_secs_f64() * speed;
                SignedDuration::try_from_secs_f64(seconds)
                    .ok()
                    .and_then(|passed| start.checked_add(passed).ok())
                    .unwrap_or(Timestamp::MAX)
            }
            Running::Virtual { now, .. } => *now.borrow(),
            Running::External(now) => now(),
        }
    }

    /// The clock that credentials live by.
    ///
    /// A client compares a reported `Expiration` with its own clock. Under scaled time that is the
    /// wall clock, so that lifetimes and the reported expiry run by the wall clock there; a fleet
    /// running 60 times as fast would otherwise end a session every real minute. In the other
    /// modes this is the estate's time; under virtual time the client has to share it.
    #[must_use]
    pub fn credential_now(&self) -> Timestamp {
        match &self.mode {
            Running::Scaled { .. } => Timestamp::now(),
            _ => self.now(),
        }
    }

    /// True where the estate and its clients read the same clock, so that the age of a signature
    /// can be judged.
    #[must_use]
    pub const fn shared_with_clients(&self) -> bool {
        matches!(self.mode, Running::Real | Running::External(_))
    }

    /// Moves a virtual clock and returns the new time.
    ///
    /// # Errors
    /// The clock is not virtual, or the step is not a number from 0 to a century.
    pub fn advance(&self, seconds: f64) -> Result<Timestamp, ClockError> {
        const CENTURY_SECONDS: f64 = 3_153_600_000.0;
        let Running::Virtual { now, moving } = &self.mode else {
            return Err(ClockError::NotVirtual(self.name()));
        };
        if !(0.0..=CENTURY_SECONDS).contains(&seconds) {
            return Err(ClockError::Step(seconds));
        }
        let _one_at_a_time = moving.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let step = SignedDuration::from_secs_f64(seconds);
        let next = now.borrow().checked_add(step).map_err(|_| ClockError::Step(seconds))?;
        now.send_replace(next);
        Ok(next)
    }

    /// The mode's name: `real`, `scaled`, `virtual` or `external`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.mode {
            Running::Real => "real",
            Running::Scaled { .. } => "scaled",
            Running::Virtual { .. } => "virtual",
            Running::External(_) => "external",
        }
    }

    /// Waits for a stretch of the estate's time; under virtual time until somebody advances it.
    pub async fn wait(&self, stretch: Duration) {
        match &self.mode {
            Running::Real | Running::External(_) => tokio::time::sleep(stretch).await,
            Running::Scaled { speed, .. } => tokio::time::sleep(stretch.div_f64(*speed)).await,
            Running::Virtual { now, .. } => {
                let mut watched = now.subscribe();
                let until = watched.borrow().checked_add(stretch).unwrap_or(Timestamp::MAX);
                // The sender lives as long as `self`, so that this ends only by time passing.
                let _ = watched.wait_for(|t| *t >= until).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        "2026-03-02T08:00:00Z".parse().expect("a time")
    }

    #[test]
    fn virtual_time_moves_only_by_hand() {
        let clock = Clock::new(ClockMode::Virtual { start: start() }).expect("a clock");
        assert_eq!(clock.now(), start());
        let after = clock.advance(90.5).expect("advanced");
        assert_eq!(after, start() + SignedDuration::from_millis(90_500));
        assert_eq!(clock.now(), after);
        assert_eq!(clock.advance(-1.0), Err(ClockError::Step(-1.0)));
    }

    #[test]
    fn real_time_refuses_to_be_moved() {
        let clock = Clock::new(ClockMode::Real).expect("a clock");
        assert_eq!(clock.advance(1.0), Err(ClockError::NotVirtual("real")));
    }

    #[test]
    fn a_speed_must_be_positive() {
        for speed in [0.0, -2.0, f64::NAN, f64::INFINITY] {
            let mode = ClockMode::Scaled { speed, start: None };
            assert!(Clock::new(mode).is_err(), "{speed}");
        }
    }

    #[tokio::test]
    async fn a_wait_in_virtual_time_ends_when_it_is_advanced() {
        let clock = Arc::new(Clock::new(ClockMode::Virtual { start: start() }).expect("a clock"));
        let waiting = tokio::spawn({
            let clock = Arc::clone(&clock);
            async move { clock.wait(Duration::from_secs(5)).await }
        });
        while !waiting.is_finished() {
            clock.advance(1.0).expect("advanced");
            tokio::task::yield_now().await;
        }
        assert!(clock.now() >= start() + SignedDuration::from_secs(5));
    }
}
