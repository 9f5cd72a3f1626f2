//! Putting a run together - plan, landing zones, steps, journal, engine - and telling how it went.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleetwright_announce::{Both, ChangeGate};
use fleetwright_aws::Aws;
use fleetwright_config::settings::OutputFormat;
use fleetwright_engine::{
    Begin, Concluded, Conclusion, Control, DriveError, Ports, StepTable, Surroundings, Unwatched, Watcher,
    drive,
};
use fleetwright_flow::{End, Record, Run, TargetId};
use fleetwright_model::{Code, Exit, InstanceId, Zone, code};
use fleetwright_notify::change::ChangeRequest;
use fleetwright_patch::PlanDocument;
use fleetwright_patch::outcome::{results, run_outcome};
use fleetwright_patch::plan::{PatchPlan, Work, notes};
use fleetwright_ports::{ChangeRecords, Clock, Freezes, LoadedRun, RunId};
use fleetwright_report::evidence::{Folding, RunRecord, fold};
use fleetwright_report::safe;
use fleetwright_report::views;
use fleetwright_step::Step;
use fleetwright_steps::{Context, GroupWatch, MissingZone, Standing};
use fleetwright_survey::CalendarWatch;
use jiff::Timestamp;

use crate::args::ReportFormat;
use crate::commands::bundle::packed;
use crate::commands::notify::{self, Over};
use crate::commands::report::own_directory;
use crate::commands::scan::{Reports, calls};
use crate::console::{self, Console};
use crate::evidence::{self, Gathered};
use crate::failure::CommandError;
use crate::heads::Heads;
use crate::on_record::{OnRecord, approvals, nobody_approves};
use crate::outgoing::{Outgoing, tell_account};
use crate::report_files;
use crate::run_live::RunLive;
use crate::run_plan::{Decided, RunPlan};
use crate::state::{FoundRun, State, refused};
use crate::{figures, files};

/// A system of change records, and how often a record is looked at while a gate waits for it.
pub struct Change {
    /// The system.
    pub records: Arc<dyn ChangeRecords>,
    /// How often.
    pub poll: Duration,
}

/// Everything a run needs, put together.
pub struct Driving {
    /// AWS, or what stands in for it.
    pub aws: Aws,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where runs are kept.
    pub state: State,
    /// The landing zones, as they are entered.
    pub zones: Vec<Zone>,
    /// How the run is steered.
    pub control: Control,
    /// The run's audit log, and who writes it.
    pub on_record: OnRecord,
    /// Where heads of that log are kept besides.
    pub heads: Heads,
    /// Where messages go, where any are wanted.
    pub told: Option<Outgoing>,
    /// The system of change records, where it decides at gates.
    pub change: Option<Change>,
    /// Where reports go.
    pub reports: Reports,
    /// The namespace of the figures that CloudWatch keeps; none keeps none.
    pub figures: Option<String>,
    /// The form of standard output.
    pub format: OutputFormat,
    /// The terminal.
    pub console: Console,
}

impl Driving {
    /// Begins a run of this plan and drives it.
    ///
    /// # Errors
    /// The run cannot be made or driven; what became of its hosts is never an error.
    pub async fn begin(self, plan: PlanDocument) -> Result<Exit, CommandError> {
        let begin = Begin::New { digest: plan.digest().clone() };
        self.drive(&plan, begin, Vec::new()).await
    }

    /// Drives on a run that was begun before.
    ///
    /// # Errors
    /// As [`Driving::begin`].
    pub async fn resume(self, plan: PlanDocument, loaded: LoadedRun) -> Result<Exit, CommandError> {
        let earlier = loaded.records.clone();
        let begin = Begin::Resume { digest: plan.digest().clone(), loaded };
        self.drive(&plan, begin, earlier).await
    }

