//! `hold-pool`, `pool-wave-N` and `release-pool`: Karpenter replaces nodes for drift when its pool's budgets let it.
//!
//! A budget of our own stands in front of the pool's while nodes are to stay. A wave opens it, and closes it again when it
//! has as many nodes as it may replace; at the end it is taken away. The pool's own budgets stand behind it all the time,
//! as they were. Of several budgets the tightest holds. Source: Karpenter, "Disruption", NodePool disruption budgets.

mod release;
mod wave;

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_eks::held::is_disrupted;
use fleetwright_eks::plan::{Call, PlanStep, PoolCalls};
use fleetwright_eks::pool_budget::{BUDGETS, CLOSED, front};
use fleetwright_eks::run::step_name::HOLD_POOL;
use fleetwright_kubernetes::{Minor, Node};
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::clusters::ClusterDescription;
use fleetwright_ports::kubernetes::Patched;
use fleetwright_step::{Outcome, Slot, Step, Turn, not_begun};
use futures::future::join_all;
use serde_json::Value;

use crate::context::{Context, Site};
use crate::look::{UPDATES, serves_with, unseen};

pub(crate) use release::Release;
pub(crate) use wave::Wave;

const DONE: Outcome = Outcome::Done { note: None, finding: None };

/// Puts our budget in front of the pool's.
pub(crate) struct Hold(pub(crate) Arc<Context>);

/// A pool in one turn of a step.
struct Pool<'a> {
    context: &'a Context,
    site: &'a Site<'a>,
    described: &'a ClusterDescription,
    slot: &'a Slot,
    step: &'static str,
    object: Value,
}

impl<'a> Pool<'a> {
    /// The pool that a call is about.
    ///
    /// # Errors
    /// It could not be read; it is not there.
    async fn of(
        context: &'a Context,
        (site, described): (&'a Site<'a>, &'a ClusterDescription),
        (slot, step): (&'a Slot, &'static str),
        call: &Call,
    ) -> Result<Self, Failure> {
        let path = path(call, slot, step)?;
        let Some(object) = context.api(site, described)?.object(path).await? else {
            let words = format!("{}: there is no {path} any more", slot.subject);
            return Err(failure(ErrorClass::NotFound, step, &words));
        };
        Ok(Self { context, site, described, slot, step, object })
    }

    /// How far our budget is open; `None` where the first budget is none of those that these calls put there.
    fn ours(&self, calls: &PoolCalls<'_>) -> Option<&str> {
        front(&self.object).filter(|nodes| calls.puts(nodes))
    }

    /// How many budgets it has.
    fn budgets(&self) -> usize {
        self.object.pointer(BUDGETS).and_then(Value::as_array).map_or(0, Vec::len)
    }

    /// Makes a call of the plan.
    ///
    /// # Errors
    /// What the server says; our budget is not where it was put.
    async fn patch(&self, call: &Call) -> Result<(), Failure> {
        let Call::Kubernetes { path, body, .. } = call else {
            return Err(failure(ErrorClass::Permanent, self.step, "no call of Kubernetes"));
        };
        let changes = self.context.api_for_changes(self.site, self.described).await?;
        match changes.patch(path, body).await? {
            Patched::Applied(_) => Ok(()),
            Patched::TestFailed { reason } => Err(self.taken_away(&reason)),
        }
    }

    /// Somebody took our budget away, or put another in front of it.
    fn taken_away(&self, found: &str) -> Failure {
        let words = format!(
            "{}: the budget that holds drift back is not where it was put; somebody changed the pool: {found}",
            self.slot.subject
        );
        failure(ErrorClass::Permanent, self.step, &words)
    }
}

fn failure(class: ErrorClass, step: &str, words: &str) -> Failure {
    Failure::new(class, &code::UPGRADE_NOT_SO, format!("step:{step}"), words)
}

fn path<'c>(call: &'c Call, slot: &Slot, step: &str) -> Result<&'c str, Failure> {
    match call {
        Call::Kubernetes { path, .. } => Ok(path),
        Call::Aws { .. } => {
            let words = format!("{}: {} is no call of Kubernetes", slot.subject, call.name());
            Err(Failure::new(ErrorClass::Permanent, &code::INTERNAL, step, &words))
        }
    }
}

/// The step of the plan that a target stands for.
fn planned<'a>(site: &Site<'a>, slot: &Slot, step: &'static str) -> Result<&'a PlanStep, Failure> {
    site.step.ok_or_else(|| {
        let words = format!("{} is no step of its plan", slot.subject);
        Failure::new(ErrorClass::Permanent, &code::INTERNAL, step, &words)
    })
}

/// How the nodes of a pool stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Standing {
    /// Nodes in all.
    all: usize,
    /// Nodes of another version that Karpenter has not begun with.
    untouched: usize,
    /// Nodes of another version that it is taking away, by name.
    going: Vec<String>,
    /// Nodes of the version that do not serve yet, by name.
    late: Vec<String>,
}

impl Standing {
    fn of(nodes: &[&Node], version: Minor) -> Self {
        let mut standing = Self { all: nodes.len(), ..Self::default() };
        for node in nodes {
            let name = || node.metadata.name.clone();
            match node.kubelet == version {
                true if serves_with(node, version) => {}
                true => standing.late.push(name()),
                false if is_disrupted(node) => standing.going.push(name()),
                false => standing.untouched += 1,
            }
        }
        standing
    }

    /// Nodes of another version.
    fn old(&self) -> usize {
        self.untouched + self.going.len()
    }
}

impl Hold {
    async fn held(&self, turn: &Turn<'_>, slot: &Slot) -> Result<Outcome, Failure> {
        let site = self.0.site(turn.place, slot.target)?;
        let Some(call) = PoolCalls::of(planned(&site, slot, HOLD_POOL)?).hold else { return Ok(DONE) };
        let described = self.0.described(&site).await?;
        let pool = Pool::of(&self.0, (&site, &described), (slot, HOLD_POOL), call).await?;
        if front(&pool.object) == Some(CLOSED) {
            return Ok(DONE);
        }
        if let Some(outcome) = not_begun(slot, self.0.now(), HOLD_POOL) {
            return Ok(outcome);
        }
        pool.patch(call).await?;
        Ok(DONE)
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
