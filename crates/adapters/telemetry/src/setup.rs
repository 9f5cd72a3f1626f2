//! Putting it together: what a process logs, traces and measures, until it ends.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc as done;
use std::thread::JoinHandle;
use std::time::Duration;

use fleetwright_model::redaction::Redactor;
use fleetwright_ports::Clock;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, watch};
use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use crate::collector::{Collector, Sender};
use crate::export::{QUEUE, Work, work};
use crate::lines::{LineLayer, Lines};
use crate::metrics::Metrics;
use crate::otlp::Resource;
use crate::spans::SpanLayer;
use crate::writer::Writer;

/// How long the end of a process may wait for what is still to be exported.
pub const FINISH_WITHIN: Duration = Duration::from_secs(5);

/// Writes a text somewhere, whole or not at all; says why not otherwise.
pub type WriteText = Box<dyn FnMut(&str) -> Result<(), String> + Send>;

/// What is wanted.
pub struct Setup {
    /// Where log lines go.
    pub lines: Vec<Lines>,
    /// Values that must not be seen anywhere.
    pub secrets: Vec<String>,
    /// Where traces and metrics go.
    pub collector: Option<Collector>,
    /// What writes the metrics as text.
    pub metrics_file: Option<WriteText>,
    /// Where the metrics can be asked for; a loopback address, port 0 takes any.
    pub metrics_listen: Option<SocketAddr>,
    /// Between two exports.
    pub interval: Duration,
    /// What everything is said to come from.
    pub resource: Resource,
    /// The time of lines and spans.
    pub clock: Arc<dyn Clock>,
    /// The time exporters wait by: the machine's, also where the work is in virtual time.
    pub wall: Arc<dyn Clock>,
}

/// Why it cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Not a loopback address.
    #[error(
        "metrics are served on this machine alone, and {0} is not a loopback address; use 127.0.0.1:9464"
    )]
    NotLoopback(SocketAddr),
    /// The port cannot be used.
    #[error("{address} cannot be listened on")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The thread or its certificates.
    #[error("exporting cannot be started")]
    Start(#[source] io::Error),
}

/// Logs, traces and metrics of this process.
pub struct Telemetry {
    dispatch: Dispatch,
    metrics: Arc<Metrics>,
    writers: Vec<Arc<Writer>>,
    address: Option<SocketAddr>,
    exporter: Option<Exporter>,
}

struct Exporter {
    finish: watch::Sender<bool>,
    ended: done::Receiver<()>,
    thread: JoinHandle<()>,
}

impl Telemetry {
    /// Starts the exporters; nothing is heard before [`Telemetry::dispatch`] is made the default.
    ///
    /// # Errors
    /// [`TelemetryError`].
    pub fn start(setup: Setup) -> Result<Self, TelemetryError> {
        let Setup {
            lines,
            secrets,
            collector,
            metrics_file,
            metrics_listen,
            interval,
            resource,
            clock,
            wall,
        } = setup;
        let of_collector = collector.iter().flat_map(Collector::secrets).collect::<Vec<_>>();
        let redactor = Redactor::knowing(secrets.into_iter().chain(of_collector));
        let metrics = Arc::new(Metrics::default());
        let exports = collector.is_some() || metrics_file.is_some() || metrics_listen.is_some();
        let page = metrics_listen.map(listen).transpose()?;
        let address = page.as_ref().and_then(|listener| listener.local_addr().ok());
        let sender = collector.map(|collector| Sender::new(collector, Arc::clone(&wall)));
        let sender = sender.transpose().map_err(TelemetryError::Start)?;

        let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = Vec::new();
        let mut writers = Vec::new();
        for Lines { form, which, out } in lines {
            let writer = Arc::new(Writer::new(out, redactor.clone()));
            writers.push(Arc::clone(&writer));
            let layer = LineLayer { form, writer, clock: Arc::clone(&clock) };
            layers.push(layer.with_filter(which).boxed());
        }
        let (queue, spans) = mpsc::channel(QUEUE);
        if exports {
            let seed = seed(&resource);
            let queue = sender.is_some().then_some(queue);
            let count = AtomicU64::new(0);
            let metrics = Arc::clone(&metrics);
            let layer = SpanLayer { clock, metrics, queue, seed, count };
            layers.push(layer.with_filter(observed()).boxed());
        }
        let (finish, finishing) = watch::channel(false);
        let exporter = exports.then(|| {
            let (metrics, page) = (Arc::clone(&metrics), page);
            let file = metrics_file;
            spawn(
                Work {
                    resource,
                    redactor,
                    metrics,
                    sender,
                    spans,
                    file,
                    page,
                    interval,
                    wall,
                    finish: finishing,
                },
                finish,
            )
        });
        let exporter = exporter.transpose().map_err(TelemetryError::Start)?;
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(layers));
        Ok(Self { dispatch, metrics, writers, address, exporter })
    }

    /// What spans and events are sent to.
    pub fn dispatch(&self) -> Dispatch {
        self.dispatch.clone()
    }

    /// What was counted.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Where the metrics can be asked for.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Log lines that could not be written.
    pub fn lost_lines(&self) -> u64 {
        self.writers.iter().map(|writer| writer.lost()).sum()
    }

    /// Exports what is left, for [`FINISH_WITHIN`] at most.
    pub fn finish(self) {
        let Some(Exporter { finish, ended, thread }) = self.exporter else { return };
        // Both ends are there as long as the thread is.
        let _ = finish.send(true);
        if ended.recv_timeout(FINISH_WITHIN).is_ok() {
            let _ = thread.join();
        }
    }
}

fn spawn(work_to_do: Work, finish: watch::Sender<bool>) -> io::Result<Exporter> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (end, ended) = done::channel();
    let thread = std::thread::Builder::new().name("telemetry".to_owned()).spawn(move || {
        runtime.block_on(work(work_to_do));
        // Nobody listens where the process did not wait.
        let _ = end.send(());
    })?;
    Ok(Exporter { finish, ended, thread })
}

fn listen(address: SocketAddr) -> Result<TcpListener, TelemetryError> {
    if !address.ip().is_loopback() {
        return Err(TelemetryError::NotLoopback(address));
    }
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|source| TelemetryError::Listen { address, source })
}

/// What is measured and traced: our own spans and events, calls in full. The exporter's own warnings are
/// logged, and not counted in what it exports.
fn observed() -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("fleetwright", LevelFilter::DEBUG)
        .with_target("fleetwright_aws", LevelFilter::TRACE)
        .with_target("hyper", LevelFilter::OFF)
}

fn seed(resource: &Resource) -> u64 {
    let digest = Sha256::digest(resource.instance.as_bytes());
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}
