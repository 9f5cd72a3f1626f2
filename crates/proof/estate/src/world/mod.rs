//! The state of the simulated AWS: an organisation of accounts, each with IAM and regions.

pub mod agent;
pub mod balancing;
pub mod buckets;
pub mod calendars;
pub mod command;
pub mod diary;
pub mod eks;
pub mod events;
pub mod functions;
pub mod history;
pub mod host;
pub mod iam;
pub mod ids;
pub mod images;
pub mod instance;
pub mod instance_types;
pub mod keys;
pub mod kube;
pub mod launch;
pub mod launch_templates;
pub mod life_cycle;
pub mod logs;
pub mod maintenance;
pub mod metrics;
pub mod network;
pub mod notifications;
pub mod organization;
pub mod pace;
pub mod parameters;
pub mod patch_catalog;
pub mod patching;
pub mod platform;
pub mod queues;
pub mod quotas;
pub mod regions;
pub mod releases;
pub mod root_tasks;
pub mod scaling;
pub mod schedule;
pub mod secrets;
pub mod stacks;
pub mod storage;
pub mod tables;
pub mod tags;
pub mod timeline;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::fault::Mishaps;
use diary::Diary;
use history::History;
use ids::{BaselineId, ImageId, LaunchTemplateId, RootTaskId, SnapshotId, VolumeId};
use instance::Instances;
use network::Network;
use pace::Pace;
use patching::Baseline;
use root_tasks::RootTask;
use storage::{Image, Snapshot, Volume};
use timeline::Timeline;

/// A 12-digit account id, as text.
pub type AccountId = String;

/// Everything that exists.
#[derive(Debug, Default)]
pub struct World {
    /// All accounts by id.
    pub accounts: BTreeMap<AccountId, Account>,
    /// The organisation the accounts belong to; none where Organizations is not in use.
    pub organization: Option<organization::Organization>,
    /// S3's buckets, whose names are global.
    pub buckets: buckets::Buckets,
    /// What everything that happens later is drawn from.
    pub seed: u64,
    /// How long things take.
    pub pace: Pace,
    /// What is to go wrong with resources.
    pub mishaps: Mishaps,
    /// Where clusters' Kubernetes APIs are.
    pub kubernetes: eks::Addresses,
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
    /// Snapshots the account owns.
    pub snapshots: BTreeMap<SnapshotId, Snapshot>,
    /// Replacements of root volumes.
    pub root_tasks: BTreeMap<RootTaskId, RootTask>,
    /// What instances, volumes and images were before they last changed.
    pub history: History,
    /// Names of the images the account owns.
    pub image_names: HashMap<String, ImageId>,
    /// Images that were deregistered.
    pub deregistered: HashSet<ImageId>,
    /// What happened.
    pub diary: Diary,
    /// What is still to happen.
    pub timeline: Timeline,
    /// What runs inside the instances.
    pub hosts: host::Hosts,
    /// What clients put into CloudWatch.
    pub metrics: metrics::Metrics,
    /// Commands of Systems Manager.
    pub commands: command::Commands,
    /// Load balancers and what is registered with them.
    pub balancing: balancing::Balancing,
    /// Auto Scaling groups.
    pub scaling: scaling::Scaling,
    /// Launch templates of EC2.
    pub launch_templates: BTreeMap<LaunchTemplateId, launch_templates::LaunchTemplate>,
    /// Maintenance windows of Systems Manager.
    pub windows: maintenance::Windows,
    /// Parameters of Systems Manager, by name.
    pub parameters: BTreeMap<String, parameters::Parameter>,
    /// Event buses of EventBridge, and what was put on them.
    pub events: events::Events,
    /// Clusters of EKS.
    pub clusters: eks::Clusters,
    /// Functions of Lambda.
    pub functions: functions::Functions,
    /// Log groups of CloudWatch Logs.
    pub logs: logs::Logs,
    /// Tables of DynamoDB.
    pub tables: tables::Tables,
    /// Topics of SNS, and what was published to them.
    pub notifications: notifications::Notifications,
    /// Queues of SQS.
    pub queues: queues::Queues,
    /// Quotas that are not what they are everywhere.
    pub quotas: quotas::Quotas,
    /// Secrets of Secrets Manager.
    pub secrets: secrets::Secrets,
    /// Stacks of CloudFormation.
    pub stacks: stacks::Stacks,
    /// Keys of KMS.
    pub keys: keys::Keys,
    /// Patch baselines, the predefined ones among them.
    pub baselines: BTreeMap<BaselineId, Baseline>,
}
