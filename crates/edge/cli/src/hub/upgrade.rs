//! The five phases of an upgrade of a cluster: perception, reasoning, execution, validation, rollback. What one phase
//! finds out is kept among the run's files, and the next one reads it there: only names cross the state machine.

mod execution;
mod input;
mod perception;
mod reasoning;
mod rollback;
mod validation;

use fleetwright_eks::plan::PlanDocument;
use fleetwright_eks::run::RunDocument;
use fleetwright_model::ZoneName;
use fleetwright_ports::{Journal, JournalError, RunId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Fault, Hub, Invocation};
use crate::app::App;
use crate::state::refused;
use crate::upgrading::EventBus;

pub use input::Input;

/// The plan of an upgrade, among the files of its run.
const PLAN: &str = "upgrade-plan.json";
/// What perception found out, among the files of its run.
const PERCEIVED: &str = "perceived.json";

/// Carries out a phase; none where it is no phase of an upgrade.
pub(super) async fn handle(
    app: &App,
    handler: &str,
    invocation: &Invocation<'_>,
) -> Option<Result<Value, Fault>> {
    Some(match handler {
        "perception" => perception::handle(app, invocation).await,
        "reasoning" => reasoning::handle(app, invocation).await,
        "execution" => execution::handle(app, invocation).await,
        "validation" => validation::handle(app, invocation).await,
        "rollback" => rollback::handle(app, invocation).await,
        _ => return None,
    })
}

/// What is known of an upgrade before it is a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Perceived {
    /// The landing zone of the cluster's account.
    zone: ZoneName,
    cluster: String,
    from: String,
    to: String,
    /// The plan's digest.
    digest: String,
    standing: String,
    /// Whether a failed upgrade is taken back.
    rollback: bool,
    /// The bus that is told of what happens.
    events: Option<EventBus>,
}

impl Perceived {
    /// What perception found out; none where it did not come to an end.
    async fn kept(hub: &Hub, run: &RunId) -> Result<Option<Self>, Fault> {
        let kept = hub.state.artifacts.get(run, PERCEIVED).await.map_err(|error| refused(&error))?;
        Ok(kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// The same, and the plan.
    async fn with_plan(hub: &Hub, run: &RunId) -> Result<(Self, PlanDocument), Fault> {
        let nothing = || Fault::unusable(format!("{run}: its cluster was not read; perception comes first"));
        let perceived = Self::kept(hub, run).await?.ok_or_else(nothing)?;
        let kept = hub.state.artifacts.get(run, PLAN).await.map_err(|error| refused(&error))?;
        let document = PlanDocument::read(&kept.ok_or_else(nothing)?)
            .map_err(|error| Fault::of(error.code(), format!("{run}: {error}")))?;
        match **document.digest() == *perceived.digest {
            true => Ok((perceived, document)),
            false => Err(Fault::unusable(format!("{run}: {PLAN} is not the plan that perception drew up"))),
        }
    }
}

/// What the machine knows of the run that it drives.
struct Driven<'a> {
    run: &'a RunId,
    /// It may be taken back where it fails.
    rollback: bool,
    /// It takes another one back.
    back: bool,
    /// Why there is no way back.
    why: &'a str,
}

impl Driven<'_> {
    fn answer(&self) -> Value {
        json!({ "run": self.run, "rollback": self.rollback, "back": self.back, "why": self.why })
    }
}

/// Makes the run, where an invocation before this one has not.
async fn open(
    hub: &Hub,
    run: &RunId,
    document: &RunDocument,
    events: Option<&EventBus>,
) -> Result<(), Fault> {
    if let Some(events) = events {
        events.keep(&hub.state, run).await?;
    }
    match hub.journal.create(run, &document.write(), hub.clock.now()).await {
        Ok(()) | Err(JournalError::RunExists { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the run was made already.
async fn is_made(hub: &Hub, run: &RunId) -> Result<bool, Fault> {
    match hub.journal.load(run).await {
        Ok(_) => Ok(true),
        Err(JournalError::NoSuchRun { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
