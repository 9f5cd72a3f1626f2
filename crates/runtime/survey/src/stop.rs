//! Stopping early without losing what has been read.

use std::future::Future;
use std::pin::pin;

use futures::future::{BoxFuture, Either, FutureExt, Shared, select};

/// Becomes ready when the user wants to stop. Cheap to clone.
#[derive(Clone)]
pub struct Stop(Shared<BoxFuture<'static, ()>>);

impl Stop {
    /// Stops when `signal` completes.
    pub fn on(signal: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(signal.boxed().shared())
    }

    /// Never stops.
    pub fn never() -> Self {
        Self::on(futures::future::pending())
    }

    /// The result of `work`, or `None` when the user wanted to stop first.
    pub async fn or_stop<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        // Work is looked at last, so that nothing new begins after a stop.
        match select(self.0.clone(), pin!(work)).await {
            Either::Left(_) => None,
            Either::Right((result, _)) => Some(result),
        }
    }
}
