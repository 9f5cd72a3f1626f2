//! How a command fails: one code, one message, one next step, one exit code.

use std::fmt;

use fleetwright_model::{Code, Exit, Failure, code};

/// The failure of a whole command.
#[derive(Debug)]
pub struct CommandError {
    /// The code.
    pub code: &'static Code,
    /// What happened, where, with which value.
    pub message: String,
    /// Several findings at once, each rendered already (configuration errors with their snippet).
    pub details: Vec<String>,
    /// What to do, where something better is known than the code's own next step.
    pub hint: Option<String>,
}

impl CommandError {
    /// A failure with its code and message.
    pub fn new(code: &'static Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Vec::new(), hint: None }
    }

    /// The exit code of the process.
    pub fn exit(&self) -> Exit {
        self.code.exit.unwrap_or(Exit::Internal)
    }

    /// What to do next.
    pub fn next_step(&self) -> &str {
        self.hint.as_deref().unwrap_or(self.code.next_step)
    }

    /// A file or directory that could not be written.
    pub fn output(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(&code::OUTPUT, format!("{} cannot be written: {error}", path.display()))
    }
}

impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        Self::new(failure.code, failure.to_string())
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code.id)
    }
}

impl std::error::Error for CommandError {}
