//! Flags about the runs of a hub and their executions.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{DecisionArgs, ExecutionState, OutputFormat, Since};

/// What a hub does: commands of `fleetwright cloud`.
#[derive(Debug, Subcommand)]
pub enum HubCommand {
    /// Start a run of a hub; a second start of the same name finds the first
    #[command(long_about = START_ABOUT)]
    Start(Box<HubStartArgs>),
    /// List the executions of a hub, those that began last first
    List(Box<HubListArgs>),
    /// Show how the execution of a run stands
    Describe(Box<HubRunArgs>),
    /// Show everything that happened in the execution of a run
    History(Box<HubRunArgs>),
    /// Stop the execution of a run where it is; the run can be gone on with
    #[command(long_about = STOP_ABOUT)]
    Stop(Box<HubStopArgs>),
    /// Approve the stage of a run that waits for it
    #[command(long_about = APPROVE_ABOUT)]
    Approve(Box<DecisionArgs>),
    /// Find what a run or an execution left behind, and fetch it
    #[command(long_about = EVIDENCE_ABOUT)]
    Evidence(Box<HubEvidenceArgs>),
}

const START_ABOUT: &str = "\
Start a run of a hub: an execution of its state machine with the run's name. The hub scans its fleet by the
configuration in its bucket, plans, and drives the run; `status`, `watch`, `approve`, `abort` and `report` take
--hub to look at it from here. A second start of the same name starts nothing and shows the first.

With --upgrade the execution is one of the state machine of upgrades: it reads the cluster, judges whether it is ready,
plans, carries the plan out with an approval before each hop, looks at the cluster once more, and where the upgrade failed
it asks to take the last hop back (the run NAME-back). With --resume another execution goes on with such a run; it takes
the same flags.

Examples:
  fleetwright cloud start november --hub prod
  fleetwright watch november --hub prod
  fleetwright cloud start november --resume --hub prod   # another execution goes on with a run
  fleetwright cloud start shop-136 --upgrade shop --to 1.36 --hub prod";

const STOP_ABOUT: &str = "\
Stop the execution of a run. No turn is taken any more; what hosts are doing goes on, and the run is not over:
`fleetwright cloud start RUN --resume` goes on with it. Use `fleetwright abort RUN --hub ENVIRONMENT` to end a run in
good order.

Example:
  fleetwright cloud stop november --hub prod --cause 'the wrong fleet'";

const APPROVE_ABOUT: &str = "\
Approve the stage of a run that waits for it, and let its execution go on: as `fleetwright approve`.

Example:
  fleetwright cloud approve november --hub prod --reason 'canary looks well'";

const EVIDENCE_ABOUT: &str = "\
List the files of a run in the bucket of its hub, by the run's name or the execution's ARN: what hosts said before
and after, what was counted, the reports. With --into they are fetched.

Examples:
  fleetwright cloud evidence november --hub prod
  fleetwright cloud evidence november --hub prod --below reports/ --into ./november";

/// Which hub, and the form of what is written.
#[derive(Args, Clone, Debug)]
pub struct HubArgs {
    /// The environment of the hub, in the account of this terminal's AWS credentials and in AWS_REGION
    #[arg(long, value_name = "ENVIRONMENT")]
    pub hub: String,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
}

