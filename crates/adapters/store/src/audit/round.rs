//! Waiting until everybody else who is ready has had a turn.

use std::pin::Pin;
use std::task::{Context, Poll};

/// Comes back after every other task that is ready was polled once, under any executor that polls in
/// turns. Time does not pass.
pub(super) async fn pass() {
    Pass { passed: false }.await;
}

struct Pass {
    passed: bool,
}

impl Future for Pass {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.passed, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
