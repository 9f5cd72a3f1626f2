//! Measurements against peers on the simulated estate.
//!
//! The measuring itself is in Python (`tests/bench/`): it needs `wait4` for the resources each
//! contender used, and the peers are Python programs. Here the release binary is built, the
//! environment is prepared, and the driver is started.

use crate::process::{cargo, program, stream};
use crate::suite;
use crate::workspace::{Failure, Workspace};

/// Measure against peers on the simulated estate.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// fleetwright, a boto3 script and Cloud Custodian scan the same fleets, side by side.
    Scan {
        /// How often each contender scans each fleet.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
        rounds: u8,
        /// Fleet sizes at which all contenders run.
        #[arg(long, value_delimiter = ',', default_value = "1000,10000")]
        sizes: Vec<u32>,
        /// The fleet that fleetwright scans alone, over 200 accounts and 3 regions; 0 leaves it out.
        #[arg(long, default_value_t = 100_000)]
        alone: u32,
        /// Which build to measure: figures of a development build say nothing.
        #[arg(long, value_enum, default_value_t = Build::Release)]
        build: Build,
    },
}

/// A cargo profile.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Build {
    /// What users install.
    Release,
    /// What tests use; to try the bench itself.
    Debug,
}

/// Builds what is needed and measures.
///
/// # Errors
/// When something does not build or a contender fails; a target that is missed is no error.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let What::Scan { rounds, sizes, alone, build } = &arguments.what;
    let (profile, directory): (&[&str], _) = match build {
        Build::Release => (&["--release"], "release"),
        Build::Debug => (&[], "debug"),
    };
    let arguments = ["build", "--package", "fleetwright", "--locked"];
    stream(cargo(workspace, arguments.into_iter().chain(profile.iter().copied())))?;
    let binary = workspace.target.join(directory).join("fleetwright");
    let python = suite::environment(workspace, "tests/bench")?;
    let sizes: Vec<_> = sizes.iter().map(u32::to_string).collect();
    let mut driver = program(workspace, &python.to_string_lossy(), ["tests/bench/scan.py"]);
    driver
        .arg("--binary")
        .arg(binary)
        .args(["--rounds", &rounds.to_string(), "--sizes", &sizes.join(","), "--alone", &alone.to_string()])
        .args(["--output", ".bench/scan.json"]);
    stream(driver)
}
