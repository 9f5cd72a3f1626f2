//! Packages of npm's, in directories of our own.

use std::path::PathBuf;

use crate::process::{program, stream};
use crate::workspace::{self, Failure, Workspace};

/// A directory of this tree with exactly what its lock file names; installed anew when that changed.
///
/// # Errors
/// When Node.js or a package is missing.
pub(crate) fn installed(workspace: &Workspace, directory: &str) -> Result<PathBuf, Failure> {
    let directory = workspace.root.join(directory);
    let wanted = workspace::read(&directory.join("package-lock.json"))?;
    let marker = directory.join("node_modules").join("installed.json");
    if std::fs::read_to_string(&marker).is_ok_and(|text| text == wanted) {
        return Ok(directory);
    }
    let mut npm = program(workspace, "npm", ["ci", "--no-audit", "--no-fund"]);
    npm.current_dir(&directory);
    stream(npm)?;
    workspace::write(&marker, &wanted)?;
    Ok(directory)
}
