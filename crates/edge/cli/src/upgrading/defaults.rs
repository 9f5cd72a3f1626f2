//! How clusters are upgraded where nobody says otherwise: the section `upgrade` of the configuration.

use std::time::Duration;

use fleetwright_config::settings::{UpgradeAddons, UpgradeApprovals, UpgradeSettings, UpgradeStrategy};
use fleetwright_eks::plan::{AddonGoal, Approvals, PlanOptions, Strategy, Timeouts};

/// The options of a plan for which nothing else was asked.
pub fn plan_options(settings: &UpgradeSettings) -> PlanOptions {
    PlanOptions {
        strategy: match settings.strategy {
            UpgradeStrategy::InPlace => Strategy::InPlace,
        },
        approvals: match settings.approvals {
            UpgradeApprovals::EachHop => Approvals::EachHop,
            UpgradeApprovals::Once => Approvals::Once,
        },
        addons: match settings.addons {
            UpgradeAddons::NewestReversible => AddonGoal::NewestReversible,
            UpgradeAddons::FewestUpdates => AddonGoal::FewestUpdates,
        },
        groups_at_once: settings.groups_at_once,
        alarms: settings.alarms.clone(),
        timeouts: Timeouts {
            control_plane_seconds: seconds(settings.timeouts.control_plane),
            addon_seconds: seconds(settings.timeouts.addon),
            nodes_seconds: seconds(settings.timeouts.nodes),
            suite_seconds: seconds(settings.timeouts.suite),
        },
        ..PlanOptions::default()
    }
}

/// Whole seconds of a length of time that the configuration bounds.
pub(super) fn seconds(length: Duration) -> u32 {
    u32::try_from(length.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use fleetwright_config::{Layers, resolve};

    use super::*;

    #[test]
    fn the_configuration_s_defaults_are_those_of_a_plan() {
        let settings = resolve(&Layers::default()).expect("defaults are valid").settings;
        let usual = PlanOptions { groups_at_once: 1, ..PlanOptions::default() };
        assert_eq!(plan_options(&settings.upgrade), usual);
        assert_eq!(settings.agent.event_source, fleetwright_ports::events::UPGRADE_SOURCE);
    }
}
