//! E-mail is tried with a real mail server: Exim, of Debian's packages.

use std::path::Path;

use crate::process::{cargo, program, stream};
use crate::workspace::{Failure, Workspace};

/// What the test needs, and Debian's package for it.
const NEEDED: [(&str, &str); 2] =
    [("/usr/sbin/exim4", "exim4-daemon-light"), ("/usr/bin/openssl", "openssl")];

/// Installs the mail server where it is missing, as far as we may, and runs the tests with it.
///
/// # Errors
/// When it cannot be installed, or a test fails.
pub(super) fn check(workspace: &Workspace) -> Result<(), Failure> {
    for (path, package) in NEEDED.into_iter().filter(|(path, _)| !Path::new(path).exists()) {
        println!("{path} is missing; Debian has it in the package {package}");
        let arguments = ["install", "--yes", "--no-install-recommends", package];
        let mut install = program(workspace, "apt-get", arguments);
        install.env("DEBIAN_FRONTEND", "noninteractive");
        stream(install)?;
    }
    stream(cargo(workspace, ["test", "--package", "fleetwright-notifiers", "--locked", "--test", "mail"]))
}
