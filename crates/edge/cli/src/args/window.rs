//! Flags of maintenance windows.

use clap::{Args, Subcommand, ValueEnum};

use super::{FleetArgs, OutputFormat, StateArgs};

/// `fleetwright window …`.
#[derive(Debug, Subcommand)]
pub enum WindowCommand {
    /// Make a window with its target and its patch task in every chosen account and region
    Create(Box<WindowCreateArgs>),
    /// List the windows there are
    List(WindowArgs),
    /// See whether windows open, go to somebody, patch, and leave each other alone; exit code 15 if not
    Verify {
        /// The windows of this name or id [default: all]
        #[arg(value_name = "NAME|ID")]
        window: Option<String>,
        /// The fleet and the output.
        #[command(flatten)]
        args: WindowArgs,
    },
    /// Delete windows with their targets and tasks
    Delete(WindowNamedArgs),
}

impl WindowCommand {
    /// The fleet and the output.
    pub fn args(&self) -> &WindowArgs {
        match self {
            Self::Create(create) => &create.args,
            Self::List(args) | Self::Verify { args, .. } => args,
            Self::Delete(named) => &named.args,
        }
    }

    /// The form that was asked for.
    pub fn output(&self) -> Option<OutputFormat> {
        self.args().output
    }

    /// Where it is recorded what is changed, and by which command; none where nothing is.
    pub fn on_record(&self) -> Option<(&StateArgs, &'static str)> {
        match self {
            Self::Create(create) if !create.dry_run => Some((&create.state, "window create")),
            Self::Delete(named) if !named.dry_run => Some((&named.state, "window delete")),
            _ => None,
        }
    }

    /// Whether nothing is to be changed.
    pub fn dry_run(&self) -> bool {
        match self {
            Self::Create(create) => create.dry_run,
            Self::Delete(named) => named.dry_run,
            Self::List(_) | Self::Verify { .. } => false,
        }
    }
}

/// The fleet and the output.
#[derive(Args, Clone, Debug, Default)]
pub struct WindowArgs {
    /// The fleet.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// The form of what is written to standard output: text or json
    #[arg(short, long, value_enum, help_heading = "Output")]
    pub output: Option<OutputFormat>,
}

/// `fleetwright window delete`.
#[derive(Args, Clone, Debug)]
pub struct WindowNamedArgs {
    /// The windows of this name, or the one of this id
    #[arg(value_name = "NAME|ID")]
    pub window: String,
    /// Show what would be deleted and delete nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Where the audit log is kept.
    #[command(flatten)]
    pub state: StateArgs,
    /// The fleet and the output.
    #[command(flatten)]
    pub args: WindowArgs,
}

/// What a window's task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WindowOperation {
    /// Install what is missing.
    Install,
    /// Only look what is missing.
    Scan,
}

/// Whether hosts are rebooted in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WindowReboot {
    /// Where patches need it.
    IfNeeded,
    /// Never.
    Never,
}

/// `fleetwright window create`.
#[derive(Args, Clone, Debug)]
pub struct WindowCreateArgs {
    /// Where the audit log is kept.
    #[command(flatten)]
    pub state: StateArgs,
    /// The window's name: 3 to 128 letters, digits, _, - and .
    #[arg(value_name = "NAME")]
    pub name: String,
    /// When it opens: cron(minutes hours day month weekday year) or at(2026-12-06T02:00:00)
    #[arg(long, value_name = "EXPRESSION", help_heading = "Window")]
    pub schedule: String,
    /// The time zone of the schedule, for example Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE", help_heading = "Window")]
    pub time_zone: Option<String>,
    /// How many hours it is open, 1 to 24
    #[arg(long, value_name = "HOURS", help_heading = "Window")]
    pub duration: u32,
    /// Nothing starts in so many hours of its end; less than the duration
    #[arg(long, value_name = "HOURS", default_value_t = 1, help_heading = "Window")]
    pub cutoff: u32,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "", help_heading = "Window")]
    pub description: String,
    /// Whom it goes to: tag:KEY=VALUE|VALUE, tag-key=KEY or InstanceIds=ID|ID; given several times, all
    /// must match
    #[arg(long = "target", value_name = "KEY=VALUES", required = true, help_heading = "Window")]
    pub targets: Vec<String>,
    /// What is done
    #[arg(long, value_enum, default_value = "install", help_heading = "Task")]
    pub operation: WindowOperation,
    /// Whether hosts are rebooted
    #[arg(long, value_enum, default_value = "if-needed", help_heading = "Task")]
    pub reboot: WindowReboot,
    /// The document that patches [default: phases.patch.document, else AWS-RunPatchBaseline]
    #[arg(long, value_name = "DOCUMENT", help_heading = "Task")]
    pub document: Option<String>,
    /// On how many instances at once, as a count or percentage
    #[arg(long, value_name = "COUNT|PERCENT", default_value = "10%", help_heading = "Task")]
    pub max_concurrency: String,
    /// After how many errors the task stops, as a count or percentage
    #[arg(long, value_name = "COUNT|PERCENT", default_value = "1", help_heading = "Task")]
    pub max_errors: String,
    /// Make it although windows that are open at the same time may go to the same instances
    #[arg(long, help_heading = "Window")]
    pub despite_conflicts: bool,
    /// Check everything, show what would be made, make nothing
    #[arg(long, help_heading = "Window")]
    pub dry_run: bool,
    /// The fleet and the output.
    #[command(flatten)]
    pub args: WindowArgs,
}
