//! What an assessment comes to.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Assessment, Severity, Verdict};
use crate::checks::find;
use crate::facts::{Unread, UnreadCause};

/// Whether an upgrade may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Readiness {
    /// Nothing that blocks is open, and every check that may block looked at all it was asked to look at.
    Ready,
    /// Something blocks.
    NotReady,
    /// Nothing that was seen blocks, and a check that may block could not look at everything.
    CannotSay,
    /// There is no hop to be ready for.
    NothingToDo,
}

impl Readiness {
    /// Its name in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady => "not-ready",
            Self::CannotSay => "cannot-say",
            Self::NothingToDo => "nothing-to-do",
        }
    }
}

impl Unread {
    /// Somebody decided not to look: that is told, and makes nothing uncertain that was meant to be known.
    pub fn was_left_out(&self) -> bool {
        self.cause == UnreadCause::NotAsked
    }
}

impl Assessment {
    /// What it comes to. Sources that were left out ([`UnreadCause::NotAsked`]) do not make it uncertain, and neither do
    /// gaps of checks that only warn.
    pub fn readiness(&self) -> Readiness {
        if self.results.is_empty() {
            Readiness::NothingToDo
        } else if self.blockers().next().is_some() {
            Readiness::NotReady
        } else if self.undecided().is_empty() {
            Readiness::Ready
        } else {
            Readiness::CannotSay
        }
    }

    /// Codes of the checks that may block and could not look at everything they were asked to look at.
    pub fn undecided(&self) -> BTreeSet<&'static str> {
        let gaps = self.unread().filter(|(_, unread)| !unread.was_left_out());
        gaps.map(|(code, _)| code)
            .filter(|code| find(code).is_none_or(|check| check.severity == Severity::Blocking))
            .collect()
    }

    /// Codes of the checks that passed for every hop they were asked about.
    pub fn passed(&self) -> BTreeSet<&'static str> {
        let not: BTreeSet<&str> =
            self.results.iter().filter(|it| it.verdict != Verdict::Pass).map(|it| it.code).collect();
        self.results.iter().map(|it| it.code).filter(|code| !not.contains(code)).collect()
    }
}
