//! `prepare`: looks at the fleet, makes the plan, makes the run. Called again, it goes on where it was broken off.

use fleetwright_model::{Phase, code};
use fleetwright_patch::PlanDocument;
use fleetwright_ports::{Journal, JournalError, RunId};
use fleetwright_survey::Stop;
use serde_json::{Value, json};

use super::{Fault, Hub, Invocation};
use crate::app::App;
use crate::commands::plan::{Continued, fresh_seed};
use crate::failure::CommandError;
use crate::state::FoundRun;
use crate::{evidence, fleet, learning};

/// Answers with the run's name, hosts and stages.
pub(super) async fn handle(app: &App, invocation: &Invocation<'_>) -> Result<Value, Fault> {
    let input = &invocation.event["input"];
    let run = run_name(input)?;
    let execution = invocation.text("execution")?;
    let hub = Hub::of_function(app, invocation).await?;
    let resume = input["resume"] == true;
    hub.reserve(&run, execution, resume).await?;
    match hub.journal.load(&run).await {
        Ok(loaded) => {
            let document = PlanDocument::read(&loaded.plan)
                .map_err(|error| Fault::of(error.code(), format!("{run}: {error}")))?;
            return Ok(answer(&run, &document));
        }
        Err(JournalError::NoSuchRun { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let document = plan(app, &hub, &run).await?;
    match hub.journal.create(&run, &document.write(), hub.clock.now()).await {
        Ok(()) => Ok(answer(&run, &document)),
        // An invocation before this one got as far as that, and nobody learnt of it.
        Err(JournalError::RunExists { .. }) => {
            let there: FoundRun = hub.state.find(Some(run.as_str())).await?;
            Ok(answer(&run, &there.plan))
        }
        Err(error) => Err(error.into()),
    }
}

/// The name of the run: given, or made of the time a schedule says.
fn run_name(input: &Value) -> Result<RunId, Fault> {
    let name = match (input["run"].as_str(), input["scheduled"].as_str()) {
        (Some(name), _) => name.to_owned(),
        (None, Some(at)) => {
            format!("scheduled-{}", at.chars().filter(char::is_ascii_alphanumeric).collect::<String>())
        }
        (None, None) => {
            let words = "the input names no run: {\"run\": \"NAME\"}, or {\"scheduled\": \"TIME\"} as schedules say it";
            return Err(Fault::unusable(words));
        }
    };
    name.parse().map_err(|error| Fault::unusable(format!("run: {error}")))
}

async fn plan(app: &App, hub: &Hub, run: &RunId) -> Result<PlanDocument, Fault> {
    let (loaded, session) = hub.session(app).await?;
    let settings = &loaded.resolved.settings;
    if settings.safety.dry_run {
        let message = "safety.dry_run is set, and a run of the hub changes the fleet";
        return Err(CommandError::new(&code::USAGE, message).into());
    }
    let phases: Vec<Phase> =
        Phase::ALL.into_iter().filter(|phase| settings.phases.limits(*phase).enabled).collect();
    let request = fleet::scan_request(session.settings(), session.fleet().clone());
    let looking = session.looking(Stop::never(), app.console);
    let looked = looking.look(&request).await;
    let learnt = learning::learnt(&hub.state, hub.clock.now(), app.console).await?;
    let seed = fresh_seed(hub.clock.as_ref());
    let document = looking.plan(&looked, &phases, seed, Continued { learnt, ..Continued::default() })?;
    evidence::keep_inventory(&hub.state, run, document.plan(), &looked.inventory).await?;
    Ok(document)
}

fn answer(run: &RunId, document: &PlanDocument) -> Value {
    let plan = document.plan();
    let hosts = plan.work.iter().filter(|work| work.host().is_some()).count();
    json!({ "run": run, "hosts": hosts, "stages": plan.flow.stages.len() })
}
