//! What a region's resources were before they last changed, for reads that answer late.
//!
//! EC2 is eventually consistent: a read may show a resource as it was a while ago, or not at all
//! (EC2 developer guide, "Eventual consistency in the Amazon EC2 API").

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::Region;
use super::ids::{ImageId, InstanceId, RootTaskId, SnapshotId, VolumeId};
use super::instance::{Instance, InstanceState};
use super::root_tasks::RootTask;
use super::storage::{Image, Snapshot, Volume};

/// How far back a read can look: older states are dropped.
pub const REACH: SignedDuration = SignedDuration::from_hours(1);

/// How long a terminated instance is still shown.
const TERMINATED_SHOWN: SignedDuration = SignedDuration::from_hours(1);

/// Earlier states of one region, at most: ten of the largest CreateTags calls. A read that would
/// need a dropped one sees the oldest state still kept.
const MAX_EARLIER: usize = 10_000;

/// Earlier states of a region's resources in the order of the changes, and what is so new that
/// reads do not know it yet.
#[derive(Debug, Default)]
pub struct History {
    earlier: VecDeque<Earlier>,
    /// Until when new ids are unknown; the digits of an id are unique across its kinds.
    unknown: HashMap<u64, Timestamp>,
}

#[derive(Debug)]
struct Earlier {
    /// When it changed, and so was this no longer.
    until: Timestamp,
    resource: Resource,
}

#[derive(Debug)]
enum Resource {
    Instance(Box<Instance>),
    Volume(Box<Volume>),
    Image(Box<Image>),
    Snapshot(Box<Snapshot>),
    RootTask(Box<RootTask>),
}

impl History {
    fn push(&mut self, resource: Resource, until: Timestamp) {
        while self.earlier.front().is_some_and(|oldest| until.duration_since(oldest.until) >= REACH)
            || self.earlier.len() >= MAX_EARLIER
        {
            self.earlier.pop_front();
        }
        self.earlier.push_back(Earlier { until, resource });
    }

    /// Hides a new id from reads until then.
    pub fn hide(&mut self, id: u64, until: Timestamp) {
        self.unknown.insert(id, until);
    }

    /// True where reads at `now` do not know the id yet.
    fn hides(&self, id: u64, now: Option<Timestamp>) -> bool {
        !self.unknown.is_empty()
            && self.unknown.get(&id).is_some_and(|until| now.is_none_or(|now| now < *until))
    }

    /// How many earlier states are kept; 10,000 at most.
    #[must_use]
    pub fn len(&self) -> usize {
        self.earlier.len()
    }

    /// True where nothing changed lately.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.earlier.is_empty()
    }
}

impl Region {
    /// The instance with this id, to be changed at `now`; its state until then is kept.
    ///
    /// Every operation that changes what reads show comes through here. That includes a restart,
    /// which moves `launched_at`: a late read takes an instance without an earlier state for new.
    pub fn change_instance(&mut self, id: InstanceId, now: Timestamp) -> Option<&mut Instance> {
        let instance = self.instances.get_mut(id)?;
        self.history.push(Resource::Instance(Box::new(instance.clone())), now);
        Some(instance)
    }

    /// The volume with this id, to be changed at `now`; its state until then is kept.
    pub fn change_volume(&mut self, id: VolumeId, now: Timestamp) -> Option<&mut Volume> {
        let volume = self.volumes.get_mut(&id)?;
        self.history.push(Resource::Volume(Box::new(volume.clone())), now);
        Some(volume)
    }

    /// The image with this id, to be changed at `now`; its state until then is kept.
    pub fn change_image(&mut self, id: ImageId, now: Timestamp) -> Option<&mut Image> {
        let image = self.images.get_mut(&id)?;
        self.history.push(Resource::Image(Box::new(image.clone())), now);
        Some(image)
    }

    /// The snapshot with this id, to be changed at `now`; its state until then is kept.
    pub fn change_snapshot(&mut self, id: SnapshotId, now: Timestamp) -> Option<&mut Snapshot> {
        let snapshot = self.snapshots.get_mut(&id)?;
        self.history.push(Resource::Snapshot(Box::new(snapshot.clone())), now);
        Some(snapshot)
    }

    /// The replacement with this id, to be changed at `now`; its state until then is kept.
    pub fn change_root_task(&mut self, id: RootTaskId, now: Timestamp) -> Option<&mut RootTask> {
        let task = self.root_tasks.get_mut(&id)?;
        self.history.push(Resource::RootTask(Box::new(task.clone())), now);
        Some(task)
    }

    /// The region as a read sees it: as it is, or as it was at `as_of`.
    #[must_use]
    pub fn view(&self, as_of: Option<Timestamp>) -> View<'_> {
        let mut view = View {
            region: self,
            as_of,
            instances: HashMap::new(),
            volumes: HashMap::new(),
            images: HashMap::new(),
            snapshots: HashMap::new(),
            root_tasks: HashMap::new(),
        };
        let Some(as_of) = as_of else { return view };
        // A resource was what its first change after that moment replaced.
        for earlier in self.history.earlier.iter().filter(|earlier| earlier.until > as_of) {
            match &earlier.resource {
                Resource::Instance(it) => {
                    view.instances.entry(it.id).or_insert(it);
                }
                Resource::Volume(it) => {
                    view.volumes.entry(it.id).or_insert(it);
                }
                Resource::Image(it) => {
                    view.images.entry(it.id).or_insert(it);
                }
                Resource::Snapshot(it) => {
                    view.snapshots.entry(it.id).or_insert(it);
                }
                Resource::RootTask(it) => {
                    view.root_tasks.entry(it.id).or_insert(it);
                }
            }
        }
        view
    }
}

