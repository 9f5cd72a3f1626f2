//! `release-pool`: our budget is taken away, and the pool's own hold again as they were; in its turn, and also after
//! failure and abort.
//!
//! From then on Karpenter goes on with every node that drifted. Where a wave left the cluster worse than it was, that is
//! the next wave without its gate (SAFETY I12): our budget stays then, closed, until people have looked.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_eks::plan::{Action, Call, PoolCalls};
use fleetwright_eks::pool_budget::CLOSED;
use fleetwright_eks::run::step_name::RELEASE_POOL;
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_step::{Late, Outcome, Slot, Step, Turn, not_begun};
use futures::future::join_all;

use super::{DONE, Pool, Standing, planned};
use crate::baseline::worse;
use crate::context::Context;
use crate::look::{Sight, UPDATES, WHOLE, listed, unseen};

/// The step.
pub(crate) struct Release(pub(crate) Arc<Context>);

impl Release {
    async fn released(&self, turn: &Turn<'_>, slot: &Slot) -> Result<Outcome, Failure> {
        let site = self.0.site(turn.place, slot.target)?;
        let step = planned(&site, slot, RELEASE_POOL)?;
        let calls = PoolCalls::of(step);
        let (Action::PoolNodes { to, .. }, Some(release)) = (&step.action, calls.release) else {
            return Ok(DONE);
        };
        let mut sight = Sight::of(&self.0, &site).await?;
        let old = Standing::of(&sight.nodes_of(&step.action).await?, *to).old();
        let pool = Pool::of(&self.0, (&site, &sight.described), (slot, RELEASE_POOL), release).await?;
        let Some(stands) = pool.ours(&calls) else { return Ok(DONE) };
        // One of the pool's own may look like ours: how many there were with ours is on record before ours goes.
        let Some(before) = slot.handle.as_ref().and_then(|handle| handle.parse::<usize>().ok()) else {
            let now = self.0.now();
            return Ok(not_begun(slot, now, RELEASE_POOL)
                .unwrap_or_else(|| UPDATES.accepted(slot, now, &pool.budgets().to_string())));
        };
        if pool.budgets() < before {
            return Ok(DONE);
        }
        if old > 0 {
            if let (true, Some(close)) = (stands != CLOSED, calls.close) {
                pool.patch(close).await?;
            }
            let worse = worse(&self.0, &site).await?;
            if !worse.is_empty() {
                return Ok(self.kept(slot, release, &listed(&worse)));
            }
        }
        pool.patch(release).await?;
        Ok(DONE)
    }

    /// Keeps our budget closed while the cluster is worse than before, and says how it is taken away.
    fn kept(&self, slot: &Slot, release: &Call, worse: &str) -> Outcome {
        let by_hand = match release {
            Call::Kubernetes { path, body, .. } => {
                let pool = path.rsplit('/').next().unwrap_or_default();
                format!("kubectl patch nodepools.karpenter.sh {pool} --type json --patch '{body}'")
            }
            Call::Aws { .. } => release.name(),
        };
        let what = format!(
            "the cluster to be as well as before; until then the pool replaces no node that drifted. Worse is: {worse}. \
             When that is mended: {by_hand}"
        );
        let late = Late { step: RELEASE_POOL, class: ErrorClass::Permanent, code: &code::CLUSTER_WORSE };
        WHOLE.look(slot, self.0.now(), &what, late)
    }
}

#[async_trait]
impl Step for Release {
    fn name(&self) -> &'static str {
        RELEASE_POOL
    }

    async fn turn(&self, turn: Turn<'_>) {
        join_all(turn.slots.iter().map(|slot| async {
            let released = self.released(&turn, slot).await;
            let now = self.0.now();
            let outcome =
                released.unwrap_or_else(|failure| unseen(UPDATES, slot, now, RELEASE_POOL, failure));
            turn.reports.report(slot.target, outcome);
        }))
        .await;
    }
}