    async fn drive(
        mut self,
        document: &PlanDocument,
        begin: Begin,
        earlier: Vec<Record>,
    ) -> Result<Exit, CommandError> {
        let run = self.on_record.run.clone();
        let directory = self.report_directory(&run)?;
        let plan = Arc::new(document.plan().clone());
        let health = Arc::new(Health::default());
        health.hear(&earlier);
        let ports = ports(&self.aws, &self.clock, &self.state, &self.zones, &plan, &health, &self.on_record)
            .map_err(|missing| missing_zone(&missing))?;
        let flow = Arc::new(plan.flow.clone());
        let follows = Follows { plan: Arc::clone(&plan), health };
        let live = RunLive::new(&self.console, self.format, Arc::clone(&plan) as Arc<dyn RunPlan>);
        let announcer = self.told.take().map(|told| told.start(&run, &plan));
        let gate = ChangeGate::new(run.clone());
        let announced: &dyn Watcher = announcer.as_ref().map_or(&Unwatched, |it| it);
        let (all, around) = (Both(&live, announced), Both(&gate, &Unwatched));
        let all = Both(&all, &around);
        let all = Both(&follows, &all);
        let driven = drive(ports, run.clone(), flow, begin, &self.control, &all);
        let concluded = match &self.change {
            None => driven.await,
            Some(change) => {
                let (request, say) =
                    (ChangeRequest::of(run.as_str(), document, self.clock.now()), |text: &str| {
                        self.console.note(&safe::line(text));
                    });
                let (journal, clock) = (self.state.journal.as_ref(), self.clock.as_ref());
                tokio::select! {
                    concluded = driven => concluded,
                    never = gate.watch(change.records.as_ref(), &request, journal, clock, change.poll, say) => {
                        match never {}
                    }
                }
            }
        };
        live.finish();
        let mut records = earlier;
        records.extend(live.into_records());
        if let Ok(concluded) = &concluded {
            self.tell_figures(document, concluded, &records).await;
        }
        if let Some(announcer) = announcer {
            tell_account(&announcer.finish().await, self.console);
        }
        self.keep_head().await;
        let concluded = concluded.map_err(|error| drive_error(&run, &error))?;
        self.conclude(&run, document, &concluded, &records, directory.as_deref()).await
    }

    /// The figures of a run. They change nothing about how it ended.
    async fn tell_figures(&self, document: &PlanDocument, end: &Concluded, records: &[Record]) {
        let results = results(document.plan(), &end.run, records);
        figures::tell(self.on_record.run.as_str(), &results);
        if let (Some(namespace), Some(_)) = (&self.figures, end.ending()) {
            let aws = self.aws.on_behalf(self.on_record.behalf("figures", &nobody_approves()));
            figures::keep(&aws, &self.zones, namespace, &results, self.clock.now()).await;
        }
    }

    async fn close_change(
        &self,
        change: &Change,
        run: &RunId,
        concluded: &Concluded,
        record: &RunRecord<'_>,
    ) -> Result<Exit, CommandError> {
        let found: FoundRun = self.state.find(Some(run.as_str())).await?;
        let (summary, evidence) = (report_files::summary(record)?, packed(&self.state, &found).await?);
        let over = Over { run, state: &concluded.run, exit: record.header.exit, summary, evidence };
        notify::close(change.records.as_ref(), &over, self.console).await
    }

    /// Signs the end of the audit log, and keeps that head elsewhere too. Nothing of it changes how the run
    /// ended.
    async fn keep_head(&self) {
        let sign = async || {
            let signed = self.on_record.log.sign(self.clock.now()).await;
            signed.unwrap_or_else(|error| {
                self.console.note(&format!("the end of the audit log could not be signed: {error}"));
                None
            })
        };
        let Some(head) = sign().await.filter(|_| !self.heads.is_nowhere()) else { return };
        let run = &self.on_record.run;
        for wrong in self.heads.keep(&self.aws, &self.on_record, &head).await {
            let words = format!(
                "the head of the audit log was not kept elsewhere: {}; fleetwright audit head {run} --into FILE",
                safe::line(&wrong)
            );
            self.console.note(&words);
        }
        // That it was put somewhere is on record as well.
        sign().await;
    }

    /// The directory of the run's reports; made before the work, not found missing after it.
    fn report_directory(&self, run: &RunId) -> Result<Option<PathBuf>, CommandError> {
        let directory = match &self.reports {
            Reports::Into(directory) => directory.clone(),
            Reports::Own => own_directory(run),
            Reports::None => return Ok(None),
        };
        files::make_directory(&directory)?;
        Ok(Some(directory))
    }

    async fn conclude(
        &self,
        run: &RunId,
        document: &PlanDocument,
        concluded: &Concluded,
        records: &[Record],
        directory: Option<&Path>,
    ) -> Result<Exit, CommandError> {
        let outcome = match &concluded.conclusion {
            Conclusion::WaitsForApproval(_) => Some(&code::APPROVAL_WAITS),
            Conclusion::Interrupted | Conclusion::Rests { .. } => Some(&code::RUN_INTERRUPTED),
            Conclusion::Closed(_) => None,
        };
        let now = self.clock.now();
        evidence::keep_calls(&self.state, run, calls(&self.aws)).await?;
        let gathered = evidence::gather(&self.state, run, document.plan()).await?;
        // Equal runs leave equal reports, whichever key signs their log; `report` names its head.
        let gathered = Gathered { audit: None, ..gathered };
        let told = Told { run, document, state: &concluded.run, records, now };
        let record = told.record(outcome, gathered);
        if let Some(point) = record.trend.last().filter(|_| concluded.run.ending().is_some()) {
            evidence::keep_trend(&self.state, run, point).await?;
        }
        let exit = tell(&record, self.format)?;
        if let (Some(change), Conclusion::Closed(_)) = (&self.change, &concluded.conclusion) {
            // The run is over whatever becomes of its change record; that is said, and can be done again.
            if let Err(error) = self.close_change(change, run, concluded, &record).await {
                let words =
                    format!("the change record could not be closed: {error}; fleetwright change close {run}");
                self.console.note(&words);
            }
        }
        if let Some(directory) = directory {
            let written = report_files::write(directory, &[ReportFormat::All], &record, document)?;
            self.console.note(&format!("reports in {}: {}", directory.display(), written.join(", ")));
        }
        Ok(exit)
    }
}

