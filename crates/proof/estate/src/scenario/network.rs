//! What a scenario says of a region's network: `[[subnets]]` tables.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::clusters::region_of;
use crate::generate::accounts::AccountPlan;
use crate::world::tags::Tags;
use crate::world::{World, instance_types};

/// A subnet of a region's VPC; a `[[subnets]]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubnetSection {
    /// The account's name.
    pub account: String,
    /// The region; the account's first where absent.
    pub region: Option<String>,
    /// The zone it is in, 0 to 2.
    pub zone: usize,
    /// Addresses that are free when the scenario starts; what nobody else has where absent.
    pub free_addresses: Option<u32>,
    /// Instance types that its zone does not offer.
    #[serde(default)]
    pub not_offered: Vec<String>,
    /// True where it was deleted, whatever still names it.
    #[serde(default)]
    pub gone: bool,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// Does to the regions' subnets what the sections say, after all that lives in them was made.
///
/// # Errors
/// The number of the section, and what is wrong with it.
pub(super) fn subnets(
    world: &mut World,
    plans: &[AccountPlan],
    sections: &[SubnetSection],
) -> Result<(), (usize, String)> {
    for (nth, section) in sections.iter().enumerate() {
        arrange(world, plans, section).map_err(|problem| (nth, problem))?;
    }
    // Sections count zones, so that subnets go when all of them have been found.
    for section in sections.iter().filter(|it| it.gone) {
        let Ok((account, code)) = region_of(plans, &section.account, section.region.as_ref()) else {
            continue;
        };
        let Some(place) = world.place(&account, &code) else { continue };
        let network = &mut place.region.network;
        let letter = char::from(b'a' + section.zone as u8);
        network.subnets.retain(|it| it.zone_letter() != letter);
    }
    Ok(())
}

fn arrange(world: &mut World, plans: &[AccountPlan], section: &SubnetSection) -> Result<(), String> {
    let (account, code) = region_of(plans, &section.account, section.region.as_ref())?;
    let place = world.place(&account, &code).ok_or_else(|| format!("{code} is not a region of {account}"))?;
    let region = &mut *place.region;
    let subnet = region.network.subnets.get(section.zone).cloned();
    let subnet = subnet.ok_or_else(|| {
        format!("zone: there is no zone {}; a region has {}", section.zone, region.network.subnets.len())
    })?;
    if let Some(wanted) = section.free_addresses {
        let free = region.network.free(&subnet, &region.instances);
        let held = free.checked_sub(wanted);
        let held = held.ok_or_else(|| format!("free_addresses: {wanted} are not free, {free} are"))?;
        region.network.held.insert(subnet.id, held);
    }
    for name in &section.not_offered {
        let known = instance_types::find(name);
        let known = known.ok_or_else(|| format!("not_offered: there is no instance type \"{name}\""))?;
        region.network.not_offered.insert((subnet.zone.clone(), known.name));
    }
    let tags: Tags =
        section.tags.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect();
    region.network.tags.insert(subnet.id, tags);
    Ok(())
}
