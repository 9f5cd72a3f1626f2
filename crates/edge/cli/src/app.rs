//! From the command line to a command, and from its result to an exit code.

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use clap::Parser;
use fleetwright_aws::connect;
use fleetwright_aws::policy::{of_caller, of_zone};
use fleetwright_clock::SystemClock;
use fleetwright_config::Settings;
use fleetwright_config::settings::OutputFormat as ConfiguredOutput;
use fleetwright_flow::Walked;
use fleetwright_model::{Exit, Phase, code};
use fleetwright_ports::Clock;
use fleetwright_survey::{DoctorRequest, Fleet};
use fleetwright_telemetry::Telemetry;

use crate::args::{
    AbortArgs, ApprovalsCommand, AuditCommand, Cli, CloudCommand, Command, ConfigCommand, DecisionArgs,
    DoctorArgs, EstateCommand, ExportArgs, FleetArgs, GlobalArgs, InternalCommand, KeyCommand, KeyringArgs,
    OutputFormat, PlanCommand, PolicyArgs, RunArgs, RunReportArgs, RunsArgs, ScanArgs, StateArgs, StatusArgs,
};
use crate::bench;
use crate::commands::runs::Decision;
use crate::commands::scan::Reports;
use crate::commands::{
    apply, approvals, audit, bundle, config, demo, doctor, estate, places, plans, policy, reference, report,
    run, runs, scan, upgrades,
};
use crate::console::Console;
use crate::environment::Environment;
use crate::failure::CommandError;
use crate::hub::Hub;
use crate::keyring::KeyringFile;
use crate::settings::{Flags, Loaded, load, paths};
use crate::state::{Found, State};
use crate::telemetry::Wanted;
use crate::{fleet, interrupt, policy_scope, rehearsal, run_input};

/// Runs the command line of this process.
pub fn run_process() -> ExitCode {
    let environment = Environment::of_process();
    let cli = Cli::parse();
    let console = Console::detect(&environment, cli.global.quiet);
    let json = wants_json(&cli.command);
    let app = App { environment, console, global: cli.global, telemetry: OnceLock::new() };
    let exit = app.carry_out(cli.command).unwrap_or_else(|error| {
        if json {
            console.failure_json(&error)
        } else {
            console.failure(&error)
        }
        error.exit()
    });
    if let Some(telemetry) = app.telemetry.into_inner() {
        telemetry.finish();
    }
    ExitCode::from(exit.number())
}

/// Errors go to standard error in the form the output was asked for.
fn wants_json(command: &Command) -> bool {
    let output = match command {
        Command::Scan(args) => args.output,
        Command::Run(args) => args.scan.output,
        Command::Plan(args) => args.command.as_ref().map_or(args.scan.output, PlanCommand::output),
        Command::Apply(args) => args.report.output,
        Command::Resume(args) | Command::Retry(args) => args.report.output,
        Command::Rollback(args) => args.report.output,
        Command::Status(args) | Command::Watch(args) => args.output,
        Command::Report(args) => args.output,
        Command::Runs(args) => args.output,
        Command::Doctor(args) => args.output,
        Command::Window(command) => command.output(),
        Command::Cloud(command) => command.output(),
        Command::Eks(command) => command.output(),
        Command::Pipeline(args) => args.output,
        Command::Audit(command) => command.output(),
        Command::Verify(args) => args.output,
        Command::Replay(args) => args.output,
        Command::Policy(args) => args.output,
        Command::Demo(args) => args.output,
        Command::Rehearse(args) => args.output,
        Command::Config(ConfigCommand::Validate { output, .. } | ConfigCommand::Explain { output, .. }) => {
            *output
        }
        Command::Estate(EstateCommand::Operations { output }) => *output,
        _ => None,
    };
    matches!(output, Some(OutputFormat::Json | OutputFormat::Jsonl))
}

/// The command line at work.
pub struct App {
    /// The process's variables.
    pub environment: Environment,
    /// The terminal.
    pub console: Console,
    global: GlobalArgs,
    telemetry: OnceLock<Telemetry>,
}

/// What every command comes to.
pub type Outcome = Result<Exit, CommandError>;

