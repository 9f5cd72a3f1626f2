//! The `fleetwright` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    fleetwright::app::run_process()
}
