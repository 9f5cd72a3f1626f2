//! What a cluster takes of the region's network: interfaces of its control plane and of its nodes.
//!
//! Rules: EKS user guide, "View Amazon EKS networking requirements for VPC and subnets", and VPC CNI's default of one
//! interface of addresses on a node from the start (EKS best practices guide, "Amazon VPC CNI").

use std::net::Ipv4Addr;
use std::sync::Arc;

use rand::RngExt;

use super::update::Problem;
use super::{Cluster, Ground};
use crate::world::ids::{InstanceId, InterfaceId};
use crate::world::instance_types;
use crate::world::network::{Holder, Interface, Subnet};

/// Addresses that an update of a control plane needs at most, in all subnets together.
pub const UPDATE_ADDRESSES: u32 = 5;

/// Zones that a cluster's subnets have to be in, at least.
const ZONES: usize = 2;

/// Interfaces that a control plane has.
const INTERFACES: usize = 2;

/// The name of a node with an address: its private DNS name.
#[must_use]
pub fn node_name(address: Ipv4Addr, region: &str) -> String {
    let [first, second, third, fourth] = address.octets();
    let domain = match region {
        "us-east-1" => "ec2.internal".to_owned(),
        code => format!("{code}.compute.internal"),
    };
    format!("ip-{first}-{second}-{third}-{fourth}.{domain}")
}

/// Addresses that a new node takes: all of its first interface.
#[must_use]
pub fn of_node(instance_type: &str) -> u32 {
    instance_types::find(instance_type).map_or(1, |it| it.addresses_per_interface)
}

impl Ground<'_> {
    /// Addresses of a subnet that are free.
    #[must_use]
    pub fn free(&self, subnet: &Subnet) -> u32 {
        self.network.free(subnet, self.instances)
    }

    fn interface(&self, of: &str) -> InterfaceId {
        InterfaceId(self.seed.child("interface").child(of).stream().random())
    }

    /// An address of a subnet that nobody has, chosen by a number.
    #[must_use]
    pub fn address(&self, subnet: &Subnet, number: u32) -> Option<Ipv4Addr> {
        let all = (0..subnet.size()).map(|n| subnet.nth((number % subnet.size()).wrapping_add(n)));
        let taken =
            |it: &Ipv4Addr| self.network.has(*it) || self.instances.iter().any(|own| own.private_ip == *it);
        all.into_iter().find(|it| !taken(it))
    }

    /// Gives a new node its first interface.
    pub fn connect(
        &mut self,
        instance: InstanceId,
        subnet: &Subnet,
        (address, addresses): (Ipv4Addr, u32),
    ) -> InterfaceId {
        let id = self.interface(&instance.to_string());
        let holder = Holder::Node(instance);
        self.network.interfaces.insert(id, Interface { subnet: subnet.id, address, addresses, holder });
        id
    }

    /// Gives a pod on Fargate its interface; `node` is the name of the pod's node.
    pub fn connect_fargate(&mut self, node: &str, subnet: &Subnet, address: Ipv4Addr) {
        let holder = Holder::Fargate(node.to_owned());
        let made = Interface { subnet: subnet.id, address, addresses: 1, holder };
        let id = self.interface(node);
        self.network.interfaces.insert(id, made);
    }

    /// The subnet among these that another node goes into: they take turns, and those without room or without the type
    /// are passed by. An empty type is offered everywhere and takes one address.
    #[must_use]
    pub fn room(&self, subnets: &[String], turn: usize, instance_type: &str) -> Option<Arc<Subnet>> {
        let zones = subnets.len().max(1);
        let needed = of_node(instance_type);
        let turns = (0..zones).filter_map(|n| subnets.get((turn + n) % zones));
        let mut turns = turns.filter_map(|id| self.network.subnet(id));
        let offered = |zone: &str| instance_type.is_empty() || self.network.offers(zone, instance_type);
        turns.find(|it| self.free(it) >= needed && offered(&it.zone)).cloned()
    }

    /// Takes a node's interface away; `instance` is the instance's id, as text.
    pub fn disconnect(&mut self, instance: &str) {
        let id = self.interface(instance);
        self.network.interfaces.remove(&id);
    }
}

/// Gives a new cluster the interfaces of its control plane, in its first subnets.
pub fn connect(cluster: &Cluster, ground: &mut Ground<'_>) {
    for (nth, id) in cluster.subnets.iter().take(INTERFACES).enumerate() {
        let Some(subnet) = ground.network.subnet(id).cloned() else { continue };
        let interface = ground.interface(&format!("{}/{nth}", cluster.name));
        let Some(address) = ground.address(&subnet, interface.0 as u32) else { continue };
        let holder = Holder::ControlPlane(cluster.name.clone());
        let made = Interface { subnet: subnet.id, address, addresses: 1, holder };
        ground.network.interfaces.insert(interface, made);
    }
}

/// What of the network keeps a control plane from being replaced.
pub(super) fn problem(cluster: &Cluster, ground: &Ground<'_>) -> Option<Problem> {
    let problem = |code: &str, message: String, resources: Vec<String>| {
        Some(Problem { code: code.to_owned(), message, resources })
    };
    let (there, gone): (Vec<&String>, Vec<&String>) =
        cluster.subnets.iter().partition(|id| ground.network.subnet(id).is_some());
    if !gone.is_empty() {
        let gone: Vec<String> = gone.into_iter().cloned().collect();
        return problem("SubnetNotFound", format!("Subnets {} do not exist", gone.join(", ")), gone);
    }
    let known: Vec<String> = ground.network.security_groups.iter().map(|it| it.id.to_string()).collect();
    let gone: Vec<String> =
        cluster.security_groups.iter().filter(|id| !known.contains(id)).cloned().collect();
    if !gone.is_empty() {
        let message = format!("Security groups {} do not exist", gone.join(", "));
        return problem("SecurityGroupNotFound", message, gone);
    }
    let subnets: Vec<&Arc<Subnet>> = there.into_iter().filter_map(|id| ground.network.subnet(id)).collect();
    let free: u32 = subnets.iter().map(|it| ground.free(it)).sum();
    let mut zones: Vec<&str> =
        subnets.iter().filter(|it| ground.free(it) > 0).map(|it| it.zone.as_str()).collect();
    zones.dedup();
    (free < UPDATE_ADDRESSES || zones.len() < ZONES).then(|| Problem {
        code: "InsufficientFreeAddresses".to_owned(),
        message: "One or more of the subnets associated with your cluster does not have enough available IP \
                  addresses for Amazon EKS to perform cluster management operations"
            .to_owned(),
        resources: cluster.subnets.clone(),
    })
}
