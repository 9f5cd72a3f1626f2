//! Logs, traces and metrics of this process: where they go, as the user asked.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fleetwright_clock::SystemClock;
use fleetwright_config::settings::{LogFormat, LogLevel, OutputSettings, TelemetrySettings};
use fleetwright_model::code;
use fleetwright_ports::Clock;
use fleetwright_telemetry::{Collector, LineForm, Lines, Resource, Setup, Telemetry, WriteText};
use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::environment::Environment;
use crate::failure::CommandError;
use crate::{files, run_events};

/// Variables whose values are secrets whatever they look like.
const SECRET_VARIABLES: [&str; 4] = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "FLEETWRIGHT_AWS_EXTERNAL_ID",
    "FLEETWRIGHT_TELEMETRY_OTLP_HEADERS",
];

/// What is logged, traced and measured.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Least severe messages on standard error.
    pub level: LevelFilter,
    /// Their form.
    pub form: LineForm,
    /// File of JSON Lines.
    pub log_file: Option<PathBuf>,
    /// The collector.
    pub collector: Option<Collector>,
    /// File of metrics.
    pub metrics_file: Option<PathBuf>,
    /// Where metrics can be asked for.
    pub metrics_listen: Option<std::net::SocketAddr>,
    /// Between two exports.
    pub interval: Duration,
    /// Values that must not be seen.
    pub secrets: Vec<String>,
}

impl Wanted {
    /// Warnings on standard error, and nothing else.
    pub fn warnings(color: bool, environment: &Environment) -> Self {
        Self {
            level: LevelFilter::WARN,
            form: LineForm::Text { color },
            log_file: None,
            collector: None,
            metrics_file: None,
            metrics_listen: None,
            interval: Duration::from_secs(15),
            secrets: secrets(environment),
        }
    }

    /// What the settings say.
    ///
    /// # Errors
    /// The collector's address or headers cannot be used.
    pub fn of_settings(
        output: &OutputSettings,
        telemetry: &TelemetrySettings,
        color: bool,
        environment: &Environment,
    ) -> Result<Self, CommandError> {
        let headers = telemetry.otlp_headers.as_ref().map_or("", |headers| headers.reveal());
        let collector = telemetry.otlp_endpoint.as_deref().map(|address| Collector::new(address, headers));
        let collector = collector
            .transpose()
            .map_err(|error| CommandError::new(&code::WRONG_TYPE, format!("telemetry: {error}")))?;
        Ok(Self {
            level: level(output.log_level),
            form: match output.log_format {
                LogFormat::Text => LineForm::Text { color },
                LogFormat::Json => LineForm::Json,
            },
            log_file: output.log_file.as_ref().map(PathBuf::from),
            collector,
            metrics_file: telemetry.metrics_file.as_ref().map(PathBuf::from),
            metrics_listen: telemetry.metrics_listen,
            interval: telemetry.interval,
            secrets: secrets(environment),
        })
    }

    /// Starts it. `clock` is the time of lines and spans.
    ///
    /// # Errors
    /// The log file cannot be opened, the port cannot be listened on, or the collector cannot be used.
    pub fn start(self, clock: Arc<dyn Clock>) -> Result<Telemetry, CommandError> {
        let mut lines =
            vec![Lines { form: self.form, which: on_the_terminal(self.level), out: Box::new(io::stderr()) }];
        if let Some(path) = &self.log_file {
            let which = in_the_file(self.level);
            lines.push(Lines { form: LineForm::Json, which, out: Box::new(files::append(path)?) });
        }
        let wall: Arc<dyn Clock> = Arc::new(SystemClock);
        let resource = Resource {
            name: "fleetwright",
            version: env!("CARGO_PKG_VERSION"),
            instance: format!("{}-{}", std::process::id(), wall.now().as_nanosecond()),
        };
        let setup = Setup {
            lines,
            secrets: self.secrets,
            collector: self.collector,
            metrics_file: self.metrics_file.map(writing),
            metrics_listen: self.metrics_listen,
            interval: self.interval,
            resource,
            clock,
            wall,
        };
        Telemetry::start(setup).map_err(|error| {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
            CommandError::new(&code::OUTPUT, format!("{error}{}", source.unwrap_or_default()))
        })
    }
}

fn writing(path: PathBuf) -> WriteText {
    Box::new(move |text| write(&path, text).map_err(|error| error.to_string()))
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    files::write_atomically(path, |file| io::Write::write_all(file, text.as_bytes()))
}

fn secrets(environment: &Environment) -> Vec<String> {
    let values = SECRET_VARIABLES.iter().filter_map(|name| environment.get(name));
    values.flat_map(|value| value.split(',')).map(|value| value.trim().to_owned()).collect()
}

/// Libraries other than fleetwright's own warn only, until everything is asked for; what happens to single
/// hosts is in the live view already.
fn on_the_terminal(level: LevelFilter) -> Targets {
    let of_hosts = if level >= LevelFilter::DEBUG { level } else { LevelFilter::OFF };
    ours(level).with_target(run_events::TARGET, of_hosts)
}

/// A file is read afterwards: what happened to whom is in it in any case.
fn in_the_file(level: LevelFilter) -> Targets {
    ours(level.max(LevelFilter::INFO))
}

fn ours(level: LevelFilter) -> Targets {
    let libraries =
        if level >= LevelFilter::TRACE { LevelFilter::DEBUG } else { level.min(LevelFilter::WARN) };
    // Every crate of ours has a name that begins so.
    Targets::new().with_default(libraries).with_target("fleetwright", level)
}

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
