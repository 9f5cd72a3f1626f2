//! Flags about executions of state machines.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::{PlaceArgs, PlaceChangeArgs};

/// `fleetwright cloud execution …`.
#[derive(Debug, Subcommand)]
pub enum ExecutionCommand {
    /// Start an execution by its name; a second start finds the first
    #[command(long_about = START_ABOUT)]
    Start(Box<ExecutionStartArgs>),
    /// Stop an execution; one that has ended stays as it is
    #[command(long_about = STOP_ABOUT)]
    Stop(Box<ExecutionStopArgs>),
    /// Show how an execution stands
    Describe(Box<ExecutionHistoryArgs>),
    /// Wait until an execution is over
    #[command(long_about = WAIT_ABOUT)]
    Wait(Box<ExecutionWaitArgs>),
    /// Show everything that happened in an execution
    #[command(long_about = HISTORY_ABOUT)]
    History(Box<ExecutionHistoryArgs>),
    /// List the executions of a state machine, those that began last first
    #[command(long_about = LIST_ABOUT)]
    List(Box<ExecutionListArgs>),
}

const START_ABOUT: &str = "\
Start an execution of a state machine of type Standard. It is known by its name: a second start with the
same name and input starts nothing and shows the first, also when that has ended; with another input it is
refused. The input is JSON, from a file or from standard input, because secrets may be in it.

Examples:
  fleetwright cloud execution start nightly --name 2026-11-22 --input run.json --landing-zones hub --regions eu-central-1
  echo '{\"wave\": 1}' | fleetwright cloud execution start nightly:3 --name wave-1 --input - \\
    --landing-zones hub --regions eu-central-1";

const STOP_ABOUT: &str = "\
Stop an execution. Its status is ABORTED then, with the error and the cause that are given. What it has
called goes on unless it watches for that.

Example:
  fleetwright cloud execution stop nightly 2026-11-22 --error Operator --cause 'wrong wave' \\
    --landing-zones hub --regions eu-central-1";

const WAIT_ABOUT: &str = "\
Wait until an execution is over, and tell on standard error how it stands meanwhile.

Example:
  fleetwright cloud execution wait nightly 2026-11-22 --time-out 2h --landing-zones hub --regions eu-central-1
Exit code 0: it succeeded; 22: it failed, was stopped or took too long; 14: it is not over yet.";

const HISTORY_ABOUT: &str = "\
Show everything that happened in an execution, page after page, in order: when, what, in which state, with
which error. Inputs and outputs are left out unless --with-payloads is given: secrets may be in them.

Examples:
  fleetwright cloud execution history nightly 2026-11-22 --landing-zones hub --regions eu-central-1
  fleetwright cloud execution history nightly 2026-11-22 --with-payloads --output jsonl --landing-zones hub";

const LIST_ABOUT: &str = "\
List the executions of a state machine, those that began last first.

Examples:
  fleetwright cloud execution list nightly --landing-zones hub --regions eu-central-1
  fleetwright cloud execution list nightly --status failed --since 24h --landing-zones hub --regions eu-central-1";

/// `fleetwright cloud execution start`.
#[derive(Args, Clone, Debug)]
pub struct ExecutionStartArgs {
    /// The state machine, or a version of it: NAME:3
    #[arg(value_name = "MACHINE[:VERSION]")]
    pub machine: String,
    /// The name of the execution
    #[arg(long)]
    pub name: String,
    /// A file with its input, JSON; - for standard input [default: {}]
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

/// `fleetwright cloud execution stop`.
#[derive(Args, Clone, Debug)]
pub struct ExecutionStopArgs {
    /// The state machine
    pub machine: String,
    /// The name of the execution
    pub name: String,
    /// The name of the error it ends with
    #[arg(long, value_name = "NAME")]
    pub error: Option<String>,
    /// What is said of it
    #[arg(long, value_name = "TEXT")]
    pub cause: Option<String>,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

/// `fleetwright cloud execution wait`.
#[derive(Args, Clone, Debug)]
pub struct ExecutionWaitArgs {
    /// The state machine
    pub machine: String,
    /// The name of the execution
    pub name: String,
    /// How long to wait at most
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    pub time_out: SignedDuration,
    /// The place and the output.
    #[command(flatten)]
    pub args: PlaceArgs,
}

/// `fleetwright cloud execution describe` and `history`.
#[derive(Args, Clone, Debug)]
pub struct ExecutionHistoryArgs {
    /// The state machine
    pub machine: String,
    /// The name of the execution
    pub name: String,
    /// Show inputs and outputs as well; secrets may be in them
    #[arg(long)]
    pub with_payloads: bool,
    /// The place and the output.
    #[command(flatten)]
    pub args: PlaceArgs,
}

/// How an execution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExecutionState {
    /// It runs.
    Running,
    /// It ended well.
    Succeeded,
    /// It ended with an error.
    Failed,
    /// It took too long.
    TimedOut,
    /// It was stopped.
    Aborted,
}

/// The earliest start of what is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// That moment.
    At(Timestamp),
    /// So long before now.
    Ago(SignedDuration),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        match text.parse::<SignedDuration>() {
            Ok(ago) if !ago.is_negative() => Ok(Self::Ago(ago)),
            _ => Err("give a moment like 2026-11-22T02:00:00Z, or how long ago it is, like 24h".to_owned()),
        }
    }
}

/// `fleetwright cloud execution list`.
#[derive(Args, Clone, Debug)]
pub struct ExecutionListArgs {
    /// The state machine
    pub machine: String,
    /// Those that stand so
    #[arg(long, value_enum)]
    pub status: Option<ExecutionState>,
    /// Those whose names begin so
    #[arg(long, value_name = "TEXT")]
    pub prefix: Option<String>,
    /// Those that began then or later: a moment, or how long ago, like 24h
    #[arg(long, value_name = "WHEN")]
    pub since: Option<Since>,
    /// The place and the output.
    #[command(flatten)]
    pub args: PlaceArgs,
}

impl ExecutionCommand {
    /// The place and the output.
    pub fn args(&self) -> &PlaceArgs {
        match self {
            Self::Start(args) => &args.change.args,
            Self::Stop(args) => &args.change.args,
            Self::Wait(args) => &args.args,
            Self::Describe(args) | Self::History(args) => &args.args,
            Self::List(args) => &args.args,
        }
    }

    /// What is common to a command that changes something, and the command's name.
    pub fn change(&self) -> Option<(&PlaceChangeArgs, &'static str)> {
        match self {
            Self::Start(args) => Some((&args.change, "cloud execution start")),
            Self::Stop(args) => Some((&args.change, "cloud execution stop")),
            Self::Wait(_) | Self::Describe(_) | Self::History(_) | Self::List(_) => None,
        }
    }
}
