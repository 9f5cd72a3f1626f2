//! Starting, stopping, rebooting and restoring instances.

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure, InstanceId, InstanceState, Partial, SystemHealth, Tags, Text};
use jiff::Timestamp;

/// What must be watched of an instance while it is worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// The instance.
    pub id: InstanceId,
    /// Its life-cycle state.
    pub state: InstanceState,
    /// Its status checks; none while it is not running.
    pub health: Option<SystemHealth>,
}

/// How far the replacement of a root volume is.
/// Source: EC2 API reference, ReplaceRootVolumeTask, taskState.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RestoreState {
    /// Waiting or under way.
    InProgress,
    /// The instance runs from the new volume.
    Succeeded,
    /// It failed, and the instance has its old volume.
    Failed,
    /// It failed, and so did putting the old volume back: a person must look.
    FailedDetached,
    /// A state this version does not know.
    Unknown,
}

/// A replacement of a root volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restore {
    /// Its id.
    pub id: Text,
    /// The instance.
    pub instance: InstanceId,
    /// How far it is.
    pub state: RestoreState,
    /// When it was begun.
    pub started_at: Option<Timestamp>,
    /// Its tags.
    pub tags: Tags,
}

/// A new instance in the place of one that cannot be restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The instance it stands in for; its type, subnet, security groups, role, key and tags are
    /// taken over.
    pub like: InstanceId,
    /// The image it is launched from.
    pub image: Text,
    /// Idempotency token, at most 64 characters.
    pub token: Text,
    /// Tags beside those taken over.
    pub tags: Tags,
}

/// The life cycle of the instances of one cell. Every call is idempotent, by state or by token,
/// except [`Power::reboot`].
#[async_trait]
pub trait Power: Send + Sync {
    /// State and status checks of these instances: one request for 100. An instance that does not
    /// exist is not in the listing.
    async fn pulses(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Partial<Pulse>;

    /// Starts instances that are stopped, many with each request: the adapter cuts the list to what one
    /// takes (EC2's to 200), and asks again for the others where one instance is why all were refused.
    /// Instances that run already are left alone.
    ///
    /// # Errors
    /// The failure of the first request that was refused for good: none of them was started, unless it
    /// is ambiguous, as it is where another request had its effect; who asked must then look.
    async fn start(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Result<(), Failure>;

    /// Stops instances that run, with as many requests as [`Power::start`].
    ///
    /// # Errors
    /// As [`Power::start`].
    async fn stop(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Result<(), Failure>;

    /// Reboots instances from the outside, when their own operating system cannot be asked to. Never
    /// repeated behind the port once it may have taken effect.
    ///
    /// # Errors
    /// The failure of the call.
    async fn reboot(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Result<(), Failure>;

    /// Begins to replace the instance's root volume from an image, keeping its id, addresses, role
    /// and data volumes; answers with the task's id. `token` makes a repetition harmless.
    ///
    /// # Errors
    /// The failure of the call.
    async fn restore(
        &self,
        cell: &Cell<'_>,
        instance: &InstanceId,
        image: &str,
        token: &str,
        tags: &Tags,
    ) -> Result<Text, Failure>;

    /// These replacements of root volumes.
    async fn restores(&self, cell: &Cell<'_>, ids: &[Text]) -> Partial<Restore>;

    /// Launches an instance in the place of another; answers with the new one's id.
    ///
    /// # Errors
    /// The failure of the call.
    async fn replace(&self, cell: &Cell<'_>, replacement: &Replacement) -> Result<InstanceId, Failure>;
}
