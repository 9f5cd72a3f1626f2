//! Running commands on hosts through Systems Manager Run Command.

use std::time::Duration;

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure, InstanceId, Partial, Text};
use jiff::Timestamp;

/// Hosts one command is sent to at most.
/// Source: SSM API reference, SendCommand, InstanceIds.
pub const COMMAND_BATCH: usize = 50;

/// Characters of a host's standard output that [`HostCommands::invocations`] brings back at most.
/// Source: SSM API reference, CommandPlugin, Output.
pub const SHORT_OUTPUT: usize = 2_500;

/// One SendCommand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRequest {
    /// The document, e.g. `AWS-RunPatchBaseline`.
    pub document: Text,
    /// Its parameters, each a list. Never a secret: anyone who may list commands reads them.
    pub parameters: Vec<(Text, Vec<String>)>,
    /// The hosts, 1 to [`COMMAND_BATCH`].
    pub hosts: Vec<InstanceId>,
    /// The mark this command is known again by; becomes its comment, at most 100 characters.
    pub mark: Text,
    /// How long the agent may take to receive it: 30 s to 30 days.
    pub delivery_timeout: Duration,
}

/// A command that was sent, with its counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandState {
    /// Its id.
    pub id: Text,
    /// The mark it was sent with.
    pub mark: Text,
    /// The hosts it was sent to, where the listing names them.
    pub hosts: Vec<InstanceId>,
    /// When it was sent.
    pub requested_at: Option<Timestamp>,
    /// True when no host works on it any more.
    pub ended: bool,
    /// Hosts it was sent to.
    pub targets: u32,
    /// Hosts that have ended, well or not.
    pub completed: u32,
}

/// What became of a command on one host; `StatusDetails`, not the coarser `Status`.
/// Source: Systems Manager user guide, "Understanding command statuses".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InvocationStatus {
    /// Not yet received, received, or running.
    InProgress,
    /// Received, and it ended with exit code 0.
    Success,
    /// It ended with another exit code.
    Failed,
    /// The agent did not receive it in time.
    DeliveryTimedOut,
    /// It ran longer than allowed.
    ExecutionTimedOut,
    /// Cancelled before or while it ran.
    Cancelled,
    /// It could not be delivered: the instance is gone or its agent does not answer.
    Undeliverable,
    /// The command had more errors than allowed, and this host was not reached.
    Terminated,
    /// The document does not fit the host's platform.
    InvalidPlatform,
    /// The caller may not send it to this host.
    AccessDenied,
    /// The service ended it in a way this version does not know.
    Unknown,
}

/// One host's part of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The host.
    pub host: InstanceId,
    /// What became of it.
    pub status: InvocationStatus,
    /// The exit code, where the script ran.
    pub exit_code: Option<i32>,
    /// Standard output, at most [`SHORT_OUTPUT`] characters (24,000 from
    /// [`HostCommands::output`]). Untrusted text.
    pub output: Text,
    /// Standard error, where there was any. Untrusted text.
    pub errors: Text,
}

/// Commands on the hosts of one cell.
///
/// Retrying, pacing and paging happen behind the port. [`HostCommands::send`] is never repeated
/// behind it once it may have taken effect: it then fails as
/// [`fleetwright_model::ErrorClass::Ambiguous`], and the caller looks for its mark.
#[async_trait]
pub trait HostCommands: Send + Sync {
    /// Sends a command; answers with its id.
    ///
    /// # Errors
    /// The failure of the call; the command was then sent to nobody, unless it is ambiguous.
    async fn send(&self, cell: &Cell<'_>, request: &CommandRequest) -> Result<Text, Failure>;

    /// Every command sent since then, newest first as the service lists them: one call for 50.
    async fn commands(&self, cell: &Cell<'_>, since: Timestamp) -> Partial<CommandState>;

    /// Every host's part of one command: one call for 50.
    async fn invocations(&self, cell: &Cell<'_>, command: &str) -> Partial<Invocation>;

    /// One host's part with the long form of its output: one call for one host.
    ///
    /// # Errors
    /// The failure of the call; [`fleetwright_model::ErrorClass::NotFound`] shortly after sending.
    async fn output(&self, cell: &Cell<'_>, command: &str, host: &InstanceId) -> Result<Invocation, Failure>;

    /// Asks that the command be cancelled on every host where it has not ended. Hosts where it runs
    /// may finish it nevertheless.
    ///
    /// # Errors
    /// The failure of the call.
    async fn cancel(&self, cell: &Cell<'_>, command: &str) -> Result<(), Failure>;
}
