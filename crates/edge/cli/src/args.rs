//! The command line: what can be asked for, and help that teaches.

mod approvals;
mod audit;
mod bench_report;
mod bench_waves;
mod cloud;
mod eks;
mod eks_summary;
mod estate;
mod event;
mod execution;
mod fleet;
mod function;
mod hub;
mod machine;
mod notify;
mod parameters;
mod pipeline;
mod place;
mod plan;
mod policy;
mod runs;
mod stack;
mod template;
mod window;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use approvals::{
    Allow, ApprovalPageArgs, ApprovalsCommand, ApproverArgs, KeyCommand, KeyringArgs, LinkArgs,
};
pub use audit::{
    AuditCommand, AuditVerifyArgs, BundleVerifyArgs, ExportArgs, HeadArgs, ReconcileArgs, ReplayArgs,
};
pub use bench_report::{BenchReportArgs, Sample, SampleReportsArgs};
pub use bench_waves::BenchWavesArgs;
pub use cloud::CloudCommand;
pub use eks::{
    AddonAim, ApprovalsMode, AssessmentForm, EksAssessArgs, EksCommand, EksExplainArgs, EksListArgs,
    EksPlanArgs, EksPlanCommand, EksReadArgs, EksRollbackArgs, EksUpgradeArgs, FailOn, UpgradeEventArgs,
    UpgradePlanForm,
};
pub use eks_summary::EksSummaryArgs;
pub use estate::{EstateCommand, ServeArgs, WorldArgs};
pub use event::{
    EventCommand, EventPublishArgs, RuleChangeArgs, RuleCommand, RuleListArgs, RuleNamedArgs, RulePutArgs,
    RuleReadyArgs, TargetPutArgs, TargetRemoveArgs,
};
pub use execution::{
    ExecutionCommand, ExecutionHistoryArgs, ExecutionListArgs, ExecutionStartArgs, ExecutionState,
    ExecutionStopArgs, ExecutionWaitArgs, Since,
};
pub use fleet::{FleetArgs, PhaseName, ScanArgs, SelectionArgs, Workflow};
pub use function::{
    ArchitectureName, FunctionCodeArgs, FunctionCommand, FunctionCreateArgs, FunctionDescribeArgs,
    FunctionInvokeArgs, FunctionPackageArgs, FunctionPatienceArgs, FunctionPublishArgs, FunctionReadyArgs,
    FunctionSettingsArgs, FunctionUpdateArgs, LogForm, TracingMode,
};
pub use hub::{HubArgs, HubCommand, HubEvidenceArgs, HubListArgs, HubRunArgs, HubStartArgs, HubStopArgs};
pub use machine::{
    MachineCommand, MachineCreateArgs, MachineDeleteArgs, MachineDescribeArgs, MachineListArgs, MachineRules,
    MachineType, MachineUpdateArgs, MachineValidateArgs, MachineVersionsArgs, PublishArgs, Switch,
};
pub use notify::{ChangeArgs, ChangeCommand, NotifyCommand, NotifyTestArgs, TestSeverity};
pub use parameters::{
    ParamCommand, ParamDeleteArgs, ParamGetArgs, ParamListArgs, ParamPutArgs, ParamRestoreArgs,
    ParamStoreArgs, ParamType,
};
use pipeline::PIPELINE_ABOUT;
pub use pipeline::{PipelineArgs, PlatformName};
pub use place::{PlaceArgs, PlaceChangeArgs};
pub use plan::{PlanArgs, PlanCommand};
pub use policy::PolicyArgs;
pub use runs::{
    AbortArgs, ApplyArgs, DecisionArgs, DriveArgs, GateDecisionArgs, RehearseArgs, ReportArgs, ReportFormat,
    ReportSchema, ResumeArgs, RollbackArgs, RunReportArgs, RunsArgs, StateArgs, StatusArgs, WorkflowArgs,
};
pub use stack::{DeployArgs, DestroyArgs, FunctionName, LogsArgs, StackCommand, ValidateArgs};
pub use template::TemplateArgs;
pub use window::{
    WindowArgs, WindowCommand, WindowCreateArgs, WindowNamedArgs, WindowOperation, WindowReboot,
};

