//! Why a scenario cannot be used.

use std::fmt;

/// A scenario that cannot be used: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The file, or whatever the text came from.
    pub origin: String,
    /// Line and column, from 1; absent where no single place is at fault.
    pub place: Option<(usize, usize)>,
    /// What is wrong and what to do.
    pub problem: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scenario {}", self.origin)?;
        if let Some((line, column)) = self.place {
            write!(f, ", line {line}, column {column}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for ScenarioError {}

impl ScenarioError {
    /// From what the TOML parser found.
    pub(super) fn syntax(origin: &str, text: &str, error: &toml::de::Error) -> Self {
        Self {
            origin: origin.to_owned(),
            place: error.span().map(|span| position(text, span.start)),
            problem: error.message().trim().to_owned(),
        }
    }

    /// A value that reads well but cannot be used. `key` is searched for in the text; the `nth`
    /// time it begins a line is taken for the place.
    pub(super) fn value(origin: &str, text: &str, key: &str, nth: usize, problem: impl Into<String>) -> Self {
        Self { origin: origin.to_owned(), place: locate(text, key, nth), problem: problem.into() }
    }
}

/// Line and column of a byte, from 1.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn locate(text: &str, key: &str, nth: usize) -> Option<(usize, usize)> {
    let lines = text.lines().enumerate().filter_map(|(number, line)| {
        let trimmed = line.trim_start();
        trimmed.starts_with(key).then(|| (number + 1, line.len() - trimmed.len() + 1))
    });
    lines.into_iter().nth(nth)
}
