//! Flags about the stack of a hub, and what its functions write.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{HubArgs, OutputFormat, Since};

/// What is done with the stack of a hub: commands of `fleetwright cloud`.
#[derive(Debug, Subcommand)]
pub enum StackCommand {
    /// Check the files of `cloud template` before they are deployed
    #[command(long_about = VALIDATE_ABOUT)]
    Validate(Box<ValidateArgs>),
    /// Make or change the stack of a hub or a spoke: what would change is shown first
    #[command(long_about = DEPLOY_ABOUT)]
    Deploy(Box<DeployArgs>),
    /// Delete the stack of a hub or a spoke
    #[command(long_about = DESTROY_ABOUT)]
    Destroy(Box<DestroyArgs>),
    /// Show what the functions of a hub wrote, and follow it
    #[command(long_about = LOGS_ABOUT)]
    Logs(Box<LogsArgs>),
}

const VALIDATE_ABOUT: &str = "\
Check what `cloud template` wrote, and what has become of it since: that the templates are templates, and everything
they refer to is there; that the definition of the state machine holds by the rules of `cloud machine validate`, and the
template puts in what it leaves open; that every parameter file fits its template. Exit code 15 with any finding. Needs no
AWS, unless --hub has CloudFormation judge both templates as well; a template that is too large for a request is put into the
bucket of the functions for it, as `cloud deploy` does.

Examples:
  fleetwright cloud validate
  fleetwright cloud validate --hub prod
  fleetwright cloud validate --dir deploy/cloud --output json";

/// `fleetwright cloud validate`.
#[derive(Args, Clone, Debug)]
pub struct ValidateArgs {
    /// The directory that `cloud template` wrote into
    #[arg(long, value_name = "DIR", default_value = "cloud")]
    pub dir: PathBuf,
    /// Ask CloudFormation as well, in the account of this terminal's AWS credentials and in AWS_REGION, for the hub of this
    /// environment
    #[arg(long, value_name = "ENVIRONMENT")]
    pub hub: Option<String>,
    /// The directory that holds the audit log of commands [default: the user's state directory]
    #[arg(long, value_name = "DIR", requires = "hub")]
    pub state_dir: Option<PathBuf>,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
}

const DEPLOY_ABOUT: &str = "\
Bring the stack of a hub to what `cloud template` wrote: its files are checked, what has to lie in a bucket is put there
under names with the digest of what they hold, and CloudFormation compares. What would be added, changed, replaced and
removed is shown and asked about; then it is carried out and followed, live, to its end. Exit code 21 where nothing is to
be changed. A table, a bucket, a key or a secret is not replaced or removed unless --allow-replacement names it. Where an
operation is under way already, it is followed. Of a failure the first cause is told; a stack that was to be made leaves
nothing behind then. With --output json each line is an object, because events come one by one.

Resources are made with the rights of this terminal's AWS credentials. With --spoke it is the spoke's stack in this account;
its external id comes from a file.

Examples:
  fleetwright cloud deploy --hub prod --dry-run
  fleetwright cloud deploy --hub prod --functions functions.zip
  fleetwright cloud deploy --hub prod --spoke --external-id-file external-id --yes";

const DESTROY_ABOUT: &str = "\
Delete the stack of a hub: which of its resources are deleted and which stay is shown first. The record of runs, their
artefacts, keys, secrets and logs stay, with their names: a hub of the same environment can be made again once they are
deleted or imported. It is not deleted while a run goes on, nor where CloudFormation protects it.

Example:
  fleetwright cloud destroy --hub prod --yes --confirm prod";

/// `fleetwright cloud deploy`.
#[derive(Args, Clone, Debug)]
pub struct DeployArgs {
    /// The directory that `cloud template` wrote into
    #[arg(long, value_name = "DIR", default_value = "cloud")]
    pub dir: PathBuf,
    /// The stack of a spoke of the hub, in this account
    #[arg(long)]
    pub spoke: bool,
    /// The archive of the functions, which is put into their bucket [default: the one that the stack has, or that its
    /// parameter file names]
    #[arg(long, value_name = "FILE", conflicts_with = "spoke")]
    pub functions: Option<PathBuf>,
    /// A file with the external id of a spoke [default: the one its stack has]
    #[arg(long, value_name = "FILE", requires = "spoke")]
    pub external_id_file: Option<PathBuf>,
    /// Let this table, bucket, key or secret be replaced or removed; may be given several times
    #[arg(long, value_name = "LOGICAL_ID")]
    pub allow_replacement: Vec<String>,
    /// Only show what would change
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// The directory that holds the audit log of commands [default: the user's state directory]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// The hub.
    #[command(flatten)]
    pub hub: HubArgs,
}

/// `fleetwright cloud destroy`.
#[derive(Args, Clone, Debug)]
pub struct DestroyArgs {
    /// The stack of a spoke of the hub, in this account
    #[arg(long)]
    pub spoke: bool,
    /// Delete it
    #[arg(long)]
    pub yes: bool,
    /// The environment once more
    #[arg(long, value_name = "ENVIRONMENT")]
    pub confirm: Option<String>,
    /// The directory that holds the audit log of commands [default: the user's state directory]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// The hub.
    #[command(flatten)]
    pub hub: HubArgs,
}

const LOGS_ABOUT: &str = "\
Show what the functions of a hub wrote to CloudWatch Logs, by time, and with --follow what they write from then on.
Secrets are masked. --filter takes a filter pattern of CloudWatch Logs: `ERROR` for lines that have that word,
`?ERROR ?WARN` for one of several, `{ $.level = \"ERROR\" }` for a member of lines that are JSON.

Examples:
  fleetwright cloud logs --hub prod --since 1h
  fleetwright cloud logs --hub prod --function turn --run november --follow
  fleetwright cloud logs --hub prod --filter ERROR --output jsonl";

/// A function of a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FunctionName {
    /// Scans, plans and opens a run
    Prepare,
    /// Takes a turn of a run
    Turn,
    /// Asks people to approve a wave
    Gate,
    /// Shows what waits for a decision, and records the decision
    Approve,
    /// Says whether an approval link is one of ours
    Authorise,
    /// Writes the reports of a run
    Report,
}

impl FunctionName {
    /// As the template names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Turn => "turn",
            Self::Gate => "gate",
            Self::Approve => "approve",
            Self::Authorise => "authorise",
            Self::Report => "report",
        }
    }
}

/// `fleetwright cloud logs`.
#[derive(Args, Clone, Debug)]
pub struct LogsArgs {
    /// Only of that function; may be given several times [default: all]
    #[arg(long = "function", value_name = "FUNCTION", value_enum)]
    pub functions: Vec<FunctionName>,
    /// Only lines that name that run
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// Only what was written then or later: a time, or a duration ago such as 24h
    #[arg(long, value_name = "TIME|DURATION", default_value = "1h")]
    pub since: Since,
    /// Only what fits a filter pattern of CloudWatch Logs
    #[arg(long, value_name = "PATTERN")]
    pub filter: Option<String>,
    /// Go on showing what is written, until Ctrl-C; as JSON, each line is an object then
    #[arg(long)]
    pub follow: bool,
    /// The hub.
    #[command(flatten)]
    pub hub: HubArgs,
}

impl StackCommand {
    /// The form of what is written to standard output, where one was asked for.
    pub fn output(&self) -> Option<OutputFormat> {
        match self {
            Self::Validate(args) => args.output,
            Self::Deploy(args) => args.hub.output,
            Self::Destroy(args) => args.hub.output,
            Self::Logs(args) => args.hub.output,
        }
    }
}
