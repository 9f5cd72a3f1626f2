//! `instance-refresh`: the instances of an Auto Scaling group of one's own are replaced, begun by one call and then looked
//! at.
//!
//! No token makes a second call the same: whoever begins looks for a refresh first, and takes up one that launches what
//! the plan names.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_eks::facts::nodes::TemplateRef;
use fleetwright_eks::held::{Drainer, Held, held};
use fleetwright_eks::plan::{Action, PlanStep};
use fleetwright_eks::run::step_name::INSTANCE_REFRESH;
use fleetwright_flow::PlaceId;
use fleetwright_kubernetes::{Minor, Node};
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::self_managed::{InstanceRefresh, RefreshStatus};
use fleetwright_step::{Outcome, Slot, Step, Turn, not_begun};
use futures::future::join_all;

use crate::conditions::{Holds, all_hold};
use crate::context::{Context, Site};
use crate::held::{found, is_due, told};
use crate::look::{Sight, UPDATES, unseen, wait};
use crate::notes::UpdateNote;

/// The step.
pub(crate) struct Refresh(pub(crate) Arc<Context>);

/// What a step of the plan says.
struct Planned<'a> {
    step: &'a PlanStep,
    group: &'a str,
    template: &'a TemplateRef,
    to: Minor,
}

/// Instances of whom are replaced by what; none where it is no such step.
fn planned<'a>(site: &Site<'a>) -> Option<Planned<'a>> {
    let step = site.step?;
    match &step.action {
        Action::SelfManagedNodes { group, template: Some(template), to, .. } => {
            Some(Planned { step, group, template, to: *to })
        }
        _ => None,
    }
}

fn failed(code: &'static code::Code, words: &str) -> Outcome {
    Outcome::failed(ErrorClass::Permanent, code, INSTANCE_REFRESH, words)
}

impl Refresh {
    async fn turned(&self, turn: &Turn<'_>, slot: &Slot) -> Outcome {
        let site = match self.0.site(turn.place, slot.target) {
            Ok(site) => site,
            Err(failure) => return Outcome::Failed(failure),
        };
        let Some(planned) = planned(&site) else {
            let words = format!("{} is no refresh of instances with a version to launch", slot.subject);
            return failed(&code::INTERNAL, &words);
        };
        let outcome = match &slot.handle {
            Some(id) => self.looked(&site, &planned, slot, id).await,
            None => self.begun(&site, &planned, slot).await,
        };
        outcome.unwrap_or_else(|failure| unseen(UPDATES, slot, self.0.now(), INSTANCE_REFRESH, failure))
    }

    /// Begins the refresh, where it is not made or under way already and what must hold holds.
    async fn begun(&self, site: &Site<'_>, planned: &Planned<'_>, slot: &Slot) -> Result<Outcome, Failure> {
        let Planned { step, group, template, .. } = *planned;
        let (now, waiting) =
            (self.0.now(), |what: &str| wait(UPDATES, slot, self.0.now(), INSTANCE_REFRESH, what));
        let mut sight = Sight::of(&self.0, site).await?;
        if all_hold(&mut sight, &step.action, &step.after).await? == Holds::Yes {
            return Ok(Outcome::NotNeeded { code: &code::UPGRADE_ALREADY });
        }
        match all_hold(&mut sight, &step.action, &step.before).await? {
            Holds::Yes => {}
            Holds::NotYet(what) => return Ok(waiting(&what)),
            Holds::No(what) => {
                let words = format!("{}: not begun: {what}", slot.subject);
                return Ok(failed(&code::UPGRADE_NOT_SO, &words));
            }
        }
        let known = self.0.ports().groups.refreshes(&site.cell, group).await?;
        match known.first() {
            Some(last) if is_ours(last, template, slot) => return Ok(UPDATES.accepted(slot, now, &last.id)),
            Some(last) if last.status.is_active() => {
                let what = format!("instance refresh {} of somebody else to end ({})", last.id, last.told);
                return Ok(waiting(&what));
            }
            _ => {}
        }
        if let Some(outcome) = not_begun(slot, now, INSTANCE_REFRESH) {
            return Ok(outcome);
        }
        Ok(match self.0.ports().refreshes.start_refresh(&site.cell, group, template).await {
            Ok(id) => UPDATES.accepted(slot, now, &id),
            // The next look finds whose it is.
            Err(failure) if failure.class == ErrorClass::Conflict => {
                waiting(&format!("Auto Scaling: {failure}"))
            }
            Err(failure) => Outcome::Failed(failure),
        })
    }

