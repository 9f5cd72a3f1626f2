//! What a generated fleet looks like: sizes, mixes and shares.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::world::platform::Platform;

/// Instances of one account in one region, at most: what the generated subnets hold.
pub const MAX_INSTANCES_PER_CELL: usize = 40_000;

/// Parameters of the generator.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fleet {
    /// Accounts in all, those listed by hand included.
    pub accounts: usize,
    /// Regions of every account that names none itself.
    pub regions: Vec<String>,
    /// Instances in all, spread evenly. Excludes `instances_per_cell`.
    pub instances: Option<usize>,
    /// Instances of each account in each region.
    pub instances_per_cell: Option<usize>,
    /// Environments given to the generated accounts in turn.
    pub environments: Vec<String>,
    /// What the tag `MaintenanceWindow` of generated groups says, one of these each; none have the tag
    /// where this is empty.
    pub maintenance_windows: Vec<String>,
    /// Weights of the operating systems.
    pub platforms: BTreeMap<Platform, u32>,
    /// Whether groups that are tagged as Auto Scaling groups are at work.
    pub auto_scaling_groups: Keeping,
    /// Shares of everything that is out of the ordinary.
    pub shares: Shares,
}

/// Whether the generated Auto Scaling groups are at work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keeping {
    /// Only the instances' tags tell of them.
    #[default]
    Tagged,
    /// They keep their running instances, and replace those that they lose.
    Kept,
}

impl Default for Fleet {
    fn default() -> Self {
        Self {
            accounts: 0,
            regions: vec!["eu-central-1".to_owned()],
            instances: None,
            instances_per_cell: None,
            environments: ["prod", "preprod", "nonprod"].map(str::to_owned).to_vec(),
            maintenance_windows: Vec::new(),
            platforms: BTreeMap::from([
                (Platform::AmazonLinux2023, 38),
                (Platform::Ubuntu2204, 14),
                (Platform::Ubuntu2404, 14),
                (Platform::Rhel8, 6),
                (Platform::Rhel9, 10),
                (Platform::WindowsServer2019, 7),
                (Platform::WindowsServer2022, 11),
            ]),
            auto_scaling_groups: Keeping::Tagged,
            shares: Shares::default(),
        }
    }
}

/// Shares between 0 and 1. Those of the agent exclude one another, as do those of the state.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shares {
    /// Instances that are stopped.
    pub stopped: f64,
    /// Instances terminated within the hour, which EC2 still shows.
    pub terminated: f64,
    /// Agents that stopped pinging.
    pub agent_lost: f64,
    /// Agents written off.
    pub agent_inactive: f64,
    /// Instances whose agent never registered.
    pub agent_never: f64,
    /// Agents more than a year old.
    pub agent_old: f64,
    /// Managed instances that Patch Manager never looked at.
    pub never_scanned: f64,
    /// Running instances that fail a status check.
    pub impaired: f64,
    /// Instances with hostile tags.
    pub hostile_tags: f64,
    /// Instances without any tag.
    pub untagged: f64,
    /// Launch groups that are Auto Scaling groups.
    pub auto_scaling: f64,
    /// Launch groups that are EKS node groups.
    pub eks: f64,
    /// Auto Scaling and EKS groups that run on spot capacity.
    pub spot: f64,
    /// Instances whose root device is an instance store.
    pub instance_store: f64,
    /// Groups that face users (web, app) and are behind an application balancer.
    pub balanced: f64,
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            stopped: 0.06,
            terminated: 0.005,
            agent_lost: 0.03,
            agent_inactive: 0.01,
            agent_never: 0.03,
            agent_old: 0.08,
            never_scanned: 0.03,
            impaired: 0.01,
            hostile_tags: 0.0,
            untagged: 0.01,
            auto_scaling: 0.2,
            eks: 0.08,
            spot: 0.25,
            instance_store: 0.0,
            balanced: 0.0,
        }
    }
}

impl Shares {
    /// Every share with its name.
    pub fn named(&self) -> [(&'static str, f64); 15] {
        [
            ("stopped", self.stopped),
            ("terminated", self.terminated),
            ("agent_lost", self.agent_lost),
            ("agent_inactive", self.agent_inactive),
            ("agent_never", self.agent_never),
            ("agent_old", self.agent_old),
            ("never_scanned", self.never_scanned),
            ("impaired", self.impaired),
            ("hostile_tags", self.hostile_tags),
            ("untagged", self.untagged),
            ("auto_scaling", self.auto_scaling),
            ("eks", self.eks),
            ("spot", self.spot),
            ("instance_store", self.instance_store),
            ("balanced", self.balanced),
        ]
    }
}

impl Fleet {
    /// Says what is wrong with these parameters, if anything is.
    ///
    /// # Errors
    /// The key, and a sentence that names it, its value and what to write instead.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        for (name, share) in self.shares.named() {
            if !(0.0..=1.0).contains(&share) {
                return Err((name, format!("fleet.shares.{name} is {share}; write a share between 0 and 1")));
            }
        }
        let shares = &self.shares;
        let groups = [
            ("stopped", "stopped + terminated", shares.stopped + shares.terminated),
            (
                "agent_",
                "agent_lost + agent_inactive + agent_never",
                shares.agent_lost + shares.agent_inactive + shares.agent_never,
            ),
            ("eks", "auto_scaling + eks", shares.auto_scaling + shares.eks),
        ];
        for (key, names, sum) in groups {
            if sum > 1.0 {
                let problem = format!(
                    "fleet.shares: {names} add up to {sum}; they exclude one another, so make it 1 at most"
                );
                return Err((key, problem));
            }
        }
        if self.instances.is_some() && self.instances_per_cell.is_some() {
            let problem = "fleet.instances and fleet.instances_per_cell exclude one another; keep one";
            return Err(("instances_per_cell", problem.to_owned()));
        }
        if self.platforms.values().all(|weight| *weight == 0) {
            let problem = "fleet.platforms gives no operating system a weight above 0; give one at least";
            return Err(("[fleet.platforms]", problem.to_owned()));
        }
        if self.environments.is_empty() {
            let problem = "fleet.environments is empty; name one at least, e.g. \"prod\"";
            return Err(("environments", problem.to_owned()));
        }
        Ok(())
    }
}
