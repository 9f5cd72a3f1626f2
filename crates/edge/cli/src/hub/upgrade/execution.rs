//! `execution`: takes a turn of the run.

use std::sync::{Arc, Mutex, PoisonError};

use fleetwright_announce::Both;
use fleetwright_eks::run::UpgradeRun;
use fleetwright_engine::{AtGates, Begin, Unwatched, Watcher};
use fleetwright_flow::{Record, Run};
use fleetwright_stepfn::{Answer, Pace, turn};
use fleetwright_upgrade::MissingZone;
use serde_json::Value;

use super::super::place::owner;
use super::super::{Fault, Hub, Invocation};
use crate::app::App;
use crate::commands::scan::calls;
use crate::evidence;
use crate::outgoing::tell_account;
use crate::run_events::RunEvents;
use crate::run_plan::Decided;
use crate::upgrading::{FoundUpgrade, Told, exit_of};

/// Answers with what the state machine does next ([`Answer`]).
pub(super) async fn handle(app: &App, invocation: &Invocation<'_>) -> Result<Value, Fault> {
    let run = invocation.run()?;
    let execution = invocation.text("execution")?;
    let number = invocation.turn()?;
    let hub = Hub::of_function(app, invocation).await?;
    let (_, session) = hub.session(app).await?;
    let found: FoundUpgrade = hub.state.find(Some(run.as_str())).await?;
    let plan = Arc::new(found.plan.plan().clone());
    let owner = owner(execution, invocation, number);
    let mut upgrading = hub.upgrading(app, &session, &found, (execution, &owner)).await?;
    let decided = Arc::new(Decided::default());
    decided.hear(&found.loaded.records);
    let missing_zone =
        |missing: MissingZone| Fault::of(&fleetwright_model::code::PLAN_ELSEWHERE, missing.to_string());
    let ports = upgrading.run_ports(&found.plan, &plan, &decided).map_err(missing_zone)?;
    let announcer = upgrading.told.take().map(|told| told.start(&run, &plan));
    let announced: &dyn Watcher = announcer.as_ref().map_or(&Unwatched, |it| it);
    let events = upgrading.events.as_ref().map(|bus| bus.start(&upgrading, &run, &plan));
    let published: &dyn Watcher = events.as_ref().map_or(&Unwatched, |it| it);
    let seen =
        Seen { plan: &plan, decided: &decided, events: RunEvents::default(), records: Mutex::default() };
    let (flow, digest) = (Arc::new(plan.flow.clone()), found.plan.digest().clone());
    let begin = Begin::of(digest, found.loaded.clone());
    let told = Both(announced, published);
    let watch = Both(&seen, &told);
    let taken = turn(ports, &run, flow, begin, owner, AtGates::Wait, &Pace::default(), number, &watch).await;
    if let Some(events) = events {
        upgrading.tell_published(&events.finish().await);
    }
    if let Some(announcer) = announcer {
        tell_account(&announcer.finish().await, app.console);
    }
    evidence::keep_calls(&hub.state, &run, calls(session.aws())).await?;
    // What was done is done: the next turn signs what this one could not.
    if let Err(error) = upgrading.on_record.log.sign(hub.clock.now()).await {
        tracing::error!(%run, %error, "the end of the audit log could not be signed");
    }
    let mut records = found.loaded.records;
    records.extend(seen.records.into_inner().unwrap_or_else(PoisonError::into_inner));
    let taken = taken?;
    let told =
        Told { run: run.as_str(), document: &found.plan, state: &taken.run, records: &records, why: None };
    let answer = Answer::of(taken.next, number, exit_of(&told, hub.clock.now()));
    serde_json::to_value(answer).map_err(|error| Fault::unusable(error.to_string()))
}

/// Keeps what was recorded meanwhile.
struct Seen<'a> {
    plan: &'a UpgradeRun,
    decided: &'a Decided,
    events: RunEvents,
    records: Mutex<Vec<Record>>,
}

impl Watcher for Seen<'_> {
    fn recorded(&self, records: &[Record], run: &Run) {
        self.decided.recorded(records, run);
        self.events.tell(self.plan, records);
        self.records.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(records);
    }
}