/// fleetwright keeps AWS fleets patched, across many accounts and regions, under audit.
///
/// Start with `fleetwright demo`: it patches a simulated fleet and needs no AWS account. For your own,
/// write a configuration (`fleetwright config init`), see whether everything is in place
/// (`fleetwright doctor`), look (`fleetwright scan`), and decide (`fleetwright plan`). None of these
/// changes anything in AWS; `fleetwright apply` and `fleetwright run` do.
#[derive(Debug, Parser)]
#[command(name = "fleetwright", version, max_term_width = 110, after_help = EXIT_CODES)]
pub struct Cli {
    /// What everything has in common.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 success, 1 internal error, 2 wrong command line, 10 configuration, 11 authentication,
12 connectivity, 13 permission or quota, 14 timeout, 15 validation, 20 partial success, 21 nothing to
do, 22 halted, 23 stuck, 130 interrupted. `fleetwright code CODE` explains any FW-… code.";

/// Flags that every command takes.
#[derive(Args, Clone, Debug, Default)]
pub struct GlobalArgs {
    /// The least severe messages that are logged to standard error: error, warn, info, debug, trace
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "General")]
    pub log_level: Option<String>,
    /// The form of log lines on standard error: text or json
    #[arg(long, global = true, value_name = "FORM", help_heading = "General")]
    pub log_format: Option<String>,
    /// Append log lines to this file as well, as JSON Lines, at info at least
    #[arg(long, global = true, value_name = "FILE", help_heading = "General")]
    pub log_file: Option<String>,
    /// Write metrics into this file as Prometheus text, again and again and at the end
    #[arg(long, global = true, value_name = "FILE", help_heading = "General")]
    pub metrics_file: Option<String>,
    /// Serve metrics as Prometheus text at /metrics of this loopback address, for example 127.0.0.1:9464
    #[arg(long, global = true, value_name = "ADDRESS", help_heading = "General")]
    pub metrics_listen: Option<String>,
    /// Send traces and metrics to this OpenTelemetry collector, for example http://127.0.0.1:4318
    #[arg(long, global = true, value_name = "URL", help_heading = "General")]
    pub otlp_endpoint: Option<String>,
    /// Log more: -v for debug, -vv for trace
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "General")]
    pub verbose: u8,
    /// No progress and no remarks on standard error; errors are still shown
    #[arg(short, long, global = true, help_heading = "General")]
    pub quiet: bool,
}

/// Where settings come from.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    /// Configuration file; may be given several times, later ones win [default: fleetwright.yaml, if
    /// it is there]
    #[arg(short, long, value_name = "FILE", help_heading = "Configuration")]
    pub config: Vec<PathBuf>,
    /// The environment to work on, for example nonprod or prod
    #[arg(short, long, value_name = "NAME", help_heading = "Configuration")]
    pub environment: Option<String>,
    /// Any configuration key, for example --set aws.max_attempts=8
    #[arg(long = "set", value_name = "KEY=VALUE", help_heading = "Configuration")]
    pub set: Vec<String>,
}

/// The form of what is written to standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// One JSON object per line.
    Jsonl,
}

