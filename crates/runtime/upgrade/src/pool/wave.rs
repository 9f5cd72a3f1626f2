//! `pool-wave-N`: so many nodes of a pool are replaced, and no more.
//!
//! A disruption budget says how many nodes may go at once, not how many in all: the wave looks whom Karpenter has begun
//! with, and closes its budget when those are as many as it may replace. A replacement that Karpenter gave up opens it
//! again.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_eks::facts::Facts;
use fleetwright_eks::held::Held;
use fleetwright_eks::plan::{Action, Call, PlanStep, PoolCalls};
use fleetwright_eks::pool_budget::CLOSED;
use fleetwright_kubernetes::IntOrPercent;
use fleetwright_model::Failure;
use fleetwright_step::{Outcome, Slot, Step, Turn, not_begun};
use futures::future::join_all;
use serde_json::json;

use super::{DONE, Pool, Standing, planned};
use crate::context::{Context, Site};
use crate::held::{by, disrupted, found, is_due, told};
use crate::look::{NODES, Sight, UPDATES, listed, unseen, wait};

/// The step.
pub(crate) struct Wave {
    pub(crate) context: Arc<Context>,
    pub(crate) name: &'static str,
    /// From 0.
    pub(crate) wave: usize,
}

/// A wave as the plan has it.
struct Planned<'p> {
    step: &'p PlanStep,
    calls: PoolCalls<'p>,
    /// Nodes at once, as the budget says it.
    nodes: &'p str,
    open: &'p Call,
}

impl Wave {
    async fn turned(&self, turn: &Turn<'_>, slot: &Slot) -> Result<Outcome, Failure> {
        let site = self.context.site(turn.place, slot.target)?;
        let step = planned(&site, slot, self.name)?;
        let calls = PoolCalls::of(step);
        let (Action::PoolNodes { to, .. }, Some(&(nodes, open))) = (&step.action, calls.open.get(self.wave))
        else {
            return Ok(DONE);
        };
        let mut sight = Sight::of(&self.context, &site).await?;
        let standing = Standing::of(&sight.nodes_of(&step.action).await?, *to);
        let wave = Planned { step, calls, nodes, open };
        // How many old nodes the wave leaves is on record before it opens anything: whoever goes on replaces no more.
        let Some(leaves) = slot.handle.as_ref().and_then(|handle| handle.parse().ok()) else {
            let leaves = standing.old().saturating_sub(size(nodes, standing.all));
            let now = self.context.now();
            return Ok(not_begun(slot, now, self.name)
                .unwrap_or_else(|| NODES.accepted(slot, now, &leaves.to_string())));
        };
        self.taken(&site, &sight, slot, &wave, (standing, leaves)).await
    }

    /// Opens and closes our budget until no more old nodes are there than the wave leaves.
    async fn taken(
        &self,
        site: &Site<'_>,
        sight: &Sight<'_>,
        slot: &Slot,
        wave: &Planned<'_>,
        (standing, leaves): (Standing, usize),
    ) -> Result<Outcome, Failure> {
        let pool = Pool::of(&self.context, (site, &sight.described), (slot, self.name), wave.open).await?;
        let Some(stands) = pool.ours(&wave.calls) else {
            return Err(pool.taken_away("the first of its budgets is another"));
        };
        let more = standing.untouched.saturating_sub(leaves);
        let is_late = self.context.now() >= slot.deadline;
        // What holds is looked at first: a budget that was closed holds everything.
        let outcome = match waited_for(&standing, more) {
            None => DONE,
            Some(what) => self.waits(site, slot, wave.step, (more > 0 && stands != CLOSED, &what)).await,
        };
        match (more > 0 && !is_late, stands == CLOSED) {
            (true, _) if stands != wave.nodes => pool.patch(wave.open).await?,
            (false, false) => match wave.calls.close {
                Some(close) => pool.patch(close).await?,
                None => return Err(pool.taken_away("the plan has no call that closes it")),
            },
            _ => {}
        }
        Ok(outcome)
    }

    /// Waits, and says what holds where that takes long: all of the pool where our budget is open, else those that go.
    async fn waits(
        &self,
        site: &Site<'_>,
        slot: &Slot,
        step: &PlanStep,
        (is_open, what): (bool, &str),
    ) -> Outcome {
        let now = self.context.now();
        if !is_due(slot, now) {
            return wait(NODES, slot, now, self.name, what);
        }
        let find = |facts: &Facts| -> Vec<Held> {
            match &step.action {
                Action::PoolNodes { pool, .. } if !is_open => disrupted(facts, pool),
                action => by(facts, action),
            }
        };
        let held = told(&found(&self.context, site, find).await);
        wait(UPDATES, slot, now, self.name, &format!("{what}{held}"))
    }
}

/// What a wave waits for, with so many nodes more to be begun with; none where it is over. A node without pods goes
/// without one that takes its place.
fn waited_for(standing: &Standing, more: usize) -> Option<String> {
    let Standing { all, going, late, .. } = standing;
    match (more, going.as_slice(), late.as_slice()) {
        (0, [], []) => None,
        (0, [], late) => Some(format!("new nodes to be ready: {}", listed(late))),
        (0, going, _) => Some(format!("old nodes to go: {}", listed(going))),
        (more, ..) => {
            let old = standing.old();
            Some(format!("Karpenter to begin with {more} of {old} nodes that drifted, of {all} in all"))
        }
    }
}

/// Nodes that a wave replaces: at least one.
fn size(nodes_at_once: &str, all: usize) -> usize {
    let all = i32::try_from(all).unwrap_or(i32::MAX);
    let wave = IntOrPercent::read(&json!(nodes_at_once)).unwrap_or(IntOrPercent::Count(1));
    usize::try_from(wave.of(all).max(1)).unwrap_or(1)
}

#[async_trait]
impl Step for Wave {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn turn(&self, turn: Turn<'_>) {
        join_all(turn.slots.iter().map(|slot| async {
            let turned = self.turned(&turn, slot).await;
            let now = self.context.now();
            let outcome = turned.unwrap_or_else(|failure| unseen(NODES, slot, now, self.name, failure));
            turn.reports.report(slot.target, outcome);
        }))
        .await;
    }
}