impl App {
    /// What a function of a hub has of it: no terminal and no flags.
    pub fn of_function(environment: Environment) -> Self {
        let console = Console { color: false, live: false, quiet: true, width: 120 };
        Self { environment, console, global: GlobalArgs::default(), telemetry: OnceLock::new() }
    }

    fn carry_out(&self, command: Command) -> Outcome {
        match command {
            Command::Scan(args) => {
                run::only_scan(args.phase)?;
                self.scan(&args)
            }
            Command::Run(args) => self.run(&args),
            Command::Plan(args) => match &args.command {
                Some(command) => self.plans(command),
                None => self.plan(&args),
            },
            Command::Apply(args) => self.apply(&args),
            Command::Resume(args) => self.resume(&args),
            Command::Retry(args) => self.retry(&args),
            Command::Rollback(args) => self.rollback(&args),
            Command::Status(args) => self.status(&args),
            Command::Report(args) => self.report(&args),
            Command::Watch(args) => self.watch(&args),
            Command::Runs(args) => self.runs(&args),
            Command::Approve(args) => self.decide(&args.decision, Decision::Approve(args.basis.as_deref())),
            Command::Reject(args) => self.decide(&args.decision, Decision::Reject(args.basis.as_deref())),
            Command::Approvals(command) => self.approvals(command),
            Command::Audit(command) => self.audit(&command),
            Command::Export(args) => self.export(&args),
            Command::Verify(args) => bundle::check(&args, form(args.output), self.console),
            Command::Replay(args) => {
                in_runtime(Time::Wall, bundle::replay(&args, form(args.output), self.console))
            }
            Command::Notify(command) => self.notify(&command),
            Command::Change(command) => self.change(&command),
            Command::Window(command) => self.window(&command),
            Command::Pause(args) => self.decide(&args, Decision::Pause),
            Command::Abort(AbortArgs { decision, now: false }) => self.decide(&decision, Decision::Abort),
            Command::Abort(AbortArgs { decision, now: true }) => self.decide(&decision, Decision::AbortNow),
            Command::Doctor(args) => self.doctor(&args),
            Command::Policy(args) => self.policy(&args),
            Command::Config(command) => self.config(command),
            Command::Cloud(CloudCommand::Machine(command)) => self.machines(&command),
            Command::Cloud(CloudCommand::Execution(command)) => self.executions(&command),
            Command::Cloud(CloudCommand::Function(command)) => self.functions(&command),
            Command::Cloud(CloudCommand::Event(command)) => self.events(&command),
            Command::Cloud(CloudCommand::Rule(command)) => self.rules(&command),
            Command::Cloud(CloudCommand::Param(command)) => self.parameters(&command),
            Command::Cloud(CloudCommand::Hub(command)) => self.of_hub(&command),
            Command::Cloud(CloudCommand::Stack(command)) => self.stack(&command),
            Command::Cloud(CloudCommand::Template(args)) => self.template(&args),
            Command::Eks(command) => self.eks(&command),
            Command::Pipeline(args) => self.pipeline(&args),
            Command::Estate(EstateCommand::Serve(args)) => {
                self.log_warnings();
                in_runtime(Time::Wall, estate::serve(&args, self.console))
            }
            Command::Estate(EstateCommand::Operations { output }) => estate::operations(output),
            Command::Demo(args) => {
                self.log_warnings();
                in_runtime(Time::Paused, demo::carry_out(&args, self.console))
            }
            // Faults are the point of it: what the many runs would log says nothing.
            Command::Rehearse(args) => rehearsal::carry_out(&args, self.console),
            Command::Code { code } => reference::code(code.as_deref()),
            Command::Completions { shell } => reference::completions(shell),
            Command::Man { directory } => reference::man(&directory),
            Command::Internal(InternalCommand::CommandLineReference) => reference::command_line(),
            Command::Internal(InternalCommand::Permissions) => reference::permissions(),
            Command::Internal(InternalCommand::BenchRun(args)) => {
                self.log_warnings();
                in_runtime(Time::Paused, bench::carry_out(&args, self.console))
            }
            Command::Internal(InternalCommand::BenchWaves(args)) => {
                self.log_warnings();
                in_runtime(Time::Paused, bench::waves::carry_out(&args, self.console))
            }
            Command::Internal(InternalCommand::BenchReport(args)) => {
                bench::reports::carry_out(&args, self.console)
            }
            Command::Internal(InternalCommand::SampleReports(args)) => bench::reports::write_sample(&args),
        }
    }

