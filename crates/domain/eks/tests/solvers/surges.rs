use fleetwright_eks::Fact;
use fleetwright_eks::facts::nodes::{CniMode, ManagedNodeGroup, NewNodes, UpdateStrategy};
use fleetwright_eks::solve::surge::{
    Addresses, addresses_of_node, addresses_of_surge, refresh_nodes, surge_nodes,
};
use fleetwright_kubernetes::{IntOrPercent, Minor};

fn group(
    zones: usize,
    nodes: u32,
    max_unavailable: IntOrPercent,
    strategy: UpdateStrategy,
) -> ManagedNodeGroup {
    ManagedNodeGroup {
        name: "blue".into(),
        version: Minor::new(33),
        status: "ACTIVE".into(),
        health_issues: vec![],
        ami_type: "AL2023_x86_64_STANDARD".into(),
        target_image: Fact::Known(true),
        nodes,
        max_nodes: nodes,
        max_unavailable,
        strategy,
        pending_launch_template: Fact::Known(false),
        new_nodes: NewNodes {
            subnet_ids: vec![],
            zones: (0..zones).map(|zone| format!("zone-{zone}")).collect(),
            instance_types: Fact::Known(vec![]),
            vcpus: Fact::Known(4),
            vcpu_quotas: vec![],
            pods_per_node: Fact::Known(28),
        },
    }
}

#[test]
fn a_group_grows_by_twice_its_zones_or_by_what_may_be_unavailable() {
    let grows = |zones, unavailable| surge_nodes(&group(zones, 30, unavailable, UpdateStrategy::Default));
    assert_eq!(grows(3, IntOrPercent::Count(1)), 6);
    assert_eq!(grows(3, IntOrPercent::Percent(33)), 10);
    assert_eq!(surge_nodes(&group(3, 30, IntOrPercent::Count(9), UpdateStrategy::Minimal)), 0);
}

#[test]
fn a_node_takes_whole_interfaces_prefixes_or_single_addresses() {
    let addresses = |warm_addresses, minimum_addresses| CniMode::Addresses {
        per_interface: 15,
        warm_addresses,
        minimum_addresses,
    };
    let taken = |mode| addresses_of_node(mode, 28, false);
    let nodes = |of_nodes| Addresses { of_nodes, of_pods: 0 };
    assert_eq!(taken(addresses(None, 0)), nodes(45), "two interfaces in use and one warm");
    assert_eq!(taken(addresses(Some(2), 0)), nodes(33), "28 pods, 2 warm, 3 interfaces");
    assert_eq!(taken(addresses(Some(2), 50)), nodes(54), "50 at least, 4 interfaces");
    assert_eq!(taken(CniMode::Prefixes), nodes(49), "two prefixes in use, one warm, the interface");
    assert_eq!(taken(CniMode::Overlay), nodes(1));
    assert_eq!(addresses_of_node(CniMode::Prefixes, 28, true), Addresses { of_nodes: 1, of_pods: 49 });
}

#[test]
fn a_surge_takes_the_addresses_of_all_its_nodes() {
    assert_eq!(addresses_of_surge(4, 28, CniMode::Prefixes, false).of_nodes, 4 * 49);
    assert_eq!(
        addresses_of_surge(4, 28, CniMode::Prefixes, true),
        Addresses { of_nodes: 4, of_pods: 4 * 49 }
    );
}

#[test]
fn a_refresh_adds_a_tenth_of_the_group_and_at_least_one() {
    assert_eq!([0, 1, 10, 11, 400].map(refresh_nodes), [0, 1, 1, 2, 40]);
}
