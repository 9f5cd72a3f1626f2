//! E-mail is tried with a real mail server: Exim, of Debian's packages.

use std::path::Path;

use super::debian;
use crate::process::{cargo, stream};
use crate::workspace::{Failure, Workspace};

/// What the test needs, and Debian's package for it.
const NEEDED: [(&str, &str); 2] =
    [("/usr/sbin/exim4", "exim4-daemon-light"), ("/usr/bin/openssl", "openssl")];

/// Installs the mail server where it is missing, as far as we may, and runs the tests with it.
///
/// # Errors
/// When it cannot be installed, or a test fails.
pub(super) fn check(workspace: &Workspace) -> Result<(), Failure> {
    for (path, package) in NEEDED {
        let otherwise = format!("mail is tried with a real mail server, which needs {path}");
        debian::install(workspace, package, || Path::new(path).exists(), &otherwise)?;
    }
    // Of the whole workspace: of one package, its dependencies would be compiled once more with fewer features.
    stream(cargo(workspace, ["test", "--workspace", "--locked", "--test", "mail"]))
}
