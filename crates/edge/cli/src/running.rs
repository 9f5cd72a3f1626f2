//! The commands that plan and drive runs, from arguments to exit codes.

use std::sync::Arc;

use fleetwright_aws::{Aws, Clocks, connect};
use fleetwright_clock::{ScaledClock, SystemClock};
use fleetwright_config::Settings;
use fleetwright_config::settings::OutputFormat;
use fleetwright_engine::{AtGates, Control};
use fleetwright_flow::Walked;
use fleetwright_model::{InstanceId, Phase, Text, Zone, code};
use fleetwright_patch::outcome::{left_behind, results, was_started, worth_a_retry};
use fleetwright_patch::plan::notes::step;
use fleetwright_patch::plan::{
    Parent, PatchPlan, PlanDocument, Relation, RollbackRequest, rollback as plan_rollback,
};
use fleetwright_ports::{Clock, RunId};
use fleetwright_survey::{Fleet, Stop, zones};

use crate::app::{App, Outcome, Time, in_runtime};
use crate::args::{ApplyArgs, DriveArgs, FleetArgs, PlanArgs, ReportArgs, ResumeArgs, RollbackArgs, RunArgs};
use crate::commands::plan::{Continued, Looked, Looking, concluded, fresh_seed, run_id};
use crate::commands::runs::{Decision, Folded, decide, fold};
use crate::commands::{apply, plan, plans, rollback, run};
use crate::driving::{Change, Driving, create};
use crate::failure::CommandError;
use crate::heads::Heads;
use crate::on_record::{OnRecord, nobody_approves};
use crate::outgoing::Outgoing;
use crate::planning::{limits, program};
use crate::settings::Loaded;
use crate::state::{Found, FoundRun, Invocation, State};
use crate::{
    earlier_scan, estate_time, evidence, files, fleet, interrupt, learning, outgoing, run_input, settings,
};

/// What a command that drives a run has at hand.
pub struct Session {
    settings: Settings,
    fleet: Fleet,
    aws: Aws,
    clock: Arc<dyn Clock>,
    invocation: Invocation,
}

impl App {
    /// `fleetwright plan`.
    pub fn plan(&self, args: &PlanArgs) -> Outcome {
        let mut loaded = self.scan_settings(&args.scan)?;
        run_input::lay(&mut loaded, args.workflow.input.as_deref(), self.console)?;
        let phases =
            run::phases(args.scan.scanner_only, args.scan.phase, &args.workflow, &loaded.resolved.settings)?;
        in_runtime(Time::Wall, async {
            let session = self.session(&loaded, &args.scan.fleet, None).await?;
            let state = async || self.state(&args.state).await;
            let (mut continued, ids) = from(args.workflow.from.as_deref(), state).await?;
            // Who only plans may lack what driving needs of the directory.
            match self.existing_state(&args.state).await {
                Ok(Some(state)) => {
                    continued.learnt = learning::learnt(&state, session.clock.now(), self.console).await?;
                }
                Ok(None) => {}
                Err(error) => {
                    self.console.note(&format!("nothing is learnt of earlier runs: {}", error.message))
                }
            }
            let seed = fresh_seed(session.clock.as_ref());
            let looking = session.looking(interrupt::stop_on_signal(self.console), self.console);
            let mut request = fleet::scan_request(&session.settings, session.fleet.clone());
            request.query.ids.extend(ids);
            let looked = looking.look(&request).await;
            let document = looking.plan(&looked, &phases, seed, continued)?;
            plan::write(&args.out, &document)?;
            let format = session.settings.output.format;
            match &args.explain {
                Some(host) => {
                    plans::explain(&document, host, format)?;
                }
                None => plan::show(&document, format, self.console)?,
            }
            self.console.note(&format!(
                "plan written to {}; carry it out with: fleetwright apply {}",
                args.out.display(),
                args.out.display()
            ));
            Ok(concluded(document.plan(), &looked.inventory, self.console))
        })
    }

