//! Change records of an ITSM system.

use async_trait::async_trait;
use fleetwright_notify::change::{ChangeOutcome, ChangeRecord, ChangeRequest};

use crate::notifier::NotSent;

/// A file that goes with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its name; letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// The change records of one system. Whatever is asked again has one effect.
#[async_trait]
pub trait ChangeRecords: Send + Sync {
    /// The record with that mark; none where there is none. Of several the oldest.
    ///
    /// # Errors
    /// The system cannot be asked, or its answer cannot be understood.
    async fn find(&self, mark: &str) -> Result<Option<ChangeRecord>, NotSent>;

    /// The record with the request's mark: the one that is there, or a new one, which then waits for
    /// approval.
    ///
    /// # Errors
    /// As [`ChangeRecords::find`].
    async fn open(&self, request: &ChangeRequest) -> Result<ChangeRecord, NotSent>;

    /// Attaches a file; one of that name that is there already stays, and no other is added.
    ///
    /// # Errors
    /// As [`ChangeRecords::find`].
    async fn attach(&self, record: &ChangeRecord, file: &Attachment) -> Result<(), NotSent>;

    /// Says that the change is being made.
    ///
    /// # Errors
    /// As [`ChangeRecords::find`].
    async fn begin(&self, record: &ChangeRecord) -> Result<(), NotSent>;

    /// Closes the record. One that is closed stays as it is.
    ///
    /// # Errors
    /// As [`ChangeRecords::find`].
    async fn close(
        &self,
        record: &ChangeRecord,
        outcome: ChangeOutcome,
        summary: &str,
    ) -> Result<(), NotSent>;
}
