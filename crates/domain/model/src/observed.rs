//! Knowing, knowing that there is nothing, and not knowing are three different things.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Failure, InstanceId, Region, ZoneName};

/// What is known of one fact. "Could not check" is never "absent" and never "healthy".
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Observed<T> {
    /// Looked, and found this.
    Known(T),
    /// Looked, and there is none.
    Absent,
    /// Could not look; the gap with the cause is recorded beside the inventory.
    NotChecked,
}

impl<T> Observed<T> {
    /// The fact, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::NotChecked => None,
        }
    }
}

/// A listing that may have broken off: what was read, and why reading stopped, if it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial<T> {
    /// Everything that was read.
    pub items: Vec<T>,
    /// Why the listing is not complete.
    pub failure: Option<Failure>,
}

impl<T> Partial<T> {
    /// A complete listing.
    pub fn complete(items: Vec<T>) -> Self {
        Self { items, failure: None }
    }

    /// A listing that broke off after `items`.
    pub fn broken_off(items: Vec<T>, failure: Failure) -> Self {
        Self { items, failure: Some(failure) }
    }
}

/// Answers about named instances. An instance in neither list was looked up and has no such fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers<T> {
    /// The facts found.
    pub found: Vec<(InstanceId, T)>,
    /// Instances that could not be looked up, batch by batch, with the cause.
    pub unchecked: Vec<(Vec<InstanceId>, Failure)>,
}

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self { found: Vec::new(), unchecked: Vec::new() }
    }
}

/// What a gap is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapSubject {
    /// The accounts of the organisation or organisational unit.
    Organization,
    /// The whole landing zone: nothing of it could be read.
    Zone,
    /// The regions of the landing zone.
    Regions,
    /// The instances of a region, or the rest of them.
    Instances,
    /// What Systems Manager knows of the agents.
    Agents,
    /// The patch states.
    PatchStates,
    /// The patch baselines.
    PatchBaselines,
    /// The status checks.
    StatusChecks,
    /// The volumes.
    Volumes,
    /// Memory and network performance of the instance types.
    InstanceTypes,
    /// The load balancers' target groups and who is registered with them.
    LoadBalancers,
}

impl GapSubject {
    /// What could not be read, in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "accounts of the organisation",
            Self::Zone => "landing zone",
            Self::Regions => "regions",
            Self::Instances => "instances",
            Self::Agents => "agents",
            Self::PatchStates => "patch states",
            Self::PatchBaselines => "patch baselines",
            Self::StatusChecks => "status checks",
            Self::Volumes => "volumes",
            Self::InstanceTypes => "instance types",
            Self::LoadBalancers => "load balancers",
        }
    }
}

/// Something that could not be checked, and why. A result with gaps is partial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The landing zone, where the gap belongs to one.
    #[serde(rename = "landing_zone", skip_serializing_if = "Option::is_none")]
    pub zone: Option<ZoneName>,
    /// The account, where it is known.
    #[serde(rename = "account_id", skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The region, where the gap is not the whole landing zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// What could not be read.
    pub subject: GapSubject,
    /// How many known instances miss this fact; `None` where their number is unknown too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<usize>,
    /// Why.
    pub failure: Failure,
}
