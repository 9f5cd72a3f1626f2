//! `bake`: waits after a wave before its results count, with an eye on the alarms meanwhile.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_model::{ErrorClass, code};
use fleetwright_patch::plan::GateWork;
use fleetwright_patch::plan::notes::{BakeNote, step::BAKE};
use jiff::{SignedDuration, Timestamp};

use crate::command_wave::report;
use crate::context::Context;
use crate::gate_alarms::{self, AlarmsRead, listed};
use fleetwright_step::{Outcome, Pace, Slot, Step, Turn};

/// The step.
pub(crate) struct Bake {
    context: Arc<Context>,
}

/// CloudWatch evaluates alarms once a minute as a rule.
const PACE: Pace = Pace { first: 32, longest: 64, share: 16 };

impl Bake {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    fn judge(&self, slot: &Slot, gate: &GateWork, read: &AlarmsRead) -> Outcome {
        let now = self.context.now();
        let waited = now.duration_since(slot.started_at).as_secs();
        if !read.alarming.is_empty() {
            let words = format!("{}: in alarm after {waited} s: {}", slot.subject, listed(&read.alarming));
            return Outcome::failed(ErrorClass::Permanent, &code::GATE_ALARM, BAKE, &words);
        }
        if !read.nowhere.is_empty() {
            let words = format!("{}: no such alarm: {}", slot.subject, listed(&read.nowhere));
            return Outcome::failed(ErrorClass::Permanent, &code::GATE_UNKNOWN, BAKE, &words);
        }
        if let Some(failure) = &read.failure {
            // What the alarms say in the end is the matter of the checks that follow.
            tracing::warn!(%failure, gate = %slot.subject, "the alarms were not read while waiting");
        }
        let over = over_at(slot, gate);
        if now >= over {
            let alarms = u32::try_from(gate.alarms.len()).unwrap_or(u32::MAX);
            return Outcome::done(&BakeNote { seconds: gate.bake_seconds, alarms });
        }
        let at = if gate.alarms.is_empty() { over } else { PACE.next(slot.started_at, now).min(over) };
        Outcome::LookAgain { at, waiting_for: "the wave to prove itself".into() }
    }
}

/// When the wave has been waited after. A process that was down meanwhile has waited as well.
fn over_at(slot: &Slot, gate: &GateWork) -> Timestamp {
    let wait = SignedDuration::from_secs(gate.bake_seconds.into());
    slot.started_at.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[async_trait]
impl Step for Bake {
    fn name(&self) -> &'static str {
        BAKE
    }

    async fn turn(&self, turn: Turn<'_>) {
        for (slot, gate) in self.context.gates(BAKE, &turn) {
            let read = gate_alarms::read(&self.context, turn.place, &gate.alarms).await;
            report(&turn, slot, self.judge(slot, gate, &read));
        }
    }
}
