//! Where new nodes come to stand, as far as EC2 says.

use std::collections::BTreeSet;

use fleetwright_eks::facts::control_plane::Subnet;
use fleetwright_eks::facts::nodes::{InstanceOffer, Launched, NewNodes};
use fleetwright_eks::facts::{Fact, Unread, UnreadCause};
use fleetwright_model::{Cell, Hardware, Partial, Text};
use futures::join;

use super::{ClusterPorts, fact, quotas, unread};

/// Subnets of nodes, and what is known of instance types.
pub(super) struct Ground {
    pub(super) subnets: Fact<Vec<Subnet>>,
    offers: Fact<Vec<InstanceOffer>>,
    sizes: Partial<(Text, Hardware)>,
}

/// What groups name: where their new nodes may be, and what these are.
#[derive(Default)]
pub(super) struct Wanted {
    subnet_ids: BTreeSet<String>,
    instance_types: BTreeSet<String>,
}

impl Wanted {
    /// A group adds what it names.
    pub(super) fn add(&mut self, subnet_ids: &[String], launched: Result<&Launched, &Unread>) {
        self.subnet_ids.extend(subnet_ids.iter().cloned());
        let types = launched.map(|it| it.instance_types.as_slice()).unwrap_or_default();
        self.instance_types.extend(types.iter().cloned());
    }
}

impl Ground {
    /// Asks about what is wanted; nothing is asked where nothing is.
    pub(super) async fn read(ports: ClusterPorts<'_>, cell: &Cell<'_>, wanted: Wanted) -> Self {
        let [ids, types] =
            [wanted.subnet_ids, wanted.instance_types].map(|it| it.into_iter().collect::<Vec<String>>());
        let names: Vec<Text> = types.iter().map(|kind| Text::from(kind.as_str())).collect();
        let (subnets, offers, sizes) = join!(
            ports.foundations.subnets(cell, &ids),
            ports.foundations.instance_offers(cell, &types),
            ports.machines.hardware(cell, &names),
        );
        Self { subnets: fact(subnets), offers: fact(offers), sizes }
    }

    /// Addresses of one interface of the types that have the most.
    pub(super) fn addresses_per_interface(&self) -> Option<u32> {
        self.sizes.items.iter().map(|(_, size)| size.addresses_per_interface).max()
    }

    /// What new nodes take of a group that launches this into these subnets; pods are counted elsewhere.
    pub(super) fn new_nodes(
        &self,
        subnet_ids: Vec<String>,
        launched: Result<&Launched, &Unread>,
    ) -> NewNodes {
        let its = |subnet: &&Subnet| subnet_ids.contains(&subnet.id);
        let subnets = self.subnets.known().into_iter().flatten();
        let zones: BTreeSet<&str> = subnets.filter(its).map(|subnet| subnet.zone.as_str()).collect();
        let zones = zones.into_iter().map(str::to_owned).collect();
        let known = match launched {
            Ok(launched) => NewNodes {
                instance_types: self.offers(&launched.instance_types),
                vcpus: self.vcpus(&launched.instance_types),
                vcpu_quotas: quotas::of_group(launched),
                ..NewNodes::not_read(subnet_ids, &pods_not_counted())
            },
            Err(why) => NewNodes::not_read(subnet_ids, why),
        };
        NewNodes { zones, ..known }
    }

    fn offers(&self, types: &[String]) -> Fact<Vec<InstanceOffer>> {
        // Which zones a group lies in is told by its subnets; without them no offer can be judged.
        match (&self.subnets, &self.offers) {
            (Fact::Known(_), Fact::Known(offers)) => {
                Fact::Known(offers.iter().filter(|it| types.contains(&it.instance_type)).cloned().collect())
            }
            (Fact::NotRead(why), _) | (_, Fact::NotRead(why)) => Fact::NotRead(why.clone()),
        }
    }

    /// The vCPUs of the largest type: which of them it takes is the Auto Scaling group's choice.
    fn vcpus(&self, types: &[String]) -> Fact<u32> {
        let size = |kind: &String| self.sizes.items.iter().find(|(name, _)| **name == **kind);
        let sizes: Option<Vec<u32>> = types.iter().map(|kind| size(kind).map(|(_, it)| it.vcpus)).collect();
        match (sizes.and_then(|sizes| sizes.into_iter().max()), &self.sizes.failure) {
            (Some(most), _) => Fact::Known(most),
            (None, Some(failure)) => unread(failure),
            (None, None) => {
                let detail =
                    format!("EC2 does not say how many vCPUs instances have of {}", types.join(", "));
                Fact::unread(UnreadCause::Incomplete, detail)
            }
        }
    }
}

fn pods_not_counted() -> Unread {
    let detail = "the cluster's own API was not asked".to_owned();
    Unread { cause: UnreadCause::NotAsked, detail }
}

/// The subnets of two grounds, each once; a part of them is no answer.
pub(super) fn all_subnets(one: Fact<Vec<Subnet>>, other: Fact<Vec<Subnet>>) -> Fact<Vec<Subnet>> {
    match (one, other) {
        (Fact::Known(mut all), Fact::Known(others)) => {
            all.extend(others);
            all.sort_by(|a, b| a.id.cmp(&b.id));
            all.dedup_by(|a, b| a.id == b.id);
            Fact::Known(all)
        }
        (Fact::NotRead(why), _) | (_, Fact::NotRead(why)) => Fact::NotRead(why),
    }
}
