//! `confirm`: waits until what a step is for is so.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_eks::plan::{Action, Condition, PlanStep};
use fleetwright_eks::run::step_name::CONFIRM;
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_step::{Outcome, Slot, Step, Turn};
use futures::future::join_all;
use jiff::SignedDuration;

use crate::conditions::{Holds, all_hold};
use crate::context::{Context, Site};
use crate::held::{by, found, is_due, told};
use crate::look::{Sight, UPDATES, unseen, wait};

/// How long what was just changed may look as before.
const SETTLES: SignedDuration = SignedDuration::from_mins(5);

/// The step.
pub(crate) struct Confirm(pub(crate) Arc<Context>);

impl Confirm {
    async fn looked(&self, turn: &Turn<'_>, slot: &Slot) -> Outcome {
        let now = self.0.now();
        match self.seen(turn, slot).await {
            Ok((Holds::Yes, _)) => Outcome::Done { note: None, finding: None },
            Ok((Holds::NotYet(what), also)) => {
                wait(UPDATES, slot, now, CONFIRM, &format!("{what}{}", also.unwrap_or_default()))
            }
            // What EKS answers may lie behind what it did.
            Ok((Holds::No(what), _)) if now.duration_since(slot.started_at) < SETTLES => {
                wait(UPDATES, slot, now, CONFIRM, &format!("EKS to say so: {what}"))
            }
            Ok((Holds::No(what), _)) => {
                let words = format!("{}: {what}", slot.subject);
                Outcome::failed(ErrorClass::Permanent, &code::UPGRADE_NOT_SO, CONFIRM, &words)
            }
            Err(failure) => unseen(UPDATES, slot, now, CONFIRM, failure),
        }
    }

    async fn seen(&self, turn: &Turn<'_>, slot: &Slot) -> Result<(Holds, Option<String>), Failure> {
        let site = self.0.site(turn.place, slot.target)?;
        let Some(step) = site.step else { return Ok((Holds::Yes, None)) };
        let mut sight = Sight::of(&self.0, &site).await?;
        let holds = all_hold(&mut sight, &step.action, &step.after).await?;
        let also = match (&holds, by_hand(step)) {
            (Holds::NotYet(_), Some(words)) => Some(words),
            (Holds::NotYet(_), None) => self.held(&site, step, slot).await,
            _ => None,
        };
        Ok((holds, also))
    }

    /// What holds nodes that no update of EKS replaces, where they are waited for for long.
    async fn held(&self, site: &Site<'_>, step: &PlanStep, slot: &Slot) -> Option<String> {
        let is_asked = matches!(step.action, Action::PoolNodes { .. } | Action::FargatePods { .. });
        if !is_asked || !is_due(slot, self.0.now()) {
            return None;
        }
        Some(told(&found(&self.0, site, |facts| by(facts, &step.action)).await))
    }
}

/// What people are to do, where nothing of ours brings it about: nodes of a pool go back when their node class says so.
fn by_hand(step: &PlanStep) -> Option<String> {
    let Action::PoolNodes { pool, .. } = &step.action else { return None };
    let version = step.before.iter().find_map(|before| match before {
        Condition::ImageOf { version, .. } => Some(version),
        _ => None,
    })?;
    Some(format!(
        " (let the node class of pool {pool} name an image of {version}; Karpenter then replaces its nodes)"
    ))
}

#[async_trait]
impl Step for Confirm {
    fn name(&self) -> &'static str {
        CONFIRM
    }

    async fn turn(&self, turn: Turn<'_>) {
        join_all(turn.slots.iter().map(|slot| async {
            turn.reports.report(slot.target, self.looked(&turn, slot).await);
        }))
        .await;
    }
}
