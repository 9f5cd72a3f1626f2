//! Images of instances, and the snapshots they consist of.
//!
//! Source: EC2 user guide, "Create an Amazon EBS-backed AMI"; EBS user guide, "Amazon EBS snapshots".

use std::borrow::Cow;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;

use super::diary::{Event, Health};
use super::host::{self, RebootCause, Software};
use super::ids::{ImageId, InstanceId, SnapshotId};
use super::instance::{InstanceState, StatusCheck};
use super::life_cycle::strike;
use super::storage::{Fate, Image, ImageDisk, ImageState, Snapshot, SnapshotState, Visibility, Volume};
use super::tags::Tags;
use super::timeline::{Change, Place};
use crate::fault::Mishap;

/// Whether an instance is rebooted for its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// It is: file systems are at rest.
    Reboot,
    /// It is not: the image is as after a power cut.
    NoReboot,
}

/// What an image of an instance is made from.
#[derive(Clone, Debug)]
pub struct ImageRequest {
    /// The instance; it must exist and have an EBS root.
    pub instance: InstanceId,
    /// The image's name, unique among the account's.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// Whether the instance is rebooted.
    pub consistency: Consistency,
    /// Devices whose volumes are left out.
    pub left_out: Vec<String>,
    /// Tags of the image.
    pub tags: Tags,
    /// Tags of its snapshots.
    pub snapshot_tags: Tags,
}

/// How long an image takes and how it ends.
struct Prospect {
    length: SignedDuration,
    image: Fate,
    snapshots: Fate,
}

