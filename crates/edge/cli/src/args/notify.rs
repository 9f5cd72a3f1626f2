//! Flags of notifications and change records.

use clap::{Args, Subcommand, ValueEnum};

use super::{FleetArgs, StateArgs};

/// `fleetwright notify …`.
#[derive(Debug, Subcommand)]
pub enum NotifyCommand {
    /// Send a test message to every channel, or to one, and see whether it arrives
    #[command(long_about = TEST_ABOUT)]
    Test(Box<NotifyTestArgs>),
}

const TEST_ABOUT: &str = "\
Send a test message to the channels of the configuration, once each, and say what became of it. Nothing
else happens: no run is made, and no route is asked.

Examples:
  fleetwright notify test
  fleetwright notify test ops-chat --severity critical
Exit code 12: a message was not delivered.";

/// How bad the test message pretends to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TestSeverity {
    /// It goes as planned.
    #[default]
    Info,
    /// Somebody may have to look.
    Warning,
    /// Something failed.
    Error,
    /// A person is needed now.
    Critical,
}

/// `fleetwright notify test`.
#[derive(Args, Clone, Debug)]
pub struct NotifyTestArgs {
    /// The channel [default: all of them]
    #[arg(value_name = "CHANNEL")]
    pub channel: Option<String>,
    /// How bad it pretends to be
    #[arg(long, value_enum, default_value = "info")]
    pub severity: TestSeverity,
    /// The configuration, and the landing zones as whom SNS and EventBridge are called.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// Where it is recorded that SNS and EventBridge were called.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `fleetwright change …`.
#[derive(Debug, Subcommand)]
pub enum ChangeCommand {
    /// Open the change record of a run, or find the one that is there
    Open(Box<ChangeArgs>),
    /// Show the change record of a run, and whether it lets the run go on
    Status(Box<ChangeArgs>),
    /// Close the change record of a run that is over, with its summary
    Close(Box<ChangeArgs>),
}

/// A run, and where its change record is.
#[derive(Args, Clone, Debug)]
pub struct ChangeArgs {
    /// The run
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The configuration.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// Where runs are kept.
    #[command(flatten)]
    pub state: StateArgs,
}
