//! `reasoning`: judges the plan that perception drew up, and makes the run. Nothing is carried out over what blocks.

use fleetwright_eks::plan::{Standing, UpgradePlan};
use fleetwright_eks::run::{Member, Ring, RunDocument, upgrade};
use fleetwright_model::code;
use fleetwright_report::safe;
use serde_json::Value;

use super::super::{Fault, Hub, Invocation};
use super::{Driven, Perceived, is_made, open};
use crate::app::App;
use crate::failure::CommandError;
use crate::roll_out;
use crate::upgrading::{not_run, request};

/// Findings that a fault names; the report of readiness has all.
const NAMED: usize = 5;

/// Answers with the run.
pub(super) async fn handle(app: &App, invocation: &Invocation<'_>) -> Result<Value, Fault> {
    let run = invocation.run()?;
    let hub = Hub::of_function(app, invocation).await?;
    let (perceived, document) = Perceived::with_plan(&hub, &run).await?;
    let driven = Driven { run: &run, rollback: perceived.rollback, back: false, why: "" };
    if is_made(&hub, &run).await? {
        return Ok(driven.answer());
    }
    judge(document.plan())?;
    let (_, session) = hub.session(app).await?;
    if session.settings().safety.dry_run {
        let message = "safety.dry_run is set, and a run of the hub changes the cluster";
        return Err(CommandError::new(&code::USAGE, message).into());
    }
    let window = roll_out::window(session.settings(), None, hub.clock.now())?;
    let member = Member { document: &document, zone: perceived.zone, window };
    let rings = [Ring { name: String::new(), members: vec![member], at_once: 1, soak_seconds: 0 }];
    let plan = upgrade(&request(&session, &rings)).map_err(|refused| not_run(&refused))?;
    open(&hub, &run, &RunDocument::new(plan), perceived.events.as_ref()).await?;
    Ok(driven.answer())
}

fn judge(plan: &UpgradePlan) -> Result<(), Fault> {
    match plan.standing() {
        Standing::Executable => Ok(()),
        Standing::Blocked => {
            let named = plan.blockers().map(|it| format!("{}: {}: {}", it.code, it.subject, it.what));
            Err(Fault::of(&code::CLUSTER_NOT_READY, listed(named.collect())))
        }
        Standing::Undecided => {
            let gaps = plan.unread.iter().filter(|gap| gap.undecided);
            let named = gaps.map(|gap| format!("{}: {}", gap.code, gap.detail));
            Err(Fault::of(&code::CLUSTER_UNCERTAIN, listed(named.collect())))
        }
    }
}

/// The first of them on one line, and how many there are.
fn listed(all: Vec<String>) -> String {
    let some: Vec<_> = all.iter().take(NAMED).map(|it| safe::line(it)).collect();
    let more = all.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{more}", some.join("; "))
}
