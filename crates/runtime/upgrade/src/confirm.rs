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
use crate::context::Context;
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
            Ok((Holds::NotYet(what), by_hand)) => {
                wait(UPDATES, slot, now, CONFIRM, &format!("{what}{}", by_hand.unwrap_or_default()))
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
        Ok((holds, by_hand(step)))
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
