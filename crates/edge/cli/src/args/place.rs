//! Flags of commands on a service in one account and region.

use clap::Args;

use super::{FleetArgs, OutputFormat, StateArgs};

/// Where it is, and what is shown.
#[derive(Args, Clone, Debug, Default)]
pub struct PlaceArgs {
    /// The account and region.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum, help_heading = "Output")]
    pub output: Option<OutputFormat>,
}

/// What commands that change something there have in common.
#[derive(Args, Clone, Debug, Default)]
pub struct PlaceChangeArgs {
    /// Show what would be changed and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Where the audit log is kept.
    #[command(flatten)]
    pub state: StateArgs,
    /// The place and the output.
    #[command(flatten)]
    pub args: PlaceArgs,
}
