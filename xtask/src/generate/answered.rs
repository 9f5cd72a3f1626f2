//! Documents that only the built binary can tell: its command line, the AWS actions it calls, the schemas
//! of the reports it writes.

use super::{Documents, markdown};
use crate::process;
use crate::workspace::{Failure, Workspace};

/// What the binary answers with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Markdown,
    Schema,
}

impl Form {
    /// What an answer begins with.
    fn begins(self) -> &'static [&'static str] {
        match self {
            Self::Markdown => &["# "],
            Self::Schema => &["{", "<?xml "],
        }
    }
}

/// The documents, and what to ask the binary for each.
const QUESTIONS: [(&str, &[&str], Form); 4] = [
    ("docs/cli.md", &["internal", "command-line-reference"], Form::Markdown),
    ("docs/permissions.md", &["internal", "permissions"], Form::Markdown),
    ("docs/schema/run.json", &["report", "--schema", "json"], Form::Schema),
    ("docs/schema/run.xsd", &["report", "--schema", "xml"], Form::Schema),
];

/// Builds the binary and asks it.
pub(super) fn documents(workspace: &Workspace) -> Result<Documents, Failure> {
    let binary = process::fleetwright(workspace)?;
    let answers = QUESTIONS.iter().map(|(path, question, form)| {
        let mut command = process::program(workspace, &binary.to_string_lossy(), question.iter().copied());
        // The reference must not depend on the settings or the terminal of whoever runs this.
        let ours = std::env::vars_os().map(|(name, _)| name);
        ours.filter(|name| name.to_string_lossy().starts_with("FLEETWRIGHT_")).for_each(|name| {
            command.env_remove(name);
        });
        command.env("NO_COLOR", "1").env("COLUMNS", "100");
        let text = process::read(command)?;
        if !form.begins().iter().any(|begin| text.starts_with(begin)) {
            let command = format!("fleetwright {}", question.join(" "));
            let what = format!("a document that begins with {} was expected", form.begins().join(" or "));
            return Err(Failure::Answer { command, what });
        }
        let text = if *form == Form::Markdown { markdown(&text) } else { text };
        Ok(((*path).to_owned(), text))
    });
    answers.collect()
}