    /// `fleetwright run` beyond the scan: plan, then apply.
    pub fn run_plan(&self, args: &RunArgs, loaded: &Loaded, phases: &[Phase]) -> Outcome {
        in_runtime(Time::Wall, async {
            let state = self.state(&args.drive.state).await?;
            let session = self.session(loaded, &args.scan.fleet, args.drive.clock_speed).await?;
            let state_again = async || self.state(&args.drive.state).await;
            let (mut continued, ids) = from(args.workflow.from.as_deref(), state_again).await?;
            continued.learnt = learning::learnt(&state, session.clock.now(), self.console).await?;
            let mut request = fleet::scan_request(&session.settings, session.fleet.clone());
            request.query.ids.extend(ids);
            let seed = fresh_seed(session.clock.as_ref());
            let looking = session.looking(Stop::never(), self.console);
            let looked = looking.look(&request).await;
            let document = looking.plan(&looked, phases, seed, continued)?;
            self.begin(session, state, &args.drive, looked, document, seed).await
        })
    }

    /// Begins a run of a plan that was just made.
    async fn begin(
        &self,
        session: Session,
        state: State,
        drive: &DriveArgs,
        looked: Looked,
        document: PlanDocument,
        seed: u64,
    ) -> Outcome {
        let (format, dry_run) = (session.settings.output.format, session.settings.safety.dry_run);
        if format == OutputFormat::Text || dry_run {
            plan::show(&document, format, self.console)?;
        }
        if dry_run {
            self.console.note("dry run: this is what would be done; nothing was changed");
        }
        if document.plan().work.is_empty() || dry_run {
            return Ok(concluded(document.plan(), &looked.inventory, self.console));
        }
        let run = run_id(session.clock.as_ref(), seed);
        create(&state, session.clock.as_ref(), &run, &document).await?;
        state.keep_invocation(&run, &session.invocation).await?;
        evidence::keep_inventory(&state, &run, document.plan(), &looked.inventory).await?;
        self.console.note(&format!("{run} begins; `fleetwright status {run}` shows it from elsewhere"));
        self.driving(session, state, drive, looked.zones, (&run, &document)).await?.begin(document).await
    }

    /// `fleetwright apply`.
    pub fn apply(&self, args: &ApplyArgs) -> Outcome {
        let document = apply::read(&args.plan)?;
        plan::refuse_unsafe(document.plan())?;
        let loaded = self.driving_settings(&args.fleet, &args.report)?;
        in_runtime(Time::Wall, async {
            let state = self.state(&args.drive.state).await?;
            let session = self.session(&loaded, &args.fleet, args.drive.clock_speed).await?;
            let all = session.zones().await;
            let zones = apply::zones_of(document.plan(), &all)?;
            let request = fleet::scan_request(&session.settings, session.fleet.clone());
            let request = apply::rescan(document.plan(), &zones, request);
            let looked = session.looking(Stop::never(), self.console).look(&request).await;
            apply::refuse_drift(document.plan(), &looked)?;
            let seed = document.plan().flow.seed;
            let looked = Looked { zones, ..looked };
            self.begin(session, state, &args.drive, looked, document, seed).await
        })
    }

