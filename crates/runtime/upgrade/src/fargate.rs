//! `fargate`: evicts pods, one for each look at most per budget, until all run on nodes of the control plane's version.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_eks::plan::Action;
use fleetwright_eks::run::step_name::FARGATE;
use fleetwright_model::Failure;
use fleetwright_ports::kubernetes::{Eviction, KubernetesChanges};
use fleetwright_step::{Outcome, Slot, Step, Turn, not_begun};
use futures::future::join_all;
use serde_json::Value;

use crate::context::{Context, Site};
use crate::look::{Sight, UPDATES, listed, unseen, wait};

/// The step.
pub(crate) struct Fargate(pub(crate) Arc<Context>);

/// A pod of the plan that still runs on an old node.
struct Old {
    namespace: String,
    name: String,
    uid: String,
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
        let old = self.old(&site, &sight, pods, &new).await?;
        if old.is_empty() {
            return Ok(Outcome::Done { note: None, finding: None });
        }
        let many = format!("{} pods to come back on new nodes", old.len());
        if self.0.now() >= slot.deadline {
            return Ok(wait(UPDATES, slot, self.0.now(), FARGATE, &many));
        }
        if let Some(outcome) = not_begun(slot, self.0.now(), FARGATE) {
            return Ok(outcome);
        }
        let api = self.0.api_for_changes(&site, &sight.described).await?;
        let held = evict(&*api, &old).await?;
        let what = match held.as_slice() {
            [] => many,
            held => format!("budgets to let pods go: {}", listed(held)),
        };
        Ok(wait(UPDATES, slot, self.0.now(), FARGATE, &what))
    }

    async fn old(
        &self,
        site: &Site<'_>,
        sight: &Sight<'_>,
        pods: &[String],
        new: &[String],
    ) -> Result<Vec<Old>, Failure> {
        let api = self.0.api(site, &sight.described)?;
        let mut old = Vec::new();
        for (namespace, name) in pods.iter().filter_map(|pod| pod.split_once('/')) {
            let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
            let Some(pod) = api.object(&path).await? else { continue };
            let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let is_going = pod.pointer("/metadata/deletionTimestamp").is_some();
            if !is_going && !new.iter().any(|node| node == text("/spec/nodeName")) {
                let uid = text("/metadata/uid").to_owned();
                old.push(Old { namespace: namespace.to_owned(), name: name.to_owned(), uid });
            }
        }
        Ok(old)
    }
}

/// Asks for each pod; answers with those that a budget does not let go.
async fn evict(api: &dyn KubernetesChanges, old: &[Old]) -> Result<Vec<String>, Failure> {
    let mut held = Vec::new();
    for pod in old {
        match api.evict(&pod.namespace, &pod.name, &pod.uid).await? {
            Eviction::Accepted | Eviction::Gone => {}
            Eviction::Refused { reason } => held.push(format!("{}/{}: {reason}", pod.namespace, pod.name)),
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
