//! Logs: structured, on standard error, at the level the user asked for.

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts logging, once per process. Below `debug` libraries other than fleetwright's own only warn.
pub fn start(level: LevelFilter, format: LogFormat, color: bool) {
    let libraries =
        if level >= LevelFilter::TRACE { LevelFilter::DEBUG } else { level.min(LevelFilter::WARN) };
    let filter = OUR_CRATES
        .iter()
        .fold(Targets::new().with_default(libraries), |targets, name| targets.with_target(*name, level));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(color);
    let registry = tracing_subscriber::registry().with(filter);
    // A second start, as in tests that run several commands in one process, keeps the first.
    let _ = match format {
        LogFormat::Text => registry.with(lines.with_target(false)).try_init(),
        LogFormat::Json => registry.with(lines.json()).try_init(),
    };
}

const OUR_CRATES: [&str; 3] = ["fleetwright", "fleetwright_aws", "fleetwright_survey"];