    /// `fleetwright resume`.
    pub fn resume(&self, args: &ResumeArgs) -> Outcome {
        in_runtime(Time::Wall, async {
            let state = self.state(&args.drive.state).await?;
            let found: Found<Walked> = state.unfinished(args.run.as_deref()).await?;
            if found.is_upgrade() {
                let found = state.find(Some(found.run.as_str())).await?;
                return self.resume_upgrade(state, found, args).await;
            }
            let found: FoundRun = state.find(Some(found.run.as_str())).await?;
            let Folded { run, damage, .. } = fold(&found);
            if let Some(damage) = damage {
                let message = format!("{}: {damage}", found.run);
                return Err(CommandError::new(&code::JOURNAL_DAMAGED, message));
            }
            let driven = state.runs().await?.into_iter().find(|entry| entry.run == found.run);
            if run.is_paused() && driven.is_some_and(|entry| entry.driven_by.is_some()) {
                let by = self.user();
                let clock = SystemClock;
                let found: Found<Walked> = state.find(Some(found.run.as_str())).await?;
                return decide(&state, &found, Decision::Resume, &by, None, &clock, self.console).await;
            }
            let (session, zones) =
                self.session_of(&state, &found, &args.fleet, &args.drive, &args.report).await?;
            if session.settings.safety.dry_run {
                let message = "safety.dry_run is set, and resuming a run changes the fleet";
                return Err(CommandError::new(&code::USAGE, message));
            }
            let driving = self.driving(session, state, &args.drive, zones, (&found.run, &found.plan)).await?;
            if run.is_paused() {
                driving.control.signal(fleetwright_flow::Signal::Resume, self.user(), None);
            }
            driving.resume(found.plan, found.loaded).await
        })
    }

    /// `fleetwright retry`: the failed, the not started and the unknown of a run, planned anew.
    pub fn retry(&self, args: &ResumeArgs) -> Outcome {
        in_runtime(Time::Wall, async {
            let state = self.state(&args.drive.state).await?;
            let found: FoundRun = state.find(args.run.as_deref()).await?;
            let Folded { run, records, .. } = ended(&found)?;
            let plan = found.plan.plan();
            let again = worth_a_retry(&results(plan, &run, &records));
            if again.is_empty() {
                let message = format!("every host of {} ended in success", found.run);
                return Err(CommandError::new(&code::NOTHING_TO_DO, message));
            }
            let (session, _) =
                self.session_of(&state, &found, &args.fleet, &args.drive, &args.report).await?;
            let mut request = fleet::scan_request(&session.settings, session.fleet.clone());
            request.query.ids = again;
            let looking = session.looking(Stop::never(), self.console);
            let looked = looking.look(&request).await;
            let seed = fresh_seed(session.clock.as_ref());
            let changed = |target| was_started(plan, &run, target, step::PATCH);
            let touched: Vec<InstanceId> = results(plan, &run, &records)
                .into_iter()
                .filter(|result| changed(result.target))
                .map(|result| result.host.id.clone())
                .collect();
            let mut earlier = left_behind(plan, &run, found.run.as_str());
            // What was not changed yet is collected afresh; what was is compared with before.
            earlier.retain(|id, _| touched.contains(id));
            let parent = Parent { run: found.run.as_str().into(), relation: Relation::Retry };
            let learnt = learning::learnt(&state, session.clock.now(), self.console).await?;
            let continued = Continued { parent: Some(parent), earlier, learnt };
            let document = looking.plan(&looked, &plan.phases.clone(), seed, continued)?;
            self.begin(session, state, &args.drive, looked, document, seed).await
        })
    }

    /// `fleetwright rollback`.
    pub fn rollback(&self, args: &RollbackArgs) -> Outcome {
        let which = rollback::which(args)?;
        in_runtime(Time::Wall, async {
            let state = self.state(&args.drive.state).await?;
            let found: FoundRun = state.find(Some(&args.run)).await?;
            let Folded { run, records, .. } = ended(&found)?;
            let plan = found.plan.plan();
            let hosts = rollback::hosts(&found.run, plan, &run, &records, &which)?;
            let (session, zones) =
                self.session_of(&state, &found, &args.fleet, &args.drive, &args.report).await?;
            let seed = fresh_seed(session.clock.as_ref());
            let request = RollbackRequest {
                program: program(),
                run: found.run.as_str().into(),
                hosts,
                limits: limits(&session.settings),
                seed,
                now: session.clock.now(),
            };
            let document = PlanDocument::new(plan_rollback(plan, &request));
            let inventory = nothing_looked_at(session.clock.now());
            let looked = Looked { inventory, zones, calendars: None };
            self.begin(session, state, &args.drive, looked, document, seed).await
        })
    }

