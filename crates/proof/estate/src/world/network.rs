//! Where instances live: subnets in availability zones, and security groups.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::ids::{SecurityGroupId, SubnetId, VpcId};

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

/// A security group.
#[derive(Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Its id.
    pub id: SecurityGroupId,
    /// Its name, unique in the VPC.
    pub name: String,
}

/// A region's network.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Subnets, zone by zone.
    pub subnets: Vec<Arc<Subnet>>,
    /// Security groups by the order of their making.
    pub security_groups: Vec<Arc<SecurityGroup>>,
}
