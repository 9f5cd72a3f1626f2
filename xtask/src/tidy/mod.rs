//! House rules that a machine can check: layer arrows and the text of the files.

mod layers;
mod sources;

use std::fmt;
use std::path::PathBuf;

use crate::process;
use crate::workspace::{Failure, Workspace};

/// Something that breaks a rule, and what to do.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The file, from the workspace's root.
    pub(crate) path: PathBuf,
    /// The line, counted from 1.
    pub(crate) line: usize,
    /// The rule's name.
    pub(crate) rule: &'static str,
    /// What is wrong and what to do.
    pub(crate) advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path.display(), self.line, self.rule, self.advice)
    }
}

/// Checks every rule and prints the findings.
///
/// # Errors
/// When there are findings, or the tree cannot be read.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let findings = findings(workspace)?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(Failure::Found(format!("{count} finding(s): mend what is listed above"))),
    }
}

/// Everything that breaks a rule, in order of path and line.
fn findings(workspace: &Workspace) -> Result<Vec<Finding>, Failure> {
    let mut findings = layers::check(workspace)?;
    for path in files(workspace)? {
        // Binary files and files deleted but not yet committed are nobody's prose.
        if let Ok(text) = std::fs::read_to_string(workspace.root.join(&path)) {
            findings.extend(sources::check(&path, &text));
        }
    }
    findings.sort();
    Ok(findings)
}

/// The files of the tree that git knows or would add.
fn files(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listing = process::read(process::program(workspace, "git", arguments))?;
    Ok(listing.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_tree_is_tidy() {
        let workspace = Workspace::here().expect("the workspace is readable");
        let findings = findings(&workspace).expect("the tree is readable");
        let listed: Vec<_> = findings.iter().map(Finding::to_string).collect();
        assert!(listed.is_empty(), "\n{}", listed.join("\n"));
    }
}
