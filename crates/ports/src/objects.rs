//! Files that hosts fetch from object storage.

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure};

/// Object storage, reached from one cell.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Leaves a small file under that key; what was there before is replaced, so doing it twice is
    /// doing it once. The bucket may be of another region or account, which then has to allow it.
    ///
    /// # Errors
    /// The failure of the call: [`fleetwright_model::ErrorClass::NotFound`] where there is no such
    /// bucket, and [`fleetwright_model::ErrorClass::Ambiguous`] where the reply was lost.
    async fn put(&self, cell: &Cell<'_>, bucket: &str, key: &str, content: &[u8]) -> Result<(), Failure>;
}
