//! Documents that only the built binary can tell: its command line and the AWS actions it calls.

use super::{Documents, markdown};
use crate::process;
use crate::workspace::{Failure, Workspace};

/// The documents, and what to ask the binary for each; it answers with Markdown.
const QUESTIONS: [(&str, [&str; 2]); 2] = [
    ("docs/cli.md", ["internal", "command-line-reference"]),
    ("docs/permissions.md", ["internal", "permissions"]),
];

/// Builds the binary and asks it.
pub(super) fn documents(workspace: &Workspace) -> Result<Documents, Failure> {
    let binary = process::fleetwright(workspace)?;
    let answers = QUESTIONS.iter().map(|(path, question)| {
        let mut command = process::program(workspace, &binary.to_string_lossy(), *question);
        // The reference must not depend on the settings or the terminal of whoever runs this.
        let ours = std::env::vars_os().map(|(name, _)| name);
        ours.filter(|name| name.to_string_lossy().starts_with("FLEETWRIGHT_")).for_each(|name| {
            command.env_remove(name);
        });
        command.env("NO_COLOR", "1").env("COLUMNS", "100");
        let text = process::read(command)?;
        if !text.starts_with("# ") {
            let command = format!("fleetwright {}", question.join(" "));
            let what = "a Markdown document that begins with a heading was expected".to_owned();
            return Err(Failure::Answer { command, what });
        }
        Ok(((*path).to_owned(), markdown(&text)))
    });
    answers.collect()
}
