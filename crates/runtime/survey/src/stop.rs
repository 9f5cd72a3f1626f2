//! Stopping early without losing what has been read.

use std::future::Future;
use std::pin::pin;

use fleetwright_model::{Code, ErrorClass, Failure};
use futures::future::{BoxFuture, Either, FutureExt, Shared, select};

/// Becomes ready when the work should end early, with the code that says why. Cheap to clone.
#[derive(Clone)]
pub struct Stop(Shared<BoxFuture<'static, &'static Code>>);

impl Stop {
    /// Stops when `signal` completes, for the reason it gives.
    pub fn on(signal: impl Future<Output = &'static Code> + Send + 'static) -> Self {
        Self(signal.boxed().shared())
    }

    /// Never stops.
    pub fn never() -> Self {
        Self::on(futures::future::pending())
    }

    /// Stops when this one does, or when `signal` completes.
    #[must_use]
    pub fn or_on(self, signal: impl Future<Output = &'static Code> + Send + 'static) -> Self {
        Self::on(async move { select(self.0, pin!(signal)).await.factor_first().0 })
    }

    /// The result of `work`.
    ///
    /// # Errors
    /// The reason to stop, where that came first.
    pub async fn or_stop<T>(&self, work: impl Future<Output = T>) -> Result<T, &'static Code> {
        // Work is looked at last, so that nothing new begins after a stop.
        match select(self.0.clone(), pin!(work)).await {
            Either::Left((why, _)) => Err(why),
            Either::Right((result, _)) => Ok(result),
        }
    }
}

/// The failure of work that was stopped.
pub(crate) fn stopped(why: &'static Code, operation: &str) -> Failure {
    Failure::new(ErrorClass::Permanent, why, operation, "stopped before it was read")
}
