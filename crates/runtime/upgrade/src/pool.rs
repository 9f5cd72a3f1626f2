//! `hold-pool`, `pool-wave-N` and `wave-health-N`: Karpenter replaces nodes for drift when its pool's budgets let it.
//!
//! A budget of our own stands in front of the pool's while nodes are to stay, and is opened wave by wave. Of several
//! budgets the tightest holds. Source: Karpenter, "Disruption", NodePool disruption budgets.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_eks::plan::{Action, Call, PlanStep};
use fleetwright_eks::run::step_name::HOLD_POOL;
use fleetwright_kubernetes::IntOrPercent;
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::kubernetes::Patched;
use fleetwright_step::{Outcome, Slot, Step, Turn, not_begun};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::baseline::worse;
use crate::context::{Context, Site};
use crate::look::{Sight, UPDATES, WHOLE, listed, serves_with, unseen, wait};

/// Where our budget stands, and the reasons it is about.
const FRONT: &str = "/spec/disruption/budgets/0";
const REASONS: [&str; 1] = ["Drifted"];
/// Nodes that our budget lets go while the pool is held.
const NONE: &str = "0";

/// Puts our budget in front of the pool's.
pub(crate) struct Hold(pub(crate) Arc<Context>);

/// Opens our budget for a wave; the last takes it away.
pub(crate) struct Wave {
    pub(crate) context: Arc<Context>,
    pub(crate) name: &'static str,
    /// From 0.
    pub(crate) wave: usize,
}

/// Waits until a wave has gone and the cluster is as well as before.
pub(crate) struct WaveHealth {
    pub(crate) context: Arc<Context>,
    pub(crate) name: &'static str,
    /// From 0.
    pub(crate) wave: usize,
}

/// Nodes that our budget lets go; `None` where it does not stand in front.
fn ours(pool: &Value) -> Option<&str> {
    let front = pool.pointer(FRONT)?;
    (front["reasons"] == json!(REASONS)).then(|| front["nodes"].as_str()).flatten()
}

/// Changes a pool with one of the calls of its step, unless `is_so` says that it is changed already.
async fn changed(
    context: &Context,
    site: &Site<'_>,
    slot: &Slot,
    step: &'static str,
    call: &Call,
    is_so: impl Fn(&Value) -> bool,
) -> Result<Outcome, Failure> {
    let Call::Kubernetes { path, body, .. } = call else {
        let words = format!("{}: {} is no call of Kubernetes", slot.subject, call.name());
        return Ok(Outcome::failed(ErrorClass::Permanent, &code::INTERNAL, step, &words));
    };
    let described = context.described(site).await?;
    let Some(pool) = context.api(site, &described)?.object(path).await? else {
        let words = format!("{}: there is no {path} any more", slot.subject);
        return Ok(Outcome::failed(ErrorClass::NotFound, &code::UPGRADE_NOT_SO, step, &words));
    };
    if is_so(&pool) {
        return Ok(Outcome::Done { note: None, finding: None });
    }
    if let Some(outcome) = not_begun(slot, context.now(), step) {
        return Ok(outcome);
    }
    Ok(match context.api_for_changes(site, &described).await?.patch(path, body).await {
        Ok(Patched::Applied(_)) => Outcome::Done { note: None, finding: None },
        Ok(Patched::TestFailed { reason }) => {
            let words = format!(
                "{}: the budget that holds drift back is not where it was put; somebody changed the pool: {reason}",
                slot.subject
            );
            Outcome::failed(ErrorClass::Permanent, &code::UPGRADE_NOT_SO, step, &words)
        }
        Err(failure) => Outcome::Failed(failure),
    })
}

/// The step of a pool, and its place in the plan's calls.
fn pool_step<'a>(site: &Site<'a>, slot: &Slot, step: &'static str) -> Result<&'a PlanStep, Failure> {
    site.step.ok_or_else(|| {
        let words = format!("{} is no step of its plan", slot.subject);
        Failure::new(ErrorClass::Permanent, &code::INTERNAL, step, &words)
    })
}

