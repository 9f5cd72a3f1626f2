//! `perception`: finds the cluster, reads it, judges whether it is ready, and draws up the plan of its upgrade.

use std::time::Duration;

use fleetwright_config::settings::OutputFormat;
use fleetwright_eks::assess;
use fleetwright_eks::plan::{PlanDocument, PlanOptions, PlanRequest, Standing, plan};
use fleetwright_model::{ErrorClass, code};
use fleetwright_ports::{Clusters, RunId};
use fleetwright_report::{eks, safe};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use super::super::{Fault, Hub, Invocation};
use super::input::Input;
use super::{PERCEIVED, PLAN, Perceived};
use crate::app::App;
use crate::cells::{self, Place};
use crate::commands::eks::reading::{Prepared, Reading};
use crate::one_place::OnePlace;
use crate::running::Session;
use crate::state::refused;

/// How long EKS is given to look at a cluster again before its insights are read, where the configuration is silent.
const REFRESH: Duration = Duration::from_secs(5 * 60);

/// Answers with the run's name, the cluster, its versions, and how the plan stands. Called again, it answers what it found.
pub(super) async fn handle(app: &App, invocation: &Invocation<'_>) -> Result<Value, Fault> {
    let input = Input::read(&invocation.event["input"])?;
    let execution = invocation.text("execution")?;
    let run = input.run(execution)?;
    let hub = Hub::of_function(app, invocation).await?;
    hub.reserve(&run, execution, input.resume).await?;
    if let Some(perceived) = Perceived::kept(&hub, &run).await? {
        return Ok(answer(&run, &perceived));
    }
    let (loaded, session) = hub.session(app).await?;
    let place = find(&session, &input).await?;
    let at = OnePlace {
        aws: session.aws().clone(),
        clock: hub.clock.clone(),
        place,
        dry_run: false,
        format: OutputFormat::Json,
        console: app.console,
    };
    let prepared = Prepared::of_hub(&loaded, input.cluster.clone(), input.to, REFRESH)?;
    let prepared = prepared.with_suites(&input.suites);
    let reading = prepared.read(&at).await?;
    keep_readiness(&hub, &run, &at, &input, &reading).await?;
    let options = input.options(&prepared.upgrade);
    let document = planned(&at, &input, &options, &reading)?;
    keep(&hub, &run, "runbook.md", eks::runbook::runbook(&document).as_bytes()).await?;
    keep(&hub, &run, PLAN, &document.write()).await?;
    let perceived = Perceived {
        zone: at.place.zone.name.clone(),
        cluster: input.cluster.to_string(),
        from: reading.version.to_string(),
        to: input.to.to_string(),
        digest: document.digest().to_string(),
        standing: standing(document.plan().standing()).to_owned(),
        rollback: input.rollback(&prepared.upgrade),
        events: input.events(&session.settings().agent)?,
    };
    // Last: who finds this finds the plan.
    let bytes = serde_json::to_vec(&perceived).expect("texts are plain data");
    keep(&hub, &run, PERCEIVED, &bytes).await?;
    Ok(answer(&run, &perceived))
}

fn answer(run: &RunId, perceived: &Perceived) -> Value {
    let Perceived { cluster, from, to, standing, .. } = perceived;
    json!({ "run": run, "cluster": cluster, "from": from, "to": to, "standing": standing })
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Executable => "executable",
        Standing::Blocked => "blocked",
        Standing::Undecided => "undecided",
    }
}

async fn keep(hub: &Hub, run: &RunId, name: &str, bytes: &[u8]) -> Result<(), Fault> {
    Ok(hub.state.artifacts.put(run, name, bytes).await.map_err(|error| refused(&error))?)
}

/// The one place with a cluster of that name.
async fn find(session: &Session, input: &Input) -> Result<Place, Fault> {
    let (aws, name) = (session.aws(), &input.cluster);
    let width = session.settings().scan.max_concurrent_regions.max(1) as usize;
    let (mut places, mut lost) = cells::places(aws, session.clock().as_ref(), session.fleet(), width).await;
    let account = input.account.as_ref();
    let region = input.region.as_ref();
    places.retain(|place| {
        account.is_none_or(|it| place.zone.account == *it) && region.is_none_or(|it| place.region == *it)
    });
    let asked = places.into_iter().map(|place| async move {
        let described = aws.cluster(&place.cell(), name).await;
        (place, described)
    });
    let asked: Vec<_> = stream::iter(asked).buffered(width).collect().await;
    let mut found = Vec::new();
    for (place, described) in asked {
        match described {
            Ok(_) => found.push(place),
            Err(failure) if failure.class == ErrorClass::NotFound => {}
            Err(failure) => lost.push(place.lost(&failure)),
        }
    }
    let exact = account.is_some() && region.is_some();
    match found.len() {
        1 if exact || lost.is_empty() => Ok(found.remove(0)),
        1 => Err(Fault::of(
            &code::CLUSTER_UNREACHED,
            format!(
                "not every place could be looked at for another cluster {name}; say `account` and `region`: {}",
                lost.join("; ")
            ),
        )),
        0 if !lost.is_empty() => Err(Fault::of(
            &code::CLUSTER_UNREACHED,
            format!("no cluster {name} was found: {}", lost.join("; ")),
        )),
        0 => Err(Fault::unusable(format!("no landing zone of the hub has a cluster {name}"))),
        several => {
            let names: Vec<String> = found.iter().map(Place::name).collect();
            let names = names.join("; ");
            Err(Fault::unusable(format!(
                "{several} clusters are called {name}; say `account` and `region`: {names}"
            )))
        }
    }
}

async fn keep_readiness(
    hub: &Hub,
    run: &RunId,
    at: &OnePlace,
    input: &Input,
    reading: &Reading,
) -> Result<(), Fault> {
    let assessment = assess(&reading.facts, &reading.route, reading.at, &[]);
    let told = eks::Assessed {
        program: env!("CARGO_PKG_VERSION"),
        cluster: eks::ClusterName {
            account: &at.place.zone.account,
            region: &at.place.region,
            name: input.cluster.as_str(),
        },
        version: reading.version,
        route: &reading.route,
        at: reading.at,
        assessment: &assessment,
    };
    keep(hub, run, "readiness.json", eks::json::assessment(&told).as_bytes()).await?;
    keep(hub, run, "readiness.md", eks::markdown::assessment(&told).as_bytes()).await
}

fn planned(
    at: &OnePlace,
    input: &Input,
    options: &PlanOptions,
    reading: &Reading,
) -> Result<PlanDocument, Fault> {
    if reading.route.is_empty() {
        let message = format!("cluster {} is at {} already", input.cluster, reading.version);
        return Err(Fault::of(&code::CLUSTER_TARGET, message));
    }
    let request = PlanRequest {
        facts: &reading.facts,
        account: &at.place.zone.account,
        region: &at.place.region,
        target: input.to,
        options,
        suppressions: &[],
        program: env!("CARGO_PKG_VERSION"),
        at: reading.at,
    };
    let plan = plan(&request).map_err(|refused| {
        Fault::of(&code::UPGRADE_UNPLANNABLE, safe::line(&refused.to_string()).into_owned())
    })?;
    Ok(PlanDocument::new(plan))
}
