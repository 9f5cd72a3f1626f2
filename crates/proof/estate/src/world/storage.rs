//! Volumes and machine images.

use jiff::Timestamp;

use super::AccountId;
use super::host::Software;
use super::ids::{ImageId, InstanceId, SnapshotId, VolumeId};
use super::instance_types::Architecture;
use super::platform::Platform;
use super::tags::Tags;
use std::borrow::Cow;
use std::sync::Arc;

/// Kinds of EBS volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeType {
    /// General purpose, second generation.
    Gp2,
    /// General purpose, third generation.
    Gp3,
    /// Provisioned operations.
    Io2,
}

impl VolumeType {
    /// EC2's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gp2 => "gp2",
            Self::Gp3 => "gp3",
            Self::Io2 => "io2",
        }
    }

    /// Operations per second of a volume of that size, as EC2 sets them when nobody asks for more
    /// (EBS user guide, "Amazon EBS volume types").
    pub fn operations_per_second(self, gib: u32) -> u32 {
        match self {
            Self::Gp2 => (gib * 3).clamp(100, 16_000),
            Self::Gp3 => 3_000,
            Self::Io2 => 4_000,
        }
    }
}

/// Whether data at rest is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// In the clear.
    None,
    /// With the account's default EBS key.
    DefaultKey,
}

/// Where a volume is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The instance.
    pub instance: InstanceId,
    /// The device's name there.
    pub device: Arc<str>,
    /// Since when.
    pub since: Timestamp,
    /// Whether it goes when the instance goes.
    pub delete_on_termination: bool,
}

/// An EBS volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Its id.
    pub id: VolumeId,
    /// Size in GiB.
    pub gib: u32,
    /// Kind.
    pub volume_type: VolumeType,
    /// The zone's name.
    pub zone: Arc<str>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Encryption at rest.
    pub encryption: Encryption,
    /// The snapshot it was made from.
    pub snapshot: Option<SnapshotId>,
    /// Where it is attached; `None` is EC2's `available`.
    pub attachment: Option<Attachment>,
    /// Snapshots of it that are being made.
    pub pending_snapshots: u8,
    /// Its tags.
    pub tags: Tags,
}

/// Who may launch from an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody.
    Public,
    /// The owner.
    Private,
}

/// A machine image.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Its id.
    pub id: ImageId,
    /// Its name.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// Who owns it.
    pub owner: AccountId,
    /// The owner's alias, where it has one.
    pub owner_alias: Option<&'static str>,
    /// Who may launch from it.
    pub visibility: Visibility,
    /// Architecture.
    pub architecture: Architecture,
    /// Operating system.
    pub platform: Platform,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it goes out of listings.
    pub deprecated_at: Option<Timestamp>,
    /// Whether it can be used.
    pub state: ImageState,
    /// The volumes it brings, the root volume first.
    pub disks: Vec<ImageDisk>,
    /// The instance it was made of.
    pub source_instance: Option<InstanceId>,
    /// What its root volume holds; none for the platform as published.
    pub software: Option<Arc<Software>>,
    /// Its tags.
    pub tags: Tags,
}

/// Whether an image can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageState {
    /// Being made.
    Pending(Fate),
    /// Ready.
    Available,
    /// It will never be.
    Failed,
}

impl ImageState {
    /// EC2's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending(_) => "pending",
            Self::Available => "available",
            Self::Failed => "failed",
        }
    }
}

/// How something that is being made will end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Well.
    Succeeds,
    /// Badly.
    Fails,
}

/// A volume that an image brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageDisk {
    /// The device's name.
    pub device: Cow<'static, str>,
    /// The snapshot it is made from.
    pub snapshot: SnapshotId,
    /// Size in GiB.
    pub gib: u32,
    /// Kind.
    pub volume_type: VolumeType,
    /// Encryption at rest.
    pub encryption: Encryption,
    /// Whether it goes when the instance goes.
    pub delete_on_termination: bool,
}

/// A snapshot of a volume.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Its id.
    pub id: SnapshotId,
    /// The volume, which may be gone since.
    pub volume: VolumeId,
    /// Size of the volume in GiB.
    pub gib: u32,
    /// Encryption at rest.
    pub encryption: Encryption,
    /// What it says of itself.
    pub description: String,
    /// When it was begun.
    pub started_at: Timestamp,
    /// Whether it is complete.
    pub state: SnapshotState,
    /// The image it belongs to, which may be gone since.
    pub image: Option<ImageId>,
    /// The instance whose volume it was, which may be gone since.
    pub source_instance: Option<InstanceId>,
    /// What the volume held, where it was a root volume.
    pub software: Option<Arc<Software>>,
    /// Its tags.
    pub tags: Tags,
}

/// Whether a snapshot is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotState {
    /// Being copied until then.
    Pending(Timestamp, Fate),
    /// Complete since then.
    Completed(Timestamp),
    /// It will never be.
    Error,
}

impl SnapshotState {
    /// EC2's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending(..) => "pending",
            Self::Completed(_) => "completed",
            Self::Error => "error",
        }
    }
}

impl Snapshot {
    /// Per cent copied at `now`.
    pub fn progress(&self, now: Timestamp) -> i64 {
        match self.state {
            SnapshotState::Completed(_) => 100,
            SnapshotState::Error => 0,
            SnapshotState::Pending(until, _) => {
                let (passed, whole) =
                    (now.duration_since(self.started_at), until.duration_since(self.started_at));
                let share = 100 * passed.as_millis() / whole.as_millis().max(1);
                i64::try_from(share).unwrap_or(99).clamp(0, 99)
            }
        }
    }
}
