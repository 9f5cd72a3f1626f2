//! `fargate`: evicts pods, one for each look at most per budget, until all run on nodes of the control plane's version.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_eks::held::{Drainer, Held, Why, held};
use fleetwright_eks::maker::{Maker, maker};
use fleetwright_eks::plan::Action;
use fleetwright_eks::run::step_name::FARGATE;
use fleetwright_kubernetes::{Node, ObjectMeta};
use fleetwright_model::Failure;
use fleetwright_ports::kubernetes::{Eviction, KubernetesChanges};
use fleetwright_step::{Outcome, Slot, Step, Turn, not_begun};
use futures::future::join_all;
use serde_json::Value;

use crate::context::{Context, Site};
use crate::held::{found, is_due, told};
use crate::look::{Sight, UPDATES, unseen, wait};

/// The step.
pub(crate) struct Fargate(pub(crate) Arc<Context>);

/// A pod of the plan that still runs on an old node.
struct Old {
    namespace: String,
    name: String,
    uid: String,
    node: String,
}

impl Fargate {
    /// Nothing is remembered: who was evicted is gone, and who is still there is asked to go.
    async fn evicted(&self, turn: &Turn<'_>, slot: &Slot) -> Result<Outcome, Failure> {
        let site = self.0.site(turn.place, slot.target)?;
        let Some(Action::FargatePods { pods, to, .. }) = site.step.map(|step| &step.action) else {
            return Ok(Outcome::Done { note: None, finding: None });
        };
        let mut sight = Sight::of(&self.0, &site).await?;
        let new: Vec<String> = sight
            .nodes()
            .await?
            .iter()
            .filter(|node| node.kubelet == *to)
            .map(|node| node.metadata.name.clone())
            .collect();
        let (old, placeless) = self.old(&site, &sight, pods, &new).await?;
        if old.is_empty() && placeless == 0 {
            return Ok(Outcome::Done { note: None, finding: None });
        }
        let many = format!("{} pods to come back on new nodes", old.len() + placeless);
        if self.0.now() >= slot.deadline {
            let held = told(&self.known(&site).await);
            return Ok(wait(UPDATES, slot, self.0.now(), FARGATE, &format!("{many}{held}")));
        }
        if let Some(outcome) = not_begun(slot, self.0.now(), FARGATE) {
            return Ok(outcome);
        }
        let api = self.0.api_for_changes(&site, &sight.described).await?;
        let refused = evict(&*api, &old).await?;
        let what = match refused.as_slice() {
            [] => many,
            _ => format!("{many}{}", told(&self.held(&site, slot, refused).await)),
        };
        Ok(wait(UPDATES, slot, self.0.now(), FARGATE, &what))
    }

    /// What holds pods that were refused: after a time, what is known of their budgets says more than the refusal.
    async fn held(&self, site: &Site<'_>, slot: &Slot, refused: Vec<Held>) -> Vec<Held> {
        if !is_due(slot, self.0.now()) {
            return refused;
        }
        let known = self.known(site).await;
        let better = |it: Held| known.iter().find(|known| known.pod() == it.pod()).cloned().unwrap_or(it);
        refused.into_iter().map(better).collect()
    }

    async fn known(&self, site: &Site<'_>) -> Vec<Held> {
        let is_fargate = |node: &Node| maker(node) == Maker::Fargate;
        found(&self.0, site, |facts| held(facts, Drainer::Evictions, is_fargate)).await
    }

    /// Pods of the plan on old nodes, and how many have no node yet: a stateful set's pod comes back under its name, and
    /// is not to be evicted before it has run.
    async fn old(
        &self,
        site: &Site<'_>,
        sight: &Sight<'_>,
        pods: &[String],
        new: &[String],
    ) -> Result<(Vec<Old>, usize), Failure> {
        let api = self.0.api(site, &sight.described)?;
        let (mut old, mut placeless) = (Vec::new(), 0);
        for (namespace, name) in pods.iter().filter_map(|pod| pod.split_once('/')) {
            let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
            let Some(pod) = api.object(&path).await? else { continue };
            let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let is_going = pod.pointer("/metadata/deletionTimestamp").is_some();
            let node = text("/spec/nodeName");
            if node.is_empty() {
                placeless += 1;
            } else if !is_going && !new.iter().any(|new| new == node) {
                let uid = text("/metadata/uid").to_owned();
                let (namespace, name) = (namespace.to_owned(), name.to_owned());
                old.push(Old { namespace, name, uid, node: node.to_owned() });
            }
        }
        Ok((old, placeless))
    }
}

/// Asks for each pod; answers with those that may not go, and what the server says of it.
async fn evict(api: &dyn KubernetesChanges, old: &[Old]) -> Result<Vec<Held>, Failure> {
    let mut held = Vec::new();
    for pod in old {
        match api.evict(&pod.namespace, &pod.name, &pod.uid).await? {
            Eviction::Accepted | Eviction::Gone => {}
            Eviction::Refused { reason } => {
                let named = ObjectMeta::named(&pod.namespace, &pod.name).reference("Pod");
                held.push(Held::Pod { pod: named, node: pod.node.clone(), why: Why::Refused(reason) });
            }
        }
    }
    Ok(held)
}

#[async_trait]
impl Step for Fargate {
    fn name(&self) -> &'static str {
        FARGATE
    }

    async fn turn(&self, turn: Turn<'_>) {
        join_all(turn.slots.iter().map(|slot| async {
            let evicted = self.evicted(&turn, slot).await;
            let now = self.0.now();
            let outcome = evicted.unwrap_or_else(|failure| unseen(UPDATES, slot, now, FARGATE, failure));
            turn.reports.report(slot.target, outcome);
        }))
        .await;
    }
}
