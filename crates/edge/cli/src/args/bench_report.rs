//! Arguments of the measurement of reports, and of reports of runs that were made up.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `fleetwright internal bench-report`.
#[derive(Args, Clone, Debug)]
pub struct BenchReportArgs {
    /// Hosts of the runs
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000")]
    pub sizes: Vec<usize>,
    /// Where reports are written, and what an earlier measurement left is removed
    #[arg(long, value_name = "DIR")]
    pub work_dir: PathBuf,
}

/// A run that is made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sample {
    /// Nothing was to be done.
    Empty,
    /// Installing fails everywhere, and the run is halted.
    Failed,
    /// Most of it ends well; some hosts fail, are unreachable or are put back.
    Mixed,
    /// The same, and every text of others tries to be more than text.
    Hostile,
}

/// `fleetwright internal sample-reports`.
#[derive(Args, Clone, Debug)]
pub struct SampleReportsArgs {
    /// The directory
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// Which run
    #[arg(long, value_enum, default_value = "mixed")]
    pub sample: Sample,
    /// Hosts of the run; an empty one has none
    #[arg(long, default_value_t = 40)]
    pub hosts: usize,
}
