//! What a host does, and what was done to it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use fleetwright_model::{Failure, HealthCheck, InstanceId, Text};
use fleetwright_ports::{CommandRequest, InvocationStatus, RestoreState, SeatHealth};
use jiff::Timestamp;

/// Answers a command for one host.
pub type Responder = Arc<dyn Fn(&CommandRequest, &InstanceId) -> CommandOutcome + Send + Sync>;

/// What becomes of a command on one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandOutcome {
    /// How long it takes; in progress until then.
    pub takes: Duration,
    /// How it ends.
    pub status: InvocationStatus,
    /// The exit code, where the script ran.
    pub exit_code: Option<i32>,
    /// Standard output, whole.
    pub output: Text,
    /// Standard error, whole.
    pub errors: Text,
    /// True where the host boots anew when it ends.
    pub reboots: bool,
}

impl CommandOutcome {
    /// Success after 10 s with this output.
    pub fn success(output: &str) -> Self {
        Self {
            takes: Duration::from_secs(10),
            status: InvocationStatus::Success,
            exit_code: Some(0),
            output: output.into(),
            errors: "".into(),
            reboots: false,
        }
    }

    /// Failure after 10 s with this exit code and these errors.
    pub fn failure(exit_code: i32, errors: &str) -> Self {
        let status = InvocationStatus::Failed;
        Self { status, exit_code: Some(exit_code), errors: errors.into(), ..Self::success("") }
    }

    /// An end without the script having run, e.g. `Undeliverable`.
    pub fn not_run(status: InvocationStatus) -> Self {
        Self { status, exit_code: None, ..Self::success("") }
    }
}

/// What a host does from now on.
#[derive(Clone, Debug)]
pub struct HostScript {
    /// Outcomes by document, used in order; the last one stays.
    pub outcomes: BTreeMap<Text, VecDeque<CommandOutcome>>,
    /// From the call until it runs.
    pub start_takes: Duration,
    /// From the call until it is stopped.
    pub stop_takes: Duration,
    /// From boot until its status checks say something.
    pub checks_take: Duration,
    /// What both status checks say then.
    pub checks: HealthCheck,
    /// From boot until its agent answers.
    pub agent_takes: Duration,
    /// From the call until its image is available, or failed.
    pub image_takes: Duration,
    /// Why its images fail; none where they succeed.
    pub image_fails: Option<Text>,
    /// From the call until its root volume is replaced.
    pub restore_takes: Duration,
    /// How that ends.
    pub restore_ends: RestoreState,
    /// The mean of every metric; none where nothing is reported.
    pub mean: Option<f64>,
    /// What pools say of it once they have checked it.
    pub seat_health: SeatHealth,
}

impl Default for HostScript {
    fn default() -> Self {
        Self {
            outcomes: BTreeMap::new(),
            start_takes: Duration::from_secs(30),
            stop_takes: Duration::from_secs(60),
            checks_take: Duration::from_secs(120),
            checks: HealthCheck::Ok,
            agent_takes: Duration::from_secs(45),
            image_takes: Duration::from_secs(600),
            image_fails: None,
            restore_takes: Duration::from_secs(300),
            restore_ends: RestoreState::Succeeded,
            mean: Some(5.0),
            seat_health: SeatHealth::Healthy,
        }
    }
}

impl HostScript {
    /// Adds an outcome for a document.
    pub fn on(&mut self, document: &str, outcome: CommandOutcome) {
        self.outcomes.entry(document.into()).or_default().push_back(outcome);
    }

    /// The next outcome for a document.
    pub(super) fn next(&mut self, document: &str) -> Option<CommandOutcome> {
        let outcomes = self.outcomes.get_mut(document)?;
        if outcomes.len() > 1 { outcomes.pop_front() } else { outcomes.front().cloned() }
    }
}

/// How a call fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is refused and takes no effect.
    Refused(Failure),
    /// It takes effect and the reply is lost: ambiguous. A reading call fails as transient.
    LostReply,
}

/// Something that took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// When.
    pub at: Timestamp,
    /// The IAM action, e.g. `ec2:CreateImage`.
    pub action: &'static str,
    /// The hosts it was done to.
    pub hosts: Vec<InstanceId>,
    /// What it is known again by: a command's mark, an image's name, a token; else what was named.
    pub mark: Text,
}
