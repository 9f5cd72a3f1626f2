//! Endpoints of what runs in a cluster.

use std::collections::BTreeMap;

use async_trait::async_trait;
use fleetwright_eks::endpoint::{Endpoint, Unwell};
use fleetwright_model::Failure;

/// Asks endpoints, each once and all at once. Reads only.
#[async_trait]
pub trait Endpoints: Send + Sync {
    /// Those that do not answer as they should, by name.
    ///
    /// # Errors
    /// One could not be asked for a reason on our side, such as a name that nobody could look up: nothing is known of it.
    async fn unwell(&self, endpoints: &[Endpoint]) -> Result<BTreeMap<String, Unwell>, Failure>;
}
