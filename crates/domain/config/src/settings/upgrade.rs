//! `agent` and `upgrade`: how clusters are upgraded where nobody says otherwise.

use std::time::Duration;

use super::words;

/// `agent`: whom upgrades tell of what happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentSettings {
    /// The event bus of each cluster's account and region.
    pub event_bus: Option<String>,
    /// The source of its events.
    pub event_source: String,
}

/// `upgrade`: how clusters are upgraded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeSettings {
    /// The strategy.
    pub strategy: UpgradeStrategy,
    /// When people are asked.
    pub approvals: UpgradeApprovals,
    /// Where add-ons are after the last hop.
    pub addons: UpgradeAddons,
    /// Node groups and pools of a cluster replaced at once; at least 1.
    pub groups_at_once: u16,
    /// CloudWatch alarms that may not go off meanwhile.
    pub alarms: Vec<String>,
    /// How long EKS is given to look at a cluster again; none where nobody says.
    pub refresh: Option<Duration>,
    /// Clusters of a ring worked on at once; at least 1.
    pub clusters_at_once: u16,
    /// How long a ring proves itself.
    pub soak: Duration,
    /// Whether a hub takes the last hop of a failed upgrade back.
    pub rollback: bool,
    /// How long steps may take.
    pub timeouts: UpgradeTimeouts,
}

/// `upgrade.timeouts`: how long steps may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpgradeTimeouts {
    /// One hop of the control plane.
    pub control_plane: Duration,
    /// An add-on.
    pub addon: Duration,
    /// The nodes of a group, at least.
    pub nodes: Duration,
    /// One run of a test suite.
    pub suite: Duration,
}

words! {
    /// How clusters are upgraded.
    UpgradeStrategy {
        /// The cluster itself goes up, one minor at a time.
        InPlace = "in-place",
    }
}

words! {
    /// When people are asked.
    UpgradeApprovals {
        /// Before each hop of the control plane.
        EachHop = "each-hop",
        /// Once, before the first change.
        Once = "once",
    }
}

words! {
    /// Where add-ons are after the last hop.
    UpgradeAddons {
        /// At the newest version that serves both ends of it.
        NewestReversible = "newest-reversible",
        /// Wherever the fewest updates lead.
        FewestUpdates = "fewest-updates",
    }
}
