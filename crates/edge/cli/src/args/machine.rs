//! Flags about state machines of Step Functions.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{OutputFormat, PlaceArgs, PlaceChangeArgs};

/// `fleetwright cloud machine …`.
#[derive(Debug, Subcommand)]
pub enum MachineCommand {
    /// Check definitions in the Amazon States Language; needs no AWS
    #[command(long_about = VALIDATE_ABOUT)]
    Validate(MachineValidateArgs),
    /// Make a state machine of a definition that was checked
    #[command(long_about = CREATE_ABOUT)]
    Create(Box<MachineCreateArgs>),
    /// Change definition, role or tracing of a state machine, or publish a version of it
    #[command(long_about = UPDATE_ABOUT)]
    Update(Box<MachineUpdateArgs>),
    /// Delete a state machine with its versions; it is gone once its last execution has ended
    Delete(Box<MachineDeleteArgs>),
    /// Show a state machine, or a version of it
    #[command(long_about = DESCRIBE_ABOUT)]
    Describe(Box<MachineDescribeArgs>),
    /// List the state machines of the account and region
    List(Box<MachineListArgs>),
    /// List the versions of a state machine, the newest first
    Versions(Box<MachineVersionsArgs>),
}

const CREATE_ABOUT: &str = "\
Make a state machine. Its definition, JSON or YAML, is checked first, as `validate` does; where something
is wrong, nothing is made, and state and line are shown. A machine of that name that is the same already
is left alone; another one is not touched (`update` does that).

Examples:
  fleetwright cloud machine create nightly --definition nightly.asl.json --role fleetwright-hub \\
    --landing-zones hub --regions eu-central-1
  fleetwright cloud machine create nightly --definition nightly.asl.yaml --role fleetwright-hub --rules ours \\
    --publish 'first version' --landing-zones hub --regions eu-central-1";

const UPDATE_ABOUT: &str = "\
Change a state machine: only what is given, and only where it differs from what is there. Executions that
run go on as they began. --publish makes a version of the outcome, which stays as it is.

Examples:
  fleetwright cloud machine update nightly --definition nightly.asl.json --landing-zones hub --regions eu-central-1
  fleetwright cloud machine update nightly --publish 'waves of 50' --landing-zones hub --regions eu-central-1";

const DESCRIBE_ABOUT: &str = "\
Show a state machine, or with a colon a version of it.

Examples:
  fleetwright cloud machine describe nightly --landing-zones hub --regions eu-central-1
  fleetwright cloud machine describe nightly:3 --definition --landing-zones hub --regions eu-central-1";

/// The type of a state machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum MachineType {
    /// Every execution happens once, is kept, and may take a year.
    #[default]
    Standard,
    /// Executions take five minutes at most, may happen twice, and are not kept.
    Express,
}

/// Whether something is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// Whether a version is published.
#[derive(Args, Clone, Debug, Default)]
pub struct PublishArgs {
    /// Publish a version of it, with what is said of the version
    #[arg(long, value_name = "DESCRIPTION", num_args = 0..=1, default_missing_value = "")]
    pub publish: Option<String>,
}

