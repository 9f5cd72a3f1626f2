//! Random worlds in which processes die at random points: as many as are asked for, from any seed on.

use std::process::Command;

use clap::ValueEnum;

use crate::process::{cargo, stream};
use crate::workspace::{Failure, Workspace};

/// Try random worlds in which processes die at random points. A seed that fails is named; it fails
/// again with `--first SEED --count 1`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many worlds of each kind.
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    count: u64,
    /// The first seed.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    first: u64,
    /// Only worlds of this kind.
    #[arg(long, value_enum, value_name = "KIND")]
    only: Option<Kind>,
}

/// What a world is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// The real steps over hosts in memory: hundreds of worlds a second.
    Memory,
    /// The real steps and the real adapter over the simulated estate: about a world a second.
    Estate,
}

impl Kind {
    /// The tests that read the seeds. The estate's are built with all crates at once, as everything
    /// that stands on the AWS SDK.
    fn tests(self) -> &'static [&'static str] {
        match self {
            Self::Memory => &[
                "test",
                "--locked",
                "-p",
                "fleetwright-testkit",
                "--features",
                "runs",
                "--test",
                "real_steps",
                "random",
                "--",
                "--nocapture",
            ],
            Self::Estate => {
                &["test", "--locked", "--workspace", "--test", "crashes", "random", "--", "--nocapture"]
            }
        }
    }

    fn command(self, workspace: &Workspace, arguments: &Arguments) -> Command {
        let mut command = cargo(workspace, self.tests().iter().copied());
        command.env("FLEETWRIGHT_SEEDS", arguments.count.to_string());
        command.env("FLEETWRIGHT_FIRST_SEED", arguments.first.to_string());
        command
    }
}

/// Tries the worlds, those in memory first.
///
/// # Errors
/// When a world broke an invariant; which seed and what is printed above.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let kinds = Kind::value_variants().iter().copied();
    for kind in kinds.filter(|kind| arguments.only.is_none_or(|only| only == *kind)) {
        stream(kind.command(workspace, arguments))?;
    }
    Ok(())
}
