//! Arguments of the measurement of waves and budgets.

use clap::Args;

/// `fleetwright internal bench-waves`.
#[derive(Args, Clone, Debug)]
pub struct BenchWavesArgs {
    /// Hosts of the fleets
    #[arg(long, value_delimiter = ',', default_value = "1000,10000")]
    pub sizes: Vec<usize>,
    /// Random fleets of each size
    #[arg(long, default_value_t = 200)]
    pub fleets: u64,
    /// Hosts of the fleet that is taken through whole runs; 0 leaves it out
    #[arg(long, default_value_t = 400)]
    pub driven: usize,
    /// Hosts at which decisions are counted, and a tenth of them; 0 leaves it out
    #[arg(long, default_value_t = 100_000)]
    pub large: usize,
}
