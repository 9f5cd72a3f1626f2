//! Auto Scaling groups: what they keep, and what was done about it.

pub mod life;
pub mod refresh;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::ids::{InstanceId, LaunchTemplateId};
use super::network::Subnet;
use super::tags::Tags;

/// What a group does by itself, which users may suspend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Process {
    /// Registers instances that come into service with the group's balancers.
    AddToLoadBalancer,
    /// Acts on alarms; the estate's groups have none.
    AlarmNotification,
    /// Evens out zones; the estate's groups do not.
    AzRebalance,
    /// Marks instances as unhealthy.
    HealthCheck,
    /// Goes on with instance refreshes.
    InstanceRefresh,
    /// Launches instances.
    Launch,
    /// Replaces instances that are marked as unhealthy.
    ReplaceUnhealthy,
    /// Acts on schedules; the estate's groups have none.
    ScheduledActions,
    /// Terminates instances.
    Terminate,
}

impl Process {
    /// Every process.
    pub const ALL: [Self; 9] = [
        Self::AddToLoadBalancer,
        Self::AlarmNotification,
        Self::AzRebalance,
        Self::HealthCheck,
        Self::InstanceRefresh,
        Self::Launch,
        Self::ReplaceUnhealthy,
        Self::ScheduledActions,
        Self::Terminate,
    ];

    /// Auto Scaling's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AddToLoadBalancer => "AddToLoadBalancer",
            Self::AlarmNotification => "AlarmNotification",
            Self::AzRebalance => "AZRebalance",
            Self::HealthCheck => "HealthCheck",
            Self::InstanceRefresh => "InstanceRefresh",
            Self::Launch => "Launch",
            Self::ReplaceUnhealthy => "ReplaceUnhealthy",
            Self::ScheduledActions => "ScheduledActions",
            Self::Terminate => "Terminate",
        }
    }

    /// The process of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|process| process.name() == name)
    }
}

/// Where a member is in the life a group gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// On its way into service.
    Pending,
    /// In service.
    InService,
    /// On its way out of service, until then.
    EnteringStandby {
        /// When its balancers have drained it.
        until: Timestamp,
    },
    /// Out of service, and left alone.
    Standby,
    /// On its way out of the group, held by a lifecycle hook until then at the latest.
    TerminatingWait {
        /// When the hook's heartbeat times out.
        until: Timestamp,
    },
    /// On its way out of the group.
    Terminating,
}

impl Lifecycle {
    /// Auto Scaling's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InService => "InService",
            Self::EnteringStandby { .. } => "EnteringStandby",
            Self::Standby => "Standby",
            Self::TerminatingWait { .. } => "Terminating:Wait",
            Self::Terminating => "Terminating",
        }
    }
}

/// What a group thinks of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing is wrong.
    Healthy,
    /// To be replaced; that never changes back by itself.
    Unhealthy,
}

impl Mark {
    /// Auto Scaling's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::Unhealthy => "Unhealthy",
        }
    }
}

/// An instance of a group.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Where it is.
    pub lifecycle: Lifecycle,
    /// Since when.
    pub since: Timestamp,
    /// What the group thinks of it.
    pub mark: Mark,
    /// The version of the launch template that it was launched from.
    pub template_version: Option<usize>,
    /// Since when something is wrong with it.
    ill_since: Option<Timestamp>,
    /// When the group looks again, where that is settled.
    due: Option<Timestamp>,
}

impl Member {
    /// The same, launched from that version of the launch template.
    #[must_use]
    pub const fn from_version(self, template_version: Option<usize>) -> Self {
        Self { template_version, ..self }
    }

    /// A member in a state since then.
    #[must_use]
    pub const fn new(lifecycle: Lifecycle, since: Timestamp) -> Self {
        Self { lifecycle, since, mark: Mark::Healthy, template_version: None, ill_since: None, due: None }
    }
}

/// What a group goes by when it marks members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthCheck {
    /// EC2's states and status checks.
    #[default]
    Ec2,
    /// These, and what the group's balancers find.
    Elb,
}

impl HealthCheck {
    /// Auto Scaling's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ec2 => "EC2",
            Self::Elb => "ELB",
        }
    }
}

/// Something a group did.
#[derive(Clone, Debug)]
pub struct Activity {
    /// Its id.
    pub id: u128,
    /// What, in one sentence.
    pub description: String,
    /// Why, in one sentence.
    pub cause: String,
    /// When it began.
    pub began: Timestamp,
    /// When it comes or came to its end.
    pub ends: Timestamp,
}

