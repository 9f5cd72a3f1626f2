//! Taking instances out of service and back: load balancers and Auto Scaling groups.

use async_trait::async_trait;
use fleetwright_model::{Answers, Cell, Failure, InstanceId, Partial, Text};

/// What a load balancer sends requests to: a target group of the second generation, or a balancer of
/// the first, which has its instances itself. Named by ARN.
pub type PoolArn = Text;

/// How a pool sees one of its instances.
/// Source: ELBv2 API reference, TargetHealth; ELB API reference, InstanceState.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeatHealth {
    /// It gets requests.
    Healthy,
    /// Registered; not yet checked often enough.
    Initial,
    /// Its health checks fail.
    Unhealthy,
    /// Deregistered; open connections may go on.
    Draining,
    /// It gets no requests for another reason: it is stopped, or no listener leads to the pool.
    Unused,
    /// The pool does not say, or in a word this version does not know.
    Unknown,
}

impl SeatHealth {
    /// In words, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Initial => "not checked yet",
            Self::Unhealthy => "unhealthy",
            Self::Draining => "draining",
            Self::Unused => "unused",
            Self::Unknown => "in an unknown state",
        }
    }
}

/// An instance's place in a pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat {
    /// The pool.
    pub pool: PoolArn,
    /// The instance.
    pub host: InstanceId,
    /// The port it is registered with; none in pools of the first generation.
    pub port: Option<u16>,
}

/// A place in a pool, and how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The place.
    pub seat: Seat,
    /// How the pool sees it.
    pub health: SeatHealth,
}

/// Where a member of an Auto Scaling group is in its life there.
/// Source: EC2 Auto Scaling user guide, "Amazon EC2 Auto Scaling instance lifecycle".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberState {
    /// On its way into service.
    Pending,
    /// In service.
    InService,
    /// On its way out of service.
    EnteringStandby,
    /// Out of service, and still a member.
    Standby,
    /// On its way out of the group.
    Leaving,
    /// A word this version does not know.
    Unknown,
}

/// An instance's place in an Auto Scaling group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The group's name.
    pub group: Text,
    /// Where it is.
    pub state: MemberState,
}

/// An Auto Scaling group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalingGroup {
    /// Its name.
    pub name: Text,
    /// Members it never has fewer of.
    pub min: u32,
    /// Members it aims at; those in standby are not counted.
    pub desired: u32,
    /// Processes that are suspended, sorted.
    pub suspended: Vec<Text>,
    /// The pools it registers its members with.
    pub pools: Vec<PoolArn>,
}

/// Load balancers and Auto Scaling groups of one cell. Every call that changes something is
/// idempotent by state: made again after it took effect it changes nothing, and is refused at worst.
#[async_trait]
pub trait Balancers: Send + Sync {
    /// Every pool that instances can be in.
    async fn pools(&self, cell: &Cell<'_>) -> Partial<PoolArn>;

    /// Everything registered with these pools: one call per target group. A pool that does not exist
    /// has no registrations.
    async fn registrations(&self, cell: &Cell<'_>, pools: &[PoolArn]) -> Partial<Registration>;

    /// Registers places of one pool. A place that is taken already stays; one that drains is taken
    /// again.
    ///
    /// # Errors
    /// The failure of the call.
    async fn register(&self, cell: &Cell<'_>, pool: &PoolArn, seats: &[Seat]) -> Result<(), Failure>;

    /// Deregisters places of one pool, which drain first. A place nobody has is left alone.
    ///
    /// # Errors
    /// The failure of the call.
    async fn deregister(&self, cell: &Cell<'_>, pool: &PoolArn, seats: &[Seat]) -> Result<(), Failure>;

    /// The Auto Scaling groups these instances are members of: one call for 50.
    async fn members(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Answers<Member>;

    /// These Auto Scaling groups. One that does not exist is not in the listing.
    async fn scaling_groups(&self, cell: &Cell<'_>, names: &[Text]) -> Partial<ScalingGroup>;

    /// Puts members in service into standby; the group then aims at as many fewer, so that it launches
    /// none in their place. The group's pools let them drain.
    ///
    /// # Errors
    /// The failure of the call: also where one is not in service, or the group would aim at fewer than
    /// its minimum. None of them was moved then.
    async fn enter_standby(&self, cell: &Cell<'_>, group: &str, ids: &[InstanceId]) -> Result<(), Failure>;

    /// Puts members in standby back into service; the group aims at as many more.
    ///
    /// # Errors
    /// The failure of the call: also where one is not in standby. None of them was moved then.
    async fn exit_standby(&self, cell: &Cell<'_>, group: &str, ids: &[InstanceId]) -> Result<(), Failure>;

    /// Suspends processes of a group, e.g. `ReplaceUnhealthy`.
    ///
    /// # Errors
    /// The failure of the call.
    async fn suspend(&self, cell: &Cell<'_>, group: &str, processes: &[Text]) -> Result<(), Failure>;

    /// Lets them go on.
    ///
    /// # Errors
    /// The failure of the call.
    async fn resume(&self, cell: &Cell<'_>, group: &str, processes: &[Text]) -> Result<(), Failure>;
}
