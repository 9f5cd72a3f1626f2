//! Flags about the fleet: which landing zones, which instances, which phases.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use fleetwright_model::Phase;

use super::{ConfigArgs, OutputFormat};

/// Which landing zones, with which configuration.
#[derive(Args, Clone, Debug, Default)]
pub struct FleetArgs {
    /// Configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Names of landing zones, inventory files (with a / or ending in .yaml, .yml or .json), or both,
    /// separated by commas
    #[arg(short, long, value_name = "NAME|FILE", value_delimiter = ',', help_heading = "Fleet")]
    pub landing_zones: Vec<String>,
    /// Regions to read instead of those the landing zones name, separated by commas
    #[arg(long, value_name = "REGION", value_delimiter = ',', help_heading = "Fleet")]
    pub regions: Vec<String>,
}

/// Which instances.
#[derive(Args, Clone, Debug, Default)]
pub struct SelectionArgs {
    /// Only instances with this tag; several values separated by |, * and ? are wildcards; may be
    /// given several times, all must match
    #[arg(long = "tag", value_name = "KEY=VALUE", help_heading = "Selection")]
    pub tags: Vec<String>,
    /// Only these instance ids, separated by commas
    #[arg(long, value_name = "ID", value_delimiter = ',', help_heading = "Selection")]
    pub instance_ids: Vec<String>,
    /// Only these platforms, separated by commas: linux, windows, ubuntu, rhel, amazon-linux …
    #[arg(long, value_name = "PLATFORM", value_delimiter = ',', help_heading = "Selection")]
    pub platform: Vec<String>,
    /// Only instances in these states, separated by commas: running, stopped …
    #[arg(long, value_name = "STATE", value_delimiter = ',', help_heading = "Selection")]
    pub state: Vec<String>,
    /// Only instances whose name or id matches one of these patterns, separated by commas
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', help_heading = "Selection")]
    pub include: Vec<String>,
    /// Never instances whose name or id matches one of these patterns, separated by commas
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', help_heading = "Selection")]
    pub exclude: Vec<String>,
}

/// `fleetwright scan`.
#[derive(Args, Clone, Debug, Default)]
pub struct ScanArgs {
    /// The fleet.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// Which instances.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum, help_heading = "Output")]
    pub output: Option<OutputFormat>,
    /// The directory reports are written into [default: a directory of its own under reports/]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub output_dir: Option<PathBuf>,
    /// Show what would be done and change nothing; a scan never changes anything
    #[arg(long, help_heading = "Workflow")]
    pub dry_run: bool,
    /// Only the scan
    #[arg(long, help_heading = "Workflow")]
    pub scanner_only: bool,
    /// Only this phase
    #[arg(long, value_name = "PHASE", help_heading = "Workflow")]
    pub phase: Option<PhaseName>,
}

/// A workflow by its familiar name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workflow {
    /// Every phase.
    Full,
    /// The scan alone.
    Scan,
    /// Scan and backup.
    Backup,
    /// Scan and precheck.
    Precheck,
    /// Scan, backup, precheck, patch and validation.
    Patch,
}

impl Workflow {
    /// The phases of the workflow, in order.
    pub fn phases(self) -> &'static [Phase] {
        match self {
            Self::Full => &Phase::ALL,
            Self::Scan => &[Phase::Scan, Phase::Report],
            Self::Backup => &[Phase::Scan, Phase::Backup, Phase::Report],
            Self::Precheck => &[Phase::Scan, Phase::Precheck, Phase::Report],
            Self::Patch => {
                &[Phase::Scan, Phase::Backup, Phase::Precheck, Phase::Patch, Phase::Validate, Phase::Report]
            }
        }
    }
}

/// A phase by the names people know it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PhaseName {
    /// Reading the fleet.
    #[value(name = "scanner", alias = "scan")]
    Scanner,
    /// Images before anything changes.
    #[value(name = "ami-backup", alias = "backup")]
    AmiBackup,
    /// Starting stopped instances.
    #[value(name = "start", aliases = ["server-start", "start-servers"])]
    Start,
    /// Checking that hosts can be patched.
    #[value(name = "precheck")]
    Precheck,
    /// Installing patches.
    #[value(name = "patch-verify", alias = "patch")]
    PatchVerify,
    /// Proving that hosts are well afterwards.
    #[value(name = "post-patch-validation", aliases = ["validate", "validation"])]
    PostPatchValidation,
    /// Writing reports.
    #[value(name = "reporting", alias = "report")]
    Reporting,
}

impl From<PhaseName> for Phase {
    fn from(name: PhaseName) -> Self {
        match name {
            PhaseName::Scanner => Self::Scan,
            PhaseName::AmiBackup => Self::Backup,
            PhaseName::Start => Self::Start,
            PhaseName::Precheck => Self::Precheck,
            PhaseName::PatchVerify => Self::Patch,
            PhaseName::PostPatchValidation => Self::Validate,
            PhaseName::Reporting => Self::Report,
        }
    }
}
