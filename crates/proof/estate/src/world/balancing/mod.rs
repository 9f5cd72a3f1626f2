//! Load balancers and the instances registered with them.
//!
//! A balancer of the estate has one pool of instances: a network or application balancer's is its
//! target group, a classic one's is the balancer itself.

pub mod health;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::ids::InstanceId;
use super::network::{SecurityGroup, Subnet};
use super::tags::Tags;

/// The kinds of balancers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Second generation, for HTTP.
    Application,
    /// Second generation, for TCP.
    Network,
    /// First generation.
    Classic,
}

impl Kind {
    /// The word for it in the second generation's answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Network => "network",
            Self::Classic => "classic",
        }
    }

    /// What its listeners and its health checks speak.
    #[must_use]
    pub const fn protocol(self) -> &'static str {
        match self {
            Self::Application | Self::Classic => "HTTP",
            Self::Network => "TCP",
        }
    }
}

/// How a pool's instances are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    /// Seconds from check to check, 5 to 300.
    pub interval: u16,
    /// Checks passed in a row until an unhealthy target is healthy, 2 to 10.
    pub healthy: u8,
    /// Checks failed in a row until a target is unhealthy, 2 to 10.
    pub unhealthy: u8,
}

impl Checks {
    /// How long so many checks in a row take.
    pub(super) fn length(self, count: u8) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.interval) * i64::from(count))
    }
}

/// Where a registered instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Just registered; not yet checked often enough.
    Initial,
    /// Gets requests.
    Healthy,
    /// Gets none.
    Unhealthy,
    /// Deregistered; open connections may go on until then.
    Draining {
        /// When it is gone.
        until: Timestamp,
    },
}

/// What checks find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The application answers as it should.
    Answers,
    /// It does not.
    Fails,
    /// The instance does not run.
    Off,
}

/// An instance on one port of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it is.
    pub phase: Phase,
    /// What checks find.
    pub finding: Finding,
    /// Since when they find that, or since it is registered.
    pub since: Timestamp,
    /// When the balancer looks again, where that is settled.
    due: Option<Timestamp>,
}

/// An instance and the port it gets requests on.
pub type TargetKey = (InstanceId, u16);

/// The instances registered with a balancer, and how they are checked.
#[derive(Clone, Debug)]
pub struct Pool {
    /// The target group's name; the balancer's where it is a classic one.
    pub name: Arc<str>,
    /// What the diary calls it: `targetgroup/NAME` or `loadbalancer/NAME`.
    pub label: Arc<str>,
    /// The target group's ARN, or the balancer's.
    pub arn: String,
    /// The port where none is named.
    pub port: u16,
    /// How instances are checked.
    pub checks: Checks,
    /// How long a deregistered instance drains.
    pub drain: SignedDuration,
    /// What is registered.
    pub targets: BTreeMap<TargetKey, Target>,
    /// Tags of the target group; a classic balancer's own.
    pub tags: Tags,
}

/// A load balancer with its pool.
#[derive(Clone, Debug)]
pub struct Balancer {
    /// Its name.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: Kind,
    /// Its ARN.
    pub arn: String,
    /// Its name in the DNS.
    pub dns_name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where it listens, one subnet in each zone.
    pub subnets: Vec<Arc<Subnet>>,
    /// Its security groups.
    pub security_groups: Vec<Arc<SecurityGroup>>,
    /// Its instances.
    pub pool: Pool,
    /// Its tags.
    pub tags: Tags,
}

/// A region's load balancers, in the order they were made.
#[derive(Debug, Default)]
pub struct Balancing {
    balancers: Vec<Balancer>,
    of_instance: HashMap<InstanceId, BTreeSet<usize>>,
}

impl Balancing {
    /// Adds a balancer and gives its number.
    pub fn add(&mut self, balancer: Balancer) -> usize {
        self.balancers.push(balancer);
        self.balancers.len() - 1
    }

    /// Every balancer.
    pub fn iter(&self) -> impl Iterator<Item = &Balancer> {
        self.balancers.iter()
    }

    /// The balancers of one generation.
    pub fn classic(&self) -> impl Iterator<Item = &Balancer> {
        self.balancers.iter().filter(|it| it.kind == Kind::Classic)
    }

    /// The balancers of the second generation.
    pub fn second(&self) -> impl Iterator<Item = &Balancer> {
        self.balancers.iter().filter(|it| it.kind != Kind::Classic)
    }

    /// One balancer by its number.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&Balancer> {
        self.balancers.get(number)
    }

    /// The number of the balancer whose pool has this ARN.
    #[must_use]
    pub fn with_pool(&self, arn: &str) -> Option<usize> {
        self.balancers.iter().position(|it| it.pool.arn == arn)
    }

    /// The number of the classic balancer of that name.
    #[must_use]
    pub fn classic_named(&self, name: &str) -> Option<usize> {
        self.balancers.iter().position(|it| it.kind == Kind::Classic && &*it.name == name)
    }

    /// The numbers of the balancers an instance is registered with, draining ones included.
    #[must_use]
    pub fn of(&self, id: InstanceId) -> Vec<usize> {
        self.of_instance.get(&id).map(|of| of.iter().copied().collect()).unwrap_or_default()
    }

    /// True where the instance is registered with any.
    #[must_use]
    pub fn knows(&self, id: InstanceId) -> bool {
        self.of_instance.contains_key(&id)
    }

    /// Forgets a target; true where there was one.
    fn remove(&mut self, number: usize, key: TargetKey) -> bool {
        let Some(pool) = self.balancers.get_mut(number).map(|it| &mut it.pool) else { return false };
        let removed = pool.targets.remove(&key).is_some();
        if pool.targets.keys().all(|(id, _)| *id != key.0)
            && let Some(of) = self.of_instance.get_mut(&key.0)
        {
            of.remove(&number);
            if of.is_empty() {
                self.of_instance.remove(&key.0);
            }
        }
        removed
    }
}
