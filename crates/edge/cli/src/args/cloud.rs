//! Flags about what runs on AWS itself, and the services around it.

use clap::Subcommand;

use super::template::TEMPLATE_ABOUT;
use super::{
    EventCommand, ExecutionCommand, FunctionCommand, HubCommand, MachineCommand, OutputFormat, ParamCommand,
    RuleCommand, StackCommand, TemplateArgs,
};

/// `fleetwright cloud …`.
#[derive(Debug, Subcommand)]
pub enum CloudCommand {
    /// State machines of Step Functions
    #[command(subcommand)]
    Machine(MachineCommand),
    /// Executions of state machines: start, watch, stop
    #[command(subcommand)]
    Execution(ExecutionCommand),
    /// Functions of Lambda: package, make, change, run
    #[command(subcommand)]
    Function(FunctionCommand),
    /// Events of EventBridge
    #[command(subcommand)]
    Event(EventCommand),
    /// Rules of EventBridge: which events go where
    #[command(subcommand)]
    Rule(RuleCommand),
    /// Parameters of Systems Manager: single ones, and whole configurations
    #[command(subcommand)]
    Param(ParamCommand),
    /// Runs of a hub.
    #[command(flatten)]
    Hub(HubCommand),
    /// The stack of a hub.
    #[command(flatten)]
    Stack(StackCommand),
    /// Write the CloudFormation templates of the hub and of its spokes; needs no AWS
    #[command(long_about = TEMPLATE_ABOUT)]
    Template(Box<TemplateArgs>),
}

impl CloudCommand {
    /// The form of what is written to standard output, where one was asked for.
    pub fn output(&self) -> Option<OutputFormat> {
        match self {
            Self::Machine(command) => command.output(),
            Self::Execution(command) => command.args().output,
            Self::Function(command) => command.output(),
            Self::Event(command) => command.change().0.args.output,
            Self::Rule(command) => command.args().output,
            Self::Param(command) => command.args().output,
            Self::Hub(command) => command.output(),
            Self::Stack(command) => command.output(),
            Self::Template(args) => args.output,
        }
    }
}
