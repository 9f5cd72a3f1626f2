//! What goes on around a run and bears on it.

use std::sync::Arc;
use std::time::Duration;

use fleetwright_ports::{Budgets, Freezes, Outages};
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::lane::later;

/// What goes on around a run and bears on it. By default nothing does: the run has its groups to
/// itself, nobody looks for outages, and no calendar closes.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// Budgets shared with the other runs of the machine.
    pub budgets: Option<Arc<dyn Budgets>>,
    /// Who looks for members that are down although nobody planned it.
    pub outages: Option<Arc<dyn Outages>>,
    /// Who says that nothing may be changed now.
    pub freezes: Option<Arc<dyn Freezes>>,
}

/// Asks something outside again and again, at a slow pace, while the run goes on.
pub(crate) struct Lookout<T> {
    ask: Option<Box<dyn Fn() -> BoxFuture<'static, T> + Send + Sync>>,
    every: Duration,
    next: Timestamp,
    asked: Option<BoxFuture<'static, T>>,
}

impl<T: Send + 'static> Lookout<T> {
    /// Nobody is asked where there is nothing to ask with.
    pub(crate) fn new<P: ?Sized + Send + Sync + 'static>(
        port: Option<Arc<P>>,
        every: Duration,
        now: Timestamp,
        ask: impl Fn(Arc<P>) -> BoxFuture<'static, T> + Send + Sync + 'static,
    ) -> Self {
        let ask = port.map(|port| {
            let ask = move || ask(Arc::clone(&port));
            Box::new(ask) as Box<dyn Fn() -> BoxFuture<'static, T> + Send + Sync>
        });
        Self { ask, every, next: now, asked: None }
    }

    /// Asks where it is time, and answers with what was said by now.
    pub(crate) fn look(&mut self, now: Timestamp) -> Option<T> {
        if let Some(ask) = self.ask.as_ref().filter(|_| self.asked.is_none() && self.next <= now) {
            self.asked = Some(ask());
        }
        let answer = self.asked.as_mut()?.now_or_never()?;
        self.asked = None;
        self.next = later(now, self.every);
        Some(answer)
    }

    /// The first answer, waited for.
    pub(crate) async fn first(&mut self, now: Timestamp) -> Option<T> {
        let answer = self.ask.as_ref()?().await;
        self.next = later(now, self.every);
        Some(answer)
    }

    /// Asks again at that moment, unless it is due earlier.
    pub(crate) fn look_by(&mut self, at: Timestamp) {
        self.next = self.next.min(at);
    }

    /// When to ask next; none while an answer is waited for, or nobody is asked.
    pub(crate) fn wakes_at(&self) -> Option<Timestamp> {
        (self.ask.is_some() && self.asked.is_none()).then_some(self.next)
    }

    /// Whether an answer is waited for.
    pub(crate) fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// Returns when there is an answer, which [`Lookout::look`] then gives. Cancel-safe.
    pub(crate) async fn answered(&mut self) {
        match self.asked.as_mut() {
            None => std::future::pending().await,
            Some(asked) => {
                let answer = asked.await;
                self.asked = Some(std::future::ready(answer).boxed());
            }
        }
    }
}
