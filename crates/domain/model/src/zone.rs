//! Landing zones: which account, which regions, how to get in, what to look at.

use std::collections::BTreeMap;
use std::fmt;

use crate::{AccountId, InvalidId, Region, RoleArn, Text, ZoneName};

/// The shared secret of an AssumeRole trust (`sts:ExternalId`). Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalId(Text);

impl ExternalId {
    /// Takes 2 to 1,224 characters of letters, digits and `_+=,.@:/-`.
    /// Source: STS API reference, AssumeRole, ExternalId.
    pub fn new(value: &str) -> Option<Self> {
        let valid = (2..=1224).contains(&value.len())
            && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&b));
        valid.then(|| Self(value.into()))
    }

    /// The value, for the AssumeRole request and for the trust policy that demands it alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternalId(…)")
    }
}

/// How a landing zone is entered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The role to assume; without one the zone is read with the caller's own credentials, which
    /// must then belong to the zone's account.
    pub role: Option<RoleArn>,
    /// The external id the role's trust policy asks for.
    pub external_id: Option<ExternalId>,
    /// The AWS profile to start from; without one the default credential chain.
    pub profile: Option<String>,
}

/// Which regions of a landing zone are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Regions {
    /// Exactly these.
    Listed(Vec<Region>),
    /// Every region that is enabled in the account.
    AllEnabled,
}

/// One landing zone: an account as the inventory describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// The zone's name, unique in an inventory.
    pub name: ZoneName,
    /// The account.
    pub account: AccountId,
    /// The regions to look at.
    pub regions: Regions,
    /// How to get in.
    pub access: Access,
    /// The environment (`nonprod`, `preprod`, `prod` …), where given.
    pub environment: Option<String>,
    /// What people wrote about it.
    pub description: Option<String>,
    /// False where the inventory says that this zone is not to be patched; it is then skipped and
    /// named in the summary.
    pub enabled: bool,
    /// Instances must carry each of these tags with one of the values; `*` and `?` are wildcards.
    pub tags: BTreeMap<String, Vec<String>>,
    /// Only instances whose id or name matches one of these patterns; empty takes all.
    pub include: Vec<String>,
    /// Never instances whose id or name matches one of these patterns.
    pub exclude: Vec<String>,
}

/// Accounts named by their place in the organisation instead of one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationScope {
    /// An organisational unit (`ou-…`) or root (`r-…`) with everything below it; `None` is the whole
    /// organisation.
    pub unit: Option<String>,
    /// Patterns on account name or id that are taken; empty takes all.
    pub accounts_include: Vec<String>,
    /// Patterns on account name or id that are left out.
    pub accounts_exclude: Vec<String>,
    /// Name (with path) of the role to assume in each account.
    pub role_name: Option<String>,
    /// The external id those roles ask for.
    pub external_id: Option<ExternalId>,
    /// The AWS profile to start from.
    pub profile: Option<String>,
    /// The regions to look at in each account.
    pub regions: Regions,
    /// The environment of all these accounts, where given.
    pub environment: Option<String>,
    /// As [`Zone::tags`].
    pub tags: BTreeMap<String, Vec<String>>,
    /// As [`Zone::include`].
    pub include: Vec<String>,
    /// As [`Zone::exclude`].
    pub exclude: Vec<String>,
}

/// An account as Organizations lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationAccount {
    /// The account.
    pub account: AccountId,
    /// Its name; untrusted text.
    pub name: String,
    /// False where the account is suspended or being closed.
    pub active: bool,
}

impl OrganizationScope {
    /// The landing zone of one account found in this scope. The account's name becomes the zone's
    /// where it is usable, otherwise its id does.
    ///
    /// # Errors
    /// [`InvalidId`] when `role_name` is not a role name.
    pub fn zone(&self, found: &OrganizationAccount, partition: &str) -> Result<Zone, InvalidId> {
        let role = self
            .role_name
            .as_deref()
            .map(|name| RoleArn::from_name(partition, &found.account, name))
            .transpose()?;
        let name = ZoneName::new(found.name.as_str()).or_else(|_| ZoneName::new(found.account.as_str()))?;
        Ok(Zone {
            name,
            account: found.account.clone(),
            regions: self.regions.clone(),
            access: Access { role, external_id: self.external_id.clone(), profile: self.profile.clone() },
            environment: self.environment.clone(),
            description: None,
            enabled: true,
            tags: self.tags.clone(),
            include: self.include.clone(),
            exclude: self.exclude.clone(),
        })
    }
}

/// One region of one landing zone: the unit that is read, limited and reported on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell<'a> {
    /// The landing zone.
    pub zone: &'a Zone,
    /// The region.
    pub region: Region,
}
