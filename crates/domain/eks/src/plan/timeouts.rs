//! How long steps may take before they count as failed.

use serde::{Deserialize, Serialize};

/// How long steps may take, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// For one hop of the control plane. Usual are 10 to 20 minutes; nothing bounds it.
    pub control_plane_seconds: u32,
    /// For an add-on.
    pub addon_seconds: u32,
    /// For the nodes of a group, at least: they have [`Self::NODES_FACTOR`] times what is expected of them.
    pub nodes_seconds: u32,
    /// For one run of a test suite.
    pub suite_seconds: u32,
}

impl Timeouts {
    /// Times that nodes may take of what they are expected to.
    const NODES_FACTOR: u32 = 4;

    /// Seconds that nodes may take of which `expected` are expected.
    pub(crate) fn nodes(&self, expected: u32) -> u32 {
        expected.saturating_mul(Self::NODES_FACTOR).max(self.nodes_seconds)
    }

    /// Whether these are the usual ones, which plans leave out.
    pub(super) fn are_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            control_plane_seconds: 3 * 3600,
            addon_seconds: 45 * 60,
            nodes_seconds: 2 * 3600,
            suite_seconds: 30 * 60,
        }
    }
}
