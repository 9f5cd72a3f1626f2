//! `validation`: looks at the clusters once more when their run is over, and writes its reports.

use std::sync::Arc;

use fleetwright_eks::run::outcome::{ClusterStanding, outcomes};
use fleetwright_flow::Ending;
use fleetwright_model::{ErrorClass, code};
use fleetwright_report::safe;
use fleetwright_stepfn::{Answer, Next};
use fleetwright_upgrade::worse_than_before;
use serde_json::{Value, json};

use super::super::place::owner;
use super::super::{Fault, Hub, Invocation};
use crate::app::App;
use crate::commands::runs::{Folded, fold};
use crate::run_plan::Decided;
use crate::state::refused;
use crate::upgrading::{FoundUpgrade, Told, exit_of, report_files};

/// Where reports lie among the artefacts.
const REPORTS: &str = "reports";

/// Answers with whether every cluster is where the run was to bring it and as well as before, what is worse, how the run
/// ended, and the number of files.
pub(super) async fn handle(app: &App, invocation: &Invocation<'_>) -> Result<Value, Fault> {
    let run = invocation.run()?;
    let execution = invocation.text("execution")?;
    let hub = Hub::of_function(app, invocation).await?;
    let (_, session) = hub.session(app).await?;
    let found: FoundUpgrade = hub.state.find(Some(run.as_str())).await?;
    let Folded { run: state, records, damage } = fold(&found);
    if let Some(damage) = damage {
        return Err(Fault::unusable(format!("{run}: {damage}")));
    }
    let ending = state.ending().ok_or_else(|| Fault::unusable(format!("{run} is not over")))?;
    let now = hub.clock.now();
    let plan = Arc::new(found.plan.plan().clone());
    let owner = owner(execution, invocation, 0);
    let upgrading = hub.upgrading(app, &session, &found, (execution, &owner)).await?;
    let context = upgrading
        .context(&found.plan, &plan, &Arc::new(Decided::default()))
        .map_err(|missing| Fault::of(&code::PLAN_ELSEWHERE, missing.to_string()))?;
    let mut worse = Vec::new();
    // What a person stopped is judged by that person.
    if !matches!(ending, Ending::Rejected | Ending::Aborted) {
        for (cluster, compared) in worse_than_before(&context).await {
            match compared {
                Ok(lines) => worse.extend(lines.iter().map(|line| said(&cluster, line))),
                Err(failure) if passes(failure.class) => return Err(failure.into()),
                // What cannot be compared is not as well as before.
                Err(failure) => worse.push(said(&cluster, &failure.to_string())),
            }
        }
    }
    let told = Told { run: run.as_str(), document: &found.plan, state: &state, records: &records, why: None };
    let done = outcomes(&plan, &state, &records, now).iter().all(|it| it.standing == ClusterStanding::Done);
    let success = ending == Ending::Complete && done && worse.is_empty();
    let ending = Answer::of(Next::Over { ending }, 0, exit_of(&told, now)).ending;
    let mut reports = 0;
    for (name, bytes) in report_files(&told, now) {
        let key = format!("{REPORTS}/{name}");
        hub.state.artifacts.put(&run, &key, &bytes).await.map_err(|error| refused(&error))?;
        reports += 1;
    }
    Ok(json!({ "success": success, "ending": ending, "worse": worse, "reports": reports }))
}

fn said(cluster: &str, what: &str) -> String {
    safe::line(&format!("{cluster}: {what}")).into_owned()
}

fn passes(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::Throttled | ErrorClass::Transient | ErrorClass::Ambiguous)
}