    /// Reads the settings of a command and starts logging as they say.
    ///
    /// # Errors
    /// Every mistake in files, variables and flags.
    pub fn settings(&self, fleet: &FleetArgs, more: impl FnOnce(&mut Flags)) -> Result<Loaded, CommandError> {
        let mut flags = Flags::default();
        flags.global(&self.global);
        flags.fleet(fleet);
        more(&mut flags);
        // --set comes last: it is the most explicit.
        flags.config(&fleet.config)?;
        let loaded = load(&paths(&fleet.config), flags, &self.environment, self.console)?;
        self.start_telemetry(&loaded.resolved.settings)?;
        Ok(loaded)
    }

    /// Starts logging as the settings say, and whatever else is to be heard of this process.
    fn start_telemetry(&self, settings: &Settings) -> Result<(), CommandError> {
        let Settings { output, telemetry, .. } = settings;
        let wanted = Wanted::of_settings(output, telemetry, self.console.color, &self.environment)?;
        self.listen(wanted)
    }

    /// Commands that read no settings log their warnings.
    pub(crate) fn log_warnings(&self) {
        // Standard error alone: nothing can be wrong with it.
        let _ = self.listen(Wanted::warnings(self.console.color, &self.environment));
    }

    fn listen(&self, wanted: Wanted) -> Result<(), CommandError> {
        let telemetry = wanted.start(Arc::new(SystemClock))?;
        // A second start, as in tests that run several commands in one process, keeps the first.
        let _ = tracing::dispatcher::set_global_default(telemetry.dispatch());
        let _ = self.telemetry.set(telemetry);
        Ok(())
    }

    /// The landing zones that are meant.
    ///
    /// # Errors
    /// As [`fleet::read`].
    pub fn fleet(&self, loaded: &Loaded, args: &FleetArgs) -> Result<Fleet, CommandError> {
        fleet::read(loaded, args, &self.environment, self.console)
    }

    /// The settings of a command that scans.
    ///
    /// # Errors
    /// As [`App::settings`].
    pub fn scan_settings(&self, args: &ScanArgs) -> Result<Loaded, CommandError> {
        self.settings(&args.fleet, |flags| {
            flags.selection(&args.selection);
            flags.output(args.output);
            flags.output_dir(args.output_dir.as_deref());
            if args.dry_run {
                flags.set("--dry-run", "safety.dry_run", "true");
            }
        })
    }

    fn scan(&self, args: &ScanArgs) -> Outcome {
        let loaded = self.scan_settings(args)?;
        let reports = fleet::reports(&loaded.resolved.settings);
        self.scan_with(&loaded, args, reports)
    }

    fn scan_with(&self, loaded: &Loaded, args: &ScanArgs, reports: Reports) -> Outcome {
        let fleet = self.fleet(loaded, &args.fleet)?;
        let settings = loaded.resolved.settings.clone();
        let options = fleet::aws_options(&loaded.resolved)?;
        let console = self.console;
        in_runtime(Time::Wall, async move {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let prepared = scan::Prepared {
                request: fleet::scan_request(&settings, fleet),
                aws: connect(options, Arc::clone(&clock)).await,
                clock,
                stop: interrupt::stop_on_signal(console),
                timeout: fleet::scan_timeout(&settings),
                reports,
                format: settings.output.format,
            };
            scan::carry_out(prepared, console).await
        })
    }

