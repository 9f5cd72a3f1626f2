//! The one writer that every log line goes through.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use fleetwright_model::redaction::{HIDDEN, Redactor, is_secret_name};

use crate::fields::{Fields, Value};

/// Writes lines and never fails: a log that cannot be written must not stop a run.
pub(crate) struct Writer {
    redactor: Redactor,
    out: Mutex<Box<dyn Write + Send>>,
    lost: AtomicU64,
}

impl Writer {
    pub(crate) fn new(out: Box<dyn Write + Send>, redactor: Redactor) -> Self {
        Self { redactor, out: Mutex::new(out), lost: AtomicU64::new(0) }
    }

    /// The fields without secrets: known ones, what looks like one, and the values of fields whose name
    /// says that they are.
    pub(crate) fn redacted(&self, fields: &mut Fields) {
        for (name, value) in &mut fields.0 {
            match value {
                _ if is_secret_name(name) => *value = Value::Text(HIDDEN.to_owned()),
                Value::Text(text) => *text = self.redactor.redact(text).into_owned(),
                _ => {}
            }
        }
    }

    /// Writes a line, which ends with its line feed, in one piece.
    pub(crate) fn line(&self, line: &str) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lines that could not be written.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}
