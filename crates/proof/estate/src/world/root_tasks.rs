//! Replacing the root volume of a running instance, which keeps its id, addresses, role and data
//! volumes.
//!
//! Source: EC2 user guide, "Replace the root volume for an Amazon EC2 instance without stopping it".

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;

use super::diary::Event;
use super::host::{self, Software};
use super::ids::{ImageId, InstanceId, RootTaskId, SnapshotId, VolumeId};
use super::images::fresh;
use super::instance::{AttachedVolume, InstanceState};
use super::life_cycle::strike;
use super::storage::{Attachment, Fate, Volume};
use super::tags::Tags;
use super::timeline::{Change, Place};
use crate::fault::Mishap;

/// How far a replacement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootTaskState {
    /// The new volume is being made.
    Pending,
    /// The volumes are being exchanged.
    InProgress,
    /// It did not work; the old volume is being put back.
    Failing,
    /// Done.
    Succeeded,
    /// The old volume is back.
    Failed,
}

impl RootTaskState {
    /// EC2's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in-progress",
            Self::Failing => "failing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// True where nothing more will come of it.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// What becomes of the volume that is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldRoot {
    /// It stays, detached.
    Kept,
    /// It is deleted.
    Deleted,
}

/// A replacement of a root volume.
#[derive(Clone, Debug)]
pub struct RootTask {
    /// Its id.
    pub id: RootTaskId,
    /// Whose root volume.
    pub instance: InstanceId,
    /// The image the new volume comes from, if it is one.
    pub image: Option<ImageId>,
    /// The snapshot it is made from; none for the snapshot the old one was made from.
    pub snapshot: Option<SnapshotId>,
    /// What it will hold.
    pub software: Option<Arc<Software>>,
    /// What becomes of the old one.
    pub old_root: OldRoot,
    /// The client's token.
    pub client_token: Option<String>,
    /// How far it is.
    pub state: RootTaskState,
    /// How it will end.
    pub fate: Fate,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Its tags.
    pub tags: Tags,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct RootRequest {
    /// Whose root volume; the instance must run.
    pub instance: InstanceId,
    /// The image the new volume comes from, if it is one.
    pub image: Option<ImageId>,
    /// The snapshot, if it is one.
    pub snapshot: Option<SnapshotId>,
    /// What it holds.
    pub software: Option<Arc<Software>>,
    /// What becomes of the old one.
    pub old_root: OldRoot,
    /// The client's token.
    pub client_token: Option<String>,
    /// The task's tags.
    pub tags: Tags,
}

/// From the request until the exchange begins.
const PREPARING: SignedDuration = SignedDuration::from_secs(10);

/// Begins a replacement at `at`.
pub fn create(place: &mut Place<'_>, request: RootRequest, at: Timestamp) -> RootTaskId {
    let seed = place.seed.child("root-task").child(&request.instance.to_string()).child(&at.to_string());
    let id =
        fresh(|n| RootTaskId(seed.nth(n).stream().random()), |id| place.region.root_tasks.contains_key(id));
    let fails = strike(place, request.instance, at, |m| (m == Mishap::RootTaskFails).then_some(()));
    place.region.root_tasks.insert(
        id,
        RootTask {
            id,
            instance: request.instance,
            image: request.image,
            snapshot: request.snapshot,
            software: request.software,
            old_root: request.old_root,
            client_token: request.client_token,
            state: RootTaskState::Pending,
            fate: if fails.is_some() { Fate::Fails } else { Fate::Succeeds },
            started_at: at,
            completed_at: None,
            tags: request.tags,
        },
    );
    place.region.schedule(at + PREPARING, Change::RootTask(id));
    id
}

/// Takes a replacement its next step.
pub fn apply(place: &mut Place<'_>, id: RootTaskId, at: Timestamp) {
    let Some(task) = place.region.root_tasks.get(&id).cloned() else { return };
    let runs = place.region.instances.get(task.instance).is_some_and(|it| it.state == InstanceState::Running);
    let (state, wait) = match (task.state, task.fate) {
        (RootTaskState::Pending, _) if !runs => (RootTaskState::Failed, None),
        (RootTaskState::Pending, _) => {
            host::stopped(place, task.instance, at);
            (RootTaskState::InProgress, Some(place.length(place.pace.root_task, "root-task", id.0, at)))
        }
        (RootTaskState::InProgress, Fate::Succeeds) if runs => {
            exchange(place, &task, at);
            (RootTaskState::Succeeded, None)
        }
        (RootTaskState::InProgress, _) => (RootTaskState::Failing, Some(PREPARING)),
        (RootTaskState::Failing, _) => {
            if runs {
                host::started(place, task.instance, at);
            }
            (RootTaskState::Failed, None)
        }
        (RootTaskState::Succeeded | RootTaskState::Failed, _) => return,
    };
    if let Some(task) = place.region.change_root_task(id, at) {
        task.state = state;
        task.completed_at = state.is_final().then_some(at);
    }
    if let Some(wait) = wait {
        place.region.schedule(at + wait, Change::RootTask(id));
    }
}

/// Puts a new root volume in the place of the old one and lets the host come up from it.
fn exchange(place: &mut Place<'_>, task: &RootTask, at: Timestamp) {
    let seed = place.seed.child("root-volume").child(&task.id.to_string());
    let id = fresh(|n| VolumeId(seed.nth(n).stream().random()), |id| place.region.volumes.contains_key(id));
    let Some(it) = place.region.instances.get(task.instance) else { return };
    let Some(old) = it.volumes.first().cloned() else { return };
    let Some(before) = place.region.volumes.get(&old.volume).cloned() else { return };
    let new = Volume {
        id,
        created_at: at,
        snapshot: task.snapshot.or(before.snapshot),
        attachment: Some(Attachment {
            instance: task.instance,
            device: old.device.clone(),
            since: at,
            delete_on_termination: old.delete_on_termination,
        }),
        pending_snapshots: 0,
        tags: Tags::default(),
        ..before
    };
    place.region.volumes.insert(id, new);
    match task.old_root {
        OldRoot::Deleted => {
            place.region.volumes.remove(&old.volume);
        }
        OldRoot::Kept => {
            if let Some(volume) = place.region.change_volume(old.volume, at) {
                volume.attachment = None;
            }
        }
    }
    if let Some(it) = place.region.change_instance(task.instance, at) {
        it.volumes[0] = AttachedVolume { volume: id, since: at, ..old };
        it.image = task.image.unwrap_or(it.image);
    }
    place.region.diary.note(at, Event::RootReplaced(task.instance));
    host::root_replaced(place, task.instance, task.software.as_deref().cloned().unwrap_or_default(), at);
}