/// What fleetwright can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find every instance, what is known of it, and whether it can be patched; changes nothing
    #[command(long_about = SCAN_ABOUT)]
    Scan(Box<ScanArgs>),
    /// Decide everything about a run and write it down; changes nothing
    #[command(long_about = PLAN_ABOUT)]
    Plan(Box<PlanArgs>),
    /// Carry out a plan many times on a simulated copy of its fleet, in seconds; touches no AWS
    #[command(long_about = REHEARSE_ABOUT)]
    Rehearse(Box<RehearseArgs>),
    /// Carry out a plan exactly as it was written
    #[command(long_about = APPLY_ABOUT)]
    Apply(Box<ApplyArgs>),
    /// Plan and carry out a workflow or a single phase in one go
    #[command(long_about = RUN_ABOUT)]
    Run(Box<RunArgs>),
    /// Continue a run that was interrupted, wherever it was
    #[command(long_about = RESUME_ABOUT)]
    Resume(Box<ResumeArgs>),
    /// Take again what did not end well in a run: failed, not started, unknown
    Retry(Box<ResumeArgs>),
    /// Put hosts of a run back to their backups
    #[command(long_about = ROLLBACK_ABOUT)]
    Rollback(Box<RollbackArgs>),
    /// Show where a run stands, and what became of every host
    Status(StatusArgs),
    /// Write the reports of a run anew from its record; needs no AWS
    #[command(long_about = REPORT_ABOUT)]
    Report(RunReportArgs),
    /// Follow a run that another process drives
    Watch(StatusArgs),
    /// List the runs of the state directory
    Runs(RunsArgs),
    /// Let a run that waits at its gate go on
    Approve(GateDecisionArgs),
    /// End a run that waits at its gate; nothing behind the gate is changed
    Reject(GateDecisionArgs),
    /// Links with which people decide at a gate, the page behind them, keys and approvers
    #[command(subcommand)]
    Approvals(ApprovalsCommand),
    /// The audit log of a run: verify it, hold it against CloudTrail, keep its head elsewhere
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Put the evidence of a run into one file: plan, journal, evidence, approvals, audit log
    #[command(long_about = EXPORT_ABOUT)]
    Export(ExportArgs),
    /// Check a file that `export` made, without network and state directory
    Verify(BundleVerifyArgs),
    /// Write the reports of a file that `export` made, as this version writes them
    Replay(ReplayArgs),
    /// Messages about runs: see whether they arrive
    #[command(subcommand)]
    Notify(NotifyCommand),
    /// The change record of a run in ServiceNow or Jira: open, look, close
    #[command(subcommand)]
    Change(ChangeCommand),
    /// Maintenance windows of Systems Manager that patch: make, list, verify, delete
    #[command(subcommand, long_about = WINDOW_ABOUT)]
    Window(WindowCommand),
    /// Start nothing further until `resume`; hosts that were changed are taken to their end
    Pause(DecisionArgs),
    /// End a run: what is in flight is finished, what was started is put back
    Abort(AbortArgs),
    /// See whether identity, roles, regions, permissions and agents are in place; changes nothing
    #[command(long_about = DOCTOR_ABOUT)]
    Doctor(Box<DoctorArgs>),
    /// Print the IAM policy that allows what a configuration does, and nothing else
    #[command(long_about = POLICY_ABOUT)]
    Policy(Box<PolicyArgs>),
    /// Write, check and explain configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// What runs on AWS itself: state machines, executions, functions, events, rules, parameters
    #[command(subcommand)]
    Cloud(CloudCommand),
    /// EKS clusters: list them, check whether they are ready for an upgrade, plan it
    #[command(subcommand)]
    Eks(EksCommand),
    /// Write the workflow as a pipeline for Harness, GitHub Actions, GitLab CI or Jenkins
    #[command(long_about = PIPELINE_ABOUT)]
    Pipeline(Box<PipelineArgs>),
    /// A simulated AWS to try, test and rehearse against
    #[command(subcommand)]
    Estate(EstateCommand),
    /// Patch a simulated fleet of three accounts, in this process, and leave reports to open
    Demo(DemoArgs),
    /// Explain an FW-… code, or list all of them
    Code {
        /// The code, for example FW-P0005; without one all are listed
        code: Option<String>,
    },
    /// Write a shell completion script to standard output
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write man pages into a directory
    Man {
        /// The directory; it is made if it is not there
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Reference material for this project's own documentation
    #[command(subcommand, hide = true)]
    Internal(InternalCommand),
}

const SCAN_ABOUT: &str = "\
Find every instance of the chosen landing zones and regions, join what Systems Manager knows of it,
and decide whether it can be patched and if not, why not. Changes nothing in AWS.

Writes instances.csv, instances.json and summary.json. What could not be read - a role that refuses
us, a denied call, a region that does not answer - is a gap with its cause, shown and counted, never
an empty list.

Examples:
  fleetwright scan --landing-zones landing-zones.yaml
  fleetwright scan --landing-zones payments-prod,shop-prod --environment prod
  fleetwright scan --tag Application=web --state running --output jsonl | jq .
Exit code 20: gaps; 21: nothing found.";

const EXPORT_ABOUT: &str = "\
Put everything that a run left into one ZIP file: the plan, the journal, who decided what, what each host
said before and after and what differs between the two, the audit log with its signed heads and the
public key, and a list of all files with their SHA-256. The same run gives the same bytes. What the run
was begun with (paths and settings of this machine) is not in it.

Prints the digest of the list, which stands for the whole file: keep it elsewhere.

Examples:
  fleetwright export run-20261101T020000Z-4f1a --out evidence.zip
  fleetwright verify evidence.zip --key audit.pem
  fleetwright replay evidence.zip --output-dir reports/again";

const REPORT_ABOUT: &str = "\
Write the reports of a run from its record: tables as CSV, JSON and XML, test results for pipelines,
what went wrong with what to do next, compliance with its trend over earlier runs, one page for those
who answer for the fleet. The same reports are written when a run ends, however it ends; this command
writes them again, years later if need be. Needs no AWS.

