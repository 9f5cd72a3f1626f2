//! What really happened to a region's resources, whatever clients were told: the checkers'
//! evidence. What happened on hosts is in [`host_history`](super::Region::host_history).

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
    ImageDeregistered(ImageId),
    /// A snapshot is complete.
    SnapshotCompleted(SnapshotId),
    /// A snapshot failed.
    SnapshotFailed(SnapshotId),
    /// A snapshot was deleted.
    SnapshotDeleted(SnapshotId),
    /// A root volume was replaced.
    RootReplaced(InstanceId),
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
