//! Readiness checks: what they are, what they say, and how they are evaluated.

mod evaluate;
mod family;
mod readiness;
mod suppression;

use std::fmt;

use fleetwright_kubernetes::{Hop, Minor};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use evaluate::{Assessment, CheckResult, assess};
pub use family::Family;
pub use readiness::Readiness;
pub use suppression::Suppression;

use crate::facts::{Fact, Facts, Unread, UnreadCause};

/// One entry of the catalogue.
#[derive(Debug)]
pub struct Check {
    /// Its code, such as `EKS-V1`; never used for anything else.
    pub code: &'static str,
    /// What it asks for, in one sentence.
    pub title: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// How grave its findings are at most.
    pub severity: Severity,
    /// Whether it is asked once or for every hop.
    pub scope: Scope,
    /// The versions it is about.
    pub applies: Applies,
    /// Where its facts come from.
    pub source: &'static str,
    /// What to do about a finding.
    pub remedy: &'static str,
    /// Looks.
    pub(crate) evaluate: fn(&Context<'_>, &mut Examination),
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something to know.
    Warning,
    /// The upgrade does not start while it is open.
    Blocking,
}

/// How often a check is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Once, about the cluster as it is.
    Cluster,
    /// For every hop.
    Hop,
}

/// Which hops a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// All.
    Always,
    /// Hops to this version or a later one.
    From(Minor),
}

/// What a check says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Verdict {
    /// Everything was looked at, and nothing found.
    Pass,
    /// Something was found.
    Finding {
        /// What.
        findings: Vec<Finding>,
        /// What could not be looked at beside it.
        unread: Vec<Unread>,
    },
    /// Something could not be looked at, and nothing was found in the rest.
    NotEvaluated {
        /// Why.
        unread: Vec<Unread>,
    },
}

/// Something that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How grave it is.
    pub severity: Severity,
    /// What it is about, such as `node group blue`; untrusted text.
    pub subject: String,
    /// What is wrong.
    pub what: String,
    /// What was read that says so; untrusted text.
    pub evidence: String,
    /// What to do.
    pub remedy: String,
    /// Why it was suppressed, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<String>,
}

/// What a check looks at.
pub struct Context<'a> {
    /// What was read.
    pub facts: &'a Facts,
    /// The hop it is asked about; the first one for a check of [`Scope::Cluster`].
    pub hop: Hop,
    /// All hops, in order.
    pub route: &'a [Hop],
    /// Now.
    pub at: Timestamp,
}

impl Context<'_> {
    /// Whether this is the hop that comes first: later ones leave time for what they need.
    pub(crate) fn is_first_hop(&self) -> bool {
        self.route.first() == Some(&self.hop)
    }
}

/// What a check has seen so far. It passes only where it looked at something and all of it was known.
pub struct Examination {
    severity: Severity,
    remedy: &'static str,
    findings: Vec<Finding>,
    unread: Vec<Unread>,
    looked: bool,
}

impl Examination {
    pub(crate) fn new(check: &Check) -> Self {
        let (severity, remedy) = (check.severity, check.remedy);
        Self { severity, remedy, findings: Vec::new(), unread: Vec::new(), looked: false }
    }

    /// Looks at a fact; that it is not known goes into the verdict.
    pub(crate) fn read<'f, T>(&mut self, fact: &'f Fact<T>) -> Option<&'f T> {
        match fact {
            Fact::Known(value) => {
                self.looked = true;
                Some(value)
            }
            Fact::NotRead(unread) => {
                self.unread.push(unread.clone());
                None
            }
        }
    }

    /// A part of what was looked at could not be judged.
    pub(crate) fn incomplete(&mut self, detail: impl Into<String>) {
        self.unread.push(Unread { cause: UnreadCause::Incomplete, detail: detail.into() });
    }

    /// Something is found, as grave as the check's findings are.
    pub(crate) fn find(
        &mut self,
        subject: impl fmt::Display,
        what: impl Into<String>,
        evidence: impl Into<String>,
    ) {
        self.find_as(self.severity, subject, what, evidence);
    }

    /// Something is found that is worth knowing only.
    pub(crate) fn warn(
        &mut self,
        subject: impl fmt::Display,
        what: impl Into<String>,
        evidence: impl Into<String>,
    ) {
        self.find_as(Severity::Warning, subject, what, evidence);
    }

    fn find_as(
        &mut self,
        severity: Severity,
        subject: impl fmt::Display,
        what: impl Into<String>,
        evidence: impl Into<String>,
    ) {
        self.findings.push(Finding {
            severity,
            subject: subject.to_string(),
            what: what.into(),
            evidence: evidence.into(),
            remedy: self.remedy.to_owned(),
            suppressed: None,
        });
    }

    /// What it comes to.
    pub(crate) fn verdict(mut self) -> Verdict {
        self.unread.sort();
        self.unread.dedup();
        if !self.findings.is_empty() {
            return Verdict::Finding { findings: self.findings, unread: self.unread };
        }
        if !self.looked && self.unread.is_empty() {
            self.incomplete("the check had nothing to look at");
        }
        match self.unread.is_empty() {
            true => Verdict::Pass,
            false => Verdict::NotEvaluated { unread: self.unread },
        }
    }
}

impl Check {
    /// Whether it is about a hop.
    pub fn applies_to(&self, hop: Hop) -> bool {
        match self.applies {
            Applies::Always => true,
            Applies::From(minor) => hop.to >= minor,
        }
    }
}