/// `fleetwright cloud start`.
#[derive(Args, Clone, Debug)]
pub struct HubStartArgs {
    /// The run's name: 1 to 64 letters, digits and hyphens, a letter first
    pub run: String,
    /// Go on with a run whose execution has ended or was stopped
    #[arg(long)]
    pub resume: bool,
    /// Upgrade this cluster instead of patching hosts
    #[arg(long, value_name = "CLUSTER", requires = "to", help_heading = "Upgrades")]
    pub upgrade: Option<String>,
    /// The version to upgrade it to, such as 1.36
    #[arg(long, value_name = "VERSION", requires = "upgrade", help_heading = "Upgrades")]
    pub to: Option<String>,
    /// The account of the cluster, where several have one of that name
    #[arg(long, value_name = "ACCOUNT", requires = "upgrade", help_heading = "Upgrades")]
    pub account: Option<String>,
    /// The region of the cluster, where several have one of that name
    #[arg(long, value_name = "REGION", requires = "upgrade", help_heading = "Upgrades")]
    pub region: Option<String>,
    /// Go on although this check could not look, for that reason; may be given several times
    #[arg(long, value_name = "CHECK=REASON", requires = "upgrade", help_heading = "Upgrades")]
    pub accept: Vec<String>,
    /// A query of Prometheus that must hold, as for `eks plan --query`; several times
    #[arg(long = "query", value_name = "NAME=PROMQL", requires = "upgrade", help_heading = "Upgrades")]
    pub queries: Vec<String>,
    /// A CloudWatch metric that must hold, as for `eks plan --metric`; several times
    #[arg(long = "metric", value_name = "NAME=METRIC", requires = "upgrade", help_heading = "Upgrades")]
    pub metrics: Vec<String>,
    /// An address that must answer, as for `eks plan --endpoint`; the input of the execution has all of it. Several times
    #[arg(long = "endpoint", value_name = "NAME=URL", requires = "upgrade", help_heading = "Upgrades")]
    pub endpoints: Vec<String>,
    /// A CronJob whose Job is a test suite: where it fails, the upgrade stops; may be given several times
    #[arg(long = "suite", value_name = "NAMESPACE/CRONJOB", requires = "upgrade", help_heading = "Upgrades")]
    pub suites: Vec<String>,
    /// Do not take the last hop back where the upgrade fails
    #[arg(long, requires = "upgrade", help_heading = "Upgrades")]
    pub no_rollback: bool,
    /// Tell this event bus of the cluster's account what happens
    #[arg(long, value_name = "BUS", requires = "upgrade", help_heading = "Upgrades")]
    pub events: Option<String>,
    /// The hub.
    #[command(flatten)]
    pub hub: HubArgs,
}

/// `fleetwright cloud list`.
#[derive(Args, Clone, Debug)]
pub struct HubListArgs {
    /// Only executions that stand so
    #[arg(long, value_enum)]
    pub status: Option<ExecutionState>,
    /// Those that upgrade clusters, instead of those that patch hosts
    #[arg(long)]
    pub upgrades: bool,
    /// Only executions that began then or later: a time, or a duration ago such as 24h
    #[arg(long, value_name = "TIME|DURATION")]
    pub since: Option<Since>,
    /// The hub.
    #[command(flatten)]
    pub hub: HubArgs,
}

/// `fleetwright cloud describe` and `history`.
#[derive(Args, Clone, Debug)]
pub struct HubRunArgs {
    /// The run
    pub run: String,
    /// The hub.
    #[command(flatten)]
    pub hub: HubArgs,
}

/// `fleetwright cloud stop`.
#[derive(Args, Clone, Debug)]
pub struct HubStopArgs {
    /// The run
    pub run: String,
    /// What is said of it
    #[arg(long, value_name = "TEXT")]
    pub cause: Option<String>,
    /// The hub.
    #[command(flatten)]
    pub hub: HubArgs,
}

/// `fleetwright cloud evidence`.
#[derive(Args, Clone, Debug)]
pub struct HubEvidenceArgs {
    /// The run, or the ARN of an execution
    pub run: String,
    /// Only files whose names begin so, for example reports/
    #[arg(long, value_name = "PREFIX", default_value = "")]
    pub below: String,
    /// The directory they are fetched into
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
    /// The hub.
    #[command(flatten)]
    pub hub: HubArgs,
}

impl HubCommand {
    /// The form of what is written to standard output, where one was asked for.
    pub fn output(&self) -> Option<OutputFormat> {
        match self {
            Self::Start(args) => args.hub.output,
            Self::List(args) => args.hub.output,
            Self::Describe(args) | Self::History(args) => args.hub.output,
            Self::Stop(args) => args.hub.output,
            Self::Approve(_) => None,
            Self::Evidence(args) => args.hub.output,
        }
    }
}
