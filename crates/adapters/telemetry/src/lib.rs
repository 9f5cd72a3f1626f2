//! Logs, traces and metrics of a process, off the same spans and events.
//!
//! Every log line goes through one writer, which masks secrets and knows what each line is about: the
//! spans it was written in say which run, landing zone, region and step. Traces go to an OpenTelemetry
//! collector over OTLP/HTTP with JSON bodies; metrics as well, and as Prometheus text into a file or to
//! whoever asks on a local port.
//!
//! Beside that, what monitoring knows is asked for: one number of Prometheus, and whether an endpoint answers.
//!
//! Nothing that is exported can stop or slow down a run: what is to be exported waits in a bounded queue for a thread
//! of its own, and what does not fit is counted and dropped.
//!
//! OTLP is encoded here and not by the OpenTelemetry crates: these read the system's clock, while a
//! rehearsed or demonstrated run lives in virtual time, and their HTTP exporters bring a second client.

mod collector;
mod endpoints;
mod export;
mod fields;
mod lines;
mod metrics;
mod observe;
mod otlp;
mod page;
mod prometheus;
mod queries;
mod setup;
mod spans;
mod writer;

pub use collector::{Collector, InvalidCollector};
pub use endpoints::HttpEndpoints;
pub use lines::{LineForm, Lines};
pub use metrics::{Metric, MetricKind, Metrics, SERIES_MAX, table};
pub use otlp::Resource;
pub use queries::PrometheusQueries;
pub use setup::{FINISH_WITHIN, Setup, Telemetry, TelemetryError, WriteText};
