//! A call that did not give what was asked for, and what that means for the caller.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::redaction::redact;

/// What kind of failure it is; decides whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// AWS asked us to slow down.
    Throttled,
    /// A fault of the moment: server error, broken connection before an answer, time-out of a read.
    Transient,
    /// The request may or may not have taken effect.
    Ambiguous,
    /// Credentials or policy refuse the call.
    Denied,
    /// The state of the resource forbids the call now.
    Conflict,
    /// The thing asked for does not exist.
    NotFound,
    /// Trying again will not help.
    Permanent,
}

impl ErrorClass {
    /// The class as people and machines read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Transient => "transient",
            Self::Ambiguous => "ambiguous",
            Self::Denied => "denied",
            Self::Conflict => "conflict",
            Self::NotFound => "not_found",
            Self::Permanent => "permanent",
        }
    }
}

impl ErrorClass {
    /// True where the failure says something of the thing worked on. The others say that nobody could
    /// look or act: from them nothing follows about it, least of all that it must be put back.
    pub fn is_verdict(self) -> bool {
        matches!(self, Self::Conflict | Self::NotFound | Self::Permanent)
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a call failed, after every retry that made sense.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What kind of failure.
    pub class: ErrorClass,
    /// The code with its page, next step and exit code.
    pub code: &'static Code,
    /// The IAM name of the call, e.g. `ssm:DescribeInstanceInformation`.
    pub operation: String,
    /// The service's own words, single line, shortened to 600 characters. Untrusted text.
    pub message: String,
    /// The service's own error code, e.g. `UnauthorizedOperation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_code: Option<String>,
    /// The service's id of the failed request, for a support case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// How many times the call was sent.
    pub attempts: u32,
}

impl Failure {
    /// A failure without service details. Line breaks and other control characters in `message`
    /// become spaces, so that it stays one line wherever it is shown, and what looks like a secret is masked:
    /// messages repeat what hosts, people and AWS said.
    pub fn new(class: ErrorClass, code: &'static Code, operation: impl Into<String>, message: &str) -> Self {
        Self {
            class,
            code,
            operation: operation.into(),
            message: one_line(&redact(message)),
            service_code: None,
            request_id: None,
            attempts: 1,
        }
    }
}

fn one_line(text: &str) -> String {
    const LONGEST: usize = 600;
    let mut line: String = text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({}", self.operation, self.message, self.class)?;
        if let Some(code) = &self.service_code {
            write!(f, ", {code}")?;
        }
        if self.attempts > 1 {
            write!(f, ", {} attempts", self.attempts)?;
        }
        write!(f, ") [{}]", self.code.id)
    }
}

impl std::error::Error for Failure {}
