//! Flags about what runs on AWS itself, and the services around it.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::template::TEMPLATE_ABOUT;
use super::{OutputFormat, ParamCommand, TemplateArgs};

/// `fleetwright cloud …`.
#[derive(Debug, Subcommand)]
pub enum CloudCommand {
    /// State machines of Step Functions
    #[command(subcommand)]
    Machine(MachineCommand),
    /// Parameters of Systems Manager: single ones, and whole configurations
    #[command(subcommand)]
    Param(ParamCommand),
    /// Write the CloudFormation templates of the hub and of its spokes; needs no AWS
    #[command(long_about = TEMPLATE_ABOUT)]
    Template(Box<TemplateArgs>),
}

/// `fleetwright cloud machine …`.
#[derive(Debug, Subcommand)]
pub enum MachineCommand {
    /// Check definitions in the Amazon States Language; needs no AWS
    #[command(long_about = VALIDATE_ABOUT)]
    Validate(MachineValidateArgs),
}

impl CloudCommand {
    /// The form of what is written to standard output, where one was asked for.
    pub fn output(&self) -> Option<OutputFormat> {
        match self {
            Self::Machine(MachineCommand::Validate(args)) => args.output,
            Self::Param(command) => command.args().output,
            Self::Template(args) => args.output,
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
