//! `fleetwright report`: the reports of a run, written anew from its record.

use std::path::{Path, PathBuf};

use fleetwright_config::settings::OutputFormat;
use fleetwright_flow::Condition;
use fleetwright_model::{Exit, code};
use fleetwright_ports::Clock;
use fleetwright_report::views::{json_schema, xsd};

use crate::args::{ReportFormat, ReportSchema, RunReportArgs};
use crate::commands::runs::{Folded, fold, is_driven};
use crate::console::{self, Console};
use crate::driving::Told;
use crate::evidence::gather;
use crate::failure::CommandError;
use crate::state::{FoundRun, State};
use crate::{files, report_files};

/// Writes the reports that were asked for; needs no AWS.
///
/// # Errors
/// The run's journal is damaged (what is whole is reported), or a report cannot be written.
pub async fn carry_out(
    state: &State,
    found: FoundRun,
    args: &RunReportArgs,
    clock: &dyn Clock,
    form: OutputFormat,
    console: Console,
) -> Result<Exit, CommandError> {
    let Folded { run, records, damage } = fold(&found);
    let why = match run.condition() {
        Condition::Ended(_) => None,
        _ if is_driven(state, &found).await? => Some(&code::RUN_UNDER_WAY),
        Condition::AtGate(_) => Some(&code::APPROVAL_WAITS),
        _ => Some(&code::RUN_INTERRUPTED),
    };
    let gathered = gather(state, &found.run, found.plan.plan()).await?;
    // Of a large run the journal is as large as its record, and not needed any more.
    let FoundRun { run: name, plan, loaded } = found;
    drop(loaded);
    let told = Told { run: &name, document: &plan, state: &run, records: &records, now: clock.now() };
    let record = told.record(why, gathered);
    drop((run, records));
    let directory = args.output_dir.clone().unwrap_or_else(|| own_directory(&name));
    files::make_directory(&directory)?;
    let formats: &[ReportFormat] = if args.format.is_empty() { &[ReportFormat::All] } else { &args.format };
    let written = report_files::write(&directory, formats, &record, &plan)?;
    show(&directory, &written, form, console)?;
    match damage {
        Some(damage) => Err(CommandError::new(&code::JOURNAL_DAMAGED, format!("{name}: {damage}"))),
        None => Ok(Exit::Success),
    }
}

/// Prints the schema of a report.
///
/// # Errors
/// Standard output cannot be written.
pub fn write_schema(which: ReportSchema) -> Result<Exit, CommandError> {
    match which {
        ReportSchema::Json => console::write_text(&format!("{:#}\n", json_schema::schema()))?,
        ReportSchema::Xml => console::write_text(&xsd::schema())?,
    }
    Ok(Exit::Success)
}

/// Where the reports of a run are written unless something else is said.
pub fn own_directory(run: &fleetwright_ports::RunId) -> PathBuf {
    Path::new("reports").join(run.as_str())
}

/// Names the reports that were written.
///
/// # Errors
/// Standard output cannot be written.
pub fn show(
    directory: &Path,
    written: &[String],
    form: OutputFormat,
    console: Console,
) -> Result<(), CommandError> {
    let paths: Vec<String> = written.iter().map(|name| directory.join(name).display().to_string()).collect();
    match form {
        OutputFormat::Text => {
            console.note(&format!("{} written:", if paths.len() == 1 { "report" } else { "reports" }));
            console::write_text(&paths.iter().map(|path| format!("{path}\n")).collect::<String>())
        }
        OutputFormat::Json | OutputFormat::Jsonl => {
            console::write_text(&format!("{}\n", serde_json::json!({ "reports": paths })))
        }
    }
}
