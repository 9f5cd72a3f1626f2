//! The guarded reboot: what is asked, and what the host says it did.

use std::collections::BTreeMap;
use std::fmt;

use fleetwright_model::InstanceId;
use serde::{Deserialize, Serialize};

use crate::answer::{AnswerError, Reading, frame};
use crate::boot::BootId;
use crate::fact::Tri;

/// Exit status with which a Linux script asks the agent to reboot and to run it again (Systems Manager
/// User Guide, "Rebooting managed nodes from scripts").
pub const LINUX_REBOOT_STATUS: i32 = 194;
/// The same on Windows.
pub const WINDOWS_REBOOT_STATUS: i32 = 3010;

/// When a host is rebooted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// When its operating system says so, or cannot say that it is not needed.
    Conditional,
    /// Always.
    Force,
}

impl Strategy {
    /// The word of the script's parameter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conditional => "conditional",
            Self::Force => "force",
        }
    }
}

/// Asks the hosts of a batch to reboot, each from the boot it was last seen in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebootRequest {
    /// When.
    pub strategy: Strategy,
    /// The boot of each host. A host that is not named refuses.
    pub expected: BTreeMap<InstanceId, BootId>,
    /// The run, for the host's answer: 1 to 64 letters, digits, `-`, `_` and `.`.
    pub run: String,
}

/// What a host did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RebootResult {
    /// It is in another boot than the expected one: the proof. Said by the second run of the script.
    Rebooted,
    /// It asks its agent to reboot now; the script runs again afterwards.
    Rebooting,
    /// A reboot was asked for earlier in this boot and has not happened yet; it is not asked for again.
    Pending,
    /// Its operating system needs none.
    NotNeeded,
    /// It cannot be done safely; [`RebootReport::reason`] says why.
    Refused,
}

impl RebootResult {
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "rebooted" => Some(Self::Rebooted),
            "rebooting" => Some(Self::Rebooting),
            "pending" => Some(Self::Pending),
            "not_needed" => Some(Self::NotNeeded),
            "refused" => Some(Self::Refused),
            _ => None,
        }
    }

    /// The word of the answer.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rebooted => "rebooted",
            Self::Rebooting => "rebooting",
            Self::Pending => "pending",
            Self::NotNeeded => "not_needed",
            Self::Refused => "refused",
        }
    }
}

/// The answer of the reboot script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RebootReport {
    /// What was done.
    pub result: RebootResult,
    /// The boot in which the script ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<BootId>,
    /// The boot that was expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<BootId>,
    /// Whether a reboot was needed, where that was asked. Unknown was taken for needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<Tri>,
    /// What says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The run that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// Keys of the answer, in the order in which they may come.
pub const KEYS: [&str; 7] = ["boot_id", "run", "before", "need", "evidence", "result", "reason"];

/// Reads the answer of the reboot script.
///
/// # Errors
/// [`AnswerError`] when there is no answer, its version is unknown, or it does not say what was done.
pub fn parse(output: &str) -> Result<Reading<RebootReport>, AnswerError> {
    let frame = frame("reboot", output)?;
    let value = |wanted: &str| {
        frame.lines.iter().rev().find(|(key, _)| key == wanted).map(|(_, value)| value.as_str())
    };
    let text = |key| value(key).map(str::to_owned);
    let boot = |key| value(key).and_then(|value| BootId::new(value).ok());
    let result = value("result")
        .and_then(RebootResult::from_word)
        .ok_or(AnswerError::Missing { script: "reboot", key: "result" })?;
    let report = RebootReport {
        result,
        boot_id: boot("boot_id"),
        before: boot("before"),
        need: value("need").and_then(Tri::from_word),
        evidence: text("evidence"),
        reason: text("reason"),
        run: text("run"),
    };
    // "Rebooted" is a proof or nothing: both boots must be there and differ.
    let proven = match (&report.before, &report.boot_id) {
        (Some(before), Some(now)) => before.rebooted(now) == Tri::Yes,
        _ => false,
    };
    if result == RebootResult::Rebooted && !proven {
        return Err(AnswerError::Missing { script: "reboot", key: "proof (before and boot_id)" });
    }
    Ok(if frame.whole { Reading::Whole(report) } else { Reading::Truncated(report) })
}

impl fmt::Display for RebootReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.result.as_str())?;
        if let (Some(before), Some(now)) = (&self.before, &self.boot_id) {
            write!(f, ", boot before {before}, now {now}")?;
        }
        if let Some(need) = self.need {
            write!(f, ", needed: {need} ({})", self.evidence.as_deref().unwrap_or("no evidence given"))?;
            if need == Tri::Unknown {
                f.write_str(", unknown counts as needed")?;
            }
        }
        if let Some(reason) = &self.reason {
            write!(f, ", reason: {reason}")?;
        }
        Ok(())
    }
}
