//! What functions are called with, and what they answer where they cannot.

use std::fmt;

use fleetwright_model::{Code, ErrorClass, Failure, code};
use fleetwright_ports::{JournalError, RunId};
use fleetwright_stepfn::{ErrorName, TurnError};
use serde_json::{Value, json};

use crate::failure::CommandError;

/// An invocation of a function.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// The event.
    pub event: &'a Value,
    /// The ARN the function was invoked by: it names account and region.
    pub arn: &'a str,
    /// The request's id.
    pub request: &'a str,
}

impl Invocation<'_> {
    /// A text of the event.
    ///
    /// # Errors
    /// It has none of that name.
    pub fn text(&self, name: &str) -> Result<&str, Fault> {
        self.event[name].as_str().ok_or_else(|| Fault::unusable(format!("the event has no text {name:?}")))
    }

    /// The number of the turn that is to be taken, from 1.
    ///
    /// # Errors
    /// The event does not say how many were taken.
    pub fn turn(&self) -> Result<u32, Fault> {
        let taken = self.event["turn"]["number"].as_u64().and_then(|number| u32::try_from(number).ok());
        let taken = taken.ok_or_else(|| Fault::unusable("the event has no number of a turn"))?;
        Ok(taken.saturating_add(1))
    }

    /// The run that is meant.
    ///
    /// # Errors
    /// The event names none.
    pub fn run(&self) -> Result<RunId, Fault> {
        self.text("run")?.parse().map_err(|error| Fault::unusable(format!("run: {error}")))
    }
}

/// Why a function did not do what it was called for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The name that `Retry` and `Catch` of the state machine know.
    pub name: ErrorName,
    /// The code with its page and next step.
    pub code: &'static Code,
    /// What is wrong, for people.
    pub message: String,
}

impl Fault {
    /// A hub, or an event, that is not as it should be: it does not get better by itself.
    pub fn unusable(message: impl Into<String>) -> Self {
        Self::of(&code::HUB_UNUSABLE, message)
    }

    /// Something that does not get better by itself, with its code.
    pub fn of(code: &'static Code, message: impl Into<String>) -> Self {
        Self { name: ErrorName::Unusable, code, message: message.into() }
    }

    /// As Lambda's Runtime API wants it.
    pub fn to_json(&self) -> Value {
        json!({ "errorType": self.name.as_str(), "errorMessage": self.to_string(), "stackTrace": [] })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.id, self.message)
    }
}

impl From<CommandError> for Fault {
    fn from(error: CommandError) -> Self {
        let transient = [code::STATE_UNUSABLE.id, code::INTERNAL.id].contains(&error.code.id);
        let name = if transient { ErrorName::Transient } else { ErrorName::Unusable };
        Self { name, code: error.code, message: error.message }
    }
}

impl From<Fault> for CommandError {
    fn from(fault: Fault) -> Self {
        Self::new(fault.code, fault.message)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        let passes =
            matches!(failure.class, ErrorClass::Throttled | ErrorClass::Transient | ErrorClass::Ambiguous);
        let name = if passes { ErrorName::Transient } else { ErrorName::Unusable };
        Self { name, code: failure.code, message: failure.to_string() }
    }
}

impl From<JournalError> for Fault {
    fn from(error: JournalError) -> Self {
        TurnError::Journal(error).into()
    }
}

impl From<TurnError> for Fault {
    fn from(error: TurnError) -> Self {
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(source) = cause {
            message.push_str(&format!(": {source}"));
            cause = source.source();
        }
        Self { name: error.name(), code: error.code(), message }
    }
}
