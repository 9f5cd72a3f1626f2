//! `control-plane`, `add-on` and `node-group`: updates that EKS makes, each begun by one call and then looked at.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_eks::maker::{Maker, maker};
use fleetwright_eks::plan::{Action, Condition, PlanStep};
use fleetwright_eks::run::step_name::{CONTROL_PLANE, NODE_GROUP};
use fleetwright_flow::PlaceId;
use fleetwright_kubernetes::Node;
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::cluster_changes::{Conflicts, UpdateOf};
use fleetwright_ports::clusters::{Update as EksUpdate, UpdateStatus};
use fleetwright_step::{Outcome, Slot, Step, Turn, not_begun};
use futures::future::join_all;

use crate::conditions::{Holds, all_hold};
use crate::context::{Context, Site};
use crate::held::{DIAGNOSED_AFTER, held, told};
use crate::look::{Sight, UPDATES, listed, unseen, wait};
use crate::notes::UpdateNote;

/// The step.
pub(crate) struct Update {
    context: Arc<Context>,
    name: &'static str,
}

impl Update {
    pub(crate) fn new(context: Arc<Context>, name: &'static str) -> Self {
        Self { context, name }
    }

    async fn turned(&self, turn: &Turn<'_>, slot: &Slot) -> Outcome {
        let site = match self.context.site(turn.place, slot.target) {
            Ok(site) => site,
            Err(failure) => return Outcome::Failed(failure),
        };
        let Some(step) = site.step else {
            let words = format!("{} is no step of its plan", slot.subject);
            return Outcome::failed(ErrorClass::Permanent, &code::INTERNAL, self.name, &words);
        };
        let outcome = match &slot.handle {
            Some(id) => self.looked(&site, step, slot, id).await,
            None => self.begun(&site, step, slot).await,
        };
        outcome.unwrap_or_else(|failure| unseen(UPDATES, slot, self.context.now(), self.name, failure))
    }

    /// Begins the update, where it is not made already and what must hold holds.
    async fn begun(&self, site: &Site<'_>, step: &PlanStep, slot: &Slot) -> Result<Outcome, Failure> {
        let mut sight = Sight::of(&self.context, site).await?;
        if all_hold(&mut sight, &step.action, &step.after).await? == Holds::Yes {
            return Ok(Outcome::NotNeeded { code: &code::UPGRADE_ALREADY });
        }
        // An update that is under way may be the one that was begun before a crash: its token tells.
        let before: Vec<Condition> =
            step.before.iter().filter(|it| !(slot.doubt && **it == Condition::AtRest)).cloned().collect();
        match all_hold(&mut sight, &step.action, &before).await? {
            Holds::Yes => {}
            Holds::NotYet(what) => return Ok(wait(UPDATES, slot, self.context.now(), self.name, &what)),
            Holds::No(what) => {
                let words = format!("{}: not begun: {what}", slot.subject);
                return Ok(Outcome::failed(ErrorClass::Permanent, &code::UPGRADE_NOT_SO, self.name, &words));
            }
        }
        if let Some(outcome) = not_begun(slot, self.context.now(), self.name) {
            return Ok(outcome);
        }
        Ok(match self.call(site, step).await {
            Ok(update) => UPDATES.accepted(slot, self.context.now(), &update.id),
            // Something else is being updated: its turn comes when that has ended.
            Err(failure) if failure.class == ErrorClass::Conflict => {
                wait(UPDATES, slot, self.context.now(), self.name, &format!("EKS: {failure}"))
            }
            Err(failure) => Outcome::Failed(failure),
        })
    }

    async fn call(&self, site: &Site<'_>, step: &PlanStep) -> Result<EksUpdate, Failure> {
        let (changes, token) = (&self.context.ports().changes, self.context.token(step));
        let (cell, name) = (&site.cell, &site.name);
        match &step.action {
            Action::ControlPlane { to, .. } => changes.update_version(cell, name, *to, &token).await,
            Action::Addon { name: addon, to, .. } => {
                changes.update_addon(cell, name, addon, to, Conflicts::Refuse, &token).await
            }
            Action::ManagedNodes { group, to, .. } => {
                changes.update_node_group(cell, name, group, *to, &token).await
            }
            _ => {
                let words = format!("{} is no update of EKS", step.id);
                Err(Failure::new(ErrorClass::Permanent, &code::INTERNAL, self.name, &words))
            }
        }
    }

    /// Looks at the update that was begun.
    async fn looked(
        &self,
        site: &Site<'_>,
        step: &PlanStep,
        slot: &Slot,
        id: &str,
    ) -> Result<Outcome, Failure> {
        let of = match &step.action {
            Action::Addon { name, .. } => UpdateOf::Addon(name),
            Action::ManagedNodes { group, .. } => UpdateOf::NodeGroup(group),
            _ => UpdateOf::Cluster,
        };
        let update = self.context.ports().changes.update(&site.cell, &site.name, of, id).await?;
        let failed =
            |what: String| Outcome::failed(ErrorClass::Permanent, &code::UPDATE_FAILED, self.name, &what);
        Ok(match update.status {
            UpdateStatus::Successful => Outcome::done(&UpdateNote { update: update.id }),
            UpdateStatus::Cancelled => failed(format!("{}: update {id} was called off", slot.subject)),
            UpdateStatus::Failed => {
                // By then EKS has let the nodes go again: the old ones are those that were to go.
                let held = self.held(site, |node| is_old(step, node)).await;
                let why = listed(&update.errors);
                failed(format!("{}: update {id} failed: {why}{}", slot.subject, told(&held)))
            }
            UpdateStatus::InProgress => {
                let age = self.context.now().duration_since(slot.started_at).as_secs();
                let held = match age < DIAGNOSED_AFTER {
                    true => Vec::new(),
                    false => self.held(site, |node| node.unschedulable).await,
                };
                let what = format!("update {id} ({}) to end{}", update.kind, told(&held));
                wait(UPDATES, slot, self.context.now(), self.name, &what)
            }
        })
    }

    /// The pods that a replacement of nodes waits for.
    async fn held(&self, site: &Site<'_>, is_drained: impl Fn(&Node) -> bool) -> Vec<String> {
        match self.name {
            NODE_GROUP => held(&self.context, site, is_drained).await,
            _ => Vec::new(),
        }
    }
}

/// Whether a node is one of those that a step replaces.
fn is_old(step: &PlanStep, node: &Node) -> bool {
    match &step.action {
        Action::ManagedNodes { group, to, .. } => {
            maker(node) == Maker::ManagedGroup(group) && node.kubelet != *to
        }
        _ => false,
    }
}

#[async_trait]
impl Step for Update {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn turn(&self, turn: Turn<'_>) {
        join_all(turn.slots.iter().map(|slot| async {
            turn.reports.report(slot.target, self.turned(&turn, slot).await);
        }))
        .await;
    }

    /// EKS calls off few updates: the going back of a control plane while Auto Mode's nodes go back. The others go on,
    /// whoever waits for them.
    async fn cancel(&self, place: PlaceId, slots: &[Slot]) {
        if self.name != CONTROL_PLANE {
            return;
        }
        join_all(slots.iter().map(|slot| async move {
            let (Ok(site), Some(id)) = (self.context.site(place, slot.target), &slot.handle) else { return };
            let asked = self.context.ports().changes.cancel_update(&site.cell, &site.name, id).await;
            if let Err(failure) = asked {
                tracing::info!(%failure, update = %id, "EKS does not call the update off; it goes on");
            }
        }))
        .await;
    }
}
