//! What telemetry is started with in tests: a time that stands, and writers whose text can be read.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleetwright_ports::Clock;
use fleetwright_telemetry::{LineForm, Lines, Resource, Setup};
use futures::future::BoxFuture;
use jiff::Timestamp;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// A time that stands still; who waits waits for ever, but for what `passes` is over at once.
pub(crate) struct Standing {
    pub(crate) passes: Option<Duration>,
}

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        "2026-11-21T13:00:00.25Z".parse().expect("valid")
    }

    fn sleep<'a: 'f, 'f>(&'a self, duration: Duration) -> BoxFuture<'f, ()>
    where
        Self: 'f,
    {
        match self.passes == Some(duration) {
            true => Box::pin(std::future::ready(())),
            false => Box::pin(std::future::pending()),
        }
    }
}

/// A writer that keeps what was written.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("UTF-8")
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn lines(form: LineForm, out: &Kept) -> Lines {
    Lines { form, which: Targets::new().with_default(LevelFilter::DEBUG), out: Box::new(out.clone()) }
}

/// Nothing but what is given by the test.
pub(crate) fn setup(lines: Vec<Lines>) -> Setup {
    Setup {
        lines,
        secrets: vec!["fleet-1f3a-canary".to_owned()],
        collector: None,
        metrics_file: None,
        metrics_listen: None,
        interval: Duration::from_secs(15),
        resource: Resource { name: "fleetwright", version: "0.1.0", instance: "a test".to_owned() },
        clock: Arc::new(Standing { passes: None }),
        wall: Arc::new(Standing { passes: None }),
    }
}