    fn run(&self, args: &RunArgs) -> Outcome {
        let mut loaded = self.scan_settings(&args.scan)?;
        run_input::lay(&mut loaded, args.workflow.input.as_deref(), self.console)?;
        if args.validate_config {
            return self.validate(&loaded, &args.scan.fleet, loaded.resolved.settings.output.format);
        }
        let settings = &loaded.resolved.settings;
        let phases = run::phases(args.scan.scanner_only, args.scan.phase, &args.workflow, settings)?;
        if phases.iter().any(|phase| !matches!(phase, Phase::Scan | Phase::Report)) {
            return self.run_plan(args, &loaded, &phases);
        }
        let reports = match phases.contains(&Phase::Report) {
            true => fleet::reports(settings),
            false => Reports::None,
        };
        self.scan_with(&loaded, &args.scan, reports)
    }

    fn runs(&self, args: &RunsArgs) -> Outcome {
        self.log_warnings();
        in_runtime(Time::Wall, async {
            let state = self.state(&args.state).await?;
            match &args.in_service {
                Some(run) => places::clear(&state, run, &args.instance_ids, self.console).await,
                None if args.out_of_service => places::list(&state, self.console).await,
                None => runs::list(&state, form(args.output), self.console).await,
            }
        })
    }

    fn status(&self, args: &StatusArgs) -> Outcome {
        self.log_warnings();
        in_runtime(Time::Wall, async {
            let state = self.state(&args.state).await?;
            let found: Found<Walked> = state.find(args.run.as_deref()).await?;
            let (run, format) = (Some(found.run.as_str()), form(args.output));
            match found.is_upgrade() {
                true => upgrades::status(&state, &state.find(run).await?, &SystemClock, format).await,
                false => runs::status(&state, &state.find(run).await?, &SystemClock, format).await,
            }
        })
    }

    fn report(&self, args: &RunReportArgs) -> Outcome {
        self.log_warnings();
        if let Some(which) = args.schema {
            return report::write_schema(which);
        }
        in_runtime(Time::Wall, async {
            let state = self.state(&args.state).await?;
            let (form, clock, console) = (form(args.output), &SystemClock, self.console);
            let found: Found<Walked> = state.find(args.run.as_deref()).await?;
            let (run, is_upgrade) = (found.run.clone(), found.is_upgrade());
            // Of a large run nobody needs the journal twice.
            drop(found);
            let run = Some(run.as_str());
            match is_upgrade {
                true => upgrades::report(&state, &state.find(run).await?, args, clock, form, console).await,
                false => report::carry_out(&state, state.find(run).await?, args, clock, form, console).await,
            }
        })
    }

    fn watch(&self, args: &StatusArgs) -> Outcome {
        self.log_warnings();
        in_runtime(Time::Wall, async {
            let state = self.state(&args.state).await?;
            let found: Found<Walked> = state.find(args.run.as_deref()).await?;
            let (run, format) = (Some(found.run.as_str()), form(args.output));
            match found.is_upgrade() {
                true => upgrades::watch(&state, &state.find(run).await?, &SystemClock, format).await,
                false => runs::watch(&state, &state.find(run).await?, &SystemClock, format).await,
            }
        })
    }

    fn audit(&self, command: &AuditCommand) -> Outcome {
        self.log_warnings();
        let format = form(command.output());
        let (state, run) = match command {
            AuditCommand::Verify(args) => (&args.state, args.run.as_deref()),
            AuditCommand::Reconcile(args) => (&args.state, args.run.as_deref()),
            AuditCommand::Head(args) => (&args.state, args.run.as_deref()),
            AuditCommand::Key(state) => (state, None),
        };
        in_runtime(Time::Wall, async {
            let state = self.state(state).await?;
            if let AuditCommand::Key(_) = command {
                return audit::key(&state).await;
            }
            // The journal may be damaged, and the log all the more of interest: it is not read here.
            let run = state.name(run).await?;
            match command {
                AuditCommand::Verify(args) => audit::judge(&state, &run, args, format).await,
                AuditCommand::Reconcile(args) => audit::hold_against(&state, &run, args, format).await,
                AuditCommand::Head(args) => audit::head(&state, &run, args, self.console).await,
                AuditCommand::Key(_) => audit::key(&state).await,
            }
        })
    }

    fn export(&self, args: &ExportArgs) -> Outcome {
        self.log_warnings();
        in_runtime(Time::Wall, async {
            let state = self.state(&args.state).await?;
            let found = state.find(args.run.as_deref()).await?;
            bundle::export(&state, &found, args, self.console).await
        })
    }