/// `fleetwright cloud machine create`.
#[derive(Args, Clone, Debug)]
pub struct MachineCreateArgs {
    /// Its name
    pub name: String,
    /// Its definition in the Amazon States Language, as JSON or YAML
    #[arg(long, value_name = "FILE")]
    pub definition: PathBuf,
    /// The role its executions act in: a name, or an ARN
    #[arg(long, value_name = "ROLE")]
    pub role: String,
    /// Its type, which cannot be changed
    #[arg(long = "type", value_enum, default_value_t)]
    pub kind: MachineType,
    /// What the definition is checked against
    #[arg(long, value_enum, default_value_t)]
    pub rules: MachineRules,
    /// Let X-Ray see what its executions do
    #[arg(long)]
    pub tracing: bool,
    /// Whether a version is published.
    #[command(flatten)]
    pub publish: PublishArgs,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

/// `fleetwright cloud machine update`.
#[derive(Args, Clone, Debug)]
pub struct MachineUpdateArgs {
    /// Its name
    pub name: String,
    /// The new definition
    #[arg(long, value_name = "FILE")]
    pub definition: Option<PathBuf>,
    /// The new role: a name, or an ARN
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// What the definition is checked against
    #[arg(long, value_enum, default_value_t)]
    pub rules: MachineRules,
    /// Whether X-Ray sees what executions do
    #[arg(long, value_enum)]
    pub tracing: Option<Switch>,
    /// Whether a version is published.
    #[command(flatten)]
    pub publish: PublishArgs,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

/// `fleetwright cloud machine delete`.
#[derive(Args, Clone, Debug)]
pub struct MachineDeleteArgs {
    /// Its name
    pub name: String,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

/// `fleetwright cloud machine describe`.
#[derive(Args, Clone, Debug)]
pub struct MachineDescribeArgs {
    /// Its name, or a version: NAME:3
    #[arg(value_name = "NAME[:VERSION]")]
    pub machine: String,
    /// Show its definition alone, in the form that `create` takes
    #[arg(long)]
    pub definition: bool,
    /// The place and the output.
    #[command(flatten)]
    pub args: PlaceArgs,
}

/// `fleetwright cloud machine list`.
#[derive(Args, Clone, Debug)]
pub struct MachineListArgs {
    /// Those whose names begin so
    #[arg(long, value_name = "TEXT")]
    pub prefix: Option<String>,
    /// The place and the output.
    #[command(flatten)]
    pub args: PlaceArgs,
}

/// `fleetwright cloud machine versions`.
#[derive(Args, Clone, Debug)]
pub struct MachineVersionsArgs {
    /// Its name
    pub name: String,
    /// The place and the output.
    #[command(flatten)]
    pub args: PlaceArgs,
}

impl MachineCommand {
    /// The form of what is written to standard output, where one was asked for.
    pub fn output(&self) -> Option<OutputFormat> {
        match self {
            Self::Validate(args) => args.output,
            other => other.args().and_then(|args| args.output),
        }
    }

    /// The place and the output; none where it needs no AWS.
    pub fn args(&self) -> Option<&PlaceArgs> {
        match self {
            Self::Validate(_) => None,
            Self::Create(args) => Some(&args.change.args),
            Self::Update(args) => Some(&args.change.args),
            Self::Delete(args) => Some(&args.change.args),
            Self::Describe(args) => Some(&args.args),
            Self::List(args) => Some(&args.args),
            Self::Versions(args) => Some(&args.args),
        }
    }

    /// What is common to a command that changes something, and the command's name.
    pub fn change(&self) -> Option<(&PlaceChangeArgs, &'static str)> {
        match self {
            Self::Create(args) => Some((&args.change, "cloud machine create")),
            Self::Update(args) => Some((&args.change, "cloud machine update")),
            Self::Delete(args) => Some((&args.change, "cloud machine delete")),
            Self::Validate(_) | Self::Describe(_) | Self::List(_) | Self::Versions(_) => None,
        }
    }
}

const VALIDATE_ABOUT: &str = "\
Check definitions of state machines before Step Functions sees them: states that are not there or never
reached, circles without a way out, fields that do not belong, values out of bounds, paths and functions
that cannot be read, resources nothing can call, rules that never apply. All of it is shown at
once, with the state and the line; states never reached once all names are right.

--rules ours asks for more than the language does: every task, Map and Parallel catches every error, every
call is tried again and has a time-out, input is kept, failures have a name, choices a default.

Definitions may be JSON or YAML, in JSONPath or JSONata, and may hold ${Names} that CloudFormation
replaces.

Examples:
  fleetwright cloud machine validate machine.asl.json
  fleetwright cloud machine validate --rules ours --output json machines/*.asl.yaml
Exit code 15: something is wrong.";

/// What a definition is checked against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum MachineRules {
    /// What the Amazon States Language asks for.
    #[default]
    Language,
    /// That, and what fleetwright asks of a machine that nobody watches.
    Ours,
}

/// `fleetwright cloud machine validate`.
#[derive(Args, Debug)]
pub struct MachineValidateArgs {
    /// The definitions
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What they are checked against
    #[arg(long, value_enum, default_value_t)]
    pub rules: MachineRules,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
}
