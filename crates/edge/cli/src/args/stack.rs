//! Flags about the stack of a hub, and what its functions write.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{HubArgs, OutputFormat, Since};

/// What is done with the stack of a hub: commands of `fleetwright cloud`.
#[derive(Debug, Subcommand)]
pub enum StackCommand {
    /// Check the files of `cloud template` before they are deployed; needs no AWS
    #[command(long_about = VALIDATE_ABOUT)]
    Validate(Box<ValidateArgs>),
    /// Show what the functions of a hub wrote, and follow it
    #[command(long_about = LOGS_ABOUT)]
    Logs(Box<LogsArgs>),
}

const VALIDATE_ABOUT: &str = "\
Check what `cloud template` wrote, and what has become of it since: that the templates are templates, and everything
they refer to is there; that the definition of the state machine holds by the rules of `cloud machine validate`, and the
template puts in what it leaves open; that every parameter file fits its template. Exit code 15 with any finding.

Examples:
  fleetwright cloud validate
  fleetwright cloud validate --dir deploy/cloud --output json";

/// `fleetwright cloud validate`.
#[derive(Args, Clone, Debug)]
pub struct ValidateArgs {
    /// The directory that `cloud template` wrote into
    #[arg(long, value_name = "DIR", default_value = "cloud")]
    pub dir: PathBuf,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
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
            Self::Logs(args) => args.hub.output,
        }
    }
}
