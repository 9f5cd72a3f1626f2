//! Budgets of a plan: which groups a host belongs to by what it is, and how many of each may be out
//! of service at once.

use std::collections::BTreeMap;

use fleetwright_model::Text;

use super::make::Amount;
use super::ordering::in_service;
use super::roll_out::{Budgets, GroupKind};
use crate::inventory::{Host, Inventory};

/// A group by what it is: its kind and what it is called.
pub(super) type Identity = (GroupKind, Text);

/// How many members a group has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Census {
    /// Running members.
    pub(super) members: u32,
    /// Those of them whose status checks have failed, or that the target group finds unhealthy.
    pub(super) down: u32,
}

impl Census {
    /// Members in service.
    pub(super) fn available(self) -> u32 {
        self.members.saturating_sub(self.down)
    }

    /// Members that may be out of service at once, beside those that are already.
    pub(super) fn room(self, budget: Amount) -> u32 {
        budget.of(self.members).saturating_sub(self.down)
    }
}

/// The groups of one kind that a host belongs to.
pub(super) fn of_kind(kind: GroupKind, host: &Host) -> Vec<Text> {
    let in_account = |name: &Text| format!("{}/{name}", host.account).into();
    match kind {
        GroupKind::Zone => vec![format!("{}/{}", host.zone, host.region).into()],
        GroupKind::Application => {
            host.labels.application.iter().map(|name| application(name, host)).collect()
        }
        GroupKind::AvailabilityZone => host.instance.availability_zone.iter().map(in_account).collect(),
        GroupKind::AutoScalingGroup => {
            let name = |name: &Text| format!("{}/{}/{name}", host.account, host.region).into();
            host.auto_scaling_group().into_iter().map(name).collect()
        }
        GroupKind::TargetGroup => host.target_groups.known().cloned().unwrap_or_default(),
        GroupKind::Run | GroupKind::Wave | GroupKind::Set => Vec::new(),
    }
}

/// An application of one environment: the same name in another is another one.
fn application(name: &Text, host: &Host) -> Text {
    match &host.labels.environment {
        Some(environment) => format!("{name} ({environment})").into(),
        None => name.clone(),
    }
}

/// Every group of a host, with and without a budget.
pub(super) fn of_host(host: &Host) -> impl Iterator<Item = Identity> {
    GroupKind::OF_HOSTS
        .into_iter()
        .flat_map(move |kind| of_kind(kind, host).into_iter().map(move |name| (kind, name)))
}

/// How many members each group has, those that are not worked on included.
pub(super) fn census(inventory: &Inventory) -> BTreeMap<Identity, Census> {
    let mut census: BTreeMap<Identity, Census> = BTreeMap::new();
    let running = |host: &&Host| host.instance.state == fleetwright_model::InstanceState::Running;
    for host in inventory.hosts.iter().filter(running) {
        for identity in of_host(host) {
            let ill = identity.0 == GroupKind::TargetGroup && host.ill_in.contains(&identity.1);
            let count = census.entry(identity).or_default();
            count.members += 1;
            count.down += u32::from(ill || !in_service(host));
        }
    }
    census
}

/// True where a budget of the host's has no room at all, because too many members are down already.
pub(super) fn is_exhausted(host: &Host, budgets: &Budgets, census: &BTreeMap<Identity, Census>) -> bool {
    of_host(host).any(|identity| {
        let count = census.get(&identity).copied().unwrap_or_default();
        count.down > 0 && budgets.of(identity.0).is_some_and(|budget| count.room(budget) == 0)
    })
}
