//! Time, as everything outside the pure crates gets it.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// Tells the time and waits. Nothing but its implementations reads the wall clock.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Returns when `duration` has passed on this clock. Cancel-safe: dropping the future ends the
    /// wait.
    async fn sleep(&self, duration: Duration);
}
