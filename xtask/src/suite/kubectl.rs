//! kubectl, which judges the Kubernetes API of the estate's clusters: Debian's.

use std::path::PathBuf;

use super::debian;
use crate::workspace::{Failure, Workspace};

/// The program: the one `FLEETWRIGHT_KUBECTL` names, or that of Debian's package.
///
/// # Errors
/// When it cannot be fetched, with what to do.
pub(super) fn program(workspace: &Workspace) -> Result<PathBuf, Failure> {
    if let Some(named) = std::env::var_os("FLEETWRIGHT_KUBECTL") {
        return Ok(named.into());
    }
    let otherwise = "clusters are tried with a real kubectl; name one in FLEETWRIGHT_KUBECTL";
    debian::unpacked(workspace, "kubernetes-client", "usr/bin/kubectl", otherwise)
}
