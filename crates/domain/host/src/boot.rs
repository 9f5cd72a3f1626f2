//! Which boot of a host this is: the proof of a reboot.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fact::Tri;

/// The identity of one boot. On Linux `/proc/sys/kernel/random/boot_id`; on Windows `log-RECORD-TIME`
/// (the event log's record of the start) or `cim-TIME` (`LastBootUpTime`, UTC, to the second).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BootId(String);

/// A value that does not identify a boot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} does not identify a boot: expected 8 to 64 letters, digits and '-'")]
pub struct InvalidBootId(String);

/// Seconds by which `LastBootUpTime` may move within one boot when the clock is set.
const CLOCK_SET_SECONDS: u64 = 120;

impl BootId {
    /// Takes the identity if it is well formed: 8 to 64 ASCII letters, digits and `-`.
    ///
    /// # Errors
    /// [`InvalidBootId`] with the value, shortened.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidBootId> {
        let text = text.into();
        let valid =
            (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if valid { Ok(Self(text)) } else { Err(InvalidBootId(text.chars().take(80).collect())) }
    }

    /// The identity as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a host whose boot was `self` and is now `later` has been booted in between. Unknown when
    /// the two were read in different ways.
    pub fn rebooted(&self, later: &Self) -> Tri {
        if self == later {
            return Tri::No;
        }
        match (self.cim_seconds(), later.cim_seconds()) {
            (Some(before), Some(after)) if before.abs_diff(after) < CLOCK_SET_SECONDS => Tri::No,
            _ if self.kind() != later.kind() => Tri::Unknown,
            _ => Tri::Yes,
        }
    }

    fn kind(&self) -> &str {
        ["log-", "cim-"].into_iter().find(|kind| self.0.starts_with(kind)).unwrap_or("uuid")
    }

    /// Seconds on a scale with months of 31 days: near times are as far apart as they are, but across
    /// the end of a month they seem further, which is on the side of "not proven equal".
    fn cim_seconds(&self) -> Option<u64> {
        let digits = self.0.strip_prefix("cim-").filter(|d| d.len() == 14)?;
        let part = |from: usize, to: usize| digits.get(from..to)?.parse::<u64>().ok();
        let days = (part(0, 4)? * 12 + part(4, 6)?) * 31 + part(6, 8)?;
        Some(((days * 24 + part(8, 10)?) * 60 + part(10, 12)?) * 60 + part(12, 14)?)
    }
}

impl FromStr for BootId {
    type Err = InvalidBootId;
    fn from_str(text: &str) -> Result<Self, InvalidBootId> {
        Self::new(text)
    }
}

impl TryFrom<String> for BootId {
    type Error = InvalidBootId;
    fn try_from(text: String) -> Result<Self, InvalidBootId> {
        Self::new(text)
    }
}

impl From<BootId> for String {
    fn from(id: BootId) -> Self {
        id.0
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rebooted(before: &str, after: &str) -> Tri {
        BootId::new(before).unwrap().rebooted(&BootId::new(after).unwrap())
    }

    #[test]
    fn another_boot_id_proves_a_reboot_and_the_same_one_disproves_it() {
        let (one, two) = ("71faa23e-eef6-456f-acaa-b9f47c1e7baf", "0b1cdd10-8a56-4f0e-9a0c-1fb1d2a6f5aa");
        assert_eq!(rebooted(one, two), Tri::Yes);
        assert_eq!(rebooted(one, one), Tri::No);
    }

    #[test]
    fn a_clock_set_by_a_second_is_not_a_reboot_of_windows() {
        assert_eq!(rebooted("cim-20261121032700", "cim-20261121032701"), Tri::No);
        assert_eq!(rebooted("cim-20261121032700", "cim-20261121041500"), Tri::Yes);
        assert_eq!(rebooted("log-4711-20261121032700", "log-4799-20261121041500"), Tri::Yes);
    }

    #[test]
    fn boots_read_in_different_ways_prove_nothing() {
        assert_eq!(rebooted("log-4711-20261121032700", "cim-20261121041500"), Tri::Unknown);
    }

    #[test]
    fn a_boot_id_carries_nothing_that_a_shell_would_notice() {
        assert!(BootId::new("71faa23e; reboot").is_err());
        assert!(BootId::new("short").is_err());
    }
}
