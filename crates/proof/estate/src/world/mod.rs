//! The state of the simulated AWS: an organisation of accounts, each with IAM and regions.

pub mod agent;
pub mod history;
pub mod iam;
pub mod ids;
pub mod instance;
pub mod instance_types;
pub mod network;
pub mod organization;
pub mod patch_catalog;
pub mod patching;
pub mod platform;
pub mod regions;
pub mod storage;
pub mod tags;

use std::collections::BTreeMap;

use history::History;
use ids::{BaselineId, ImageId, VolumeId};
use instance::Instances;
use network::Network;
use patching::Baseline;
use storage::{Image, Volume};

/// A 12-digit account id, as text.
pub type AccountId = String;

/// Everything that exists.
#[derive(Debug, Default)]
pub struct World {
    /// All accounts by id.
    pub accounts: BTreeMap<AccountId, Account>,
    /// The organisation the accounts belong to; none where Organizations is not in use.
    pub organization: Option<organization::Organization>,
}

/// One AWS account.
#[derive(Debug, Default)]
pub struct Account {
    /// The account's name in the organisation.
    pub name: String,
    /// Regions by code; one that is not enabled refuses every call.
    pub regions: BTreeMap<String, Region>,
    /// Users, roles, policies and sessions.
    pub iam: iam::Iam,
}

/// One region of one account.
#[derive(Debug, Default)]
pub struct Region {
    /// False for an opt-in region the account has not enabled.
    pub enabled: bool,
    /// The VPC's subnets and security groups.
    pub network: Network,
    /// EC2 instances with their agents and patch states.
    pub instances: Instances,
    /// EBS volumes.
    pub volumes: BTreeMap<VolumeId, Volume>,
    /// Images the account can see.
    pub images: BTreeMap<ImageId, Image>,
    /// What instances, volumes and images were before they last changed.
    pub history: History,
    /// Patch baselines, the predefined ones among them.
    pub baselines: BTreeMap<BaselineId, Baseline>,
}
