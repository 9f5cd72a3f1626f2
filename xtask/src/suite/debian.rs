//! Programs that tests need and that Debian packages.

use crate::process::{program, stream};
use crate::workspace::{Failure, Workspace};

/// Installs a package where what it brings is missing, as far as we may.
///
/// # Errors
/// It cannot be installed; `otherwise` says what to do.
pub(super) fn install(
    workspace: &Workspace,
    package: &str,
    is_there: impl Fn() -> bool,
    otherwise: &str,
) -> Result<(), Failure> {
    if is_there() {
        return Ok(());
    }
    println!("missing here: Debian's package {package}");
    let apt = |arguments: &[&str]| {
        let mut command = program(workspace, "apt-get", arguments.iter().copied());
        command.env("DEBIAN_FRONTEND", "noninteractive");
        stream(command)
    };
    let tried =
        apt(&["update"]).and_then(|()| apt(&["install", "--yes", "--no-install-recommends", package]));
    match tried {
        Ok(()) if is_there() => Ok(()),
        _ => Err(Failure::Found(format!("{package} cannot be installed: {otherwise}"))),
    }
}
