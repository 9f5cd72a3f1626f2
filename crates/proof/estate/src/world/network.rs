//! Where instances live: subnets in availability zones, and security groups.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::ids::{InstanceId, InterfaceId, SecurityGroupId, SubnetId, VpcId};
use super::instance::{InstanceState, Instances};
use super::tags::Tags;

/// A subnet of a region's VPC.
#[derive(Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Its id.
    pub id: SubnetId,
    /// The VPC around it.
    pub vpc: VpcId,
    /// The availability zone's name in this account, e.g. `eu-central-1a`.
    pub zone: String,
    /// The zone's id, the same for every account, e.g. `euc1-az2`.
    pub zone_id: String,
    /// The first address.
    pub network: Ipv4Addr,
    /// Length of the network prefix, 16 to 28.
    pub prefix: u8,
}

impl Subnet {
    /// True where `address` lies in this subnet.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        let mask = u32::MAX << (32 - u32::from(self.prefix));
        u32::from(address) & mask == u32::from(self.network) & mask
    }

    /// The letter that ends the zone's name.
    pub fn zone_letter(&self) -> char {
        self.zone.chars().next_back().unwrap_or('a')
    }
}

/// Addresses of a subnet that AWS keeps: the first four and the last (VPC user guide, "Subnet CIDR blocks").
const KEPT_BY_AWS: u32 = 5;

impl Subnet {
    /// Addresses that it has for interfaces.
    #[must_use]
    pub fn size(&self) -> u32 {
        (1_u32 << (32 - u32::from(self.prefix))) - KEPT_BY_AWS
    }

    /// The `n`-th of these addresses, counted round.
    #[must_use]
    pub fn nth(&self, n: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.network) + 4 + n % self.size())
    }
}

/// A security group.
#[derive(Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Its id.
    pub id: SecurityGroupId,
    /// Its name, unique in the VPC.
    pub name: String,
}

/// A network interface that EKS has in a subnet, its own or that of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The subnet.
    pub subnet: SubnetId,
    /// Its first address.
    pub address: Ipv4Addr,
    /// Addresses it has, the first among them.
    pub addresses: u32,
    /// Whose it is.
    pub holder: Holder,
}

/// Whose an interface is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The control plane of the cluster with that name.
    ControlPlane(String),
    /// A node.
    Node(InstanceId),
    /// A pod on Fargate, by the name of its node.
    Fargate(String),
}

/// A region's network.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Subnets, zone by zone.
    pub subnets: Vec<Arc<Subnet>>,
    /// Security groups by the order of their making.
    pub security_groups: Vec<Arc<SecurityGroup>>,
    /// Interfaces of clusters' control planes and nodes; an instance that is no node has its own.
    pub interfaces: BTreeMap<InterfaceId, Interface>,
    /// Addresses that something holds which the estate does not play.
    pub held: BTreeMap<SubnetId, u32>,
    /// Tags of subnets.
    pub tags: BTreeMap<SubnetId, Tags>,
    /// Instance types that zones do not offer: the zone's name, the type's.
    pub not_offered: BTreeSet<(String, &'static str)>,
}

impl Network {
    /// The subnet with this id, as text.
    #[must_use]
    pub fn subnet(&self, id: &str) -> Option<&Arc<Subnet>> {
        let id = SubnetId::parse(id).ok()?;
        self.subnets.iter().find(|it| it.id == id)
    }

    /// Addresses of a subnet that are free.
    #[must_use]
    pub fn free(&self, subnet: &Subnet, instances: &Instances) -> u32 {
        let of_instance = |it: &&super::instance::Instance| {
            it.subnet.id == subnet.id
                && it.state != InstanceState::Terminated
                && !self.interfaces.contains_key(&it.interface)
        };
        let own = self.interfaces.values().filter(|it| it.subnet == subnet.id);
        let taken = own.map(|it| it.addresses).sum::<u32>()
            + u32::try_from(instances.iter().filter(of_instance).count()).unwrap_or(u32::MAX)
            + self.held.get(&subnet.id).copied().unwrap_or(0);
        subnet.size().saturating_sub(taken)
    }

    /// Whether a zone offers an instance type.
    #[must_use]
    pub fn offers(&self, zone: &str, instance_type: &str) -> bool {
        !self.not_offered.iter().any(|it| it.0 == zone && it.1 == instance_type)
    }

    /// Whether an interface of EKS has this address.
    #[must_use]
    pub fn has(&self, address: Ipv4Addr) -> bool {
        self.interfaces.values().any(|it| it.address == address)
    }
}