Examples:
  fleetwright report
  fleetwright report run-20261101T020000Z-1a2b --format junit,compliance --output-dir out
  fleetwright report --schema xml > run.xsd";

const PLAN_ABOUT: &str = "\
Scan the fleet and decide everything about a run: who is worked on and in which order, what is done to
each host and what brings it back, how long it will take, how many calls it needs, what the backups
cost, who is left out and why. Writes the plan with its digest; changes nothing in AWS.

Examples:
  fleetwright plan --landing-zones landing-zones.yaml --out tonight.json
  fleetwright plan explain tonight.json i-0123456789abcdef0
  fleetwright plan diff yesterday.json tonight.json
  fleetwright plan check tonight.json
  fleetwright apply tonight.json";

const REHEARSE_ABOUT: &str = "\
Carry out a plan many times on a simulated copy of its fleet, with the engine and the steps that would
carry it out for real, in virtual time. Every seed is another night: images take as long as they take,
agents come back late, calls are lost, patches fail. Shows how long it takes, how many hosts are out of
service at once in each group, what goes wrong, and what stops it. Nothing leaves this process.

The copy has the plan's instances with their ids, regions, platforms and states. It knows nothing of
your applications; what of the plan it leaves out is said.

Examples:
  fleetwright rehearse plan.json
  fleetwright rehearse plan.json --seeds 100 --picture rehearsal.svg
  fleetwright rehearse plan.json --faults bad-patch.toml --output json
Faults are [[faults]], [[hosts]] and [pace] of a scenario (scenarios/README.md), for example:
  [[hosts]]
  kind = \"patch_breaks_service\"
  patch = \"openssl\"";

const APPLY_ABOUT: &str = "\
Carry out a plan. It is refused when it was edited, when the inventory has other landing zones, or when
the fleet is no longer as the plan has it; the differences are shown. The run is recorded in the state
directory before anything is done: killed at any moment, `fleetwright resume` continues it.

Ctrl-C starts nothing further and takes changed hosts to their end; a second Ctrl-C cancels what is in
flight and leaves. Either way the run can be resumed.";

const RUN_ABOUT: &str = "\
Plan and carry out a workflow in one go: backup, start, precheck, a person's approval, patch, reboot,
verification, validation, putting back. --workflow and --phase choose a part of it; --from continues
from an earlier run's images and evidence. A scan alone writes the inventory and changes nothing.

Examples:
  fleetwright run --landing-zones landing-zones.yaml --environment prod
  fleetwright run --workflow backup --tag Application=web --auto-approve
  fleetwright run --dry-run
Exit code 20: some hosts did not end well; 22: halted; 23: a person is needed; 130: resumable.";

const RESUME_ABOUT: &str = "\
Continue a run where its record ends. What was started and not answered is looked up by its mark - the
image's name, the command's comment - before anything is done again, so nothing is done twice. A run
that a living process drives is refused; one that is paused there is told to go on.";

const ROLLBACK_ABOUT: &str = "\
Put hosts of an ended run back to the images it made: the root volume is replaced, which keeps id,
addresses, role and data volumes (or a new instance is launched, see safety.rollback_way). What was
written to the root volume since the image is lost.

Examples:
  fleetwright rollback run-20261101T020000Z-4f1a --failed
  fleetwright rollback run-20261101T020000Z-4f1a --instance-ids i-0123456789abcdef0";

const WINDOW_ABOUT: &str = "\
Maintenance windows of Systems Manager: the service itself patches in them, without a run of
fleetwright, its waves, its gates and its way back. For windows in which fleetwright patches, see
`windows` in the configuration.

A window is made in every chosen account and region, after it was checked everywhere: duration and
cutoff, the schedule, windows of the same name, windows that are open at the same time for the same
instances. One that cannot be finished is taken away again.

Example:
  fleetwright window create sunday-night --schedule 'cron(0 2 ? * SUN *)' --time-zone Europe/Berlin \\
    --duration 4 --cutoff 1 --target 'tag:Patch Group=web|db' --landing-zones landing-zones.yaml";

const DOCTOR_ABOUT: &str = "\
See whether everything a phase needs is in place, landing zone by landing zone: who we are, whether
the role lets us in, whether the regions answer, whether every IAM action is allowed (by
iam:SimulatePrincipalPolicy, and where that is denied by harmless or dry-run calls), and how far the
agents reach. Says exactly what to add where. Changes nothing in AWS.

Exit code 0: ready; 15: not ready.";