/// The ports of a run: the real steps over AWS, or over what stands in for it.
///
/// # Errors
/// The plan names a landing zone that is not among `zones`.
pub fn ports(
    aws: &Aws,
    clock: &Arc<dyn Clock>,
    state: &State,
    zones: &[Zone],
    plan: &Arc<PatchPlan>,
    health: &Arc<Health>,
    on_record: &OnRecord,
) -> Result<Ports, MissingZone> {
    let (power, balancers) = (Arc::new(aws.clone()), Arc::new(aws.clone()));
    let outages = GroupWatch::new(plan, zones, power, balancers, Arc::clone(clock));
    let (budgets, outages) = (Arc::clone(&state.budgets), Arc::new(outages));
    Ok(Ports {
        journal: Arc::clone(&state.journal),
        clock: Arc::clone(clock),
        steps: StepTable::new(steps(aws, clock, state, zones, plan, health, on_record)?),
        around: Surroundings {
            budgets: Some(budgets),
            outages: Some(outages),
            freezes: freezes(aws, zones, plan),
        },
    })
}

/// Who asks the change calendars of a plan.
fn freezes(aws: &Aws, zones: &[Zone], plan: &PatchPlan) -> Option<Arc<dyn Freezes>> {
    let planned = plan.roll_out.calendars.as_ref()?;
    Some(Arc::new(CalendarWatch::new(Arc::new(aws.clone()), zones, planned, &plan.flow.places)))
}

/// The real steps over AWS, or over what stands in for it.
///
/// # Errors
/// The plan names a landing zone that is not among `zones`.
pub fn steps(
    aws: &Aws,
    clock: &Arc<dyn Clock>,
    state: &State,
    zones: &[Zone],
    plan: &Arc<PatchPlan>,
    health: &Arc<Health>,
    on_record: &OnRecord,
) -> Result<Vec<Arc<dyn Step>>, MissingZone> {
    let (verified, standings) = (Arc::clone(health), Arc::clone(health));
    let verified = Arc::new(move |id: &InstanceId| verified.is_verified(id));
    let standings = Arc::new(move |target: TargetId| standings.standing(target));
    let approvals = approvals(&plan.flow, health.decided());
    let context =
        Context::new(on_record.run.clone(), Arc::clone(plan), zones, outside(aws, clock, state), verified)?;
    let context = context.with_standings(standings);
    // Each step changes things in its own name.
    Ok(fleetwright_steps::steps_each_in(&|step| {
        let aws = aws.on_behalf(on_record.behalf(step, &approvals));
        Arc::new(context.with_ports(outside(&aws, clock, state)))
    }))
}

fn outside(aws: &Aws, clock: &Arc<dyn Clock>, state: &State) -> fleetwright_steps::Ports {
    let aws = Arc::new(aws.clone());
    fleetwright_steps::Ports {
        commands: aws.clone(),
        images: aws.clone(),
        power: aws.clone(),
        balancers: aws.clone(),
        objects: aws.clone(),
        metrics: aws.clone(),
        machines: aws,
        artifacts: Arc::clone(&state.artifacts),
        clock: Arc::clone(clock),
    }
}

fn missing_zone(missing: &MissingZone) -> CommandError {
    CommandError::new(&code::PLAN_ELSEWHERE, missing.to_string())
}

/// An error of the driver with its causes on one line.
pub fn drive_error(run: &RunId, error: &DriveError) -> CommandError {
    let mut message = format!("{run}: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        message.push_str(&format!(": {source}"));
        cause = source.source();
    }
    CommandError::new(error.code(), message)
}

/// A run that is told about. Its record borrows from the plan alone, so that the rest can go before reports
/// are written.
pub struct Told<'a, 't> {
    /// Its name.
    pub run: &'t RunId,
    /// Its plan.
    pub document: &'a PlanDocument,
    /// Where it stands.
    pub state: &'t Run,
    /// Its records.
    pub records: &'t [Record],
    /// Now.
    pub now: Timestamp,
}