    pub(crate) fn decide(&self, args: &DecisionArgs, decision: Decision<'_>) -> Outcome {
        self.log_warnings();
        in_runtime(Time::Wall, async {
            let state = self.state(&args.state).await?;
            let found = state.unfinished(args.run.as_deref()).await?;
            let by = args.by.as_deref().map_or_else(|| self.user(), Into::into);
            runs::decide(&state, &found, decision, &by, args.reason.as_deref(), &SystemClock, self.console)
                .await
        })
    }

    /// `fleetwright plan explain|diff|check`.
    fn plans(&self, command: &PlanCommand) -> Outcome {
        self.log_warnings();
        let format = form(command.output());
        match command {
            PlanCommand::Explain { plan, host, .. } => plans::explain(&apply::read(plan)?, host, format),
            PlanCommand::Diff { before, after, .. } => {
                plans::diff(&apply::read(before)?, &apply::read(after)?, format)
            }
            PlanCommand::Check { plan, .. } => plans::check(&apply::read(plan)?, format, self.console),
        }
    }

    fn approvals(&self, command: ApprovalsCommand) -> Outcome {
        self.log_warnings();
        let now = SystemClock.now();
        match command {
            ApprovalsCommand::Link(args) => in_runtime(Time::Wall, async {
                let (state, file) = self.keyring(&args.keyring).await?;
                let found = state.unfinished(args.run.as_deref()).await?;
                approvals::link(&found, &file, &args, now, self.console)
            }),
            ApprovalsCommand::Serve(args) => in_runtime(Time::Wall, async {
                let (state, file) = self.keyring(&args.keyring).await?;
                approvals::serve(&state, file, &args, Arc::new(SystemClock), self.console).await
            }),
            ApprovalsCommand::Key(KeyCommand::New { keyring }) => {
                approvals::new_signing_key(&self.keyring_file(&keyring)?, now, self.console)
            }
            ApprovalsCommand::Key(KeyCommand::List { keyring }) => {
                approvals::list(&self.keyring_file(&keyring)?)
            }
            ApprovalsCommand::Key(KeyCommand::Remove { id, keyring }) => {
                approvals::remove_key(&self.keyring_file(&keyring)?, &id, self.console)
            }
            ApprovalsCommand::Approver(args) => {
                approvals::approver(&self.keyring_file(&args.keyring)?, &args, self.console)
            }
        }
    }

    /// Where runs are kept: a hub, or a state directory.
    ///
    /// # Errors
    /// It cannot be used.
    pub(crate) async fn state(&self, args: &StateArgs) -> Result<State, CommandError> {
        let Some(name) = &args.hub else { return State::open(args, &self.environment) };
        Ok(Hub::of_environment(self, name).await?.into_state())
    }

    /// As [`App::state`], where there is one already: whoever only looks makes none.
    ///
    /// # Errors
    /// It is there and cannot be used.
    pub(crate) async fn existing_state(&self, args: &StateArgs) -> Result<Option<State>, CommandError> {
        match &args.hub {
            Some(_) => self.state(args).await.map(Some),
            None => State::existing(args, &self.environment),
        }
    }

    /// The runs, and the keyring that is meant.
    async fn keyring(&self, args: &KeyringArgs) -> Result<(State, KeyringFile), CommandError> {
        let state = self.state(&args.state).await?;
        let file = KeyringFile::of(args.keys.as_deref(), &state)?;
        Ok((state, file))
    }

    /// The keyring that is meant, named or in a state directory.
    fn keyring_file(&self, args: &KeyringArgs) -> Result<KeyringFile, CommandError> {
        let state = match &args.state.hub {
            Some(_) => State::in_memory(),
            None => State::open(&args.state, &self.environment)?,
        };
        KeyringFile::of(args.keys.as_deref(), &state)
    }