    /// Looks at the refresh that was begun.
    async fn looked(
        &self,
        site: &Site<'_>,
        planned: &Planned<'_>,
        slot: &Slot,
        id: &str,
    ) -> Result<Outcome, Failure> {
        let known = self.0.ports().groups.refreshes(&site.cell, planned.group).await?;
        let Some(refresh) = known.into_iter().find(|it| it.id == id) else {
            let words = format!("{}: nobody knows of instance refresh {id} any more", slot.subject);
            return Ok(failed(&code::UPDATE_FAILED, &words));
        };
        let said = format!("instance refresh {id}, {} % done ({})", refresh.percent, refresh.told);
        Ok(match refresh.status {
            RefreshStatus::Successful => Outcome::done(&UpdateNote { update: refresh.id }),
            RefreshStatus::Failed | RefreshStatus::Cancelled => {
                let held = self.held(site, planned).await?;
                failed(&code::UPDATE_FAILED, &format!("{}: {said} has ended{}", slot.subject, told(&held)))
            }
            RefreshStatus::Active | RefreshStatus::Cancelling => {
                let held = match is_due(slot, self.0.now()) {
                    true => self.held(site, planned).await?,
                    false => Vec::new(),
                };
                let what = format!("{said} to end{}", told(&held));
                wait(UPDATES, slot, self.0.now(), INSTANCE_REFRESH, &what)
            }
        })
    }

    /// The pods on old nodes of the group that no budget lets go.
    async fn held(&self, site: &Site<'_>, planned: &Planned<'_>) -> Result<Vec<Held>, Failure> {
        let known = self.0.ports().groups.group(&site.cell, planned.group).await?;
        let instances = known.map(|group| group.instances).unwrap_or_default();
        let is_drained = |node: &Node| {
            let of_group = node.instance_id().is_some_and(|id| instances.iter().any(|it| it.id == id));
            of_group && (node.unschedulable || node.kubelet != planned.to)
        };
        Ok(found(&self.0, site, |facts| held(facts, Drainer::Evictions, is_drained)).await)
    }
}

/// Whether a refresh is the one that the step is for: it launches what the plan names, and goes on, or was begun by a
/// process of this attempt that did not live to say so.
fn is_ours(refresh: &InstanceRefresh, template: &TemplateRef, slot: &Slot) -> bool {
    let since = |at: jiff::Timestamp| slot.doubt && at >= slot.started_at;
    refresh.launches(template)
        && match refresh.status {
            RefreshStatus::Active => true,
            RefreshStatus::Successful | RefreshStatus::Failed | RefreshStatus::Cancelled => {
                refresh.began_at.is_some_and(since)
            }
            RefreshStatus::Cancelling => false,
        }
}

#[async_trait]
impl Step for Refresh {
    fn name(&self) -> &'static str {
        INSTANCE_REFRESH
    }

    async fn turn(&self, turn: Turn<'_>) {
        join_all(turn.slots.iter().map(|slot| async {
            turn.reports.report(slot.target, self.turned(&turn, slot).await);
        }))
        .await;
    }

    /// Instances that were replaced stay so; the others stay as well.
    async fn cancel(&self, place: PlaceId, slots: &[Slot]) {
        join_all(slots.iter().map(|slot| async move {
            let Ok(site) = self.0.site(place, slot.target) else { return };
            let (Some(planned), Some(id)) = (planned(&site), &slot.handle) else { return };
            let ports = self.0.ports();
            // Another refresh of the group is somebody else's.
            let known = ports.groups.refreshes(&site.cell, planned.group).await.unwrap_or_default();
            if !known.iter().any(|it| it.id == **id && it.status == RefreshStatus::Active) {
                return;
            }
            if let Err(failure) = ports.refreshes.cancel_refresh(&site.cell, planned.group).await {
                tracing::info!(%failure, refresh = %id, "Auto Scaling does not call the refresh off; it goes on");
            }
        }))
        .await;
    }
}
