//! Pacing: a token bucket per account, region and operation, and a cap on calls in flight.
//!
//! The buckets are the ones AWS publishes (or the settings name), less a little headroom, because
//! AWS's clock and the steps of its refill are not known.

mod bucket;
mod usage;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleetwright_ports::Clock;
use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use self::bucket::{Bucket, Ticket, Until};
pub use self::usage::{OperationUsage, Usage};
use crate::lock::lock;
use crate::operation::{Operation, Rate};
use crate::options::AwsOptions;
use crate::place::Place;

/// One part in this many of a burst stays unused, one request at least.
const HEADROOM_DIVISOR: u32 = 20;

/// Paces every call of the process.
pub(crate) struct Governor {
    clock: Arc<dyn Clock>,
    options: Arc<AwsOptions>,
    lines: Mutex<HashMap<(Place, &'static str), Arc<Line>>>,
    /// Of operations that are limited by what they are asked to change, too.
    resources: Mutex<HashMap<(Place, &'static str), Arc<Reserve>>>,
    in_flight: Semaphore,
    usage: Mutex<Usage>,
}

/// The resources of one operation in one place; who waits for some holds it.
type Reserve = tokio::sync::Mutex<Bucket>;

/// The bucket of one operation in one place, and the line before it.
struct Line {
    /// Held by the first in line; tokio's mutex serves in the order of asking.
    turn: tokio::sync::Mutex<()>,
    bucket: Mutex<Bucket>,
    /// Told whenever a request has landed; only the first in line listens.
    landed: Notify,
}

/// Leave to send one request. Dropping it says that the request has landed, and frees its place.
pub(crate) struct Admission<'a> {
    line: Arc<Line>,
    clock: &'a dyn Clock,
    ticket: Ticket,
    _place: SemaphorePermit<'a>,
}

impl Admission<'_> {
    /// The number of this request in its bucket, from 0.
    pub(crate) fn number(&self) -> u64 {
        self.ticket.number
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        lock(&self.line.bucket).landed(self.clock.now());
        self.line.landed.notify_one();
    }
}

/// How a request ended, as far as pacing is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// AWS took the request, whatever it thought of it.
    Answered,
    /// AWS asked to slow down.
    Throttled,
    /// No usable answer: says nothing about the rate.
    Unknown,
}

impl Governor {
    pub(crate) fn new(options: Arc<AwsOptions>, clock: Arc<dyn Clock>) -> Self {
        let in_flight = Semaphore::new(options.max_concurrency.clamp(1, Semaphore::MAX_PERMITS));
        Self {
            clock,
            options,
            lines: Mutex::default(),
            resources: Mutex::default(),
            in_flight,
            usage: Mutex::default(),
        }
    }

    /// Waits in line until a request may change this many resources, besides being admitted.
    pub(crate) async fn reserve(
        &self,
        operation: &'static Operation,
        place: &Place,
        rate: Rate,
        count: usize,
    ) {
        let asked = self.clock.now();
        let bucket = {
            let mut resources = lock(&self.resources);
            let key = (place.of_limits(operation.service), operation.iam);
            let new = || {
                let (burst, per_second) = rate.numbers();
                Arc::new(Reserve::new(Bucket::full(usable(burst), per_second, asked)))
            };
            Arc::clone(resources.entry(key).or_insert_with(new))
        };
        let mut bucket = bucket.lock().await;
        for _ in 0..count {
            while let Until::Refill(wait) = bucket.until(self.clock.now()) {
                self.clock.sleep(wait).await;
            }
            let now = self.clock.now();
            bucket.take(now);
            bucket.landed(now);
        }
        let waited = Duration::try_from(self.clock.now().duration_since(asked)).unwrap_or_default();
        self.count(operation, |usage| usage.waited = usage.waited.saturating_add(waited));
    }

    /// Waits in line until the request may be sent. Cancel-safe: who stops waiting takes no token.
    pub(crate) async fn admit(&self, operation: &'static Operation, place: &Place) -> Admission<'_> {
        let asked = self.clock.now();
        let line = self.line(operation, place, asked);
        let turn = line.turn.lock().await;
        let mut permit = None;
        let (ticket, admitted) = loop {
            let now = self.clock.now();
            let until = lock(&line.bucket).until(now);
            match until {
                Until::Refill(wait) => {
                    permit = None;
                    self.clock.sleep(wait).await;
                }
                Until::Landing => {
                    permit = None;
                    line.landed.notified().await;
                }
                Until::Now if permit.is_none() => permit = self.in_flight.acquire().await.ok(),
                Until::Now => {
                    if let Some(ticket) = lock(&line.bucket).take(now) {
                        break (ticket, now);
                    }
                }
            }
        };
        drop(turn);
        let waited = Duration::try_from(admitted.duration_since(asked)).unwrap_or_default();
        self.count(operation, |usage| {
            usage.attempts += 1;
            usage.waited = usage.waited.saturating_add(waited);
        });
        let place = permit.expect("the loop ends only with a permit, and the semaphore is never closed");
        Admission { line, clock: self.clock.as_ref(), ticket, _place: place }
    }

    /// Tells how an admitted request ended.
    pub(crate) fn ended(&self, operation: &'static Operation, admission: &Admission<'_>, outcome: Outcome) {
        let now = self.clock.now();
        match outcome {
            Outcome::Answered => lock(&admission.line.bucket).answered(now),
            Outcome::Throttled => {
                lock(&admission.line.bucket).throttled(admission.ticket, now);
                self.count(operation, |usage| usage.throttles += 1);
            }
            Outcome::Unknown => {}
        }
    }

    /// Changes the numbers of one operation.
    pub(crate) fn count(&self, operation: &'static Operation, change: impl FnOnce(&mut OperationUsage)) {
        change(lock(&self.usage).operations.entry(operation.iam).or_default());
    }

    /// The numbers up to now.
    pub(crate) fn usage(&self) -> Usage {
        lock(&self.usage).clone()
    }

    fn line(&self, operation: &'static Operation, place: &Place, now: Timestamp) -> Arc<Line> {
        let mut lines = lock(&self.lines);
        let line = lines.entry((place.of_limits(operation.service), operation.iam)).or_insert_with(|| {
            let (burst, per_second) = self.options.rate(operation);
            let bucket = Mutex::new(Bucket::full(usable(burst), per_second, now));
            Arc::new(Line { turn: tokio::sync::Mutex::default(), bucket, landed: Notify::new() })
        });
        Arc::clone(line)
    }
}

/// What is used of a burst.
fn usable(burst: u32) -> u32 {
    if burst > 1 { burst - (burst / HEADROOM_DIVISOR).max(1) } else { burst }
}

#[cfg(test)]
mod tests;