const POLICY_ABOUT: &str = "\
Print the IAM policy for the role of the chosen landing zones: exactly what the phases do with this
configuration, changes narrowed to its account, regions, tags and documents where AWS allows it. One
landing zone gives a policy for its account; several give one that fits into each. Reads nothing from
AWS.

Examples:
  fleetwright policy --landing-zones payments-prod > payments-prod.json
  fleetwright policy --phases scan,backup --output json
  fleetwright policy --landing-zones payments-prod --trust 111122223333
  fleetwright policy --caller
The trust policy holds the external id in plain text, as AWS does.";

/// `fleetwright run`.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// The fleet and the output.
    #[command(flatten)]
    pub scan: ScanArgs,
    /// What is carried out.
    #[command(flatten)]
    pub workflow: WorkflowArgs,
    /// How it is driven.
    #[command(flatten)]
    pub drive: DriveArgs,
    /// Check configuration and landing zones, then stop
    #[arg(long, help_heading = "Workflow")]
    pub validate_config: bool,
}

/// `fleetwright doctor`.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    /// The fleet.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// The phases that are meant to work, separated by commas: scan, backup, start, precheck, patch,
    /// validate
    #[arg(long, value_name = "PHASE", value_delimiter = ',', default_value = "scan")]
    pub phases: Vec<PhaseName>,
    /// The form of what is written to standard output: text or json
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
}

/// `fleetwright config …`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Write a commented configuration and an example of landing zones
    Init {
        /// The directory to write fleetwright.yaml and landing-zones.yaml into
        #[arg(value_name = "DIR", default_value = ".")]
        directory: PathBuf,
        /// Replace files that are there
        #[arg(long)]
        force: bool,
    },
    /// Check configuration and landing zones; shows every mistake with its place
    Validate {
        /// The fleet.
        #[command(flatten)]
        fleet: FleetArgs,
        /// The form of what is written to standard output: text or json
        #[arg(short, long, value_enum)]
        output: Option<OutputFormat>,
    },
    /// Show a key's value, where it comes from, and what it means; without a key, all that are not at
    /// their default
    Explain {
        /// The key, for example aws.max_attempts
        key: Option<String>,
        /// The fleet.
        #[command(flatten)]
        fleet: FleetArgs,
        /// The form of what is written to standard output: text or json
        #[arg(short, long, value_enum)]
        output: Option<OutputFormat>,
    },
    /// Write the JSON Schema of the configuration or of landing zones to standard output
    Schema {
        /// Which
        #[arg(value_enum, default_value = "config")]
        which: SchemaName,
    },
}

/// A schema that can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    /// The configuration file.
    Config,
    /// Inventory files of landing zones.
    LandingZones,
}

/// `fleetwright demo`.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// The simulated world.
    #[command(flatten)]
    pub world: WorldArgs,
    /// Where reports go
    #[arg(long, value_name = "DIR", default_value = "reports/demo")]
    pub output_dir: PathBuf,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
}

/// Reference material.
#[derive(Debug, Subcommand)]
pub enum InternalCommand {
    /// The command-line reference as Markdown
    CommandLineReference,
    /// The table of IAM actions as Markdown
    Permissions,
    /// What a whole run costs on simulated fleets, as Markdown (`cargo xtask bench run`)
    BenchRun(BenchRunArgs),
    /// How near plans with budgets of groups come to their bound (`cargo xtask bench waves`)
    BenchWaves(BenchWavesArgs),
    /// What the reports of large runs take, as Markdown (`cargo xtask bench report`)
    BenchReport(BenchReportArgs),
    /// The reports of a run that was made up, for tests of other programs that read them
    SampleReports(SampleReportsArgs),
}

/// `fleetwright internal bench-run`.
#[derive(Args, Clone, Debug)]
pub struct BenchRunArgs {
    /// Hosts of the fleets that are driven one by one
    #[arg(long, value_delimiter = ',', default_value = "1000,10000")]
    pub sizes: Vec<usize>,
    /// How many of these are driven by one worker per host as well
    #[arg(long, default_value_t = 1)]
    pub naive: usize,
    /// Random fleets for the comparison with the lower bound
    #[arg(long, default_value_t = 100)]
    pub fleets: u64,
    /// Hosts of the run that is resumed; 0 leaves it out
    #[arg(long, default_value_t = 100_000)]
    pub resume: usize,
    /// What everything random is drawn from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where journals are kept meanwhile
    #[arg(long, value_name = "DIR", default_value = "target/bench-run")]
    pub work_dir: PathBuf,
}
