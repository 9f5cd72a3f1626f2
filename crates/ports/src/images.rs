//! Machine images and their snapshots: making, proving, deleting.

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure, InstanceId, Partial, Tags, Text};
use jiff::Timestamp;

/// An image that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRequest {
    /// The instance.
    pub instance: InstanceId,
    /// The name, unique in its account and region: 3 to 128 characters. It is the mark by which a
    /// repeated request is recognised.
    pub name: Text,
    /// A description for people, at most 255 characters.
    pub description: Text,
    /// Tags of the image and of every snapshot, set by the creating call itself.
    pub tags: Tags,
    /// True restarts the instance for a consistent image; false leaves it running, and the image is
    /// as after a power cut.
    pub reboot: bool,
}

/// How far an image is.
/// Source: EC2 API reference, Image, imageState.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImageState {
    /// Being made.
    Pending,
    /// Can be launched.
    Available,
    /// Will never be: failed, invalid or in error.
    Failed,
    /// Was taken away: deregistered or disabled.
    Gone,
    /// A state this version does not know.
    Unknown,
}

/// An image of the account's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its id.
    pub id: Text,
    /// Its name.
    pub name: Text,
    /// The account that owns it.
    pub owner: Text,
    /// How far it is.
    pub state: ImageState,
    /// Why it failed, in the service's words. Untrusted text.
    pub reason: Option<Text>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// The snapshots behind it.
    pub snapshots: Vec<Text>,
    /// Its tags.
    pub tags: Tags,
}

/// How far a snapshot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SnapshotState {
    /// Being copied.
    Pending,
    /// Complete.
    Completed,
    /// Will never be: failed or not recoverable.
    Failed,
    /// A state this version does not know, or in the archive.
    Unknown,
}

/// A snapshot of the account's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub id: Text,
    /// The account that owns it.
    pub owner: Text,
    /// How far it is.
    pub state: SnapshotState,
    /// How much is copied, 0 to 100.
    pub progress_percent: Option<u8>,
    /// True where it is encrypted.
    pub encrypted: bool,
    /// The key, where it is encrypted.
    pub key: Option<Text>,
    /// What the service says of its state. Untrusted text.
    pub reason: Option<Text>,
    /// When it was begun.
    pub started_at: Option<Timestamp>,
    /// Its tags.
    pub tags: Tags,
}

/// Which images or snapshots are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageQuery {
    /// Those with these ids. An id that does not exist is not an error; it is not in the listing.
    Ids(Vec<Text>),
    /// Those with these exact names (images only).
    Names(Vec<Text>),
    /// Those that carry this tag with this value.
    Tag(Text, Text),
}

/// Images and snapshots of one cell.
///
/// Retrying, pacing and paging happen behind the port. [`Images::create`] is repeated behind it
/// only while it cannot have taken effect; else it fails as ambiguous or as a conflict, and the
/// caller looks the name up.
#[async_trait]
pub trait Images: Send + Sync {
    /// Begins an image; answers with its id.
    ///
    /// # Errors
    /// [`fleetwright_model::ErrorClass::Conflict`] with code `FW-B0002` where the name exists: it was done before.
    async fn create(&self, cell: &Cell<'_>, request: &ImageRequest) -> Result<Text, Failure>;

    /// Own images, as many as a page holds in one call.
    async fn images(&self, cell: &Cell<'_>, query: &ImageQuery) -> Partial<Image>;

    /// Own snapshots, as many as a page holds in one call.
    async fn snapshots(&self, cell: &Cell<'_>, query: &ImageQuery) -> Partial<Snapshot>;

    /// Deregisters an image; its snapshots stay.
    ///
    /// # Errors
    /// The failure of the call; an image that is gone already is none.
    async fn deregister(&self, cell: &Cell<'_>, image: &str) -> Result<(), Failure>;

    /// Deletes a snapshot.
    ///
    /// # Errors
    /// [`fleetwright_model::ErrorClass::Conflict`] while an image uses it; a snapshot that is gone
    /// already is no error.
    async fn delete_snapshot(&self, cell: &Cell<'_>, snapshot: &str) -> Result<(), Failure>;
}
