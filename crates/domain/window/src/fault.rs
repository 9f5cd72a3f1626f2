//! What is wrong with a text, and where in it.

use std::fmt;

/// What is wrong with a schedule, a freeze or a window tag, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1, where the text has several; `None` in a text of one line.
    pub line: Option<u32>,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is wrong with what, and what to write instead.
    pub reason: String,
}

impl Fault {
    /// A fault in a text of one line.
    pub(crate) fn at(column: u32, reason: impl Into<String>) -> Self {
        Self { line: None, column, reason: reason.into() }
    }

    /// The same fault, of a part that begins at this column of its text.
    pub(crate) fn within(mut self, column: u32) -> Self {
        self.column = self.column.saturating_add(column.saturating_sub(1));
        self
    }

    /// The same fault, in this line of a text of several.
    pub(crate) fn on_line(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}, column {}: {}", self.column, self.reason),
            None => write!(f, "column {}: {}", self.column, self.reason),
        }
    }
}

impl std::error::Error for Fault {}

/// A text as messages quote it: at most 60 characters, control characters escaped.
pub(crate) fn quoted(text: &str) -> String {
    const LIMIT: usize = 60;
    let mut shown: String = text.chars().take(LIMIT).flat_map(char::escape_debug).collect();
    if text.chars().nth(LIMIT).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}