/// An Auto Scaling group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: Arc<str>,
    /// What the diary calls it: `autoscaling/NAME`.
    pub label: Arc<str>,
    /// Its ARN.
    pub arn: String,
    /// Members in service that it never goes below.
    pub min: usize,
    /// Members it never goes above.
    pub max: usize,
    /// Members in service that it aims at.
    pub desired: usize,
    /// What it goes by.
    pub check: HealthCheck,
    /// How long a member that came into service is spared, as far as its checks go.
    pub grace: SignedDuration,
    /// Its subnets.
    pub subnets: Vec<Arc<Subnet>>,
    /// The numbers of its balancers.
    pub balancers: Vec<usize>,
    /// Its instances.
    pub members: BTreeMap<InstanceId, Member>,
    /// The instance that others are launched like; none where EKS keeps the group.
    pub like: Option<InstanceId>,
    /// Suspended processes, and since when.
    pub suspended: BTreeMap<Process, Timestamp>,
    /// What it did, in order.
    pub activities: Vec<Activity>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its tags.
    pub tags: Tags,
    /// What its instances are launched from.
    pub source: Source,
    /// The cluster whose nodes they are, where EKS does not keep the group.
    pub cluster: Option<String>,
    /// Its hooks on instances that are terminated.
    pub hooks: Vec<Hook>,
    /// Its instance refreshes, the oldest first.
    pub refreshes: Vec<refresh::Refresh>,
    /// Members that are protected from scaling in.
    pub protected: BTreeSet<InstanceId>,
}

/// What a group's instances are launched from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// A launch template that the estate knows by name only.
    #[default]
    Unknown,
    /// A launch configuration, by name.
    Configuration(String),
    /// A launch template.
    Template {
        /// Its id.
        id: LaunchTemplateId,
        /// The version: a number, `$Latest` or `$Default`.
        version: String,
    },
}

/// A lifecycle hook on instances that are terminated (`autoscaling:EC2_INSTANCE_TERMINATING`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name.
    pub name: String,
    /// How long an instance is held at most.
    pub heartbeat: SignedDuration,
}

impl Group {
    /// True where a process is suspended.
    #[must_use]
    pub fn is_suspended(&self, process: Process) -> bool {
        self.suspended.contains_key(&process)
    }

    /// Members that count towards the capacity it aims at.
    #[must_use]
    pub fn active(&self) -> usize {
        let counts = |it: &&Member| matches!(it.lifecycle, Lifecycle::Pending | Lifecycle::InService);
        self.members.values().filter(counts).count()
    }
}

/// A region's Auto Scaling groups, in the order they were made.
#[derive(Debug, Default)]
pub struct Scaling {
    groups: Vec<Group>,
    of_instance: HashMap<InstanceId, usize>,
}

impl Scaling {
    /// Adds a group with its members, none of which may be in another group.
    pub fn add(&mut self, group: Group) {
        let number = self.groups.len();
        self.of_instance.extend(group.members.keys().map(|id| (*id, number)));
        self.groups.push(group);
    }

    /// Every group.
    pub fn iter(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter()
    }

    /// One group by its number.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&Group> {
        self.groups.get(number)
    }

    /// One group by its number, to be changed.
    pub fn get_mut(&mut self, number: usize) -> Option<&mut Group> {
        self.groups.get_mut(number)
    }

    /// The number of the group of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<usize> {
        self.groups.iter().position(|group| &*group.name == name)
    }

    /// The group an instance is in, with its number.
    #[must_use]
    pub fn of(&self, id: InstanceId) -> Option<usize> {
        self.of_instance.get(&id).copied()
    }

    /// True where the instance is in a group.
    #[must_use]
    pub fn knows(&self, id: InstanceId) -> bool {
        self.of_instance.contains_key(&id)
    }

    pub(in crate::world) fn join(&mut self, number: usize, id: InstanceId, member: Member) {
        if let Some(group) = self.groups.get_mut(number) {
            group.members.insert(id, member);
            self.of_instance.insert(id, number);
        }
    }

    pub(in crate::world) fn leave(&mut self, number: usize, id: InstanceId) {
        if let Some(group) = self.groups.get_mut(number) {
            group.members.remove(&id);
        }
        self.of_instance.remove(&id);
    }
}
