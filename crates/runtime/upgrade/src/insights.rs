//! `insights`: has EKS look again, and waits until it has.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_eks::run::step_name::INSIGHTS;
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::clusters::Refresh;
use fleetwright_step::{Outcome, Slot, Step, Turn};
use futures::future::join_all;

use crate::context::Context;
use crate::look::{UPDATES, unseen, wait};

/// What stands for a refresh that was begun; EKS has one at a time and gives it no name.
const BEGUN: &str = "refresh";

/// The step.
pub(crate) struct Insights(pub(crate) Arc<Context>);

impl Insights {
    async fn looked(&self, turn: &Turn<'_>, slot: &Slot) -> Outcome {
        let now = self.0.now();
        match self.seen(turn, slot).await {
            Ok(outcome) => outcome,
            Err(failure) => unseen(UPDATES, slot, now, INSIGHTS, failure),
        }
    }

    async fn seen(&self, turn: &Turn<'_>, slot: &Slot) -> Result<Outcome, Failure> {
        let site = self.0.site(turn.place, slot.target)?;
        let clusters = &self.0.ports().clusters;
        if slot.handle.is_none() {
            clusters.refresh_insights(&site.cell, &site.name).await?;
            return Ok(UPDATES.accepted(slot, self.0.now(), BEGUN));
        }
        Ok(match clusters.refresh(&site.cell, &site.name).await? {
            Refresh::Completed => Outcome::Done { note: None, finding: None },
            Refresh::InProgress => {
                wait(UPDATES, slot, self.0.now(), INSIGHTS, "EKS to look at the cluster again")
            }
            Refresh::Failed(why) => {
                let words = format!("{}: EKS could not look again: {why}", slot.subject);
                Outcome::failed(ErrorClass::Transient, &code::CLUSTER_UNCERTAIN, INSIGHTS, &words)
            }
        })
    }
}

#[async_trait]
impl Step for Insights {
    fn name(&self) -> &'static str {
        INSIGHTS
    }

    async fn turn(&self, turn: Turn<'_>) {
        join_all(turn.slots.iter().map(|slot| async {
            turn.reports.report(slot.target, self.looked(&turn, slot).await);
        }))
        .await;
    }
}
