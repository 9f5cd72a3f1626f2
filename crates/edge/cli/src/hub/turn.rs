//! `turn`: takes a turn of the run.

use std::sync::{Arc, Mutex, PoisonError};

use fleetwright_announce::Both;
use fleetwright_engine::{AtGates, Begin, Unwatched, Watcher};
use fleetwright_flow::{Record, Run};
use fleetwright_patch::outcome::{results, run_outcome};
use fleetwright_patch::plan::PatchPlan;
use fleetwright_stepfn::{Answer, Pace, turn};
use serde_json::Value;

use super::place::{owner, person};
use super::{Fault, Hub, Invocation};
use crate::app::App;
use crate::commands::apply;
use crate::commands::scan::calls;
use crate::driving::{Health, ports};
use crate::evidence;
use crate::on_record::OnRecord;
use crate::outgoing::tell_account;
use crate::run_events::RunEvents;
use crate::state::FoundRun;

/// Answers with what the state machine does next ([`Answer`]).
pub(super) async fn handle(app: &App, invocation: &Invocation<'_>) -> Result<Value, Fault> {
    let run = invocation.run()?;
    let execution = invocation.text("execution")?;
    let number = invocation.turn()?;
    let hub = Hub::of_function(app, invocation).await?;
    let (_, session) = hub.session(app).await?;
    let found: FoundRun = hub.state.find(Some(run.as_str())).await?;
    let (document, plan) = (&found.plan, Arc::new(found.plan.plan().clone()));
    let zones = apply::zones_of(&plan, &session.zones().await)?;
    let owner = owner(execution, invocation, number);
    let on_record = OnRecord::of(&hub.state, &run, document.digest(), &owner, person(execution));
    let health = Arc::new(Health::default());
    health.hear(&found.loaded.records);
    let all = ports(session.aws(), &hub.clock, &hub.state, &zones, &plan, &health, &on_record)
        .map_err(|missing| Fault::unusable(missing.to_string()))?;
    let announcer = session.outgoing(&on_record).await?.map(|told| told.start(&run, &plan));
    let announced: &dyn Watcher = announcer.as_ref().map_or(&Unwatched, |it| it);
    let seen = Seen { plan: &plan, health: &health, events: RunEvents::default(), records: Mutex::default() };
    let (flow, digest) = (Arc::new(plan.flow.clone()), document.digest().clone());
    let watch = Both(&seen, announced);
    let begin = Begin::of(digest, found.loaded.clone());
    let taken = turn(all, &run, flow, begin, owner, AtGates::Wait, &Pace::default(), number, &watch).await;
    if let Some(announcer) = announcer {
        tell_account(&announcer.finish().await, app.console);
    }
    evidence::keep_calls(&hub.state, &run, calls(session.aws())).await?;
    let mut records = found.loaded.records;
    records.extend(seen.records.into_inner().unwrap_or_else(PoisonError::into_inner));
    let taken = taken?;
    let results = results(&plan, &taken.run, &records);
    // Signed by whoever leaves, so that nothing of this turn is left unproven. What was done is done: the next turn signs
    // what this one could not.
    if let Err(error) = on_record.log.sign(hub.clock.now()).await {
        tracing::error!(%run, %error, "the end of the audit log could not be signed");
    }
    let outcome = run_outcome(&plan, &taken.run, &results);
    let answer = Answer::of(taken.next, number, outcome.exit);
    serde_json::to_value(answer).map_err(|error| Fault::unusable(error.to_string()))
}

/// Keeps what was recorded meanwhile.
struct Seen<'a> {
    plan: &'a PatchPlan,
    health: &'a Health,
    events: RunEvents,
    records: Mutex<Vec<Record>>,
}

impl Watcher for Seen<'_> {
    fn recorded(&self, records: &[Record], run: &Run) {
        match records {
            [] => self.health.take_all(self.plan, run),
            records => self.health.take(self.plan, records, run),
        }
        self.events.tell(self.plan, records);
        self.records.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(records);
    }
}