/// A region as one read sees it.
///
/// What was launched or made later is not there; what changed later is as it was. What was removed
/// since stays removed. Everything keeps its place, so that a listing can go on from a page of
/// another age without losing or repeating anything.
#[derive(Debug)]
pub struct View<'r> {
    region: &'r Region,
    as_of: Option<Timestamp>,
    instances: HashMap<InstanceId, &'r Instance>,
    volumes: HashMap<VolumeId, &'r Volume>,
    images: HashMap<ImageId, &'r Image>,
    snapshots: HashMap<SnapshotId, &'r Snapshot>,
    root_tasks: HashMap<RootTaskId, &'r RootTask>,
}

impl<'r> View<'r> {
    /// The instances from a place on, in the region's order.
    pub fn instances_from(&self, place: usize) -> impl Iterator<Item = &'r Instance> {
        self.region.instances.from_place(place).iter().filter_map(|it| self.instance_seen(it))
    }

    /// The instance with this id.
    #[must_use]
    pub fn instance(&self, id: InstanceId) -> Option<&'r Instance> {
        self.region.instances.get(id).and_then(|it| self.instance_seen(it))
    }

    /// The place of an instance in the region's order, which pages continue from.
    #[must_use]
    pub fn place(&self, id: InstanceId) -> Option<usize> {
        self.region.instances.place(id)
    }

    /// The volumes from an id on.
    pub fn volumes_from(&self, id: VolumeId) -> impl Iterator<Item = &'r Volume> {
        self.region.volumes.range(id..).filter_map(|(_, it)| self.volume_seen(it))
    }

    /// The volume with this id.
    #[must_use]
    pub fn volume(&self, id: VolumeId) -> Option<&'r Volume> {
        self.region.volumes.get(&id).and_then(|it| self.volume_seen(it))
    }

    /// The images from an id on.
    pub fn images_from(&self, id: ImageId) -> impl Iterator<Item = &'r Image> {
        self.region.images.range(id..).filter_map(|(_, it)| self.image_seen(it))
    }

    /// The image with this id.
    #[must_use]
    pub fn image(&self, id: ImageId) -> Option<&'r Image> {
        self.region.images.get(&id).and_then(|it| self.image_seen(it))
    }

    fn instance_seen(&self, now: &'r Instance) -> Option<&'r Instance> {
        let then = self.instances.get(&now.id).copied().unwrap_or(now);
        if self.is_forgotten(then) {
            return None;
        }
        self.existed(now.id.0, then.launched_at).then_some(then)
    }

    /// A terminated instance is shown for about an hour (EC2 user guide, "Terminate Amazon EC2
    /// instances").
    fn is_forgotten(&self, it: &Instance) -> bool {
        it.state == InstanceState::Terminated
            && self
                .region
                .timeline
                .now()
                .is_some_and(|now| now.duration_since(it.state_since) > TERMINATED_SHOWN)
    }

    fn volume_seen(&self, now: &'r Volume) -> Option<&'r Volume> {
        let then = self.volumes.get(&now.id).copied().unwrap_or(now);
        self.existed(now.id.0, then.created_at).then_some(then)
    }

    fn image_seen(&self, now: &'r Image) -> Option<&'r Image> {
        let then = self.images.get(&now.id).copied().unwrap_or(now);
        self.existed(now.id.0, then.created_at).then_some(then)
    }

    /// The snapshots from an id on.
    pub fn snapshots_from(&self, id: SnapshotId) -> impl Iterator<Item = &'r Snapshot> {
        self.region.snapshots.range(id..).filter_map(|(_, it)| self.snapshot_seen(it))
    }

    /// The snapshot with this id.
    #[must_use]
    pub fn snapshot(&self, id: SnapshotId) -> Option<&'r Snapshot> {
        self.region.snapshots.get(&id).and_then(|it| self.snapshot_seen(it))
    }

    /// The replacements of root volumes from an id on.
    pub fn root_tasks_from(&self, id: RootTaskId) -> impl Iterator<Item = &'r RootTask> {
        self.region.root_tasks.range(id..).filter_map(|(_, it)| self.root_task_seen(it))
    }

    /// The replacement with this id.
    #[must_use]
    pub fn root_task(&self, id: RootTaskId) -> Option<&'r RootTask> {
        self.region.root_tasks.get(&id).and_then(|it| self.root_task_seen(it))
    }

    fn snapshot_seen(&self, now: &'r Snapshot) -> Option<&'r Snapshot> {
        let then = self.snapshots.get(&now.id).copied().unwrap_or(now);
        self.existed(now.id.0, then.started_at).then_some(then)
    }

    fn root_task_seen(&self, now: &'r RootTask) -> Option<&'r RootTask> {
        let then = self.root_tasks.get(&now.id).copied().unwrap_or(now);
        self.existed(now.id.0, then.started_at).then_some(then)
    }

    /// True where the resource was there since before this read's moment, and is known to reads.
    fn existed(&self, id: u64, since: Timestamp) -> bool {
        self.as_of.is_none_or(|as_of| since <= as_of)
            && !self.region.history.hides(id, self.region.timeline.now())
    }
}
