//! `rollback`: makes the run that takes the last hop of a failed one back. A person approves it as any other.

use fleetwright_eks::plan::PlanDocument;
use fleetwright_eks::run::{Member, Ring, RunDocument, way_back};
use fleetwright_model::code;
use fleetwright_ports::RunId;
use serde_json::Value;

use super::super::{Fault, Hub, Invocation};
use super::{Driven, Perceived, is_made, open};
use crate::app::App;
use crate::upgrading::{FoundUpgrade, not_run, open_way_back, request};

/// Answers with the run of the way back; with the run itself and the reason where there is no way back.
pub(super) async fn handle(app: &App, invocation: &Invocation<'_>) -> Result<Value, Fault> {
    let run = invocation.run()?;
    let execution = invocation.text("execution")?;
    let back: RunId = format!("{run}-back")
        .parse()
        .map_err(|error| Fault::unusable(format!("the run that takes {run} back: {error}")))?;
    let hub = Hub::of_function(app, invocation).await?;
    // Whoever asks for it later finds the execution by either name.
    hub.reserve(&back, execution, true).await?;
    let driven = Driven { run: &back, rollback: false, back: true, why: "" };
    if is_made(&hub, &back).await? {
        return Ok(driven.answer());
    }
    let (_, session) = hub.session(app).await?;
    let found: FoundUpgrade = hub.state.find(Some(run.as_str())).await?;
    let (cluster, way) = match open_way_back(&found, None, hub.clock.now()) {
        Ok(open) => open,
        Err(closed) if closed.code.id == code::WAY_BACK_CLOSED.id => {
            return Ok(Driven { run: &run, rollback: false, back: false, why: &closed.message }.answer());
        }
        Err(error) => return Err(error.into()),
    };
    let (perceived, _) = Perceived::with_plan(&hub, &run).await?;
    let document = PlanDocument::new(found.plan.plan().clusters[cluster].plan.clone());
    let member = Member { document: &document, zone: perceived.zone, window: None };
    let rings = [Ring { name: String::new(), members: vec![member], at_once: 1, soak_seconds: 0 }];
    let plan =
        way_back(&request(&session, &rings), run.as_str(), way.hop).map_err(|refused| not_run(&refused))?;
    open(&hub, &back, &RunDocument::new(plan), perceived.events.as_ref()).await?;
    Ok(driven.answer())
}
