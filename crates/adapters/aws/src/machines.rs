//! The [`Machines`] port: reads of EC2 and Systems Manager, one file per call.

mod agents;
mod hardware;
mod instances;
mod patches;
mod patching;
mod regions;
mod status;
mod storage;

use async_trait::async_trait;
use fleetwright_model::{
    AgentFacts, Answers, Cell, Failure, Hardware, Instance, InstanceId, Partial, PatchDetail, PatchFacts,
    Region, Storage, SystemHealth, Text, Zone,
};
use fleetwright_ports::{Baseline, InstanceQuery, Machines};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};

pub(crate) use self::hardware::TypeMemory;
pub(crate) use self::status::system_health;
use crate::Aws;

/// Batches of one question that are under way at the same time; the governor paces them.
const BATCHES_AT_ONCE: usize = 16;

#[async_trait]
impl Machines for Aws {
    async fn enabled_regions(&self, zone: &Zone) -> Result<Vec<Region>, Failure> {
        regions::enabled(self, zone).await
    }

    async fn instances(&self, cell: &Cell<'_>, query: &InstanceQuery) -> Partial<Instance> {
        instances::list(self, cell, query).await
    }

    async fn agents(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Answers<AgentFacts> {
        agents::look_up(self, cell, ids).await
    }

    async fn patch_states(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Answers<PatchFacts> {
        patching::states(self, cell, ids).await
    }

    async fn patches(&self, cell: &Cell<'_>, id: &InstanceId) -> Partial<PatchDetail> {
        patches::list(self, cell, id).await
    }

    async fn baselines(&self, cell: &Cell<'_>) -> Partial<Baseline> {
        patching::baselines(self, cell).await
    }

    async fn status_checks(&self, cell: &Cell<'_>) -> Partial<(InstanceId, SystemHealth)> {
        status::checks(self, cell).await
    }

    async fn storage(&self, cell: &Cell<'_>) -> Partial<(InstanceId, Storage)> {
        storage::attached(self, cell).await
    }

    async fn hardware(&self, cell: &Cell<'_>, types: &[Text]) -> Partial<(Text, Hardware)> {
        hardware::look_up(self, cell, types).await
    }
}

/// Asks about `ids` in batches of at most `size`, several at a time, and keeps the batches' order.
/// A batch that fails loses its own ids only.
pub(crate) async fn in_batches<'a, T: Send + 'a>(
    ids: &'a [InstanceId],
    size: usize,
    ask: impl Fn(&'a [InstanceId]) -> BoxFuture<'a, Partial<(InstanceId, T)>>,
) -> Answers<T> {
    let mut answers = Answers::default();
    let asked: Vec<BoxFuture<'a, _>> = ids
        .chunks(size)
        .map(|batch| {
            let answer = ask(batch);
            async move { (batch, answer.await) }.boxed()
        })
        .collect();
    let mut batches = stream::iter(asked).buffered(BATCHES_AT_ONCE);
    while let Some((batch, answer)) = batches.next().await {
        match answer.failure {
            None => answers.found.extend(answer.items),
            Some(failure) => {
                let missing = |id: &&InstanceId| !answer.items.iter().any(|(found, _)| found == *id);
                let unchecked = batch.iter().filter(missing).cloned().collect();
                answers.unchecked.push((unchecked, failure));
                answers.found.extend(answer.items);
            }
        }
    }
    answers
}

/// An instance id of an answer, or what stands in its place.
pub(crate) fn instance_id(id: Option<&str>) -> Result<InstanceId, String> {
    let id = id.ok_or("a missing instance id")?;
    InstanceId::new(id).map_err(|error| error.to_string())
}
