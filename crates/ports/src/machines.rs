//! Reading EC2 instances and what Systems Manager knows of them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use fleetwright_model::{
    AgentFacts, Answers, Cell, Failure, Hardware, Instance, InstanceId, InstanceState, Partial, PatchDetail,
    PatchFacts, Region, Storage, SystemHealth, Text, Zone,
};

/// Which instances of a cell are wanted. An empty list or map does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceQuery {
    /// Only these ids. An id that does not exist is not an error; it is not in the listing.
    pub ids: Vec<InstanceId>,
    /// Only these states. Terminated instances are never listed.
    pub states: Vec<InstanceState>,
    /// Every key must be there with one of the values; `*` and `?` in values are wildcards and
    /// case matters, as in EC2's own filters.
    pub tags: BTreeMap<String, Vec<String>>,
}

/// A patch baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// Its id, as patch states name it.
    pub id: Text,
    /// Its name.
    pub name: Text,
}

/// Machines of one cell (landing zone and region). Every method reads only.
///
/// Retrying, pacing and paging happen behind the port: what comes back is final, and what could
/// not be read is named beside what could.
#[async_trait]
pub trait Machines: Send + Sync {
    /// The regions enabled in the zone's account, sorted.
    ///
    /// # Errors
    /// The failure of the call, or of entering the zone.
    async fn enabled_regions(&self, zone: &Zone) -> Result<Vec<Region>, Failure>;

    /// All instances the query takes, each once, in no particular order.
    async fn instances(&self, cell: &Cell<'_>, query: &InstanceQuery) -> Partial<Instance>;

    /// What Systems Manager knows of the agents on these instances.
    async fn agents(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Answers<AgentFacts>;

    /// The patch states of these instances.
    async fn patch_states(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Answers<PatchFacts>;

    /// Every patch the last operation found on one instance, installed or not: one call for 100, and
    /// a host has hundreds; ask for single hosts only. An instance without a patch state has none.
    async fn patches(&self, cell: &Cell<'_>, id: &InstanceId) -> Partial<PatchDetail>;

    /// The patch baselines of the cell, custom and provided.
    async fn baselines(&self, cell: &Cell<'_>) -> Partial<Baseline>;

    /// The status checks of the cell's running instances.
    async fn status_checks(&self, cell: &Cell<'_>) -> Partial<(InstanceId, SystemHealth)>;

    /// The attached storage per instance of the cell.
    async fn storage(&self, cell: &Cell<'_>) -> Partial<(InstanceId, Storage)>;

    /// Memory, vCPUs and network performance of these instance types. The answer for a region is the same
    /// in every account, so implementations may remember it.
    async fn hardware(&self, cell: &Cell<'_>, types: &[Text]) -> Partial<(Text, Hardware)>;
}
