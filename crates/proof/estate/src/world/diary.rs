//! What really happened to a region's resources, whatever clients were told: the checkers'
//! evidence. What happened on hosts is in [`host_history`](super::Region::host_history).

use std::sync::Arc;

use jiff::Timestamp;

use super::ids::{ImageId, InstanceId, SnapshotId};
use super::instance::InstanceState;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An instance entered a state.
    Instance {
        /// Which.
        id: InstanceId,
        /// The state.
        state: InstanceState,
    },
    /// An image of an instance was begun.
    ImageBegun {
        /// Its name.
        name: String,
        /// Which.
        image: ImageId,
        /// Of what.
        instance: InstanceId,
        /// The snapshots it consists of.
        snapshots: Vec<SnapshotId>,
    },
    /// An image can be used.
    ImageAvailable(ImageId),
    /// An image failed.
    ImageFailed(ImageId),
    /// An image was deregistered.
    ImageDeregistered {
        /// Which.
        image: ImageId,
        /// How the instance it was made of was at that moment.
        source: Health,
    },
    /// A snapshot is complete.
    SnapshotCompleted(SnapshotId),
    /// A snapshot failed.
    SnapshotFailed(SnapshotId),
    /// A snapshot was deleted.
    SnapshotDeleted {
        /// Which.
        snapshot: SnapshotId,
        /// How the instance it was made of was at that moment.
        source: Health,
    },
    /// A root volume was replaced.
    RootReplaced(InstanceId),
    /// Both status checks have passed after a boot.
    ChecksPassed(InstanceId),
    /// An instance serves in a group, or no longer does.
    Standing {
        /// `targetgroup/NAME`, `loadbalancer/NAME` for a classic balancer, or `autoscaling/NAME`.
        group: Arc<str>,
        /// Which.
        instance: InstanceId,
        /// How it stands now.
        standing: Standing,
    },
    /// Processes of an Auto Scaling group were suspended or resumed.
    Processes {
        /// `autoscaling/NAME`.
        group: Arc<str>,
        /// All that are suspended now.
        suspended: Vec<&'static str>,
    },
}

/// How an instance stands in a group that shares the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Healthy and in service.
    Serving,
    /// A member, and out of service by itself: new, unhealthy, or not running.
    Out,
    /// Taken out of service on purpose: draining, or in standby.
    Aside,
    /// No longer a member.
    Left,
}

/// How an instance was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Running with both status checks passed, or stopped on purpose.
    Healthy,
    /// Anything else.
    Unhealthy,
    /// Terminated, or not known.
    Gone,
}

/// The events of a region in the order they happened.
#[derive(Debug, Default)]
pub struct Diary {
    entries: Vec<(Timestamp, Event)>,
}

impl Diary {
    /// Notes an event; they come in the order of time.
    pub fn note(&mut self, at: Timestamp, event: Event) {
        self.entries.push((at, event));
    }

    /// Every event with its moment.
    #[must_use]
    pub fn entries(&self) -> &[(Timestamp, Event)] {
        &self.entries
    }
}
