//! Flags of plans: making one, and reading those that were made.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{OutputFormat, ScanArgs, StateArgs, WorkflowArgs};

/// `fleetwright plan`.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct PlanArgs {
    /// What is asked about plans that were made; without it, one is made.
    #[command(subcommand)]
    pub command: Option<PlanCommand>,
    /// The fleet and the output.
    #[command(flatten)]
    pub scan: ScanArgs,
    /// What is carried out.
    #[command(flatten)]
    pub workflow: WorkflowArgs,
    /// The file the plan is written to
    #[arg(long, value_name = "FILE", default_value = "plan.json", help_heading = "Output")]
    pub out: PathBuf,
    /// Show why this host, by id or name, is where it is in the plan, instead of the whole plan
    #[arg(long, value_name = "HOST", help_heading = "Output")]
    pub explain: Option<String>,
    /// Where earlier runs are kept, for --from.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `fleetwright plan …`.
#[derive(Clone, Debug, Subcommand)]
pub enum PlanCommand {
    /// Show why a host is where it is in a plan: wave, turn, budgets, window, order, way back
    Explain {
        /// The plan file
        #[arg(value_name = "PLAN")]
        plan: PathBuf,
        /// The host's id or name
        #[arg(value_name = "HOST")]
        host: String,
        /// The form of what is written to standard output: text or json
        #[arg(short, long, value_enum)]
        output: Option<OutputFormat>,
    },
    /// Show how a plan differs from an earlier one: hosts, waves, budgets, settings
    Diff {
        /// The earlier plan file
        #[arg(value_name = "EARLIER")]
        before: PathBuf,
        /// The later plan file
        #[arg(value_name = "LATER")]
        after: PathBuf,
        /// The form of what is written to standard output: text or json
        #[arg(short, long, value_enum)]
        output: Option<OutputFormat>,
    },
    /// Check a plan against the safety rules, from the plan alone and without the planner; exit code 15
    /// where it breaks one
    Check {
        /// The plan file
        #[arg(value_name = "PLAN")]
        plan: PathBuf,
        /// The form of what is written to standard output: text or json
        #[arg(short, long, value_enum)]
        output: Option<OutputFormat>,
    },
}

impl PlanCommand {
    /// The form that was asked for.
    pub fn output(&self) -> Option<OutputFormat> {
        match self {
            Self::Explain { output, .. } | Self::Diff { output, .. } | Self::Check { output, .. } => *output,
        }
    }
}
