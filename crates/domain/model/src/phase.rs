//! The phases of a patching run, as commands, configuration and permissions name them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A phase of the EC2 workflow (REQUIREMENTS §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Reading the fleet.
    Scan,
    /// Images before anything changes.
    Backup,
    /// Starting stopped instances.
    Start,
    /// Checking that hosts can be patched.
    Precheck,
    /// Installing patches and rebooting.
    Patch,
    /// Proving that hosts are well afterwards.
    Validate,
    /// Writing reports.
    Report,
}

impl Phase {
    /// Every phase, in the order a run goes through them.
    pub const ALL: [Self; 7] =
        [Self::Scan, Self::Backup, Self::Start, Self::Precheck, Self::Patch, Self::Validate, Self::Report];

    /// The phase's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Backup => "backup",
            Self::Start => "start",
            Self::Precheck => "precheck",
            Self::Patch => "patch",
            Self::Validate => "validate",
            Self::Report => "report",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
