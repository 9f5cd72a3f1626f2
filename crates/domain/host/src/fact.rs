//! Facts with three values, and the names a host gives its parts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A question a host may be unable to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tri {
    /// Looked, and it is so.
    Yes,
    /// Looked, and it is not so.
    No,
    /// Could not look, or what was found does not decide it.
    Unknown,
}

impl Tri {
    /// The word of the answers and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "yes" => Some(Self::Yes),
            "no" => Some(Self::No),
            "unknown" => Some(Self::Unknown),
            _ => None,
        }
    }
}

impl fmt::Display for Tri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A three-valued answer with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The answer.
    pub answer: Tri,
    /// What says so, in the host's words; empty when it gave none.
    pub evidence: String,
}

impl Judged {
    /// Reads `yes evidence …`.
    pub(crate) fn from_line(value: &str) -> Option<Self> {
        let (word, evidence) = split_word(value);
        Some(Self { answer: Tri::from_word(word)?, evidence: evidence.to_owned() })
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.evidence.is_empty() {
            write!(f, "{}", self.answer)
        } else {
            write!(f, "{} ({})", self.answer, self.evidence)
        }
    }
}

/// What the service manager says of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitState {
    /// Runs, or has run as it should.
    Active,
    /// Is starting, stopping or reloading.
    Changing,
    /// Does not run.
    Inactive,
    /// Failed.
    Failed,
    /// There is no such unit.
    Absent,
    /// Nobody could say.
    Unknown,
}

impl UnitState {
    /// The word of the answers and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Changing => "changing",
            Self::Inactive => "inactive",
            Self::Failed => "failed",
            Self::Absent => "absent",
            Self::Unknown => "unknown",
        }
    }

    /// Reads systemd's `ActiveState` and the words of our scripts; other words are [`Self::Unknown`].
    pub fn from_word(word: &str) -> Self {
        match word {
            "active" | "reloading" | "refreshing" => Self::Active,
            "activating" | "deactivating" | "maintenance" | "changing" => Self::Changing,
            "inactive" => Self::Inactive,
            "failed" => Self::Failed,
            "absent" => Self::Absent,
            _ => Self::Unknown,
        }
    }
}

/// The first word and the rest.
pub(crate) fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(' ').map_or((text, ""), |(word, rest)| (word, rest.trim()))
}