    /// The session of a run that was begun before: its own configuration, unless flags say otherwise.
    async fn session_of(
        &self,
        state: &State,
        found: &FoundRun,
        fleet: &FleetArgs,
        drive: &DriveArgs,
        report: &ReportArgs,
    ) -> Result<(Session, Vec<Zone>), CommandError> {
        let fleet = state.fleet_args(&found.run, fleet).await?;
        let mut loaded = self.driving_settings(&fleet, report)?;
        if let Some(input) = state.input(&found.run).await? {
            run_input::lay_text(&mut loaded, input, self.console)?;
        }
        let session = self.session(&loaded, &fleet, drive.clock_speed).await?;
        let zones = apply::zones_of(found.plan.plan(), &session.zones().await)?;
        Ok((session, zones))
    }

    pub(crate) fn driving_settings(
        &self,
        fleet: &FleetArgs,
        report: &ReportArgs,
    ) -> Result<Loaded, CommandError> {
        self.settings(fleet, |flags| {
            flags.output(report.output);
            flags.output_dir(report.output_dir.as_deref());
        })
    }

    pub(crate) async fn session(
        &self,
        loaded: &Loaded,
        args: &FleetArgs,
        speed: Option<f64>,
    ) -> Result<Session, CommandError> {
        let mut settings = loaded.resolved.settings.clone();
        fleet::place_calendars(&loaded.resolved, &mut settings);
        outgoing::place_files(&loaded.resolved, &mut settings);
        let mut options = fleet::aws_options(&loaded.resolved)?;
        options.dry_run = settings.safety.dry_run;
        let wall: Arc<dyn Clock> = Arc::new(SystemClock);
        let clock: Arc<dyn Clock> = match speed {
            None => Arc::clone(&wall),
            Some(speed) => {
                let endpoint =
                    settings.aws.endpoint_url.as_deref().or(self.environment.get("AWS_ENDPOINT_URL"));
                Arc::new(ScaledClock::starting_at(estate_time::now(endpoint)?, speed))
            }
        };
        let aws = connect(options, Clocks { work: Arc::clone(&clock), credentials: wall }).await;
        let fleet = self.fleet(loaded, args)?;
        let invocation = Invocation::of(args, &settings::paths(&args.config), loaded.input.as_ref());
        Ok(Session { settings, fleet, aws, clock, invocation })
    }

    async fn driving(
        &self,
        session: Session,
        state: State,
        drive: &DriveArgs,
        zones: Vec<Zone>,
        (run, document): (&RunId, &PlanDocument),
    ) -> Result<Driving, CommandError> {
        let at_gates = match (drive.auto_approve, drive.no_wait) {
            (true, _) => AtGates::Approve { by: format!("{} (--auto-approve)", self.user()).into() },
            (false, true) => AtGates::Leave,
            (false, false) => AtGates::Wait,
        };
        let started = session.clock.now();
        let owner = format!("{}, process {}, since {started}", program(), std::process::id());
        let control = Control::new(owner, at_gates);
        let on_record = OnRecord::of(&state, run, document.digest(), control.owner(), self.user());
        let (told, change) = (session.outgoing(&on_record).await?, session.change()?);
        let heads = session.heads(document.plan(), &zones).await?;
        interrupt::steer_on_signal(control.clone(), self.console);
        Ok(Driving {
            told,
            change,
            aws: session.aws,
            clock: session.clock,
            state,
            zones,
            control,
            on_record,
            heads,
            reports: fleet::reports(&session.settings),
            figures: session.settings.telemetry.cloudwatch_namespace.clone(),
            format: session.settings.output.format,
            console: self.console,
        })
    }

    /// Who decides here, for the record.
    pub fn user(&self) -> Text {
        let names = ["USER", "LOGNAME", "USERNAME"];
        let name = names.iter().find_map(|name| self.environment.get(name).filter(|user| !user.is_empty()));
        name.unwrap_or("unknown user").into()
    }
}

