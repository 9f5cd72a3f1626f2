//! The thread that exports: batches of spans and the metrics to a collector, metrics into a file and to
//! whoever asks.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use fleetwright_model::redaction::Redactor;
use fleetwright_ports::Clock;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::collector::{NotTaken, Sender};
use crate::metrics::{EXPORTS, Metrics, SPANS_DROPPED};
use crate::otlp::{self, Resource};
use crate::setup::WriteText;
use crate::spans::Finished;
use crate::{page, prometheus};

/// Spans that may wait; more are dropped and counted.
pub(crate) const QUEUE: usize = 16_384;
/// Spans of one request.
const BATCH: usize = 512;
/// How often something is sent before it is given up.
const ATTEMPTS: u32 = 3;
/// The wait before the second attempt; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// What the thread works with.
pub(crate) struct Work {
    pub(crate) resource: Resource,
    pub(crate) redactor: Redactor,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) sender: Option<Sender>,
    pub(crate) spans: mpsc::Receiver<Finished>,
    pub(crate) file: Option<WriteText>,
    pub(crate) page: Option<TcpListener>,
    pub(crate) interval: Duration,
    pub(crate) wall: Arc<dyn Clock>,
    /// Turns true when the process is about to end.
    pub(crate) finish: watch::Receiver<bool>,
}

/// Exports until it is told to finish, and then what is left.
pub(crate) async fn work(work: Work) {
    let Work { resource, redactor, metrics, sender, spans, file, page, interval, wall, finish } = work;
    let since = wall.now();
    let to_collector = async {
        if let Some(sender) = sender {
            let (metrics, wall, finish) = (Arc::clone(&metrics), Arc::clone(&wall), finish.clone());
            Pump { resource, redactor, metrics, sender, interval, wall, finish, since, answers: true }
                .run(spans)
                .await;
        }
    };
    let into_file = async {
        if let Some(file) = file {
            write_file(file, &metrics, interval, wall.as_ref(), finish.clone()).await;
        }
    };
    let page = async {
        if let Some(listener) = page {
            page::serve(listener, Arc::clone(&metrics), Arc::clone(&wall), finish.clone()).await;
        }
    };
    futures::join!(to_collector, into_file, page);
}

/// True when the process is about to end; false after the interval.
async fn waited(interval: Duration, wall: &dyn Clock, finish: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        biased;
        // A handle that is gone means the same as its word.
        _ = finish.wait_for(|finish| *finish) => true,
        () = wall.sleep(interval) => false,
    }
}

async fn write_file(
    mut file: WriteText,
    metrics: &Metrics,
    interval: Duration,
    wall: &dyn Clock,
    mut finish: watch::Receiver<bool>,
) {
    let mut well = true;
    loop {
        let last = waited(interval, wall, &mut finish).await;
        let written = file(&prometheus::text(metrics));
        metrics.add(&EXPORTS, &["file", if written.is_ok() { "done" } else { "failed" }], 1.0);
        if let (Err(error), true) = (&written, well) {
            tracing::warn!(%error, "the metrics file cannot be written");
        }
        well = written.is_ok();
        if last {
            return;
        }
    }
}

/// Spans and metrics on their way to the collector.
struct Pump {
    resource: Resource,
    redactor: Redactor,
    metrics: Arc<Metrics>,
    sender: Sender,
    interval: Duration,
    wall: Arc<dyn Clock>,
    finish: watch::Receiver<bool>,
    since: Timestamp,
    /// Whether the collector took what it was sent last.
    answers: bool,
}

impl Pump {
    async fn run(mut self, mut spans: mpsc::Receiver<Finished>) {
        let mut batch = Vec::new();
        let mut next_metrics = self.wall.now();
        loop {
            let (wall, mut finish) = (Arc::clone(&self.wall), self.finish.clone());
            let finishing = tokio::select! {
                biased;
                finishing = waited(self.interval, wall.as_ref(), &mut finish), if batch.len() < BATCH => Some(finishing),
                taken = spans.recv_many(&mut batch, BATCH) => (taken == 0).then_some(true),
            };
            match finishing {
                None if batch.len() < BATCH => {}
                None | Some(false) => self.spans(&mut batch).await,
                Some(true) => break,
            }
            if self.wall.now() >= next_metrics {
                next_metrics = self.wall.now().checked_add(self.interval).unwrap_or(Timestamp::MAX);
                self.measurements().await;
            }
        }
        spans.close();
        while !batch.is_empty() || spans.recv_many(&mut batch, BATCH).await > 0 {
            self.spans(&mut batch).await;
            if !self.answers {
                // Whoever waits for the end of the process does not wait for a collector that is not there.
                let mut rest = 0.0;
                while spans.try_recv().is_ok() {
                    rest += 1.0;
                }
                self.metrics.add(&SPANS_DROPPED, &[], rest);
                return;
            }
        }
        self.measurements().await;
    }

    async fn spans(&mut self, batch: &mut Vec<Finished>) {
        if batch.is_empty() {
            return;
        }
        batch.iter_mut().for_each(|span| span.redact(&self.redactor));
        let body = otlp::traces(&self.resource, batch);
        if !self.sent("traces", "/v1/traces", &body).await {
            self.metrics.add(&SPANS_DROPPED, &[], batch.len() as f64);
        }
        batch.clear();
    }

    async fn measurements(&mut self) {
        let families = self.metrics.snapshot();
        if !families.is_empty() {
            let body = otlp::metrics(&self.resource, &families, self.since, self.wall.now());
            self.sent("metrics", "/v1/metrics", &body).await;
        }
    }

    /// Sends it, again where that can help; false where it was not taken.
    async fn sent(&mut self, what: &'static str, path: &str, body: &serde_json::Value) -> bool {
        let mut wait = FIRST_WAIT;
        let mut attempt = 1;
        let refused = loop {
            match self.sender.send(path, body).await {
                Ok(()) => break None,
                Err(NotTaken { again, .. }) if again && attempt < ATTEMPTS && self.answers => {
                    // At the end there is no time to wait in.
                    let (wall, mut finish) = (Arc::clone(&self.wall), self.finish.clone());
                    waited(wait, wall.as_ref(), &mut finish).await;
                    (wait, attempt) = (wait * 2, attempt + 1);
                }
                Err(refused) => break Some(refused),
            }
        };
        self.metrics.add(&EXPORTS, &[what, if refused.is_none() { "done" } else { "failed" }], 1.0);
        match &refused {
            Some(refused) if self.answers => {
                tracing::warn!(what, why = %refused.why, "the collector does not take what it is sent");
            }
            None if !self.answers => tracing::info!("the collector takes what it is sent again"),
            _ => {}
        }
        self.answers = refused.is_none();
        refused.is_none()
    }
}
