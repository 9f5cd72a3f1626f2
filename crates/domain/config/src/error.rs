//! What can be wrong with a configuration or an inventory, and where.

use std::fmt;
use std::sync::Arc;

use fleetwright_model::Code;
use serde::Serialize;

/// A position in a file: what people read (line, column) and what a source snippet needs
/// (byte offset and length).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct FilePlace {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Offset in bytes from the start of the text as it was handed in.
    pub offset: usize,
    /// Length in bytes of what is meant, never beyond the end of its line.
    pub length: usize,
}

impl fmt::Display for FilePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Where something was said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Place {
    /// In a file.
    File(FilePlace),
    /// In an environment variable.
    Variable {
        /// The variable's name.
        name: String,
    },
    /// On the command line.
    Flag {
        /// The flag as typed, e.g. `--output-dir`.
        name: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(place) => place.fmt(f),
            Self::Variable { name } => write!(f, "variable {name}"),
            Self::Flag { name } => write!(f, "flag {name}"),
        }
    }
}

/// Whether the source line of an error may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snippet {
    /// The line may be quoted.
    Show,
    /// The line holds a secret and must not be quoted.
    Hide,
}

/// One fault of a configuration or an inventory. `Display` is one line:
/// `file:line:column: message [FW-C0003]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message} [{}]", code.id)]
pub struct ConfigError {
    /// What kind of fault it is; carries the exit code and the page.
    pub code: &'static Code,
    /// Where it is.
    pub place: Place,
    /// Further places that belong to it, e.g. the first of two duplicates.
    pub related: Vec<FilePlace>,
    /// The dotted path of the key, where there is one.
    pub key_path: Option<String>,
    /// The value, shortened to 80 characters; never a secret.
    pub value: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do, where that is more than the code's own next step.
    pub hint: Option<String>,
    /// Whether the source line may be quoted.
    pub snippet: Snippet,
}

impl ConfigError {
    pub(crate) fn new(code: &'static Code, place: Place, message: impl Into<String>) -> Self {
        Self {
            code,
            place,
            related: Vec::new(),
            key_path: None,
            value: None,
            message: message.into(),
            hint: None,
            snippet: Snippet::Show,
        }
    }

    pub(crate) fn key(mut self, path: impl Into<String>) -> Self {
        self.key_path = Some(path.into());
        self
    }

    pub(crate) fn value(mut self, value: impl AsRef<str>) -> Self {
        self.value = Some(shorten(value.as_ref()));
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn related(mut self, place: FilePlace) -> Self {
        self.related.push(place);
        self
    }

    pub(crate) fn secret(mut self) -> Self {
        self.value = None;
        self.snippet = Snippet::Hide;
        self
    }
}

/// Every fault found, by file and position; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// `Ok(value)` when nothing was found.
    pub(crate) fn check<T>(mut errors: Vec<ConfigError>, value: T) -> Result<T, Self> {
        errors.sort_by(|a, b| a.place.cmp(&b.place));
        if errors.is_empty() { Ok(value) } else { Err(Self(errors)) }
    }

    /// The faults.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.0.iter()
    }

    /// How many faults there are; at least 1.
    #[expect(clippy::len_without_is_empty, reason = "never empty by construction")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The first fault.
    pub fn first(&self) -> &ConfigError {
        self.0.first().expect("never empty by construction")
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

impl IntoIterator for ConfigErrors {
    type Item = ConfigError;
    type IntoIter = std::vec::IntoIter<ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a ConfigErrors {
    type Item = &'a ConfigError;
    type IntoIter = std::slice::Iter<'a, ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Faults after which nothing near is looked for any more: the file is something else altogether,
/// and each search goes through every name.
pub(crate) const MAX_SUGGESTIONS: usize = 100;

/// A value as messages quote it: at most 80 characters, control characters escaped.
pub(crate) fn shorten(value: &str) -> String {
    const LIMIT: usize = 80;
    let mut shown: String = value
        .chars()
        .take(LIMIT)
        .flat_map(|c| {
            let escaped: Vec<char> = if c.is_control() { c.escape_default().collect() } else { vec![c] };
            escaped
        })
        .collect();
    if value.chars().nth(LIMIT).is_some() {
        shown.push('…');
    }
    shown
}