impl<'a> Told<'a, '_> {
    /// Its record, with what was gathered beside the journal. `why` says why the process came back
    /// although the run is not over.
    pub fn record(&self, why: Option<&'static Code>, gathered: Gathered) -> RunRecord<'a> {
        let plan = self.document.plan();
        let mut outcome = run_outcome(plan, self.state, &results(plan, self.state, self.records));
        if let Some(why) = why {
            outcome.why = Some(why);
            outcome.exit = why.exit.unwrap_or(Exit::Success);
        }
        let Gathered { inventory, files, calls, earlier, audit } = gathered;
        fold(Folding {
            run: self.run.as_str(),
            digest: self.document.digest(),
            plan,
            state: self.state,
            records: self.records,
            outcome,
            fleetwright: env!("CARGO_PKG_VERSION"),
            now: self.now,
            calls,
            inventory,
            files,
            earlier,
            audit,
        })
    }
}

/// Shows the summary; answers with the exit code.
///
/// # Errors
/// Standard output cannot be written.
pub fn tell(record: &RunRecord<'_>, format: OutputFormat) -> Result<Exit, CommandError> {
    match format {
        OutputFormat::Text => console::write_text(&report_files::summary(record)?)?,
        OutputFormat::Json => console::write_data(|out| views::json::write(out, record))?,
        OutputFormat::Jsonl => console::write_data(|out| views::json::write_line(out, record))?,
    }
    Ok(record.header.exit)
}

/// How the run's targets ended: which hosts are verified healthy, for the clean-up, which must not
/// delete what an unverified host may need, and what was found on them, for the gates between waves.
#[derive(Debug, Default)]
pub struct Health {
    known: Mutex<Known>,
    decided: Arc<Decided>,
}

#[derive(Debug, Default)]
struct Known {
    verified: BTreeMap<InstanceId, bool>,
    ended: BTreeMap<TargetId, Standing>,
}

impl Known {
    fn take(&mut self, plan: &PatchPlan, target: TargetId, run: &Run) {
        let Some(work) = plan.work.get(target.index()) else { return };
        if let Work::Host(host) = work {
            self.verified.insert(host.id.clone(), is_verified(plan, target, run));
        }
        if let Some(standing) = Standing::of(run, target) {
            self.ended.insert(target, standing);
        }
    }
}

impl Health {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in who decided, from records of this process or of those before it.
    pub fn hear(&self, records: &[Record]) {
        self.decided.hear(records);
    }

    /// Who let stages go past their gates.
    pub fn decided(&self) -> &Arc<Decided> {
        &self.decided
    }

    /// Takes in where the run stands after these records.
    pub fn take(&self, plan: &PatchPlan, records: &[Record], run: &Run) {
        self.hear(records);
        let mut known = self.known();
        for target in records.iter().filter_map(|record| record.event.target()) {
            known.take(plan, target, run);
        }
    }

    /// Takes in where a run stands that was taken up again.
    pub fn take_all(&self, plan: &PatchPlan, run: &Run) {
        let mut known = self.known();
        for index in 0..plan.work.len() {
            known.take(plan, TargetId(u32::try_from(index).unwrap_or(u32::MAX)), run);
        }
    }

    fn is_verified(&self, id: &InstanceId) -> bool {
        self.known().verified.get(id).copied().unwrap_or(false)
    }

    fn standing(&self, target: TargetId) -> Option<Standing> {
        self.known().ended.get(&target).cloned()
    }
}

/// Keeps what is known of a run's hosts up to date while it is driven.
struct Follows {
    plan: Arc<PatchPlan>,
    health: Arc<Health>,
}

impl Watcher for Follows {
    fn recorded(&self, records: &[Record], run: &Run) {
        match records {
            [] => self.health.take_all(&self.plan, run),
            records => self.health.take(&self.plan, records, run),
        }
    }
}

/// Verified healthy: the recipe validates, and it was walked to its end.
fn is_verified(plan: &PatchPlan, target: TargetId, run: &Run) -> bool {
    let validates = plan.flow.recipe_of(target).steps.iter().any(|step| &*step.name == notes::step::VALIDATE);
    validates && matches!(run.end(target), Some(End::Done { .. }))
}

/// Makes the run in the journal.
///
/// # Errors
/// The journal refuses.
pub async fn create(
    state: &State,
    clock: &dyn Clock,
    run: &RunId,
    plan: &PlanDocument,
) -> Result<(), CommandError> {
    state.journal.create(run, &plan.write(), clock.now()).await.map_err(|error| refused(&error))
}
