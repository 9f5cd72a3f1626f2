//! How Lambda functions run: what an embedder provides, and one way to provide it.
//!
//! The estate knows when a function runs, with what, and what becomes of the answer; that it runs at
//! all is the affair of [`Functions`]: handlers in the same process, or executables.

pub mod bootstrap;
mod embed;
pub mod http_api;
mod run;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use crate::fault::FunctionFault;
use crate::world::AccountId;
use crate::world::iam::Credentials;

pub(crate) use run::{Runner, run, run_event_of};

/// What the header of an answer says of a failure: whatever a handler throws comes through the Runtime
/// API, and is unhandled to Lambda.
const FUNCTION_ERROR: &str = "Unhandled";

/// A future on the heap.
pub type Running<'f> = Pin<Box<dyn Future<Output = Invoked> + Send + 'f>>;

/// What runs functions.
pub trait Functions: Send + Sync {
    /// Runs a function once. The future is dropped where the function's time is over.
    fn invoke(&self, invocation: Invocation) -> Running<'_>;
}

/// What a function is run with.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The account that the function belongs to.
    pub account: AccountId,
    /// Its region.
    pub region: String,
    /// Its name.
    pub function: String,
    /// The version: `$LATEST` or a number.
    pub version: String,
    /// The ARN it was invoked by.
    pub arn: String,
    /// What it is to call.
    pub handler: String,
    /// Its memory.
    pub memory_mb: u64,
    /// Its own variables by name.
    pub environment: BTreeMap<String, String>,
    /// Credentials of its role; none where the role is gone.
    pub credentials: Option<Credentials>,
    /// Changes when code or configuration do.
    pub revision: String,
    /// The event, JSON.
    pub payload: Bytes,
    /// How long it may take.
    pub timeout: Duration,
    /// When it has to be done, by the estate's time.
    pub deadline: Timestamp,
    /// The id of the request.
    pub request_id: String,
}

/// Whether the caller waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The caller waits for the answer; its place has been taken.
    Waiting,
    /// The caller does not; the place is taken when there is one.
    Event,
}

/// An invocation that was admitted.
#[derive(Clone, Debug)]
pub struct Started {
    /// Whether the caller waits.
    pub mode: Mode,
    /// What is run.
    pub invocation: Invocation,
    /// ARN of the function's role.
    pub role: String,
    /// Whether the answer carries the end of the log.
    pub tail: bool,
    /// What is to go wrong with it.
    pub fault: Option<FunctionFault>,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoked {
    /// The answer, or what is told of the error; JSON.
    pub payload: Bytes,
    /// What it wrote.
    pub log: String,
    /// How it failed, where it did.
    pub failure: Option<Failure>,
}

/// How a function failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The handler said so.
    Handled,
    /// The process ended before it answered.
    Crashed,
    /// It took too long.
    TimedOut,
}

impl Invoked {
    /// An answer.
    #[must_use]
    pub fn answered(payload: impl Into<Bytes>) -> Self {
        Self { payload: payload.into(), log: String::new(), failure: None }
    }

    /// An error of the handler's, with its type and message.
    #[must_use]
    pub fn failed(kind: &str, message: &str) -> Self {
        let payload = serde_json::json!({ "errorType": kind, "errorMessage": message }).to_string();
        Self { payload: payload.into(), log: String::new(), failure: Some(Failure::Handled) }
    }

    /// The end of a process that did not answer.
    #[must_use]
    pub fn crashed(request_id: &str, how: &str) -> Self {
        let message = format!("RequestId: {request_id} Error: Runtime exited with error: {how}");
        Self { failure: Some(Failure::Crashed), ..Self::failed("Runtime.ExitError", &message) }
    }
}
