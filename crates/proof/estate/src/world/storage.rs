//! Volumes and machine images.

use jiff::Timestamp;

use super::AccountId;
use super::ids::{ImageId, InstanceId, SnapshotId, VolumeId};
use super::instance_types::Architecture;
use super::platform::Platform;
use super::tags::Tags;
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Snapshot of its root volume.
    pub snapshot: SnapshotId,
    /// Its tags.
    pub tags: Tags,
}
