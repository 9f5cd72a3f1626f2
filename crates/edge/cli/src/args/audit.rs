//! Flags about audit logs and bundles of evidence.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{OutputFormat, StateArgs};

/// `fleetwright audit …`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// See whether the audit log of a run is as it was written
    #[command(long_about = VERIFY_ABOUT)]
    Verify(AuditVerifyArgs),
    /// Hold the audit log of a run against CloudTrail's files
    #[command(long_about = RECONCILE_ABOUT)]
    Reconcile(ReconcileArgs),
    /// Print the last signed head of a run's audit log, to be kept elsewhere
    Head(HeadArgs),
    /// Print the public key that heads are checked with
    Key(StateArgs),
}

const VERIFY_ABOUT: &str = "\
Read the audit log of a run - one record before and one after every call that changed something, each
bound to the one before by its hash - and say whether anything in it was edited, deleted, moved or
added, and where. That its end was cut off, or all of it made anew, shows only against a signed head;
those beside the log are used, and those of --head, which should come from elsewhere.

Examples:
  fleetwright audit verify run-20261101T020000Z-4f1a
  fleetwright audit verify run-20261101T020000Z-4f1a --head /mnt/worm/heads.jsonl --key audit.pem
Exit code 15: something is wrong; 21: there is no log.";

const RECONCILE_ABOUT: &str = "\
Hold the audit log of a run against log files of CloudTrail's (JSON, or packed with gzip): calls that
both have, calls in doubt that CloudTrail settles, calls that only our log has, and changes by the same
roles that only CloudTrail has. Give all files of the accounts, regions and hours of the run.

Examples:
  aws s3 sync s3://trail/AWSLogs/ trail/
  fleetwright audit reconcile run-20261101T020000Z-4f1a --cloudtrail trail/
Exit code 15: the logs differ; 21: there is no log.";

/// `fleetwright audit verify`.
#[derive(Args, Debug)]
pub struct AuditVerifyArgs {
    /// The run [default: the newest]
    pub run: Option<String>,
    /// Signed heads that were kept elsewhere, one a line; may be given several times
    #[arg(long = "head", value_name = "FILE")]
    pub heads: Vec<PathBuf>,
    /// The public key, as PEM [default: that of the state directory]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
    /// Where runs are kept.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `fleetwright audit reconcile`.
#[derive(Args, Debug)]
pub struct ReconcileArgs {
    /// The run [default: the newest]
    pub run: Option<String>,
    /// A log file of CloudTrail's, or a directory with such files; may be given several times
    #[arg(long, value_name = "FILE|DIR", required = true)]
    pub cloudtrail: Vec<PathBuf>,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
    /// Where runs are kept.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `fleetwright audit head`.
#[derive(Args, Debug)]
pub struct HeadArgs {
    /// The run [default: the newest]
    pub run: Option<String>,
    /// Append the head to this file, where it is not in it yet, instead of printing it
    #[arg(long, value_name = "FILE")]
    pub into: Option<PathBuf>,
    /// Where runs are kept.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `fleetwright export`.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// The run [default: the newest]
    pub run: Option<String>,
    /// The file [default: the run's name with .zip]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Where runs are kept.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `fleetwright verify`.
#[derive(Args, Debug)]
pub struct BundleVerifyArgs {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// Signed heads that were kept elsewhere, one a line; may be given several times
    #[arg(long = "head", value_name = "FILE")]
    pub heads: Vec<PathBuf>,
    /// The public key, as PEM, from elsewhere than the bundle
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
}

/// `fleetwright replay`.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// The directory reports are written into [default: a directory of the run's own under reports/]
    #[arg(long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
}

impl AuditCommand {
    /// The form of its output.
    pub fn output(&self) -> Option<OutputFormat> {
        match self {
            Self::Verify(args) => args.output,
            Self::Reconcile(args) => args.output,
            Self::Head(_) | Self::Key(_) => None,
        }
    }
}
