//! The applications a generated fleet runs, and the groups of like instances they are made of.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::fleet::Fleet;
use super::seed::Seed;
use crate::world::instance::Lifecycle;
use crate::world::instance_types::{self, InstanceType};
use crate::world::platform::Platform;

/// Applications and the teams that own them.
const APPLICATIONS: &[(&str, &str)] = &[
    ("payments", "team-payments"),
    ("checkout", "team-shop"),
    ("catalog", "team-shop"),
    ("search", "team-discovery"),
    ("identity", "team-security"),
    ("ledger", "team-finance"),
    ("invoicing", "team-finance"),
    ("shipping", "team-logistics"),
    ("warehouse", "team-logistics"),
    ("crm", "team-sales"),
    ("reporting", "team-data"),
    ("ingest", "team-data"),
    ("messaging", "team-platform"),
    ("scheduler", "team-platform"),
    ("intranet", "team-it"),
    ("fileshare", "team-it"),
    ("hr", "team-people"),
    ("support", "team-care"),
    ("pricing", "team-shop"),
    ("fraud", "team-security"),
];

/// What a group of instances does in its application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Faces the users.
    Web,
    /// Does the work.
    App,
    /// Keeps the data.
    Db,
    /// Works off queues.
    Worker,
    /// A Kubernetes node.
    Node,
}

impl Tier {
    /// The value of the `Tier` tag, also part of names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::App => "app",
            Self::Db => "db",
            Self::Worker => "worker",
            Self::Node => "node",
        }
    }
}

/// Who looks after the number of instances in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// Nobody: each was launched by hand or by a template.
    None,
    /// An Auto Scaling group.
    AutoScaling,
    /// An EKS node group.
    Eks,
}

/// A group of like instances: one tier of one application.
#[derive(Clone, Debug)]
pub struct Group {
    /// The application; a number follows where a region runs it more than once.
    pub application: String,
    /// The team that owns it.
    pub owner: &'static str,
    /// Its tier.
    pub tier: Tier,
    /// Instances in it, unless the fleet ends before.
    pub size: usize,
    /// Operating system.
    pub platform: Platform,
    /// Size of each instance.
    pub instance_type: &'static InstanceType,
    /// How much the business depends on it.
    pub criticality: &'static str,
    /// Who keeps it.
    pub keeper: Keeper,
    /// How it is paid for.
    pub lifecycle: Lifecycle,
}

impl Group {
    /// The `n`-th group of a region whose groups draw from `seed`.
    pub fn nth(fleet: &Fleet, seed: &Seed, n: usize) -> Self {
        let mut random = seed.nth(n).stream();
        let offset = seed.child("applications").stream().random_range(0..APPLICATIONS.len());
        let (name, owner) = APPLICATIONS[(offset + n / 3) % APPLICATIONS.len()];
        let round = n / 3 / APPLICATIONS.len();
        let application = if round == 0 { name.to_owned() } else { format!("{name}-{}", round + 1) };

        let keeper = match random.random::<f64>() {
            draw if draw < fleet.shares.eks => Keeper::Eks,
            draw if draw < fleet.shares.eks + fleet.shares.auto_scaling => Keeper::AutoScaling,
            _ => Keeper::None,
        };
        let tier = match (keeper, n % 3) {
            (Keeper::Eks, _) => Tier::Node,
            (_, 0) => Tier::Web,
            (_, 1) => Tier::App,
            (Keeper::AutoScaling, _) => Tier::Worker,
            _ => Tier::Db,
        };
        let size = match tier {
            Tier::Db => random.random_range(2..=3),
            _ => random.random_range(3..=6),
        };
        let platform = match keeper {
            Keeper::Eks => Platform::AmazonLinux2023,
            _ => weighted(&mut random, fleet),
        };
        let spot = keeper != Keeper::None && random.random_bool(fleet.shares.spot);
        Self {
            application,
            owner,
            tier,
            size,
            platform,
            instance_type: instance_type(&mut random, tier, platform),
            criticality: criticality(&mut random),
            keeper,
            lifecycle: if spot { Lifecycle::Spot } else { Lifecycle::OnDemand },
        }
    }
}

fn weighted(random: &mut ChaCha8Rng, fleet: &Fleet) -> Platform {
    let total: u32 = fleet.platforms.values().sum();
    let mut draw = random.random_range(0..total.max(1));
    for (platform, weight) in &fleet.platforms {
        if draw < *weight {
            return *platform;
        }
        draw -= weight;
    }
    Platform::AmazonLinux2023
}

fn criticality(random: &mut ChaCha8Rng) -> &'static str {
    match random.random_range(0..10) {
        0 => "critical",
        1..=3 => "high",
        4..=7 => "medium",
        _ => "low",
    }
}

fn instance_type(random: &mut ChaCha8Rng, tier: Tier, platform: Platform) -> &'static InstanceType {
    let names: &[&str] = match (tier, platform) {
        (Tier::Db, _) => &["r6i.large", "r6i.xlarge", "r6i.2xlarge", "r6i.4xlarge", "m6i.4xlarge"],
        (Tier::Node, _) => &["m6i.xlarge", "m6i.2xlarge", "m7g.xlarge", "m7g.2xlarge", "c6i.4xlarge"],
        (_, Platform::WindowsServer2019 | Platform::WindowsServer2022) => {
            &["m5.large", "m5.xlarge", "m6i.large", "m6i.xlarge", "t3.large", "t3.xlarge"]
        }
        (_, Platform::Rhel8 | Platform::Rhel9) => &["m5.large", "m5.2xlarge", "m6i.large", "t3.medium"],
        (Tier::Web, _) => &["t3.micro", "t3.small", "t3.medium", "t4g.small", "t4g.medium", "c7g.large"],
        _ => &["m6i.large", "m7g.large", "c6i.large", "c6i.xlarge", "c6i.2xlarge", "t3.2xlarge"],
    };
    let name = names[random.random_range(0..names.len())];
    instance_types::find(name).expect("the lists above name known types only")
}
