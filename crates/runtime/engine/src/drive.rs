//! Taking a run up: the claim, the fold of what is on record, the first records of this owner.

use std::sync::Arc;

use fleetwright_flow::{Ending, Event, Plan, Record, Run, Sequence, StageId};
use fleetwright_model::Text;
use fleetwright_ports::{Claim, Clock, Journal, LoadedRun, RunId};
use jiff::Timestamp;
use tracing::Instrument;

use crate::control::Control;
use crate::dispatcher::Dispatcher;
use crate::error::DriveError;
use crate::step_table::StepTable;
use crate::surroundings::Surroundings;
use crate::watch::Watcher;

/// What a driver needs of the world.
#[derive(Clone)]
pub struct Ports {
    /// The durable record.
    pub journal: Arc<dyn Journal>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What carries steps out.
    pub steps: StepTable,
    /// What goes on around the run.
    pub around: Surroundings,
}

/// Whether a run is begun or gone on with. The digest is that of the plan document handed in with it:
/// what is driven is what was recorded when the run was opened.
#[derive(Clone, Debug, PartialEq)]
pub enum Begin {
    /// The run was created in the journal and has no records.
    New {
        /// SHA-256 of the plan document, hexadecimal.
        digest: Text,
    },
    /// The run may have got anywhere before.
    Resume {
        /// SHA-256 of the plan document, hexadecimal.
        digest: Text,
        /// What the journal has of it.
        loaded: LoadedRun,
    },
}

impl Begin {
    /// As what the journal has of it asks for.
    pub fn of(digest: Text, loaded: LoadedRun) -> Self {
        match loaded.records.is_empty() && loaded.damage.is_none() {
            true => Self::New { digest },
            false => Self::Resume { digest, loaded },
        }
    }
}

/// Why the driver came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// The run is over.
    Closed(Ending),
    /// The process was interrupted; the run can be resumed.
    Interrupted,
    /// Nothing is left to do before these stages are approved or rejected; the run can be resumed.
    WaitsForApproval(Vec<StageId>),
    /// The visit is over ([`crate::Visit`]); the next one goes on where it left.
    Rests {
        /// When more falls due, in the run's time; none where only a decision leads on.
        until: Option<Timestamp>,
    },
}

/// A drive that came to its conclusion.
#[derive(Debug)]
pub struct Concluded {
    /// Why the driver came back.
    pub conclusion: Conclusion,
    /// The run, as it is on record.
    pub run: Run,
}

impl Concluded {
    /// How the run ended; none where it can be resumed.
    pub fn ending(&self) -> Option<Ending> {
        self.run.ending()
    }
}

/// Drives a run until it is over, or until `control` says that the process should leave it.
///
/// The run must be in the journal ([`Journal::create`]). It is claimed for as long as the future
/// lives; dropping the future is as a crash: everything durable stays, and what was in flight is
/// found again on resume. A run that is over already is not claimed.
///
/// # Errors
/// [`DriveError`], with nothing further started. In every case but a fault of our own the run can be
/// resumed, here or elsewhere.
pub async fn drive(
    ports: Ports,
    name: RunId,
    plan: Arc<Plan>,
    begin: Begin,
    control: &Control,
    watch: &dyn Watcher,
) -> Result<Concluded, DriveError> {
    let span = tracing::info_span!("run", run = name.as_str());
    drive_within(ports, name, plan, begin, control, watch).instrument(span).await
}

async fn drive_within(
    ports: Ports,
    name: RunId,
    plan: Arc<Plan>,
    begin: Begin,
    control: &Control,
    watch: &dyn Watcher,
) -> Result<Concluded, DriveError> {
    if let Some(step) = ports.steps.missing(&plan) {
        return Err(DriveError::UnknownStep { step });
    }
    plan.check().map_err(DriveError::InvalidPlan)?;
    let mut run = Run::open(plan);
    let (digest, mut records) = on_record(begin)?;
    fold(&mut run, &records)?;
    if run.ending().is_none() {
        let claim = ports
            .journal
            .claim(&name, control.owner())
            .await
            .map_err(|refusal| DriveError::journal("taking the run over", refusal))?;
        // Another process may have driven the run between the reading and the claim.
        let since = ports.journal.since(&name, run.last()).await;
        let since = since.map_err(|refusal| DriveError::journal("reading the run", refusal))?;
        fold(&mut run, &since)?;
        records.extend(since);
        check_plan(&records, &digest)?;
        if run.ending().is_none() {
            return take_up(ports, name, run, claim, records, digest, control, watch).await;
        }
    }
    check_plan(&records, &digest)?;
    watch.recorded(&[], &run);
    closed(run)
}

/// The digest of the plan given and the records there are.
fn on_record(begin: Begin) -> Result<(Text, Vec<Record>), DriveError> {
    match begin {
        Begin::New { digest } => Ok((digest, Vec::new())),
        Begin::Resume { loaded: LoadedRun { damage: Some(damage), .. }, .. } => {
            Err(DriveError::Damaged { last_good: damage.last_good, what: damage.what })
        }
        Begin::Resume { digest, loaded } => Ok((digest, loaded.records)),
    }
}

fn fold(run: &mut Run, records: &[Record]) -> Result<(), DriveError> {
    for record in records {
        run.apply(record).map_err(|source| DriveError::Impossible { seq: record.seq, source })?;
    }
    Ok(())
}

/// What is driven is what the run was opened with.
fn check_plan(records: &[Record], given: &Text) -> Result<(), DriveError> {
    match records.first().map(|record| &record.event) {
        Some(Event::Opened { plan, .. }) if plan != given => {
            Err(DriveError::OtherPlan { opened: plan.clone(), given: given.clone() })
        }
        _ => Ok(()),
    }
}

fn closed(run: Run) -> Result<Concluded, DriveError> {
    match run.ending() {
        Some(ending) => Ok(Concluded { conclusion: Conclusion::Closed(ending), run }),
        None => Err(DriveError::Stalled { last: run.last() }),
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of a dispatcher, handed over once")]
async fn take_up(
    ports: Ports,
    name: RunId,
    run: Run,
    claim: Box<dyn Claim>,
    records: Vec<Record>,
    digest: Text,
    control: &Control,
    watch: &dyn Watcher,
) -> Result<Concluded, DriveError> {
    let (is_new, goes_on) = (run.last() == Sequence(0), claim.hand_over().is_some());
    if !is_new {
        watch.recorded(&[], &run);
    }
    let mut dispatcher = Dispatcher::new(ports, name, run, claim, &records, control, watch);
    drop(records);
    if is_new {
        dispatcher.record(Event::Opened { format: Record::FORMAT, plan: digest })?;
    }
    if !goes_on {
        dispatcher.record(Event::Owner { name: control.owner().clone() })?;
    }
    dispatcher.walk().await
}
