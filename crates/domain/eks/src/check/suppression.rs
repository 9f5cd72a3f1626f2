//! Findings that somebody decided to live with, for a time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A decision not to be held up by a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// The check's code.
    pub code: String,
    /// The finding's subject; a `*` at its end stands for any ending. `None` for all of the check.
    pub subject: Option<String>,
    /// Why.
    pub reason: String,
    /// When it ends: from then on the finding counts again.
    pub expires_at: Timestamp,
}

impl Suppression {
    /// Whether it holds at a time.
    pub fn holds(&self, at: Timestamp) -> bool {
        at < self.expires_at
    }

    /// Whether it is about a finding.
    pub fn covers(&self, code: &str, subject: &str) -> bool {
        let fits = match self.subject.as_deref() {
            None => true,
            Some(pattern) => match pattern.strip_suffix('*') {
                Some(beginning) => subject.starts_with(beginning),
                None => subject == pattern,
            },
        };
        self.code == code && fits
    }
}
