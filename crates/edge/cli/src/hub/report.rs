//! `report`: writes the reports of a run that is over beside its artefacts.

use std::path::Path;

use fleetwright_flow::{Record, Run};
use fleetwright_model::Cell;
use fleetwright_patch::outcome::results;
use fleetwright_patch::plan::PatchPlan;
use fleetwright_ports::{FigureSink, RunId};
use serde_json::{Value, json};

use super::{Fault, Hub, Invocation};
use crate::app::App;
use crate::args::ReportFormat;
use crate::commands::runs::{Folded, fold};
use crate::driving::Told;
use crate::figures::Figures;
use crate::state::FoundRun;
use crate::{evidence, files, report_files};

/// Where reports lie among the artefacts.
const REPORTS: &str = "reports";

/// Answers with the number of files.
pub(super) async fn handle(app: &App, invocation: &Invocation<'_>) -> Result<Value, Fault> {
    let run = invocation.run()?;
    let hub = Hub::of_function(app, invocation).await?;
    let found: FoundRun = hub.state.find(Some(run.as_str())).await?;
    let Folded { run: state, records, damage } = fold(&found);
    if let Some(damage) = damage {
        return Err(Fault::unusable(format!("{run}: {damage}")));
    }
    keep_figures(app, &hub, found.plan.plan(), &state, &records).await;
    let gathered = evidence::gather(&hub.state, &run, found.plan.plan()).await?;
    let FoundRun { plan, loaded, .. } = found;
    drop(loaded);
    let told = Told { run: &run, document: &plan, state: &state, records: &records, now: hub.clock.now() };
    let record = told.record(None, gathered);
    if let Some(point) = record.trend.last().filter(|_| state.ending().is_some()) {
        evidence::keep_trend(&hub.state, &run, point).await?;
    }
    let directory = std::env::temp_dir().join(format!("fleetwright-reports-{}", std::process::id()));
    files::remove_directory(&directory)?;
    files::make_directory(&directory)?;
    report_files::write(&directory, &[ReportFormat::All], &record, &plan)?;
    let kept = keep(&hub, &run, &directory).await;
    files::remove_directory(&directory)?;
    Ok(json!({ "reports": kept? }))
}

/// What the alarms of the hub watch. It changes nothing about how the run ended.
async fn keep_figures(app: &App, hub: &Hub, plan: &PatchPlan, state: &Run, records: &[Record]) {
    let Some(namespace) = app.environment.get("FIGURE_NAMESPACE") else { return };
    let results = results(plan, state, records);
    let cell = Cell { zone: &hub.zone, region: hub.region.clone() };
    let figures = Figures::of(&results).named();
    if let Err(failure) = FigureSink::put(&hub.aws, &cell, namespace, &figures, hub.clock.now()).await {
        tracing::warn!(%failure, namespace, "the figures of the run were not kept in CloudWatch");
    }
}

/// Puts every file of the directory among the artefacts.
async fn keep(hub: &Hub, run: &RunId, directory: &Path) -> Result<usize, Fault> {
    let mut kept = 0;
    for path in files::below(&[directory.to_owned()], &[""])? {
        let Ok(name) = path.strip_prefix(directory) else { continue };
        let key = format!("{REPORTS}/{}", name.display());
        hub.state.artifacts.put(run, &key, &files::read_bytes(&path)?).await?;
        kept += 1;
    }
    Ok(kept)
}
