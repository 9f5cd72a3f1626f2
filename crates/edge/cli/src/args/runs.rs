//! Flags about plans and runs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{FleetArgs, OutputFormat, PhaseName, Workflow};

/// Where runs are kept.
#[derive(Args, Clone, Debug, Default)]
pub struct StateArgs {
    /// The directory that holds the record of runs [default: the user's state directory]
    #[arg(long, value_name = "DIR", help_heading = "Runs")]
    pub state_dir: Option<PathBuf>,
    /// Runs of the hub of this environment instead, in the account of this terminal's AWS credentials and in AWS_REGION
    #[arg(long, value_name = "ENVIRONMENT", help_heading = "Runs", conflicts_with = "state_dir")]
    pub hub: Option<String>,
}

/// How a run is driven.
#[derive(Args, Clone, Debug, Default)]
pub struct DriveArgs {
    /// Where runs are kept.
    #[command(flatten)]
    pub state: StateArgs,
    /// Approve every gate as it is reached: for unattended runs
    #[arg(long, help_heading = "Runs")]
    pub auto_approve: bool,
    /// Leave with exit code 130 when only a gate is waited for, instead of waiting for the decision
    #[arg(long, conflicts_with = "auto_approve", help_heading = "Runs")]
    pub no_wait: bool,
    /// Let the clock run N times as fast, to match an estate served with --speed N
    #[arg(long, value_name = "N", help_heading = "Runs")]
    pub clock_speed: Option<f64>,
}

/// What of the workflow is carried out.
#[derive(Args, Clone, Debug)]
pub struct WorkflowArgs {
    /// The workflow
    #[arg(long, value_enum, default_value = "full", help_heading = "Workflow")]
    pub workflow: Workflow,
    /// Phases to leave out, separated by commas: backup, start, precheck, patch, validate, report
    #[arg(long, value_name = "PHASE", value_delimiter = ',', help_heading = "Workflow")]
    pub skip_phases: Vec<PhaseName>,
    /// Continue from this run, with its images and its evidence, or from the instances.json of an
    /// earlier scan: only the instances that could be patched then are looked at again
    #[arg(long, value_name = "RUN|FILE", help_heading = "Workflow")]
    pub from: Option<String>,
    /// The input of this one run, as another system hands it over (JSON or YAML): waves, instances and
    /// a few settings, laid over the configuration; what flags say stays
    #[arg(long, value_name = "FILE", help_heading = "Workflow")]
    pub input: Option<PathBuf>,
}

/// What commands that drive a run show and write.
#[derive(Args, Clone, Debug, Default)]
pub struct ReportArgs {
    /// The form of what is written to standard output
    #[arg(short, long, value_enum, help_heading = "Output")]
    pub output: Option<OutputFormat>,
    /// The directory reports are written into [default: a directory of the run's own under reports/]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub output_dir: Option<PathBuf>,
}

/// `fleetwright rehearse`.
#[derive(Args, Clone, Debug)]
pub struct RehearseArgs {
    /// The plan file
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// What goes wrong: a file with [[faults]], [[hosts]] and [pace] of a scenario [default: a usual
    /// bad night]
    #[arg(long, value_name = "FILE", help_heading = "Rehearsal")]
    pub faults: Option<PathBuf>,
    /// How many nights are tried, each with its own seed
    #[arg(long, value_name = "N", default_value_t = 20, help_heading = "Rehearsal",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub seeds: u32,
    /// The first seed; the others follow it
    #[arg(long, value_name = "SEED", default_value_t = 1, help_heading = "Rehearsal")]
    pub first_seed: u64,
    /// Draw the nights into this SVG file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub picture: Option<PathBuf>,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum, help_heading = "Output")]
    pub output: Option<OutputFormat>,
}