impl Hold {
    async fn held(&self, turn: &Turn<'_>, slot: &Slot) -> Result<Outcome, Failure> {
        let site = self.0.site(turn.place, slot.target)?;
        let planned = pool_step(&site, slot, HOLD_POOL)?;
        // Where a later roll is to find the pool held again, that is the last call of the roll.
        let Some(call) = planned.calls.last() else { return Ok(Outcome::Done { note: None, finding: None }) };
        changed(&self.0, &site, slot, HOLD_POOL, call, |pool| ours(pool) == Some(NONE)).await
    }
}

#[async_trait]
impl Step for Hold {
    fn name(&self) -> &'static str {
        HOLD_POOL
    }

    async fn turn(&self, turn: Turn<'_>) {
        join_all(turn.slots.iter().map(|slot| async {
            let held = self.held(&turn, slot).await;
            let now = self.0.now();
            let outcome = held.unwrap_or_else(|failure| unseen(UPDATES, slot, now, HOLD_POOL, failure));
            turn.reports.report(slot.target, outcome);
        }))
        .await;
    }
}

impl Wave {
    async fn opened(&self, turn: &Turn<'_>, slot: &Slot) -> Result<Outcome, Failure> {
        let site = self.context.site(turn.place, slot.target)?;
        let planned = pool_step(&site, slot, self.name)?;
        let Some(call) = planned.calls.get(self.wave) else {
            return Ok(Outcome::Done { note: None, finding: None });
        };
        let opens = opens(call);
        changed(&self.context, &site, slot, self.name, call, |pool| ours(pool) == opens).await
    }
}

/// How far a call opens our budget; `None` where it takes it away.
fn opens(call: &Call) -> Option<&str> {
    let Call::Kubernetes { body, .. } = call else { return None };
    body.as_array()?.iter().find(|operation| operation["op"] == "replace")?["value"].as_str()
}

#[async_trait]
impl Step for Wave {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn turn(&self, turn: Turn<'_>) {
        join_all(turn.slots.iter().map(|slot| async {
            let opened = self.opened(&turn, slot).await;
            let now = self.context.now();
            let outcome = opened.unwrap_or_else(|failure| unseen(UPDATES, slot, now, self.name, failure));
            turn.reports.report(slot.target, outcome);
        }))
        .await;
    }
}

impl WaveHealth {
    async fn looked(&self, turn: &Turn<'_>, slot: &Slot) -> Result<Outcome, Failure> {
        let site = self.context.site(turn.place, slot.target)?;
        let planned = pool_step(&site, slot, self.name)?;
        let Action::PoolNodes { to, .. } = planned.action else {
            return Ok(Outcome::Done { note: None, finding: None });
        };
        let mut sight = Sight::of(&self.context, &site).await?;
        let nodes = sight.nodes_of(&planned.action).await?;
        let there = nodes.iter().filter(|node| serves_with(node, to)).count();
        let wanted = wanted(planned.calls.get(self.wave), nodes.len());
        if there < wanted {
            let all = nodes.len();
            let what = format!(
                "{wanted} of {all} nodes at {to}; {there} are (Karpenter replaces nodes that drifted)"
            );
            return Ok(wait(UPDATES, slot, self.context.now(), self.name, &what));
        }
        let worse = worse(&self.context, &site).await?;
        Ok(match worse.as_slice() {
            [] => Outcome::Done { note: None, finding: None },
            worse => wait(WHOLE, slot, self.context.now(), self.name, &listed(worse)),
        })
    }
}

/// Nodes that a wave replaces before the next may begin. The last wave's are waited for by `confirm`.
fn wanted(call: Option<&Call>, nodes: usize) -> usize {
    let Some(nodes_at_once) = call.and_then(opens) else { return 0 };
    let all = i32::try_from(nodes).unwrap_or(i32::MAX);
    let wave = IntOrPercent::read(&json!(nodes_at_once)).unwrap_or(IntOrPercent::Count(1));
    usize::try_from(wave.of(all).max(1)).unwrap_or(1).min(nodes)
}

#[async_trait]
impl Step for WaveHealth {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn turn(&self, turn: Turn<'_>) {
        join_all(turn.slots.iter().map(|slot| async {
            let looked = self.looked(&turn, slot).await;
            let now = self.context.now();
            let outcome = looked.unwrap_or_else(|failure| unseen(UPDATES, slot, now, self.name, failure));
            turn.reports.report(slot.target, outcome);
        }))
        .await;
    }
}