impl Session {
    /// Looks at the fleet, and plans.
    pub(crate) fn looking(&self, stop: Stop, console: crate::console::Console) -> Looking<'_> {
        Looking { aws: &self.aws, clock: &self.clock, settings: &self.settings, stop, console }
    }

    /// Where messages go, where any are wanted. Those that go through AWS are on record.
    pub(crate) async fn outgoing(&self, on_record: &OnRecord) -> Result<Option<Outgoing>, CommandError> {
        let zones = if outgoing::needs_aws(&self.settings) { self.zones().await } else { Vec::new() };
        let aws = self.aws.on_behalf(on_record.behalf("notification", &nobody_approves()));
        outgoing::outgoing(&self.settings, Some((&aws, &zones)))
    }

    /// Where heads of the run's audit log are kept besides.
    async fn heads(&self, plan: &PatchPlan, zones: &[Zone]) -> Result<Heads, CommandError> {
        let Some(place) = plan.flow.places.first() else { return Ok(Heads::default()) };
        let settings = &self.settings.audit;
        match settings.heads_bucket.is_some() && settings.heads_zone.is_some() {
            true => Heads::of(settings, &self.zones().await, &place.region),
            false => Heads::of(settings, zones, &place.region),
        }
    }

    /// The system of change records, where it decides at gates.
    fn change(&self) -> Result<Option<Change>, CommandError> {
        let Some(itsm) = self.settings.itsm.as_ref().filter(|itsm| itsm.gate) else { return Ok(None) };
        let records = outgoing::change_records(&self.settings)?;
        Ok(records.map(|records| Change { records, poll: itsm.poll }))
    }

    /// The time.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// What it was begun with.
    pub(crate) fn invocation(&self) -> &Invocation {
        &self.invocation
    }

    /// The settings.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The landing zones that are meant.
    pub(crate) fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// AWS, as the settings have it.
    pub(crate) fn aws(&self) -> &Aws {
        &self.aws
    }

    /// Every landing zone, those of the organisation included.
    pub(crate) async fn zones(&self) -> Vec<Zone> {
        let ports = fleetwright_survey::Ports {
            accounts: &self.aws,
            machines: &self.aws,
            clock: self.clock.as_ref(),
        };
        zones(ports, &self.fleet).await.0
    }
}

/// What `--from` stands for: an earlier run, or the instances of an earlier scan.
async fn from(
    from: Option<&str>,
    state: impl AsyncFnOnce() -> Result<State, CommandError>,
) -> Result<(Continued, Vec<InstanceId>), CommandError> {
    match from {
        None => Ok((Continued::default(), Vec::new())),
        Some(file) if files::exists(file.as_ref()) => {
            Ok((Continued::default(), earlier_scan::patchable(file.as_ref())?))
        }
        Some(name) => Ok((continued(&state().await?.find(Some(name)).await?), Vec::new())),
    }
}

/// What a later run takes from this one.
fn continued(found: &FoundRun) -> Continued {
    let Folded { run, .. } = fold(found);
    let parent = Parent { run: found.run.as_str().into(), relation: Relation::Phase };
    let earlier = left_behind(found.plan.plan(), &run, found.run.as_str());
    Continued { parent: Some(parent), earlier, ..Continued::default() }
}

/// A run that is over.
fn ended(found: &FoundRun) -> Result<Folded, CommandError> {
    let folded = fold(found);
    if let Some(damage) = &folded.damage {
        return Err(CommandError::new(&code::JOURNAL_DAMAGED, format!("{}: {damage}", found.run)));
    }
    if folded.run.ending().is_none() {
        return Err(CommandError::new(&code::RUN_UNFINISHED, format!("{} is not over", found.run)));
    }
    Ok(folded)
}

/// A rollback looks at nothing: its hosts are those of the run.
fn nothing_looked_at(now: jiff::Timestamp) -> fleetwright_patch::Inventory {
    fleetwright_patch::Inventory {
        started: now,
        finished: now,
        hosts: Vec::new(),
        gaps: Vec::new(),
        cells: Vec::new(),
        skipped: Vec::new(),
    }
}
