//! A host before and after: what works no more, what is new, and whether it was really rebooted.

mod changes;
mod load;
mod users;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::answer::Reading;
use crate::fact::Tri;
use crate::survey::SurveyReport;

pub use load::LoadCheck;

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The whole comparison.
    State,
    /// A running service.
    Service,
    /// A service that was asked about by name.
    CriticalService,
    /// A security agent.
    SecurityAgent,
    /// A listening port.
    Port,
    /// A mount.
    Mount,
    /// A local user, or who is in a privileged group.
    User,
    /// A health endpoint.
    Health,
    /// A database.
    Database,
    /// An endpoint under load.
    Load,
    /// Units that failed.
    FailedUnits,
    /// The running kernel.
    Kernel,
    /// The packages as a whole.
    Packages,
    /// A reboot that is still due.
    PendingReboot,
}

impl ChangeKind {
    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Service => "service",
            Self::CriticalService => "critical_service",
            Self::SecurityAgent => "security_agent",
            Self::Port => "port",
            Self::Mount => "mount",
            Self::User => "user",
            Self::Health => "health",
            Self::Database => "database",
            Self::Load => "load",
            Self::FailedUnits => "failed_units",
            Self::Kernel => "kernel",
            Self::Packages => "packages",
            Self::PendingReboot => "pending_reboot",
        }
    }
}

/// How much a change weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Something that worked does not.
    Worse,
    /// It could not be compared; not a pass.
    NotEvaluated,
    /// May matter; look at it.
    Warn,
    /// To be expected of a patched host.
    Note,
}

impl Weight {
    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::NotEvaluated => "not_evaluated",
            Self::Warn => "warn",
            Self::Note => "note",
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// How much it weighs.
    pub weight: Weight,
    /// What changed.
    pub kind: ChangeKind,
    /// Which one; empty where there is only one.
    pub subject: String,
    /// What was before.
    pub before: String,
    /// What is now.
    pub after: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.weight.as_str(), self.kind.as_str())?;
        if !self.subject.is_empty() {
            write!(f, " {}", self.subject)?;
        }
        write!(f, ": {} before, {} now", self.before, self.after)
    }
}

/// The judgement of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparisonVerdict {
    /// What worked before works.
    Same,
    /// Some of it could not be compared; nothing that could be is worse.
    NotEvaluated,
    /// Something that worked does not.
    Worse,
}

/// A host before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The judgement.
    pub verdict: ComparisonVerdict,
    /// Whether the host was booted in between, by its boot ids.
    pub rebooted: Tri,
    /// Every difference, heaviest first.
    pub changes: Vec<Change>,
}

/// Compares what a host said before with what it says now. Without either there is nothing to compare,
/// which is never a pass.
pub fn compare(before: Option<&Reading<SurveyReport>>, after: Option<&Reading<SurveyReport>>) -> Comparison {
    compare_with_load(before, after, &LoadCheck::default())
}

/// The same, and how the endpoints of `load` did. One that was not measured at either time was not
/// compared.
pub fn compare_with_load(
    before: Option<&Reading<SurveyReport>>,
    after: Option<&Reading<SurveyReport>>,
    load: &LoadCheck,
) -> Comparison {
    let mut changes = Vec::new();
    for (answer, when) in [(before, "before"), (after, "after")] {
        let said = match answer {
            Some(Reading::Whole(_)) => continue,
            Some(Reading::Truncated(_)) => "cut off",
            None => "none",
        };
        changes.push(Change {
            weight: Weight::NotEvaluated,
            kind: ChangeKind::State,
            subject: format!("answer of {when}"),
            before: if when == "before" { said } else { "looked at apart" }.to_owned(),
            after: if when == "after" { said } else { "looked at apart" }.to_owned(),
        });
    }
    let mut rebooted = Tri::Unknown;
    if let (Some(before), Some(after)) = (before, after) {
        let (before, after) = (before.report(), after.report());
        if let (Some(then), Some(now)) = (&before.boot_id, &after.boot_id) {
            rebooted = then.rebooted(now);
        }
        changes::lists(before, after, &mut changes);
        changes::named(before, after, &mut changes);
        changes::system(before, after, &mut changes);
        load::under_load(before, after, load, &mut changes);
    }
    changes.sort();
    let verdict = match changes.first().map(|change| change.weight) {
        Some(Weight::Worse) => ComparisonVerdict::Worse,
        Some(Weight::NotEvaluated) => ComparisonVerdict::NotEvaluated,
        Some(Weight::Warn | Weight::Note) | None => ComparisonVerdict::Same,
    };
    Comparison { verdict, rebooted, changes }
}
