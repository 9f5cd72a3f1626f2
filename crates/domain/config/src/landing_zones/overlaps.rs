//! Landing zones that name the same thing twice.

use std::collections::HashMap;

use fleetwright_model::{AccountId, Region, Regions, Zone, ZoneName, code};

use super::Listed;
use crate::error::{ConfigError, Place};

/// Finds names given twice and, among enabled zones, accounts and regions in common: their
/// instances would be counted and patched twice.
pub(super) fn find(zones: &[Listed<Zone>], errors: &mut Vec<ConfigError>) {
    let mut names: HashMap<&ZoneName, &Listed<Zone>> = HashMap::new();
    let mut accounts = Accounts::default();
    for zone in zones {
        if let Some(first) = names.insert(&zone.item.name, zone) {
            errors.push(duplicate(
                zone,
                first,
                format!("landing zone {} stands here and at {}", zone.item.name, first.place),
            ));
        } else if zone.item.enabled
            && let Some((first, what)) = accounts.enter(zone)
        {
            let (name, other) = (&zone.item.name, &first.item.name);
            let message = format!("landing zone {name} names {what}, as {other} does at {}", first.place);
            errors.push(duplicate(zone, first, message));
        }
    }
}

fn duplicate(second: &Listed<Zone>, first: &Listed<Zone>, message: String) -> ConfigError {
    ConfigError::new(&code::DUPLICATE_ZONE, Place::File(second.place.clone()), message)
        .key(second.item.name.as_str())
        .related(first.place.clone())
}

/// Which zone claimed what.
#[derive(Default)]
struct Accounts<'z> {
    cells: HashMap<(&'z AccountId, &'z Region), &'z Listed<Zone>>,
    /// The first zone of each account.
    any: HashMap<&'z AccountId, &'z Listed<Zone>>,
    /// Zones that take every enabled region.
    whole: HashMap<&'z AccountId, &'z Listed<Zone>>,
}

impl<'z> Accounts<'z> {
    /// Claims a zone's cells; the zone that has claimed one of them before, and which.
    fn enter(&mut self, zone: &'z Listed<Zone>) -> Option<(&'z Listed<Zone>, String)> {
        let account = &zone.item.account;
        let whole = |first| Some((first, format!("all regions of account {account}")));
        let clash = match &zone.item.regions {
            Regions::AllEnabled => self.any.get(account).copied().and_then(whole),
            Regions::Listed(_) if self.whole.contains_key(account) => {
                self.whole.get(account).copied().and_then(whole)
            }
            Regions::Listed(regions) => regions.iter().find_map(|region| {
                let first = self.cells.get(&(account, region)).copied()?;
                Some((first, format!("{region} of account {account}")))
            }),
        };
        self.any.entry(account).or_insert(zone);
        match &zone.item.regions {
            Regions::AllEnabled => {
                self.whole.entry(account).or_insert(zone);
            }
            Regions::Listed(regions) => {
                for region in regions {
                    self.cells.entry((account, region)).or_insert(zone);
                }
            }
        }
        clash
    }
}
