//! `stop-again`: what this run has started is put back to stopped, also after failure and abort.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_model::{ErrorClass, Failure, Instance, InstanceId, InstanceState, code};
use fleetwright_patch::plan::PlannedHost;
use fleetwright_patch::plan::notes::{StartNote, step};
use fleetwright_ports::InstanceQuery;
use jiff::Timestamp;

use crate::command_wave::report;
use crate::context::Context;
use crate::evidence::{Files, LEFT_RUNNING, Taken};
use crate::pace;
use crate::power_batch::{PowerCall, power};
use crate::start::STARTS_WITHIN;
use fleetwright_step::{Late, Outcome, Slot, Step, Turn};

/// The handle: what was stopped is the instance itself.
const HANDLE: &str = "stopping";

const LATE: Late<'static> =
    Late { step: step::STOP_AGAIN, class: ErrorClass::Permanent, code: &code::NOT_STOPPED };

/// The step.
pub(crate) struct StopAgain {
    context: Arc<Context>,
}

impl StopAgain {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Whether the instance was started by this run. A start that failed leaves no note, but it may have
    /// had its effect; one that found the instance running has said so.
    async fn is_ours(&self, turn: &Turn<'_>, slot: &Slot, host: &PlannedHost) -> Result<bool, Outcome> {
        if host.state != InstanceState::Stopped {
            return Ok(false);
        }
        if slot.note(step::START).is_some() {
            return Ok(true);
        }
        let files = Files { context: &self.context, place: turn.place, os: host.os, instance: &host.id };
        Ok(!files.has(Taken::Before, LEFT_RUNNING).await?)
    }

    async fn work(&self, turn: &Turn<'_>, hosts: Vec<(&Slot, &PlannedHost)>) {
        if hosts.is_empty() {
            return;
        }
        let ids = hosts.iter().map(|(_, host)| host.id.clone()).collect();
        let query = InstanceQuery { ids, ..InstanceQuery::default() };
        let listing = self.context.ports().machines.instances(&self.context.cell(turn.place), &query).await;
        let found: BTreeMap<InstanceId, Instance> =
            listing.items.into_iter().map(|it| (it.id.clone(), it)).collect();
        let now = self.context.now();
        let mut stop = Vec::new();
        for (slot, host) in hosts {
            let outcome = match (found.get(&host.id), &listing.failure) {
                (None, Some(failure)) => {
                    pace::POWER.look(slot, now, &format!("its state to be readable ({failure})"), LATE)
                }
                (None, None) => Outcome::LeaveTarget { code: &code::REPLACED },
                (Some(instance), _) if is_another(slot, instance) => {
                    Outcome::LeaveTarget { code: &code::REPLACED }
                }
                (Some(instance), _) => match instance.state {
                    InstanceState::Stopped if may_be_starting(slot, now) => {
                        pace::POWER.look(slot, now, "its start to show, if it was started", LATE)
                    }
                    InstanceState::Stopped => Outcome::Done { note: None, finding: None },
                    InstanceState::Running if slot.handle.is_none() => {
                        stop.push((slot, host.id.clone()));
                        continue;
                    }
                    state => pace::POWER.look(slot, now, &format!("it to stop (it is {state})"), LATE),
                },
            };
            report(turn, slot, outcome);
        }
        for (slot, _, result) in power(&self.context, turn.place, PowerCall::Stop, stop).await {
            let outcome = match result {
                Ok(()) => pace::POWER.accepted(slot, self.context.now(), HANDLE),
                Err(failure) => Outcome::Failed(Failure { code: &code::NOT_STOPPED, ..failure }),
            };
            report(turn, slot, outcome);
        }
    }
}

/// Whether a reading that says stopped may be from before a start that took effect: of one that was cut
/// off nobody knows when, but it was before this step began.
fn may_be_starting(slot: &Slot, now: Timestamp) -> bool {
    let is_known = slot.note(step::START).is_some() || slot.handle.is_some();
    !is_known && now.duration_since(slot.started_at) < STARTS_WITHIN
}

/// Whether somebody has stopped and started the instance since.
fn is_another(slot: &Slot, instance: &Instance) -> bool {
    let started: Option<StartNote> = slot.read_note(step::START);
    match (started.and_then(|note| note.launch_time), instance.launch_time) {
        (Some(ours), Some(now)) => ours != now,
        _ => false,
    }
}

#[async_trait]
impl Step for StopAgain {
    fn name(&self) -> &'static str {
        step::STOP_AGAIN
    }

    fn gathers_for(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn batch_size(&self) -> usize {
        100
    }

    async fn turn(&self, turn: Turn<'_>) {
        let mut ours = Vec::new();
        for (slot, host) in self.context.hosts(step::STOP_AGAIN, &turn) {
            match self.is_ours(&turn, slot, host).await {
                Ok(true) => ours.push((slot, host)),
                Ok(false) => report(&turn, slot, Outcome::NotNeeded { code: &code::NOT_NEEDED }),
                Err(outcome) => report(&turn, slot, outcome),
            }
        }
        self.work(&turn, ours).await;
    }
}