    fn policy(&self, args: &PolicyArgs) -> Outcome {
        let loaded = self.settings(&args.fleet, |flags| flags.output(args.output))?;
        let fleet = self.fleet(&loaded, &args.fleet)?;
        let settings = &loaded.resolved.settings;
        let asked: Vec<Phase> = args.phases.iter().map(|name| Phase::from(*name)).collect();
        let enabled = || Phase::ALL.into_iter().filter(|phase| settings.phases.limits(*phase).enabled);
        let phases = if asked.is_empty() { enabled().collect() } else { asked };
        let mut scope = policy_scope::scope(settings, &fleet, &phases);
        policy::add_commands(&mut scope, args)?;
        let document = match &args.trust {
            Some(principal) => policy::trust(&fleet, principal)?,
            None if args.caller => policy::document(&of_caller(&scope))?,
            None => policy::document(&of_zone(&scope))?,
        };
        policy::show(&document, settings.output.format, self.console)
    }

    fn doctor(&self, args: &DoctorArgs) -> Outcome {
        let phases = args.phases.iter().map(|name| Phase::from(*name)).collect();
        let loaded = self.settings(&args.fleet, |flags| flags.output(args.output))?;
        let mut fleet = self.fleet(&loaded, &args.fleet)?;
        // A role may be narrowed to the instances that are chosen.
        for zone in &mut fleet.zones {
            zone.tags.extend(loaded.resolved.settings.scan.tags.clone());
        }
        let options = fleet::aws_options(&loaded.resolved)?;
        let settings = loaded.resolved.settings;
        let console = self.console;
        in_runtime(Time::Wall, async move {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let prepared = doctor::Prepared {
                request: DoctorRequest {
                    fleet,
                    phases,
                    max_concurrent_zones: settings.scan.max_concurrent_regions as usize,
                },
                aws: connect(options, Arc::clone(&clock)).await,
                clock,
                stop: interrupt::stop_on_signal(console),
                format: settings.output.format,
            };
            doctor::carry_out(prepared, console).await
        })
    }

    fn validate(&self, loaded: &Loaded, args: &FleetArgs, format: ConfiguredOutput) -> Outcome {
        fleet::aws_options(&loaded.resolved)?;
        let named = !loaded.resolved.settings.landing_zones.inventory.is_empty();
        let fleet = named.then(|| self.fleet(loaded, args)).transpose()?;
        config::validate(loaded, fleet.as_ref(), format)
    }

    fn config(&self, command: ConfigCommand) -> Outcome {
        match command {
            ConfigCommand::Init { directory, force } => config::init(&directory, force, self.console),
            ConfigCommand::Schema { which } => config::write_schema(which),
            ConfigCommand::Validate { fleet, output } => {
                let loaded = self.settings(&fleet, |flags| flags.output(output))?;
                self.validate(&loaded, &fleet, form(output))
            }
            ConfigCommand::Explain { key, fleet, output } => {
                let loaded = self.settings(&fleet, |_| {})?;
                config::explain_key(&loaded, key.as_deref(), form(output), self.console)
            }
        }
    }
}

/// The form of standard output, as settings have it.
pub(crate) fn form(output: Option<OutputFormat>) -> ConfiguredOutput {
    match output.unwrap_or_default() {
        OutputFormat::Text => ConfiguredOutput::Text,
        OutputFormat::Json => ConfiguredOutput::Json,
        OutputFormat::Jsonl => ConfiguredOutput::Jsonl,
    }
}

/// How a runtime's time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// As on the wall.
    Wall,
    /// It jumps to the next timer when everything waits.
    Paused,
}

/// One thread is enough: the work is waiting, and one thread makes runs repeatable.
///
/// # Errors
/// Those of the command, or the runtime does not start.
pub fn in_runtime<T>(
    time: Time,
    command: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(time == Time::Paused).build();
    let runtime = runtime.map_err(|error| {
        CommandError::new(&code::INTERNAL, format!("the asynchronous runtime does not start: {error}"))
    })?;
    runtime.block_on(command)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn json_output_brings_json_errors() {
        let json = |line: &[&str]| wants_json(&Cli::try_parse_from(line).expect("parses").command);
        assert!(json(&["fleetwright", "scan", "--output", "jsonl"]));
        assert!(json(&["fleetwright", "doctor", "--output", "json"]));
        assert!(!json(&["fleetwright", "scan"]));
    }
}
