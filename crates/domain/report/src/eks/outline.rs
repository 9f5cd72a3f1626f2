//! The sections of an assessment, in the order in which every text has them.

use std::collections::BTreeMap;

use fleetwright_eks::{Family, Suppression};

use super::Assessed;
use super::grouped::{Found, Gap, Grouped, Tally};

/// A section; none is empty.
pub(super) enum Section<'a> {
    /// Findings under a title.
    Findings(&'static str, &'a [Found<'a>]),
    /// What nobody could see.
    Gaps(&'static str, &'a [Gap<'a>]),
    /// Suppressions, with what that means for them.
    Suppressions {
        /// The title.
        title: &'static str,
        /// What follows for them.
        meaning: &'static str,
        /// Which.
        list: &'a [Suppression],
    },
    /// How the families of checks came off.
    Checks(&'a BTreeMap<Family, Tally>),
}

/// The sections of an assessment: what stands in the way, what nobody could see, and only then what is well.
pub(super) fn sections<'a>(assessed: &'a Assessed<'_>, grouped: &'a Grouped<'a>) -> Vec<Section<'a>> {
    let all = [
        Section::Findings("Blockers", &grouped.blockers),
        Section::Gaps("Could not be checked", &grouped.gaps),
        Section::Findings("Warnings", &grouped.warnings),
        Section::Gaps("Left out", &grouped.left_out),
        Section::Findings("Suppressed", &grouped.suppressed),
        Section::Suppressions {
            title: "Suppressions that ended",
            meaning: "their findings count again",
            list: &assessed.assessment.expired,
        },
        Section::Suppressions {
            title: "Suppressions that cover nothing",
            meaning: "they can go",
            list: &assessed.assessment.unused,
        },
        Section::Checks(&grouped.families),
    ];
    all.into_iter().filter(|section| !section.is_empty()).collect()
}

impl Section<'_> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Findings(_, list) => list.is_empty(),
            Self::Gaps(_, list) => list.is_empty(),
            Self::Suppressions { list, .. } => list.is_empty(),
            Self::Checks(families) => families.is_empty(),
        }
    }
}
