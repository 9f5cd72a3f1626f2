//! Landing zones: the inventory files that describe them, in every shape found in the wild.
//!
//! # Shapes
//! A document is one of
//! - a list of entries, or a mapping that holds one under `landing_zones`, `zones` or `accounts`
//!   (and, beside it, `organization`);
//! - a mapping keyed by name: `payments-prod: {account_id: …}`;
//! - one bare entry: `{name: …, account_id: …}`; without `name` the account id is the name;
//! - `{inventory: other.yaml, zones: [a, b]}`: entries of another file.
//!
//! An entry of a list is
//! - a mapping that describes a zone ([`fields::ZONE`] lists its keys), also as
//!   `- payments-prod: {…}`;
//! - `organization: {…}`: the accounts of the organisation or a part of it ([`fields::SCOPE`]);
//!   `organization: all` or `organization: ou-…` for short;
//! - `{inventory: other.yaml, zones: [a, b]}`; without `zones` all of that file. The path is
//!   relative to the file that names it;
//! - a plain name or account id. It refers to the full entry of that name in another inventory:
//!   the other files of the same load, then the catalogue (`landing_zones.inventory`). A file that
//!   describes a zone in full never needs a plain name for it.
//!
//! # Rules
//! `account_id` may be a plain number, whose leading zeros YAML tools tend to eat: up to 12 digits
//! are padded. In quotes it must have all 12. `role_name` becomes an ARN in the zone's account and
//! the partition of its regions. What an entry leaves out comes from [`ZoneDefaults`]; an explicit
//! `null` for `role_arn`, `role_name` or `external_id` means none.

mod entry;
mod example;
pub mod fields;
mod overlaps;
mod references;
mod schema;
mod scope;
mod selection;
mod shape;

use fleetwright_model::{ExternalId, OrganizationScope, Region, Regions, Zone};

pub use example::example;
pub use references::{Reference, Sources, load};
pub use schema::schema;
pub use selection::{Chosen, Wanted, choose};

pub(crate) use entry::account;

use crate::error::FilePlace;
use crate::settings::Settings;

/// Something with the place where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// The thing.
    pub item: T,
    /// Where it is written.
    pub place: FilePlace,
}

/// The zones and scopes of all inventories of a load, in the order they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Landing zones described one by one; names are unique, and no two enabled ones share an
    /// account and a region.
    pub zones: Vec<Listed<Zone>>,
    /// Accounts to be found through the organisation.
    pub scopes: Vec<Listed<OrganizationScope>>,
}

/// What entries leave out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneDefaults {
    /// Name of the role to assume.
    pub role_name: Option<String>,
    /// External id of roles.
    pub external_id: Option<ExternalId>,
    /// Profile to start from.
    pub profile: Option<String>,
    /// Regions to look at.
    pub regions: Option<Regions>,
    /// The region that decides the partition where a zone names no single region.
    pub home_region: Option<Region>,
}

/// True when a text names an inventory file and not a landing zone: it has a slash, or the ending
/// of a YAML or JSON file.
pub fn is_path(text: &str) -> bool {
    let endings = [".yaml", ".yml", ".json"];
    text.contains('/') || endings.iter().any(|ending| text.to_ascii_lowercase().ends_with(ending))
}

impl ZoneDefaults {
    /// The defaults that the settings give. `ambient_region` is what AWS's own conventions
    /// (`AWS_REGION`, the profile) say; it counts where `aws.region` is not set.
    pub fn new(settings: &Settings, ambient_region: Option<Region>) -> Self {
        let home_region = settings.aws.region.clone().or(ambient_region);
        let home = home_region.clone().map(|region| Regions::Listed(vec![region]));
        Self {
            role_name: settings.aws.role_name.clone(),
            external_id: settings.aws.external_id.clone(),
            profile: settings.aws.profile.clone(),
            regions: settings.landing_zones.regions.clone().or(home),
            home_region,
        }
    }

    /// The partition of a zone with these regions, where they or the home region tell.
    fn partition(&self, regions: &Regions) -> Option<&'static str> {
        let first = match regions {
            Regions::Listed(listed) => listed.first(),
            Regions::AllEnabled => None,
        };
        first.or(self.home_region.as_ref()).map(Region::partition)
    }
}
