//! vCPUs of standard instances against their quotas.
//!
//! Source: EC2 User Guide, "Amazon EC2 instance type quotas".

use std::collections::BTreeMap;

use fleetwright_eks::facts::control_plane::Usage;
use fleetwright_eks::facts::nodes::Launched;
use fleetwright_eks::facts::{Fact, UnreadCause};
use fleetwright_model::{Cell, InstanceState, Lifecycle, Text};
use fleetwright_ports::InstanceQuery;

use super::{ClusterPorts, unread};

const ON_DEMAND: &str = "Running On-Demand Standard instances";
const SPOT: &str = "All Standard Spot Instance Requests";
/// What groups of other families count against; it is not read.
const OTHERS: &str = "a quota of accelerated, high-memory or high-performance instances";

/// Whether a type counts against the quotas of standard instances: families that begin with A, C, D, H, I, M, R, T
/// or Z, but for those of accelerated and high-performance computing.
fn is_standard(kind: &str) -> bool {
    let family = kind.split('.').next().unwrap_or(kind);
    let others = ["dl", "hpc", "inf", "trn", "mac"];
    family.starts_with(['a', 'c', 'd', 'h', 'i', 'm', 'r', 't', 'z'])
        && !others.iter().any(|other| family.starts_with(other))
}

/// The quotas that the vCPUs of what a group launches may count against.
pub(super) fn of_group(launched: &Launched) -> Vec<String> {
    let is_standard = launched.instance_types.iter().all(|kind| is_standard(kind));
    let quotas: &[(&str, bool)] = match is_standard {
        true => &[(ON_DEMAND, launched.on_demand), (SPOT, launched.spot)],
        false => &[(OTHERS, true)],
    };
    quotas.iter().filter(|(_, counts)| *counts).map(|(name, _)| (*name).to_owned()).collect()
}

/// What runs in the region against the quotas of standard instances.
pub(super) async fn vcpus(ports: ClusterPorts<'_>, cell: &Cell<'_>) -> Fact<Vec<(String, Usage)>> {
    let (on_demand, spot) = match ports.foundations.vcpu_quotas(cell).await {
        Ok(quotas) => quotas,
        Err(failure) => return unread(&failure),
    };
    let query = InstanceQuery {
        states: vec![InstanceState::Pending, InstanceState::Running],
        ..InstanceQuery::default()
    };
    let running = ports.machines.instances(cell, &query).await;
    if let Some(failure) = running.failure {
        return unread(&failure);
    }
    let mut counts: BTreeMap<(Text, bool), u32> = BTreeMap::new();
    for instance in running.items.iter().filter(|instance| is_standard(&instance.instance_type)) {
        let spot = instance.lifecycle == Lifecycle::Spot;
        *counts.entry((instance.instance_type.clone(), spot)).or_default() += 1;
    }
    let types: Vec<Text> = counts.keys().map(|(kind, _)| kind.clone()).collect();
    let sizes = ports.machines.hardware(cell, &types).await;
    let size = |kind: &Text| sizes.items.iter().find(|(name, _)| name == kind).map(|(_, size)| size.vcpus);
    let mut used = [0_u32; 2];
    for ((kind, spot), count) in &counts {
        match (size(kind), &sizes.failure) {
            (Some(size), _) => {
                let sum = &mut used[usize::from(*spot)];
                *sum = sum.saturating_add(size.saturating_mul(*count));
            }
            (None, Some(failure)) => return unread(failure),
            (None, None) => {
                let detail = format!("EC2 does not say how many vCPUs an instance of type {kind} has");
                return Fact::unread(UnreadCause::Incomplete, detail);
            }
        }
    }
    Fact::Known(vec![
        (ON_DEMAND.to_owned(), Usage { used: used[0], quota: on_demand }),
        (SPOT.to_owned(), Usage { used: used[1], quota: spot }),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_count_against_the_quota_of_their_families() {
        let of = |types: &[&str], on_demand, spot| {
            let instance_types = types.iter().map(|it| (*it).to_owned()).collect();
            of_group(&Launched { instance_types, on_demand, spot })
        };
        assert_eq!(of(&["m5.large", "c7g.xlarge"], true, false), [ON_DEMAND]);
        assert_eq!(of(&["m5.large"], false, true), [SPOT]);
        assert_eq!(of(&["m5.large"], true, true), [ON_DEMAND, SPOT]);
        for other in
            ["p5.48xlarge", "inf2.xlarge", "trn1.2xlarge", "hpc7a.96xlarge", "u-6tb1.metal", "dl1.24xlarge"]
        {
            assert_eq!(of(&["m5.large", other], true, false), [OTHERS], "{other}");
        }
    }
}
