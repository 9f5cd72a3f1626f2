//! Whether a host is fit to be patched, judged from its survey.

mod checks;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::answer::Reading;
use crate::questions::Questions;
use crate::survey::SurveyReport;

/// Limits of the checks. Plain data: which host has which is decided where tags are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// A root disk fuller than this fails, in percent.
    pub root_used_percent_max: u8,
    /// Temporary space fuller than this fails, in percent.
    pub temp_used_percent_max: u8,
    /// Less memory available than this fails, in MiB.
    pub memory_available_mib_min: u64,
    /// More load per processor than this warns, in percent.
    pub load_per_cpu_percent_max: u64,
    /// What facts that could not be read do.
    pub unknown: UnknownFacts,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            root_used_percent_max: 85,
            temp_used_percent_max: 90,
            memory_available_mib_min: 512,
            load_per_cpu_percent_max: 80,
            unknown: UnknownFacts::default(),
        }
    }
}

/// Which facts keep a host from being called ready when they could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownFacts {
    /// Those whose check can fail; repositories excepted, because many hosts cannot say.
    #[default]
    CriticalBlock,
    /// All of them.
    AllBlock,
    /// None; they are shown and nothing more.
    NoneBlock,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Whether the whole answer arrived.
    Answer,
    /// The root disk.
    RootDisk,
    /// Temporary space.
    TempDisk,
    /// Memory available.
    Memory,
    /// A service that must be active.
    Service,
    /// The package manager's lock.
    PackageLock,
    /// The package repositories.
    Repositories,
    /// A health endpoint.
    Health,
    /// A database.
    Database,
    /// Load per processor.
    Load,
    /// A reboot that is due already.
    PendingReboot,
    /// The security agents.
    SecurityAgent,
}

impl Check {
    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::RootDisk => "root_disk",
            Self::TempDisk => "temp_disk",
            Self::Memory => "memory",
            Self::Service => "service",
            Self::PackageLock => "package_lock",
            Self::Repositories => "repositories",
            Self::Health => "health",
            Self::Database => "database",
            Self::Load => "load",
            Self::PendingReboot => "pending_reboot",
            Self::SecurityAgent => "security_agent",
        }
    }

    /// Whether not knowing keeps a host from being called ready, by default.
    pub fn is_critical(self) -> bool {
        !matches!(self, Self::Repositories | Self::Load | Self::PendingReboot | Self::SecurityAgent)
    }
}

/// How much a finding weighs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The host is not ready.
    Fail,
    /// Nobody could tell, and why.
    NotEvaluated(String),
    /// A risk to know of.
    Warn,
}

impl Severity {
    /// The name in reports.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::NotEvaluated(_) => "not_evaluated",
            Self::Warn => "warn",
        }
    }
}

/// One thing found about a host. What is in order is not a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFinding {
    /// What was looked at.
    pub check: Check,
    /// Which service, endpoint or database, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How much it weighs.
    pub severity: Severity,
    /// What the host said.
    pub observed: String,
    /// What would have been right.
    pub limit: String,
    /// What to do.
    pub action: String,
}

impl fmt::Display for HostFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.severity.as_str(), self.check.as_str())?;
        if let Some(subject) = &self.subject {
            write!(f, " {subject}")?;
        }
        write!(f, ": {} (wanted: {})", self.observed, self.limit)?;
        if let Severity::NotEvaluated(reason) = &self.severity {
            write!(f, "; {reason}")?;
        }
        write!(f, ". {}", self.action)
    }
}

/// Whether a host is fit to be patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadyVerdict {
    /// It is; there may be warnings.
    Ready,
    /// Nobody can tell: a fact that matters was not read.
    Unknown,
    /// It is not.
    NotReady,
}

/// A verdict with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// The verdict.
    pub verdict: ReadyVerdict,
    /// Findings: failures first, then what was not evaluated, then warnings; by check and subject.
    pub findings: Vec<HostFinding>,
}

impl Readiness {
    /// The finding that decides the verdict, if the host is not ready.
    pub fn deciding(&self) -> Option<&HostFinding> {
        (self.verdict != ReadyVerdict::Ready).then(|| self.findings.first()).flatten()
    }
}

/// Judges a host. `asked` is what the survey asked: something that was asked for and not answered is not
/// evaluated, and never passes.
pub fn readiness(answer: &Reading<SurveyReport>, thresholds: &Thresholds, asked: &Questions) -> Readiness {
    let mut findings = Vec::new();
    if let Reading::Truncated(_) = answer {
        findings.push(HostFinding {
            check: Check::Answer,
            subject: None,
            severity: Severity::NotEvaluated("facts may be missing".to_owned()),
            observed: "the host's answer was cut off".to_owned(),
            limit: "an answer with its last line".to_owned(),
            action: "Ask about fewer services, endpoints and databases.".to_owned(),
        });
    }
    let report = answer.report();
    checks::system(report, thresholds, &mut findings);
    checks::packages(report, &mut findings);
    checks::applications(report, asked, &mut findings);
    let blocks = |finding: &HostFinding| match thresholds.unknown {
        UnknownFacts::CriticalBlock => finding.check.is_critical(),
        UnknownFacts::AllBlock => true,
        UnknownFacts::NoneBlock => false,
    };
    let weight = |finding: &HostFinding| match finding.severity {
        Severity::Fail => 0,
        Severity::NotEvaluated(_) if blocks(finding) => 1,
        Severity::NotEvaluated(_) => 2,
        Severity::Warn => 3,
    };
    findings.sort_by(|a, b| (weight(a), a.check, &a.subject).cmp(&(weight(b), b.check, &b.subject)));
    let verdict = match findings.first().map(weight) {
        Some(0) => ReadyVerdict::NotReady,
        Some(1) => ReadyVerdict::Unknown,
        _ => ReadyVerdict::Ready,
    };
    Readiness { verdict, findings }
}
