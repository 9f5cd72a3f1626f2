//! Executions of state machines of Step Functions, those of type Standard.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure, Partial};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::Clock;
use crate::state_machines::{ExecutionName, MachineName, MachineRef};

/// The first pause between two looks at an execution that is waited for; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest of them. DescribeExecution is granted ten to fifteen calls a second to everybody in the account.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// JSON that goes into an execution or comes out of it, up to 256 KiB, or a function's. Anything may be in it, secrets
/// included.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(String);

impl Payload {
    /// That text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the service and for who asked for it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether two are the same JSON, however it is written.
    pub fn is_same(&self, other: &Self) -> bool {
        let read = |payload: &Self| serde_json::from_str::<Value>(&payload.0).ok();
        self == other || read(self).is_some_and(|value| Some(value) == read(other))
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

/// Whether inputs and outputs are asked for as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payloads {
    /// They are left out.
    #[default]
    Hidden,
    /// They are there.
    Shown,
}

/// How an execution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionStatus {
    /// It runs.
    Running,
    /// It ended well.
    Succeeded,
    /// It ended with an error.
    Failed,
    /// It took longer than its machine allows.
    TimedOut,
    /// It was stopped.
    Aborted,
    /// It failed and is about to go on.
    PendingRedrive,
}

impl ExecutionStatus {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Running, Self::Succeeded, Self::Failed, Self::TimedOut, Self::Aborted, Self::PendingRedrive];

    /// In Step Functions' word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Aborted => "ABORTED",
            Self::PendingRedrive => "PENDING_REDRIVE",
        }
    }

    /// Whether nothing more happens by itself.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Running | Self::PendingRedrive)
    }
}

impl FromStr for ExecutionStatus {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|status| status.as_str() == word).ok_or(())
    }
}

/// Which execution is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionId {
    /// Its machine.
    pub machine: MachineName,
    /// Its name.
    pub name: ExecutionName,
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.machine, self.name)
    }
}

/// An execution that is to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewExecution {
    /// What it carries out.
    pub machine: MachineRef,
    /// Its name, by which a second start finds the first.
    pub name: ExecutionName,
    /// Its input.
    pub input: Payload,
}

impl NewExecution {
    /// Which one it is then.
    pub fn id(&self) -> ExecutionId {
        ExecutionId { machine: self.machine.name.clone(), name: self.name.clone() }
    }
}

/// What a start came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// It runs since then, started now or by an earlier call.
    Running(Option<Timestamp>),
    /// An earlier call started it, and it has ended.
    Ended(Box<Execution>),
}

/// An execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Which.
    pub id: ExecutionId,
    /// How it stands.
    pub status: ExecutionStatus,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub stopped_at: Option<Timestamp>,
    /// The version of the machine it carries out, where one was named.
    pub version: Option<u32>,
    /// The name of the error it ended with. Untrusted text.
    pub error: Option<String>,
    /// What is said of it, cleared of what looks like a secret. Untrusted text.
    pub cause: Option<String>,
    /// What went in, where asked for and not too large to be told.
    pub input: Option<Payload>,
    /// What came out, as [`Execution::input`].
    pub output: Option<Payload>,
}

/// An execution in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionRow {
    /// Its name.
    pub name: ExecutionName,
    /// How it stands.
    pub status: ExecutionStatus,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub stopped_at: Option<Timestamp>,
    /// The version of the machine it carries out, where one was named.
    pub version: Option<u32>,
}

/// Which executions are listed; all where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecutionFilter {
    /// Those that stand so.
    pub status: Option<ExecutionStatus>,
    /// Those whose names begin so.
    pub prefix: Option<String>,
    /// Those that began then or later.
    pub since: Option<Timestamp>,
}

impl ExecutionFilter {
    /// Whether the execution is meant, as far as the service did not see to it.
    pub fn fits(&self, row: &ExecutionRow) -> bool {
        self.status.is_none_or(|status| row.status == status)
            && self.prefix.as_deref().is_none_or(|prefix| row.name.as_str().starts_with(prefix))
            && self.since.is_none_or(|since| row.started_at.is_none_or(|started| started >= since))
    }
}

/// Something that happened in an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEvent {
    /// Its number, from 1.
    pub id: u64,
    /// The one it follows from; none for the first.
    pub previous: Option<u64>,
    /// When.
    pub at: Option<Timestamp>,
    /// What, in Step Functions' word, for example `TaskStateEntered`.
    pub kind: String,
    /// The state that was entered or left. Untrusted text.
    pub state: Option<String>,
    /// The name of an error. Untrusted text.
    pub error: Option<String>,
    /// What is said of it, cleared of what looks like a secret. Untrusted text.
    pub cause: Option<String>,
    /// What was handed over, of the kinds that were asked for: input, output, parameters.
    pub payloads: Vec<(String, Payload)>,
}

/// The executions of one cell's machines.
#[async_trait]
pub trait Executions: Send + Sync {
    /// Starts an execution of a machine of type Standard. A second start of the same name, version and input
    /// finds the first, also when it has ended.
    ///
    /// # Errors
    /// There is one of that name with another input or version ([`fleetwright_model::ErrorClass::Conflict`],
    /// `FW-F0003`); the service refuses it; or the reply is lost ([`fleetwright_model::ErrorClass::Ambiguous`]).
    async fn start_execution(&self, cell: &Cell<'_>, execution: &NewExecution) -> Result<Started, Failure>;

    /// Stops an execution; one that has ended stays as it is. Gives when it ended.
    ///
    /// # Errors
    /// The failure of the call; there is none such.
    async fn stop_execution(
        &self,
        cell: &Cell<'_>,
        id: &ExecutionId,
        error: Option<&str>,
        cause: Option<&str>,
    ) -> Result<Option<Timestamp>, Failure>;

    /// An execution.
    ///
    /// # Errors
    /// The failure of the call; [`fleetwright_model::ErrorClass::NotFound`] where there is none.
    async fn execution(
        &self,
        cell: &Cell<'_>,
        id: &ExecutionId,
        payloads: Payloads,
    ) -> Result<Execution, Failure>;

    /// Everything that happened in an execution, in order: up to 25,000 events.
    async fn history(&self, cell: &Cell<'_>, id: &ExecutionId, payloads: Payloads) -> Partial<HistoryEvent>;

    /// The executions of a machine, those that began last first.
    async fn executions(
        &self,
        cell: &Cell<'_>,
        machine: &MachineName,
        filter: &ExecutionFilter,
    ) -> Partial<ExecutionRow>;
}

/// Waits until an execution is over, for as long as `patience` at most, and gives how it stands then. Each look at
/// it is handed to `seen`.
///
/// # Errors
/// The failure of a look that failed.
pub async fn wait(
    (executions, clock): (&dyn Executions, &dyn Clock),
    cell: &Cell<'_>,
    id: &ExecutionId,
    patience: Duration,
    seen: &mut (dyn FnMut(&Execution) + Send),
) -> Result<Execution, Failure> {
    let end = SignedDuration::try_from(patience).ok().and_then(|span| clock.now().checked_add(span).ok());
    let end = end.unwrap_or(Timestamp::MAX);
    let mut pause = FIRST_PAUSE;
    loop {
        let execution = executions.execution(cell, id, Payloads::Hidden).await?;
        seen(&execution);
        let left = Duration::try_from(end.duration_since(clock.now())).unwrap_or_default();
        if execution.status.is_over() || left.is_zero() {
            return Ok(execution);
        }
        clock.sleep(pause.min(left)).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}