/// Begins an image at `at`; `None` where the instance is not there.
pub fn create(place: &mut Place<'_>, request: ImageRequest, at: Timestamp) -> Option<ImageId> {
    let id = new_image_id(place, &request, at);
    let prospect = prospect(place, &request, id, at);
    let it = place.region.instances.get(request.instance)?;
    let (platform, architecture) = (it.platform, it.instance_type.architecture);
    let attached: Vec<(bool, Cow<'static, str>, bool, Volume)> = it
        .volumes
        .iter()
        .enumerate()
        .filter(|(_, a)| !request.left_out.iter().any(|device| **device == *a.device))
        .filter_map(|(n, a)| {
            let volume = place.region.volumes.get(&a.volume)?.clone();
            Some((n == 0, Cow::Owned(a.device.to_string()), a.delete_on_termination, volume))
        })
        .collect();
    let software = Arc::new(place.region.host_software(request.instance));
    let mut disks = Vec::with_capacity(attached.len());
    for (root, device, delete_on_termination, volume) in attached {
        let snapshot =
            begin_snapshot(place, &request, id, (&volume, root.then(|| software.clone())), &prospect, at);
        disks.push(ImageDisk {
            device,
            snapshot,
            gib: volume.gib,
            volume_type: volume.volume_type,
            encryption: volume.encryption,
            delete_on_termination,
        });
    }
    let snapshots = disks.iter().map(|disk| disk.snapshot).collect();
    let name = request.name.clone();
    place.region.image_names.insert(request.name.clone(), id);
    place.region.images.insert(
        id,
        Image {
            id,
            name: request.name,
            description: request.description,
            owner: place.account.to_owned(),
            owner_alias: None,
            visibility: Visibility::Private,
            architecture,
            platform,
            created_at: at,
            deprecated_at: None,
            state: ImageState::Pending(prospect.image),
            disks,
            source_instance: Some(request.instance),
            software: Some(software),
            tags: request.tags,
        },
    );
    place.region.diary.note(at, Event::ImageBegun { name, image: id, instance: request.instance, snapshots });
    place.region.schedule(at + prospect.length, Change::Image(id));
    let runs = place.region.instances.get(request.instance).is_some_and(|it| it.state.is_running());
    if request.consistency == Consistency::Reboot && runs {
        host::reboot(place, request.instance, RebootCause::CreateImage, at);
    }
    Some(id)
}

fn new_image_id(place: &Place<'_>, request: &ImageRequest, at: Timestamp) -> ImageId {
    let seed = place.seed.child("image").child(&request.name).child(&at.to_string());
    let taken = |id: &ImageId| place.region.images.contains_key(id);
    fresh(|n| ImageId(seed.nth(n).stream().random()), taken)
}

/// The first id of a sequence that is not taken.
pub(super) fn fresh<T>(nth: impl Fn(usize) -> T, taken: impl Fn(&T) -> bool) -> T {
    (0..).map(nth).find(|id| !taken(id)).expect("64-bit ids do not run out")
}

fn prospect(place: &mut Place<'_>, request: &ImageRequest, id: ImageId, at: Timestamp) -> Prospect {
    let fate = |struck: Option<()>| if struck.is_some() { Fate::Fails } else { Fate::Succeeds };
    let slow = strike(place, request.instance, at, |m| match m {
        Mishap::ImageSlow { takes } => Some(takes),
        _ => None,
    });
    let fails = strike(place, request.instance, at, |m| (m == Mishap::ImageFails).then_some(()));
    let broken = strike(place, request.instance, at, |m| (m == Mishap::SnapshotFails).then_some(()));
    let usual = place.length(place.pace.image, "image-length", id.0, at);
    Prospect {
        length: slow.and_then(|takes| takes.try_into().ok()).unwrap_or(usual),
        image: fate(fails.or(broken)),
        snapshots: fate(broken),
    }
}

/// Begins a snapshot for an image; it is complete before the image is available.
fn begin_snapshot(
    place: &mut Place<'_>,
    request: &ImageRequest,
    image: ImageId,
    (volume, software): (&Volume, Option<Arc<Software>>),
    prospect: &Prospect,
    at: Timestamp,
) -> SnapshotId {
    let seed = place.seed.child("snapshot").child(&volume.id.to_string()).child(&image.to_string());
    let id =
        fresh(|n| SnapshotId(seed.nth(n).stream().random()), |id| place.region.snapshots.contains_key(id));
    let share = place.draws("snapshot-share", id.0, at).random_range(50..100);
    let until = at + SignedDuration::from_millis_i128(prospect.length.as_millis() * share / 100);
    place.region.snapshots.insert(
        id,
        Snapshot {
            id,
            volume: volume.id,
            gib: volume.gib,
            encryption: volume.encryption,
            description: format!("Created by CreateImage({}) for {image}", request.instance),
            started_at: at,
            state: SnapshotState::Pending(until, prospect.snapshots),
            image: Some(image),
            source_instance: Some(request.instance),
            software,
            tags: request.snapshot_tags.clone(),
        },
    );
    if let Some(volume) = place.region.volumes.get_mut(&volume.id) {
        volume.pending_snapshots += 1;
    }
    place.region.schedule(until, Change::Snapshot(id));
    id
}

/// Ends the making of an image that is due.
pub fn image_due(place: &mut Place<'_>, id: ImageId, at: Timestamp) {
    let Some(Image { state: ImageState::Pending(fate), .. }) = place.region.images.get(&id) else { return };
    let (state, event) = match fate {
        Fate::Succeeds => (ImageState::Available, Event::ImageAvailable(id)),
        Fate::Fails => (ImageState::Failed, Event::ImageFailed(id)),
    };
    if let Some(image) = place.region.change_image(id, at) {
        image.state = state;
    }
    place.region.diary.note(at, event);
}

/// Ends a snapshot that is due.
pub fn snapshot_due(place: &mut Place<'_>, id: SnapshotId, at: Timestamp) {
    let Some(Snapshot { state: SnapshotState::Pending(_, fate), volume, .. }) =
        place.region.snapshots.get(&id)
    else {
        return;
    };
    if let Some(volume) = place.region.volumes.get_mut(volume) {
        volume.pending_snapshots = volume.pending_snapshots.saturating_sub(1);
    }
    let (state, event) = match fate {
        Fate::Succeeds => (SnapshotState::Completed(at), Event::SnapshotCompleted(id)),
        Fate::Fails => (SnapshotState::Error, Event::SnapshotFailed(id)),
    };
    if let Some(snapshot) = place.region.change_snapshot(id, at) {
        snapshot.state = state;
    }
    place.region.diary.note(at, event);
}

/// Deregisters an image; its snapshots stay.
pub fn deregister(place: &mut Place<'_>, id: ImageId, at: Timestamp) -> Option<Image> {
    let image = place.region.images.remove(&id)?;
    if place.region.image_names.get(&image.name) == Some(&id) {
        place.region.image_names.remove(&image.name);
    }
    place.region.deregistered.insert(id);
    let source = health(place, image.source_instance);
    place.region.diary.note(at, Event::ImageDeregistered { image: id, source });
    Some(image)
}

/// Deletes a snapshot.
pub fn delete_snapshot(place: &mut Place<'_>, id: SnapshotId, at: Timestamp) {
    if let Some(gone) = place.region.snapshots.remove(&id) {
        if matches!(gone.state, SnapshotState::Pending(..))
            && let Some(volume) = place.region.volumes.get_mut(&gone.volume)
        {
            volume.pending_snapshots = volume.pending_snapshots.saturating_sub(1);
        }
        let source = health(place, gone.source_instance);
        place.region.diary.note(at, Event::SnapshotDeleted { snapshot: id, source });
    }
}

fn health(place: &Place<'_>, id: Option<InstanceId>) -> Health {
    let Some(it) = id.and_then(|id| place.region.instances.get(id)) else { return Health::Gone };
    let passed = (it.checks.system, it.checks.instance) == (StatusCheck::Ok, StatusCheck::Ok);
    match it.state {
        InstanceState::Running if passed => Health::Healthy,
        InstanceState::Stopped => Health::Healthy,
        InstanceState::Terminated => Health::Gone,
        _ => Health::Unhealthy,
    }
}
