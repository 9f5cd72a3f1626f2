//! What happens to a run's hosts as events, for logs and metrics: each step that begins or ends, each
//! decision.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use fleetwright_flow::{Direction, Event, Record, StepIndex, TargetId};
use jiff::Timestamp;
use tracing::{Level, debug, info, warn};

use crate::run_live::signal_name;
use crate::run_plan::{RunPlan, step_name};

/// The target of these events. Logs on standard error show them from `debug` on only: a terminal has the
/// live view.
pub const TARGET: &str = "fleetwright::run";

/// What a step that is under way is known by.
type Flight = (TargetId, StepIndex, Direction);

/// Turns records into events.
#[derive(Debug, Default)]
pub struct RunEvents(Mutex<BTreeMap<Flight, Timestamp>>);

impl RunEvents {
    /// Tells of these records, in the spans of whoever calls.
    pub fn tell(&self, plan: &dyn RunPlan, records: &[Record]) {
        if tracing::enabled!(target: TARGET, Level::INFO) {
            records.iter().for_each(|record| self.tell_of(plan, record));
        }
    }

    fn tell_of(&self, plan: &dyn RunPlan, record: &Record) {
        match &record.event {
            Event::Started { target, step, direction, attempt } => {
                self.begun((*target, *step, *direction), record.at);
                let Named { instance, name, zone, account, region } = named(plan, *target);
                let step = step_name(plan.flow(), *target, step.0, *direction);
                debug!(target: TARGET, %step, ?direction, outcome = "started", instance, name, zone, account,
                    region, attempt, "step begins");
            }
            Event::Succeeded { target, step, direction, finding, .. } => {
                let seconds = self.seconds((*target, *step, *direction), record.at);
                let Named { instance, name, zone, account, region } = named(plan, *target);
                let step = step_name(plan.flow(), *target, step.0, *direction);
                info!(target: TARGET, %step, ?direction, outcome = "succeeded", seconds, instance, name, zone,
                    account, region, code = finding.as_deref(), "step ended");
            }
            Event::Failed { target, step, direction, failure } => {
                let seconds = self.seconds((*target, *step, *direction), record.at);
                let Named { instance, name, zone, account, region } = named(plan, *target);
                let step = step_name(plan.flow(), *target, step.0, *direction);
                warn!(target: TARGET, %step, ?direction, outcome = "failed", seconds, instance, name, zone,
                    account, region, code = &*failure.code, class = ?failure.class, why = &*failure.message,
                    "step ended");
            }
            Event::Skipped { target, step, direction, code, .. } => {
                let seconds = self.seconds((*target, *step, *direction), record.at);
                let Named { instance, name, zone, account, region } = named(plan, *target);
                let step = step_name(plan.flow(), *target, step.0, *direction);
                info!(target: TARGET, %step, ?direction, outcome = "skipped", seconds, instance, name, zone,
                    account, region, code = &**code, "step ended");
            }
            Event::GateReached { stage, .. } => {
                let stage = plan.flow().stages.get(stage.index()).map(|stage| &*stage.name);
                info!(target: TARGET, stage, "a decision is waited for");
            }
            Event::Signalled { signal, by, reason, .. } => {
                let decision = signal_name(*signal);
                info!(target: TARGET, decision, by = &**by, reason = reason.as_deref(), "decided");
            }
            _ => {}
        }
    }

    fn begun(&self, flight: Flight, at: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(flight, at);
    }

    /// None for a step that another process began, and for one that was skipped before it began.
    fn seconds(&self, flight: Flight, at: Timestamp) -> Option<f64> {
        let begun = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&flight)?;
        Some(at.duration_since(begun).as_secs_f64())
    }
}

struct Named<'a> {
    instance: &'a str,
    name: Option<&'a str>,
    zone: &'a str,
    account: &'a str,
    region: &'a str,
}

fn named(plan: &dyn RunPlan, target: TargetId) -> Named<'_> {
    let kernel = plan.flow().target(target);
    let place = plan.flow().place_of(target);
    Named {
        instance: &kernel.subject,
        name: plan.name(target),
        zone: place.zone.as_str(),
        account: place.account.as_str(),
        region: place.region.as_str(),
    }
}
