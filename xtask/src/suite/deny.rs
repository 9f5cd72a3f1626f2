//! Licences, banned crates and sources, judged by cargo-deny as `deny.toml` says.

use std::path::PathBuf;

use crate::process::{cargo, program, read, stream};
use crate::workspace::{Failure, Workspace};

/// The version whose verdicts we rely on.
const VERSION: &str = "0.20.2";

/// Installs cargo-deny under the target directory when it is missing, and runs it.
///
/// # Errors
/// When it cannot be installed, or finds something.
pub(super) fn check(workspace: &Workspace) -> Result<(), Failure> {
    let deny = installed(workspace)?;
    // It reads the manifest of every crate in the lock file, also of those for other systems.
    stream(cargo(workspace, ["fetch", "--locked"]))?;
    let arguments = ["--offline", "check", "bans", "licenses", "sources"];
    stream(program(workspace, &deny.to_string_lossy(), arguments))
}

/// The program, built without optimisation: it runs for a second and would take minutes to optimise.
fn installed(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let root = workspace.target.join("tools");
    let deny = root.join("bin").join("cargo-deny").with_extension(std::env::consts::EXE_EXTENSION);
    let current = deny.exists()
        && read(program(workspace, &deny.to_string_lossy(), ["--version"]))
            .is_ok_and(|version| version.trim().ends_with(VERSION));
    if !current {
        let root = root.to_string_lossy();
        let arguments = [
            "install",
            "cargo-deny",
            "--version",
            VERSION,
            "--locked",
            "--debug",
            "--force",
            "--root",
            &root,
        ];
        let mut install = cargo(workspace, arguments);
        install
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TARGET_DIR", workspace.target.join("tools").join("build"));
        stream(install)?;
    }
    Ok(deny)
}
