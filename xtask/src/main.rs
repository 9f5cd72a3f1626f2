//! Project chores, run as `cargo xtask <chore>`: keep the house tidy, generate documents, run
//! everything that must pass, and measure against peers.
//!
//! Nothing here depends on the AWS SDK, so that `cargo xtask tidy` answers within seconds in a
//! fresh clone. Documents that only the built binary can tell (the command-line reference, the
//! permissions) are asked of it.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool: its edge is the terminal, the tree and the clock"
)]

mod bench;
mod generate;
mod process;
mod seeds;
mod suite;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use workspace::{Failure, Workspace};

/// Project chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Check the layer arrows, file lengths, open ends and machine paths.
    Tidy,
    /// Write the generated documents under docs/.
    Generate(generate::Arguments),
    /// Run everything that must pass before a change is merged.
    Test(suite::Arguments),
    /// Try random worlds in which processes die at random points.
    Seeds(seeds::Arguments),
    /// Measure against peers on the simulated estate.
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = Workspace::here().and_then(|workspace| match arguments.chore {
        Chore::Tidy => tidy::run(&workspace),
        Chore::Generate(arguments) => generate::run(&workspace, &arguments),
        Chore::Test(arguments) => suite::run(&workspace, &arguments),
        Chore::Seeds(arguments) => seeds::run(&workspace, &arguments),
        Chore::Bench(arguments) => bench::run(&workspace, &arguments),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", Failure::with_causes(&failure));
            ExitCode::FAILURE
        }
    }
}
