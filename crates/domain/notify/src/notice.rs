//! One thing people may want to know.

use std::fmt;

use fleetwright_model::{AccountId, InstanceId, Phase, Region, Text, ZoneName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It goes as planned.
    Info,
    /// Somebody may have to decide or to look.
    Warning,
    /// Something failed.
    Error,
    /// A person is needed now.
    Critical,
}

impl Severity {
    /// Every severity, the least first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// The severity as configuration and messages name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// The severity of that name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == word)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A run was begun, or taken up again.
    RunStarted,
    /// A run is over.
    RunEnded,
    /// A run was paused, frozen or aborted.
    RunHeld,
    /// A paused or frozen run goes on.
    RunGoesOn,
    /// A gate waits for a decision.
    GateWaits,
    /// Somebody decided at a gate, or nobody did in time.
    GateDecided,
    /// What a gate looked at spoke against going on.
    GateFailed,
    /// A host did not end well.
    HostFailed,
    /// A host was put back to its backup.
    HostRolledBack,
    /// A host needs a person.
    HostStuck,
    /// A step of a cluster's upgrade did not end well.
    ClusterFailed,
    /// What a run leaves behind could not be cleaned up.
    CleanUpFailed,
    /// Somebody tries whether messages arrive.
    Test,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::RunStarted,
        Self::RunEnded,
        Self::RunHeld,
        Self::RunGoesOn,
        Self::GateWaits,
        Self::GateDecided,
        Self::GateFailed,
        Self::HostFailed,
        Self::HostRolledBack,
        Self::HostStuck,
        Self::ClusterFailed,
        Self::CleanUpFailed,
        Self::Test,
    ];

    /// The kind as configuration and messages name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RunStarted => "run_started",
            Self::RunEnded => "run_ended",
            Self::RunHeld => "run_held",
            Self::RunGoesOn => "run_goes_on",
            Self::GateWaits => "gate_waits",
            Self::GateDecided => "gate_decided",
            Self::GateFailed => "gate_failed",
            Self::HostFailed => "host_failed",
            Self::HostRolledBack => "host_rolled_back",
            Self::HostStuck => "host_stuck",
            Self::ClusterFailed => "cluster_failed",
            Self::CleanUpFailed => "clean_up_failed",
            Self::Test => "test",
        }
    }

    /// The kind of that name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// True for what is about one host or cluster among many: a thousand of them are told as a number.
    pub fn is_of_host(self) -> bool {
        matches!(
            self,
            Self::HostFailed
                | Self::HostRolledBack
                | Self::HostStuck
                | Self::ClusterFailed
                | Self::CleanUpFailed
        )
    }

    /// What several of them are, in words: `3 hosts failed`.
    pub fn several(self, count: u64) -> String {
        let s = if count == 1 { "" } else { "s" };
        match self {
            Self::HostFailed => format!("{count} host{s} failed"),
            Self::HostRolledBack => format!("{count} host{s} rolled back"),
            Self::HostStuck => format!("{count} host{s} stuck"),
            Self::ClusterFailed => format!("{count} cluster{s} failed"),
            Self::CleanUpFailed => format!("{count} clean-up{s} failed"),
            Self::RunStarted => "started".to_owned(),
            Self::RunEnded => "ended".to_owned(),
            Self::RunHeld => "held".to_owned(),
            Self::RunGoesOn => "goes on".to_owned(),
            Self::GateWaits => format!("{count} gate{s} waiting"),
            Self::GateDecided => format!("{count} decision{s}"),
            Self::GateFailed => format!("{count} gate{s} failed"),
            Self::Test => "test".to_owned(),
        }
    }
}

/// Where it happened. What is of a run as a whole has all of its landing zones and no phase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Scope {
    /// The landing zones.
    pub zones: Vec<ZoneName>,
    /// Their accounts.
    pub accounts: Vec<AccountId>,
    /// The region, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The phase, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
}

/// A host and what people call it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HostNamed {
    /// The instance.
    pub id: InstanceId,
    /// Its `Name` tag; untrusted text on one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// Its application; untrusted text on one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<Text>,
}

/// How many hosts or clusters of a run ended how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Hosts of the run.
    pub hosts: usize,
    /// Clusters of the run; left out where it is about hosts.
    #[serde(skip_serializing_if = "is_none_of_them")]
    pub clusters: usize,
    /// By outcome, as reports name it; those of none are left out.
    pub outcomes: std::collections::BTreeMap<&'static str, usize>,
}

/// Serde asks by reference.
fn is_none_of_them(count: &usize) -> bool {
    *count == 0
}

/// One thing people may want to know. Every text in it is on one line and without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// What happened.
    pub kind: Kind,
    /// How much it matters.
    pub severity: Severity,
    /// When, by the run's clock.
    pub at: Timestamp,
    /// The run.
    pub run: Text,
    /// Where.
    #[serde(flatten)]
    pub scope: Scope,
    /// The host, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<HostNamed>,
    /// The code of the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Text>,
    /// What happened, in a few words.
    pub title: String,
    /// The reason in words. Untrusted text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// How the run's hosts or clusters ended, where it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
}

impl Notice {
    /// One with which somebody tries whether messages arrive.
    pub fn test(run: &str, by: &str, severity: Severity, at: Timestamp) -> Self {
        Self {
            kind: Kind::Test,
            severity,
            at,
            run: run.into(),
            scope: Scope::default(),
            host: None,
            code: None,
            title: "a test message of fleetwright".to_owned(),
            message: Some(format!("sent by {}; nothing happened", crate::line(by))),
            next_step: None,
            counts: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_what_they_name() {
        for severity in Severity::ALL {
            assert_eq!(Severity::from_word(severity.as_str()), Some(severity));
        }
        for kind in Kind::ALL {
            assert_eq!(Kind::from_word(kind.as_str()), Some(kind));
        }
    }
}