/// `fleetwright apply`.
#[derive(Args, Clone, Debug)]
pub struct ApplyArgs {
    /// The plan file
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// Configuration and landing zones.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// How it is driven.
    #[command(flatten)]
    pub drive: DriveArgs,
    /// What is shown and written.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `fleetwright resume`.
#[derive(Args, Clone, Debug)]
pub struct ResumeArgs {
    /// The run; without one, the only unfinished run of the state directory
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Configuration and landing zones, where they are not the ones the run was begun with.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// How it is driven.
    #[command(flatten)]
    pub drive: DriveArgs,
    /// What is shown and written.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `fleetwright rollback`.
#[derive(Args, Clone, Debug)]
pub struct RollbackArgs {
    /// The run whose hosts are put back
    #[arg(value_name = "RUN")]
    pub run: String,
    /// These instances, separated by commas
    #[arg(long, value_name = "ID", value_delimiter = ',', help_heading = "What is put back")]
    pub instance_ids: Vec<String>,
    /// Every patched host of this landing zone
    #[arg(long, value_name = "NAME", help_heading = "What is put back")]
    pub zone: Option<String>,
    /// Every patched host in this availability zone
    #[arg(long, value_name = "AZ", help_heading = "What is put back")]
    pub availability_zone: Option<String>,
    /// Every patched host that did not end well
    #[arg(long, help_heading = "What is put back")]
    pub failed: bool,
    /// Configuration and landing zones, where they are not the ones the run was begun with.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// How it is driven.
    #[command(flatten)]
    pub drive: DriveArgs,
    /// What is shown and written.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `fleetwright runs`.
#[derive(Args, Clone, Debug)]
pub struct RunsArgs {
    /// List the hosts that count as out of service on a run's account, in groups that runs share
    #[arg(long, conflicts_with = "in_service")]
    pub out_of_service: bool,
    /// Somebody looked, and the hosts of this run are in service: they hold no places in shared budgets
    /// any more
    #[arg(long, value_name = "RUN")]
    pub in_service: Option<String>,
    /// Only these hosts of it
    #[arg(long, value_name = "ID", value_delimiter = ',', requires = "in_service")]
    pub instance_ids: Vec<String>,
    /// Where runs are kept.
    #[command(flatten)]
    pub state: StateArgs,
    /// The form of what is written to standard output: text or json
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
}

/// `fleetwright status` and `fleetwright watch`.
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    /// The run; without one, the newest
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Where runs are kept.
    #[command(flatten)]
    pub state: StateArgs,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
}

/// A report of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Every table as a file of its own: csv/instances.csv, csv/backups.csv …
    Csv,
    /// Every table in one document: run.json
    Json,
    /// The same as XML: run.xml
    Xml,
    /// Test results for pipelines: junit.xml
    Junit,
    /// Everything for people, in one file for a browser: report.html
    Html,
    /// What became of the run, in words: summary.txt
    Text,
    /// What went wrong, by code, with what to do next: errors.txt
    Errors,
    /// How compliant the fleet is, part by part and over runs: compliance.txt
    Compliance,
    /// One page for those who answer for the fleet: executive.txt
    Executive,
    /// All of these, and the plan: plan.json
    All,
}

/// A report with a published schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportSchema {
    /// run.json: JSON Schema, draft 2020-12.
    Json,
    /// run.xml: XML Schema 1.0.
    Xml,
}

/// `fleetwright report`.
#[derive(Args, Clone, Debug)]
pub struct RunReportArgs {
    /// The run; without one, the newest
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// The reports to write, separated by commas [default: all]
    #[arg(long, value_enum, value_name = "FORMAT", value_delimiter = ',')]
    pub format: Vec<ReportFormat>,
    /// The directory they are written into [default: a directory of the run's own under reports/]
    #[arg(long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
    /// Print the schema of run.json or of run.xml instead
    #[arg(long, value_enum, value_name = "DOCUMENT", conflicts_with_all = ["run", "format", "output_dir"])]
    pub schema: Option<ReportSchema>,
    /// Where runs are kept.
    #[command(flatten)]
    pub state: StateArgs,
    /// The form of what is written to standard output: text or json
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
}

/// `fleetwright approve` and `reject`.
#[derive(Args, Clone, Debug)]
pub struct GateDecisionArgs {
    /// Which run, in whose name, why.
    #[command(flatten)]
    pub decision: DecisionArgs,
    /// What was looked at, as `status` shows it: the decision is void where the plan or what went before
    /// the gate has changed since [default: what is there now]
    #[arg(long, value_name = "BASIS")]
    pub basis: Option<String>,
}

/// `fleetwright pause`, and what other decisions share with it.
#[derive(Args, Clone, Debug)]
pub struct DecisionArgs {
    /// The run; without one, the only unfinished run
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// In whose name [default: the user of this machine]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Where runs are kept.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `fleetwright abort`.
#[derive(Args, Clone, Debug)]
pub struct AbortArgs {
    /// Which run, in whose name, why.
    #[command(flatten)]
    pub decision: DecisionArgs,
    /// Cancel what is in flight instead of finishing it
    #[arg(long)]
    pub now: bool,
}
